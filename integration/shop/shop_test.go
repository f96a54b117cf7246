package main

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/leatstream/leat/examples/shop"
	"github.com/leatstream/leat/integration/kafkatest"
	"github.com/leatstream/leat/window"
)

// TestServices runs the services as processes, each of which is killed and started again: the totals are right all
// the same.
func TestServices(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), "../../examples/shop/run.sh", "orders", "payments", "fulfilment")
	cmd.Env = append(os.Environ(), "LEAT_BROKERS="+strings.Join(kafkatest.Brokers(t), ","), "CHECKOUTS=4000", "RATE=300")
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) } // it ends what it has started
	cmd.WaitDelay = time.Minute
	out, err := cmd.CombinedOutput()
	t.Logf("%s", out)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"killing orders", "killing payments", "killing fulfilment", "the totals agree"} {
		if !bytes.Contains(out, []byte(want)) {
			t.Errorf("it did not print %q", want)
		}
	}
}

func TestCompare(t *testing.T) {
	k := func(start int64) window.Key[string] { return window.Key[string]{Key: "c", Start: start} }
	want := totals{k(0): {Name: "n", Orders: 2, Cents: 5}, k(60_000): {Name: "n", Orders: 1, Cents: 1}}
	if err := compare(totals{k(0): want[k(0)], k(60_000): want[k(60_000)]}, want); err != nil {
		t.Error(err)
	}
	for name, got := range map[string]totals{
		"lost":  {k(0): want[k(0)]},
		"twice": {k(0): shop.Total{Name: "n", Orders: 3, Cents: 5}, k(60_000): want[k(60_000)]},
		"more":  {k(0): want[k(0)], k(60_000): want[k(60_000)], k(120_000): want[k(0)]},
	} {
		if err := compare(got, want); err == nil || !strings.Contains(err.Error(), "1 of ") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
