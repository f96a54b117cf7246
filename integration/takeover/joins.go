package takeover

import (
	"strings"
	"time"

	"github.com/leatstream/leat/serde"
	"github.com/leatstream/leat/stream"
)

// joins are joins of each kind.
func (p *program) joins() {
	text := serde.String
	near := stream.Within(2 * time.Second).WithGrace(5 * time.Second)
	to(p, stream.Join(p.orders, p.payments, near, pair, stream.Named("paid"), stream.KeptIn(stream.JoinStores{Name: "paid"})),
		"joined", text, text)
	to(p, stream.LeftJoin(p.orders, p.payments, near, leftPair, stream.KeptIn(stream.JoinStores{InMemory: true})),
		"left", text, text)
	to(p, stream.OuterJoin(p.orders, p.payments, near, eitherPair, stream.KeptIn(stream.JoinStores{Name: "either"})),
		"outer", text, text)

	to(p, stream.JoinTable(p.orders, p.tariffs, pair), "priced", text, text)
	to(p, stream.LeftJoinTable(p.orders, p.tariffs, leftPair, stream.Named("patient"), stream.GracePeriod(4*time.Second)),
		"patient", text, text)
	to(p, stream.LeftJoinTable(p.orders, p.customers, leftPair), "known", text, text)
	to(p, stream.LeftJoinGlobal(p.orders, p.regions, func(_, v string) string { return region(v) }, leftPair), "placed", text, text)

	accounts := stream.OuterJoinTables(p.customers, p.credits, eitherPair, texts("accounts"))
	to(p, stream.ToStream(accounts), "accounts", text, text)
	item := func(_, v string) (string, bool) {
		name, _, _ := strings.Cut(v, "-")
		return name, true
	}
	wishes := stream.LeftJoinByForeignKey(p.customers, p.items, item, leftPair, texts("wishes"), stream.Named("wish"))
	to(p, stream.ToStream(wishes), "wishes", text, text)
}
