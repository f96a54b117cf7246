package changelog

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"
)

// Resume says how a store's restore begins.
type Resume struct {
	// From is the offset of the first record to read.
	From int64
	// Wipe says that the local state must be removed first: it cannot be completed.
	Wipe bool
	// Reason says why the state is wiped although there was some, for the log; else it is empty.
	Reason string
}

// Local is what a store holds of its changelog partition.
type Local struct {
	// Known is false if nothing says how complete the store is; then Next and Topic do not count.
	Known bool
	// Next is the offset of the first record that is not in the store.
	Next int64
	// Topic is the id of the topic that Next belongs to; zero if unknown.
	Topic [16]byte
	// Age is how long ago the store was last known to be complete: the time since
	// [github.com/leatstream/leat/statestore.Position].Time.
	Age time.Duration
	// Tombstones is how long the changelog keeps tombstones: see [Tombstones]. A store of a greater age may
	// have missed some.
	Tombstones time.Duration
}

const (
	deleteRetentionMs = "delete.retention.ms"
	// defaultTombstones is Kafka's default of delete.retention.ms.
	defaultTombstones = 24 * time.Hour
)

// Tombstones returns how long a topic with a configuration keeps tombstones, from when compaction first finds
// them: practically for ever if the topic is not compacted, and Kafka's default where the configuration does not
// tell.
func Tombstones(config map[string]string) time.Duration {
	if p := policies(config); len(p) > 0 && !slices.Contains(p, "compact") {
		return math.MaxInt64
	}
	ms, err := strconv.ParseInt(config[deleteRetentionMs], 10, 64)
	switch {
	case err != nil:
		return defaultTombstones
	case ms > math.MaxInt64/int64(time.Millisecond):
		return math.MaxInt64
	default:
		return time.Duration(ms) * time.Millisecond
	}
}

// ResumeAt decides where the restore of a store begins, given its changelog partition's log start, end (the
// offset after its last record) and topic id (zero if unknown). State is kept only if the records that it
// lacks are all still there: in [start, end] of the same topic, and none of them so old that compaction may
// have taken tombstones away. Otherwise keys could come back whose tombstones are gone.
//
// The time is measured from when the store was last complete, not from when its last record was written: every
// tombstone that it lacks was written since, or lay behind a record that was read since; and compaction keeps
// a tombstone for Tombstones from when it removes what lies before.
func ResumeAt(l Local, topic [16]byte, start, end int64) Resume {
	unknown := [16]byte{}
	switch {
	case !l.Known:
		// What may lie there (an interrupted first restore, say) belongs to no position.
		return Resume{From: start, Wipe: true}
	case l.Topic != topic && l.Topic != unknown && topic != unknown:
		return Resume{From: start, Wipe: true, Reason: "the changelog topic has been deleted and created again"}
	case l.Next > end:
		return Resume{From: start, Wipe: true, Reason: fmt.Sprintf(
			"the store is complete up to offset %d, its changelog ends at %d: the topic has been created again or truncated", l.Next, end)}
	case l.Next < start:
		return Resume{From: start, Wipe: true, Reason: fmt.Sprintf(
			"the store is complete up to offset %d, its changelog starts at %d: records between them are gone", l.Next, start)}
	case l.Age > l.Tombstones && l.Next < end:
		return Resume{From: start, Wipe: true, Reason: fmt.Sprintf(
			"the store was last known to be complete %v ago, its changelog keeps tombstones for %v: keys may have been deleted without a trace",
			l.Age.Round(time.Millisecond), l.Tombstones)}
	default:
		return Resume{From: l.Next}
	}
}
