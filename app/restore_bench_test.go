package app

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"github.com/leatstream/leat/changelog"
	"github.com/leatstream/leat/internal/kafka"
	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/statestore"
	"github.com/leatstream/leat/statestore/pebblestore"
	"github.com/leatstream/leat/topology"
)

// BenchmarkRestoreApply takes in a changelog of two million records in polls of 16 Ki, those of one task of
// four, and flushes.
func BenchmarkRestoreApply(b *testing.B) {
	for _, c := range []struct {
		name string
		keys uint64
	}{{"often", 100_000}, {"once", 1 << 40}} {
		b.Run(c.name, func(b *testing.B) { benchmarkRestore(b, c.keys) })
	}
}

// countsChangelog is the changelog of the store that is restored.
var countsChangelog = record.TopicPartition{Topic: "app-counts-changelog"}

// restoringCounts is a task with one store that is being restored into a backend.
func restoringCounts(tb testing.TB, backend statestore.Backend) (*restorer, *restoring) {
	tb.Helper()
	re := &restoring{entry: &entry{persistent: backend}}
	s := &restoringStore{of: re, entryStore: &entryStore{
		spec: &topology.Store{Name: "counts", Kind: changelog.Timestamped}, backend: backend, changelog: countsChangelog, logged: true,
	}}
	if err := s.open(); err != nil {
		tb.Fatal(err)
	}
	return &restorer{byTP: map[record.TopicPartition]*restoringStore{countsChangelog: s}}, re
}

func benchmarkRestore(b *testing.B, keys uint64) {
	const records, poll = 2 << 20, 16 << 10
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		db, err := pebblestore.Open(b.TempDir(), pebblestore.Options{Application: "app", Memory: defaultMemory - cacheShare(defaultMemory)})
		if err != nil {
			b.Fatal(err)
		}
		backend := db.Task("0_0")
		r, re := restoringCounts(b, backend)
		rng := rand.New(rand.NewPCG(1, 1))
		got := &kafka.Restored{TopicPartition: countsChangelog, Records: make([]record.Raw, poll)}
		for i := range got.Records {
			got.Records[i] = record.Raw{Key: make([]byte, 16), Value: make([]byte, 8), Timestamp: 1}
		}
		b.StartTimer()
		for n := 0; n < records; n += poll {
			for i := range got.Records {
				k := got.Records[i].Key
				binary.BigEndian.PutUint64(k, rng.Uint64N(keys)*0x9e3779b97f4a7c15)
			}
			got.Next = int64(n + poll)
			got.Done = n+poll == records
			if err := r.applyTask(re, []*kafka.Restored{got}, restoreBatch); err != nil {
				b.Fatal(err)
			}
		}
		if err := db.Flush(); err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		if err := backend.Close(); err != nil {
			b.Fatal(err)
		}
		if err := db.Close(); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
	b.ReportMetric(float64(b.N)*records/b.Elapsed().Seconds(), "records/s")
}
