package parity

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/leatstream/leat/processor"
	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/statestore"
)

// The processors of the scenario language, written as users write theirs.

type (
	textRecord   = record.Record[Text, Text]
	textContext  = processor.Context[Text, Text]
	textSupplier = processor.Supplier[Text, Text, Text, Text]
	textStore    = statestore.KeyValue[Text, Text]
)

// forwarder is a processor without a state of its own.
type forwarder struct{ ctx *textContext }

func (p *forwarder) Init(ctx *textContext) error {
	p.ctx = ctx
	return nil
}

func (p *forwarder) Close() error { return nil }

// dedupe passes on the records whose value is not the last one of their key.
type dedupe struct {
	forwarder
	open func(*textContext) (textStore, error)
	last textStore
}

func (p *dedupe) Init(ctx *textContext) (err error) {
	p.ctx = ctx
	p.last, err = p.open(ctx)
	return err
}

func (p *dedupe) Process(r textRecord) error {
	if !r.Key.Valid {
		return nil
	}
	if last, ok := p.last.Get(r.Key); ok && last == r.Value {
		return nil
	}
	p.last.Put(r.Key, r.Value)
	p.ctx.Forward(r)
	return nil
}

// tick passes every record on, and now and then how many there were.
type tick struct {
	forwarder
	every time.Duration
	kind  processor.PunctuationKind
	seen  int
}

func (p *tick) Init(ctx *textContext) error {
	p.ctx = ctx
	ctx.Schedule(p.every, p.kind, func(now int64) error {
		ctx.Forward(record.New(record.Some("tick"), record.Some(fmt.Sprintf("%d:%d", now, p.seen)), now))
		return nil
	})
	return nil
}

func (p *tick) Process(r textRecord) error {
	p.seen++
	p.ctx.Forward(r)
	return nil
}

// rewriter replaces the value.
type rewriter struct {
	forwarder
	value func(ctx *textContext, r textRecord) string
}

func (p *rewriter) Process(r textRecord) error {
	p.ctx.Forward(record.WithValue(r, record.Some(p.value(p.ctx, r))))
	return nil
}

// supplierOf returns the supplier of a processor; open gives it its store.
func supplierOf(fn string, open func(*textContext) (textStore, error)) (textSupplier, error) {
	name, arg, _ := strings.Cut(fn, ":")
	switch name {
	case "dedupe":
		return func() processor.Processor[Text, Text, Text, Text] { return &dedupe{open: open} }, nil
	case "tick-stream-time", "tick-wall-clock":
		ms, err := strconv.ParseInt(arg, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("processor %q: %w", fn, err)
		}
		kind := processor.StreamTime
		if name == "tick-wall-clock" {
			kind = processor.WallClockTime
		}
		return func() processor.Processor[Text, Text, Text, Text] {
			return &tick{every: time.Duration(ms) * time.Millisecond, kind: kind}
		}, nil
	case "headers":
		return rewriting(func(_ *textContext, r textRecord) string {
			var b strings.Builder
			for _, h := range r.Headers {
				fmt.Fprintf(&b, "%s=%s;", h.Key, h.Value)
			}
			return b.String()
		}), nil
	case "stream-time":
		return rewriting(func(ctx *textContext, r textRecord) string {
			return fmt.Sprintf("%s@%d/%d", show(r.Value), r.Timestamp, ctx.StreamTime())
		}), nil
	}
	return nil, notYet("processor", fn)
}

func rewriting(value func(*textContext, textRecord) string) textSupplier {
	return func() processor.Processor[Text, Text, Text, Text] { return &rewriter{value: value} }
}
