package changelog_test

import (
	"fmt"

	"github.com/leatstream/leat/changelog"
	"github.com/leatstream/leat/record"
)

func ExampleTopic() {
	fmt.Println(changelog.Topic("shop", "totals"))
	fmt.Println(changelog.Repartition("shop", "by-customer"))
	fmt.Println(changelog.ValidateTopic("my topic"))
	// Output:
	// shop-totals-changelog
	// shop-by-customer-repartition
	// topic name "my topic": ' ' is not allowed, use letters a-z, A-Z, digits, '.', '_' and '-'
}

// A timestamped store's row begins with the time that its change record has as its own.
func ExampleRow() {
	change := record.Raw{Timestamp: 258, Key: []byte("k"), Value: []byte("v")}
	row, deleted := changelog.Row(changelog.Timestamped, nil, &change)
	fmt.Printf("%x %v\n", row, deleted)
	value, timestamp, err := changelog.Change(changelog.Timestamped, row, 0)
	fmt.Println(string(value), timestamp, err)
	// Output:
	// 000000000000010276 false
	// v 258 <nil>
}

// What is committed with an offset: the partition's time, and until when windows have been emitted.
func ExampleMetadata() {
	text := changelog.Metadata{PartitionTime: 1_700_000_000_000, Processors: map[string]int64{"windows": 60_000}}.Encode()
	m, err := changelog.DecodeMetadata(text)
	fmt.Println(m.PartitionTime, m.Processors, err)
	// Output: 1700000000000 map[windows:60000] <nil>
}

func ExampleResumeAt() {
	// The changelog of the topic that the position is of still has what comes after it.
	topic := [16]byte{1}
	r := changelog.ResumeAt(changelog.Local{Known: true, Topic: topic, Next: 400}, topic, 100, 1000)
	fmt.Println(r.From, r.Wipe)
	// It has been compacted or deleted beyond that: what is local may hold keys that were deleted since.
	r = changelog.ResumeAt(changelog.Local{Known: true, Topic: topic, Next: 400}, topic, 500, 1000)
	fmt.Println(r.From, r.Wipe)
	// Output:
	// 400 false
	// 500 true
}
