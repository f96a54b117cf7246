package processor_test

import (
	"testing"

	"github.com/leatstream/leat/processor"
)

func TestArenaKeepsWhatIsKeptUntilReset(t *testing.T) {
	var a processor.Arena
	first := a.Keep(append(a.Free(), "first"...))
	second := a.Keep(append(a.Free(), "second"...))
	if _ = append(first, "!"...); string(first) != "first" || string(second) != "second" {
		t.Fatalf("kept %q and %q", first, second)
	}
	a.Reset()
	third := a.Keep(append(a.Free(), "third"...))
	if &third[0] != &first[0] {
		t.Error("Reset does not make the memory available again")
	}
	if string(second) != "second" {
		t.Errorf("what nothing was laid over is now %q", second)
	}
}

func TestArenaTakesNoMoreMemoryWhenItIsReset(t *testing.T) {
	var a processor.Arena
	value := make([]byte, 500)
	lay := func() {
		for range 100 {
			a.Keep(append(a.Free(), value...))
		}
		a.Reset()
	}
	lay()
	if n := testing.AllocsPerRun(100, lay); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
