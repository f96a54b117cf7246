// Package changelog knows what stores look like in Kafka: the names and configurations of internal topics,
// the records of a changelog beside the rows of a store, where a restore begins and ends and how far it is,
// and the metadata that travels with committed offsets.
//
// Names, configurations and bytes are those of Kafka Streams, so that an application that moves over brings
// its state and offsets with it. The package is pure: it computes topics and never creates one, and time is
// an argument.
//
// # Invariants
//
//   - A restore ends by position ([Progress]): not when a certain record has come, which compaction may have
//     taken away or which may be a transaction's marker.
//   - State that cannot be completed from the changelog is wiped before it is rebuilt ([ResumeAt]), so that
//     no key survives whose tombstone is gone.
//   - Converting a record to a row allocates nothing beyond the caller's buffer.
//
// It refuses names that Kafka would refuse, and existing topics that would lose state.
package changelog

import (
	"errors"
	"fmt"
	"strings"
)

// MaxTopicName is the most bytes that Kafka takes in a topic's name.
const MaxTopicName = 249

// Topic returns the name of a store's changelog topic.
func Topic(app, store string) string { return app + "-" + store + "-changelog" }

// Repartition returns the name of a repartition topic.
func Repartition(app, name string) string { return app + "-" + name + "-repartition" }

// ValidateTopic reports why Kafka would refuse a topic name: nil if it would not.
func ValidateTopic(name string) error {
	switch {
	case name == "":
		return errors.New("topic name: is empty")
	case name == "." || name == "..":
		return fmt.Errorf("topic name %q: Kafka does not allow it", name)
	case len(name) > MaxTopicName:
		return fmt.Errorf("topic name %q: %d bytes long, Kafka takes %d", name, len(name), MaxTopicName)
	}
	if c, ok := illegal(name); ok {
		return fmt.Errorf("topic name %q: %q is not allowed, use letters a-z, A-Z, digits, '.', '_' and '-'", name, c)
	}
	return nil
}

// illegal returns the first character of name that cannot be in a topic's name.
func illegal(name string) (rune, bool) {
	for _, c := range name {
		if !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-", c) {
			return c, true
		}
	}
	return 0, false
}

// ValidateApp reports what is wrong with an application id, given the names of its logged stores and of its
// repartitions: characters that no topic may have, and names that are too long with the id in front, of
// which the longest is shown. All problems come at once.
func ValidateApp(app string, stores, repartitions []string) error {
	var problems []error
	if app == "" {
		problems = append(problems, errors.New("application id: is empty, it names the group and every internal topic"))
	} else if c, ok := illegal(app); ok {
		problems = append(problems, fmt.Errorf(
			"application id %q: %q is not allowed, use letters a-z, A-Z, digits, '.', '_' and '-'", app, c))
	}
	var topics []string
	name := func(kind, name, topic string) {
		if name == "" {
			problems = append(problems, fmt.Errorf("%s name: is empty", kind))
		} else if c, ok := illegal(name); ok {
			problems = append(problems, fmt.Errorf(
				"%s %q: %q is not allowed, use letters a-z, A-Z, digits, '.', '_' and '-'", kind, name, c))
		}
		topics = append(topics, topic)
	}
	for _, s := range stores {
		name("store", s, Topic(app, s))
	}
	for _, r := range repartitions {
		name("repartition", r, Repartition(app, r))
	}
	longest := ""
	for _, t := range topics {
		if len(t) > len(longest) {
			longest = t
		}
	}
	if over := len(longest) - MaxTopicName; over > 0 {
		problems = append(problems, fmt.Errorf(
			"application id %q: internal topic %q is %d bytes long, Kafka takes %d: shorten the id or the name by %d",
			app, longest, len(longest), MaxTopicName, over))
	}
	return errors.Join(problems...)
}
