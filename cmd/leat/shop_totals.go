package main

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/leatstream/leat/window"
)

// minute is a key of the totals: a customer and a minute.
type minute = window.Key[string]

// totals are the shop's, as the application has them or as they ought to be.
type totals map[minute]total

func minuteOf(customer string, at int64) minute {
	size := time.Minute.Milliseconds()
	start := at - at%size
	return minute{Key: customer, Start: start, End: start + size}
}

// add adds what the join makes of a purchase whose order and payment have both arrived.
func (t totals) add(p *purchase) {
	if !p.inTime() {
		return
	}
	k := minuteOf(p.by.key, max(p.ordered, p.paid))
	n := t[k]
	t[k] = total{p.by.customer, n.Orders + 1, n.Cents + p.cents}
}

// sum adds everything up.
func (t totals) sum() (orders, cents int64) {
	for _, n := range t {
		orders += n.Orders
		cents += n.Cents
	}
	return orders, cents
}

// plus returns the totals with others added.
func (t totals) plus(others totals) totals {
	all := maps.Clone(t)
	for k, n := range others {
		all[k] = total{n.customer, all[k].Orders + n.Orders, all[k].Cents + n.Cents}
	}
	return all
}

// keys returns the keys by time and customer.
func (t totals) keys() []minute {
	return slices.SortedFunc(maps.Keys(t), func(a, b minute) int {
		return cmp.Or(cmp.Compare(a.Start, b.Start), strings.Compare(a.Key, b.Key))
	})
}

// shownDifferences is how many differences an error names.
const shownDifferences = 3

// check compares what the application has with what it ought to have.
func (t totals) check(want totals) error {
	all := maps.Clone(want)
	maps.Copy(all, t)
	var wrong []string
	for _, k := range all.keys() {
		if got, want := t[k], want[k]; got != want {
			wrong = append(wrong, fmt.Sprintf("%s at %s: %s, want %s", k.Key, clock(k.Start), got, want))
		}
	}
	if len(wrong) == 0 {
		return nil
	}
	return fmt.Errorf("demo shop: %d of %d totals are not what was ordered and paid: %s", len(wrong), len(all), strings.Join(wrong[:min(shownDifferences, len(wrong))], "; "))
}

// String is the total in words.
func (t total) String() string {
	return fmt.Sprintf("%d orders of %s of %q in %q", t.Orders, money(t.Cents), t.Name, t.City)
}

// money is an amount with two decimals.
func money(cents int64) string { return fmt.Sprintf("%d.%02d", cents/100, cents%100) }

// clock is a time of day in hours and minutes.
func clock(ms int64) string { return time.UnixMilli(ms).Format("15:04") }
