package window_test

import (
	"fmt"
	"time"

	"github.com/leatstream/leat/window"
)

// A minute's window holds its start, not its end, and takes records for ten seconds more.
func ExampleTumbling() {
	w := window.Tumbling(time.Minute).Grace(10 * time.Second)
	start := w.First(119_999)
	fmt.Printf("[%d, %d) closes when stream time is %d\n", start, w.End(start), w.End(start)+w.GracePeriod())
	// Output: [60000, 120000) closes when stream time is 130000
}

// A sliding window holds both its ends.
func ExampleSliding() {
	w := window.Sliding(10 * time.Second)
	fmt.Printf("a record at 60000 ends the window [%d, %d]\n", 60_000-w.Size(), w.End(60_000-w.Size()))
	// Output: a record at 60000 ends the window [50000, 60000]
}

func ExampleSession() {
	w := window.Session(30 * time.Minute).Grace(time.Minute)
	fmt.Println(w.Gap(), w.GracePeriod(), w.Retention())
	// Output: 1800000 60000 1860000
}

func ExampleWindows_Validate() {
	fmt.Println(window.Hopping(time.Minute, time.Hour).Grace(-time.Second).Validate())
	// Output:
	// advance 1h0m0s: is above the window size 1m0s, so that records between windows would be lost
	// grace period -1s: must not be negative
}
