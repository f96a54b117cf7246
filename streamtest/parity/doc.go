// Package parity runs scenarios whose answers were recorded from Kafka Streams and compares leat's with them.
//
// A [Scenario] is one topology in a small data language, the events that are piped into it, and what Kafka
// Streams' own test driver answers: the records of every output topic, the contents of the named stores, the
// bytes of every changelog and repartition topic, and the text of the topology. [Run] builds the topology
// with package stream, drives it with package streamtest, and returns the first difference of each of these
// four levels. Keys and values are [Text], which can be null, so that functions see the nulls that Java's do.
//
// An operation that the DSL does not have yet makes a scenario different on every level; it is never left
// out. What is complete is listed in [Complete], and the test fails when that stops being equal:
//
//	go test ./streamtest/parity -v -scenarios DIR
//
// The scenarios were recorded with Kafka Streams 4.3.1: one partition a topic, application id app, wall clock
// from 0, no record cache, a commit after every record. Those of the family extra are ours, with Kafka Streams'
// answers: what the others leave out.
package parity
