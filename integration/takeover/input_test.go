package takeover

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/leatstream/leat/partition"
)

const (
	partitions = 3
	orders     = 4800
	// step is the time from one order to the next, in milliseconds.
	step = 50
)

// inputs are the topics that the application reads.
var inputs = []string{"orders", "payments", "customers", "credits", "tariffs", "items", "regions"}

// input makes records for all topics, the same for the same base time. Last digits of timestamps tell topics apart,
// so that no two in one task are equal.
type input struct {
	base    int64
	rand    *rand.Rand
	records []*kgo.Record
	// taken are the users and times of orders and payments: none has two, because the number that tells them
	// apart in a join's store begins anew with each start.
	taken map[string]bool
}

func makeInput(base int64) []*kgo.Record {
	in := &input{base: base, rand: rand.New(rand.NewPCG(1, 2)), taken: map[string]bool{}}
	for r := range 3 { // of four regions
		in.add("regions", 0, fmt.Sprint("r", r), fmt.Sprint("region ", r), base)
	}
	for i := range 8 { // of ten items
		in.item(i, base)
	}
	for i := range orders {
		p, at := int32(i%partitions), base+int64(i)*step
		in.order(p, i, at)
		if i%2 == 0 {
			in.payment(p, i, at)
		}
		user := in.user(p)
		switch {
		case i%10 == 5:
			in.row("customers", p, user, fmt.Sprintf("i%d-c%d", in.rand.IntN(10), i), at+5)
		case i%15 == 7:
			in.row("credits", p, user, fmt.Sprint("credit ", i), at+7)
		case i%6 == 1:
			in.row("tariffs", p, user, fmt.Sprint("tariff ", i), at+9-in.late(i, 2000))
		case i%50 == 18:
			in.item(in.rand.IntN(10), at+6)
		}
	}
	return in.records
}

func (in *input) add(topic string, p int32, key, value string, at int64) {
	number := kgo.RecordHeader{Key: "n", Value: strconv.AppendInt(nil, int64(len(in.records)), 10)}
	r := &kgo.Record{Topic: topic, Partition: p, Key: []byte(key), Timestamp: time.UnixMilli(at), Headers: []kgo.RecordHeader{number}}
	if value != "" {
		r.Value = []byte(value)
	}
	in.records = append(in.records, r)
}

func (in *input) user(p int32) string { return fmt.Sprintf("p%d-u%d", p, in.rand.IntN(8)) }

// late is by how much the i-th record is before its time.
func (in *input) late(i int, most int) int64 {
	if i/partitions%7 != 3 {
		return 0
	}
	return int64(10 * in.rand.IntN(most/10))
}

// order adds an order. One in four, of a user who has no others, takes its time from its partition.
func (in *input) order(p int32, i int, at int64) {
	value := fmt.Sprintf("%dr%d", i, in.rand.IntN(4))
	if i/partitions%4 == 2 {
		in.add("orders", p, fmt.Sprintf("p%d-u8", p), "?"+value, at)
		return
	}
	user, at := in.free("order", p, func() int64 { return at - in.late(i, 3000) })
	in.add("orders", p, user, "o"+value, at)
}

// payment adds a payment by any user, near in time.
func (in *input) payment(p int32, i int, at int64) {
	user, at := in.free("payment", p, func() int64 { return at + 3 + int64(10*(in.rand.IntN(300)-150)) })
	in.add("payments", p, user, fmt.Sprint("paid ", i), max(in.base, at))
}

func (in *input) free(kind string, p int32, at func() int64) (string, int64) {
	for {
		user, at := in.user(p), at()
		if name := fmt.Sprint(kind, user, at); !in.taken[name] {
			in.taken[name] = true
			return user, at
		}
	}
}

// row adds a row of a table, or deletes it.
func (in *input) row(topic string, p int32, key, value string, at int64) {
	if in.rand.IntN(8) == 0 {
		value = ""
	}
	in.add(topic, p, key, value, at)
}

func (in *input) item(i int, at int64) {
	key := fmt.Sprint("i", i)
	in.add("items", partition.Of([]byte(key), partitions), key, fmt.Sprint("item at ", at-in.base), at)
}

// finale is one order for each partition, so late that all windows before it close.
func finale(base int64, n int) (records []*kgo.Record) {
	in := &input{base: base}
	for p := range int32(partitions) {
		in.add("orders", p, fmt.Sprintf("p%d-u9", p), fmt.Sprintf("f%dr0", n), base+orders*step+int64(n)*60_000)
	}
	return in.records
}

// write writes copies of the records to topics of this prefix.
func write(t *testing.T, client *kgo.Client, prefix string, records []*kgo.Record) {
	t.Helper()
	var copies []*kgo.Record
	for _, r := range records {
		c := *r
		c.Topic = prefix + r.Topic
		copies = append(copies, &c)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := client.ProduceSync(ctx, copies...).FirstErr(); err != nil {
		t.Fatal(err)
	}
}
