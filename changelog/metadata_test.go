package changelog_test

import (
	"encoding/base64"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leatstream/leat/changelog"
)

// TestMetadataKnownAnswers holds texts that Java's ByteBuffer and Base64 make of the documented format.
func TestMetadataKnownAnswers(t *testing.T) {
	for text, m := range map[string]changelog.Metadata{
		"AgAAAAAAAAQA": {PartitionTime: 1024},
		"AgAAAYvP5WgAAAAAAQAAAAZ3aW4tw7b/////////+w==": {PartitionTime: 1700000000000, Processors: map[string]int64{"win-ö": -5}},
		"Av//////////": {PartitionTime: changelog.UnknownTime},
	} {
		if got := m.Encode(); got != text {
			t.Errorf("%v.Encode() = %s, want %s", m, got, text)
		}
		got, err := changelog.DecodeMetadata(text)
		if d := cmp.Diff(m, got); d != "" || err != nil {
			t.Errorf("DecodeMetadata(%s): %v\n%s", text, err, d)
		}
	}
}

func TestDecodeMetadata(t *testing.T) {
	raw := func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
	unknown := changelog.Metadata{PartitionTime: -1}
	at := changelog.Metadata{PartitionTime: 1024}
	const v2 = "\x02\x00\x00\x00\x00\x00\x00\x04\x00"
	for name, c := range map[string]struct {
		text string
		want changelog.Metadata
		ok   bool
	}{
		"empty":               {"", unknown, true},
		"version 1":           {"AQAAAAAAAAQA", at, true},
		"version 1, more":     {raw("\x01\x00\x00\x00\x00\x00\x00\x04\x00more"), at, true},
		"no processors":       {raw(v2 + "\x00\x00\x00\x00"), at, true},
		"without padding":     {"AgAAAYvP5WgAAAAAAQAAAAZ3aW4tw7b/////////+w", changelog.Metadata{PartitionTime: 1700000000000, Processors: map[string]int64{"win-ö": -5}}, true},
		"not base64":          {"{offset: 5}", unknown, false},
		"only padding":        {"====", unknown, false},
		"version 0":           {raw("\x00" + v2[1:]), unknown, false},
		"version 3":           {raw("\x03" + v2[1:]), unknown, false},
		"time cut off":        {raw(v2[:8]), unknown, false},
		"number cut off":      {raw(v2 + "\x00\x00\x00"), at, false},
		"name cut off":        {raw(v2 + "\x00\x00\x00\x01\x00\x00\x00\x05abc"), at, false},
		"value cut off":       {raw(v2 + "\x00\x00\x00\x01\x00\x00\x00\x01a\x00"), at, false},
		"many processors":     {raw(v2 + "\xff\xff\xff\xff"), at, false},
		"name of two billion": {raw(v2 + "\x00\x00\x00\x01\xff\xff\xff\xffabcdefghijkl"), at, false},
	} {
		got, err := changelog.DecodeMetadata(c.text)
		if d := cmp.Diff(c.want, got); d != "" || (err == nil) != c.ok || err != nil && !errors.Is(err, changelog.ErrMetadata) {
			t.Errorf("%s: %v\n%s", name, err, d)
		}
	}
}

func TestMetadataMerge(t *testing.T) {
	m := changelog.Metadata{PartitionTime: 5}
	if !m.Merge(changelog.Metadata{PartitionTime: 9, Processors: map[string]int64{"a": 1, "b": -3}}) {
		t.Error("first merge changes nothing")
	}
	if m.Merge(changelog.Metadata{Processors: map[string]int64{"a": 0, "b": -3}}) {
		t.Error("earlier times change something")
	}
	if !m.Merge(changelog.Metadata{Processors: map[string]int64{"a": 4}}) {
		t.Error("a later time changes nothing")
	}
	want := changelog.Metadata{PartitionTime: 5, Processors: map[string]int64{"a": 4, "b": -3}}
	if d := cmp.Diff(want, m); d != "" {
		t.Error(d)
	}
}

func FuzzDecodeMetadata(f *testing.F) {
	for _, s := range []string{"", "AQAAAAAAAAQA", "AgAAAAAAAAQA", "AgAAAYvP5WgAAAAAAQAAAAZ3aW4tw7b/////////+w==", "====", "AgAAAAAAAAQA/////w=="} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		m, err := changelog.DecodeMetadata(text)
		if err != nil {
			return
		}
		again, err := changelog.DecodeMetadata(m.Encode())
		if d := cmp.Diff(m, again); d != "" || err != nil {
			t.Fatalf("%v\n%s", err, d)
		}
	})
}
