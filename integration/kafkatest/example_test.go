package kafkatest_test

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/leatstream/leat/integration/kafkatest"
)

// A test that asks for a real broker, and for a topic of its own.
func ExampleBrokers() {
	_ = func(t *testing.T) {
		brokers := kafkatest.Brokers(t)
		topic := kafkatest.NewTopic(t, "orders", 4)
		client := kafkatest.NewClient(t, brokers, kgo.DefaultProduceTopic(topic))
		if err := client.ProduceSync(t.Context(), kgo.StringRecord("an order")).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
}

// A cluster of three brokers for one test alone, of which one is killed.
func ExampleRun() {
	_ = func(t *testing.T) {
		cluster := kafkatest.Run(t, kafkatest.Config{Nodes: 3})
		if err := cluster.Kill(2); err != nil {
			t.Fatal(err)
		}
		if err := cluster.Restart(2); err != nil {
			t.Fatal(err)
		}
	}
}
