package parity

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leatstream/leat/record"
)

var null Text

func text(s string) Text { return record.Some(s) }

func TestPredicates(t *testing.T) {
	for _, c := range []struct {
		fn   string
		k, v Text
		want bool
	}{
		{"true", null, null, true},
		{"value-nonnull", null, text(""), true},
		{"value-nonnull", null, null, false},
		{"value-contains:x", null, text("axb"), true},
		{"value-contains:x", null, text("ab"), false},
		{"value-contains:", null, null, false},
		{"key-prefix:a", text("ab"), null, true},
		{"key-prefix:a", text("ba"), null, false},
		{"key-prefix:", null, null, false},
		{"value-longer:1", null, text("é"), false},
		{"value-longer:1", null, text("éa"), true},
		{"value-longer:0", null, null, false},
	} {
		p, err := predicateOf(c.fn)
		if err != nil {
			t.Fatal(err)
		}
		if got := p(c.k, c.v); got != c.want {
			t.Errorf("%s of %s, %s = %v, want %v", c.fn, show(c.k), show(c.v), got, c.want)
		}
	}
}

func TestMappers(t *testing.T) {
	for _, c := range []struct {
		fn         string
		k, v, want Text
	}{
		{"same", null, text("v"), text("v")},
		{"same", null, null, null},
		{"upper", null, text("aB"), text("AB")},
		{"upper", null, null, null},
		{"append:!:", null, text("a"), text("a!:")},
		{"append:!", null, null, text("null!")},
		{"const:c", null, null, text("c")},
		{"const:", null, null, text("")},
		{"null", null, text("a"), null},
		{"key", text("k"), text("v"), text("k")},
		{"key", null, text("v"), null},
		{"key-value", null, text("v"), text("null=v")},
		{"length", null, text("abc"), text("3")},
		{"length", null, null, text("null")},
		{"first", null, text("abc"), text("a")},
		{"first", null, text(""), null},
		{"first", null, null, null},
		{"before::", null, text("a:b:c"), text("a")},
		{"after::", null, text("a:b:c"), text("b:c")},
		{"after::", null, text("e:"), text("")},
		{"before::", null, text("abc"), null},
		{"after::", null, null, null},
	} {
		m, err := mapperOf(c.fn)
		if err != nil {
			t.Fatal(err)
		}
		if got := m(c.k, c.v); got != c.want {
			t.Errorf("%s of %s, %s = %#v, want %#v", c.fn, show(c.k), show(c.v), got, c.want)
		}
	}
}

func TestReducers(t *testing.T) {
	for _, c := range []struct {
		fn           string
		acc, v, want string
	}{
		{"concat", "a", "b", "a+b"},
		{"concat-remove", "a", "b", "a-b"},
		{"last", "a", "b", "b"},
		{"max", "a", "b", "b"},
		{"max", "b", "a", "b"},
		{"sum", "7", "-4", "3"},
		{"sum", "7", "x", "7"},
		{"sum", "7", "9223372036854775808", "7"},
		{"difference", "7", "-4", "11"},
	} {
		r, err := reducerOf(c.fn)
		if err != nil {
			t.Fatal(err)
		}
		if got := r(text(c.acc), text(c.v)); got != text(c.want) {
			t.Errorf("%s of %s, %s = %s, want %s", c.fn, c.acc, c.v, show(got), c.want)
		}
	}
}

func TestAggregates(t *testing.T) {
	type answer struct{ Initial, Added, Taken, Merged string }
	for name, want := range map[string]answer{
		"count":  {"0", "6", "4", "12"},
		"sum":    {"0", "8", "2", "12"},
		"concat": {"", "5+3", "5-3", "57"},
	} {
		a, err := aggregateOf(name)
		if err != nil {
			t.Fatal(err)
		}
		got := answer{
			show(a.initial), show(a.add(text("3"), text("5"))), show(a.subtract(text("3"), text("5"))),
			show(a.merge(text("5"), text("7"))),
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
	a, err := aggregateOf("last-or-delete")
	if err != nil {
		t.Fatal(err)
	}
	if got := a.add(text("del"), text("x")); got.Valid {
		t.Errorf("last-or-delete keeps %s of del", show(got))
	}
	if got := a.add(text("y"), text("x")); got != text("y") {
		t.Errorf("last-or-delete gives %s, want y", show(got))
	}
}

func TestSplitter(t *testing.T) {
	split, err := splitterOf("split::")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		v    Text
		want []Text
	}{
		{text("a:b"), []Text{text("a"), text("b")}},
		{text("e:"), []Text{text("e")}},
		{text(""), nil},
		{null, nil},
	} {
		if d := cmp.Diff(c.want, split(c.v)); d != "" {
			t.Errorf("%s: %s", show(c.v), d)
		}
	}
}

func TestUnknownFunctionsAreNotYet(t *testing.T) {
	for _, f := range []func(string) error{
		func(s string) error { _, err := predicateOf(s); return err },
		func(s string) error { _, err := mapperOf(s); return err },
		func(s string) error { _, err := reducerOf(s); return err },
		func(s string) error { _, err := aggregateOf(s); return err },
		func(s string) error { _, err := splitterOf(s); return err },
	} {
		var e *NotYetError
		if err := f("reverse"); !errors.As(err, &e) {
			t.Errorf("an unknown function gives %v, want a NotYetError", err)
		}
	}
}
