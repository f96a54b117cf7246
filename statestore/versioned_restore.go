package statestore

import (
	"fmt"

	"github.com/leatstream/leat/record"
)

// VersionedRestorer brings a versioned store up to its changelog: each record is put again, at its timestamp.
// Those that came too late then do so now.
type VersionedRestorer struct {
	rows *versions
	held bool
}

// RestoreVersioned returns the restorer of a store that is made with this history, in milliseconds.
func RestoreVersioned(e Engine, history int64) (*VersionedRestorer, error) {
	rows, err := newVersions(e, history)
	if err != nil {
		return nil, fmt.Errorf("restore a versioned store: %w", err)
	}
	return &VersionedRestorer{rows: rows}, nil
}

// Restore takes one change record. Records come in the order of the changelog; the batch may be another after
// each Finish.
func (r *VersionedRestorer) Restore(_ Batch, rec *record.Raw) error {
	r.settle()
	_, err := r.rows.put(rec.Key, rec.Value, rec.Timestamp)
	return err
}

// Finish adds what the records since the last Finish amount to. The batch is committed before the next Restore.
func (r *VersionedRestorer) Finish(b Batch) {
	r.settle()
	if err := r.rows.freeze(); err != nil {
		panic(err) // settle has emptied what freeze fills
	}
	r.rows.write(b)
	r.held = true
}

// settle drops what the last batch has brought to the engine.
func (r *VersionedRestorer) settle() {
	if r.held {
		r.rows.written()
		r.held = false
	}
}
