package main

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"time"

	"github.com/leatstream/leat/serde"
	"github.com/leatstream/leat/stream"
	"github.com/leatstream/leat/topology"
)

// Topics of the application under test.
const (
	application = "chaos"
	inTopic     = "in"
	countsTopic = "counts"
	countsStore = "tallies"
	countsLog   = application + "-" + countsStore + "-changelog"
	byKeyTopic  = application + "-by-key-repartition"

	leftTopic   = "left"
	rightTopic  = "right"
	joinedTopic = "joined"
	joinName    = "pairs"
)

// The join's window. A record may be late by as long as a broker keeps its partition from being written: longer
// than a stall may last.
const (
	joinWithin = 10 * time.Second
	joinGrace  = 2 * stallLimit
)

// event is an input record's value.
type event struct {
	// ID is unique over all records.
	ID uint64
	// Seq numbers the records of a key: 1, 2, 3 …
	Seq uint64
}

// tally is what the application keeps for each key and writes with each record.
type tally struct {
	// Last is the record counted last.
	Last event
	// Count is the number of records.
	Count uint64
	// Sum is the sum of their IDs.
	Sum uint64
}

func (t tally) add(e event) tally { return tally{Last: e, Count: t.Count + 1, Sum: t.Sum + e.ID} }

// program is the application under test.
func program() (*topology.Topology, error) {
	b := stream.New()
	count(b)
	join(b)
	return b.Build()
}

// count counts records by a key that is not the one they came with, so they go through a repartition topic. Each
// of them leads to one output.
func count(b *stream.Builder) {
	in := stream.From(b, stream.NewTopic(inTopic, serde.String, eventSerde{}))
	byKey := stream.GroupBy(in, func(key string, _ event) string { return countedAs(key) },
		stream.Named("by-key"), stream.Values[event](eventSerde{}))
	tallies := stream.NewStore(countsStore, serde.String, tallySerde{}).Uncached()
	table := stream.Aggregate(byKey, func() tally { return tally{} }, func(_ string, e event, t tally) tally { return t.add(e) }, tallies)
	stream.To(stream.ToStream(table), stream.NewTopic(countsTopic, serde.String, tallySerde{}))
}

// join joins two streams. Each key comes once on either side, a little apart in time, and leads to one output.
func join(b *stream.Builder) {
	left := stream.From(b, stream.NewTopic(leftTopic, serde.String, eventSerde{}))
	right := stream.From(b, stream.NewTopic(rightTopic, serde.String, eventSerde{}))
	joined := stream.Join(left, right, stream.Within(joinWithin).WithGrace(joinGrace),
		func(l, r event) pair { return pair{l, r} }, stream.KeptIn(stream.JoinStores{Name: joinName}))
	stream.To(joined, stream.NewTopic(joinedTopic, serde.String, pairSerde{}))
}

// pair is what the join writes. Both sides have the pair's number as ID.
type pair struct{ left, right event }

// keyName is the key of input records, countedAs the one that they are counted by.
func keyName(n int) string        { return "k" + strconv.Itoa(n) }
func pairName(n int64) string     { return "p" + strconv.FormatInt(n, 10) }
func countedAs(key string) string { return "c" + key[1:] }
func keyNumber(b []byte) (int, error) {
	if len(b) < 2 {
		return 0, fmt.Errorf("key %q is none of ours", b)
	}
	return strconv.Atoi(string(b[1:]))
}

type eventSerde struct{}

func (eventSerde) Append(dst []byte, e event) ([]byte, error) {
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(dst, e.ID), e.Seq), nil
}

func (eventSerde) Decode(b []byte) (event, error) {
	if len(b) != 16 {
		return event{}, fmt.Errorf("decode event: %d bytes, want 16", len(b))
	}
	return event{ID: binary.BigEndian.Uint64(b), Seq: binary.BigEndian.Uint64(b[8:])}, nil
}

type tallySerde struct{}

func (tallySerde) Append(dst []byte, t tally) ([]byte, error) {
	for _, n := range []uint64{t.Last.ID, t.Last.Seq, t.Count, t.Sum} {
		dst = binary.BigEndian.AppendUint64(dst, n)
	}
	return dst, nil
}

func (tallySerde) Decode(b []byte) (tally, error) {
	if len(b) != 32 {
		return tally{}, fmt.Errorf("decode tally: %d bytes, want 32", len(b))
	}
	u := func(i int) uint64 { return binary.BigEndian.Uint64(b[8*i:]) }
	return tally{Last: event{ID: u(0), Seq: u(1)}, Count: u(2), Sum: u(3)}, nil
}

type pairSerde struct{}

func (pairSerde) Append(dst []byte, p pair) ([]byte, error) {
	dst, _ = eventSerde{}.Append(dst, p.left) // it never fails
	return eventSerde{}.Append(dst, p.right)
}

func (pairSerde) Decode(b []byte) (pair, error) {
	if len(b) != 32 {
		return pair{}, fmt.Errorf("decode pair: %d bytes, want 32", len(b))
	}
	l, _ := eventSerde{}.Decode(b[:16])
	r, err := eventSerde{}.Decode(b[16:])
	return pair{l, r}, err
}
