// Package task runs one task, a partition's share of a subtopology, as a machine that is driven step by
// step. It does no IO and knows no clock: records and time come in as arguments, effects leave as values, and
// whoever drives it (package app with Kafka, package streamtest without) carries them out.
//
// # A step
//
// [Task.Offer] puts fetched records into the queue of their partition. [Task.Step] takes the queue whose
// first record has the lowest timestamp, advances stream time, and runs that record through the operators to
// the end. What it wants written collects in [Task.Outputs].
//
// # A commit
//
//	c := t.Prepare()            // caches are flushed; change records join the outputs
//	…                           // write Outputs, wait until every one is acknowledged
//	…                           // commit c.Offsets (BEFORE the next step: the state must not be ahead)
//	t.Confirm(positions)        // the writes of the commit reach the backends, with the changelog positions
//
// A crash before the offsets are committed leaves the backends as of the commit before; a crash between that
// and Confirm leaves them behind the changelog, from which they are brought up to date. That is why most commits may
// end with [Task.Defer] instead, which leaves the writes to a later Confirm.
//
// # Failure
//
// The first error that no policy passes over makes the task fail: [Task.Err] holds it, the outputs of the
// record in process are thrown away, and every further call does nothing. A failed task cannot commit.
package task
