package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/leatstream/leat/integration/kafkatest"
)

// keySize is the size of the keys, in bytes.
const keySize = 12

// run does it all and returns the table.
func run(ctx context.Context, s settings, say func(string, ...any)) (table string, err error) {
	base, err := os.MkdirTemp("", "leat-rolling-")
	if err != nil {
		return "", err
	}
	defer func() {
		if err == nil {
			err = os.RemoveAll(base)
		} else {
			err = fmt.Errorf("%w (logs in %s)", err, base)
		}
	}()
	cluster, err := kafkatest.Start(ctx, kafkatest.Config{Partitions: partitions})
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, cluster.Stop()) }()
	client, err := kgo.NewClient(kgo.SeedBrokers(cluster.Brokers()...))
	if err != nil {
		return "", err
	}
	defer client.Close()
	admin := kadm.NewClient(client)
	for _, topic := range []string{inTopic, outTopic} {
		if _, err := admin.CreateTopic(ctx, partitions, 1, nil, topic); err != nil {
			return "", err
		}
	}

	var r restored
	procs := make([]*process, s.instances)
	defer func() {
		for _, p := range procs {
			if p != nil {
				p.kill()
			}
		}
	}()
	launch := func(i int) error {
		var err error
		procs[i], err = start(instanceConfig{
			Brokers: cluster.Brokers(), StateDir: filepath.Join(base, fmt.Sprint("state-", i)), Number: i, Member: s.member, Guarantee: s.guarantee,
		}, base, &r)
		return err
	}
	for i := range procs {
		if err := launch(i); err != nil {
			return "", err
		}
	}
	keys := int(s.bytes) / (s.value + keySize)
	say("%d instances, %d keys of %d bytes with values of %d", s.instances, keys, keySize, s.value)
	if err := load(ctx, client, keys, s.value); err != nil {
		return "", err
	}
	say("input written")
	if err := caughtUp(ctx, admin); err != nil {
		return "", err
	}
	say("input processed; %.0f MB in the state directories", float64(size(base))/1e6)

	c, err := startClock(ctx, cluster.Brokers(), s.rate)
	if err != nil {
		return "", err
	}
	defer c.close()
	if err := c.quiet(ctx, time.Now(), s.settle); err != nil {
		return "", err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%d instances, %s, %s once, %d keys, %.2f GB of keys and values\n\n", s.instances, s.member, s.guarantee, keys, float64(keys*(s.value+keySize))/1e9)
	b.WriteString("| restart | process away | pauses of the tasks, longest first | stores: nothing to restore, tail, from scratch | records restored |\n|---|---|---|---|---|\n")
	row := func(what string, away time.Duration, from time.Time) {
		to := time.Now()
		var pauses []time.Duration
		for p := range partitions {
			pauses = append(pauses, c.gap(p, from, to.Add(-s.settle/2)).Round(10*time.Millisecond))
		}
		slices.Sort(pauses)
		slices.Reverse(pauses)
		text := make([]string, len(pauses))
		for i, d := range pauses {
			text[i] = fmt.Sprintf("%.2f s", d.Seconds())
		}
		tail, scratch, none, records := r.take()
		fmt.Fprintf(&b, "| %s | %.2f s | %s | %d, %d, %d | %d |\n", what, away.Seconds(), strings.Join(text, ", "), none, tail, scratch, records)
	}
	r.take()
	from := time.Now()
	if err := c.quiet(ctx, from, 2*s.settle); err != nil {
		return "", err
	}
	row("none", 0, from)
	for i := range procs {
		from := time.Now()
		if err := procs[i].stop(); err != nil {
			return b.String(), fmt.Errorf("instance %d: %w", i, err)
		}
		if err := launch(i); err != nil {
			return b.String(), err
		}
		select {
		case <-procs[i].running:
		case <-procs[i].ended:
			return b.String(), fmt.Errorf("instance %d: ended: %w", i, procs[i].err)
		case <-ctx.Done():
			return b.String(), ctx.Err()
		}
		away := time.Since(from)
		if err := c.quiet(ctx, time.Now(), s.settle); err != nil {
			return b.String(), err
		}
		row(fmt.Sprint("instance ", i+1), away, from)
		say("instance %d restarted", i+1)
	}
	for i, p := range procs {
		if err := p.stop(); err != nil {
			return b.String(), fmt.Errorf("instance %d: %w", i, err)
		}
	}
	return b.String(), nil
}

// load writes the state's keys, spread over the partitions.
func load(ctx context.Context, client *kgo.Client, keys, value int) error {
	random := rand.NewChaCha8([32]byte{1}) // what cannot be compressed
	for i := range keys {
		v := make([]byte, value)
		_, _ = random.Read(v)
		client.Produce(ctx, &kgo.Record{Topic: inTopic, Key: fmt.Appendf(nil, "k%011d", i), Value: v}, nil)
	}
	return client.Flush(ctx)
}

// caughtUp returns when the application has committed all input.
func caughtUp(ctx context.Context, admin *kadm.Client) error {
	for {
		ends, err := admin.ListEndOffsets(ctx, inTopic)
		if err != nil {
			return err
		}
		committed, err := admin.FetchOffsets(ctx, application)
		if err != nil {
			return err
		}
		done := true
		ends.Each(func(o kadm.ListedOffset) {
			at, ok := committed.Lookup(o.Topic, o.Partition)
			done = done && ok && at.At >= o.Offset
		})
		if done {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(500 * time.Millisecond):
		}
	}
}

// size is what the files below a directory come to, in bytes.
func size(dir string) (n int64) {
	_ = filepath.WalkDir(dir, func(_ string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return nil //nolint:nilerr // a file that has gone meanwhile has no size
		}
		if info, err := d.Info(); err == nil {
			n += info.Size()
		}
		return nil
	})
	return n
}
