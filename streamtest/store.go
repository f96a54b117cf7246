package streamtest

import (
	"fmt"

	"github.com/leatstream/leat/statestore"
	"github.com/leatstream/leat/stream"
)

// Store returns a store by its name, generated names included. With it a driver is a stream.StoreContext, so
// that handles find their stores in it.
func (d *Driver) Store(name string) (statestore.Store, error) {
	for _, u := range d.units {
		if s, ok := u.task.StoreByName(name); ok {
			return s, nil
		}
	}
	return nil, fmt.Errorf("get store %q: the topology has none of that name", name)
}

// KeyValue returns a processor's store by its handle. What is put into it is logged with the next commit.
func KeyValue[K comparable, V any](d *Driver, handle *stream.Store[K, V]) statestore.KeyValue[K, V] {
	s, err := handle.KeyValue(d)
	if err != nil {
		d.helper()
		d.fatal(err)
	}
	return s
}

// Timestamped returns the store of a table, an aggregation, or a processor that keeps timestamps, by its
// handle. What is put into it is logged with the next commit.
func Timestamped[K comparable, V any](d *Driver, handle *stream.Store[K, V]) statestore.Timestamped[K, V] {
	s, err := handle.Timestamped(d)
	if err != nil {
		d.helper()
		d.fatal(err)
	}
	return s
}

// Windows returns the store of a windowed aggregation by its handle.
func Windows[K comparable, V any](d *Driver, handle *stream.Store[K, V]) statestore.TimestampedWindow[K, V] {
	s, err := handle.Windows(d)
	if err != nil {
		d.helper()
		d.fatal(err)
	}
	return s
}

// Sessions returns the store of an aggregation of sessions by its handle.
func Sessions[K comparable, V any](d *Driver, handle *stream.Store[K, V]) statestore.Session[K, V] {
	s, err := handle.Sessions(d)
	if err != nil {
		d.helper()
		d.fatal(err)
	}
	return s
}
