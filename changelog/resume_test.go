package changelog_test

import (
	"math"
	"testing"
	"time"

	"github.com/leatstream/leat/changelog"
)

func TestResumeAt(t *testing.T) {
	id, other := [16]byte{1}, [16]byte{2}
	for name, c := range map[string]struct {
		local      changelog.Local
		topic      [16]byte
		start, end int64
		from       int64
		wipe       bool
		reason     bool
	}{
		"nothing local":           {changelog.Local{}, id, 0, 10, 0, true, false},
		"nothing local, trimmed":  {changelog.Local{Next: 9}, id, 7, 10, 7, true, false},
		"in between":              {changelog.Local{Known: true, Next: 4, Topic: id}, id, 0, 10, 4, false, false},
		"at the end":              {changelog.Local{Known: true, Next: 10, Topic: id}, id, 0, 10, 10, false, false},
		"at the start":            {changelog.Local{Known: true, Next: 7, Topic: id}, id, 7, 10, 7, false, false},
		"both empty":              {changelog.Local{Known: true, Next: 0, Topic: id}, id, 0, 0, 0, false, false},
		"beyond the end":          {changelog.Local{Known: true, Next: 11, Topic: id}, id, 0, 10, 0, true, true},
		"before the start":        {changelog.Local{Known: true, Next: 6, Topic: id}, id, 7, 10, 7, true, true},
		"another topic":           {changelog.Local{Known: true, Next: 4, Topic: other}, id, 0, 10, 0, true, true},
		"broker tells no id":      {changelog.Local{Known: true, Next: 4, Topic: other}, [16]byte{}, 0, 10, 4, false, false},
		"younger than tombstones": {changelog.Local{Known: true, Next: 4, Topic: id, Age: time.Hour, Tombstones: time.Hour}, id, 0, 10, 4, false, false},
		"older than tombstones":   {changelog.Local{Known: true, Next: 4, Topic: id, Age: time.Hour + 1, Tombstones: time.Hour}, id, 0, 10, 0, true, true},
		"tombstones go at once":   {changelog.Local{Known: true, Next: 4, Topic: id, Age: 1}, id, 2, 10, 2, true, true},
		"old, nothing missing":    {changelog.Local{Known: true, Next: 10, Topic: id, Age: time.Hour}, id, 0, 10, 10, false, false},
		"clock went back":         {changelog.Local{Known: true, Next: 4, Topic: id, Age: -time.Hour}, id, 0, 10, 4, false, false},
		"no id stored":            {changelog.Local{Known: true, Next: 4}, id, 0, 10, 4, false, false},
	} {
		got := changelog.ResumeAt(c.local, c.topic, c.start, c.end)
		if got.From != c.from || got.Wipe != c.wipe || (got.Reason != "") != c.reason {
			t.Errorf("%s: %+v, want from %d, wipe %v, a reason %v", name, got, c.from, c.wipe, c.reason)
		}
	}
}

func TestTombstones(t *testing.T) {
	for name, c := range map[string]struct {
		config map[string]string
		want   time.Duration
	}{
		"unknown":         {nil, 24 * time.Hour},
		"compacted":       {map[string]string{"cleanup.policy": "compact", "delete.retention.ms": "1500"}, 1500 * time.Millisecond},
		"both":            {map[string]string{"cleanup.policy": "delete, compact", "delete.retention.ms": "0"}, 0},
		"never compacted": {map[string]string{"cleanup.policy": "delete", "delete.retention.ms": "0"}, math.MaxInt64},
		"for ever":        {map[string]string{"cleanup.policy": "compact", "delete.retention.ms": "9223372036854775807"}, math.MaxInt64},
		"policy not told": {map[string]string{"delete.retention.ms": "5"}, 5 * time.Millisecond},
		"not a number":    {map[string]string{"cleanup.policy": "compact", "delete.retention.ms": "soon"}, 24 * time.Hour},
	} {
		if got := changelog.Tombstones(c.config); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}
