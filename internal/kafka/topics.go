package kafka

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// DeleteTopics deletes topics; one that does not exist is no error. The errors of all topics come joined.
func (a *Admin) DeleteTopics(ctx context.Context, names ...string) error {
	if len(names) == 0 {
		return nil
	}
	req := kmsg.NewPtrDeleteTopicsRequest()
	req.TimeoutMillis = int32(a.timeout.Milliseconds())
	req.TopicNames = names
	for _, name := range names {
		t := kmsg.NewDeleteTopicsRequestTopic()
		t.Topic = new(name)
		req.Topics = append(req.Topics, t)
	}
	resp, err := req.RequestWith(ctx, a.cl)
	if err != nil {
		return classify("delete topics", "", -1, err)
	}
	var errs []error
	for _, t := range resp.Topics {
		err := kerr.ErrorForCode(t.ErrorCode)
		if err == nil || t.Topic == nil || errors.Is(err, kerr.UnknownTopicOrPartition) {
			continue
		}
		errs = append(errs, classify("delete topic", *t.Topic, -1, err))
	}
	return errors.Join(errs...)
}

// GrowTopic gives a topic more partitions, and returns when they are to be seen. Records with keys go to other
// partitions from then on.
func (a *Admin) GrowTopic(ctx context.Context, name string, partitions int32) error {
	ctx, cancel := context.WithTimeout(ctx, a.timeout)
	defer cancel()
	req := kmsg.NewPtrCreatePartitionsRequest()
	req.TimeoutMillis = int32(a.timeout.Milliseconds())
	t := kmsg.NewCreatePartitionsRequestTopic()
	t.Topic, t.Count = name, partitions
	req.Topics = append(req.Topics, t)
	resp, err := req.RequestWith(ctx, a.cl)
	if err != nil {
		return classify("grow topic", name, -1, err)
	}
	for _, t := range resp.Topics {
		if err := kerr.ErrorForCode(t.ErrorCode); err != nil {
			if t.ErrorMessage != nil && *t.ErrorMessage != "" {
				err = fmt.Errorf("%w (%s)", err, *t.ErrorMessage)
			}
			return classify("grow topic", name, -1, err)
		}
	}
	for {
		found, err := a.Topics(ctx, name)
		if err != nil || found[name].Partitions >= partitions {
			return err
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			return classify("grow topic", name, -1, ctx.Err())
		}
	}
}
