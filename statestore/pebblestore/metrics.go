package pebblestore

import "time"

// Metrics are figures of the database for monitoring. Counts are since Open.
type Metrics struct {
	// DiskBytes is the space taken on disk, obsolete files included.
	DiskBytes int64
	// MemTableBytes is the memory of writes that have not been flushed; CacheBytes that of cached blocks.
	MemTableBytes, CacheBytes int64
	CacheHits, CacheMisses    int64
	// FilterHits counts table reads that a bloom filter saved.
	FilterHits, FilterMisses int64
	// Tables is the number of tables on disk; ReadAmplification is how many of them a read visits at worst.
	Tables, ReadAmplification int64
	// CompactionDebtBytes is what remains to be compacted, estimated.
	CompactionDebtBytes int64
	Flushes             int64
	Compactions         int64
	CompactionTime      time.Duration
	// WriteStalls counts how often writes had to wait for the disk.
	WriteStalls int64
	// BackgroundErrors counts the flushes and compactions that failed.
	BackgroundErrors int64
}

// Metrics returns the figures now. Those that come from Pebble are zero once the database has failed or been
// closed.
func (d *DB) Metrics() Metrics {
	m := Metrics{WriteStalls: d.failure.stalls.Load(), BackgroundErrors: d.failure.background.Load()}
	if d.enter("read metrics") != nil {
		return m
	}
	defer d.calls.Done()
	figures := make(chan Metrics, 1)
	// Pebble takes its lock for this, which a goroutine that hit a fatal error may hold for good.
	err := d.failure.run("read metrics", func() error {
		p := d.pebble.Metrics()
		total := p.Total()
		m := m
		m.DiskBytes = int64(p.DiskSpaceUsage())
		m.MemTableBytes = int64(p.MemTable.Size)
		m.CacheBytes, m.CacheHits, m.CacheMisses = p.BlockCache.Size, p.BlockCache.Hits, p.BlockCache.Misses
		m.FilterHits, m.FilterMisses = p.Filter.Hits, p.Filter.Misses
		m.Tables, m.ReadAmplification = total.TablesCount, int64(p.ReadAmp())
		m.CompactionDebtBytes = int64(p.Compact.EstimatedDebt)
		m.Flushes, m.Compactions, m.CompactionTime = p.Flush.Count, p.Compact.Count, p.Compact.Duration
		figures <- m
		return nil
	})
	if err != nil {
		return m
	}
	return <-figures
}
