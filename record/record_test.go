package record_test

import (
	"testing"

	"github.com/leatstream/leat/record"
)

func isNull[T any](v T) bool {
	n := record.NullnessOf[T]()
	return n.IsNull(&v)
}

func TestNullness(t *testing.T) {
	var nilErr error
	one := 1
	for name, c := range map[string]struct{ got, want bool }{
		"empty string":      {isNull(""), false},
		"zero int":          {isNull(0), false},
		"struct of pointer": {isNull(struct{ p *int }{}), false},
		"nil pointer":       {isNull[*int](nil), true},
		"pointer":           {isNull(&one), false},
		"nil slice":         {isNull[[]byte](nil), true},
		"empty slice":       {isNull([]byte{}), false},
		"nil map":           {isNull[map[string]int](nil), true},
		"empty map":         {isNull(map[string]int{}), false},
		"nil interface":     {isNull(nilErr), true},
		"interface":         {isNull[any](0), false},
		"optional none":     {isNull(record.Optional[string]{}), true},
		"optional empty":    {isNull(record.Some("")), false},
		"optional odd size": {isNull(record.Optional[[3]byte]{Value: [3]byte{1}}), true},
	} {
		if c.got != c.want {
			t.Errorf("%s: null %v, want %v", name, c.got, c.want)
		}
	}
}

func TestNullnessDoesNotAllocate(t *testing.T) {
	n := record.NullnessOf[record.Optional[string]]()
	v := record.Some("x")
	if got := testing.AllocsPerRun(100, func() { _ = n.IsNull(&v) }); got != 0 {
		t.Errorf("IsNull allocates %v times, want 0", got)
	}
}

func TestHeadersAreCopiedOnChange(t *testing.T) {
	a := record.Headers{{Key: "x", Value: []byte("1")}}
	b := a.With("x", []byte("2"))
	if v, _ := a.Last("x"); string(v) != "1" {
		t.Errorf("With changed its receiver: %q", v)
	}
	if v, _ := b.Last("x"); string(v) != "2" {
		t.Errorf("Last = %q, want the newest", v)
	}
	if got := b.Without("x"); len(got) != 0 {
		t.Errorf("Without left %v", got)
	}
}
