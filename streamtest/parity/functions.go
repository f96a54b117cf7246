package parity

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/leatstream/leat/record"
)

// The functions of the scenario language. Each is named by a string: a name, for some followed by a colon
// and an argument, which may itself contain colons.

type (
	predicate func(k, v Text) bool
	mapper    func(k, v Text) Text
	reducer   func(acc, v Text) Text
)

// aggregate is an aggregation: where it begins and how values come in, go out, and join when sessions merge.
type aggregate struct {
	initial  Text
	add      func(v, acc Text) Text
	subtract func(v, acc Text) Text
	merge    func(a, b Text) Text
}

// show is a value as the language prints it: null is "null".
func show(v Text) string {
	if !v.Valid {
		return "null"
	}
	return v.Value
}

// number is the value of a decimal 64-bit integer; everything else counts 0.
func number(v Text) int64 {
	n, err := strconv.ParseInt(v.Value, 10, 64)
	if err != nil {
		return 0
	}
	return n
}

func decimal(n int64) Text { return record.Some(strconv.FormatInt(n, 10)) }

func predicateOf(fn string) (predicate, error) {
	name, arg, _ := strings.Cut(fn, ":")
	switch name {
	case "true":
		return func(_, _ Text) bool { return true }, nil
	case "value-nonnull":
		return func(_, v Text) bool { return v.Valid }, nil
	case "value-contains":
		return func(_, v Text) bool { return v.Valid && strings.Contains(v.Value, arg) }, nil
	case "key-prefix":
		return func(k, _ Text) bool { return k.Valid && strings.HasPrefix(k.Value, arg) }, nil
	case "value-longer":
		n, err := strconv.Atoi(arg)
		if err != nil {
			return nil, fmt.Errorf("predicate %q: %w", fn, err)
		}
		return func(_, v Text) bool { return v.Valid && utf8.RuneCountInString(v.Value) > n }, nil
	}
	return nil, notYet("predicate", fn)
}

func mapperOf(fn string) (mapper, error) {
	name, arg, _ := strings.Cut(fn, ":")
	switch name {
	case "same":
		return func(_, v Text) Text { return v }, nil
	case "upper":
		return func(_, v Text) Text { return Text{Value: strings.ToUpper(v.Value), Valid: v.Valid} }, nil
	case "append":
		return func(_, v Text) Text { return record.Some(show(v) + arg) }, nil
	case "const":
		return func(_, _ Text) Text { return record.Some(arg) }, nil
	case "null":
		return func(_, _ Text) Text { return Text{} }, nil
	case "key":
		return func(k, _ Text) Text { return k }, nil
	case "key-value":
		return func(k, v Text) Text { return record.Some(show(k) + "=" + show(v)) }, nil
	case "length":
		return func(_, v Text) Text {
			if !v.Valid {
				return record.Some("null")
			}
			return decimal(int64(utf8.RuneCountInString(v.Value)))
		}, nil
	case "first":
		return func(_, v Text) Text {
			for _, r := range v.Value {
				return record.Some(string(r))
			}
			return Text{}
		}, nil
	case "before", "after":
		return func(_, v Text) Text {
			before, after, found := strings.Cut(v.Value, arg)
			switch {
			case !v.Valid || !found:
				return Text{}
			case name == "before":
				return record.Some(before)
			default:
				return record.Some(after)
			}
		}, nil
	}
	return nil, notYet("mapper", fn)
}

// splitterOf returns the parts of a value that are not empty, none for null.
func splitterOf(fn string) (func(v Text) []Text, error) {
	sep, ok := strings.CutPrefix(fn, "split:")
	if !ok {
		return nil, notYet("splitter", fn)
	}
	return func(v Text) []Text {
		if !v.Valid {
			return nil
		}
		var parts []Text
		for p := range strings.SplitSeq(v.Value, sep) {
			if p != "" {
				parts = append(parts, record.Some(p))
			}
		}
		return parts
	}, nil
}

func reducerOf(fn string) (reducer, error) {
	switch fn {
	case "concat":
		return func(acc, v Text) Text { return record.Some(show(acc) + "+" + show(v)) }, nil
	case "concat-remove":
		return func(acc, v Text) Text { return record.Some(show(acc) + "-" + show(v)) }, nil
	case "last":
		return func(_, v Text) Text { return v }, nil
	case "max":
		return func(acc, v Text) Text { return record.Some(max(show(acc), show(v))) }, nil
	case "sum":
		return func(acc, v Text) Text { return decimal(number(acc) + number(v)) }, nil
	case "difference":
		return func(acc, v Text) Text { return decimal(number(acc) - number(v)) }, nil
	}
	return nil, notYet("reducer", fn)
}

func aggregateOf(name string) (aggregate, error) {
	last := func(v, _ Text) Text {
		if v == record.Some("del") {
			return Text{}
		}
		return v
	}
	sum := func(a, b Text) Text { return decimal(number(a) + number(b)) }
	switch name {
	case "count":
		return aggregate{
			initial:  record.Some("0"),
			add:      func(_, acc Text) Text { return decimal(number(acc) + 1) },
			subtract: func(_, acc Text) Text { return decimal(number(acc) - 1) },
			merge:    sum,
		}, nil
	case "sum":
		return aggregate{
			initial:  record.Some("0"),
			add:      func(v, acc Text) Text { return decimal(number(acc) + number(v)) },
			subtract: func(v, acc Text) Text { return decimal(number(acc) - number(v)) },
			merge:    sum,
		}, nil
	case "concat":
		return aggregate{
			initial:  record.Some(""),
			add:      func(v, acc Text) Text { return record.Some(show(acc) + "+" + show(v)) },
			subtract: func(v, acc Text) Text { return record.Some(show(acc) + "-" + show(v)) },
			merge:    func(a, b Text) Text { return record.Some(show(a) + show(b)) },
		}, nil
	case "last-or-delete":
		// The language says nothing of taking one out or of merging; no scenario asks for either.
		return aggregate{initial: record.Some(""), add: last}, nil
	}
	return aggregate{}, notYet("aggregate", name)
}

// NotYetError says that a scenario asks for something that cannot be built yet.
type NotYetError struct{ What string }

func (e *NotYetError) Error() string { return "not yet: " + e.What }

func notYet(kind, name string) error { return &NotYetError{What: fmt.Sprintf("%s %q", kind, name)} }
