// Command wordcount counts the words of the topic "lines" into the topic "counts". Start it several times, with a
// STATE_DIR each if on one machine, and the instances share the work.
package main

import (
	"context"
	"log"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/leatstream/leat/app"
	"github.com/leatstream/leat/serde"
	"github.com/leatstream/leat/stream"
	"github.com/leatstream/leat/topology"
)

var (
	lines  = stream.NewTopic("lines", serde.String, serde.String)
	counts = stream.NewTopic("counts", serde.String, serde.Int64)
	totals = stream.NewStore("totals", serde.String, serde.Int64)
)

func wordCount() (*topology.Topology, error) {
	b := stream.New()
	words := stream.FlatMapValues(stream.From(b, lines), strings.FieldsSeq)
	byWord := stream.GroupBy(words, func(_, word string) string { return word })
	stream.To(stream.ToStream(stream.Count(byWord, totals)), counts)
	return b.Build()
}

func main() {
	topo, err := wordCount()
	if err != nil {
		log.Fatal(err)
	}
	a, err := app.New(app.Config{
		Application: "wordcount",
		Topology:    topo,
		Brokers:     strings.Split(os.Getenv("BROKERS"), ","), // host:port,…
		StateDir:    os.Getenv("STATE_DIR"),
		Guarantee:   app.ExactlyOnce,
	})
	if err != nil {
		log.Fatal(err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := a.Run(ctx); err != nil {
		stop()
		log.Fatal(err)
	}
}
