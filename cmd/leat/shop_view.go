package main

import (
	"fmt"
	"maps"
	"slices"
	"time"
)

// moment is what there is to see of a run.
type moment struct {
	passed, duration time.Duration // duration is 0 if there is none
	running, all     int           // instances
	orders, payments int64         // written
	// due and counted are the orders of this run that are paid in time: all of them, and those in the totals.
	due, counted int64
	totals       totals
}

// line is the moment as a line of text.
func (m *moment) line() string {
	return fmt.Sprintf("%s: %d orders and %d payments written, %d of %d paid orders in the totals; %d of %d instances running",
		m.passed.Round(time.Second), m.orders, m.payments, m.counted, m.due, m.running, m.all)
}

// frame is the moment as the lines of a terminal 80 columns wide.
func (m *moment) frame() []string {
	end := "until Ctrl-C"
	if m.duration > 0 {
		end = "of " + m.duration.String()
	}
	return append([]string{
		fmt.Sprintf("%s %s, %d of %d instances running", m.passed.Round(time.Second), end, m.running, m.all),
		fmt.Sprintf("%d orders and %d payments written", m.orders, m.payments),
		fmt.Sprintf("%d of %d orders that were paid in time are in the totals", m.counted, m.due),
		"",
	}, m.totals.table()...)
}

// shownMinutes is how many minutes a table has.
const shownMinutes = 3

// table is the last minutes of the totals: a line a customer, with orders and amount a minute.
func (t totals) table() []string {
	starts := make(map[int64]total)
	for k, n := range t {
		sum := starts[k.Start]
		starts[k.Start] = total{Orders: sum.Orders + n.Orders, Cents: sum.Cents + n.Cents}
	}
	minutes := slices.Sorted(maps.Keys(starts))
	minutes = minutes[max(0, len(minutes)-shownMinutes):]

	head := fmt.Appendf(nil, "%-16s%-10s", "customer", "city")
	foot := fmt.Appendf(nil, "%-26s", "all")
	for _, start := range minutes {
		head = fmt.Appendf(head, "%18s", clock(start))
		foot = appendCell(foot, starts[start])
	}
	lines := []string{string(head)}
	for _, c := range shopCustomers {
		line := fmt.Appendf(nil, "%-16s%-10s", c.Name, c.City)
		for _, start := range minutes {
			line = appendCell(line, t[minuteOf(c.key, start)])
		}
		lines = append(lines, string(line))
	}
	return append(lines, string(foot))
}

func appendCell(b []byte, n total) []byte { return fmt.Appendf(b, "%7d%11s", n.Orders, money(n.Cents)) }
