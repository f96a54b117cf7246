package stream

import (
	"context"

	"github.com/leatstream/leat/record"
)

// MapTable is the table of the mapped values. A null value is a deletion and is not mapped; a null result
// deletes. With a nil store it is not kept; what it holds is computed from the table before. Options:
// [Named].
func MapTable[K comparable, V, V2 any](t Table[K, V], f func(value V) V2, store *Store[K, V2], opts ...Option) Table[K, V2] {
	return mapTable(t.b.begin("MapTable", opts, optName), t, plainValue[K](f), store)
}

// MapTableWithKey is [MapTable] with a function that also sees the key.
func MapTableWithKey[K comparable, V, V2 any](t Table[K, V], f func(key K, value V) V2, store *Store[K, V2], opts ...Option) Table[K, V2] {
	return mapTable(t.b.begin("MapTableWithKey", opts, optName), t, plain(f), store)
}

// TryMapTable is [MapTable] with a function that can fail. It must answer alike for equal arguments.
func TryMapTable[K comparable, V, V2 any](t Table[K, V], f func(ctx context.Context, value V) (V2, error), store *Store[K, V2], opts ...Option) Table[K, V2] {
	return mapTable(t.b.begin("TryMapTable", opts, optName), t, tryValue[K](f), store)
}

func mapTable[K comparable, V, V2 any](c *call, t Table[K, V], f func(context.Context, K, V) (V2, error), store *Store[K, V2]) Table[K, V2] {
	null := record.NullnessOf[V2]()
	var mapper func(context.Context, K, V) (record.Optional[V2], error)
	if f != nil {
		mapper = func(ctx context.Context, k K, v V) (record.Optional[V2], error) {
			v2, err := f(ctx, k, v)
			return record.Optional[V2]{Value: v2, Valid: !null.IsNull(&v2)}, err
		}
	}
	return derive(c, t, derivation[K, V, V2]{prefix: "KTABLE-MAPVALUES-", values: inherit[V2](t.values), mapper: mapper}, store)
}
