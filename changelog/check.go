package changelog

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Existing is an internal topic as it stands in Kafka.
type Existing struct {
	Partitions int32
	// Config are the topic's configurations as the broker describes them. What is not there is not checked.
	Config map[string]string
}

// TopicError says that an internal topic exists but is not what the application needs: going on would lose
// state or mix up tasks. It is permanent until somebody does what Remedy says.
type TopicError struct {
	Topic    string
	Problems []string
	Remedy   string
}

func (e *TopicError) Error() string {
	return fmt.Sprintf("internal topic %q: %s: %s", e.Topic, strings.Join(e.Problems, "; "), e.Remedy)
}

// Check compares an existing topic with what the application wants. It returns nil or one [*TopicError]
// with every problem. Only what loses records is a problem: a setting that keeps more than asked is fine.
func (t Internal) Check(e Existing) error {
	if e.Partitions != t.Partitions {
		return &TopicError{
			Topic:    t.Name,
			Problems: []string{fmt.Sprintf("has %d partitions, the application needs %d", e.Partitions, t.Partitions)},
			Remedy: "the partitions of an input topic or the topology have changed since it was created; " +
				"change them back, or stop all instances and reset the application (delete its internal topics, " +
				"state directories and offsets)",
		}
	}
	c := comparison{want: t.Config(), have: e.Config}
	c.policy()
	if slices.Contains(policies(e.Config), "delete") {
		c.atLeast(retentionMs)
		c.atLeast(retentionBytes)
	}
	c.atLeast(minCompactionLag)
	if len(c.problems) == 0 {
		return nil
	}
	return &TopicError{
		Topic:    t.Name,
		Problems: c.problems,
		Remedy:   "alter the topic's configuration (kafka-configs --alter --entity-type topics --add-config " + strings.Join(c.remedies, ",") + ")",
	}
}

type comparison struct {
	want, have         map[string]string
	problems, remedies []string
}

func (c *comparison) problem(name, value, problem string, args ...any) {
	c.problems = append(c.problems, fmt.Sprintf(problem, args...))
	if strings.Contains(value, ",") {
		value = "[" + value + "]"
	}
	c.remedies = append(c.remedies, name+"="+value)
}

// policies returns the items of cleanup.policy.
func policies(config map[string]string) []string {
	var out []string
	for p := range strings.SplitSeq(config[cleanupPolicy], ",") {
		if p = strings.TrimSpace(p); p != "" {
			out = append(out, p)
		}
	}
	return out
}

func (c *comparison) policy() {
	have, want := policies(c.have), policies(c.want)
	if slices.Contains(have, "delete") && !slices.Contains(want, "delete") {
		c.problem(cleanupPolicy, c.want[cleanupPolicy], "%s=%s deletes state that is still needed", cleanupPolicy, c.have[cleanupPolicy])
	}
	// Records that are not to be compacted are events: compaction would drop all but the last of a key.
	// (Where both are wanted, deletion only frees space, so compaction alone is fine.)
	if slices.Contains(have, "compact") && !slices.Contains(want, "compact") {
		c.problem(cleanupPolicy, c.want[cleanupPolicy], "%s=%s drops records that are still needed", cleanupPolicy, c.have[cleanupPolicy])
	}
}

// atLeast checks a setting up to which records are safe from deletion or compaction; a negative retention is
// unlimited. What the application left to the broker is not checked, except that no size must limit a topic.
func (c *comparison) atLeast(name string) {
	text, ok := c.have[name]
	if !ok {
		return
	}
	wanted, isWanted := c.want[name]
	if !isWanted {
		if name != retentionBytes {
			return
		}
		wanted = "-1"
	}
	need, err := strconv.ParseInt(wanted, 10, 64)
	if err != nil {
		return // Kafka refuses it when the topic is created or altered, with a better reason than ours
	}
	have, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		c.problem(name, wanted, "%s=%q is not a number", name, text)
		return
	}
	if have < 0 && name != minCompactionLag || need >= 0 && have >= need {
		return
	}
	c.problem(name, wanted, "%s=%d is below the %s that the application needs", name, have, limit(need))
}

func limit(n int64) string {
	if n < 0 {
		return "unlimited (-1)"
	}
	return strconv.FormatInt(n, 10)
}
