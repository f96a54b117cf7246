package sim

import (
	"errors"
	"slices"
	"strings"

	"github.com/leatstream/leat/processor"
	"github.com/leatstream/leat/record"
)

// The answers that a broker has besides yes.
var (
	// errFenced: the group has another generation, or does not know the member.
	errFenced = errors.New("fenced by the group")
	// errProducerFenced: the transactional id has a newer epoch, or its transaction is over.
	errProducerFenced = errors.New("producer fenced")
	// errConcurrent: the transaction before is not over yet.
	errConcurrent = errors.New("concurrent transactions")
	// errUnstable: an offset is part of a transaction that is not over.
	errUnstable = errors.New("unstable offset commit")
	// errTimeout: no answer came; it may have been done or not.
	errTimeout = errors.New("no answer")
)

// broker is Kafka: logs, transactions, and the group.
type broker struct {
	logs      []*log
	byTP      map[record.TopicPartition]*log
	producers []*producer
	group     group
}

// producer is what the broker knows of a transactional id.
type producer struct {
	id    string
	epoch int
	txn   *transaction
}

type transactionState uint8

const (
	open transactionState = iota
	committing
	aborting
	committed
	aborted
)

// transaction is one transaction. Once its end is decided, markers are written to its partitions one by one,
// and its offsets are then those of the group.
type transaction struct {
	producer *producer
	state    transactionState
	touched  []*log
	marked   map[*log]bool
	offsets  []commitOffset
}

func (t *transaction) decidedToCommit() bool { return t.state == committing || t.state == committed }
func (t *transaction) over() bool            { return t.state == committed || t.state == aborted }

func (b *broker) log(tp record.TopicPartition) *log {
	l := b.byTP[tp]
	if l == nil {
		l = &log{TopicPartition: tp}
		b.byTP[tp] = l
		b.logs = append(b.logs, l)
	}
	return l
}

func (b *broker) producer(id string) *producer {
	for _, p := range b.producers {
		if p.id == id {
			return p
		}
	}
	p := &producer{id: id}
	b.producers = append(b.producers, p)
	return p
}

// initialize is InitProducerId: it fences whoever used the id and aborts its open transaction. One that is being
// committed is committed.
func (b *broker) initialize(id string) (epoch int) {
	p := b.producer(id)
	p.epoch++
	if p.txn != nil && p.txn.state == open {
		p.txn.state = aborting
	}
	return p.epoch
}

// openTransactions returns the ids, with this prefix, whose transactions are open.
func (b *broker) openTransactions(prefix string) (ids []string) {
	for _, p := range b.producers {
		if strings.HasPrefix(p.id, prefix) && p.txn != nil && p.txn.state == open {
			ids = append(ids, p.id)
		}
	}
	return ids
}

// begin returns the id's open transaction.
func (b *broker) begin(id string, epoch int) (*transaction, error) {
	p := b.producer(id)
	switch {
	case p.epoch != epoch:
		return nil, errProducerFenced
	case p.txn != nil && !p.txn.over() && p.txn.state != open:
		return nil, errConcurrent
	case p.txn == nil || p.txn.over():
		p.txn = &transaction{producer: p, marked: make(map[*log]bool)}
	}
	return p.txn, nil
}

// write appends one record, in a transaction unless the id is empty, and returns its offset.
func (b *broker) write(id string, epoch int, tp record.TopicPartition, o *processor.Output) (int64, error) {
	l := b.log(tp)
	e := logEntry{key: o.Key, value: o.Value, timestamp: o.Timestamp}
	if id != "" {
		t, err := b.begin(id, epoch)
		if err != nil {
			return 0, err
		}
		if !slices.Contains(t.touched, l) {
			t.touched = append(t.touched, l)
		}
		e.txn = t
	}
	l.entries = append(l.entries, e)
	return l.end() - 1, nil
}

// commitInTransaction is TxnOffsetCommit.
func (b *broker) commitInTransaction(id string, epoch int, member string, generation int, offsets []commitOffset) error {
	t, err := b.begin(id, epoch)
	if err != nil {
		return err
	}
	if err := b.group.check(member, generation); err != nil {
		return err
	}
	b.group.owned(member, offsets)
	t.offsets = append(t.offsets, b.group.append(offsets)...)
	return nil
}

// end is EndTxn: it decides a transaction.
func (b *broker) end(id string, epoch int, commit bool) error {
	p := b.producer(id)
	if p.epoch != epoch || p.txn == nil || p.txn.state != open {
		return errProducerFenced
	}
	p.txn.state = aborting
	if commit {
		p.txn.state = committing
	}
	return nil
}

// expire aborts a transaction that has been open for too long, and fences its producer.
func (b *broker) expire(p *producer) {
	if p.txn != nil && p.txn.state == open {
		p.txn.state = aborting
		p.epoch++
	}
}

// ending returns the transactions that are neither open nor over.
func (b *broker) ending() (ts []*transaction) {
	for _, p := range b.producers {
		if p.txn != nil && (p.txn.state == committing || p.txn.state == aborting) {
			ts = append(ts, p.txn)
		}
	}
	return ts
}

// mark writes the next marker of a transaction that is ending; after the last one it is over.
func (b *broker) mark(t *transaction, c *choices) {
	var left []*log
	for _, l := range t.touched {
		if !t.marked[l] {
			left = append(left, l)
		}
	}
	if len(left) > 0 {
		l := pick(c, left)
		t.marked[l] = true
		l.entries = append(l.entries, logEntry{txn: t, marker: true})
	}
	if len(left) > 1 {
		return
	}
	if t.state == committing {
		b.group.keep(t.offsets)
		t.state = committed
	} else {
		t.state = aborted
	}
}

// committedOffset returns a partition's committed offset. If it must be stable, one that is part of a
// transaction which is not over is an error.
func (b *broker) committedOffset(tp record.TopicPartition, stable bool) (o commitOffset, ok bool, err error) {
	for _, p := range b.producers {
		if !stable || p.txn == nil || p.txn.over() {
			continue
		}
		for _, o := range p.txn.offsets {
			if o.TopicPartition == tp {
				return commitOffset{}, false, errUnstable
			}
		}
	}
	o, ok = b.group.offsets[tp]
	return o, ok, nil
}
