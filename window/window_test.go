package window_test

import (
	"bytes"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/leatstream/leat/serde"
	"github.com/leatstream/leat/window"
)

func ExampleHopping() {
	w := window.Hopping(10*time.Second, 5*time.Second)
	for start := w.First(12_000); start <= 12_000; start += w.Advance() {
		fmt.Printf("[%d, %d)\n", start, w.End(start))
	}
	// Output:
	// [5000, 15000)
	// [10000, 20000)
}

func ExampleKeys() {
	keys := window.Keys(serde.String, 60_000)
	b, _ := keys.Append(nil, window.Key[string]{Key: "k", Start: 1, End: 60_001})
	k, _ := keys.Decode(b)
	fmt.Printf("%x %v\n", b, k)
	// Output: 6b0000000000000001 {k 1 60001}
}

func ExampleSessionKeys() {
	keys := window.SessionKeys(serde.String)
	b, _ := keys.Append(nil, window.Key[string]{Key: "k", Start: 1, End: 2})
	fmt.Printf("%x\n", b)
	// Output: 6b00000000000000020000000000000001
}

func TestFirstWindow(t *testing.T) {
	for _, c := range []struct{ size, advance, at, want int64 }{
		{10, 10, 0, 0},
		{10, 10, 9, 0},
		{10, 10, 10, 10},
		{10, 3, 0, 0},
		{10, 3, 9, 0},
		{10, 3, 10, 3},
		{10, 3, 12, 3},
		{10, 3, 13, 6},
		{10, 10, math.MaxInt64 - 7, (math.MaxInt64 - 7) / 10 * 10},
	} {
		w := window.Hopping(time.Duration(c.size)*time.Millisecond, time.Duration(c.advance)*time.Millisecond)
		if got := w.First(c.at); got != c.want {
			t.Errorf("size %d, advance %d: the first window of %d starts at %d, want %d", c.size, c.advance, c.at, got, c.want)
		}
	}
}

func TestRetention(t *testing.T) {
	for _, c := range []struct {
		got, want int64
	}{
		{window.Tumbling(5 * time.Second).Grace(time.Second).Retention(), 6000},
		{window.Sliding(5 * time.Second).Grace(time.Second).Retention(), 11_000},
		{window.Session(5 * time.Second).Grace(time.Second).Retention(), 6000},
		{window.Tumbling(5 * time.Second).Retention(), 5000},
		{window.Unlimited(time.UnixMilli(7)).Retention(), math.MaxInt64},
		{window.Unlimited(time.UnixMilli(7)).End(7), math.MaxInt64},
	} {
		if c.got != c.want {
			t.Errorf("retention %d ms, want %d", c.got, c.want)
		}
	}
}

func TestValidateReportsEverything(t *testing.T) {
	for _, c := range []struct {
		err  error
		want []string
	}{
		{window.Tumbling(time.Minute).Validate(), nil},
		{window.Hopping(time.Minute, time.Minute).Grace(time.Hour).Validate(), nil},
		{window.Sliding(0).Validate(), nil},
		{window.Session(time.Minute).Validate(), nil},
		{window.Tumbling(0).Grace(-time.Second).Validate(), []string{"window size 0s", "advance 0s", "grace period -1s"}},
		{window.Tumbling(time.Microsecond).Validate(), []string{"window size 1µs: must be at least a millisecond"}},
		{window.Hopping(time.Second, time.Minute).Validate(), []string{"advance 1m0s: is above the window size 1s"}},
		{window.Hopping(time.Second, -time.Minute).Validate(), []string{"advance -1m0s"}},
		{window.Sliding(-1 * time.Second).Validate(), []string{"time difference -1s"}},
		{window.Unlimited(time.UnixMilli(0)).Validate(), nil},
		{window.Unlimited(time.UnixMilli(-1)).Grace(time.Second).Validate(), []string{"start 1969-12-31", "grace period 1s of the unlimited window"}},
		{window.Hopping(2500*time.Microsecond, 1500*time.Microsecond).Grace(time.Microsecond).Validate(), []string{"window size 2.5ms: times count in whole", "advance 1.5ms: times", "grace period 1µs: times"}},
		{window.Sliding(time.Microsecond).Validate(), []string{"time difference 1µs: times"}},
		{window.Session(1500 * time.Microsecond).Validate(), []string{"session gap 1.5ms: times"}},
		{window.Session(0).Grace(-time.Second).Validate(), []string{"session gap 0s", "grace period -1s"}},
		{window.Windows{}.Validate(), []string{"of no kind"}},
		{window.Sessions{}.Validate(), []string{"no gap"}},
	} {
		if (c.err != nil) != (c.want != nil) {
			t.Errorf("error %v, want %q", c.err, c.want)
			continue
		}
		for _, text := range c.want {
			if !strings.Contains(c.err.Error(), text) {
				t.Errorf("error %q does not say %q", c.err, text)
			}
		}
	}
}

// A key that was read is written the same, and what cannot be read is refused.
func FuzzKeys(f *testing.F) {
	f.Add([]byte("k\x00\x00\x00\x00\x00\x00\x00\x01"))
	f.Add([]byte("k\x00\x00\x00\x00\x00\x00\x00\x02\x00\x00\x00\x00\x00\x00\x00\x01"))
	f.Add([]byte("short"))
	f.Add([]byte("\xff\xff\x00\x00\x00\x00\x00\x00\x00\x01"))
	f.Fuzz(func(t *testing.T, b []byte) {
		for name, keys := range map[string]serde.Serde[window.Key[string]]{
			"windows": window.Keys(serde.String, math.MaxInt64), "sessions": window.SessionKeys(serde.String),
		} {
			k, err := keys.Decode(b)
			if err != nil {
				continue
			}
			if name == "windows" && k.End < k.Start {
				t.Errorf("windows: %x is read as %v, which ends before it starts", b, k)
			}
			if again, err := keys.Append(nil, k); err != nil || !bytes.Equal(again, b) {
				t.Errorf("%s: %x is read as %v and written as %x, %v", name, b, k, again, err)
			}
		}
	})
}
