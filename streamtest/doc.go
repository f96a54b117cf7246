// Package streamtest runs a topology in a test: without a broker, without goroutines, in virtual time.
//
// A [Driver] runs every subtopology as its one task on partition 0. Records that are piped into a topic are
// processed with all that follows from them before the call returns, so a test reads results at once and
// never sleeps. For each record, in this order: it is processed; stream-time punctuators fire; the stores are
// flushed and committed; what was written is collected; what was written to a topic that the topology reads,
// such as a repartition topic, waits to be processed in turn, always the record with the lowest timestamp
// first. The wall clock stands still until [Driver.Advance]. With Config.CommitInterval, commits are further
// apart, so that the record cache shows what it does.
//
// Serdes, changelogs and repartition topics are the ones of the application: [Driver.Raw] shows their bytes.
//
//	d := streamtest.New(t, topology, streamtest.Config{})
//	in, out := streamtest.Input(d, lines), streamtest.Output(d, counts)
//	in.Pipe("", "to be or not to be")
//	got := streamtest.Map(out)
//
// It refuses what it cannot show faithfully: several partitions, rebalancing, and failures between two commits.
// Those need a broker; package embedded has one.
//
// Source: Kafka Streams' TopologyTestDriver (KIP-247, KIP-470).
package streamtest
