package task

import (
	"container/heap"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/leatstream/leat/processor"
)

// queueTwin is a queue of the standard library, which sifts as Java's does.
type queueTwin []*schedule

func (q queueTwin) Len() int           { return len(q) }
func (q queueTwin) Less(i, j int) bool { return q[i].at < q[j].at }
func (q queueTwin) Swap(i, j int)      { q[i], q[j] = q[j], q[i] }
func (q *queueTwin) Push(s any)        { *q = append(*q, s.(*schedule)) }
func (q *queueTwin) Pop() any {
	s := (*q)[len(*q)-1]
	*q = (*q)[:len(*q)-1]
	return s
}

// Punctuators that are due at one time fire in the order of Kafka Streams, also once some have been cancelled.
func TestPunctuatorsFireInTheOrderOfAQueue(t *testing.T) {
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 0))
		var q schedules
		var twin queueTwin
		copies := make(map[*schedule]*schedule)
		for range 1 + r.IntN(12) {
			s := &schedule{kind: processor.WallClockTime, interval: int64(1+r.IntN(5)) * 500}
			c := *s
			copies[s] = &c
			q.add(s)
			heap.Push(&twin, &c)
		}
		for now := int64(0); now < 20_000; now += r.Int64N(1500) {
			for len(twin) > 0 && twin[0].at <= now {
				want := heap.Pop(&twin).(*schedule)
				if want.Cancelled() {
					continue
				}
				got := q.due(processor.WallClockTime, now)
				if got == nil || copies[got] != want {
					t.Fatalf("seed %d: at %d another one fires than the twin's of %d ms, due at %d", seed, now, want.interval, want.at)
				}
				if r.IntN(20) == 0 {
					got.Cancel()
					want.Cancel()
				}
				if q.again(got, now); want.Cancelled() {
					continue
				}
				if want.at = got.at; want.at <= now {
					t.Fatalf("seed %d: at %d the next is at %d", seed, now, want.at)
				}
				heap.Push(&twin, want)
			}
			if s := q.due(processor.WallClockTime, now); s != nil {
				t.Fatalf("seed %d: at %d one fires that is due at %d", seed, now, s.at)
			}
			if s := q.first(processor.StreamTime); s != nil {
				t.Fatalf("seed %d: one of stream time is there", seed)
			}
		}
	}
}

// Punctuators that are cancelled before they are due do not pile up.
func TestCancelledPunctuatorsGo(t *testing.T) {
	task := &Task{}
	kept := task.Schedule("n", time.Minute, processor.WallClockTime, nil)
	for range 10_000 {
		task.Schedule("n", time.Hour, processor.WallClockTime, nil).Cancel()
	}
	if n := len(task.schedules[processor.WallClockTime]); n > 4*manySchedules {
		t.Errorf("%d punctuators are kept, of which one is not cancelled", n)
	}
	if s := task.schedules.due(processor.WallClockTime, 60_000); s == nil || &s.Punctuation != kept {
		t.Error("the one that is not cancelled is not due")
	}
}
