package embedded_test

import (
	"context"
	"errors"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/leatstream/leat/embedded"
)

func TestFault(t *testing.T) {
	b := start(t, embedded.Config{})
	for _, topic := range []string{"a", "b"} {
		if err := b.CreateTopic(topic, 1); err != nil {
			t.Fatal(err)
		}
	}
	cl := client(t, b, kgo.ProducerBatchCompression(kgo.NoCompression()))
	write := func(topic, value string) error {
		return cl.ProduceSync(t.Context(), &kgo.Record{Topic: topic, Value: []byte(value)}).FirstErr()
	}
	lift, hits, err := b.Fault(embedded.Fault{Request: "Produce", Topic: "a", Containing: "bad", Error: "INVALID_RECORD", Count: -1})
	if err != nil {
		t.Fatal(err)
	}
	if err := write("a", "a bad record"); !errors.Is(err, kerr.InvalidRecord) || hits() != 1 {
		t.Errorf("%v after %d hits", err, hits())
	}
	if err := errors.Join(write("a", "a good one"), write("b", "a bad one elsewhere")); err != nil {
		t.Error(err)
	}
	lift()
	if err := write("a", "no longer bad"); err != nil {
		t.Error(err)
	}
	for _, f := range []embedded.Fault{{Request: "Nothing", Error: "INVALID_RECORD"}, {Request: "Produce", Error: "NO_SUCH"}} {
		if _, _, err := b.Fault(f); err == nil {
			t.Errorf("%+v: no error", f)
		}
	}
}

// Several nodes on a network inside the process: partitions and coordinators move, clients follow.
func TestNetwork(t *testing.T) {
	var n embedded.Network
	b := start(t, embedded.Config{Network: &n, Nodes: 3, Partitions: 2})
	if err := b.CreateTopic("t", 0); err != nil {
		t.Fatal(err)
	}
	cl := client(t, b, kgo.Dialer(n.Dial))
	for range 5 {
		if err := cl.ProduceSync(t.Context(), &kgo.Record{Topic: "t", Value: []byte("x")}).FirstErr(); err != nil {
			t.Fatal(err)
		}
		b.MoveLeaders()
		b.MoveCoordinators()
	}
	if _, err := n.Dial(context.Background(), "tcp", "localhost:1"); err == nil {
		t.Error("somebody listens where nobody does")
	}
}
