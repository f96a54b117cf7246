package main

import (
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/leatstream/leat/integration/kafkatest"
)

// program builds the command once a test binary.
var program = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "bench-test-")
	if err != nil {
		return "", err
	}
	out := filepath.Join(dir, "bench")
	if b, err := exec.Command("go", "build", "-o", out, ".").CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w: %s", err, b)
	}
	return out, nil
})

// Several processes as one application, and then one that finds everything done. The output is compared with a
// recount, as the Java project does it.
func TestProcessesRunAsOneApplication(t *testing.T) {
	const n = 20_000
	brokers := kafkatest.Brokers(t)
	prefix := kafkatest.UniqueName("bench")
	want := load(t, brokers, prefix, n)
	bin, err := program()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(filepath.Dir(bin)) })
	for _, guarantee := range []string{"alo", "eos"} {
		id := prefix + "-" + guarantee
		start := func() (*exec.Cmd, *strings.Builder) {
			var out strings.Builder
			c := exec.CommandContext(t.Context(), bin, "run", "--workload", "W6", "--guarantee", guarantee, "--records", fmt.Sprint(n),
				"--topic", prefix, "--bootstrap", brokers[0], "--app-id", id, "--out", id+"-counted", "--state-dir", t.TempDir(),
				"--keep", "--timeout", "120")
			c.Stdout, c.Stderr = &out, os.Stderr
			if err := c.Start(); err != nil {
				t.Fatal(err)
			}
			return c, &out
		}
		for _, processes := range []int{2, 1} {
			var commands []*exec.Cmd
			var outs []*strings.Builder
			for range processes {
				c, out := start()
				commands, outs = append(commands, c), append(outs, out)
			}
			for i, c := range commands {
				if err := c.Wait(); err != nil {
					t.Fatalf("%s: %v", guarantee, err)
				}
				if r, err := parseResult(strings.TrimSpace(outs[i].String())); err != nil || r.number("records") != n {
					t.Errorf("%s: result %q, %v", guarantee, outs[i], err)
				}
			}
		}
		got, updates := counted(t, brokers, id+"-counted")
		if guarantee == "eos" && updates != n {
			t.Errorf("eos: %d updates, want %d", updates, n)
		}
		for k, v := range want {
			if got[k] != v && (guarantee == "eos" || got[k] < v) {
				t.Errorf("%s: key %s has %d, want %d", guarantee, k, got[k], v)
			}
		}
		c, err := connect(brokers)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.remove(t.Context(), id, id+"-counted"); err != nil {
			t.Error(err)
		}
		c.close()
	}
}

// load writes the zipf topic and returns W6's final counts.
func load(t *testing.T, brokers []string, prefix string, n int64) map[string]int64 {
	in, err := inputs("W6", prefix, n)
	if err != nil {
		t.Fatal(err)
	}
	c, err := connect(brokers)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.close)
	if err := c.create(t.Context(), in[0].topic); err != nil {
		t.Fatal(err)
	}
	// franz-go counts a record's time from its timestamp, which is years ago: this client must have no time limit.
	cl, err := kgo.NewClient(kgo.SeedBrokers(brokers...))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	z := newZipf()
	want := make(map[string]int64)
	for range n {
		z.next()
		value := z.value
		want[hashKey(string(value[:]))]++
		cl.Produce(t.Context(), &kgo.Record{
			Topic: in[0].topic, Key: []byte(keyName(uint64(z.key))), Value: value[:], Timestamp: time.UnixMilli(z.ts),
		}, func(_ *kgo.Record, err error) {
			if err != nil {
				t.Error(err)
			}
		})
	}
	if err := cl.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	return want
}

// counted reads the last count of each key.
func counted(t *testing.T, brokers []string, topic string) (last map[string]int64, updates int64) {
	c, err := connect(brokers)
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	ends, err := c.dataEnds(t.Context(), topic)
	if err != nil {
		t.Fatal(err)
	}
	cl := kafkatest.NewClient(t, brokers, kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	last = make(map[string]int64)
	at := make(map[place]int64)
	for {
		done := true
		for p, end := range ends {
			done = done && at[p] >= end
		}
		if done {
			return last, updates
		}
		cl.PollFetches(t.Context()).EachRecord(func(r *kgo.Record) {
			last[string(r.Key)] = int64(binary.BigEndian.Uint64(r.Value))
			updates++
			at[place{r.Topic, r.Partition}] = r.Offset + 1
		})
	}
}
