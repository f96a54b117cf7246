package takeover

import (
	"time"

	"github.com/leatstream/leat/serde"
	"github.com/leatstream/leat/stream"
	"github.com/leatstream/leat/window"
)

const (
	size    = 10 * time.Second
	advance = 5 * time.Second
	grace   = 5 * time.Second
	kept    = 10 * time.Minute
	near    = 4 * time.Second
	gap     = time.Second
)

// windows are windows and sessions, on disk and in memory, as they change and when they close.
func (p *program) windows() {
	windows := window.Keys(serde.String, size.Milliseconds())
	slides := window.Keys(serde.String, near.Milliseconds())
	sessions := window.SessionKeys(serde.String)
	tumbling := window.Tumbling(size).Grace(grace)
	byUser := stream.GroupByKey(p.orders)
	none := func() string { return "" }
	add := func(_, v, all string) string { return appendTo(all, v) }

	to(p, stream.ToStream(stream.AggregateWindows(stream.WindowedBy(byUser, tumbling), none, add, texts("tumbling"))),
		"tumbling", windows, serde.String)
	hopping := window.Hopping(size, advance).Grace(grace)
	to(p, stream.ToStream(stream.CountWindows(stream.WindowedBy(byUser, hopping), numbers("hopping").InMemory())),
		"hopping", windows, serde.Int64)
	sliding := window.Sliding(near).Grace(grace)
	to(p, stream.ToStream(stream.ReduceWindows(stream.WindowedBy(byUser, sliding), appendTo, texts("sliding"))),
		"sliding", slides, serde.String)

	gaps := window.Session(gap).Grace(grace)
	merge := func(_, a, b string) string { return a + b }
	to(p, stream.ToStream(stream.AggregateSessions(stream.SessionsBy(byUser, gaps), none, add, merge, texts("sessions"))),
		"sessions", sessions, serde.String)
	to(p, stream.ToStream(stream.CountSessions(stream.SessionsBy(byUser, gaps), numbers("session-counts").InMemory())),
		"session-counts", sessions, serde.Int64)

	counts := stream.CountWindows(stream.WindowedBy(byUser, tumbling), nil)
	to(p, stream.ToStream(stream.SuppressUntilWindowCloses(counts, stream.Buffer{}, stream.Named("finals"))),
		"finals", windows, serde.Int64)
	to(p, stream.ToStream(stream.CountWindows(stream.WindowedBy(byUser, tumbling, stream.EmitOnClose()), numbers("closed").Retention(kept))),
		"closed", windows, serde.Int64)
}
