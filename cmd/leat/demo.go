package main

import (
	"context"
	"fmt"
)

// demo is one demonstration.
type demo struct {
	name, brief string
	run         func(ctx context.Context, args []string, c console) error
}

func demos() []demo {
	return []demo{
		{"wordcount", "count the words of files, with state that survives", runWordcount},
		{"shop", "join orders, payments and customers, and watch the totals", runShop},
	}
}

func runDemo(ctx context.Context, args []string, c console) error {
	if len(args) == 0 || isHelp(args[0]) {
		fmt.Fprint(c.out, "Demonstrations, run as \"leat demo NAME\":\n")
		for _, d := range demos() {
			fmt.Fprintf(c.out, "  %-12s %s\n", d.name, d.brief)
		}
		return nil
	}
	for _, d := range demos() {
		if d.name == args[0] {
			return d.run(ctx, args[1:], c)
		}
	}
	return usageError{fmt.Errorf("unknown demonstration %q; \"leat demo\" lists them", args[0])}
}

func isHelp(arg string) bool {
	return arg == "help" || arg == "-h" || arg == "-help" || arg == "--help"
}
