package changelog_test

import (
	"bytes"
	"testing"

	"github.com/leatstream/leat/changelog"
	"github.com/leatstream/leat/record"
)

func TestRow(t *testing.T) {
	for name, c := range map[string]struct {
		kind    changelog.Kind
		value   []byte
		row     []byte
		deleted bool
	}{
		"plain":             {changelog.KeyValue, []byte("v"), []byte("v"), false},
		"plain empty":       {changelog.KeyValue, []byte{}, []byte{}, false},
		"plain null":        {changelog.KeyValue, nil, nil, true},
		"timestamped":       {changelog.Timestamped, []byte("v"), []byte("\x00\x00\x01\x8b\xcf\xe5\x68\x00v"), false},
		"timestamped empty": {changelog.Timestamped, []byte{}, []byte("\x00\x00\x01\x8b\xcf\xe5\x68\x00"), false},
		"timestamped null":  {changelog.Timestamped, nil, nil, true},
	} {
		r := record.Raw{Key: []byte("k"), Value: c.value, Timestamp: 1700000000000}
		row, deleted := changelog.Row(c.kind, []byte("junk"), &r)
		if deleted != c.deleted || !bytes.Equal(row, c.row) {
			t.Errorf("%s: Row = %q, %v, want %q, %v", name, row, deleted, c.row, c.deleted)
		}
		if size := changelog.RowSize(c.kind, len(c.value)); !deleted && size != len(row) {
			t.Errorf("%s: RowSize = %d, the row has %d bytes", name, size, len(row))
		}
		value, ts, err := changelog.Change(c.kind, row, 1700000000000)
		if err != nil || ts != 1700000000000 || !bytes.Equal(value, c.value) || (value == nil) != (c.value == nil) {
			t.Errorf("%s: Change = %q, %d, %v, want the record's value and timestamp", name, value, ts, err)
		}
	}
}

func TestChangeTimestamps(t *testing.T) {
	row := []byte("\x00\x00\x00\x00\x00\x00\x00\x07v")
	if _, ts, _ := changelog.Change(changelog.Timestamped, row, 99); ts != 7 {
		t.Errorf("a timestamped value is dated %d, want its own 7", ts)
	}
	if _, ts, _ := changelog.Change(changelog.Timestamped, nil, 99); ts != 99 {
		t.Errorf("a timestamped tombstone is dated %d, want 99", ts)
	}
	if _, ts, _ := changelog.Change(changelog.KeyValue, row, 99); ts != 99 {
		t.Errorf("a plain value is dated %d, want 99", ts)
	}
	if _, _, err := changelog.Change(changelog.Timestamped, row[:7], 99); err == nil {
		t.Error("a row of seven bytes is accepted")
	}
}

func TestKindsWithoutRowsPanic(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("Row guesses the rows of a kind that it does not know")
		}
	}()
	changelog.Row(changelog.Session, nil, &record.Raw{Value: []byte("v")})
}

func TestRowDoesNotAllocate(t *testing.T) {
	r := record.Raw{Value: make([]byte, 100), Timestamp: 5}
	buf := make([]byte, 0, 108)
	for _, kind := range []changelog.Kind{changelog.KeyValue, changelog.Timestamped} {
		if n := testing.AllocsPerRun(100, func() { _, _ = changelog.Row(kind, buf, &r) }); n != 0 {
			t.Errorf("kind %d: %v allocations, want 0", kind, n)
		}
	}
}

func BenchmarkRow(b *testing.B) {
	r := record.Raw{Value: make([]byte, 100), Timestamp: 5}
	buf := make([]byte, 0, 108)
	b.ReportAllocs()
	for b.Loop() {
		_, _ = changelog.Row(changelog.Timestamped, buf, &r)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
}

// What a row says again as a change record is the row's again.
func FuzzChange(f *testing.F) {
	f.Add([]byte("12345678value"))
	f.Add([]byte("short"))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, row []byte) {
		for _, kind := range []changelog.Kind{changelog.KeyValue, changelog.Timestamped, changelog.List} {
			value, timestamp, err := changelog.Change(kind, row, 5)
			if err != nil {
				continue
			}
			again, deleted := changelog.Row(kind, nil, &record.Raw{Value: value, Timestamp: timestamp})
			if deleted != (row == nil) || string(again) != string(row) {
				t.Errorf("kind %v: %x became %x, deleted %v", kind, row, again, deleted)
			}
		}
	})
}
