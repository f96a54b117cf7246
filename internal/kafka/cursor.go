package kafka

import (
	"time"

	"github.com/leatstream/leat/record"
)

// cursor is one assignment of one partition to a fetcher. Assigning a partition anew makes a new cursor,
// so that an answer to a request of the old one finds that its cursor is gone. Everything is guarded by
// the fetcher's mutex, but for tp and limit, which never change.
type cursor struct {
	tp record.TopicPartition
	// limit ends the cursor when the position reaches it; NoEnd never does.
	limit int64

	// pos is the next offset to fetch, FromStart while the log's start is still to be asked for.
	pos int64
	// delivered is the position after what poll returned.
	delivered int64
	// chunks are what was fetched and not yet polled, oldest first.
	chunks []chunk
	// bytes is the size of what is left in chunks, roughly.
	bytes int

	// leader is the broker to fetch from, -1 while unknown; leaderEpoch its epoch as the metadata said.
	leader, leaderEpoch int32
	// readEpoch is the leader epoch of the last batch read, -1 before the first. verify asks to check,
	// before fetching from a new leader, that its log still has what was read.
	readEpoch int32
	verify    bool

	// known tells that end and logStart come from an answer.
	known         bool
	end, logStart int64

	paused bool
	// pausedAt is when it was.
	pausedAt time.Time
	inflight bool
	// alone asks for a request with only this partition in it: see fetcher.settle.
	alone bool
	// share is the size of the largest batch that had to be asked for alone: others of this partition will be as large.
	share int32
	// list asks the finder for the log's limits: for FromStart, or to explain an offset out of range.
	list bool
	// report tells that there is something to say although there may be no records.
	report bool
	// finished tells that limit is reached, err that the partition stopped; nothing more is fetched.
	finished bool
	err      error
	// gone tells that the cursor is no longer the fetcher's.
	gone bool

	// failures in a row, and when to try again.
	failures     int
	retryAt      time.Time
	unknownSince time.Time
}

// chunk is the part of one answer that belongs to one partition.
type chunk struct {
	batches []batch
	// from is the position before the chunk: a batch may begin earlier. next is the one after it, past what follows
	// its last record and is not a record.
	from, next int64
	// bytes is the size of what is left of it, of which each record is taken to have each.
	bytes, each int
}

// piece is what poll takes from a cursor.
type piece struct {
	tp            record.TopicPartition
	records       []record.Raw
	next          int64
	end, logStart int64
	done          bool
	err           error
}

// fetchable tells whether the cursor wants to be fetched, and full whether it would if it had less buffered: half of
// what a response may have, or a batch if those are larger. Of a trickle two answers are enough, so that they become
// larger while nobody polls.
func (c *cursor) fetchable(now time.Time, response int32) (yes, full bool) {
	if c.inflight || c.finished || c.err != nil || c.leader < 0 || now.Before(c.retryAt) {
		return false, false
	}
	switch {
	case c.paused:
		full = len(c.chunks) > 0
	case c.bytes < int(response/16):
		full = len(c.chunks) > 1
	default:
		full = c.bytes >= int(max(response/2, c.share))
	}
	return !full, full
}

// patience is how long a request for others may wait at the broker while the cursor is full. One that is being
// polled is drained soon; one that was paused for a moment most likely, too; but one that has been paused for long
// is going to be so for as long again, and must not keep the broker busy with requests that come back empty.
func (c *cursor) patience(now time.Time) time.Duration {
	if !c.paused {
		return 0
	}
	return max(5*time.Millisecond, now.Sub(c.pausedAt))
}

// lag is how many offsets the broker has beyond those that poll returned, by its last answer, if there was one.
func (c *cursor) lag() (n int64, known bool) {
	if !c.known || c.delivered < 0 {
		return 0, false
	}
	return max(0, c.end-c.delivered), true
}

// pending tells whether poll would take something.
func (c *cursor) pending() bool { return !c.paused && (len(c.chunks) > 0 || c.report) }

// take removes up to limit records (limit <= 0: all) for poll, and decodes them into a slice that is lent.
func (c *cursor) take(limit int, l *loans) piece {
	p := piece{tp: c.tp, next: c.delivered, end: c.end, logStart: c.logStart}
	n := 0
	for i := range c.chunks {
		n += c.chunks[i].left()
	}
	if limit > 0 {
		n = min(n, limit)
	}
	p.records = l.lend(n)
	for len(c.chunks) > 0 {
		k := &c.chunks[0]
		had := len(p.records)
		var err error
		if p.records, err = k.decode(p.records, n, c.limit); err != nil {
			// Some of the chunk may have been taken before.
			if p.next = max(p.next, k.from); len(p.records) > 0 {
				p.next = max(p.next, p.records[len(p.records)-1].Offset+1)
			}
			c.chunks, c.bytes, c.delivered, c.report = nil, 0, p.next, false
			c.err = &Error{
				Kind: Corrupt, Op: "fetch", Topic: c.tp.Topic, Partition: c.tp.Partition, Offset: p.next, Err: err,
				Remedy: "a record at or after this offset cannot be read; find out what wrote it, or skip its batch",
			}
			p.err = c.err
			return p // c.pos stays as it is: a request may be under way
		}
		if len(k.batches) > 0 { // n are decoded
			taken := k.each * (len(p.records) - had)
			k.bytes, c.bytes = k.bytes-taken, c.bytes-taken
			p.next = max(p.next, p.records[len(p.records)-1].Offset+1)
			c.delivered = p.next
			return p
		}
		p.next = k.next
		c.bytes -= k.bytes
		c.chunks[0] = chunk{}
		c.chunks = c.chunks[1:]
	}
	// Everything was taken: what lies between the last record and the position is behind us too.
	if len(c.chunks) == 0 {
		p.next = max(p.next, c.pos)
		p.done, p.err = c.finished, c.err
		c.report = false
	}
	c.delivered = p.next
	return p
}

// left is how many records of the chunk are still to be decoded.
func (k *chunk) left() int {
	n := 0
	for i := range k.batches {
		n += k.batches[i].left
	}
	return n
}

// decode appends records of the chunk, up to n in all, and those only that are not before it nor at end or later.
func (k *chunk) decode(records []record.Raw, n int, end int64) ([]record.Raw, error) {
	for len(k.batches) > 0 && len(records) < n {
		b := &k.batches[0]
		for b.left > 0 && len(records) < n {
			r := &records[:len(records)+1][len(records)]
			if err := b.next(r); err != nil {
				return records, err
			}
			if end >= 0 && r.Offset >= end {
				k.batches = nil
				return records, nil
			}
			if r.Offset >= k.from {
				records = records[:len(records)+1]
			}
		}
		if b.left == 0 {
			*b = batch{} // its decompressed bytes are let go
			k.batches = k.batches[1:]
		}
	}
	return records, nil
}

// add appends what was fetched and moves the position. It reports whether there is something to poll.
func (c *cursor) add(batches []batch, next int64, bytes int) {
	if c.limit >= 0 && next >= c.limit {
		next, c.finished = c.limit, true
	}
	from, moved := c.pos, next > c.pos
	c.pos = next
	switch {
	case len(batches) > 0:
		k := chunk{batches: batches, from: from, next: next, bytes: bytes}
		k.each = bytes / max(1, k.left())
		c.chunks = append(c.chunks, k)
		c.bytes += bytes
	case len(c.chunks) > 0:
		c.chunks[len(c.chunks)-1].next = next
	}
	if moved || c.finished {
		c.report = true
	}
}

// stop ends the cursor with an error.
func (c *cursor) stop(err error) {
	c.err, c.report = err, true
}

// backoff puts the next try off, longer with each failure in a row, up to a second.
func (c *cursor) backoff(now time.Time) {
	c.failures++
	c.retryAt = now.Add(min(50*time.Millisecond<<min(c.failures, 5), time.Second))
}
