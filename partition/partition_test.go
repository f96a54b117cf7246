package partition_test

import (
	"fmt"
	"testing"

	"github.com/leatstream/leat/partition"
)

// TestKnownAnswers holds what Utils.murmur2 and toPositive of kafka-clients 4.3.1 answer.
func TestKnownAnswers(t *testing.T) {
	for _, c := range []struct {
		key      string
		hash     int32
		of4, of7 int32
	}{
		{"", 275646681, 1, 2},
		{"a", -1563381124, 0, 5},
		{"ab", 316155434, 2, 0},
		{"abc", 479470107, 3, 4},
		{"abcd", -1323649548, 0, 5},
		{"21", -973932308, 0, 3},
		{"foobar", -790332482, 2, 0},
		{"a-little-bit-long-string", -985981536, 0, 1},
		{"größe", 588164084, 0, 4},
		{"the quick brown fox", 2136040129, 1, 6},
	} {
		if got := partition.Murmur2([]byte(c.key)); got != c.hash {
			t.Errorf("Murmur2(%q) = %d, want %d", c.key, got, c.hash)
		}
		if got := partition.Of([]byte(c.key), 4); got != c.of4 {
			t.Errorf("Of(%q, 4) = %d, want %d", c.key, got, c.of4)
		}
		if got := partition.Of([]byte(c.key), 7); got != c.of7 {
			t.Errorf("Of(%q, 7) = %d, want %d", c.key, got, c.of7)
		}
	}
	// Bytes above 0x7f are where signed and unsigned arithmetic part.
	high := []byte{0xff, 0x80, 0xfe, 0x81, 0xfd, 0x82, 0xfc}
	for n, want := range []int32{275646681, -311467685, -442788720, 957058525, -1333559100, -503350417, -1822989998, 1867014551} {
		if got := partition.Murmur2(high[:n]); got != want {
			t.Errorf("Murmur2(% x) = %d, want %d", high[:n], got, want)
		}
	}
}

func TestOfDoesNotAllocate(t *testing.T) {
	key := []byte("a-little-bit-long-string")
	if n := testing.AllocsPerRun(100, func() { _ = partition.Of(key, 12) }); n != 0 {
		t.Errorf("%v allocations, want 0", n)
	}
}

func BenchmarkOf(b *testing.B) {
	key := []byte("a-little-bit-long-string")
	for b.Loop() {
		_ = partition.Of(key, 12)
	}
}

func ExampleOf() {
	fmt.Println(partition.Of([]byte("foobar"), 4))
	// Output: 2
}
