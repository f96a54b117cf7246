package streamtest

import "github.com/leatstream/leat/record"

// queue holds the records of one topic that have not been processed, in order.
type queue struct {
	topic   string
	records []record.Raw
}

// pending are the queues that are not empty, as a heap by the timestamp of their first records. Among equal
// timestamps it gives the order of Java's PriorityQueue, which container/heap happens to share: both move up
// and down past strictly greater elements only, and both prefer the left child.
type pending []*queue

func (p pending) Len() int { return len(p) }

func (p pending) Less(i, j int) bool {
	return p[i].records[0].Timestamp < p[j].records[0].Timestamp
}

func (p pending) Swap(i, j int) { p[i], p[j] = p[j], p[i] }

// Push implements heap.Interface.
func (p *pending) Push(x any) { *p = append(*p, x.(*queue)) } //nolint:forcetypeassert // only queues are pushed

// Pop implements heap.Interface.
func (p *pending) Pop() any {
	n := len(*p) - 1
	q := (*p)[n]
	(*p)[n] = nil
	*p = (*p)[:n]
	return q
}
