package app_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"

	"github.com/leatstream/leat/app"
	"github.com/leatstream/leat/serde"
	"github.com/leatstream/leat/stream"
)

// TestGeneratedNames: they are refused, or warned of in one line.
func TestGeneratedNames(t *testing.T) {
	b := stream.New()
	words := stream.NewTopic("words", serde.String, serde.String)
	byWord := stream.GroupBy(stream.From(b, words), func(_, w string) string { return w })
	stream.Count(byWord, nil)
	topo, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	cfg := app.Config{
		Application: "names", Brokers: []string{"localhost:1"}, Topology: topo, StateDir: t.TempDir(), Logger: slog.New(slog.NewTextHandler(&log, nil)),
	}
	cfg.RequireNames = true
	if _, err := app.New(cfg); err == nil || strings.Count(err.Error(), "app/naming_test.go:") != 2 {
		t.Errorf("want the store and the repartition topic refused with their lines, got %v", err)
	}
	cfg.RequireNames = false
	a, err := app.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_ = a.Run(ctx) // what it warns of, it says first
	warned := 0
	for line := range strings.Lines(log.String()) {
		if strings.Contains(line, "level=WARN") && strings.Contains(line, "KSTREAM-AGGREGATE-STATE-STORE-0000000002-repartition") && strings.Contains(line, "names") {
			warned++
		}
	}
	if warned != 1 {
		t.Errorf("warned %d times, want once:\n%s", warned, &log)
	}
}
