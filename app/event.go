package app

import (
	"time"

	"github.com/leatstream/leat/record"
)

// RestorePhase says what a RestoreEvent tells.
type RestorePhase uint8

const (
	// RestoreStart: the store's changelog is about to be read.
	RestoreStart RestorePhase = iota
	// RestoreBatch: some of it has been applied.
	RestoreBatch
	// RestoreDone: the store is complete. It is the only event of a store that was complete already.
	RestoreDone
	// UpdateStart: the store of a standby or warm-up is about to be kept up. Its End moves with the changelog.
	UpdateStart
	// UpdateBatch: changes have been applied to it.
	UpdateBatch
	// UpdateMigrated: the instance no longer keeps it up.
	UpdateMigrated
	// UpdatePromoted: nor does it here, because the task becomes active.
	UpdatePromoted
)

// RestoreEvent tells how far the restore of one task's store has come.
type RestoreEvent struct {
	Task  string
	Store string
	record.TopicPartition
	Phase RestorePhase
	// Records is the number of change records applied since the start.
	Records int64
	// Position is the offset up to which the store is complete, End the one at which it will be done; of a
	// standby, the one that it lags behind.
	Position, End int64
	// Rate is in records per second, Left the time that the rest takes at that rate.
	Rate float64
	Left time.Duration
}

func (in *instance) event(e RestoreEvent) {
	if e.Phase >= UpdateStart {
		in.app.metrics.update(e)
	} else {
		in.app.metrics.restore(e)
	}
	if in.cfg.OnRestore == nil {
		return
	}
	in.eventMu.Lock()
	defer in.eventMu.Unlock()
	in.cfg.OnRestore(e)
}
