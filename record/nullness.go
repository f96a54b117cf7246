package record

import (
	"reflect"
	"unsafe"
)

// Optional is a T that may be null. Unlike *T it is comparable by content, so it can be a store's key, and
// holding one allocates nothing. Its zero value is null.
type Optional[T any] struct {
	Value T
	Valid bool
}

// Some returns an Optional that holds v.
func Some[T any](v T) Optional[T] { return Optional[T]{Value: v, Valid: true} }

func (o Optional[T]) validOffset() uintptr { return unsafe.Offsetof(o.Valid) }

// Nullness asks values of T whether they are null by themselves. It is made once for a type with
// [NullnessOf]; asking allocates nothing and does not box. The zero value says that no value is null.
type Nullness[T any] struct {
	kind   nullKind
	offset uintptr
}

type nullKind uint8

const (
	neverNull nullKind = iota
	// nullWord: null when the first machine word is zero, which holds for every kind of Go value that has
	// a nil: pointers, maps, channels, functions, slices (data pointer) and interfaces (type word).
	nullWord
	// nullFlag: null when the bool at offset is false.
	nullFlag
)

// NullnessOf returns how values of T show that they are null.
func NullnessOf[T any]() Nullness[T] {
	var zero T
	if o, ok := any(zero).(interface{ validOffset() uintptr }); ok {
		return Nullness[T]{kind: nullFlag, offset: o.validOffset()}
	}
	switch reflect.TypeFor[T]().Kind() {
	case reflect.Pointer, reflect.Map, reflect.Chan, reflect.Func, reflect.Slice, reflect.Interface, reflect.UnsafePointer:
		return Nullness[T]{kind: nullWord}
	default:
		return Nullness[T]{}
	}
}

// CanBeNull reports whether some value of T is null.
func (n Nullness[T]) CanBeNull() bool { return n.kind != neverNull }

// IsNull reports whether v is null. The pointer is not kept.
func (n Nullness[T]) IsNull(v *T) bool {
	switch n.kind {
	case nullWord:
		return *(*uintptr)(unsafe.Pointer(v)) == 0
	case nullFlag:
		return !*(*bool)(unsafe.Add(unsafe.Pointer(v), n.offset))
	default:
		return false
	}
}
