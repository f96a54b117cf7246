package main

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"
)

// tty is a terminal of few lines and columns that understands what a screen writes, and nothing else.
type tty struct {
	t       *testing.T
	columns int
	lines   [][]byte
	row     int
	column  int
	noWrap  bool
}

// Write implements io.Writer.
func (y *tty) Write(b []byte) (int, error) {
	for i := 0; i < len(b); i++ {
		for len(y.lines) <= y.row {
			y.lines = append(y.lines, nil)
		}
		switch b[i] {
		case '\n':
			y.row, y.column = y.row+1, 0
		case '\r':
			y.column = 0
		case '\x1b':
			end := i + bytes.IndexAny(b[i:], "AKJlh")
			y.sequence(string(b[i+2 : end+1]))
			i = end
		default:
			y.put(b[i])
		}
	}
	return len(b), nil
}

func (y *tty) sequence(s string) {
	up := 0
	switch n, _ := fmt.Sscanf(s, "%dA", &up); {
	case n == 1:
		y.row -= up
	case s == "K":
		y.lines[y.row] = y.lines[y.row][:min(y.column, len(y.lines[y.row]))]
	case s == "J":
		y.lines = y.lines[:y.row]
	case s == "?7l":
		y.noWrap = true
	case s == "?7h":
		y.noWrap = false
	default:
		y.t.Fatalf("unknown sequence %q", s)
	}
	if y.row < 0 {
		y.t.Fatal("went back over the beginning")
	}
}

func (y *tty) put(c byte) {
	if y.column == y.columns {
		if y.noWrap {
			return
		}
		y.row, y.column = y.row+1, 0
		y.lines = append(y.lines, nil)
	}
	y.lines[y.row] = append(y.lines[y.row][:y.column], c)
	y.column++
}

func (y *tty) String() string {
	var lines []string
	for _, l := range y.lines {
		lines = append(lines, string(l))
	}
	return strings.TrimSuffix(strings.Join(lines, "|"), "|") // the cursor is below them
}

func TestScreen(t *testing.T) {
	y := &tty{t: t, columns: 8}
	s := &screen{to: y}
	for _, c := range []struct {
		show  []string
		write string
		want  string
	}{
		{[]string{"one", "two"}, "", "one|two"},
		{[]string{"1", "two and more"}, "", "1|two and "},
		{nil, "said\n", "said|1|two and "},
		{[]string{"1", "2", "3"}, "", "said|1|2|3"},
		{nil, "a long line\nand another", "said|a long l|ine|and anot|her|1|2|3"},
		{[]string{"last"}, "", "said|a long l|ine|and anot|her|last"},
	} {
		if c.show != nil {
			s.show(c.show)
		} else {
			fmt.Fprint(s, c.write)
		}
		if got := y.String(); got != c.want {
			t.Errorf("after %q%q the terminal has %q, want %q", c.show, c.write, got, c.want)
		}
	}
}

func TestWhatIsNoTerminal(t *testing.T) {
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	file, err := os.Create(t.TempDir() + "/file")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if isTerminal(null) || isTerminal(file) || isTerminal(&strings.Builder{}) || isTerminal(&sharedWriter{to: file}) {
		t.Error("the null device, a file or a builder is taken for a terminal")
	}
}
