package task

import (
	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/topology"
)

// input is the queue of one partition that the task reads. Its first record is decoded, so that its
// timestamp can be compared; the others wait as bytes.
type input struct {
	node string
	tp   record.TopicPartition
	head topology.Head

	// queue is the batch being worked off, as it was offered, and first the index in it of the decoded record, or
	// of the next one to decode. It is used up only if nothing is buffered.
	queue  []record.Raw
	first  int
	loaded bool
	// batches from taken on are those behind it, with waiting records in all.
	batches [][]record.Raw
	taken   int
	waiting int
	// release, if there is one, is called with each batch that is used up.
	release func([]record.Raw)
	// timestamp is that of the decoded record.
	timestamp int64
	// time is the highest timestamp processed on the partition, -1 if there is none.
	time int64
	// position is the offset after the last record offered, or where reading begins; -1 until known.
	position int64
	// moved tells that the place to commit has changed since the last commit.
	moved bool

	// lag is the number of records on the broker that have not been offered; -1 if that is not known.
	lag int64
	// idleSince is when the input was first seen without data that is on the broker; -1 if it has some.
	idleSince int64
}

func newInput(node string, tp record.TopicPartition, head topology.Head, release func([]record.Raw)) *input {
	return &input{node: node, tp: tp, head: head, release: release, time: -1, position: -1, lag: -1, idleSince: -1}
}

func (in *input) buffered() int { return len(in.queue) - in.first + in.waiting }

// next is the offset of the first record that has not been processed.
func (in *input) next() int64 {
	if in.first < len(in.queue) {
		return in.queue[in.first].Offset
	}
	return in.position
}

func (in *input) offer(recs []record.Raw, position int64) {
	switch {
	case len(recs) == 0:
	case in.first == len(in.queue):
		in.queue, in.first = recs, 0
	default:
		if in.taken > 64 && in.taken*2 > len(in.batches) {
			n := copy(in.batches, in.batches[in.taken:])
			clear(in.batches[n:])
			in.batches, in.taken = in.batches[:n], 0
		}
		in.batches = append(in.batches, recs)
		in.waiting += len(recs)
	}
	if position > in.position {
		// Control records and compacted ones move the place to commit without a record to process.
		in.moved = in.moved || (len(recs) == 0 && in.first == len(in.queue) && in.position >= 0)
		in.position = position
	}
}

// pop drops the first record. A batch goes as a whole: its records are of one answer of the broker, and pin it
// together.
func (in *input) pop() {
	in.first++
	in.loaded = false
	in.moved = true
	if in.first < len(in.queue) {
		return
	}
	if in.release != nil {
		in.release(in.queue)
	}
	in.queue, in.first = nil, 0
	if in.taken == len(in.batches) {
		return
	}
	in.queue, in.batches[in.taken] = in.batches[in.taken], nil
	in.waiting -= len(in.queue)
	if in.taken++; in.taken == len(in.batches) {
		in.batches, in.taken = in.batches[:0], 0
	}
}
