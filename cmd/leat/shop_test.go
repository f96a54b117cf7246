package main

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/leatstream/leat/internal/kafka"
)

func shopJSON(t *testing.T, args ...string) shopResult {
	t.Helper()
	code, out, progress := leat(t, append([]string{"demo", "shop", "--output", "json"}, args...)...)
	if code != 0 {
		t.Fatalf("%q: code %d\n%s", args, code, progress)
	}
	t.Logf("%q:\n%s", args, progress)
	var r shopResult
	if err := json.Unmarshal([]byte(out), &r); err != nil {
		t.Fatalf("%q: %v in %q", args, err, out)
	}
	return r
}

// TestShopRunsAddUp runs one application id several times on one broker. Each run compares the totals itself.
func TestShopRunsAddUp(t *testing.T) {
	broker, state := startBroker(t), t.TempDir()
	var paid int64
	for _, instances := range []string{"1", "3", "1"} {
		r := shopJSON(t, "--brokers", broker, "--state-dir", state, "--instances", instances, "--rate", "400", "--duration", "2s")
		if r.Orders < 400 || r.Payments == 0 || r.Paid == 0 {
			t.Errorf("a run of 2 s wrote %d orders and %d payments, of which %d in time", r.Orders, r.Payments, r.Paid)
		}
		paid += r.Paid
		var sum int64
		for _, n := range r.Totals {
			sum += n.Orders
			if n.Minute.Second() != 0 || n.Name == "" || n.City == "" {
				t.Errorf("a total is %+v", n)
			}
		}
		if sum != paid {
			t.Errorf("the totals have %d orders, want %d of all runs", sum, paid)
		}
		if !slices.IsSortedFunc(r.Totals, func(a, b totalResult) int { return a.Minute.Compare(b.Minute) }) {
			t.Error("the totals are not in the order of time")
		}
	}
}

// TestShopInterrupted ends a run by a signal: what has been written is processed and compared.
func TestShopInterrupted(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	progress := &tripwire{at: "payments written", trip: stop}
	var out strings.Builder
	code := run(ctx, []string{"demo", "shop", "--rate", "300"}, console{&out, progress})
	if code != 0 || !strings.Contains(out.String(), "\nthe totals agree: ") || !strings.Contains(out.String(), "Grace Hopper") {
		t.Errorf("code %d, printed %q, progress %q", code, &out, progress)
	}
}

// TestShopInterruptedBeforeItOpens ends a run that has not written anything.
func TestShopInterruptedBeforeItOpens(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	stop()
	var out, progress strings.Builder
	if code := run(ctx, []string{"demo", "shop"}, console{&out, &progress}); code != 1 || progress.String() != "leat: interrupted\n" {
		t.Errorf("code %d, printed %q, progress %q", code, &out, &progress)
	}
}

// TestShopSeesWhatIsWrong writes an order and its payment behind the demonstration's back.
func TestShopSeesWhatIsWrong(t *testing.T) {
	broker := startBroker(t)
	f, err := newFeeder(kafka.Config{Brokers: []string{broker}, ClientID: "intruder"}, newShopTopics("leat-shop"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.close()
	progress := &tripwire{at: "payments written", trip: func() {
		at := time.Now().UnixMilli()
		p := &purchase{id: "mine", by: shopCustomers[0], cents: 1, ordered: at, paid: at}
		for _, isPayment := range []bool{false, true} {
			if err := f.write(t.Context(), arrival{purchase: p, payment: isPayment}); err != nil {
				t.Error(err)
			}
		}
		if err := f.flush(t.Context()); err != nil {
			t.Error(err)
		}
	}}
	var out strings.Builder
	args := []string{"demo", "shop", "--brokers", broker, "--state-dir", t.TempDir(), "--rate", "20", "--duration", "2s"}
	code := run(t.Context(), args, console{&out, progress})
	if code != 1 || out.Len() > 0 || !strings.Contains(progress.String(), "totals are not what was ordered and paid: ada at ") {
		t.Errorf("code %d, printed %q, progress %q", code, &out, progress)
	}
}
