package stream

import (
	"context"

	"github.com/leatstream/leat/record"
)

// folder is what a windowed aggregation does with the values of a window: where it begins, and how a value
// comes in. Aggregates may be null. ok is false if the record is to be dropped or the task has failed.
type folder[K, V, A any] interface {
	initial() (agg record.Optional[A], ok bool)
	add(key K, value V, null bool, agg record.Optional[A]) (sum record.Optional[A], ok bool)
}

// merger is a folder that also puts the aggregates of two sessions together. The second is not null.
type merger[K, V, A any] interface {
	folder[K, V, A]
	merge(key K, a, b record.Optional[A]) (sum record.Optional[A], ok bool)
}

// aggregateFold folds with functions of the user's for the first aggregate, adding and merging.
type aggregateFold[K, V, A any] struct {
	first  function[struct{}, struct{}, A]
	adding function[pair[K, V], A, A]
	merges function[K, pair[A, A], A] // for sessions
	null   record.Nullness[A]
}

func newAggregateFold[K, V, A any](n node, initial func() A, add func(context.Context, pair[K, V], A) (A, error), merge func(context.Context, K, pair[A, A]) (A, error)) *aggregateFold[K, V, A] {
	return &aggregateFold[K, V, A]{
		first:  function[struct{}, struct{}, A]{n, func(context.Context, struct{}, struct{}) (A, error) { return initial(), nil }},
		adding: function[pair[K, V], A, A]{n, add},
		merges: function[K, pair[A, A], A]{n, merge},
		null:   record.NullnessOf[A](),
	}
}

func (f *aggregateFold[K, V, A]) optional(v A) record.Optional[A] {
	return record.Optional[A]{Value: v, Valid: !f.null.IsNull(&v)}
}

func (f *aggregateFold[K, V, A]) initial() (record.Optional[A], bool) {
	v, ok := f.first.call(struct{}{}, struct{}{})
	return f.optional(v), ok
}

func (f *aggregateFold[K, V, A]) add(key K, value V, _ bool, agg record.Optional[A]) (record.Optional[A], bool) {
	v, ok := f.adding.call(pair[K, V]{key, value}, agg.Value)
	return f.optional(v), ok
}

func (f *aggregateFold[K, V, A]) merge(key K, a, b record.Optional[A]) (record.Optional[A], bool) {
	v, ok := f.merges.call(key, pair[A, A]{a.Value, b.Value})
	return f.optional(v), ok
}

// reduceFold folds with one function; the first value stands for itself.
type reduceFold[K, V any] struct {
	reducer function[V, V, V]
	null    record.Nullness[V]
}

func (f *reduceFold[K, V]) initial() (agg record.Optional[V], ok bool) { return agg, true }

func (f *reduceFold[K, V]) add(_ K, value V, null bool, agg record.Optional[V]) (record.Optional[V], bool) {
	if !agg.Valid {
		return record.Optional[V]{Value: value, Valid: !null}, true
	}
	v, ok := f.reducer.call(agg.Value, value)
	return record.Optional[V]{Value: v, Valid: !f.null.IsNull(&v)}, ok
}

func (f *reduceFold[K, V]) merge(key K, a, b record.Optional[V]) (record.Optional[V], bool) {
	return f.add(key, b.Value, !b.Valid, a)
}

// countFold counts.
type countFold[K, V any] struct{}

func (countFold[K, V]) initial() (record.Optional[int64], bool) { return record.Some[int64](0), true }

func (countFold[K, V]) add(_ K, _ V, _ bool, n record.Optional[int64]) (record.Optional[int64], bool) {
	return record.Some(n.Value + 1), true
}

func (countFold[K, V]) merge(_ K, a, b record.Optional[int64]) (record.Optional[int64], bool) {
	return record.Some(a.Value + b.Value), true
}

// changeTo is the change to an aggregate, with the one before if old values are sent.
func changeTo[A any](v, before record.Optional[A], old bool) change[A] {
	ch := change[A]{new: v.Value, newNull: !v.Valid, oldNull: true}
	if !v.Valid {
		var zero A
		ch.new = zero
	}
	if old && before.Valid {
		ch.old, ch.oldNull = before.Value, false
	}
	return ch
}
