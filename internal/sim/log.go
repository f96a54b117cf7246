package sim

import (
	"github.com/leatstream/leat/record"
)

// log is one partition: records and transactions' markers, each of which takes an offset.
type log struct {
	record.TopicPartition
	entries []logEntry
	// stable is the offset before which everything is decided.
	stable int64
}

type logEntry struct {
	key, value []byte
	timestamp  int64
	// txn is the transaction that wrote the record, nil if none did.
	txn    *transaction
	marker bool
}

func (l *log) end() int64 { return int64(len(l.entries)) }

// lastStable is the offset of the first record whose transaction is not over on this partition.
func (l *log) lastStable() int64 {
	for l.stable < l.end() {
		if e := &l.entries[l.stable]; e.txn != nil && !e.marker && !e.txn.marked[l] {
			break
		}
		l.stable++
	}
	return l.stable
}

// read returns at most n records from an offset on, before the offset to, and where to go on. Of committed
// data it gives only that.
func (l *log) read(from, to int64, n int, committed bool) (recs []record.Raw, next int64) {
	if committed {
		to = min(to, l.lastStable())
	}
	to = min(to, l.end())
	for next = from; next < to && len(recs) < n; next++ {
		e := &l.entries[next]
		if e.marker || committed && e.txn != nil && !e.txn.decidedToCommit() {
			continue
		}
		recs = append(recs, record.Raw{TopicPartition: l.TopicPartition, Offset: next, Timestamp: e.timestamp, Key: e.key, Value: e.value})
	}
	return recs, max(from, next)
}

// decided returns the records before an offset that count, as a reader that knows every transaction's outcome
// sees them.
func (l *log) decided(to int64, committed bool) (recs []record.Raw) {
	for offset := range min(to, l.end()) {
		e := &l.entries[offset]
		if e.marker || committed && e.txn != nil && !e.txn.decidedToCommit() {
			continue
		}
		recs = append(recs, record.Raw{TopicPartition: l.TopicPartition, Offset: offset, Timestamp: e.timestamp, Key: e.key, Value: e.value})
	}
	return recs
}
