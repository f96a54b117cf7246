package assign

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// Version is the version of the userdata that this code writes. It grows with each new field: 2 has standbys
// and warm-ups.
const Version = 2

// compatible is the oldest version whose readers understand what this code writes. It is raised only when
// ignoring a new field would be wrong.
const compatible = 1

// The format of userdata: uint16 version, uint16 oldest version that can read it, then fields, each a uint16
// tag, a uint32 length and that many bytes, in rising order of tags. A reader skips tags that it does not
// know, and what follows the part of a field that it knows. All integers are big-endian.

// ErrMalformed is the cause when userdata is not what this package writes.
var ErrMalformed = errors.New("malformed")

// VersionError says that a member of a newer version of the application wrote userdata that this version
// must not read. The remedy is to upgrade this instance.
type VersionError struct {
	// Version wrote the userdata; Needs is the oldest version that can read it.
	Version, Needs uint16
}

func (e *VersionError) Error() string {
	return fmt.Sprintf("userdata version %d needs a reader of version %d, this instance has %d: upgrade it", e.Version, e.Needs, Version)
}

func malformed(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrMalformed, fmt.Sprintf(format, args...))
}

func appendHeader(dst []byte) []byte {
	dst = binary.BigEndian.AppendUint16(dst, Version)
	return binary.BigEndian.AppendUint16(dst, compatible)
}

// appendField appends a field whose content append writes.
func appendField(dst []byte, tag uint16, append func(dst []byte) []byte) []byte {
	dst = binary.BigEndian.AppendUint16(dst, tag)
	at := len(dst)
	dst = append(binary.BigEndian.AppendUint32(dst, 0))
	binary.BigEndian.PutUint32(dst[at:], uint32(len(dst)-at-4))
	return dst
}

// readFields calls field for each field of b and returns the writer's version.
func readFields(b []byte, field func(tag uint16, r *reader)) (uint16, error) {
	r := reader{b: b}
	version, needs := r.uint16(), r.uint16()
	if r.err == nil && (version == 0 || needs > version) {
		return 0, malformed("version %d readable from %d on", version, needs)
	}
	if r.err == nil && needs > Version {
		return 0, &VersionError{Version: version, Needs: needs}
	}
	last := -1
	for r.err == nil && len(r.b) > 0 {
		tag := r.uint16()
		content := reader{b: r.take(int64(r.uint32()))}
		if r.err != nil {
			break
		}
		if int(tag) <= last {
			return 0, malformed("field %d after field %d", tag, last)
		}
		last = int(tag)
		if field(tag, &content); content.err != nil {
			return 0, fmt.Errorf("field %d: %w", tag, content.err)
		}
	}
	return version, r.err
}

// reader takes values off the front of b. After the first error it returns zero values.
type reader struct {
	b   []byte
	err error
}

// take returns the next n bytes, which still belong to b.
func (r *reader) take(n int64) []byte {
	if r.err == nil && n > int64(len(r.b)) {
		r.err = malformed("%d bytes expected, %d left", n, len(r.b))
	}
	if r.err != nil {
		return nil
	}
	out := r.b[:n:n]
	r.b = r.b[n:]
	return out
}

func (r *reader) uint16() uint16 {
	if b := r.take(2); b != nil {
		return binary.BigEndian.Uint16(b)
	}
	return 0
}

func (r *reader) uint32() uint32 {
	if b := r.take(4); b != nil {
		return binary.BigEndian.Uint32(b)
	}
	return 0
}

func (r *reader) uint64() uint64 {
	if b := r.take(8); b != nil {
		return binary.BigEndian.Uint64(b)
	}
	return 0
}

// nonNegative returns the next four bytes as a number that fits an int32.
func (r *reader) nonNegative() int32 {
	n := r.uint32()
	if n > math.MaxInt32 && r.err == nil {
		r.err = malformed("number %d out of range", n)
		return 0
	}
	return int32(n)
}

// appendTasks appends tasks, which are sorted and each there once, grouped by subtopology: uint32 number of
// groups, then for each uint32 subtopology, uint32 number of tasks, and for each uint32 partition and what
// extra appends for the i-th task.
func appendTasks[T any](dst []byte, tasks []T, task func(T) Task, extra func(dst []byte, v T) []byte) []byte {
	groupsAt := len(dst)
	dst = binary.BigEndian.AppendUint32(dst, 0)
	var groups, size uint32
	var sizeAt int
	for i, v := range tasks {
		t := task(v)
		if i == 0 || task(tasks[i-1]).Subtopology != t.Subtopology {
			dst = binary.BigEndian.AppendUint32(dst, uint32(t.Subtopology))
			sizeAt, size = len(dst), 0
			dst = binary.BigEndian.AppendUint32(dst, 0)
			groups++
		}
		size++
		binary.BigEndian.PutUint32(dst[sizeAt:], size)
		dst = extra(binary.BigEndian.AppendUint32(dst, uint32(t.Partition)), v)
	}
	binary.BigEndian.PutUint32(dst[groupsAt:], groups)
	return dst
}

// readTasks reads what appendTasks wrote with extra bytes of the given size. It counts before it allocates,
// so the result is exactly as long as the input says and the input is long enough for it.
func readTasks[T any](r *reader, extra int64, value func(t Task, r *reader) T) []T {
	count := reader{b: r.b}
	var tasks int64
	for g := count.nonNegative(); g > 0 && count.err == nil; g-- {
		count.nonNegative()
		n := int64(count.nonNegative())
		count.take(n * (4 + extra))
		tasks += n
	}
	if count.err != nil {
		r.err = count.err
		return nil
	}
	if tasks == 0 {
		r.b = count.b
		return nil
	}
	out := make([]T, 0, tasks)
	var last Task
	for g := r.nonNegative(); g > 0; g-- {
		sub := int(r.nonNegative())
		for n := r.nonNegative(); n > 0; n-- {
			t := Task{Subtopology: sub, Partition: r.nonNegative()}
			if len(out) > 0 && last.Compare(t) >= 0 {
				r.err = malformed("task %v after task %v", t, last)
			}
			v := value(t, r)
			if r.err != nil {
				return nil
			}
			last = t
			out = append(out, v)
		}
	}
	return out
}
