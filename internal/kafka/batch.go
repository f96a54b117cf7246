package kafka

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/leatstream/leat/record"
)

// Where the fields of a record batch are, and the bits of its attributes. Source: Kafka's protocol guide, "Record
// Batch".
const (
	atLength     = 8
	atEpoch      = 12
	atMagic      = 16
	atCRC        = 17
	atAttributes = 21
	atLastDelta  = 23
	atFirstTime  = 27
	atMaxTime    = 35
	atProducer   = 43
	atCount      = 57
	atRecords    = 61

	codecBits         = 0x07
	logAppendTimeBit  = 0x08
	transactionalBit  = 0x10
	controlBit        = 0x20
	minRecord         = 7 // bytes: a length, attributes, two deltas, two lengths, a number of headers
	endTransactionKey = 4 // bytes: a version, and what became of the transaction
)

var (
	castagnoli   = crc32.MakeTable(crc32.Castagnoli)
	errBadRecord = errors.New("a record in a batch whose checksum is right does not end where it says")
)

// batch is one record batch of an answer. It is checked and decompressed when it comes, but its records are decoded
// only when they are polled: as bytes they take a third of the memory, and most wait for a while. They keep pointing
// into the answer.
type batch struct {
	tp      record.TopicPartition
	records []byte // what is left to decode
	left    int    // how many records that is
	// The records' offsets and timestamps are relative to these, but with appended all of them have time.
	offset, time int64
	appended     bool
	// decoded are the records of a batch in a format before 2, which are decoded at once.
	decoded []record.Raw
}

// batches takes an answer's batches apart, up to the last that is complete, and leaves out what a reader is not to
// see: control batches and, with committed, those of aborted transactions. next is the position after them, pos if
// there is none, and epoch the last one's leader epoch, else -1. An error is of the batch at next, which is the one
// at pos: of what goes wrong behind it, the next request hears.
func (d *decompressor) batches(tp record.TopicPartition, rp *kmsg.FetchResponseTopicPartition, pos int64, committed bool) (list []batch, next int64, epoch int32, err error) {
	next, epoch = pos, -1
	var aborted abortedTransactions
	if committed {
		aborted = newAborted(rp.AbortedTransactions)
	}
	for in := rp.RecordBatches; len(in) > atMagic; {
		size := batchSize(in)
		if size == 0 { // the broker cuts an answer off where it is full
			break
		}
		if in[atMagic] < 2 {
			n := oldMessages(in)
			if list, next, err = d.old(tp, in[:n], list, next); next > pos || err != nil {
				break // the next request is for what is behind them
			}
			in = in[n:]
			continue
		}
		var b batch
		var last int64
		if b, last, err = d.batch(tp, in[:size], next, &aborted); err != nil {
			break
		}
		epoch = int32(binary.BigEndian.Uint32(in[atEpoch:]))
		next = max(next, last+1)
		if b.left > 0 {
			if list == nil {
				list = make([]batch, 0, 1+len(in)/max(size, 1<<12))
			}
			list = append(list, b)
		}
		in = in[size:]
	}
	if next > pos {
		err = nil
	}
	return list, next, epoch, err
}

// batchSize returns the size of the batch, or message, that begins an answer, 0 if it is not all there.
func batchSize(in []byte) int {
	size := int64(int32(binary.BigEndian.Uint32(in[atLength:]))) + atEpoch
	if size < atEpoch || size > int64(len(in)) {
		return 0
	}
	return int(size)
}

// batch opens one that is complete. Nothing is left in it if it is not to be seen, or before pos as a whole.
func (d *decompressor) batch(tp record.TopicPartition, in []byte, pos int64, aborted *abortedTransactions) (b batch, last int64, err error) {
	if len(in) < atRecords {
		return b, 0, fmt.Errorf("the batch has %d bytes, less than its head", len(in))
	}
	if magic := in[atMagic]; magic > 2 {
		return b, 0, fmt.Errorf("the batch is of format %d, which is newer than 2", magic)
	}
	if has, want := crc32.Checksum(in[atAttributes:], castagnoli), binary.BigEndian.Uint32(in[atCRC:]); has != want {
		return b, 0, fmt.Errorf("the batch's checksum is %08x, not %08x", has, want)
	}
	attributes := binary.BigEndian.Uint16(in[atAttributes:])
	b = batch{
		tp: tp, records: in[atRecords:], left: int(int32(binary.BigEndian.Uint32(in[atCount:]))),
		offset: int64(binary.BigEndian.Uint64(in)), time: int64(binary.BigEndian.Uint64(in[atFirstTime:])),
		appended: attributes&logAppendTimeBit != 0,
	}
	if b.appended {
		b.time = int64(binary.BigEndian.Uint64(in[atMaxTime:]))
	}
	last = b.offset + int64(int32(binary.BigEndian.Uint32(in[atLastDelta:])))
	if last < b.offset {
		return b, 0, fmt.Errorf("the batch ends at offset %d, before it begins at %d", last, b.offset)
	}
	producer := int64(binary.BigEndian.Uint64(in[atProducer:]))
	aborted.begin(last)
	switch {
	case attributes&controlBit != 0:
		var marker record.Raw
		if b.left > 0 && b.next(&marker) == nil && len(marker.Key) >= endTransactionKey && marker.Key[2] == 0 && marker.Key[3] == 0 {
			aborted.end(producer)
		}
		return batch{}, last, nil
	case last < pos, attributes&transactionalBit != 0 && aborted.has(producer):
		return batch{}, last, nil
	}
	if codec := kgo.CompressionCodecType(attributes & codecBits); codec != kgo.CodecNone {
		if b.records, err = d.Decompress(b.records, codec); err != nil {
			return b, 0, err
		}
	}
	if b.left < 0 || b.left > len(b.records)/minRecord {
		return b, 0, fmt.Errorf("the batch has %d records in %d bytes", b.left, len(b.records))
	}
	return b, last, nil
}

// old has franz-go decode messages, which is what formats before 2 have in place of batches. Kafka wrote those until
// 0.11, and topics that nobody rewrote still have them. They know no transactions.
func (d *decompressor) old(tp record.TopicPartition, in []byte, list []batch, pos int64) ([]batch, int64, error) {
	rp := kmsg.FetchResponseTopicPartition{Partition: tp.Partition, RecordBatches: in}
	fp, next := kgo.ProcessFetchPartition(kgo.ProcessFetchPartitionOpts{Offset: pos, Topic: tp.Topic, Partition: tp.Partition}, &rp, d, nil)
	if len(fp.Records) > 0 {
		records := convert(tp, fp.Records)
		list = append(list, batch{decoded: records, left: len(records)})
	}
	return list, next, fp.Err
}

// oldMessages returns how many bytes of an answer are complete messages before the first batch.
func oldMessages(in []byte) (n int) {
	for len(in)-n > atMagic && in[n+atMagic] < 2 {
		size := batchSize(in[n:])
		if size == 0 {
			break
		}
		n += size
	}
	return n
}

// convert makes leat's records of franz-go's.
func convert(tp record.TopicPartition, in []*kgo.Record) []record.Raw {
	out := make([]record.Raw, len(in))
	for i, r := range in {
		out[i] = record.Raw{TopicPartition: tp, Offset: r.Offset, Timestamp: r.Timestamp.UnixMilli(), Key: r.Key, Value: r.Value}
		if r.Timestamp.IsZero() { // format 0 has none
			out[i].Timestamp = -1
		}
		for _, h := range r.Headers {
			out[i].Headers = append(out[i].Headers, record.Header{Key: h.Key, Value: h.Value})
		}
	}
	return out
}

// next decodes the next record, of which there must be one.
func (b *batch) next(r *record.Raw) error {
	b.left--
	if b.decoded != nil {
		*r, b.decoded = b.decoded[0], b.decoded[1:]
		return nil
	}
	whole := fields{rest: b.records}
	in := fields{rest: whole.take(whole.varint()), broken: whole.broken}
	b.records = whole.rest
	in.take(1) // attributes, of which there are none yet
	time := b.time
	if delta := in.varint(); !b.appended {
		time += delta
	}
	r.TopicPartition = b.tp
	r.Timestamp = time
	r.Offset = b.offset + in.varint()
	r.Key = in.bytes()
	r.Value = in.bytes()
	r.Headers = nil
	if n := in.varint(); n != 0 {
		r.Headers = in.headers(n)
	}
	if in.broken || len(in.rest) > 0 || b.left == 0 && len(b.records) > 0 {
		return errBadRecord
	}
	return nil
}

// fields reads a record's fields. What is missing comes out as zero, and broken says so.
type fields struct {
	rest   []byte
	broken bool
}

func (f *fields) varint() int64 {
	if len(f.rest) > 0 && f.rest[0] < 0x80 {
		x := int64(f.rest[0]>>1) ^ -int64(f.rest[0]&1)
		f.rest = f.rest[1:]
		return x
	}
	x, n := binary.Varint(f.rest)
	if n <= 0 {
		f.rest, f.broken = nil, true
		return 0
	}
	f.rest = f.rest[n:]
	return x
}

func (f *fields) take(n int64) []byte {
	if n < 0 || n > int64(len(f.rest)) {
		f.rest, f.broken = nil, true
		return nil
	}
	b := f.rest[:n:n]
	f.rest = f.rest[n:]
	return b
}

// bytes reads a length and as many bytes. Null is nil, and has the length -1.
func (f *fields) bytes() []byte {
	n := f.varint()
	if n == -1 {
		return nil
	}
	return f.take(n)
}

func (f *fields) headers(n int64) record.Headers {
	if n < 0 || n > int64(len(f.rest)/2) {
		f.broken = true
		return nil
	}
	out := make(record.Headers, n)
	for i := range out {
		out[i] = record.Header{Key: string(f.take(f.varint())), Value: f.bytes()}
	}
	return out
}

// abortedTransactions tells which batches are of transactions that were aborted: a transaction of a producer lasts
// from the offset that the broker states to the control batch that ends it.
type abortedTransactions struct {
	ahead []kmsg.FetchResponseTopicPartitionAbortedTransaction // in the order of their first offsets
	under []int64                                              // producers
}

func newAborted(list []kmsg.FetchResponseTopicPartitionAbortedTransaction) abortedTransactions {
	// Kafka's are in the order of their last offsets, others' in any.
	slices.SortFunc(list, func(a, b kmsg.FetchResponseTopicPartitionAbortedTransaction) int {
		return int(min(1, max(-1, a.FirstOffset-b.FirstOffset)))
	})
	return abortedTransactions{ahead: list}
}

// begin moves on to a batch that ends at an offset.
func (a *abortedTransactions) begin(last int64) {
	for len(a.ahead) > 0 && a.ahead[0].FirstOffset <= last {
		a.under = append(a.under, a.ahead[0].ProducerID)
		a.ahead = a.ahead[1:]
	}
}

func (a *abortedTransactions) has(producer int64) bool { return slices.Contains(a.under, producer) }

func (a *abortedTransactions) end(producer int64) {
	if i := slices.Index(a.under, producer); i >= 0 {
		a.under = slices.Delete(a.under, i, i+1)
	}
}
