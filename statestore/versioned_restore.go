package statestore

import (
	"fmt"

	"github.com/leatstream/leat/record"
)

// versionedRestorer puts each record of the changelog again, at its timestamp. Those that came too late then do so
// now.
type versionedRestorer struct {
	rows *versions
	held bool
}

// RestoreVersioned returns the restorer of a store that is made with this history, in milliseconds.
func RestoreVersioned(e Engine, history int64) (Restorer, error) {
	rows, err := newVersions(e, history)
	if err != nil {
		return nil, fmt.Errorf("restore a versioned store: %w", err)
	}
	return &versionedRestorer{rows: rows}, nil
}

// Restore implements [Restorer].
func (r *versionedRestorer) Restore(_ Batch, rec *record.Raw) error {
	r.settle()
	_, err := r.rows.put(rec.Key, rec.Value, rec.Timestamp)
	return err
}

// Pending implements [Restorer].
func (r *versionedRestorer) Pending() int { return r.rows.bytes() }

// Finish implements [Restorer].
func (r *versionedRestorer) Finish(b Batch) {
	r.settle()
	if err := r.rows.freeze(); err != nil {
		panic(err) // settle has emptied what freeze fills
	}
	r.rows.write(b)
	r.held = true
}

// settle drops what the last batch has brought to the engine.
func (r *versionedRestorer) settle() {
	if r.held {
		r.rows.written()
		r.held = false
	}
}
