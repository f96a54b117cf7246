package task

import "github.com/leatstream/leat/processor"

// Outgoing are outputs that were taken from a task, with the memory of their keys and values: see [Task.Take].
type Outgoing struct {
	// Outputs are in the order in which the task made them.
	Outputs []processor.Output
	arena   processor.Arena
}

// Take moves what the task wants written into o, in place of what o held, and lets the task go on in the memory that
// o had. What is in o stays as it is, bytes included, until o is used to take again; so it can be written elsewhere
// while the task processes on. Whoever uses Take must not use [Task.Outputs], whose bytes it would change.
func (t *Task) Take(o *Outgoing) {
	o.Outputs, t.outputs = t.outputs, o.Outputs[:0]
	o.arena, t.arena = t.arena, o.arena
	t.arena.Reset()
}

// Unsent is how many outputs there are to take.
func (t *Task) Unsent() int { return len(t.outputs) }
