package stream

import (
	"context"

	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/serde"
)

// MapTable is the table of the mapped values. A null value is a deletion and is not mapped; a null result
// deletes. With a nil store it is not kept; what it holds is computed from the table before. Options:
// [Named], and the serde of the mapped values, [Values], for what is done with the table.
func MapTable[K comparable, V, V2 any](t Table[K, V], f func(value V) V2, store *Store[K, V2], opts ...Option) Table[K, V2] {
	return mapTable(t.b.begin("MapTable", opts, optName, optValues), t, plainValue[K](f), store)
}

// MapTableWithKey is [MapTable] with a function that also sees the key.
func MapTableWithKey[K comparable, V, V2 any](t Table[K, V], f func(key K, value V) V2, store *Store[K, V2], opts ...Option) Table[K, V2] {
	return mapTable(t.b.begin("MapTableWithKey", opts, optName, optValues), t, plain(f), store)
}

// TryMapTable is [MapTable] with a function that can fail. It must answer alike for equal arguments.
func TryMapTable[K comparable, V, V2 any](t Table[K, V], f func(ctx context.Context, value V) (V2, error), store *Store[K, V2], opts ...Option) Table[K, V2] {
	return mapTable(t.b.begin("TryMapTable", opts, optName, optValues), t, tryValue[K](f), store)
}

// TryMapTableWithKey is [MapTableWithKey] with a function that can fail. It must answer alike for equal arguments.
func TryMapTableWithKey[K comparable, V, V2 any](t Table[K, V], f func(ctx context.Context, key K, value V) (V2, error), store *Store[K, V2], opts ...Option) Table[K, V2] {
	return mapTable(t.b.begin("TryMapTableWithKey", opts, optName, optValues), t, f, store)
}

func mapTable[K comparable, V, V2 any](c *call, t Table[K, V], f func(context.Context, K, V) (V2, error), store *Store[K, V2]) Table[K, V2] {
	null := record.NullnessOf[V2]()
	var mapper derivedMapper[K, V, V2]
	if f != nil {
		mapper = func(ctx context.Context, k K, v record.Optional[V]) (record.Optional[V2], error) {
			v2, err := f(ctx, k, v.Value)
			return record.Optional[V2]{Value: v2, Valid: !null.IsNull(&v2)}, err
		}
	}
	values := firstSerde(typed[serde.Serde[V2]](c, t.name, optValues, c.options.values), inherit[V2](t.values))
	return derive(c, t, derivation[K, V, V2]{prefix: "KTABLE-MAPVALUES-", values: values, mapper: mapper}, store)
}
