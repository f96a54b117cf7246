package task_test

import (
	"fmt"

	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/serde"
	"github.com/leatstream/leat/statestore"
	"github.com/leatstream/leat/stream"
	"github.com/leatstream/leat/task"
)

// One task through one commit: what package app does with Kafka, and package streamtest without it.
func ExampleTask() {
	b := stream.New()
	lines := stream.From(b, stream.NewTopic("lines", serde.String, serde.String))
	counts := stream.NewStore("counts", serde.String, serde.Int64)
	stream.To(stream.ToStream(stream.Count(stream.GroupByKey(lines), counts)), stream.NewTopic("counted", serde.String, serde.Int64))
	topology, err := b.Build()
	if err != nil {
		fmt.Println(err)
		return
	}
	t, err := task.New(task.Config{
		Application: "app", Subtopology: topology.Subtopologies[0],
		Persistent: statestore.NewMemory(), Memory: statestore.NewMemory(),
	})
	if err != nil {
		fmt.Println(err)
		return
	}

	from := t.Inputs()[0]
	t.Offer(0, []record.Raw{
		{TopicPartition: from, Offset: 7, Timestamp: 1000, Key: []byte("a"), Value: []byte("x")},
		{TopicPartition: from, Offset: 8, Timestamp: 1001, Key: []byte("a"), Value: []byte("y")},
	}, 9)
	t.SetLag(0, 0)
	for t.Step(2000) {
	}

	commit, err := t.Prepare() // the last count of each key joins the outputs
	if err != nil {
		fmt.Println(err)
		return
	}
	next := int64(0)
	for _, out := range t.Outputs() {
		fmt.Printf("%s %s=%d\n", out.Topic, out.Key, out.Value[7])
		if out.Store > 0 {
			next = 1 // the offset after that of the change record, once it is acknowledged
		}
	}
	for _, o := range commit.Offsets {
		fmt.Println(o.Topic, o.Next)
	}
	// Now that the offsets are committed, the state may follow.
	err = t.Confirm(func(int) (statestore.Position, bool) { return statestore.Position{Next: next}, true })
	fmt.Println(err, t.StreamTime())
	// Output:
	// counted a=1
	// counted a=2
	// app-counts-changelog a=2
	// lines 9
	// <nil> 1001
}
