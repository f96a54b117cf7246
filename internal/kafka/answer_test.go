package kafka

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math/rand/v2"

	"github.com/twmb/franz-go/pkg/kbin"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/leatstream/leat/record"
)

// drawnLog is a part of a partition's log, drawn at random, from which answers are made as a broker makes them.
type drawnLog struct {
	batches []drawnBatch
	aborted []abortedTransaction
	end     int64
}

type drawnBatch struct {
	last    int64
	control bool
	bytes   []byte
}

type abortedTransaction struct{ producer, first, last int64 }

// Its producers are 1 to producers. Number 0 stands for one without an id.
const producers = 3

// drawLog makes a log of about n batches in which every transaction has ended.
func drawLog(r *rand.Rand, n int) *drawnLog {
	l := &drawnLog{end: r.Int64N(50)}
	open := map[int64]int64{} // where a producer's transaction begins
	for ; n > 0 || len(open) > 0; n-- {
		producer := r.Int64N(producers + 1)
		first, inside := open[producer]
		switch {
		case r.IntN(8) == 0: // compacted away
			l.end += r.Int64N(9)
		case producer > 0 && (n <= 0 || r.IntN(4) == 0):
			commit := r.IntN(2) == 0
			if inside && !commit {
				l.aborted = append(l.aborted, abortedTransaction{producer, first, l.end})
			}
			delete(open, producer) // a transaction may end without a batch here
			l.add(r, controlBatch(l.end, producer, commit))
		case n > 0:
			b := drawBatch(r, l.end)
			b.ProducerID = producer - 1
			if producer > 0 {
				b.ProducerID = producer
				if r.IntN(4) > 0 {
					b.Attributes |= transactionalBit
					if !inside {
						open[producer] = l.end
					}
				}
			}
			l.add(r, b)
		}
	}
	return l
}

func (l *drawnLog) add(r *rand.Rand, b kmsg.RecordBatch) {
	b.PartitionLeaderEpoch = r.Int32N(5)
	last := b.FirstOffset + int64(b.LastOffsetDelta)
	l.batches = append(l.batches, drawnBatch{last, b.Attributes&controlBit != 0, sealed(b)})
	l.end = last + 1
}

// answer is what a broker sends of the log from pos on: a few batches, of which the first may begin before it, and
// a piece of the next. There is nothing in it if there is nothing in the log.
func (l *drawnLog) answer(r *rand.Rand, pos int64, committed bool) *kmsg.FetchResponseTopicPartition {
	rp := kmsg.NewFetchResponseTopicPartition()
	i := 0
	for i < len(l.batches) && l.batches[i].last < pos {
		i++
	}
	if i == len(l.batches) {
		return &rp
	}
	if i > 0 && !l.batches[i-1].control && r.IntN(8) == 0 {
		i-- // this one is before it as a whole
		rp.RecordBatches = bytes.Clone(l.batches[i].bytes)
		i++
	}
	for n := 1 + r.IntN(6); n > 0 && i < len(l.batches); n-- {
		rp.RecordBatches = append(rp.RecordBatches, l.batches[i].bytes...)
		i++
	}
	if i < len(l.batches) {
		b := l.batches[i].bytes
		rp.RecordBatches = append(rp.RecordBatches, b[:r.IntN(len(b))]...)
	}
	if committed {
		for _, a := range l.aborted {
			if a.last >= pos {
				rp.AbortedTransactions = append(rp.AbortedTransactions, kmsg.FetchResponseTopicPartitionAbortedTransaction{ProducerID: a.producer, FirstOffset: a.first})
			}
		}
		r.Shuffle(len(rp.AbortedTransactions), func(i, j int) {
			a := rp.AbortedTransactions
			a[i], a[j] = a[j], a[i]
		})
	}
	return &rp
}

// drawBatch makes a batch that begins at an offset, perhaps a compacted or an empty one.
func drawBatch(r *rand.Rand, at int64) kmsg.RecordBatch {
	n := r.IntN(8)
	if r.IntN(4) == 0 {
		n = r.IntN(100)
	}
	gaps := r.IntN(3) == 0
	records := make([]record.Raw, n)
	next := at
	for i := range records {
		if gaps {
			next += r.Int64N(4)
		}
		records[i] = drawRecord(r, next)
		next++
	}
	if gaps || n == 0 {
		next += 1 + r.Int64N(4)
	}
	b := batchOf(at, records...)
	b.LastOffsetDelta = int32(next - at - 1)
	if r.IntN(4) == 0 {
		b.Attributes |= logAppendTimeBit
		b.MaxTimestamp = 1_700_000_000_000 + r.Int64N(1e12)
	}
	// An empty batch is what compaction leaves, which does not compress it. lz4 takes buffers of megabytes each time.
	if n > 0 && r.IntN(2) == 0 {
		codec := []string{"gzip", "snappy", "zstd"}[r.IntN(3)]
		if r.IntN(15) == 0 {
			codec = "lz4"
		}
		compress(&b, codec)
	}
	return b
}

func drawRecord(r *rand.Rand, at int64) record.Raw {
	raw := record.Raw{Offset: at, Timestamp: 1_600_000_000_000 + r.Int64N(1e11), Key: drawBytes(r), Value: drawBytes(r)}
	if r.IntN(10) == 0 {
		raw.Timestamp = -1
	}
	if r.IntN(3) == 0 {
		for range r.IntN(4) {
			raw.Headers = append(raw.Headers, record.Header{Key: string(drawBytes(r)), Value: drawBytes(r)})
		}
	}
	return raw
}

// drawBytes is null or empty now and then, and so long at times that its length takes two bytes.
func drawBytes(r *rand.Rand) []byte {
	switch r.IntN(6) {
	case 0:
		return nil
	case 1:
		return []byte{}
	case 2:
		return bytes.Repeat([]byte("long"), r.IntN(40))
	default:
		return fmt.Append(nil, r.Uint32())
	}
}

// batchOf makes a batch that begins at an offset. What is to be changed in it is changed before it is sealed.
func batchOf(at int64, records ...record.Raw) kmsg.RecordBatch {
	b := kmsg.RecordBatch{FirstOffset: at, ProducerID: -1, ProducerEpoch: -1, FirstSequence: -1, NumRecords: int32(len(records))}
	for i := range records {
		if i == 0 {
			b.FirstTimestamp = records[0].Timestamp
		}
		b.MaxTimestamp = max(b.MaxTimestamp, records[i].Timestamp)
		b.LastOffsetDelta = int32(records[i].Offset - at)
		b.Records = append(b.Records, encoded(&records[i], at, b.FirstTimestamp)...)
	}
	return b
}

// encoded is a record as it stands in a batch. Source: Kafka's protocol guide, "Record".
func encoded(r *record.Raw, base, first int64) []byte {
	b := kbin.AppendInt8(nil, 0)
	b = kbin.AppendVarlong(b, r.Timestamp-first)
	b = kbin.AppendVarint(b, int32(r.Offset-base))
	b = kbin.AppendVarintBytes(b, r.Key)
	b = kbin.AppendVarintBytes(b, r.Value)
	b = kbin.AppendVarint(b, int32(len(r.Headers)))
	for _, h := range r.Headers {
		b = kbin.AppendVarintString(b, h.Key)
		b = kbin.AppendVarintBytes(b, h.Value)
	}
	return append(kbin.AppendVarint(nil, int32(len(b))), b...)
}

// controlBatch ends a transaction. Source: Kafka's protocol guide, "Control Batches".
func controlBatch(at, producer int64, commit bool) kmsg.RecordBatch {
	b := batchOf(at, record.Raw{Offset: at, Timestamp: 1_600_000_000_000, Key: []byte{0, 0, 0, 0}, Value: make([]byte, 6)})
	if commit {
		b = batchOf(at, record.Raw{Offset: at, Timestamp: 1_600_000_000_000, Key: []byte{0, 0, 0, 1}, Value: make([]byte, 6)})
	}
	b.Attributes, b.ProducerID = transactionalBit|controlBit, producer
	return b
}

var compressors = map[string]kgo.Compressor{}

func init() {
	for name, codec := range codecs {
		compressors[name], _ = kgo.DefaultCompressor(codec) // nil for none
	}
}

func compress(b *kmsg.RecordBatch, codec string) {
	if c := compressors[codec]; c != nil {
		out, kind := c.Compress(new(bytes.Buffer), b.Records)
		b.Records = out
		b.Attributes |= int16(kind)
	}
}

// sealed is a batch's bytes with the length and the checksum that they should have.
func sealed(b kmsg.RecordBatch) []byte {
	if b.Magic == 0 {
		b.Magic = 2
	}
	b.Length = int32(len(b.Records) + atRecords - atEpoch)
	out := b.AppendTo(nil)
	checksum(out)
	return out
}

func checksum(batch []byte) {
	binary.BigEndian.PutUint32(batch[atCRC:], crc32.Checksum(batch[atAttributes:], crc32.MakeTable(crc32.Castagnoli)))
}
