// Package app runs a topology as one instance of an application: it joins the consumer group, restores the
// state of the tasks that it is given, runs them on its workers, commits, and hands them on.
//
// # Goroutines
//
//   - Run supervises; it returns when all others have ended.
//   - the membership: one goroutine of the group's client. It calls the methods of instance that are named
//     in kafka.Handler; they return when the workers have let go of what was revoked.
//   - one worker goroutine for each of Config.Workers: it owns a client and runs its tasks; nothing else
//     touches a task.
//   - a sender beside each worker: it hands the outputs of the worker's tasks to its client.
//   - restore: one goroutine that reads changelogs and applies them, with short-lived helpers, one a task.
//   - upkeep: one goroutine that purges repartition topics and removes the state of tasks that moved away.
//   - keepFlushed: one goroutine that brings the local state to disk.
//
// # Order of a commit
//
// See worker.commit: flush the stores, produce, wait for every acknowledgement, commit the offsets with the
// membership's generation, and only then apply the writes to the local state, together with the changelog
// positions that they reach to.
//
// # Locks
//
// instance.mu guards the table of tasks and is never held while anything blocks. A task's own fields belong
// to its worker once it has been handed over.
package app
