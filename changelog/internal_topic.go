package changelog

import (
	"maps"
	"math"
	"strconv"
	"time"
)

// Use is what an internal topic is for; it decides the topic's configuration.
type Use uint8

const (
	// KeyValueChangelog backs key-value stores: the last value of each key counts.
	KeyValueChangelog Use = iota
	// WindowChangelog backs window and session stores: the last value of each key, as long as it is retained.
	WindowChangelog
	// JoinChangelog backs the window stores of stream-stream joins, which keep every record.
	JoinChangelog
	// VersionedChangelog backs versioned stores: old values count, too, as long as they are retained.
	VersionedChangelog
	// RepartitionData carries records between subtopologies. leat deletes what has been processed.
	RepartitionData
)

// Changelog returns what the changelog topic of a store of this kind is for.
func (k Kind) Changelog() Use {
	switch k {
	case Window, TimestampedWindow, Session:
		return WindowChangelog
	case JoinWindow:
		return JoinChangelog
	case Versioned:
		return VersionedChangelog
	default:
		return KeyValueChangelog
	}
}

// AdditionalRetention is how much longer than their store the changelogs of windowed and versioned stores
// retain records by default, so that clocks may differ.
const AdditionalRetention = 24 * time.Hour

// Names of topic configurations.
const (
	cleanupPolicy    = "cleanup.policy"
	retentionMs      = "retention.ms"
	retentionBytes   = "retention.bytes"
	segmentBytes     = "segment.bytes"
	minCompactionLag = "min.compaction.lag.ms"
	timestampType    = "message.timestamp.type"
)

// Internal is an internal topic as the application wants it.
type Internal struct {
	Name       string
	Use        Use
	Partitions int32
	// Retention is how long the store keeps windows, sessions or versions. It only matters for their changelogs.
	// The longest duration there is means for ever.
	Retention time.Duration
	// Additional is added to Retention for window, session and join changelogs. Zero means
	// [AdditionalRetention], below zero nothing. Versioned changelogs always add [AdditionalRetention].
	Additional time.Duration
	// App are the configurations that the application sets for all internal topics, Store those for this one.
	App, Store map[string]string
}

// Config returns the topic's configuration: leat's own, overridden by App, overridden by Store. Two things
// are not overridden like that. The retention (or compaction lag) that follows from the store gives way to
// Store, not to App: losing state takes more than a general setting. And a join's changelog is never
// compacted, which would lose records. The map belongs to the caller.
//
// Source: Kafka Streams' InternalTopicConfig.
func (t Internal) Config() map[string]string {
	out := map[string]string{timestampType: "CreateTime", cleanupPolicy: "compact"}
	switch t.Use {
	case WindowChangelog:
		out[cleanupPolicy] = "compact,delete"
	case RepartitionData:
		out[cleanupPolicy] = "delete"
		out[segmentBytes] = "52428800"
		out[retentionMs] = "-1"
	}
	maps.Copy(out, t.App)
	maps.Copy(out, t.Store)
	if t.Use == JoinChangelog {
		out[cleanupPolicy] = "delete"
	}
	switch t.Use {
	case WindowChangelog, JoinChangelog:
		additional := t.Additional
		if additional == 0 {
			additional = AdditionalRetention
		}
		t.derive(out, retentionMs, max(additional, 0))
	case VersionedChangelog:
		t.derive(out, minCompactionLag, AdditionalRetention)
	}
	return out
}

func (t Internal) derive(config map[string]string, name string, additional time.Duration) {
	if _, ok := t.Store[name]; !ok {
		if t.Retention == math.MaxInt64 {
			config[name] = strconv.FormatInt(math.MaxInt64, 10)
			return
		}
		// In milliseconds the sum of two durations cannot overflow.
		config[name] = strconv.FormatInt(t.Retention.Milliseconds()+additional.Milliseconds(), 10)
	}
}
