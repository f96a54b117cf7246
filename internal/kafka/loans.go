package kafka

import (
	"math/bits"
	"slices"

	"github.com/leatstream/leat/record"
)

// loans are the slices into which records are decoded, used again when they come back. A record is three times the
// size of its bytes, so new ones for each would be most of what is allocated.
type loans struct {
	back [][]record.Raw // the last one is most likely still in the processor's cache
	held int            // records that they have room for
}

const (
	minLoan = 64      // records
	maxHeld = 1 << 15 // more than that are given up, the oldest first
)

// lend returns an empty slice with room for n records.
func (l *loans) lend(n int) []record.Raw {
	if n == 0 {
		return nil
	}
	for i := len(l.back) - 1; i >= 0; i-- {
		if s := l.back[i]; cap(s) >= n {
			l.remove(i)
			return s
		}
	}
	return make([]record.Raw, 0, max(minLoan, 1<<bits.Len(uint(n-1))))
}

// giveBack takes a slice that nobody uses any more. What its records point to is let go.
func (l *loans) giveBack(s []record.Raw) {
	if cap(s) == 0 || cap(s) > maxHeld {
		return
	}
	clear(s[:min(len(s)+1, cap(s))]) // behind the last one may be one that was decoded and not delivered
	l.back = append(l.back, s[:0])
	for l.held += cap(s); l.held > maxHeld; {
		l.remove(0)
	}
}

func (l *loans) remove(i int) {
	l.held -= cap(l.back[i])
	l.back = slices.Delete(l.back, i, i+1)
}
