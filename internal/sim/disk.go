package sim

import (
	"fmt"

	"github.com/leatstream/leat/statestore"
)

// disk is a task's share of an instance's state directory. It remembers the state before the last batch, which
// is what is there after a crash if that batch had not been flushed.
type disk struct {
	statestore.Backend
	name   string
	checks *checks
	stores map[string]statestore.Engine
	before statestore.Backend
}

func newDisk(name string, c *checks) *disk {
	return &disk{Backend: statestore.NewMemory(), name: name, checks: c, stores: make(map[string]statestore.Engine)}
}

func (d *disk) Open(store string) (statestore.Engine, error) {
	e, err := d.Backend.Open(store)
	d.stores[store] = e
	return e, err
}

// Close does nothing: the directory stays.
func (d *disk) Close() error { return nil }

// crash returns what a new process finds.
func (d *disk) crash(behind bool) *disk {
	b := d.Backend
	if behind && d.before != nil {
		b = d.before
	}
	return &disk{Backend: b, name: d.name, checks: d.checks, stores: make(map[string]statestore.Engine)}
}

func (d *disk) Drop(store string) error {
	d.before = d.copied()
	return d.Backend.Drop(store)
}

// copied returns a copy of what the disk holds.
func (d *disk) copied() statestore.Backend {
	to := statestore.NewMemory()
	b := to.NewBatch()
	for name, from := range d.stores {
		e, err := to.Open(name)
		d.checks.must(err)
		it := from.Iterate(nil, nil, false)
		for it.Next() {
			b.Set(e, it.Key(), it.Value())
		}
		d.checks.must(it.Close())
		if p, ok, err := d.Position(name); ok && err == nil {
			b.SetPosition(name, p)
		}
	}
	d.checks.must(b.Commit())
	return to
}

func (d *disk) NewBatch() statestore.Batch { return &diskBatch{Batch: d.Backend.NewBatch(), disk: d} }

type diskBatch struct {
	statestore.Batch
	disk *disk
}

func (b *diskBatch) SetPosition(store string, p statestore.Position) {
	if was, ok, err := b.disk.Position(store); err != nil {
		b.disk.checks.must(err)
	} else if ok && was.Next > p.Next {
		b.disk.checks.fail("%s: the position of store %q falls from %d to %d", b.disk.name, store, was.Next, p.Next)
	}
	b.Batch.SetPosition(store, p)
}

func (b *diskBatch) Commit() error {
	b.disk.before = b.disk.copied()
	if err := b.Batch.Commit(); err != nil {
		return fmt.Errorf("%s: %w", b.disk.name, err)
	}
	return nil
}
