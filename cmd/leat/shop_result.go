package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"
)

// shopResult is what shop prints in the end, when the totals agree with what was ordered and paid.
type shopResult struct {
	// Orders and Payments were written in this run, in Seconds.
	Orders   int64   `json:"orders"`
	Payments int64   `json:"payments"`
	Seconds  float64 `json:"seconds"`
	// Paid is the number of orders of this run that were paid in time, all of which are in the totals.
	Paid int64 `json:"paid"`
	// Totals are those of all runs, by minute and customer.
	Totals []totalResult `json:"totals"`

	all totals
}

type totalResult struct {
	Minute   time.Time `json:"minute"` // its start
	Customer string    `json:"customer"`
	total
}

func newShopResult(written fed, seconds float64, all totals) *shopResult {
	r := &shopResult{Orders: written.orders, Payments: written.payments, Seconds: seconds, Totals: []totalResult{}, all: all}
	r.Paid, _ = written.due.sum()
	for _, k := range all.keys() {
		r.Totals = append(r.Totals, totalResult{time.UnixMilli(k.Start).UTC(), k.Key, all[k]})
	}
	return r
}

// write writes the result. On a terminal the table stands there already.
func (r *shopResult) write(w io.Writer, format string, table bool) error {
	if format == "json" {
		return json.NewEncoder(w).Encode(r)
	}
	var lines []string
	if table {
		lines = append(r.all.table(), "")
	}
	orders, cents := r.all.sum()
	lines = append(lines,
		fmt.Sprintf("wrote %d orders and %d payments in %.1f s; %d orders were paid in time", r.Orders, r.Payments, r.Seconds, r.Paid),
		fmt.Sprintf("the totals agree: %d orders of %s, none lost and none twice", orders, money(cents)))
	_, err := io.WriteString(w, strings.Join(lines, "\n")+"\n")
	return err
}
