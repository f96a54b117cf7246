package stream

import (
	"encoding/hex"
	"fmt"
	"testing"

	"github.com/leatstream/leat/processor"
	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/serde"
	"github.com/leatstream/leat/statestore"
)

// TestValueHash compares with hashes that Kafka Streams wrote.
func TestValueHash(t *testing.T) {
	for value, want := range map[string]string{
		"b:1": "b3c8348d98ac599fa38893aa00649a2a",
		"e:":  "37ef7023d34f06c18bbb908be1c542fe",
	} {
		if got := hashOf([]byte(value)); hex.EncodeToString(got[:]) != want {
			t.Errorf("hash of %q is %x, want %s", value, got, want)
		}
	}
}

func TestSubscriptionOfVersion0(t *testing.T) {
	s := subscriptions[string]{serde.String}
	v, err := s.Decode(append([]byte{noHashFlag, byte(unsubscribeAndAnswer)}, "key"...))
	if err != nil || v.key != "key" || v.partition != -1 || !v.noHash || v.instruction != unsubscribeAndAnswer {
		t.Errorf("got %+v, %v", v, err)
	}
}

func FuzzSubscription(f *testing.F) {
	s := subscriptions[string]{serde.String}
	for _, v := range []subscription[string]{{key: "k", partition: 3}, {key: "", noHash: true, instruction: subscribe, partition: -1}} {
		b, err := s.Append(nil, v)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		v, err := s.Decode(b)
		if err != nil {
			return
		}
		again, err := s.Append(nil, v)
		if err != nil {
			t.Fatal(err)
		}
		if w, err := s.Decode(again); err != nil || w != v {
			t.Errorf("%+v became %+v, %v", v, w, err)
		}
	})
}

func FuzzAnswer(f *testing.F) {
	s := answers[string]{serde.String}
	f.Add([]byte{0x80, 'x'})
	f.Add(make([]byte, 17))
	f.Fuzz(func(t *testing.T, b []byte) {
		v, err := s.Decode(b)
		if err != nil {
			return
		}
		if again, err := s.Append(nil, v); err != nil || string(again[1:]) != string(b[1:]) {
			t.Errorf("%x became %x, %v", b, again, err)
		}
	})
}

// countingEngine counts the rows that are read by iteration.
type countingEngine struct {
	statestore.Engine
	rows *int
}

func (e countingEngine) Iterate(from, to []byte, reverse bool) statestore.Iterator {
	return countingIterator{e.Engine.Iterate(from, to, reverse), e.rows}
}

type countingIterator struct {
	statestore.Iterator
	rows *int
}

func (i countingIterator) Next() bool {
	more := i.Iterator.Next()
	if more {
		*i.rows++
	}
	return more
}

// told counts what it gets.
type told struct{ n int }

func (c *told) Process(record.Record[string, answer[string]]) { c.n++ }

// subscribed returns a node that tells the subscribers of right rows, of which there are so many each, what it
// has told, and the count of rows that it has read.
func subscribed(tb testing.TB, rights, each int) (*tellSubscribers[string, string, string], *told, *int) {
	tb.Helper()
	backend := statestore.NewMemory()
	e, err := backend.Open("subscriptions")
	if err != nil {
		tb.Fatal(err)
	}
	rows := new(int)
	keys := subscribers[string, string]{serde.String, serde.String}
	task := &bareTask{}
	open := func(e statestore.Engine) statestore.Timestamped[subscriber[string, string], subscription[string]] {
		st, err := statestore.NewTimestamped(statestore.Env{
			Name: "subscriptions", Engine: e, Context: task, Fail: func(err error) { tb.Fatal(err) },
		}, keys, subscriptions[string]{serde.String})
		if err != nil {
			tb.Fatal(err)
		}
		return st
	}
	st := open(e)
	for i := range rights {
		for n := range each {
			k := subscriber[string, string]{fmt.Sprint("right-", i), fmt.Sprint("left-", n)}
			st.Put(k, subscription[string]{key: k.key, partition: int32(n)}, 1)
		}
	}
	st.Flush()
	batch := backend.NewBatch()
	st.Write(batch)
	if err := batch.Commit(); err != nil {
		tb.Fatal(err)
	}
	sink, out := new(told), new(processor.Outlet[string, answer[string]])
	out.Add("told", sink)
	return &tellSubscribers[string, string, string]{
		node: node{task, "tell"}, store: open(countingEngine{e, rows}), keys: keys, out: out,
	}, sink, rows
}

// TestForeignUpdateReadsItsPrefixOnly: what an update of a right row costs does not depend on other rows.
func TestForeignUpdateReadsItsPrefixOnly(t *testing.T) {
	tell, sink, rows := subscribed(t, 2000, 5)
	tell.Process(record.New("right-77", change[string]{new: "v"}, 1))
	if sink.n != 5 || *rows > 10 {
		t.Errorf("%d subscribers were told by reading %d rows, want 5 by reading few more", sink.n, *rows)
	}
}

func BenchmarkForeignUpdate(b *testing.B) {
	tell, sink, _ := subscribed(b, 10_000, 10)
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		tell.Process(record.New(fmt.Sprint("right-", n%10_000), change[string]{new: "v"}, 1))
		n++
	}
	b.ReportMetric(float64(sink.n)/b.Elapsed().Seconds(), "answers/s")
}
