package parity

import (
	"strconv"
	"time"

	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/serde"
	"github.com/leatstream/leat/stream"
	"github.com/leatstream/leat/streamtest"
	"github.com/leatstream/leat/window"
)

// windowedText is a key of a windowed table.
type windowedText = window.Key[Text]

func millis(ms int64) time.Duration { return time.Duration(ms) * time.Millisecond }

// windows are those of an operation that are not sessions.
func (w *Window) windows() (window.Windows, error) {
	var made window.Windows
	switch w.Type {
	case "time":
		made = window.Tumbling(millis(w.SizeMs))
		if w.AdvanceMs != 0 {
			made = window.Hopping(millis(w.SizeMs), millis(w.AdvanceMs))
		}
	case "sliding":
		made = window.Sliding(millis(w.SizeMs))
	default:
		return made, notYet("window", w.Type)
	}
	return made.Grace(millis(w.GraceMs)), nil
}

func (w *Window) sessions() window.Sessions {
	return window.Session(millis(w.GapMs)).Grace(millis(w.GraceMs))
}

func (op *Op) emitting() ([]stream.Option, error) {
	switch op.Emit {
	case "", "update":
		return nil, nil
	case "close":
		return []stream.Option{stream.EmitOnClose()}, nil
	}
	return nil, notYet("emit strategy", op.Emit)
}

// windowedFrom returns the grouped stream that an operation takes, in its windows.
func (b *builder) windowedFrom(op *Op) (stream.Windowed[Text, Text], error) {
	var none stream.Windowed[Text, Text]
	g, err := b.groupedFrom(op.In)
	if err != nil {
		return none, err
	}
	w, err := op.Window.windows()
	if err != nil {
		return none, err
	}
	emit, err := op.emitting()
	return stream.WindowedBy(g, w, emit...), err
}

func (b *builder) sessionsFrom(op *Op) (stream.SessionWindowed[Text, Text], error) {
	var none stream.SessionWindowed[Text, Text]
	g, err := b.groupedFrom(op.In)
	if err != nil {
		return none, err
	}
	emit, err := op.emitting()
	return stream.SessionsBy(g, op.Window.sessions(), emit...), err
}

func (op *Op) inSessions() bool { return op.Window.Type == "session" }

func (b *builder) aggregateWindows(op *Op) error {
	agg, err := aggregateOf(op.Agg)
	if err != nil {
		return err
	}
	store, err := windowStoreOf(b, op, textSerde{}, func(v Text) *string { return &v.Value })
	if err != nil {
		return err
	}
	initial := func() Text { return agg.initial }
	add := func(_, v, acc Text) Text { return agg.add(v, acc) }
	if op.inSessions() {
		if agg.merge == nil {
			return notYet("merger of aggregate", op.Agg)
		}
		w, err := b.sessionsFrom(op)
		if err != nil {
			return err
		}
		merge := func(_, x, y Text) Text { return agg.merge(x, y) }
		b.windowed[op.ID] = stream.AggregateSessions(w, initial, add, merge, store, op.named()...)
		return nil
	}
	w, err := b.windowedFrom(op)
	if err != nil {
		return err
	}
	b.windowed[op.ID] = stream.AggregateWindows(w, initial, add, store, op.named()...)
	return nil
}

func (b *builder) reduceWindows(op *Op) error {
	f, err := reducerOf(op.Fn)
	if err != nil {
		return err
	}
	store, err := windowStoreOf(b, op, textSerde{}, func(v Text) *string { return &v.Value })
	if err != nil {
		return err
	}
	if op.inSessions() {
		w, err := b.sessionsFrom(op)
		if err != nil {
			return err
		}
		b.windowed[op.ID] = stream.ReduceSessions(w, f, store, op.named()...)
		return nil
	}
	w, err := b.windowedFrom(op)
	if err != nil {
		return err
	}
	b.windowed[op.ID] = stream.ReduceWindows(w, f, store, op.named()...)
	return nil
}

// countWindows is the built-in count, then a table of its decimal strings.
func (b *builder) countWindows(op *Op) error {
	store, err := windowStoreOf(b, op, serde.Int64, func(n int64) *string {
		s := strconv.FormatInt(n, 10)
		return &s
	})
	if err != nil {
		return err
	}
	var counts stream.Table[windowedText, int64]
	if op.inSessions() {
		w, err := b.sessionsFrom(op)
		if err != nil {
			return err
		}
		counts = stream.CountSessions(w, store, op.named()...)
	} else {
		w, err := b.windowedFrom(op)
		if err != nil {
			return err
		}
		counts = stream.CountWindows(w, store, op.named()...)
	}
	b.windowed[op.ID] = stream.MapTable(counts, func(n int64) Text { return record.Some(strconv.FormatInt(n, 10)) }, nil, stream.Values[Text](textSerde{}))
	return nil
}

// windowsToStream goes through toStream's key mapper, which is a selectKey.
func (b *builder) windowsToStream(op *Op) {
	b.streams[op.ID] = stream.SelectKey(stream.ToStream(b.windowed[op.In]), func(k windowedText, _ Text) Text { return textOf(k) })
}

// windowStoreOf returns the handle of a windowed table's store and arranges for its contents to be read at the
// end.
func windowStoreOf[V any](b *builder, op *Op, values serde.Serde[V], show func(V) *string) (*stream.Store[Text, V], error) {
	st := op.Store
	h, err := windowHandleOf(st, values)
	if st == nil || err != nil {
		return h, err
	}
	b.stores[st.Name] = func(d *streamtest.Driver) []Entry {
		var all []Entry
		if op.inSessions() {
			for k, v := range streamtest.Sessions(d, h).All() {
				all = append(all, Entry{Key: &k.Key.Value, Start: &k.Start, End: &k.End, Value: show(v)})
			}
			return all
		}
		for k, v := range streamtest.Windows(d, h).All() {
			all = append(all, Entry{Key: &k.Key.Value, Start: &k.Start, Value: show(v.Value), Ts: &v.Timestamp})
		}
		return all
	}
	return h, nil
}

func windowHandleOf[V any](st *Store, values serde.Serde[V]) (*stream.Store[Text, V], error) {
	if st == nil || st.RetentionMs == 0 {
		return handleOf(st, values)
	}
	plain := *st
	plain.RetentionMs = 0
	h, err := handleOf(&plain, values)
	if err != nil {
		return nil, err
	}
	return h.Retention(millis(st.RetentionMs)), nil
}
