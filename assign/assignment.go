package assign

import (
	"encoding/binary"
	"fmt"
	"strings"
)

// Assignment is what the leader tells a member: the userdata of the group protocol's assignment.
type Assignment struct {
	// Version is set by decoding: that of the code that wrote it. Encoding ignores it and writes [Version].
	Version uint16
	// Active are the tasks to run as active from this generation on, in task order, each once.
	Active []Grant
	// Later are the tasks that the member will get once their owners have given them up, in task order, each
	// once. It can restore ahead; it must not run them.
	Later []Task
	// Standby and Warmup are the tasks whose state the member keeps up, in task order, each once.
	Standby, Warmup []Task
	// Awaited are those of Standby and Warmup that move to the member once it has caught up, in task order,
	// each once. It asks for a rebalance then.
	Awaited []Task
	// Process is the process that the leader has meant. A static member that has been restarted gets the
	// assignment of the one before it.
	Process string
	// Live names the processes that are in the group in this generation. A transaction of another one is a
	// dead owner's.
	Live Processes
}

// Processes is a set of process names, kept as the text that it is sent as: each name ends with a line feed.
type Processes string

// Add returns the set with one more name, which has no line feeds.
func (p Processes) Add(name string) Processes { return p + Processes(name) + "\n" }

// Has reports whether a name is in the set.
func (p Processes) Has(name string) bool {
	return strings.HasPrefix(string(p), name+"\n") || strings.Contains(string(p), "\n"+name+"\n")
}

// Grant is a task that a member runs, with what it must know of the one that ran it before.
type Grant struct {
	Task Task
	// Previous identifies the process that ran the task before, whose transactions the new owner ends. It is
	// empty if that is unknown, nobody, or the member itself.
	Previous string
}

const (
	assignmentProcesses = 1 // names that grants refer to by number: uint32 length, bytes
	assignmentActive    = 2 // extra: uint32 0 = no previous process, else 1 + its number
	assignmentLater     = 3
	assignmentLive      = 4 // names, each with a line feed behind it
	assignmentStandby   = 5
	assignmentWarmup    = 6
	assignmentAwaited   = 7
	assignmentProcess   = 8
)

// AppendAssignment appends the encoding of a to dst. Active and Later are sorted on the way, into copies;
// the bytes are a function of the content alone.
func AppendAssignment(dst []byte, a Assignment) []byte {
	active := sortedTasks(a.Active, func(g Grant) Task { return g.Task })
	later := sortedTasks(a.Later, func(t Task) Task { return t })
	numbers := map[string]uint32{"": 0}
	dst = appendHeader(dst)
	dst = appendField(dst, assignmentProcesses, func(dst []byte) []byte {
		for _, g := range active {
			if _, ok := numbers[g.Previous]; !ok {
				numbers[g.Previous] = uint32(len(numbers))
				dst = binary.BigEndian.AppendUint32(dst, uint32(len(g.Previous)))
				dst = append(dst, g.Previous...)
			}
		}
		return dst
	})
	dst = appendField(dst, assignmentActive, func(dst []byte) []byte {
		return appendTasks(dst, active, func(g Grant) Task { return g.Task }, func(dst []byte, g Grant) []byte {
			return binary.BigEndian.AppendUint32(dst, numbers[g.Previous])
		})
	})
	dst = appendField(dst, assignmentLater, func(dst []byte) []byte {
		return appendTasks(dst, later, func(t Task) Task { return t }, func(dst []byte, _ Task) []byte { return dst })
	})
	if a.Live != "" {
		dst = appendField(dst, assignmentLive, func(dst []byte) []byte { return append(dst, a.Live...) })
	}
	dst = appendTaskField(dst, assignmentStandby, a.Standby)
	dst = appendTaskField(dst, assignmentWarmup, a.Warmup)
	dst = appendTaskField(dst, assignmentAwaited, a.Awaited)
	if a.Process != "" {
		dst = appendField(dst, assignmentProcess, func(dst []byte) []byte { return append(dst, a.Process...) })
	}
	return dst
}

// DecodeAssignment reads what [AppendAssignment] wrote, of this version or another one. Fields that the
// writer did not know are zero. The result shares no memory with b. Errors are [ErrMalformed] or a
// [*VersionError].
func DecodeAssignment(b []byte) (Assignment, error) {
	var a Assignment
	// The names stay in one string, and offsets of four bytes stand for them: an empty name costs four bytes
	// of input, a string header would take sixteen.
	var names string
	var at []uint32
	version, err := readFields(b, func(tag uint16, r *reader) {
		switch tag {
		case assignmentProcesses:
			names = string(r.b)
			at = readNames(r)
		case assignmentActive:
			a.Active = readTasks(r, 4, func(t Task, r *reader) Grant {
				n := r.uint32()
				if n > uint32(len(at)) && r.err == nil {
					r.err = malformed("process %d of %d", n, len(at))
				}
				if n == 0 || r.err != nil {
					return Grant{Task: t}
				}
				begin := at[n-1]
				length := binary.BigEndian.Uint32([]byte(names[begin : begin+4]))
				return Grant{Task: t, Previous: names[begin+4 : begin+4+length]}
			})
		case assignmentLater:
			a.Later = readTaskField(r)
		case assignmentLive:
			a.Live = Processes(r.b)
		case assignmentStandby:
			a.Standby = readTaskField(r)
		case assignmentWarmup:
			a.Warmup = readTaskField(r)
		case assignmentAwaited:
			a.Awaited = readTaskField(r)
		case assignmentProcess:
			a.Process = string(r.b)
		}
	})
	if err != nil {
		return Assignment{}, fmt.Errorf("decode assignment userdata: %w", err)
	}
	a.Version = version
	return a, nil
}

// readNames returns where in r each name begins, with its length in front.
func readNames(r *reader) []uint32 {
	size := len(r.b)
	var names int
	for count := (reader{b: r.b}); len(count.b) > 0; names++ {
		if count.take(int64(count.uint32())); count.err != nil {
			r.err = count.err
			return nil
		}
	}
	out := make([]uint32, 0, names)
	for len(r.b) > 0 {
		out = append(out, uint32(size-len(r.b)))
		r.take(int64(r.uint32()))
	}
	return out
}
