package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"time"
)

// result is what wordcount prints in the end.
type result struct {
	// Words are the counts of all words of all runs.
	Words map[string]int64 `json:"words"`
	// Lines were written to the input topic by all runs, Written by this one.
	Lines   int64 `json:"lines"`
	Written int64 `json:"written"`
	// Records were processed to the end in this run: lines, and each word once more behind the repartition.
	Records          int64   `json:"records"`
	Seconds          float64 `json:"seconds"`
	RecordsPerSecond float64 `json:"records_per_second"`
	// Restored is nil if no state had to be restored.
	Restored *restoredResult `json:"restored,omitempty"`
}

// restoredResult says how many change records were restored in which time.
type restoredResult struct {
	Records          int64   `json:"records"`
	Seconds          float64 `json:"seconds"`
	RecordsPerSecond float64 `json:"records_per_second"`
}

// perSecond is 0 where there was no time to measure.
func perSecond(records int64, d time.Duration) float64 {
	if d <= 0 {
		return 0
	}
	return float64(records) / d.Seconds()
}

// topWords is how many words the text shows.
const topWords = 20

func (r *result) write(w io.Writer, format string) error {
	if format == "json" {
		return json.NewEncoder(w).Encode(r)
	}
	return r.writeText(w)
}

func (r *result) writeText(w io.Writer) error {
	var total int64
	words := make([]string, 0, len(r.Words))
	for word, n := range r.Words {
		total += n
		words = append(words, word)
	}
	slices.SortFunc(words, func(a, b string) int {
		return cmp.Or(cmp.Compare(r.Words[b], r.Words[a]), cmp.Compare(a, b))
	})
	b := fmt.Appendf(nil, "%d words, %d different ones, in %d lines\n\n", total, len(words), r.Lines)
	for _, word := range words[:min(topWords, len(words))] {
		b = fmt.Appendf(b, "%8d  %s\n", r.Words[word], word)
	}
	b = append(b, '\n')
	if s := r.Restored; s != nil {
		b = fmt.Appendf(b, "restored %d records in %.2f s (%.0f records/s)\n", s.Records, s.Seconds, s.RecordsPerSecond)
	}
	b = fmt.Appendf(b, "processed %d records in %.2f s (%.0f records/s)\n", r.Records, r.Seconds, r.RecordsPerSecond)
	_, err := w.Write(b)
	return err
}
