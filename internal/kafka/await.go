package kafka

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// A topic that one broker has told of, or the controller has made, can be unknown to another broker for a
// moment. What is known to exist is therefore asked for again before it counts as missing.

// AwaitTopics is [Admin.Topics] for topics that are known to exist: it asks until every one of them can be seen,
// or the request timeout of the Config has passed.
func (a *Admin) AwaitTopics(ctx context.Context, names ...string) (map[string]Topic, error) {
	ctx, cancel := context.WithTimeout(ctx, a.timeout)
	defer cancel()
	for wait := firstWait; ; wait = min(2*wait, lastWait) {
		topics, err := a.Topics(ctx, names...)
		if err != nil {
			return nil, err
		}
		missing := ""
		for _, t := range topics {
			if t.Missing {
				missing = t.Name
			}
		}
		if missing == "" {
			return topics, nil
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return nil, classify("describe topic", missing, -1, fmt.Errorf("it exists, but is not to be seen yet: %w", ctx.Err()))
		}
	}
}

// AwaitTopicConfigs is [Admin.TopicConfigs] for topics that are known to exist: it asks until the broker that is
// asked knows every one of them. When the request timeout of the Config has passed, the error is the last answer's.
func (a *Admin) AwaitTopicConfigs(ctx context.Context, names ...string) (map[string]map[string]string, error) {
	bounded, cancel := context.WithTimeout(ctx, a.timeout)
	defer cancel()
	for wait := firstWait; ; wait = min(2*wait, lastWait) {
		configs, err := a.TopicConfigs(ctx, names...)
		if !errors.Is(err, UnknownTopic) {
			return configs, err
		}
		select {
		case <-time.After(wait):
		case <-bounded.Done():
			return nil, err
		}
	}
}

// The waits between two questions.
const (
	firstWait = 5 * time.Millisecond
	lastWait  = 250 * time.Millisecond
)
