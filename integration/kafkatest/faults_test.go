package kafkatest_test

import (
	"net"
	"testing"
	"time"

	"github.com/leatstream/leat/integration/kafkatest"
	"github.com/twmb/franz-go/pkg/kgo"
)

// TestKillAndRestart kills a broker and starts it again: what was written is there. Paused, it accepts
// connections and answers nothing.
func TestKillAndRestart(t *testing.T) {
	c := kafkatest.Run(t, kafkatest.Config{Origin: kafkatest.Jars, Properties: map[string]string{"log.retention.hours": "5"}})
	topic := kafkatest.NewTopicOn(t, c.Brokers(), "faults", 1)
	cl := kafkatest.NewClient(t, c.Brokers(), kgo.DefaultProduceTopic(topic))
	if err := cl.ProduceSync(t.Context(), kgo.StringRecord("before")).FirstErr(); err != nil {
		t.Fatal(err)
	}
	if err := c.Restart(1); err == nil {
		t.Error("a broker that runs was started again")
	}
	if err := c.Kill(1); err != nil {
		t.Fatal(err)
	}
	if conn, err := net.DialTimeout("tcp", c.Brokers()[0], time.Second); err == nil {
		conn.Close()
		t.Error("the broker that was killed still listens")
	}
	if err := c.Kill(1); err == nil {
		t.Error("a broker was killed twice")
	}
	if err := c.Restart(1); err != nil {
		t.Fatal(err)
	}
	if err := cl.ProduceSync(t.Context(), kgo.StringRecord("after")).FirstErr(); err != nil {
		t.Fatal(err)
	}
	got := kafkatest.NewClient(t, c.Brokers(), kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	var values []string
	for len(values) < 2 {
		fetches := got.PollFetches(t.Context())
		if t.Context().Err() != nil {
			t.Fatal(t.Context().Err())
		}
		for r := range fetches.RecordsAll() {
			values = append(values, string(r.Value))
		}
	}
	if values[0] != "before" || values[1] != "after" {
		t.Errorf("read %q", values)
	}
	if err := c.Pause(1); err != nil {
		t.Fatal(err)
	}
	acked := make(chan error, 1)
	cl.Produce(t.Context(), kgo.StringRecord("paused"), func(_ *kgo.Record, err error) { acked <- err })
	select {
	case err := <-acked:
		t.Errorf("a paused broker has answered: %v", err)
	case <-time.After(2 * time.Second):
	}
	if err := c.Continue(1); err != nil {
		t.Fatal(err)
	}
	if err := <-acked; err != nil {
		t.Error(err)
	}
}
