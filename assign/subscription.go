package assign

import (
	"encoding/binary"
	"fmt"
	"maps"
	"math"
	"slices"
)

// Subscription is what a member tells the leader about itself when it joins: the userdata of the group
// protocol's subscription.
type Subscription struct {
	// Version is set by decoding: that of the code that wrote it. Encoding ignores it and writes [Version].
	Version uint16
	// Process identifies the member's state directory; it outlives a restart, unlike the member id.
	Process string
	// Topology is a hash of the topology, equal in members that can run the same tasks.
	Topology uint64
	// Capacity is the number of workers.
	Capacity int
	// Owned are the tasks that run as active and process records, in task order, each once. Those that are
	// still being restored are not among them.
	Owned []Task
	// Positions tells how much state the member holds, in task order, each task once.
	Positions []Position
	// Standby and Warmup are the tasks whose state the member keeps up, as its last assignment said, in task
	// order, each once.
	Standby, Warmup []Task
	// Tags say where the member is.
	Tags map[string]string
}

// Position says that a member holds the state of a task up to the sum of its changelogs' offsets.
type Position struct {
	Task Task
	// Sum is the sum of the next offsets of the task's changelog partitions; never negative.
	Sum int64
}

const (
	subscriptionProcess   = 1
	subscriptionTopology  = 2
	subscriptionCapacity  = 3
	subscriptionOwned     = 4
	subscriptionPositions = 5
	subscriptionStandby   = 6
	subscriptionWarmup    = 7
	subscriptionTags      = 8 // name and value in turn, in order of names: uint32 length, bytes
)

// AppendSubscription appends the encoding of s to dst. Owned and Positions are sorted on the way, into
// copies; the bytes are a function of the content alone.
func AppendSubscription(dst []byte, s Subscription) []byte {
	owned := sortedTasks(s.Owned, func(t Task) Task { return t })
	positions := sortedTasks(s.Positions, func(p Position) Task { return p.Task })
	dst = appendHeader(dst)
	dst = appendField(dst, subscriptionProcess, func(dst []byte) []byte { return append(dst, s.Process...) })
	dst = appendField(dst, subscriptionTopology, func(dst []byte) []byte {
		return binary.BigEndian.AppendUint64(dst, s.Topology)
	})
	dst = appendField(dst, subscriptionCapacity, func(dst []byte) []byte {
		return binary.BigEndian.AppendUint32(dst, uint32(min(max(s.Capacity, 0), MaxCapacity)))
	})
	dst = appendField(dst, subscriptionOwned, func(dst []byte) []byte {
		return appendTasks(dst, owned, func(t Task) Task { return t }, func(dst []byte, _ Task) []byte { return dst })
	})
	dst = appendField(dst, subscriptionPositions, func(dst []byte) []byte {
		return appendTasks(dst, positions, func(p Position) Task { return p.Task }, func(dst []byte, p Position) []byte {
			return binary.BigEndian.AppendUint64(dst, uint64(max(p.Sum, 0)))
		})
	})
	dst = appendTaskField(dst, subscriptionStandby, s.Standby)
	dst = appendTaskField(dst, subscriptionWarmup, s.Warmup)
	if len(s.Tags) == 0 {
		return dst
	}
	return appendField(dst, subscriptionTags, func(dst []byte) []byte {
		for _, name := range slices.Sorted(maps.Keys(s.Tags)) {
			for _, text := range [...]string{name, s.Tags[name]} {
				dst = binary.BigEndian.AppendUint32(dst, uint32(len(text)))
				dst = append(dst, text...)
			}
		}
		return dst
	})
}

// appendTaskField appends a field of tasks, unless there are none.
func appendTaskField(dst []byte, tag uint16, tasks []Task) []byte {
	if len(tasks) == 0 {
		return dst
	}
	self := func(t Task) Task { return t }
	return appendField(dst, tag, func(dst []byte) []byte {
		return appendTasks(dst, sortedTasks(tasks, self), self, func(dst []byte, _ Task) []byte { return dst })
	})
}

func readTaskField(r *reader) []Task {
	return readTasks(r, 0, func(t Task, _ *reader) Task { return t })
}

// maxSentTags bounds the tags that are read: a map takes more room than its text.
const maxSentTags = 16

func readTags(r *reader) map[string]string {
	var out map[string]string
	last := ""
	for len(r.b) > 0 && r.err == nil {
		name := string(r.take(int64(r.uint32())))
		value := string(r.take(int64(r.uint32())))
		switch {
		case r.err != nil:
			return nil
		case out != nil && name <= last:
			r.err = malformed("tag %q after tag %q", name, last)
		case len(out) == maxSentTags:
			r.err = malformed("more than %d tags", maxSentTags)
		case out == nil:
			out = make(map[string]string)
		}
		if r.err != nil {
			return nil
		}
		out[name], last = value, name
	}
	return out
}

// DecodeSubscription reads what [AppendSubscription] wrote, of this version or another one. Fields that the
// writer did not know are zero. The result shares no memory with b. Errors are [ErrMalformed] or a
// [*VersionError].
func DecodeSubscription(b []byte) (Subscription, error) {
	var s Subscription
	version, err := readFields(b, func(tag uint16, r *reader) {
		switch tag {
		case subscriptionProcess:
			s.Process = string(r.b)
		case subscriptionTopology:
			s.Topology = r.uint64()
		case subscriptionCapacity:
			s.Capacity = min(int(r.nonNegative()), MaxCapacity)
		case subscriptionOwned:
			s.Owned = readTaskField(r)
		case subscriptionStandby:
			s.Standby = readTaskField(r)
		case subscriptionWarmup:
			s.Warmup = readTaskField(r)
		case subscriptionTags:
			s.Tags = readTags(r)
		case subscriptionPositions:
			s.Positions = readTasks(r, 8, func(t Task, r *reader) Position {
				sum := r.uint64()
				if sum > math.MaxInt64 && r.err == nil {
					r.err = malformed("position %d of task %v out of range", sum, t)
				}
				return Position{Task: t, Sum: int64(sum)}
			})
		}
	})
	if err != nil {
		return Subscription{}, fmt.Errorf("decode subscription userdata: %w", err)
	}
	s.Version = version
	return s, nil
}

// sortedTasks returns a copy of values in task order, without those whose task came before.
func sortedTasks[T any](values []T, task func(T) Task) []T {
	out := slices.Clone(values)
	slices.SortStableFunc(out, func(a, b T) int { return task(a).Compare(task(b)) })
	return slices.CompactFunc(out, func(a, b T) bool { return task(a) == task(b) })
}
