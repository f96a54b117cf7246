// Package sim drives the tasks of a small application through a model of Kafka and of the runtime, by the
// choices of a seeded scheduler: it looks for schedules in which a record is lost, counted twice, or leaves
// local state that its changelog does not have.
//
// The tasks are the real ones of package task, with their stores, topologies and changelogs. Around them is a
// model, in one goroutine and without a clock: logs with transactions, markers and a last stable offset; a
// consumer group with generations; clients whose records wait to be written and to be acknowledged; and
// instances whose workers commit, recover and restore in exactly the steps of package app. The files commit.go,
// recover.go, restore.go, standby.go and membership.go stand beside app's commit.go (with committing.go and defer.go),
// recover.go, restore.go, standby.go and group.go: whoever changes one changes the other. What the model adds are the
// points between two steps, at each of which the scheduler may let an instance die, stop, be taken for dead, or go on,
// and each request or answer be lost.
//
// [Run] runs one seed. The same seed and [Config] give the same run, to the last event. A [Bug] plants a mistake
// in the model of the runtime: that each is found says that the checks can fail.
package sim
