package kafka

import (
	"context"
	"runtime"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/leatstream/leat/record"
)

func TestCloseLeavesNoGoroutines(t *testing.T) {
	c, err := kfake.NewCluster(kfake.NumBrokers(2), kfake.SeedTopics(2, "t"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	cfg := Config{Brokers: c.ListenAddrs()}
	round := func() {
		a, err := Connect(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		cl, err := NewClient(cfg, ClientConfig{})
		if err != nil {
			t.Fatal(err)
		}
		r, err := NewRestorer(cfg, ReadConfig{})
		if err != nil {
			t.Fatal(err)
		}
		p := newPlayer("m", newBoard())
		m, err := Join(cfg, MemberConfig{Group: "g", Topics: []string{"t"}, Assignor: &spread{}, Handler: p})
		if err != nil {
			t.Fatal(err)
		}
		eventually(t, "joined", func() bool { n, _, _ := p.see(); return n == 2 })
		cl.Assign(map[record.TopicPartition]int64{tp("t", 0): 0, tp("t", 1): 0})
		r.Add(Range{tp("t", 0), FromStart, NoEnd})
		if _, _, err := produce(t, cl, Output{Topic: "t", Value: []byte("x")}); err != nil {
			t.Fatal(err)
		}
		if err := m.Close(context.Background(), true); err != nil {
			t.Error(err)
		}
		r.Close()
		cl.Close()
		a.Close()
	}
	round()
	time.Sleep(200 * time.Millisecond)
	before := runtime.NumGoroutine()
	for range 3 {
		round()
	}
	for end := time.Now().Add(10 * time.Second); runtime.NumGoroutine() > before+2; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			buf := make([]byte, 1<<20)
			t.Fatalf("%d goroutines, %d before\n%s", runtime.NumGoroutine(), before, buf[:runtime.Stack(buf, true)])
		}
	}
}
