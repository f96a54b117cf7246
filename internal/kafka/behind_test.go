package kafka

import (
	"testing"

	"github.com/leatstream/leat/record"
)

// TestBehind: a client is behind from the first answer of the broker that tells of more until it has returned all.
func TestBehind(t *testing.T) {
	onClusters(t, func(t *testing.T, e *env) {
		topic := e.topic(t, 2)
		a, b := tp(topic, 0), tp(topic, 1)
		e.fill(t, a, 0, 100)
		c := e.client(t, ClientConfig{})
		if c.Behind() {
			t.Error("behind without a partition")
		}
		c.Assign(map[record.TopicPartition]int64{a: 0, b: 0})
		next := func(limit int) (n int) {
			for n == 0 {
				fs, err := c.Poll(t.Context(), limit)
				if err != nil {
					t.Fatal(err)
				}
				for _, f := range fs {
					n += len(f.Records)
				}
			}
			return n
		}
		got := next(10)
		if !c.Behind() {
			t.Errorf("%d of 100 records were returned, and the client is not behind", got)
		}
		c.Pause([]record.TopicPartition{a})
		if c.Behind() {
			t.Error("behind with what is paused")
		}
		c.Resume([]record.TopicPartition{a})
		for got < 100 {
			if !c.Behind() {
				t.Errorf("%d of 100 records were returned, and the client is not behind", got)
			}
			got += next(10)
		}
		if c.Behind() {
			t.Error("all records were returned, and the client is behind")
		}
		e.fill(t, a, 100, 20)
		for got < 120 {
			got += next(10)
		}
		if c.Behind() {
			t.Error("all that came later was returned, and the client is behind")
		}
	})
}

// TestNotBehindWhatFails: a partition that cannot be read for the time being is none to wait for.
func TestNotBehindWhatFails(t *testing.T) {
	c := &cursor{leader: 1, known: true, delivered: 5, end: 10, limit: NoEnd}
	f := &fetcher{order: []*cursor{c}}
	if !f.behind() {
		t.Fatal("not behind with 5 of 10 records returned")
	}
	for name, change := range map[string]func(){
		"no leader":   func() { c.leader = -1 },
		"failures":    func() { c.failures = 1 },
		"error":       func() { c.err = errNoProgress },
		"unknown end": func() { c.known = false },
		"finished":    func() { c.finished = true },
	} {
		was := *c
		if change(); f.behind() {
			t.Errorf("%s: behind", name)
		}
		*c = was
	}
}
