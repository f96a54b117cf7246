package pebblestore_test

import (
	"fmt"
	"log"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/leatstream/leat/statestore"
	"github.com/leatstream/leat/statestore/pebblestore"
)

// A task's writes and the changelog position that they belong to reach the database together.
func Example() {
	// In memory here; without FS, dir is a directory on disk.
	db, err := pebblestore.Open("state", pebblestore.Options{Application: "word-count", FS: vfs.NewMem()})
	if err != nil {
		log.Fatal(err)
	}
	task := db.Task("0_3")
	counts, err := task.Open("counts")
	if err != nil {
		log.Fatal(err)
	}
	batch := task.NewBatch()
	batch.Set(counts, []byte("leat"), []byte("7"))
	batch.SetPosition("counts", statestore.Position{Next: 1042})
	if err := batch.Commit(); err != nil {
		log.Fatal(err)
	}
	value, ok, err := counts.Get([]byte("leat"))
	fmt.Println(string(value), ok, err)
	tasks, err := db.Tasks()
	fmt.Println(tasks, err)
	positions, err := db.Positions("0_3")
	fmt.Println(positions["counts"].Next, err)
	fmt.Println(db.Close())
	// Output:
	// 7 true <nil>
	// [0_3] <nil>
	// 1042 <nil>
	// <nil>
}
