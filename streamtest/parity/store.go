package parity

import (
	"strconv"
	"time"

	"github.com/leatstream/leat/serde"
	"github.com/leatstream/leat/stream"
	"github.com/leatstream/leat/streamtest"
)

// storeOf returns the handle of a table's store and arranges for its contents to be read at the end. nil
// leaves the name to be generated; the serdes are given explicitly all the same.
func (b *builder) storeOf(st *Store) (*stream.Store[Text, Text], error) {
	h, err := handleOf(st, textSerde{})
	if st != nil && err == nil {
		b.stores[st.Name] = func(d *streamtest.Driver) []Entry {
			var all []Entry
			if st.HistoryMs != 0 {
				return nil // Kafka Streams' versioned stores cannot be listed
			}
			for k, v := range streamtest.Timestamped(d, h).All() {
				all = append(all, Entry{Key: &k.Value, Value: &v.Value.Value, Ts: &v.Timestamp})
			}
			return all
		}
	}
	return h, err
}

// countsOf is storeOf for the built-in count.
func (b *builder) countsOf(st *Store) (*stream.Store[Text, int64], error) {
	h, err := handleOf(st, serde.Int64)
	if st != nil && err == nil {
		b.stores[st.Name] = func(d *streamtest.Driver) []Entry {
			var all []Entry
			if st.HistoryMs != 0 {
				return nil // as above
			}
			for k, v := range streamtest.Timestamped(d, h).All() {
				n := strconv.FormatInt(v.Value, 10)
				all = append(all, Entry{Key: &k.Value, Value: &n, Ts: &v.Timestamp})
			}
			return all
		}
	}
	return h, err
}

// plainOf is storeOf for a processor's own store, which keeps no timestamps.
func (b *builder) plainOf(st *Store) (*stream.Store[Text, Text], error) {
	h, err := handleOf(st, textSerde{})
	if st != nil && err == nil {
		b.stores[st.Name] = func(d *streamtest.Driver) []Entry {
			var all []Entry
			for k, v := range streamtest.KeyValue(d, h).All() {
				all = append(all, Entry{Key: &k.Value, Value: &v.Value})
			}
			return all
		}
	}
	return h, err
}

func handleOf[V any](st *Store, values serde.Serde[V]) (*stream.Store[Text, V], error) {
	if st == nil {
		return stream.NewStore("", textSerde{}, values).InMemory(), nil
	}
	if st.RetentionMs != 0 {
		return nil, notYet("store", "windowed")
	}
	h := stream.NewStore(st.Name, textSerde{}, values)
	if !st.Persistent {
		h = h.InMemory()
	}
	if st.Caching != nil && !*st.Caching {
		h = h.Uncached()
	}
	if st.Logging != nil && !*st.Logging {
		h = h.Unlogged()
	}
	if st.HistoryMs != 0 {
		h = h.WithHistory(time.Duration(st.HistoryMs) * time.Millisecond)
	}
	return h, nil
}
