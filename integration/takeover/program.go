package takeover

import (
	"strings"
	"sync/atomic"
	"time"

	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/serde"
	"github.com/leatstream/leat/stream"
	"github.com/leatstream/leat/topology"
)

// program is the application; prefix begins the names of its topics.
type program struct {
	builder   *stream.Builder
	prefix    string
	orders    stream.Stream[string, string]
	payments  stream.Stream[string, string]
	customers stream.Table[string, string]
	credits   stream.Table[string, string]
	tariffs   stream.Table[string, string]
	items     stream.Table[string, string]
	regions   stream.GlobalTable[string, string]
}

// build returns the application's topology. Once quick orders have come it holds each up, so that it can be stopped
// among them.
func build(prefix string, quick int64, optimize bool) (*topology.Topology, error) {
	b := stream.New()
	p := &program{builder: b, prefix: prefix}
	p.orders = stream.Peek(stream.From(b, p.topic("orders"), stream.Timestamp(orderTime)), brake(quick))
	p.payments = stream.From(b, p.topic("payments"))
	p.customers = stream.TableFrom(b, p.topic("customers"), texts("customers"))
	p.credits = stream.TableFrom(b, p.topic("credits"), nil)
	p.tariffs = stream.TableFrom(b, p.topic("tariffs"), texts("tariffs").WithHistory(10*time.Minute))
	p.items = stream.TableFrom(b, p.topic("items"), nil)
	p.regions = stream.GlobalTableFrom(b, p.topic("regions"), texts("regions"))
	p.aggregations()
	p.windows()
	p.joins()
	if optimize {
		return b.Build(stream.OptimizeAll)
	}
	return b.Build()
}

// brake is shared by tasks, whose workers are goroutines.
func brake(quick int64) func(user, order string) {
	var seen atomic.Int64
	return func(string, string) {
		if seen.Add(1) > quick {
			time.Sleep(5 * time.Millisecond)
		}
	}
}

func (p *program) topic(name string) stream.Topic[string, string] {
	return stream.NewTopic(p.prefix+name, serde.String, serde.String)
}

func to[K, V any](p *program, s stream.Stream[K, V], topic string, keys serde.Serde[K], values serde.Serde[V]) {
	stream.To(s, stream.NewTopic(p.prefix+topic, keys, values))
}

// texts and numbers are stores; with an empty name they have a generated one.
func texts(name string) *stream.Store[string, string] {
	return stream.NewStore(name, serde.String, serde.String)
}

func numbers(name string) *stream.Store[string, int64] {
	return stream.NewStore(name, serde.String, serde.Int64)
}

// group is in the user's partition, so the order of a group's records is that of their partition.
func group(user string) string {
	return user[:3] + "g" + string('0'+user[len(user)-1]%3)
}

func region(value string) string { return value[strings.LastIndexByte(value, 'r'):] }

func pair(left, right string) string { return left + "|" + right }

func leftPair(left string, right *string) string { return left + "|" + shown(right) }

func eitherPair(left, right *string) string { return shown(left) + "|" + shown(right) }

func shown(s *string) string {
	if s == nil {
		return "null"
	}
	return *s
}

func appendTo(all, value string) string { return all + "," + value }

// orderTime gives orders that begin with a question mark the time that their partition has come to.
func orderTime(r record.Record[string, string], _ *record.Raw, partitionTime int64) int64 {
	if strings.HasPrefix(r.Value, "?") {
		return partitionTime
	}
	return r.Timestamp
}
