// Package takeover holds one application in two forms: for leat, and in kafka-streams/ for Kafka Streams 4.3.1. It
// has a store of every kind. Its test runs the two in turns under one application id, each going on where the other
// was stopped, in the middle of the input, and compares what they wrote, changelogs included, with what Kafka
// Streams writes when it is left alone.
//
// program.go and its neighbours say in Go what the Java classes of the same names say, operator by operator, so that
// generated names are equal. A change of one is a change of the other; the test compares their descriptions.
//
// The input is such that the order of the outputs is determined where that is possible at all: every record of a
// task has its own timestamp, nothing comes later than grace periods allow (what is late depends on what has been
// seen since the start, which a restart forgets, in Kafka Streams as in leat), and the records of a group that meet in
// a repartition topic come from one partition.
package takeover
