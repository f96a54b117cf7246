package changelog_test

import (
	"testing"

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
		"nothing local":          {changelog.Local{}, id, 0, 10, 0, true, false},
		"nothing local, trimmed": {changelog.Local{Next: 9}, id, 7, 10, 7, true, false},
		"in between":             {changelog.Local{Known: true, Next: 4, Topic: id}, id, 0, 10, 4, false, false},
		"at the end":             {changelog.Local{Known: true, Next: 10, Topic: id}, id, 0, 10, 10, false, false},
		"at the start":           {changelog.Local{Known: true, Next: 7, Topic: id}, id, 7, 10, 7, false, false},
		"both empty":             {changelog.Local{Known: true, Next: 0, Topic: id}, id, 0, 0, 0, false, false},
		"beyond the end":         {changelog.Local{Known: true, Next: 11, Topic: id}, id, 0, 10, 0, true, true},
		"before the start":       {changelog.Local{Known: true, Next: 6, Topic: id}, id, 7, 10, 7, true, true},
		"another topic":          {changelog.Local{Known: true, Next: 4, Topic: other}, id, 0, 10, 0, true, true},
		"broker tells no id":     {changelog.Local{Known: true, Next: 4, Topic: other}, [16]byte{}, 0, 10, 4, false, false},
		"no id stored":           {changelog.Local{Known: true, Next: 4}, id, 0, 10, 4, false, false},
	} {
		got := changelog.ResumeAt(c.local, c.topic, c.start, c.end)
		if got.From != c.from || got.Wipe != c.wipe || (got.Reason != "") != c.reason {
			t.Errorf("%s: %+v, want from %d, wipe %v, a reason %v", name, got, c.from, c.wipe, c.reason)
		}
	}
}
