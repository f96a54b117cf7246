package main

import "fmt"

// ledger checks that the records of each key come once, in order, with nothing missing. What comes of a key must
// be 1, 2, 3 …
type ledger struct {
	keys int
	last []uint64
	sums []uint64

	records, lost, repeated, wrong int64
	// examples are the first violations.
	examples []string
}

const maxExamples = 10

func newLedger(keys int) *ledger {
	return &ledger{keys: keys, last: make([]uint64, keys), sums: make([]uint64, keys)}
}

// enter takes the next record of a key. n is its number, where what it was read from, for the message.
func (l *ledger) enter(key int, e event, where string) {
	l.records++
	if key < 0 || key >= l.keys || e.ID != eventID(key, e.Seq, l.keys) {
		l.wrong++
		l.example("%s: key %d has a record %d with the ID %d, which is another's", where, key, e.Seq, e.ID)
		return
	}
	switch last := l.last[key]; {
	case e.Seq <= last:
		l.repeated++
		l.example("%s: key %d: record %d comes again after %d", where, key, e.Seq, last)
		return
	case e.Seq > last+1:
		l.lost += int64(e.Seq - last - 1)
		l.example("%s: key %d: record %d follows on %d", where, key, e.Seq, last)
	}
	l.last[key] = e.Seq
	l.sums[key] += e.ID
}

// end compares with what there should be of each key.
func (l *ledger) end(want []uint64, where string) {
	for key, n := range want {
		switch last := l.last[key]; {
		case last < n:
			l.lost += int64(n - last)
			l.example("%s: key %d ends with record %d of %d", where, key, last, n)
		case last > n:
			l.wrong += int64(last - n)
			l.example("%s: key %d has record %d, but only %d were written", where, key, last, n)
		}
	}
}

func (l *ledger) mistake(format string, args ...any) {
	l.wrong++
	l.example(format, args...)
}

func (l *ledger) example(format string, args ...any) {
	if len(l.examples) < maxExamples {
		l.examples = append(l.examples, fmt.Sprintf(format, args...))
	}
}
