package pebblestore

import (
	"encoding/binary"
	"fmt"

	"github.com/leatstream/leat/statestore"
)

// Keys of the database. Tasks and stores have numbers, which the catalogue in the database gives to their
// names; numbers are big-endian, so that what belongs together lies together.
//
//	task u32 ≥ 1 | store u16 ≥ 1 | key        an entry of a store
//	task u32 ≥ 1 | 0 u16 | 's' | store name   the store's number, u16
//	task u32 ≥ 1 | 0 u16 | 'p' | store name   the store's changelog position: 2 | next i64 | topic [16] | time i64
//	0 u32 | 'i'                               the identity of the state directory
//	0 u32 | 't' | task name                   the task's number, u32
//
// All that a task has, positions included, begins with its number: one range drop removes it, and whatever
// part of it survives a crash is a state that it once had.
const (
	kindStore    = 's'
	kindPosition = 'p'
	kindIdentity = 'i'
	kindTask     = 't'

	positionVersion = 2 // version 1 has no time
	positionSize    = 1 + 8 + 16 + 8
)

func taskPrefix(task uint32) []byte { return binary.BigEndian.AppendUint32(nil, task) }

func storePrefix(task uint32, store uint16) []byte {
	return binary.BigEndian.AppendUint16(taskPrefix(task), store)
}

// ownKey is the key of what a task keeps about one of its stores, or the database about one of its tasks.
func ownKey(prefix []byte, kind byte, name string) []byte {
	return append(append(append([]byte{}, prefix...), kind), name...)
}

func identityKey() []byte { return append(taskPrefix(0), kindIdentity) }

// prefixEnd returns the first key after all that begin with prefix, which is not all 0xff.
func prefixEnd(prefix []byte) []byte {
	end := append([]byte{}, prefix...)
	for i := len(end) - 1; ; i-- {
		if end[i]++; end[i] != 0 {
			return end[:i+1]
		}
	}
}

func appendPosition(dst []byte, p statestore.Position) []byte {
	dst = append(dst, positionVersion)
	dst = binary.BigEndian.AppendUint64(dst, uint64(p.Next))
	dst = append(dst, p.Topic[:]...)
	return binary.BigEndian.AppendUint64(dst, uint64(p.Time))
}

func parsePosition(b []byte) (statestore.Position, error) {
	withTime := len(b) == positionSize && b[0] == positionVersion
	if !withTime && (len(b) != positionSize-8 || b[0] != 1) {
		return statestore.Position{}, fmt.Errorf("a position of %d bytes: %x", len(b), b)
	}
	p := statestore.Position{Next: int64(binary.BigEndian.Uint64(b[1:]))}
	copy(p.Topic[:], b[9:])
	if withTime {
		p.Time = int64(binary.BigEndian.Uint64(b[25:]))
	}
	return p, nil
}
