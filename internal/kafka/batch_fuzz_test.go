package kafka

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// FuzzBatches decodes whatever comes as an answer, and polls it. With repair, the checksum of the first batch is made
// right, so that what is behind it is reached. There must not be more records than there are bytes for, nor any that
// were not asked for, nor a position before that asked for.
func FuzzBatches(f *testing.F) {
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 0))
		l := drawLog(r, 1+r.IntN(5))
		rp := l.answer(r, 0, true)
		var producer, first int64
		if a := rp.AbortedTransactions; len(a) > 0 {
			producer, first = a[0].ProducerID, a[0].FirstOffset
		}
		f.Add(rp.RecordBatches, r.Int64N(l.end+1), int64(-1), producer, first, r.IntN(2) == 0)
	}
	for _, lie := range lies {
		f.Add(lying(lie), int64(4), int64(-1), int64(0), int64(0), true)
	}
	f.Add(slices.Concat(messages(0, numbered(3, 5)...), messages(1, numbered(6, 9)...)), int64(4), int64(8), int64(0), int64(0), false)
	f.Add(wrapped(1, "gzip", numbered(3, 9)...), int64(4), int64(8), int64(0), int64(0), false)
	f.Add(slices.Concat(messages(1, numbered(3, 9)...), sealed(batchOf(10, numbered(10, 12)...))), int64(4), int64(11), int64(0), int64(0), false)
	d := newDecompressor(1 << 16)
	f.Fuzz(func(t *testing.T, in []byte, pos, limit, producer, first int64, repair bool) {
		if repair {
			in = repaired(in)
		}
		pos = max(0, pos)
		if limit <= pos {
			limit = NoEnd
		}
		rp := kmsg.NewFetchResponseTopicPartition()
		rp.RecordBatches = in
		rp.AbortedTransactions = []kmsg.FetchResponseTopicPartitionAbortedTransaction{{ProducerID: producer, FirstOffset: first}, {ProducerID: producer + 1, FirstOffset: -first}}
		for _, committed := range []bool{false, true} {
			list, next, _, err := d.batches(anyTP, &rp, pos, committed)
			if next < pos || err != nil && next != pos || next == pos && len(list) > 0 {
				t.Fatalf("%d batches from %d to %d, error %v", len(list), pos, next, err)
			}
			most := 0
			for i := range list {
				b := &list[i]
				if b.decoded == nil && (len(b.records) > max(len(in), d.max) || b.left > len(b.records)/minRecord) {
					t.Fatalf("%d records in %d bytes; the answer has %d", b.left, len(b.records), len(in))
				}
				most += b.left
			}
			if compressed := len(list) * d.max; most > (len(in)+compressed)/minRecord {
				t.Fatalf("%d records in %d bytes", most, len(in))
			}
			c := &cursor{tp: anyTP, limit: limit, pos: pos, delivered: pos}
			c.add(list, next, len(in))
			var l loans
			for polls, done := 0, false; c.pending(); polls++ {
				p := c.take(1+polls%7, &l)
				most -= len(p.records)
				if p.next < pos || most < 0 || done || polls > len(in)+most {
					t.Fatalf("poll %d brings %d records up to %d; %d more are left, done is %v", polls, len(p.records), p.next, most, done)
				}
				done = p.done || p.err != nil
				for _, r := range p.records {
					if r.Offset < pos || limit >= 0 && r.Offset >= limit {
						t.Fatalf("record %d of [%d, %d)", r.Offset, pos, limit)
					}
				}
				l.giveBack(p.records)
			}
		}
	})
}

// repaired makes the first batch one of format 2 with a right checksum, if it is complete.
func repaired(in []byte) []byte {
	if len(in) < atRecords {
		return in
	}
	size := int64(int32(binary.BigEndian.Uint32(in[atLength:]))) + atEpoch
	if size < atRecords || size > int64(len(in)) {
		return in
	}
	in = bytes.Clone(in)
	in[atMagic] = 2
	checksum(in[:size])
	return in
}
