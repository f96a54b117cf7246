package parity

import (
	"fmt"
	"strings"

	"github.com/leatstream/leat/stream"
	"github.com/leatstream/leat/streamtest"
	"github.com/leatstream/leat/topology"
)

// builder turns a scenario's operations into calls of package stream. It knows each result by its id.
type builder struct {
	program  *stream.Builder
	optimize bool

	streams map[string]stream.Stream[Text, Text]
	tables  map[string]stream.Table[Text, Text]
	// windowed are tables of windows and sessions.
	windowed map[string]stream.Table[windowedText, Text]
	globals  map[string]stream.GlobalTable[Text, Text]
	grouped  map[string]stream.Grouped[Text, Text]
	// regrouped are tables that are grouped by a new key.
	regrouped map[string]stream.GroupedTable[Text, Text]

	// stores read the contents of the stores that the scenario names.
	stores map[string]func(*streamtest.Driver) []Entry
}

// operations are what the scenario language can ask for and the DSL can do. One that is missing makes the
// scenarios that use it different on every level.
var operations = map[string]func(*builder, *Op) error{
	"stream":          (*builder).stream,
	"table":           (*builder).table,
	"filter":          (*builder).filter,
	"filter-not":      (*builder).filter,
	"map-values":      (*builder).mapValues,
	"map":             (*builder).mapRecords,
	"select-key":      (*builder).selectKey,
	"flat-map-values": (*builder).flatMapValues,
	"flat-map":        (*builder).flatMap,
	"merge":           (*builder).merge,
	"branch":          (*builder).branch,
	"repartition":     (*builder).repartition,
	"to-table":        (*builder).toTable,
	"to-stream":       (*builder).toStream,
	"to":              (*builder).to,
	"group-by-key":    (*builder).groupByKey,
	"group-by":        (*builder).groupBy,
	"aggregate":       (*builder).aggregate,
	"reduce":          (*builder).reduce,
	"count":           (*builder).count,
	"process":         (*builder).process,
	"cogroup":         (*builder).cogroup,
	"suppress":        (*builder).suppress,
	"join":            (*builder).join,
	"global-table":    (*builder).globalTable,
}

func build(s *Scenario) (*builder, error) {
	b := &builder{
		program: stream.New(), optimize: s.Config.Optimize,
		streams:   make(map[string]stream.Stream[Text, Text]),
		tables:    make(map[string]stream.Table[Text, Text]),
		windowed:  make(map[string]stream.Table[windowedText, Text]),
		globals:   make(map[string]stream.GlobalTable[Text, Text]),
		grouped:   make(map[string]stream.Grouped[Text, Text]),
		regrouped: make(map[string]stream.GroupedTable[Text, Text]),
		stores:    make(map[string]func(*streamtest.Driver) []Entry),
	}
	for i := range s.Topology {
		op := &s.Topology[i]
		make1, ok := operations[op.Op]
		if !ok {
			return nil, notYet("operation", op.Op)
		}
		if err := make1(b, op); err != nil {
			return nil, fmt.Errorf("operation %d (%s): %w", i, op.Op, err)
		}
	}
	return b, nil
}

func (b *builder) finish() (*topology.Topology, error) {
	if b.optimize {
		return b.program.Build(stream.OptimizeAll)
	}
	return b.program.Build()
}

// from returns the stream that an operation takes.
func (b *builder) from(id string) (stream.Stream[Text, Text], error) {
	s, ok := b.streams[id]
	if !ok {
		return s, fmt.Errorf("there is no stream %q", id)
	}
	return s, nil
}

func (b *builder) tableFrom(id string) (stream.Table[Text, Text], error) {
	t, ok := b.tables[id]
	if !ok {
		return t, fmt.Errorf("there is no table %q", id)
	}
	return t, nil
}

func (b *builder) groupedFrom(id string) (stream.Grouped[Text, Text], error) {
	g, ok := b.grouped[id]
	if !ok {
		return g, fmt.Errorf("there is no grouped stream %q", id)
	}
	return g, nil
}

// named are the options of an operation that can have a name.
func (op *Op) named() []stream.Option {
	if op.Name == "" {
		return nil
	}
	return []stream.Option{stream.Named(op.Name)}
}

// regrouping are the options of an operation that may write to a repartition topic: its name and serdes.
func (op *Op) regrouping() []stream.Option {
	return append(op.named(), stream.Keys[Text](textSerde{}), stream.Values[Text](textSerde{}))
}

// topicOf is the handle of a topic.
func topicOf(name string) stream.Topic[Text, Text] {
	return stream.NewTopic(name, textSerde{}, textSerde{})
}

func topicsOf(list string) []stream.Topic[Text, Text] {
	var topics []stream.Topic[Text, Text]
	for name := range strings.SplitSeq(list, ",") {
		topics = append(topics, topicOf(name))
	}
	return topics
}
