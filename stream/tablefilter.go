package stream

import (
	"context"

	"github.com/leatstream/leat/record"
)

// FilterTable is the table of the keys whose value keep holds for. A key whose value ceases to is deleted.
// With a nil store it is not kept; what it holds is computed from the table before. Options: [Named].
func FilterTable[K comparable, V any](t Table[K, V], keep func(key K, value V) bool, store *Store[K, V], opts ...Option) Table[K, V] {
	return filterTable(t.b.begin("FilterTable", opts, optName), t, plain(keep), true, store)
}

// FilterTableNot is the table of the keys whose value drop does not hold for. See [FilterTable].
func FilterTableNot[K comparable, V any](t Table[K, V], drop func(key K, value V) bool, store *Store[K, V], opts ...Option) Table[K, V] {
	return filterTable(t.b.begin("FilterTableNot", opts, optName), t, plain(drop), false, store)
}

// TryFilterTable is [FilterTable] with a function that can fail. It must answer alike for equal arguments.
func TryFilterTable[K comparable, V any](t Table[K, V], keep func(ctx context.Context, key K, value V) (bool, error), store *Store[K, V], opts ...Option) Table[K, V] {
	return filterTable(t.b.begin("TryFilterTable", opts, optName), t, keep, true, store)
}

func filterTable[K comparable, V any](c *call, t Table[K, V], f func(context.Context, K, V) (bool, error), keep bool, store *Store[K, V]) Table[K, V] {
	var mapper derivedMapper[K, V, V]
	if f != nil {
		mapper = func(ctx context.Context, k K, v record.Optional[V]) (record.Optional[V], error) {
			holds, err := f(ctx, k, v.Value)
			return record.Optional[V]{Value: v.Value, Valid: holds == keep}, err
		}
	}
	return derive(c, t, derivation[K, V, V]{prefix: "KTABLE-FILTER-", values: t.values, mapper: mapper, filters: true}, store)
}
