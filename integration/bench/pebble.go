package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/cockroachdb/pebble/v2"
)

// barePebble measures Pebble alone at W2's work: for each record a get of its key's count and a put of the next,
// in batches of a thousand, without Pebble's log, as behind a changelog.
func barePebble(s *settings) (_ *result, err error) {
	dir, err := os.MkdirTemp("", "bench-pebble-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	db, err := pebble.Open(dir, &pebble.Options{DisableWAL: true, MemTableSize: 64 << 20, Logger: quiet{}})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	keys := make([][8]byte, s.records)
	z := newZipf()
	for i := range keys {
		z.next()
		copy(keys[i][:], keyName(uint64(z.key)))
	}
	begin, cpu := time.Now(), cpuTime()
	batch := db.NewIndexedBatch()
	var row [16]byte
	for i := range keys {
		var n uint64
		v, closer, err := batch.Get(keys[i][:])
		switch {
		case err == nil:
			n = binary.BigEndian.Uint64(v[8:])
			closer.Close()
		case !errors.Is(err, pebble.ErrNotFound):
			return nil, err
		}
		binary.BigEndian.PutUint64(row[8:], n+1)
		if err := batch.Set(keys[i][:], row[:], nil); err != nil {
			return nil, err
		}
		if i%1000 == 999 || i == len(keys)-1 {
			if err := batch.Commit(pebble.NoSync); err != nil {
				return nil, err
			}
			batch.Reset()
		}
	}
	wall := time.Since(begin)
	cpu = cpuTime() - cpu
	rss, err := peakRSS()
	if err != nil {
		return nil, err
	}
	r := newResult("pebble", "pebble", s)
	m := measured{records: s.records, wall: wall, cpu: cpu, rss: rss}
	m.put(r, s)
	r.text("verify", sumsTo(db, s.records))
	return r, nil
}

// sumsTo returns "ok" if the counts add up to the number of records.
func sumsTo(db *pebble.DB, records int64) string {
	it, err := db.NewIter(nil)
	if err != nil {
		return err.Error()
	}
	var sum int64
	for ok := it.First(); ok; ok = it.Next() {
		sum += int64(binary.BigEndian.Uint64(it.Value()[8:]))
	}
	if err := it.Close(); err != nil {
		return err.Error()
	}
	if sum != records {
		return fmt.Sprintf("counts sum to %d, wanted %d", sum, records)
	}
	return "ok"
}

// quiet drops Pebble's chatter; what goes wrong comes back as an error.
type quiet struct{}

func (quiet) Infof(string, ...any)           {}
func (quiet) Errorf(format string, v ...any) { fmt.Fprintf(os.Stderr, format+"\n", v...) }
func (quiet) Fatalf(format string, v ...any) { panic(fmt.Errorf(format, v...)) }
