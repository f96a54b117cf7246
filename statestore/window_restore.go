package statestore

import (
	"encoding/binary"
	"fmt"

	"github.com/leatstream/leat/record"
)

// Restorer brings the local state of a store up to its changelog, for stores whose rows are not simply the
// change records' keys and values.
type Restorer interface {
	// Restore adds to the batch what a change record stands for. Records come in the order of the changelog.
	Restore(b Batch, r *record.Raw) error
	// Finish adds what the records since the last Finish amount to as a whole. It comes before each commit of
	// a batch.
	Finish(b Batch)
	// Pending is the approximate size in bytes of what the next Finish is going to add.
	Pending() int
}

// RestoreWindow returns the restorer of a window store (timestamped or not, with duplicates or without) that
// is made with this spec.
func RestoreWindow(e Engine, spec WindowSpec, timestamped bool) (Restorer, error) {
	return newWindowRestorer(e, spec, windowSub, timestamped)
}

// RestoreSession returns the restorer of a session store that is made with this spec.
func RestoreSession(e Engine, spec WindowSpec) (Restorer, error) {
	return newWindowRestorer(e, spec, sessionSub, false)
}

type windowRestorer struct {
	layout      windowLayout
	engine      Engine
	spec        WindowSpec
	timestamped bool
	// meta is as of the last record, kept as of the last batch.
	meta, kept windowMeta
	key, row   []byte
}

func newWindowRestorer(e Engine, spec WindowSpec, subSize int, timestamped bool) (*windowRestorer, error) {
	m, known, err := readMeta(e)
	if err != nil {
		return nil, fmt.Errorf("restore a window store: %w", err)
	}
	r := &windowRestorer{engine: e, spec: spec, timestamped: timestamped, kept: m}
	if !known {
		m = newMeta(spec)
	}
	r.meta = m
	r.layout = windowLayout{segment: m.segment, subSize: subSize}
	return r, nil
}

// Restore implements [Restorer].
func (w *windowRestorer) Restore(b Batch, r *record.Raw) error {
	key, time, sub, err := w.layout.rowKey(w.key[:0], r.Key)
	if err != nil {
		return err
	}
	w.key = key
	w.meta.observe(time, &w.spec)
	if w.layout.subSize == windowSub {
		w.meta.seq = max(w.meta.seq, sub)
	}
	switch {
	case time < w.meta.horizon(&w.spec):
	case r.Value == nil:
		b.Delete(w.engine, key)
	case w.timestamped:
		w.row = binary.BigEndian.AppendUint64(w.row[:0], uint64(r.Timestamp))
		w.row = append(w.row, r.Value...)
		b.Set(w.engine, key, w.row)
	default:
		b.Set(w.engine, key, r.Value)
	}
	return nil
}

// Pending implements [Restorer].
func (w *windowRestorer) Pending() int { return 0 }

// Finish implements [Restorer].
func (w *windowRestorer) Finish(b Batch) {
	writeMeta(b, w.engine, w.kept, w.meta)
	w.kept = w.meta
}
