package kafka

import (
	"context"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/leatstream/leat/record"
)

// benchEnv is a fake cluster that answers every fetch with one batch and stores nothing.
func benchEnv(b *testing.B) Config {
	c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(4, "t"), kfake.BlackholeProduce(),
		kfake.SyntheticFetch(kfake.SyntheticBatch{Records: 5000, RecordBytes: 92, Compression: kgo.NoCompression()}))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(c.Close)
	return Config{Brokers: c.ListenAddrs()}
}

// BenchmarkPoll reads records of 92 bytes from four partitions; the broker runs in the same process.
func BenchmarkPoll(b *testing.B) {
	c, err := NewClient(benchEnv(b), ClientConfig{})
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	from := map[record.TopicPartition]int64{}
	for p := range int32(4) {
		from[tp("t", p)] = 0
	}
	c.Assign(from)
	n := 0
	b.ReportAllocs()
	for b.Loop() {
		// One operation is a thousand records.
		for got := 0; got < 1000; {
			fs, err := c.Poll(context.Background(), 1000)
			if err != nil {
				b.Fatal(err)
			}
			for _, f := range fs {
				got += len(f.Records)
				n += len(f.Records)
			}
		}
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "records/s")
}

// BenchmarkDecode takes an answer of 512 KiB apart and polls its records of 108 bytes, as a worker does, which gives
// them back.
func BenchmarkDecode(b *testing.B) {
	rp := kmsg.NewFetchResponseTopicPartition()
	records := make([]record.Raw, 128) // in a batch
	at := int64(0)
	for len(rp.RecordBatches) < 512<<10 {
		for i := range records {
			records[i] = record.Raw{Offset: at + int64(i), Timestamp: 1_700_000_000_000 + at, Key: make([]byte, 8), Value: make([]byte, 100)}
		}
		rp.RecordBatches = append(rp.RecordBatches, sealed(batchOf(at, records...))...)
		at += int64(len(records))
	}
	d := newDecompressor(1 << 20)
	var l loans
	n := 0
	b.ReportAllocs()
	b.SetBytes(int64(len(rp.RecordBatches)))
	for b.Loop() {
		c := cursor{tp: anyTP, limit: NoEnd}
		list, next, _, err := d.batches(c.tp, &rp, 0, false)
		if err != nil {
			b.Fatal(err)
		}
		c.add(list, next, len(rp.RecordBatches))
		for c.pending() {
			p := c.take(1024, &l)
			n += len(p.records)
			l.giveBack(p.records)
		}
	}
	if n != b.N*int(at) {
		b.Fatalf("%d records of %d", n, b.N*int(at))
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "records/s")
}

// BenchmarkProduce writes records of 100 bytes by key.
func BenchmarkProduce(b *testing.B) {
	c, err := NewClient(benchEnv(b), ClientConfig{})
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	out := Output{Topic: "t", Partition: -1, Key: make([]byte, 8), Value: make([]byte, 92)}
	done := func(_ int32, _ int64, err error) {
		if err != nil {
			b.Error(err)
		}
	}
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		for i := range 1000 {
			out.Partition = int32(i % 4)
			c.Produce(context.Background(), &out, done)
			n++
		}
	}
	if err := c.Flush(context.Background()); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "records/s")
}
