package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"sync"
)

// screen keeps the last lines of a terminal up to date, while what is written to it goes by above them. Its methods
// may be called concurrently.
type screen struct {
	mu    sync.Mutex
	to    io.Writer
	lines []string
}

// show replaces the lines.
func (s *screen) show(lines []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.back()
	s.lines = lines
	_, _ = s.to.Write(s.draw(b)) // nobody is left to see it
}

// Write implements io.Writer. b is one or more whole lines.
func (s *screen) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := append(s.back(), "\x1b[J"...)
	out = append(out, b...)
	if !bytes.HasSuffix(b, []byte("\n")) {
		out = append(out, '\n')
	}
	if _, err := s.to.Write(s.draw(out)); err != nil {
		return 0, err
	}
	return len(b), nil
}

// back goes to the first of the lines.
func (s *screen) back() []byte {
	if len(s.lines) == 0 {
		return nil
	}
	return fmt.Appendf(nil, "\x1b[%dA\r", len(s.lines))
}

// draw appends the lines to b, each over what the terminal shows in its place, and clears what is below them. They
// are cut off where the terminal ends: a line that wrapped would be two to go back over.
func (s *screen) draw(b []byte) []byte {
	b = append(b, "\x1b[?7l"...)
	for _, line := range s.lines {
		b = append(append(append(b, "\x1b[K"...), line...), '\n')
	}
	return append(b, "\x1b[J\x1b[?7h"...)
}

// isTerminal reports whether somebody looks at what is written to w.
func isTerminal(w io.Writer) bool {
	if s, ok := w.(*sharedWriter); ok {
		w = s.to
	}
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	if err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return false
	}
	null, err := os.Stat(os.DevNull)
	return err != nil || !os.SameFile(info, null)
}
