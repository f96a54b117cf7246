package kafka

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/leatstream/leat/record"
)

// lies are ways in which a record behind a right checksum is not what it says. They take and return a record's bytes,
// the length in front being one byte.
var lies = map[string]func(b []byte) []byte{
	"a length one too large":         func(b []byte) []byte { b[0] += 2; return b },
	"a length one too small":         func(b []byte) []byte { b[0] -= 2; return b },
	"a length up to the next record": func(b []byte) []byte { b[0] += byte(2 * len(b)); return b },
	"a negative length":              func(b []byte) []byte { b[0] = 1; return b },
	"a length beyond the batch":      func(b []byte) []byte { b[0] = 126; return b },
	"an endless length": func(b []byte) []byte {
		return append([]byte{255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1}, b...)
	},
	"nothing in it":      func([]byte) []byte { return []byte{0} },
	"a key beyond it":    func(b []byte) []byte { b[4] = 60; return b },
	"a key of length -2": func(b []byte) []byte { b[4] = 3; return b },
	"a value beyond it":  func(b []byte) []byte { b[7] = 60; return b },
	"headers beyond it":  func(b []byte) []byte { b[len(b)-1] = 2; return b },
	"headers without end": func(b []byte) []byte {
		out := binary.AppendVarint(b[:len(b)-1], 1<<60)
		out[0] += byte(2 * (len(out) - len(b)))
		return out
	},
	"a negative number of headers": func(b []byte) []byte { b[len(b)-1] = 1; return b },
	"a header without a key":       func(b []byte) []byte { b[0] += 4; b[len(b)-1] = 2; return append(b, 1, 1) },
	"a byte behind the headers":    func(b []byte) []byte { b[0] += 2; return append(b, 0) },
}

// lying is a batch of the records 3 to 9, of which number 6 is not what it says.
func lying(lie func(b []byte) []byte) []byte {
	b := batchOf(3, numbered(3, 9)...)
	at := 0
	for i := range numbered(3, 5) {
		at += len(encoded(&numbered(3, 5)[i], 3, 1003))
	}
	size := len(encoded(&numbered(6, 6)[0], 3, 1003))
	b.Records = slices.Concat(b.Records[:at], lie(slices.Clone(b.Records[at:at+size])), b.Records[at+size:])
	return sealed(b)
}

// TestARecordThatLies stops its partition after the records before it. None of those is lost or told twice, whatever
// is polled at a time and whether a batch came before.
func TestARecordThatLies(t *testing.T) {
	type answer struct {
		in []byte
		at int64 // where it stops
	}
	cases := map[string]answer{"a count too small": {miscounted(-3), 6}, "a count too large": {miscounted(+1), 10}}
	for name, lie := range lies {
		cases[name] = answer{lying(lie), 6}
	}
	for name, a := range cases {
		for limit := range 8 {
			for _, pos := range []int64{0, 3, 5, 6} {
				t.Run(fmt.Sprintf("%s,limit=%d,pos=%d", name, limit, pos), func(t *testing.T) {
					c := &cursor{tp: anyTP, limit: NoEnd, pos: pos, delivered: pos}
					if pos == 0 {
						feed(t, c, sealed(batchOf(0, numbered(0, 1)...))) // 2 was compacted away
						c.add(nil, 3, 0)
					}
					feed(t, c, a.in)
					feed(t, c, sealed(batchOf(10, numbered(10, 12)...)))
					got, p := drain(t, c, limit)
					sameRecords(t, "records before it", without2(numbered(pos, a.at-1)), got)
					wantKind(t, p.err, Corrupt, "t[3]", "does not end where it says")
					wantOffset(t, p.err, a.at)
					if p.next != a.at || c.delivered != a.at || p.done || c.bytes != 0 || c.pending() {
						t.Errorf("next is %d, delivered %d, done %v; %d bytes are left, pending is %v", p.next, c.delivered, p.done, c.bytes, c.pending())
					}
				})
			}
		}
	}
}

// miscounted is a batch of the records 3 to 9 that says it has more or fewer.
func miscounted(by int32) []byte {
	b := batchOf(3, numbered(3, 9)...)
	b.NumRecords += by
	return sealed(b)
}

func without2(records []record.Raw) []record.Raw {
	return slices.DeleteFunc(records, func(r record.Raw) bool { return r.Offset == 2 })
}

func wantOffset(t *testing.T, err error, at int64) {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) || e.Offset != at {
		t.Errorf("error %+v, want the offset %d", e, at)
	}
}

// feed gives a cursor an answer.
func feed(t *testing.T, c *cursor, in []byte) {
	t.Helper()
	rp := kmsg.NewFetchResponseTopicPartition()
	rp.RecordBatches = in
	list, next, _, err := oneMiB.batches(c.tp, &rp, c.pos, false)
	if err != nil {
		t.Fatal(err)
	}
	c.add(list, next, len(in))
}

// drain polls until there is nothing more to say, and returns the records and the last piece.
func drain(t *testing.T, c *cursor, limit int) (got []record.Raw, p piece) {
	t.Helper()
	next := c.delivered
	var l loans
	for c.pending() {
		if p.err != nil {
			t.Fatalf("there is something after %v", p.err)
		}
		p = c.take(limit, &l)
		got = append(got, p.records...)
		if p.next < next {
			t.Errorf("the position went back from %d to %d", next, p.next)
		}
		next = p.next
	}
	return got, p
}

// TestAnAnswerUnderWayWhenARecordLied is of no use any more: what comes of it would leave out what follows the record.
func TestAnAnswerUnderWayWhenARecordLied(t *testing.T) {
	for name, rp := range map[string]kmsg.FetchResponseTopicPartition{
		"data":     {RecordBatches: sealed(batchOf(10, numbered(10, 12)...)), HighWatermark: 13},
		"bad data": {RecordBatches: damaged(10), HighWatermark: 13},
		"refusal":  {ErrorCode: kerr.TopicAuthorizationFailed.Code, HighWatermark: 13},
	} {
		for _, late := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s,late=%v", name, late), func(t *testing.T) {
				c := &cursor{tp: anyTP, limit: NoEnd, pos: 3, delivered: 3, leader: 1, known: true, failures: 5}
				f := &fetcher{decompressor: oneMiB, ready: make(chan struct{}, 1), find: make(chan struct{}, 1), order: []*cursor{c}}
				feed(t, c, lying(lies["nothing in it"]))
				c.inflight = true
				if !late {
					f.settle(c, &rp, false)
				}
				first := f.takeAll(0, false)
				if late {
					f.settle(c, &rp, false)
				}
				second := f.takeAll(0, false)
				if len(first) != 1 || len(first[0].records) != 3 || len(second) > 0 {
					t.Fatalf("first %v, then %v", first, second)
				}
				wantKind(t, first[0].err, Corrupt)
				wantOffset(t, first[0].err, 6)
				if c.inflight {
					t.Error("the request is still under way")
				}
			})
		}
	}
}

// TestAClientMeetsARecordThatLies in an answer behind which others are under way.
func TestAClientMeetsARecordThatLies(t *testing.T) {
	e := newFake(t)
	p := tp(e.topic(t, 1), 0)
	e.serve(t, p, 13, func(offset int64) []byte {
		switch {
		case offset < 3:
			return sealed(batchOf(0, numbered(0, 2)...))
		case offset < 10:
			return lying(lies["a length up to the next record"])
		}
		return nil
	})
	for range 10 {
		if got := stops(t, e, p, 2, 6, "does not end where it says"); len(got) != 6 {
			t.Errorf("%d records", len(got))
		}
	}
}
