package record_test

import (
	"fmt"

	"github.com/leatstream/leat/record"
)

// A changed copy leaves the record as it was.
func ExampleRecord() {
	r := record.New("ann", 3, 1_700_000_000_000)
	doubled := record.WithValue(r, r.Value*2)
	named := record.WithKey(doubled, 7)
	fmt.Println(r.Key, r.Value)
	fmt.Println(named.Key, named.Value, named.Timestamp)
	// Output:
	// ann 3
	// 7 6 1700000000000
}

// A tombstone's value is null, which is not the empty string.
func ExampleTombstone() {
	deleted, empty := record.Tombstone[string, string]("ann", 0), record.New("ann", "", 0)
	fmt.Println(deleted.Null.Value(), empty.Null.Value())
	// Output: true false
}

func ExampleHeaders() {
	h := record.Headers{}.With("trace", []byte("1")).With("trace", []byte("2"))
	v, ok := h.Last("trace")
	fmt.Println(len(h), string(v), ok)
	fmt.Println(len(h.Without("trace")))
	// Output:
	// 2 2 true
	// 0
}

// An Optional is compared by what it holds, so it can be a key.
func ExampleOptional() {
	colours := map[record.Optional[string]]int{record.Some("red"): 2, {}: 1}
	fmt.Println(colours[record.Some("red")], colours[record.Optional[string]{}])
	// Output: 2 1
}

func ExampleNullnessOf() {
	null := record.NullnessOf[*int]()
	var none *int
	one := new(int)
	fmt.Println(null.IsNull(&none), null.IsNull(&one))
	fmt.Println(record.NullnessOf[int]().CanBeNull())
	// Output:
	// true false
	// false
}
