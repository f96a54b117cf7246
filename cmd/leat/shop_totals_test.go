package main

import (
	"maps"
	"strings"
	"testing"
	"time"
)

func someTotals() totals {
	t := totals{}
	base := time.Date(2026, 5, 1, 12, 0, 0, 0, time.Local).UnixMilli()
	for m := range int64(4) {
		for n, c := range shopCustomers {
			if n%2 == 0 || m == 3 {
				t[minuteOf(c.key, base+m*60_000)] = total{c.customer, m + int64(n), 1_000_000*m + int64(n)*101}
			}
		}
	}
	return t
}

func TestTotalsAreChecked(t *testing.T) {
	want := someTotals()
	if err := want.check(someTotals()); err != nil {
		t.Error(err)
	}
	k := want.keys()[0]
	for name, change := range map[string]func(totals){
		"lost":  func(n totals) { delete(n, k) },
		"twice": func(n totals) { n[k] = total{n[k].customer, n[k].Orders + 1, n[k].Cents} },
		"money": func(n totals) { n[k] = total{n[k].customer, n[k].Orders, n[k].Cents - 1} },
		"more":  func(n totals) { n[minuteOf("ada", 0)] = total{Orders: 1} },
		"whose": func(n totals) { n[k] = total{customer{"Ada", "Paris"}, n[k].Orders, n[k].Cents} },
	} {
		got := maps.Clone(want)
		change(got)
		if err := got.check(want); err == nil || !strings.Contains(err.Error(), " 1 of ") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := (totals{}).check(want); err == nil || strings.Count(err.Error(), ";") != shownDifferences-1 {
		t.Errorf("nothing: %v", err)
	}
}

func TestTotalsAddUp(t *testing.T) {
	k := minuteOf("ada", 59_999)
	a, b := totals{k: {Orders: 1, Cents: 5}}, totals{k: {Orders: 2, Cents: 7}, minuteOf("ada", 60_000): {Orders: 1, Cents: 1}}
	if orders, cents := a.plus(b).sum(); orders != 4 || cents != 13 || len(a) != 1 || a[k].Orders != 1 {
		t.Errorf("%d orders of %d, and the first are now %v", orders, cents, a)
	}
}

func TestShopFrame(t *testing.T) {
	m := &moment{passed: 61_400 * time.Millisecond, running: 2, all: 3, orders: 6100, payments: 5701, due: 5602, counted: 5599, totals: someTotals()}
	lines := strings.Join(m.frame(), "\n")
	m.duration = 90 * time.Second
	golden(t, "shop.text", lines+"\n\n"+m.frame()[0]+"\n"+m.line()+"\n")
	for line := range strings.Lines(lines) {
		if len(line) > 81 {
			t.Errorf("the line %q does not fit", line)
		}
	}
	if empty := (totals{}).table(); len(empty) != len(shopCustomers)+2 {
		t.Errorf("the table without totals is %q", empty)
	}
}
