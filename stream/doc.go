// Package stream is the language in which a leat application is written: streams and tables, and functions
// from one to the next.
//
//	lines := stream.NewTopic("lines", serde.String, serde.String)
//	counted := stream.NewTopic("counted", serde.String, serde.Int64)
//	counts := stream.NewStore("counts", serde.String, serde.Int64)
//
//	b := stream.New()
//	words := stream.FlatMapValues(stream.From(b, lines), strings.FieldsSeq)
//	byWord := stream.GroupBy(words, func(_, word string) string { return word })
//	stream.To(stream.ToStream(stream.Count(byWord, counts)), counted)
//	t, err := b.Build()
//
// # Reading and finding operators
//
// Every operator is a function whose first argument is what it works on; Go's methods cannot change types.
// The names say what an operator works on: Filter is for streams, FilterTable for tables; Count is for a
// grouped stream, CountTable for a grouped table. An operator whose name begins with Try takes functions that
// get a context and may return an error. Extras are [Option] values at the end.
//
// An operator that makes a table takes the [Store] that keeps it. With nil the store has a generated name if
// there must be one, and there is none if there need not be.
//
// No type argument needs to be written. Serdes are known from topics and stores; a key or value that was
// mapped to the same type keeps its serde, strings, bytes, numbers and bools have Kafka's, and for others the
// option [Keys] or [Values] says which. One that is missing is an error from Build.
//
// # Record cache
//
// With a record cache (app.Config.RecordCache) the tables that operators keep in a store hold their updates back:
// until the commit, or until the cache is full, the last update of a key takes the place of those before. It is
// sent on with the value, time and headers of the last one, and with the old value that was sent on last, so that
// what follows from a table sees no gap; a key that has come and gone in between is not seen at all. Whoever reads
// the table's store, joins of streams with the table included, finds the latest value throughout; joins of tables
// take each other's rows as they were sent on. No part in it have stores made [Store.Uncached], tables with a
// history, windows that are emitted on close, the stores of joins of streams and of suppression, and stores of
// processors. The same input ends in the same tables, by way of fewer updates.
//
// Source: KIP-63.
//
// # Null
//
// A function gets nil (or an invalid record.Optional) for a null if its type can hold that, else the zero
// value; what it returns is null if its type can hold null and it does. [MapValues] and [FlatMapValues] keep
// a null that their input type cannot hold, without a call. In tables null is a deletion, which functions
// never see.
//
// # Failure
//
// A panic in a function is an error of its node. Errors go to the processing error policy of the application,
// which fails, drops the record at this node, or calls the function again. Mistakes in a program come
// together from [Builder.Build], each with the file and line that made it.
//
// # Names
//
// Nodes, stores and internal topics have the names that Kafka Streams would give them for the same calls in
// the same order, and so have subtopologies their numbers. That lets an application be moved over with its
// state and offsets. It also means that a new operator renumbers those made after it: give names to stores
// and groupings whose topics must stay. topology.Topology's CheckNames lists those without, and the application's
// RequireNames refuses them.
//
// Handles ([Stream], [Table], [Topic], ...) are small and copied freely. Everything here describes; nothing
// runs. The package starts no goroutine, and its functions are called from one.
package stream
