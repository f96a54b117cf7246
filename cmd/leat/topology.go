package main

import (
	"fmt"

	"github.com/leatstream/leat/serde"
	"github.com/leatstream/leat/stream"
	"github.com/leatstream/leat/topology"
)

// linesTopic and countsTopic name the input and the output of the application.
func linesTopic(appID string) string  { return appID + "-lines" }
func countsTopic(appID string) string { return appID + "-counts" }

// wordcountTopology is the application. Lines are bytes: a text need not be UTF-8.
func wordcountTopology(appID string) (*topology.Topology, error) {
	b := stream.New()
	lines := stream.From(b, stream.NewTopic(linesTopic(appID), serde.Bytes, serde.Bytes))
	words := stream.FlatMapValues(lines, splitWords)
	byWord := stream.GroupBy(words, func(_ []byte, word string) string { return word }, stream.Keys(serde.String), stream.Values(serde.String))
	counts := stream.Count(byWord, stream.NewStore("counts", serde.String, serde.Int64))
	stream.To(stream.ToStream(counts), stream.NewTopic(countsTopic(appID), serde.String, serde.Int64))
	t, err := b.Build()
	if err != nil {
		// Of all that Build checks, only the names of the topics depend on the command line: one too long.
		return nil, usageError{fmt.Errorf("demo wordcount: --app-id %q: %w", appID, err)}
	}
	return t, nil
}
