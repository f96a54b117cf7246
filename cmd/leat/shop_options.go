package main

import (
	"errors"
	"fmt"
	"io"
	"time"
)

const shopUsage = `Usage: leat demo shop [FLAGS]

Writes orders, their payments and the table of customers to the topics APP-ID-orders, APP-ID-payments and
APP-ID-customers, at a steady rate. An application joins each order with its payment if the two are at most 10 s
apart, and the result with the customer, and adds up a minute and customer into APP-ID-totals, exactly once. The totals
are shown as they come. In the end they are compared with what was ordered and paid. Without --brokers a broker runs
inside this process, which keeps everything in memory.

Ctrl-C ends it, as --duration does: what has been written is processed, and compared. A second one ends it at once.

Flags:
`

// maxRate is the most orders a second; beyond, this process would measure itself.
const maxRate = 100_000

// shopOptions are shop's command line.
type shopOptions struct {
	options
	rate     float64
	duration time.Duration
}

// parseShop reads a command line. flag.ErrHelp is returned for one that asks for help, with the text on out.
func parseShop(args []string, out io.Writer) (*shopOptions, error) {
	o := &shopOptions{}
	fs := o.flags("shop")
	fs.Float64Var(&o.rate, "rate", 100, "`orders` a second")
	fs.DurationVar(&o.duration, "duration", 0, "`time` after which to end, as in 30s (default: when Ctrl-C is pressed)")
	rest, err := o.parse(fs, args, shopUsage, out)
	if err != nil {
		return nil, err
	}
	var errs []error
	if len(rest) > 0 {
		errs = append(errs, fmt.Errorf("it takes flags only, not %q", rest[0]))
	}
	if !(o.rate > 0 && o.rate <= maxRate) { // nor is it NaN
		errs = append(errs, fmt.Errorf("--rate %v is not above 0 and up to %d", o.rate, maxRate))
	}
	if o.duration < 0 {
		errs = append(errs, fmt.Errorf("--duration %v is negative", o.duration))
	}
	if err := errors.Join(append(errs, o.check())...); err != nil {
		return nil, usageError{fmt.Errorf("demo shop: %w", err)}
	}
	return o, nil
}
