package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// feed fills a new topic: records of 100-byte values whose keys are drawn from a number of them, each as likely as
// any other.
func (c *cluster) feed(ctx context.Context, topic string, partitions int32, records, keys int64) error {
	z := newZipf()
	return c.load(ctx, topic, partitions, records, func(r *kgo.Record) {
		z.next()
		value := z.value
		r.Key, r.Value = []byte(keyName(z.draw()%uint64(keys))), value[:]
	})
}

const (
	keptKey   = 12
	keptValue = 400
)

// keep fills a new topic with so many bytes of keys that occur once and of values that cannot be compressed, and
// returns how many records they are.
func (c *cluster) keep(ctx context.Context, topic string, bytes int64) (records int64, err error) {
	random := rand.NewChaCha8([32]byte{1})
	records = bytes / (keptKey + keptValue)
	n := 0
	return records, c.load(ctx, topic, partitions, records, func(r *kgo.Record) {
		r.Key, r.Value = fmt.Appendf(nil, "k%011d", n), make([]byte, keptValue)
		for at := 0; at < keptValue; at += 8 {
			binary.LittleEndian.PutUint64(r.Value[at:], random.Uint64()&0x7f7f7f7f7f7f7f7f) // valid text, too
		}
		n++
	})
}

// load creates a topic and fills it.
func (c *cluster) load(ctx context.Context, topic string, partitions int32, records int64, fill func(*kgo.Record)) error {
	if err := c.createOf(ctx, topic, partitions); err != nil {
		return err
	}
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	for range records {
		r := &kgo.Record{Topic: topic}
		fill(r)
		c.cl.Produce(ctx, r, func(_ *kgo.Record, err error) {
			if err != nil {
				fail(fmt.Errorf("load topic %s: %w", topic, err))
			}
		})
	}
	if err := c.cl.Flush(ctx); err != nil {
		return errors.Join(context.Cause(ctx), err)
	}
	return context.Cause(ctx)
}

// idle measures an instance that has processed all there was and has nothing to do: what it holds after a while,
// and what it does over the time after that.
func (j *job) idle(ctx context.Context, settle, watch time.Duration) (*result, error) {
	var first firstRecord
	cfg, err := j.config(&first)
	if err != nil {
		return nil, err
	}
	ends, err := j.cluster.ends(ctx, j.in[0].topic)
	if err != nil {
		return nil, err
	}
	a, alive, err := start(ctx, cfg)
	if err != nil {
		return nil, err
	}
	err = j.cluster.awaitCommitted(alive, j.id, ends, j.timeout)
	if err == nil {
		err = pause(alive, settle)
	}
	begin, cpu := time.Now(), cpuTime()
	if err == nil {
		err = pause(alive, watch)
	}
	wall := time.Since(begin)
	cpu = cpuTime() - cpu
	rss, rerr := memory("VmRSS:")
	var heap runtime.MemStats
	runtime.ReadMemStats(&heap)
	goroutines, tasks := runtime.NumGoroutine(), len(a.Metrics().Tasks)
	if err := errors.Join(a.end(), err, rerr); err != nil {
		return nil, err
	}
	r := newResult("leat", "idle", &j.settings)
	r.int("tasks", int64(tasks))
	r.float("rss_mb", rss)
	r.float("heap_mb", float64(heap.HeapInuse)/(1<<20))
	r.int("goroutines", int64(goroutines))
	r.float("cpu_percent", 100*cpu.Seconds()/wall.Seconds())
	r.text("verify", "ok")
	if tasks != len(ends) {
		r.text("verify", fmt.Sprintf("%d tasks for %d partitions", tasks, len(ends)))
	}
	return r, nil
}

// startup measures the time from app.New until the instance runs with its state complete. restored is how many
// change records that is to take.
func (j *job) startup(ctx context.Context, restored int64) (*result, error) {
	w, m, end, err := j.untilRestored(ctx)
	if err != nil {
		return nil, err
	}
	r := newResult("leat", "startup", &j.settings)
	r.float("running_s", m.wall.Seconds())
	r.int("restored", w.records)
	if w.records > 0 {
		r.float("records_per_s", float64(w.records)/end.Sub(w.begin).Seconds())
	}
	r.float("cpu_s", m.cpu.Seconds())
	r.float("peak_rss_mb", m.rss)
	r.text("verify", "ok")
	if w.records != restored || w.lag != 0 {
		r.text("verify", fmt.Sprintf("restored %d, lag %d, wanted %d", w.records, w.lag, restored))
	}
	return r, nil
}
