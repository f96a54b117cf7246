package task

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/leatstream/leat/processor"
	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/serde"
	"github.com/leatstream/leat/statestore"
	"github.com/leatstream/leat/topology"
)

// TestInputHandsOutBatchesInOrder offers batches of all sizes between pops and compares with one plain queue.
func TestInputHandsOutBatchesInOrder(t *testing.T) {
	in := newInput("source", record.TopicPartition{Topic: "t"}, nil, nil)
	in.position = 0
	var offered, popped int64
	take := func(n int) {
		for ; n > 0 && in.buffered() > 0; n-- {
			if got := in.queue[in.first].Offset; got != popped || in.next() != popped {
				t.Fatalf("record %d is first, next is %d; want %d", got, in.next(), popped)
			}
			in.pop()
			popped++
		}
	}
	for i := range 5000 {
		recs := make([]record.Raw, i%7)
		for j := range recs {
			recs[j].Offset = offered
			offered++
		}
		in.offer(recs, offered)
		if got := int64(in.buffered()); got != offered-popped {
			t.Fatalf("%d buffered, want %d", got, offered-popped)
		}
		if i%3 == 0 {
			take(i % 19)
		}
		if i%1000 == 999 {
			take(1 << 30)
		}
	}
	take(1 << 30)
	if popped != offered || in.next() != offered || in.buffered() != 0 {
		t.Errorf("%d of %d records came out, next is %d", popped, offered, in.next())
	}
}

// TestOfferedRecordsAreReleased once for each slice, in order, and only when none of its records is left to process.
// Records that cannot be decoded are passed over, at the end of a slice and all of it, too.
func TestOfferedRecordsAreReleased(t *testing.T) {
	const inputs = 2
	var (
		offered  [inputs][][]record.Raw
		ends     [inputs][]int // the offsets behind them
		released [inputs]int   // how many of them
	)
	b := topology.NewBuilder()
	topics := []topology.Topic{{Name: "a"}, {Name: "b"}}
	var from []topology.Handle[string, string]
	for _, topic := range topics {
		from = append(from, topology.FromNode(b, topology.Node{Name: "from-" + topic.Name, Topics: []topology.Topic{topic}}, topology.SourceConfig[string, string]{Key: serde.String, Value: readable{}}))
	}
	look := processor.Func(func(ctx *processor.Context[string, string], r record.Record[string, string]) error {
		src, _ := ctx.Source()
		i, at := int(src.Topic[0]-'a'), int(src.Offset)
		if n := released[i]; n == len(ends[i]) || at >= ends[i][n] || n > 0 && at < ends[i][n-1] {
			t.Errorf("%d slices of input %d have been released while record %d is processed", n, i, at)
		}
		if want := fmt.Sprint("v", at); r.Value != want {
			t.Errorf("record %d of input %d has the value %q, want %q", at, i, r.Value, want)
		}
		return nil
	})
	topology.Process(topology.Union(from[0], from[1:]...), "look", look)
	top, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	task, err := New(Config{
		Application: "app", Subtopology: top.Subtopologies[0], Persistent: statestore.NewMemory(), Memory: statestore.NewMemory(), MaxIdle: -1,
		Deserialization: ErrorPolicy{Then: Skip},
		Release: func(records []record.Raw) {
			i := int(records[0].Topic[0] - 'a')
			n := released[i]
			if n >= len(offered[i]) || &records[0] != &offered[i][n][0] || len(records) != len(offered[i][n]) {
				t.Fatalf("release number %d of input %d is not of the slice offered as such", n, i)
			}
			released[i]++
			clear(records)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(1, 2))
	var next [inputs]int
	for range 3000 {
		i := r.IntN(inputs)
		records := make([]record.Raw, r.IntN(5))
		all := r.IntN(4) == 0
		for j := range records {
			records[j] = record.Raw{TopicPartition: record.TopicPartition{Topic: topics[i].Name}, Offset: int64(next[i]), Timestamp: r.Int64N(100), Value: fmt.Append(nil, "v", next[i])}
			if all || r.IntN(4) == 0 {
				records[j].Value = []byte("!")
			}
			next[i]++
		}
		if len(records) > 0 {
			offered[i], ends[i] = append(offered[i], records), append(ends[i], next[i])
		}
		task.Offer(i, records, int64(next[i]))
		for steps := r.IntN(8); steps > 0 && task.Step(0); steps-- {
		}
		for i := range inputs {
			want := 0 // slices without a record that is buffered
			for want < len(ends[i]) && ends[i][want] <= next[i]-task.Buffered(i) {
				want++
			}
			if released[i] != want {
				t.Fatalf("%d slices of input %d have been released, want %d", released[i], i, want)
			}
		}
	}
	for task.Step(0) {
	}
	for i := range inputs {
		if released[i] != len(offered[i]) || len(offered[i]) < 1000 {
			t.Errorf("%d of %d slices of input %d have been released", released[i], len(offered[i]), i)
		}
	}
	if err := task.Err(); err != nil {
		t.Error(err)
	}
}

// readable is a serde of strings that do not begin with '!'.
type readable struct{}

func (readable) Append(dst []byte, v string) ([]byte, error) { return append(dst, v...), nil }

func (readable) Decode(b []byte) (string, error) {
	if len(b) > 0 && b[0] == '!' {
		return "", errors.New("not readable")
	}
	return string(b), nil
}
