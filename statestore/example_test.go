package statestore_test

import (
	"fmt"

	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/serde"
	"github.com/leatstream/leat/statestore"
	"github.com/leatstream/leat/window"
)

// inMemory is what a task gives a store: an engine and a way to its changelog. Users get their stores from it.
func inMemory(name string) statestore.Env {
	engine, err := statestore.NewMemory().Open(name)
	if err != nil {
		panic(err)
	}
	return statestore.Env{
		Name: name, Engine: engine, Context: clock{},
		Log: func(key, value []byte, _ int64, _ record.Headers) {
			if value == nil {
				fmt.Printf("changelog: %s deleted\n", key)
			} else {
				fmt.Printf("changelog: %s=%s\n", key, value)
			}
		},
		Fail: func(err error) { panic(err) },
	}
}

type clock struct{}

func (clock) Timestamp() int64 { return 1000 }

// Entries come in the order of the keys' bytes. The changelog gets the last value of each key, at the commit.
func ExampleKeyValue() {
	s, err := statestore.NewKeyValue(inMemory("drinks"), serde.String, serde.String)
	if err != nil {
		fmt.Println(err)
		return
	}
	s.Put("tea", "hot")
	s.Put("milk", "cold")
	s.Put("tea", "iced")
	s.Put("water", "wet")
	old, ok := s.Delete("water")
	fmt.Println(old, ok)
	for k, v := range s.Range("a", "tea") { // both ends included
		fmt.Println(k, v)
	}
	s.Flush()
	// Output:
	// wet true
	// milk cold
	// tea iced
	// changelog: milk=cold
	// changelog: tea=iced
	// changelog: water deleted
}

func ExampleTimestamped() {
	s, err := statestore.NewTimestamped(inMemory("homes"), serde.String, serde.String)
	if err != nil {
		fmt.Println(err)
		return
	}
	s.Put("ann", "oslo", 5000)
	home, ok := s.Get("ann")
	fmt.Println(home.Value, home.Timestamp, ok)
	// Output: oslo 5000 true
}

// A store of windows forgets those that are behind the newest start by the retention.
func ExampleTimestampedWindow() {
	env := inMemory("counts")
	env.Log = nil
	s, err := statestore.NewTimestampedWindow(env, serde.String, serde.Int64, statestore.WindowSpec{Size: 1000, Retention: 3000, Segment: 1000})
	if err != nil {
		fmt.Println(err)
		return
	}
	for start := int64(0); start <= 4000; start += 1000 {
		s.Put("a", start, start/1000, start)
	}
	for start, n := range s.Fetch("a", 0, 3000) {
		fmt.Println(start, n.Value)
	}
	// Output:
	// 2000 2
	// 3000 3
}

func ExampleSession() {
	env := inMemory("visits")
	env.Log = nil
	s, err := statestore.NewSession(env, serde.String, serde.Int64, statestore.WindowSpec{Retention: 60_000})
	if err != nil {
		fmt.Println(err)
		return
	}
	s.Put(window.Key[string]{Key: "ann", Start: 1000, End: 3000}, 5)
	s.Put(window.Key[string]{Key: "ann", Start: 9000, End: 9500}, 2)
	// Those that touch the time from 2500 to 4000.
	for k, pages := range s.Find("ann", 2500, 4000) {
		fmt.Println(k.Start, k.End, pages)
	}
	// Output: 1000 3000 5
}

func ExampleVersioned() {
	env := inMemory("prices")
	env.Log = nil
	s, err := statestore.NewVersioned(env, serde.String, serde.Int64, 60_000)
	if err != nil {
		fmt.Println(err)
		return
	}
	s.PutVersion("tea", 200, 1000)
	s.PutVersion("tea", 300, 5000)
	then, _ := s.GetAsOf("tea", 4999)
	now, _ := s.Get("tea")
	fmt.Println(then.Value, then.From, then.To, now.Value)
	fmt.Println(s.PutVersion("tea", 250, 3000).Latest())
	// Output:
	// 200 1000 5000 300
	// false
}
