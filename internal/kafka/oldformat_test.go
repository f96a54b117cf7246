package kafka

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"slices"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/leatstream/leat/record"
)

// message is one of format 0 or 1, with the length and the checksum that it should have.
func message(format int8, attributes int8, r *record.Raw) []byte {
	var out []byte
	if format == 0 {
		m := kmsg.MessageV0{Offset: r.Offset, Attributes: attributes, Key: r.Key, Value: r.Value}
		out = m.AppendTo(nil)
	} else {
		m := kmsg.MessageV1{Offset: r.Offset, Magic: 1, Attributes: attributes, Timestamp: r.Timestamp, Key: r.Key, Value: r.Value}
		out = m.AppendTo(nil)
	}
	binary.BigEndian.PutUint32(out[atLength:], uint32(len(out)-atEpoch))
	binary.BigEndian.PutUint32(out[atEpoch:], crc32.ChecksumIEEE(out[atMagic:])) // where format 2 has the epoch
	return out
}

func messages(format int8, records ...record.Raw) []byte {
	var out []byte
	for i := range records {
		out = append(out, message(format, 0, &records[i])...)
	}
	return out
}

// wrapped is a message that holds others, compressed. Its offset is that of the last; in format 1 theirs are relative
// to the first.
func wrapped(format int8, codec string, records ...record.Raw) []byte {
	last := records[len(records)-1]
	records = slices.Clone(records)
	if format == 1 {
		for i, first := 0, records[0].Offset; i < len(records); i++ {
			records[i].Offset -= first
		}
	}
	out, kind := compressors[codec].Compress(new(bytes.Buffer), messages(format, records...))
	return message(format, int8(kind), &record.Raw{Offset: last.Offset, Timestamp: last.Timestamp, Value: out})
}

// TestOldFormats: messages of formats 0 and 1, which Kafka wrote before 0.11, are read too, and in one answer with
// batches behind them. Those of format 0 have no timestamp.
func TestOldFormats(t *testing.T) {
	gaps := slices.DeleteFunc(numbered(20, 29), func(r record.Raw) bool { return r.Offset%3 == 0 })
	null := []record.Raw{{TopicPartition: anyTP, Offset: 20, Timestamp: 5}, {TopicPartition: anyTP, Offset: 21, Timestamp: 6, Key: []byte{}, Value: []byte{}}}
	transaction := batchOf(30, numbered(30, 32)...)
	transaction.Attributes, transaction.ProducerID = transactionalBit, 7
	after := batchOf(34, numbered(34, 36)...)
	compress(&after, "snappy")
	behind := slices.Concat(sealed(transaction), sealed(controlBatch(33, 7, false)), sealed(after))
	aborted := []kmsg.FetchResponseTopicPartitionAbortedTransaction{{ProducerID: 7, FirstOffset: 30}}
	for _, test := range []struct {
		name string
		in   []byte
		want []record.Raw
		next int64
	}{
		{"0", messages(0, numbered(20, 23)...), timeless(numbered(20, 23)), 24},
		{"0, compacted", messages(0, gaps...), timeless(gaps), 30},
		{"0, null and empty", messages(0, null...), timeless(null), 22},
		{"0, gzip", wrapped(0, "gzip", gaps...), timeless(gaps), 30},
		{"1", messages(1, numbered(20, 23)...), numbered(20, 23), 24},
		{"1, compacted", messages(1, gaps...), gaps, 30},
		{"1, null and empty", messages(1, null...), null, 22},
		{"1, gzip", wrapped(1, "gzip", gaps...), gaps, 30},
		{"1, snappy", wrapped(1, "snappy", gaps...), gaps, 30},
		{"0, then 1", slices.Concat(messages(0, numbered(20, 21)...), wrapped(1, "gzip", numbered(22, 25)...)), append(timeless(numbered(20, 21)), numbered(22, 25)...), 26},
		{"1, cut off", slices.Concat(messages(1, numbered(20, 23)...), messages(1, numbered(24, 24)...)[:30]), numbered(20, 23), 24},
		{"1, then a damaged one", slices.Concat(messages(1, numbered(20, 23)...), []byte{0, 0, 0, 0, 0, 0, 0, 24, 0, 0, 0, 14, 1, 2, 3, 4, 1}, make([]byte, 13)), numbered(20, 23), 24},
		{"1, then 2", slices.Concat(messages(1, gaps...), behind), slices.Concat(gaps, numbered(34, 36)), 37},
		{"2, then 1", slices.Concat(sealed(batchOf(20, numbered(20, 22)...)), messages(1, numbered(23, 25)...)), numbered(20, 25), 26},
		{"2, then 1, then 2", slices.Concat(sealed(batchOf(20, numbered(20, 22)...)), messages(1, numbered(23, 25)...), behind), slices.Concat(numbered(20, 25), numbered(34, 36)), 37},
	} {
		for _, pos := range []int64{0, 20, 22, 23} {
			for limit := range 4 {
				t.Run(fmt.Sprintf("%s,pos=%d,limit=%d", test.name, pos, limit), func(t *testing.T) {
					rp := kmsg.NewFetchResponseTopicPartition()
					rp.RecordBatches, rp.AbortedTransactions = test.in, aborted
					c := &cursor{tp: anyTP, limit: NoEnd, pos: pos, delivered: pos}
					for range 3 { // where the format changes, an answer ends
						list, next, _, err := oneMiB.batches(anyTP, &rp, c.pos, true)
						if err != nil && c.pos < test.next {
							t.Fatal(err)
						}
						c.add(list, next, len(test.in))
					}
					if want := max(pos, test.next); c.pos != want {
						t.Errorf("the position is %d, want %d", c.pos, want)
					}
					got, _ := drain(t, c, limit)
					want := slices.DeleteFunc(slices.Clone(test.want), func(r record.Raw) bool { return r.Offset < pos })
					sameRecords(t, "our own idea", want, got)
					if theirs, at, _ := franz(t, &rp, pos, true); at == c.pos {
						sameRecords(t, "franz-go", theirs, got)
					} else {
						t.Errorf("franz-go is at %d, we at %d", at, c.pos)
					}
				})
			}
		}
	}
}

func timeless(records []record.Raw) []record.Raw {
	records = slices.Clone(records)
	for i := range records {
		records[i].Timestamp = -1
	}
	return records
}

// TestABadOldMessage: with nothing before it in the answer, it is an error.
func TestABadOldMessage(t *testing.T) {
	in := messages(1, numbered(20, 22)...)
	in[len(in)-1]++
	rp := kmsg.NewFetchResponseTopicPartition()
	rp.RecordBatches = in
	for pos, want := range map[int64]int{20: 2, 21: 1} {
		list, next, _, err := oneMiB.batches(anyTP, &rp, pos, false)
		if len(list) != 1 || list[0].left != want || next != 22 || err != nil {
			t.Errorf("from %d: %d batches, next is %d, error %v", pos, len(list), next, err)
		}
	}
	if list, next, _, err := oneMiB.batches(anyTP, &rp, 22, false); len(list) > 0 || next != 22 || err == nil {
		t.Errorf("from 22: %d batches, next is %d, error %v", len(list), next, err)
	}
	empty := batchOf(10)
	empty.LastOffsetDelta = 11
	rp.RecordBatches = slices.Concat(sealed(empty), in[len(messages(1, numbered(20, 21)...)):])
	if list, next, _, err := oneMiB.batches(anyTP, &rp, 15, false); len(list) > 0 || next != 22 || err != nil {
		t.Errorf("behind an empty batch: %d batches, next is %d, error %v", len(list), next, err)
	}
}

// TestWhatStandsBehindOldMessages, newer batches: an unknown format must not be passed over, and a transaction
// before the messages, which was aborted, has nothing to do with one behind them.
func TestWhatStandsBehindOldMessages(t *testing.T) {
	rp := kmsg.NewFetchResponseTopicPartition()
	unknown := sealed(batchOf(23, numbered(23, 23)...))
	unknown[atMagic] = 3
	rp.RecordBatches = slices.Concat(messages(1, numbered(20, 22)...), unknown, sealed(batchOf(24, numbered(24, 26)...)))
	if list, next, _, err := oneMiB.batches(anyTP, &rp, 20, false); len(list) != 1 || next != 23 || err != nil {
		t.Errorf("%d batches, next is %d, error %v", len(list), next, err)
	}
	if list, next, _, err := oneMiB.batches(anyTP, &rp, 23, false); len(list) > 0 || next != 23 || err == nil {
		t.Errorf("from the unknown one: %d batches, next is %d, error %v", len(list), next, err)
	}

	of7 := func(from, to int64) []byte {
		b := batchOf(from, numbered(from, to)...)
		b.Attributes, b.ProducerID = transactionalBit, 7
		return sealed(b)
	}
	rp.RecordBatches = slices.Concat(of7(20, 22), sealed(controlBatch(23, 7, false)), messages(1, numbered(24, 25)...), of7(26, 28), sealed(controlBatch(29, 7, true)))
	rp.AbortedTransactions = []kmsg.FetchResponseTopicPartitionAbortedTransaction{{ProducerID: 7, FirstOffset: 20}}
	list, next, _, err := oneMiB.batches(anyTP, &rp, 20, true)
	c := &cursor{tp: anyTP, limit: NoEnd, pos: 20, delivered: 20}
	c.add(list, next, 1)
	got, _ := drain(t, c, 0)
	sameRecords(t, "the messages", numbered(24, 25), got)
	rp.RecordBatches = rp.RecordBatches[len(of7(20, 22))+len(sealed(controlBatch(23, 7, false))):]
	rp.AbortedTransactions = nil // the broker states none that ended before
	list, next, _, err2 := oneMiB.batches(anyTP, &rp, c.pos, true)
	c.add(list, next, 1)
	got, _ = drain(t, c, 0)
	sameRecords(t, "the second transaction", numbered(26, 28), got)
	if err != nil || err2 != nil || c.pos != 30 {
		t.Errorf("the position is %d, errors %v, %v", c.pos, err, err2)
	}
}
