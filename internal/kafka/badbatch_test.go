package kafka

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/leatstream/leat/record"
)

// TestBadBatches: a batch that cannot be read is an error where it is the first after the position. Behind another,
// it ends the answer, and the next request hears of it.
func TestBadBatches(t *testing.T) {
	for _, test := range []struct {
		name   string
		damage func(b []byte) []byte // a sealed batch's bytes
		want   string                // words of the error; none: the batch counts as one that was cut off
	}{
		{"checksum", func(b []byte) []byte { b[atCRC+2]++; return b }, "checksum is"},
		{"a changed byte", func(b []byte) []byte { b[len(b)-1]++; return b }, "checksum is"},
		{"length one too small", length(-1), "checksum is"},
		{"length one too large", length(+1), ""},
		{"length that ends in the head", func(b []byte) []byte { return withLength(b, atRecords-atEpoch-1) }, "less than its head"},
		{"length that ends at the format", func(b []byte) []byte { return withLength(b, 4) }, "less than its head"},
		{"length 0", func(b []byte) []byte { return withLength(b, 0) }, "less than its head"},
		{"length -1", func(b []byte) []byte { return withLength(b, -1) }, ""},
		{"length -12", func(b []byte) []byte { return withLength(b, -12) }, ""},
		{"smallest length", func(b []byte) []byte { return withLength(b, -1<<31) }, ""},
		{"largest length", func(b []byte) []byte { return withLength(b, 1<<31-1) }, ""},
		{"negative count", count(-1), "-1 records in"},
		{"count larger than the bytes", count(80/minRecord + 1), "12 records in 80 bytes"},
		{"largest count", count(1<<31 - 1), "2147483647 records in"},
		{"last offset before the first", func(b []byte) []byte {
			binary.BigEndian.PutUint32(b[atLastDelta:], 1<<32-1)
			checksum(b)
			return b
		}, "ends at offset"},
		{"unknown format", func(b []byte) []byte { b[atMagic] = 3; return b }, "format 3"},
		{"unknown codec", func(b []byte) []byte { b[atAttributes+1] |= 7; checksum(b); return b }, "codec 7"},
		{"not gzip", codec(1), "gzip"},
		{"not snappy", codec(2), "corrupt"},
		{"not lz4", codec(3), "lz4"},
		{"not zstd", codec(4), "magic"},
	} {
		t.Run(test.name, func(t *testing.T) {
			good := sealed(batchOf(10, numbered(10, 12)...))
			bad := test.damage(sealed(batchOf(13, record.Raw{Offset: 13, Value: make([]byte, 4*16)}, record.Raw{Offset: 14})))
			d := oneMiB
			rp := kmsg.NewFetchResponseTopicPartition()
			rp.RecordBatches = slices.Concat(good, bad)
			list, next, _, err := d.batches(anyTP, &rp, 11, false)
			if len(list) != 1 || list[0].left != 3 || next != 13 || err != nil {
				t.Errorf("behind a good batch: %d batches, next is %d, error %v", len(list), next, err)
			}
			// One that lies before the position as a whole does not count.
			for _, in := range [][]byte{bad, slices.Concat(good, bad)} {
				rp.RecordBatches = in
				list, next, epoch, err := d.batches(anyTP, &rp, 13, true)
				if len(list) > 0 || next != 13 || err == nil != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
					t.Errorf("in front: %d batches, next is %d, epoch %d, error %v; want %q", len(list), next, epoch, err, test.want)
				}
			}
		})
	}
}

func withLength(b []byte, n int32) []byte {
	binary.BigEndian.PutUint32(b[atLength:], uint32(n))
	return b
}

// length changes the stated one.
func length(by int32) func(b []byte) []byte {
	return func(b []byte) []byte { return withLength(b, int32(binary.BigEndian.Uint32(b[atLength:]))+by) }
}

func count(n int32) func(b []byte) []byte {
	return func(b []byte) []byte {
		binary.BigEndian.PutUint32(b[atCount:], uint32(n))
		checksum(b)
		return b
	}
}

// codec says that a batch is compressed, which it is not.
func codec(n byte) func(b []byte) []byte {
	return func(b []byte) []byte {
		b[atAttributes+1] |= n
		checksum(b)
		return b
	}
}

// numbered are the records from one offset to another.
func numbered(from, to int64) []record.Raw {
	var out []record.Raw
	for i := from; i <= to; i++ {
		out = append(out, record.Raw{TopicPartition: anyTP, Offset: i, Timestamp: 1000 + i, Key: fmt.Append(nil, "k", i), Value: fmt.Append(nil, "v", i)})
	}
	return out
}

func damaged(at int64) []byte {
	b := sealed(batchOf(at, numbered(at, at+2)...))
	b[len(b)-1]++
	return b
}

// serve answers fetches with what data makes of the offset asked for. Where it makes nothing, the broker answers with
// its own, which are n records.
func (e *env) serve(t *testing.T, p record.TopicPartition, n int, data func(offset int64) []byte) {
	t.Helper()
	e.fill(t, p, 0, n)
	e.fake.ControlKey(int16(kmsg.Fetch), func(req kmsg.Request) (kmsg.Response, error, bool) {
		e.fake.KeepControl()
		fr := req.(*kmsg.FetchRequest)
		in := data(fr.Topics[0].Partitions[0].FetchOffset)
		if in == nil {
			return nil, nil, false
		}
		resp := req.ResponseKind().(*kmsg.FetchResponse)
		st := kmsg.NewFetchResponseTopic()
		st.Topic, st.TopicID = fr.Topics[0].Topic, fr.Topics[0].TopicID
		sp := kmsg.NewFetchResponseTopicPartition()
		sp.HighWatermark, sp.LastStableOffset, sp.RecordBatches = int64(n), int64(n), in
		st.Partitions = append(st.Partitions, sp)
		resp.Topics = append(resp.Topics, st)
		return resp, nil, true
	})
}

// TestAClientMeetsABadBatch: what precedes it is delivered, the request that begins with it is sent a few times, and
// nothing comes after the error.
func TestAClientMeetsABadBatch(t *testing.T) {
	e := newFake(t)
	p := tp(e.topic(t, 1), 0)
	var mu sync.Mutex
	asked := map[int64]int{}
	e.serve(t, p, 6, func(offset int64) []byte {
		mu.Lock()
		defer mu.Unlock()
		asked[offset]++
		if offset == 0 {
			return slices.Concat(sealed(batchOf(0, numbered(0, 2)...)), damaged(3))
		}
		return damaged(3)
	})
	got := stops(t, e, p, 2, 3, "checksum")
	mu.Lock()
	defer mu.Unlock()
	if len(got) != 3 || asked[0] != 1 || asked[3] < 4 || len(asked) != 2 {
		t.Errorf("%d records, requests %v", len(got), asked)
	}
}

// stops polls a partition from its start until its error, which must be of the kind Corrupt and at an offset, and
// then for a while in which nothing may come.
func stops(t *testing.T, e *env, p record.TopicPartition, limit int, at int64, words string) (got []record.Raw) {
	t.Helper()
	c := e.client(t, ClientConfig{})
	c.Assign(map[record.TopicPartition]int64{p: 0})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for {
		fs, err := c.Poll(ctx, limit)
		if err != nil || len(fs) == 0 {
			t.Fatalf("no error after %d records, %v", len(got), err)
		}
		got = append(got, fs[0].Records...)
		if fs[0].Err == nil {
			continue
		}
		wantKind(t, fs[0].Err, Corrupt, p.Topic+"[0]", words)
		wantOffset(t, fs[0].Err, at)
		if fs[0].Next != at {
			t.Errorf("next is %d, want %d", fs[0].Next, at)
		}
		break
	}
	for i, r := range got {
		if r.Offset != int64(i) {
			t.Errorf("record %d has the offset %d", i, r.Offset)
		}
	}
	ctx, cancel = context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if fs, _ := c.Poll(ctx, 0); len(fs) > 0 {
		t.Errorf("after the error came %+v", fs)
	}
	return got
}
