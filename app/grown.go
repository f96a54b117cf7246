package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/leatstream/leat/internal/kafka"
	"github.com/leatstream/leat/record"
)

// growInterval is how often every instance looks whether its source topics have got more partitions. The
// leader of the group also looks at each rebalance.
const growInterval = time.Minute

// grownError tells that a source topic has got partitions since the instance started, so that the division
// into tasks is another. The instance commits, ends, and is opened again (App.run) with the topics as they are.
// If internal topics have to grow along, which would send keys to other partitions than their state is in,
// opening it says so.
type grownError struct {
	topic    string
	had, has int32
}

func (e *grownError) Error() string {
	return fmt.Sprintf("source topic %q has %d partitions, and had %d when the instance started; restart it", e.topic, e.has, e.had)
}

// grown tells whether an error is a grownError.
func grown(err error) bool { return errors.As(err, new(*grownError)) }

// external are the topics of others that the application reads.
func (l *layout) external() []string {
	var out []string
	for topic := range l.partitions {
		if l.internal[topic] == nil {
			out = append(out, topic)
		}
	}
	return out
}

// grown compares topics with what they were when the layout was made.
func (l *layout) grown(found map[string]kafka.Topic) error {
	for topic, t := range found {
		if had := l.partitions[topic]; t.Partitions > had {
			return &grownError{topic: topic, had: had, has: t.Partitions}
		}
	}
	return nil
}

// lookForPartitions ends the instance if a source topic has grown. A broker that does not answer is asked again
// the next time.
func (in *instance) lookForPartitions(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, endsTimeout)
	defer cancel()
	found, err := in.admin.Topics(ctx, in.layout.external()...)
	if err != nil {
		return
	}
	if err := in.layout.grown(found); err != nil {
		in.fail(err)
	}
}

// known leaves out partitions that a leader which knows more of them has given to this instance, and ends it
// because of them. Topics that are no part of this instance's topology are left out, too, but it goes on: a new version
// may be on its way, and reads them when every instance runs it.
func (in *instance) known(tps []record.TopicPartition) []record.TopicPartition {
	out := make([]record.TopicPartition, 0, len(tps))
	for _, tp := range tps {
		had, ours := in.layout.partitions[tp.Topic]
		if !ours {
			in.log.Warn("the leader runs another topology and gives this instance a partition that it does not read; nobody does until all run the same",
				"topic", tp.Topic, "partition", tp.Partition)
			continue
		}
		if tp.Partition >= had {
			in.fail(&grownError{topic: tp.Topic, had: had, has: tp.Partition + 1})
			continue
		}
		out = append(out, tp)
	}
	return out
}
