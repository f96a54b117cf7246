package changelog

import (
	"encoding/binary"
	"fmt"

	"github.com/leatstream/leat/record"
)

// rowTimestamp is the size of the timestamp in front of a timestamped row.
const rowTimestamp = 8

// Row returns the row that a changelog record stands for under the record's key, or that the row is deleted.
// The row is the record's value itself, or overwrites dst: it is valid as long as the caller leaves both
// alone. It allocates only if dst is too small: a capacity of [RowSize] is enough. It panics if the kind is
// one whose stores do not exist.
func Row(kind Kind, dst []byte, r *record.Raw) (row []byte, deleted bool) {
	switch {
	case r.Value == nil:
		return nil, true
	case timestamped(kind):
		dst = binary.BigEndian.AppendUint64(dst[:0], uint64(r.Timestamp))
		return append(dst, r.Value...), false
	default:
		return r.Value, false
	}
}

// RowSize returns the size of the row that [Row] makes of a value of so many bytes.
func RowSize(kind Kind, value int) int {
	if timestamped(kind) {
		return value + rowTimestamp
	}
	return value
}

// Change is the way back: it returns the value and timestamp of the changelog record that says that a key
// now has this row, or has none if the row is nil. now is the timestamp of the record that was processed; it
// dates what has no timestamp of its own. The value is a part of row; it is nil only when row is. A row that
// is too short is refused.
func Change(kind Kind, row []byte, now int64) (value []byte, timestamp int64, err error) {
	switch {
	case !timestamped(kind) || row == nil:
		return row, now, nil
	case len(row) < rowTimestamp:
		return nil, 0, fmt.Errorf("changelog record of a timestamped row: it has %d bytes, want at least %d", len(row), rowTimestamp)
	default:
		return row[rowTimestamp:], int64(binary.BigEndian.Uint64(row)), nil
	}
}

// timestamped reports whether rows begin with a timestamp that records carry as their own. Kinds without
// stores have no rows yet: to guess would be to corrupt them.
func timestamped(kind Kind) bool {
	switch kind {
	case KeyValue, List:
		return false
	case Timestamped:
		return true
	default:
		panic(fmt.Sprintf("changelog: no rows are defined for stores of kind %d", kind))
	}
}
