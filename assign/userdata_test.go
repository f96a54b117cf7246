package assign_test

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"math"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leatstream/leat/assign"
)

func task(sub int, partition int32) assign.Task {
	return assign.Task{Subtopology: sub, Partition: partition}
}

var (
	subscription = assign.Subscription{
		Version:   assign.Version,
		Process:   "p1",
		Topology:  0x0102030405060708,
		Capacity:  4,
		Owned:     []assign.Task{task(0, 0), task(0, 3), task(2, 1)},
		Positions: []assign.Position{{task(0, 3), 1042}, {task(2, 1), math.MaxInt64}},
	}
	keeping = assign.Subscription{
		Version: assign.Version, Standby: []assign.Task{task(0, 1)}, Warmup: []assign.Task{task(1, 2)},
		Tags: map[string]string{"zone": "b", "host": ""},
	}
	assignment = assign.Assignment{
		Version: assign.Version,
		Active: []assign.Grant{
			{Task: task(0, 0)}, {Task: task(0, 1), Previous: "old"}, {Task: task(1, 0), Previous: "older"}, {Task: task(1, 1), Previous: "old"},
		},
		Later: []assign.Task{task(3, 7)},
	}
	kept = assign.Assignment{
		Version: assign.Version, Live: assign.Processes("").Add("p"), Standby: []assign.Task{task(0, 1)},
		Warmup: []assign.Task{task(1, 2)}, Awaited: []assign.Task{task(0, 1), task(1, 2)}, Process: "p1",
	}
)

// TestUserdataBytes pins the format: members of different versions meet in one group.
func TestUserdataBytes(t *testing.T) {
	for name, c := range map[string]struct{ got, want string }{
		"subscription": {hex.EncodeToString(assign.AppendSubscription(nil, subscription)), strings.Join([]string{
			"00020001",
			"0001", "00000002", "7031",
			"0002", "00000008", "0102030405060708",
			"0003", "00000004", "00000004",
			"0004", "00000020", "00000002", "00000000", "00000002", "00000000", "00000003", "00000002", "00000001", "00000001",
			"0005", "0000002c", "00000002", "00000000", "00000001", "00000003", "0000000000000412", "00000002", "00000001", "00000001", "7fffffffffffffff",
		}, "")},
		"assignment": {hex.EncodeToString(assign.AppendAssignment(nil, assignment)), strings.Join([]string{
			"00020001",
			"0001", "00000010", "00000003", "6f6c64", "00000005", "6f6c646572",
			"0002", "00000034", "00000002",
			"00000000", "00000002", "00000000", "00000000", "00000001", "00000001",
			"00000001", "00000002", "00000000", "00000002", "00000001", "00000001",
			"0003", "00000010", "00000001", "00000003", "00000001", "00000007",
		}, "")},
		"keeping": {hex.EncodeToString(assign.AppendSubscription(nil, keeping)), strings.Join([]string{
			"00020001", "0001", "00000000", "0002", "00000008", "0000000000000000", "0003", "00000004", "00000000",
			"0004", "00000004", "00000000", "0005", "00000004", "00000000",
			"0006", "00000010", "00000001", "00000000", "00000001", "00000001",
			"0007", "00000010", "00000001", "00000001", "00000001", "00000002",
			"0008", "00000019", "00000004", "686f7374", "00000000", "00000004", "7a6f6e65", "00000001", "62",
		}, "")},
		"kept": {hex.EncodeToString(assign.AppendAssignment(nil, kept)), strings.Join([]string{
			"00020001", "0001", "00000000", "0002", "00000004", "00000000", "0003", "00000004", "00000000",
			"0004", "00000002", "700a",
			"0005", "00000010", "00000001", "00000000", "00000001", "00000001",
			"0006", "00000010", "00000001", "00000001", "00000001", "00000002",
			"0007", "0000001c", "00000002", "00000000", "00000001", "00000001", "00000001", "00000001", "00000002",
			"0008", "00000002", "7031",
		}, "")},
	} {
		if c.got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", name, c.got, c.want)
		}
	}
}

func TestUserdataRoundTrip(t *testing.T) {
	for _, want := range []assign.Subscription{subscription, keeping, {Version: assign.Version}} {
		got, err := assign.DecodeSubscription(assign.AppendSubscription(nil, want))
		if d := cmp.Diff(want, got); d != "" || err != nil {
			t.Errorf("subscription: %v\n%s", err, d)
		}
	}
	for _, want := range []assign.Assignment{assignment, kept, {Version: assign.Version}} {
		got, err := assign.DecodeAssignment(assign.AppendAssignment(nil, want))
		if d := cmp.Diff(want, got); d != "" || err != nil {
			t.Errorf("assignment: %v\n%s", err, d)
		}
	}
}

// TestUserdataDoesNotDependOnOrder: the same content in any order, named twice, is the same bytes.
func TestUserdataDoesNotDependOnOrder(t *testing.T) {
	other := subscription
	other.Owned = []assign.Task{task(2, 1), task(0, 3), task(0, 0), task(0, 3)}
	other.Positions = []assign.Position{subscription.Positions[1], subscription.Positions[0]}
	if d := cmp.Diff(assign.AppendSubscription(nil, subscription), assign.AppendSubscription(nil, other)); d != "" {
		t.Error(d)
	}
	if other.Owned[0] != task(2, 1) {
		t.Error("encoding sorted its argument in place")
	}
}

// TestUserdataOfNewerVersion: what a later version adds is skipped as long as it allows that.
func TestUserdataOfNewerVersion(t *testing.T) {
	newer := assign.AppendSubscription(nil, subscription)
	binary.BigEndian.PutUint16(newer, 9)
	newer = append(newer, 0x01, 0x00, 0, 0, 0, 3, 'n', 'e', 'w')
	want := subscription
	want.Version = 9
	got, err := assign.DecodeSubscription(newer)
	if d := cmp.Diff(want, got); d != "" || err != nil {
		t.Errorf("%v\n%s", err, d)
	}

	binary.BigEndian.PutUint16(newer[2:], 3)
	_, err = assign.DecodeSubscription(newer)
	var version *assign.VersionError
	if !errors.As(err, &version) || *version != (assign.VersionError{Version: 9, Needs: 3}) {
		t.Errorf("error %v, want a VersionError", err)
	} else if !strings.Contains(err.Error(), "upgrade") {
		t.Errorf("error %q names no remedy", err)
	}

	// A known field may grow at its end: here the capacity.
	grown := []byte{0, 2, 0, 1, 0, 3, 0, 0, 0, 6, 0, 0, 0, 5, 0xff, 0xff}
	got, err = assign.DecodeSubscription(grown)
	if err != nil || got.Capacity != 5 {
		t.Errorf("grown field: capacity %d, %v", got.Capacity, err)
	}
}

func TestUserdataRefused(t *testing.T) {
	for name, b := range map[string]string{
		"empty":                  "",
		"half a header":          "000100",
		"version zero":           "00000000",
		"needs more than it is":  "00010002",
		"half a field":           "00010001" + "0001",
		"field too long":         "00010001" + "0001" + "ffffffff" + "70",
		"fields out of order":    "00010001" + "0003" + "00000004" + "00000001" + "0001" + "00000000",
		"field twice":            "00010001" + "0001" + "00000000" + "0001" + "00000000",
		"groups without content": "00010001" + "0004" + "00000004" + "7fffffff",
		"more tasks than bytes":  "00010001" + "0004" + "0000000c" + "00000001" + "00000000" + "7fffffff",
		"negative partition":     "00010001" + "0004" + "00000010" + "00000001" + "00000000" + "00000001" + "80000000",
		"tasks out of order":     "00010001" + "0004" + "00000014" + "00000001" + "00000000" + "00000002" + "00000001" + "00000000",
		"task twice":             "00010001" + "0004" + "00000014" + "00000001" + "00000000" + "00000002" + "00000001" + "00000001",
		"negative position":      "00010001" + "0005" + "00000018" + "00000001" + "00000000" + "00000001" + "00000000" + "ffffffffffffffff",
		"negative capacity":      "00010001" + "0003" + "00000004" + "ffffffff",
		"tag without value":      "00010001" + "0008" + "00000005" + "00000001" + "61",
		"tags out of order":      "00010001" + "0008" + "00000012" + "00000001" + "62" + "00000000" + "00000001" + "61" + "00000000",
		"tag twice":              "00010001" + "0008" + "00000010" + "00000000" + "00000000" + "00000000" + "00000000",
		"too many tags":          "00010001" + "0008" + tooManyTags(),
	} {
		in, err := hex.DecodeString(b)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := assign.DecodeSubscription(in); !errors.Is(err, assign.ErrMalformed) {
			t.Errorf("%s: %+v, %v, want ErrMalformed", name, got, err)
		}
	}
	unknownProcess, _ := hex.DecodeString("00010001" + "0002" + "00000014" + "00000001" + "00000000" + "00000001" + "00000000" + "00000001")
	if got, err := assign.DecodeAssignment(unknownProcess); !errors.Is(err, assign.ErrMalformed) {
		t.Errorf("unknown process: %+v, %v, want ErrMalformed", got, err)
	}
}

func tooManyTags() string {
	b := binary.BigEndian.AppendUint32(nil, 17*9)
	for i := range byte(17) {
		b = append(b, 0, 0, 0, 1, i, 0, 0, 0, 0)
	}
	return hex.EncodeToString(b)
}

// TestDecodingIsBounded decodes inputs that make the most of their bytes.
func TestDecodingIsBounded(t *testing.T) {
	const n = 100_000
	var s assign.Subscription
	var a assign.Assignment
	for i := range int32(n) {
		s.Owned = append(s.Owned, task(0, i))
		a.Active = append(a.Active, assign.Grant{Task: task(0, i)})
	}
	names := []byte{0, 1, 0, 1, 0, 1}
	names = append(binary.BigEndian.AppendUint32(names, 4*n), make([]byte, 4*n)...)
	for name, decode := range map[string]func() (int, error){
		"tasks":       decodes(assign.AppendSubscription(nil, s), assign.DecodeSubscription),
		"grants":      decodes(assign.AppendAssignment(nil, a), assign.DecodeAssignment),
		"empty names": decodes(names, assign.DecodeAssignment),
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		size, err := decode()
		runtime.ReadMemStats(&after)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if got := after.TotalAlloc - before.TotalAlloc; got > uint64(4*size+64<<10) {
			t.Errorf("%s: decoding %d bytes allocates %d", name, size, got)
		}
	}
}

func decodes[T any](b []byte, decode func([]byte) (T, error)) func() (int, error) {
	return func() (int, error) {
		_, err := decode(b)
		return len(b), err
	}
}

func FuzzDecodeSubscription(f *testing.F) {
	f.Add(assign.AppendSubscription(nil, subscription))
	f.Add(assign.AppendSubscription(nil, keeping))
	f.Add(assign.AppendSubscription(nil, assign.Subscription{}))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := assign.DecodeSubscription(b)
		if err != nil {
			return
		}
		again, err := assign.DecodeSubscription(assign.AppendSubscription(nil, s))
		s.Version = assign.Version
		if d := cmp.Diff(s, again); d != "" || err != nil {
			t.Fatalf("%v\n%s", err, d)
		}
	})
}

func FuzzDecodeAssignment(f *testing.F) {
	f.Add(assign.AppendAssignment(nil, assignment))
	f.Add(assign.AppendAssignment(nil, kept))
	f.Add(assign.AppendAssignment(nil, assign.Assignment{}))
	f.Fuzz(func(t *testing.T, b []byte) {
		a, err := assign.DecodeAssignment(b)
		if err != nil {
			return
		}
		again, err := assign.DecodeAssignment(assign.AppendAssignment(nil, a))
		a.Version = assign.Version
		if d := cmp.Diff(a, again); d != "" || err != nil {
			t.Fatalf("%v\n%s", err, d)
		}
	})
}
