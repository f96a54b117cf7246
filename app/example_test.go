package app_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"

	"github.com/leatstream/leat/app"
	"github.com/leatstream/leat/embedded"
	"github.com/leatstream/leat/serde"
	"github.com/leatstream/leat/stream"
)

// One instance, on a broker inside the process, which is stopped as soon as it runs.
func ExampleApp() {
	broker, err := embedded.Start(embedded.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer broker.Close()
	for _, topic := range []string{"lines", "copies"} {
		if err := broker.CreateTopic(topic, 1); err != nil {
			fmt.Println(err)
			return
		}
	}
	stateDir, err := os.MkdirTemp("", "leat-example-")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(stateDir)

	b := stream.New()
	lines := stream.From(b, stream.NewTopic("lines", serde.String, serde.String))
	stream.To(lines, stream.NewTopic("copies", serde.String, serde.String))
	topology, err := b.Build()
	if err != nil {
		fmt.Println(err)
		return
	}

	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	a, err := app.New(app.Config{
		Application: "copier",
		Topology:    topology,
		Brokers:     []string{broker.Addr()},
		StateDir:    stateDir,
		Guarantee:   app.ExactlyOnce,
		Logger:      slog.New(slog.DiscardHandler),
		OnState: func(from, to app.State) {
			fmt.Println(from, "->", to)
			if to == app.Running {
				stop()
			}
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(a.Run(ctx))
	// Output:
	// created -> rebalancing
	// rebalancing -> running
	// running -> closing
	// closing -> closed
	// <nil>
}

// New reports every problem of a configuration at once.
func ExampleConfig_Validate() {
	c := app.Config{Application: "my app", Brokers: []string{"kafka:9092"}, Workers: -1}
	fmt.Println(c.Validate())
	// Output:
	// config: Application "my app": an application id has letters, digits, '.', '_' and '-' only
	// config: Topology is nil; build one with package stream or topology
	// config: Workers is negative; 0 means the default
}
