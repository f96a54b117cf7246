package statestore_test

import (
	"encoding/binary"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/serde"
	"github.com/leatstream/leat/statestore"
)

type heldUpdate struct {
	statestore.Update[string, string]
	time  int64
	prior string
	none  bool
}

type bufferStore struct {
	statestore.Buffer[string, string]
	backend statestore.Backend
	log     []record.Raw
}

func openBuffer(t testing.TB, backend statestore.Backend) *bufferStore {
	t.Helper()
	e, err := backend.Open("held")
	if err != nil {
		t.Fatal(err)
	}
	s := &bufferStore{backend: backend}
	s.Buffer, err = statestore.NewBuffer(statestore.Env{
		Name: "held", Engine: e, Context: noClock{}, Fail: func(err error) { t.Fatal(err) },
		Log: func(key, value []byte, at int64, h record.Headers) {
			s.log = append(s.log, record.Raw{Key: slices.Clone(key), Value: slices.Clone(value), Timestamp: at, Headers: h})
		},
	}, serde.String, serde.String)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *bufferStore) commit(t testing.TB) {
	t.Helper()
	s.Flush()
	b := s.backend.NewBatch()
	s.Write(b)
	if err := b.Commit(); err != nil {
		t.Fatal(err)
	}
	s.Written()
}

// TestBufferAgainstTwin compares with a list: what is evicted and in which order, counts, and the values before,
// with commits and reopened stores in between, and at the end those of a store restored from the changelog.
func TestBufferAgainstTwin(t *testing.T) {
	for seed := range uint64(1000) {
		r := rand.New(rand.NewPCG(seed, 2))
		backend := statestore.NewMemory()
		s := openBuffer(t, backend)
		var twin []heldUpdate
		var log []record.Raw
		for step := range 150 {
			where := fmt.Sprintf("seed %d step %d", seed, step)
			switch op := r.IntN(10); {
			case op < 6:
				twin = putBoth(r, s, twin, step)
			case op < 8:
				twin = evictBoth(t, where, s, twin, r.Int64N(100), r.IntN(5))
			default:
				s.commit(t)
				if op == 9 {
					log = append(log, s.log...)
					s = openBuffer(t, backend)
				}
			}
			compareBuffers(t, where, s, twin)
		}
		s.commit(t)
		log = append(log, s.log...)
		if got, want := kafkaStreamsTimes(log), timesOf(twin); !maps.Equal(got, want) {
			t.Fatalf("seed %d: Kafka Streams would restore the times %v, want %v", seed, got, want)
		}
		restored := openBuffer(t, restoreBuffer(t, log, 1+r.IntN(20)))
		compareBuffers(t, fmt.Sprintf("seed %d restored", seed), restored, twin)
		if restored.Bytes() != s.Bytes() {
			t.Fatalf("seed %d: restored to %d bytes, want %d", seed, restored.Bytes(), s.Bytes())
		}
		evictBoth(t, fmt.Sprintf("seed %d restored", seed), restored, twin, 1000, 1000)
	}
}

// kafkaStreamsTimes are the times that Kafka Streams restores: a change record of a key that it holds already leaves
// the key's time as it is (InMemoryTimeOrderedKeyValueChangeBuffer.cleanPut).
func kafkaStreamsTimes(log []record.Raw) map[string]int64 {
	times := make(map[string]int64)
	for _, r := range log {
		if r.Value == nil {
			delete(times, string(r.Key))
		} else if _, held := times[string(r.Key)]; !held {
			times[string(r.Key)] = int64(binary.BigEndian.Uint64(r.Value[len(r.Value)-8:]))
		}
	}
	return times
}

func timesOf(twin []heldUpdate) map[string]int64 {
	times := make(map[string]int64)
	for _, h := range twin {
		times[h.Key] = h.time
	}
	return times
}

func putBoth(r *rand.Rand, s *bufferStore, twin []heldUpdate, step int) []heldUpdate {
	u := statestore.Update[string, string]{Key: fmt.Sprint("k", r.IntN(30)), New: fmt.Sprint(step), OldNull: r.IntN(2) == 0}
	if !u.OldNull {
		u.Old = fmt.Sprint("old", r.IntN(3))
	}
	if u.NewNull = r.IntN(5) == 0; u.NewNull {
		u.New = ""
	}
	u.Origin = statestore.Origin{TopicPartition: record.TopicPartition{Topic: "in", Partition: 3}, Offset: int64(step), Timestamp: int64(r.IntN(50))}
	if r.IntN(4) == 0 {
		u.Origin.Headers = record.Headers{{Key: "h", Value: []byte("v")}, {Key: "n"}}
	}
	h := heldUpdate{Update: u, time: r.Int64N(80), prior: u.Old, none: u.OldNull}
	s.Put(h.time, u)
	for i, x := range twin {
		if x.Key == u.Key {
			h.time, h.prior, h.none = x.time, x.prior, x.none
			twin[i] = h
			return twin
		}
	}
	return append(twin, h)
}

func evictBoth(t *testing.T, where string, s *bufferStore, twin []heldUpdate, until int64, most int) []heldUpdate {
	t.Helper()
	slices.SortFunc(twin, func(a, b heldUpdate) int {
		if a.time != b.time {
			return int(a.time - b.time)
		}
		return slices.Compare([]byte(a.Key), []byte(b.Key))
	})
	n := 0
	s.EvictWhile(func() bool { return s.MinTime() <= until && n < most }, func(u statestore.Update[string, string]) {
		want := twin[n].Update
		if got := fmt.Sprint(u); got != fmt.Sprint(want) {
			t.Fatalf("%s: evicted %v, want %v", where, u, want)
		}
		n++
	})
	want := 0
	for want < len(twin) && want < most && twin[want].time <= until {
		want++
	}
	if n != want {
		t.Fatalf("%s: evicted %d, want %d", where, n, want)
	}
	return twin[n:]
}

func compareBuffers(t *testing.T, where string, s *bufferStore, twin []heldUpdate) {
	t.Helper()
	first := int64(statestore.Forever)
	for _, h := range twin {
		first = min(first, h.time)
		if v, null, held := s.Prior(h.Key); !held || null != h.none || v != h.prior {
			t.Fatalf("%s: prior of %s is %q %v %v, want %q %v", where, h.Key, v, null, held, h.prior, h.none)
		}
	}
	if s.Records() != int64(len(twin)) || s.MinTime() != first {
		t.Fatalf("%s: %d records from %d, want %d from %d", where, s.Records(), s.MinTime(), len(twin), first)
	}
	if _, _, held := s.Prior("other"); held || len(twin) == 0 && s.Bytes() != 0 {
		t.Fatalf("%s: an empty buffer holds %d bytes", where, s.Bytes())
	}
}

func restoreBuffer(t *testing.T, log []record.Raw, batch int) statestore.Backend {
	t.Helper()
	backend := statestore.NewMemory()
	e, err := backend.Open("held")
	if err != nil {
		t.Fatal(err)
	}
	r, err := statestore.RestoreBuffer(e)
	if err != nil {
		t.Fatal(err)
	}
	for part := range slices.Chunk(log, batch) {
		b := backend.NewBatch()
		for i := range part {
			if err := r.Restore(b, &part[i]); err != nil {
				t.Fatal(err)
			}
		}
		r.Finish(b)
		if err := b.Commit(); err != nil {
			t.Fatal(err)
		}
	}
	return backend
}

// TestBufferReadsOldForms: changelogs that older versions of Kafka Streams wrote.
func TestBufferReadsOldForms(t *testing.T) {
	sized := func(dst []byte, s string) []byte {
		return append(binary.BigEndian.AppendUint32(dst, uint32(len(s))), s...)
	}
	time8 := binary.BigEndian.AppendUint64(nil, 7)
	origin := binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, 5), 6)
	origin = binary.BigEndian.AppendUint32(sized(origin, "in"), 1)
	origin = binary.BigEndian.AppendUint32(origin, 0)
	pair := sized(sized(nil, "old"), "new")
	context := append(slices.Clone(origin), sized(nil, string(pair))...)
	three := append(sized(slices.Clone(origin), "old"), 0xff, 0xff, 0xff, 0xfe)
	three = append(sized(three, "new"), time8...)
	for name, r := range map[string]record.Raw{
		"0":      {Value: slices.Concat(time8, pair)},
		"1":      {Value: slices.Concat(time8, context), Headers: record.Headers{{Key: "v", Value: []byte{1}}}},
		"2":      {Value: slices.Concat(sized(slices.Clone(context), "old"), time8), Headers: record.Headers{{Key: "v", Value: []byte{2}}}},
		"3 as 2": {Value: three, Headers: record.Headers{{Key: "v", Value: []byte{2}}}},
		"3":      {Value: three, Headers: record.Headers{{Key: "v", Value: []byte{3}}}},
	} {
		r.Key = []byte("k")
		s := openBuffer(t, restoreBuffer(t, []record.Raw{r}, 1))
		if v, _, held := s.Prior("k"); !held || v != "old" || s.MinTime() != 7 {
			t.Errorf("form %s: prior %q %v, time %d", name, v, held, s.MinTime())
		}
		s.EvictWhile(func() bool { return s.Records() > 0 }, func(u statestore.Update[string, string]) {
			if u.New != "new" || u.Old != "old" {
				t.Errorf("form %s: %v", name, u)
			}
		})
	}
}

func FuzzBufferRestore(f *testing.F) {
	f.Add([]byte("k"), make([]byte, 60), byte(3))
	f.Add([]byte("k"), make([]byte, 16), byte(0))
	f.Fuzz(func(t *testing.T, key, value []byte, version byte) {
		e, err := statestore.NewMemory().Open("held")
		if err != nil {
			t.Fatal(err)
		}
		r, err := statestore.RestoreBuffer(e)
		if err != nil {
			t.Fatal(err)
		}
		rec := &record.Raw{Key: key, Value: value}
		if version > 0 {
			rec.Headers = record.Headers{{Key: "v", Value: []byte{version}}}
		}
		if r.Restore(nil, rec) != nil {
			return
		}
		if err := r.Restore(nil, rec); err != nil { // what it has stored can be read
			t.Error(err)
		}
	})
}

func BenchmarkBuffer(b *testing.B) {
	s := openBuffer(b, statestore.NewMemory())
	keys := make([]string, 1000)
	for i := range keys {
		keys[i] = fmt.Sprintf("key-%d", i)
	}
	b.ReportAllocs()
	n := int64(0)
	for b.Loop() {
		s.Put(n, statestore.Update[string, string]{Key: keys[n*7919%1000], New: "some value", OldNull: true})
		s.EvictWhile(func() bool { return s.MinTime() < n-500 }, func(statestore.Update[string, string]) {})
		n++
		if n%10_000 == 0 {
			s.commit(b)
			s.log = s.log[:0]
		}
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "records/s")
}
