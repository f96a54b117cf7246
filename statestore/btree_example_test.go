package statestore_test

import (
	"fmt"

	"github.com/leatstream/leat/statestore"
)

func ExampleTree() {
	t := statestore.NewTree()
	for _, word := range []string{"mill", "leat", "stream"} {
		t.Set([]byte(word), fmt.Append(nil, len(word)))
	}
	t.Delete([]byte("mill"))
	c := t.Iterate([]byte("l"), nil, true)
	defer c.Close()
	for c.Next() {
		fmt.Printf("%s %s\n", c.Key(), c.Value())
	}
	// Output:
	// stream 6
	// leat 4
}
