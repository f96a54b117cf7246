package statestore

import (
	"reflect"
	"testing"
	"time"
)

// TestEntriesAreCountedWithWhatTheyPointTo: of the serialized key and value only what the slot does not hold itself.
func TestEntriesAreCountedWithWhatTheyPointTo(t *testing.T) {
	for _, test := range []struct {
		key, value reflect.Type
		want       int64
	}{
		{reflect.TypeFor[int64](), reflect.TypeFor[float64](), 0},
		{reflect.TypeFor[string](), reflect.TypeFor[int64](), 100},
		{reflect.TypeFor[[16]byte](), reflect.TypeFor[[]byte](), 1000},
		{reflect.TypeFor[[2]string](), reflect.TypeFor[*int](), 1100},
		{reflect.TypeFor[struct{ A, B int }](), reflect.TypeFor[struct{ A [3]struct{ S string } }](), 1000},
		{reflect.TypeFor[time.Duration](), reflect.TypeFor[map[int]int](), 1000},
		{reflect.TypeFor[[0]string](), reflect.TypeFor[any](), 1000},
	} {
		a := newAllowance(&Env{}, test.key, test.value, 40)
		for range 1000 {
			a.measureKey(100)
			a.measureRow(1000)
		}
		if got := a.cost()/collectorRoom - 40; got < test.want || got > test.want+1 {
			t.Errorf("%v, %v: %d bytes elsewhere, want %d", test.key, test.value, got, test.want)
		}
	}
}
