package streamtest

import (
	"container/heap"
	"fmt"

	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/statestore"
)

// PipeRaw writes one record as bytes to a topic that the topology reads and processes it and all that follows
// from it. r.Partition and r.Offset are set by the driver. What makes the topology fail is returned; from then
// on the driver returns the same error.
func (d *Driver) PipeRaw(r record.Raw) error {
	if d.err != nil {
		return d.err
	}
	if _, ok := d.sources[r.Topic]; !ok {
		return fmt.Errorf("pipe to topic %q: no source reads it; the topology reads %s", r.Topic, d.reads())
	}
	d.take(d.sources[r.Topic], d.numbered(r))
	return d.run()
}

// numbered gives a record the next offset of its topic.
func (d *Driver) numbered(r record.Raw) record.Raw {
	r.Partition, r.Offset = 0, d.next[r.Topic]
	d.next[r.Topic]++
	return r
}

// take lets a record wait for its turn, or, if it is for a global store, takes it in at once: global stores do
// not wait for the tasks.
func (d *Driver) take(s source, r record.Raw) {
	if s.unit.global && d.err == nil {
		d.err = d.process(s, r)
		return
	}
	d.enqueue(r)
}

func (d *Driver) enqueue(r record.Raw) {
	q := d.queues[r.Topic]
	if q == nil {
		q = &queue{topic: r.Topic}
		d.queues[r.Topic] = q
	}
	q.records = append(q.records, r)
	if len(q.records) == 1 {
		heap.Push(&d.pending, q)
	}
}

// run processes until nothing waits, one record at a time, each with a commit of its own if there is no commit
// interval.
func (d *Driver) run() error {
	for _, u := range d.units {
		d.collect(u) // of processors that forwarded when they were initialized
	}
	for d.err == nil && len(d.pending) > 0 {
		q := heap.Pop(&d.pending).(*queue) //nolint:forcetypeassert // only queues are pushed
		r := q.records[0]
		q.records = q.records[1:]
		if len(q.records) > 0 {
			heap.Push(&d.pending, q)
		}
		if err := d.process(d.sources[r.Topic], r); err != nil {
			return err
		}
	}
	return d.err
}

// process runs one record, then the stream-time punctuators that it made due (both in Step), then, if there is
// no commit interval, commits. Global stores show to others what has been committed.
func (d *Driver) process(s source, r record.Raw) error {
	t := s.unit.task
	t.Offer(s.input, []record.Raw{r}, r.Offset+1)
	for t.Step(d.clock) {
	}
	return d.settle(s.unit, d.cfg.CommitInterval <= 0 || s.unit.global)
}

// settle takes what a task wants written, with a commit or without.
func (d *Driver) settle(u *unit, commit bool) error {
	if commit {
		return d.commit(u)
	}
	if err := u.task.Err(); err != nil {
		d.err = err
		return err
	}
	d.collect(u)
	return nil
}

// commit flushes the stores, takes what the task wants written, and brings the state to it.
func (d *Driver) commit(u *unit) error {
	if _, err := u.task.Prepare(); err != nil {
		d.err = err
		return err
	}
	d.collect(u)
	err := u.task.Confirm(func(store int) (statestore.Position, bool) {
		next, ok := u.changes[store]
		return statestore.Position{Next: next}, ok
	})
	if err != nil {
		d.err = err
	}
	u.version++
	return err
}

// collect writes a task's outputs to their topics; those that the topology reads wait to be processed.
func (d *Driver) collect(u *unit) {
	for _, out := range u.task.Outputs() {
		r := d.numbered(record.Raw{
			TopicPartition: record.TopicPartition{Topic: out.Topic},
			Timestamp:      out.Timestamp, Key: out.Key, Value: out.Value, Headers: out.Headers,
		})
		d.log[r.Topic] = append(d.log[r.Topic], r)
		if out.Store > 0 {
			u.changes[int(out.Store-1)] = r.Offset + 1
		}
		if s, ok := d.sources[r.Topic]; ok {
			d.take(s, r)
		}
	}
}
