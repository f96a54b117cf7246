package kafka

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/leatstream/leat/record"
)

func TestRefusal(t *testing.T) {
	e := newFake(t)
	for code, want := range map[*kerr.Error]struct{ whole, ok bool }{
		kerr.InvalidRecord:              {false, true},
		kerr.InvalidTimestamp:           {false, true},
		kerr.MessageTooLarge:            {false, true},
		kerr.PolicyViolation:            {false, true},
		kerr.TopicAuthorizationFailed:   {true, true},
		kerr.InvalidTopicException:      {true, true},
		kerr.ClusterAuthorizationFailed: {},
		kerr.InvalidProducerEpoch:       {},
	} {
		t.Run(code.Message, func(t *testing.T) {
			topic := e.topic(t, 1)
			e.fake.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: topic, Err: code, Count: -1})
			c := e.client(t, ClientConfig{DeliveryTimeout: 10 * time.Second})
			cause := Cause{TopicPartition: record.TopicPartition{Topic: "in", Partition: 3}, Offset: 7, Number: 2}
			_, _, err := produce(t, c, Output{Topic: topic, Value: []byte("x"), Cause: cause})
			if whole, ok := Refusal(err); whole != want.whole || ok != want.ok {
				t.Errorf("Refusal(%v) = %v %v, want %v", err, whole, ok, want)
			}
			if got, ok := CauseOf(err); !ok || got != cause {
				t.Errorf("CauseOf(%v) = %+v %v", err, got, ok)
			}
		})
	}
	if _, ok := Refusal(&Error{Kind: UnknownTopic, Op: "fetch"}); ok {
		t.Error("a topic that cannot be read is no refusal")
	}
	if _, ok := CauseOf(&Error{Op: "produce"}); ok {
		t.Error("an output without a cause has one")
	}
}

// What Kafka itself refuses, if LEAT_BROKERS names one: the embedded broker takes it.
func TestWhatKafkaRefuses(t *testing.T) {
	brokers := os.Getenv("LEAT_BROKERS")
	if brokers == "" {
		return
	}
	e := newEnv(t, Config{Brokers: strings.Split(brokers, ",")})
	c := e.client(t, ClientConfig{})
	compacted := e.topic(t, 1, "cleanup.policy", "compact")
	_, _, err := produce(t, c, Output{Topic: compacted, Value: []byte("no key"), Timestamp: time.Now().UnixMilli()})
	wantKind(t, err, Refused, compacted, "needs keys")
	recent := e.topic(t, 1, "message.timestamp.before.max.ms", "3600000")
	_, _, err = produce(t, c, Output{Topic: recent, Value: []byte("old"), Timestamp: 1})
	wantKind(t, err, Refused, recent, "message.timestamp.before.max.ms")
	if _, _, err = produce(t, c, Output{Topic: recent, Value: []byte("new"), Timestamp: time.Now().UnixMilli()}); err != nil {
		t.Error(err)
	}
}
