package main

import (
	"bufio"
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"sync/atomic"
	"time"

	"github.com/leatstream/leat/internal/kafka"
)

//go:embed apache-2.0.txt
var builtinText []byte

// text is something to read lines from.
type text struct {
	name string
	io.ReadCloser
}

// openTexts opens all files before anything is written, so that a wrong name leaves no half of an input.
func openTexts(files []string) (texts []text, err error) {
	if len(files) == 0 {
		return []text{{"the built-in text", io.NopCloser(bytes.NewReader(builtinText))}}, nil
	}
	defer func() {
		if err != nil {
			closeTexts(texts)
			texts = nil
		}
	}()
	for _, name := range files {
		f, err := os.Open(name)
		if err != nil {
			return texts, err
		}
		texts = append(texts, text{name, f})
		if info, err := f.Stat(); err != nil {
			return texts, err
		} else if info.IsDir() {
			return texts, fmt.Errorf("open %s: it is a directory; name files", name)
		}
	}
	return texts, nil
}

func closeTexts(texts []text) {
	for _, t := range texts {
		t.Close() // only read
	}
}

// feed writes the lines of texts to a topic, to its partitions in turn, and returns how many there were. When
// it returns without an error, all are acknowledged.
func feed(ctx context.Context, cfg kafka.Config, topic string, partitions int32, texts []text) (lines int64, err error) {
	client, err := kafka.NewClient(cfg, kafka.ClientConfig{Linger: 5 * time.Millisecond})
	if err != nil {
		return 0, err
	}
	defer client.Close()
	var failed atomic.Pointer[error]
	done := func(_ int32, _ int64, err error) {
		if err != nil {
			failed.CompareAndSwap(nil, &err)
		}
	}
	for _, t := range texts {
		for r := bufio.NewReaderSize(t, 64<<10); ; {
			line, err := r.ReadBytes('\n')
			if err != nil && !errors.Is(err, io.EOF) {
				return lines, fmt.Errorf("read %s: %w", t.name, err)
			}
			if len(line) > 0 {
				client.Produce(ctx, &kafka.Output{
					Topic: topic, Partition: int32(lines % int64(partitions)),
					Value: bytes.TrimSuffix(line, []byte("\n")), Timestamp: time.Now().UnixMilli(),
				}, done)
				lines++
			}
			if ctx.Err() != nil {
				return lines, ctx.Err()
			}
			if werr := failed.Load(); werr != nil {
				return lines, fmt.Errorf("write the lines of %s: %w", t.name, *werr)
			}
			if err != nil {
				break
			}
		}
	}
	if err := client.Flush(ctx); err != nil {
		return lines, err
	}
	if werr := failed.Load(); werr != nil {
		return lines, fmt.Errorf("write lines: %w", *werr)
	}
	return lines, nil
}
