package changelog

import "fmt"

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
}

// ResumeAt decides where the restore of a store begins, given its changelog partition's log start, end (the
// offset after its last record) and topic id (zero if unknown). State is kept only if the records that it
// lacks are all still there: in [start, end] of the same topic. Otherwise keys could come back whose
// tombstones are gone.
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
	default:
		return Resume{From: l.Next}
	}
}
