package stream

import (
	"encoding/binary"
	"testing"
	"time"

	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/serde"
	"github.com/leatstream/leat/statestore"
)

var (
	benchLeft  = NewTopic("left", serde.Int64, serde.Int64)
	benchRight = NewTopic("right", serde.Int64, serde.Int64)
	benchOut   = NewTopic("out", serde.Int64, serde.Int64)
)

func add(l, r int64) int64 { return l + r }

func addLeft(l int64, r *int64) int64 {
	if r == nil {
		return l
	}
	return l + *r
}

func addOuter(l, r *int64) int64 {
	if l == nil {
		return *r
	}
	return addLeft(*l, r)
}

// benchJoin feeds both sides of a join by turns, one record a millisecond over 1,000 keys, with a commit every
// 1,000 records.
func benchJoin(b *testing.B, describe func(*Builder)) {
	task, heads := bare(b, 0, describe)
	if g, ok := task.stores["global"]; ok {
		for k := range int64(1000) {
			g.(statestore.Timestamped[int64, int64]).Put(k, k, 0)
		}
	}
	left, right := heads["left"], heads["right"]
	if right == nil {
		right = left
	}
	key, value := make([]byte, 8), make([]byte, 8)
	r := &record.Raw{Key: key, Value: value}
	i := int64(0)
	b.ReportAllocs()
	for b.Loop() {
		binary.BigEndian.PutUint64(key, uint64(i/2*7919%1000))
		binary.BigEndian.PutUint64(value, uint64(i))
		r.Timestamp, task.time = i, i
		if i%2 == 0 {
			feed(b, left, r)
		} else {
			feed(b, right, r)
		}
		if i++; i%1000 == 0 {
			task.commit(b)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
}

func BenchmarkJoinTables(b *testing.B) {
	benchJoin(b, func(b *Builder) {
		To(ToStream(JoinTables(TableFrom(b, benchLeft, nil), TableFrom(b, benchRight, nil), add, nil)), benchOut)
	})
}

func BenchmarkOuterJoinTables(b *testing.B) {
	benchJoin(b, func(b *Builder) {
		kept := NewStore("kept", serde.Int64, serde.Int64)
		To(ToStream(OuterJoinTables(TableFrom(b, benchLeft, nil), TableFrom(b, benchRight, nil), addOuter, kept)), benchOut)
	})
}

func BenchmarkJoinTable(b *testing.B) {
	benchJoin(b, func(b *Builder) {
		To(JoinTable(From(b, benchLeft), TableFrom(b, benchRight, nil), add), benchOut)
	})
}

func BenchmarkLeftJoinTable(b *testing.B) {
	benchJoin(b, func(b *Builder) {
		To(LeftJoinTable(From(b, benchLeft), TableFrom(b, benchRight, nil), addLeft), benchOut)
	})
}

func BenchmarkJoinTableWithGrace(b *testing.B) {
	benchJoin(b, func(b *Builder) {
		rows := NewStore("rows", serde.Int64, serde.Int64).WithHistory(time.Minute)
		To(JoinTable(From(b, benchLeft), TableFrom(b, benchRight, rows), add, GracePeriod(time.Second)), benchOut)
	})
}

func BenchmarkJoinGlobal(b *testing.B) {
	benchJoin(b, func(b *Builder) {
		s := From(b, benchLeft)
		g := GlobalTableFrom(b, benchRight, NewStore("global", serde.Int64, serde.Int64))
		To(JoinGlobal(s, g, func(k, _ int64) int64 { return k }, add), benchOut)
	})
}

func BenchmarkJoin(b *testing.B) {
	benchJoin(b, func(b *Builder) {
		To(Join(From(b, benchLeft), From(b, benchRight), Within(time.Second), add), benchOut)
	})
}

func BenchmarkLeftJoin(b *testing.B) {
	benchJoin(b, func(b *Builder) {
		To(LeftJoin(From(b, benchLeft), From(b, benchRight), Within(time.Second), addLeft), benchOut)
	})
}

func BenchmarkOuterJoin(b *testing.B) {
	benchJoin(b, func(b *Builder) {
		To(OuterJoin(From(b, benchLeft), From(b, benchRight), Within(time.Second), addOuter), benchOut)
	})
}

func BenchmarkSelfJoin(b *testing.B) {
	benchJoin(b, func(b *Builder) {
		s := From(b, benchLeft)
		To(Join(s, s, Within(time.Second), add), benchOut)
	})
}
