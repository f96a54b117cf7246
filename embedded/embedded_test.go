package embedded_test

import (
	"context"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/leatstream/leat/embedded"
)

func start(t *testing.T, cfg embedded.Config) *embedded.Broker {
	t.Helper()
	b, err := embedded.Start(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return b
}

func client(t *testing.T, b *embedded.Broker, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	cl, err := kgo.NewClient(append(opts, kgo.SeedBrokers(b.Addr()))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cl.Close)
	return cl
}

func TestCreateTopic(t *testing.T) {
	b := start(t, embedded.Config{Partitions: 3})
	for _, step := range []struct {
		partitions int
		want       string
	}{{0, ""}, {0, ""}, {3, ""}, {2, "exists with 3 partitions, not 2"}} {
		err := b.CreateTopic("t", step.partitions)
		switch {
		case step.want == "" && err != nil:
			t.Errorf("CreateTopic(t, %d) = %v", step.partitions, err)
		case step.want != "" && (err == nil || !strings.Contains(err.Error(), step.want)):
			t.Errorf("CreateTopic(t, %d) = %v, want %q", step.partitions, err, step.want)
		}
	}
}

func TestRecordsSurviveARestartWithADir(t *testing.T) {
	dir := t.TempDir()
	b := start(t, embedded.Config{Dir: dir})
	if err := b.CreateTopic("t", 1); err != nil {
		t.Fatal(err)
	}
	if err := client(t, b).ProduceSync(t.Context(), &kgo.Record{Topic: "t", Value: []byte("kept")}).FirstErr(); err != nil {
		t.Fatal(err)
	}
	b.Close()

	b = start(t, embedded.Config{Dir: dir})
	cl := client(t, b, kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{"t": {0: kgo.NewOffset().At(0)}}))
	fs := cl.PollFetches(t.Context())
	if err := fs.Err0(); err != nil {
		t.Fatal(err)
	}
	if rs := fs.Records(); len(rs) != 1 || string(rs[0].Value) != "kept" {
		t.Errorf("after the restart: %v", rs)
	}
}

func TestAddressTaken(t *testing.T) {
	b := start(t, embedded.Config{})
	if _, err := embedded.Start(embedded.Config{Addr: b.Addr()}); err == nil || !strings.Contains(err.Error(), "address already in use") {
		t.Errorf("Start on a taken address = %v", err)
	}
}

func TestClosedTwice(t *testing.T) {
	b, err := embedded.Start(embedded.Config{Addr: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	b.Close()
	b.Close()
	cl := client(t, b)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	if err := cl.Ping(ctx); err == nil {
		t.Error("a closed broker answers")
	}
}
