package docs_test

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The Go code of the guide is compiled and run: each block of it stands, line for line, in a test file beside the
// pages, in an Example of a package or in a program under examples. To change a block, change the code first.
var quotable = []string{"docs/*_test.go", "examples/*/*.go", "examples/*/*/*.go", "*/example*_test.go", "integration/*/example*_test.go"}

// TestBlocks looks each block of the pages up in what can be quoted. Indentation that all lines share is left out.
func TestBlocks(t *testing.T) {
	root := os.DirFS("..")
	var sources [][]string
	for _, pattern := range quotable {
		names, err := fs.Glob(root, pattern)
		if err != nil || len(names) == 0 {
			t.Fatalf("%s: %d files, %v", pattern, len(names), err)
		}
		for _, name := range names {
			sources = append(sources, lines(t, root, name))
		}
	}
	quoted := 0
	for _, page := range pages(t, root) {
		for _, b := range blocks(lines(t, root, page)) {
			if b.language == "" {
				t.Errorf("%s:%d: the block has no language; write ```text if it is none", page, b.at)
			}
			if b.language != "go" {
				continue
			}
			quoted++
			if !slices.ContainsFunc(sources, func(source []string) bool { return quotes(source, b.lines) }) {
				t.Errorf("%s:%d: no compiled file has the block that begins with %q; copy it from one of %q", page, b.at, b.lines[0], quotable)
			}
		}
	}
	if quoted < 20 {
		t.Errorf("%d blocks were found; does the test still read the pages?", quoted)
	}
}

// TestQuotes holds the comparison itself, which must be able to fail.
func TestQuotes(t *testing.T) {
	source := strings.Split("func f() {\n\tif x {\n\n\t\ty()\n\t}\n}", "\n")
	for block, want := range map[string]bool{
		"if x {\n\n\ty()\n}":     true,
		"\tif x {\n\n\t\ty()":    true,
		"func f() {\n\tif x {":   true,
		"if x {\n\n\tz()\n}":     false,
		"if x {\ny()":            false,
		"if x {\n\n\t\ty()\n}":   false,
		"}\n}\n":                 false,
		"if x {\n\n\ty()\n}\n}":  false,
		"func f() {\n\tif x {\n": true, // an empty line of the source
	} {
		if got := quotes(source, strings.Split(block, "\n")); got != want {
			t.Errorf("%q: %v, want %v", block, got, want)
		}
	}
}

// quotes reports whether lines stand in source, one after another, at whatever depth.
func quotes(source, lines []string) bool {
	for from := 0; from+len(lines) <= len(source); from++ {
		indent, ok := strings.CutSuffix(source[from], lines[0])
		if !ok || strings.Trim(indent, "\t") != "" {
			continue
		}
		same := true
		for i, line := range lines {
			if line != "" {
				line = indent + line
			}
			same = same && line == source[from+i]
		}
		if same {
			return true
		}
	}
	return false
}

type block struct {
	language string
	at       int // its first line, counted from 1
	lines    []string
}

func blocks(text []string) (found []block) {
	var in *block
	for i, line := range text {
		fence, ok := strings.CutPrefix(line, "```")
		switch {
		case ok && in == nil:
			in = &block{language: fence, at: i + 2}
		case ok:
			found, in = append(found, *in), nil
		case in != nil:
			in.lines = append(in.lines, line)
		}
	}
	return found
}

// pages are the README and the guide.
func pages(t *testing.T, root fs.FS) []string {
	t.Helper()
	names, err := fs.Glob(root, "docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	return append(names, "README.md")
}

func lines(t *testing.T, root fs.FS, name string) []string {
	t.Helper()
	text, err := fs.ReadFile(root, name)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
}

var (
	link    = regexp.MustCompile(`\]\(([^)#\s]*)(?:#([^)\s]+))?\)`)
	heading = regexp.MustCompile(`(?m)^#+ (.*)$`)
	noSlug  = regexp.MustCompile(`[^\p{L}\p{N} _-]`)
)

// TestLinks: what the pages refer to in the repository is there, headings included.
func TestLinks(t *testing.T) {
	root := os.DirFS("..")
	for _, page := range pages(t, root) {
		for i, line := range lines(t, root, page) {
			for _, m := range link.FindAllStringSubmatch(line, -1) {
				if strings.Contains(m[1], "://") {
					continue
				}
				target := page
				if m[1] != "" {
					target = path.Join(path.Dir(page), m[1])
				}
				if _, err := fs.Stat(root, target); err != nil {
					t.Errorf("%s:%d: %v", page, i+1, err)
					continue
				}
				if m[2] != "" && !slices.Contains(anchors(t, root, target), m[2]) {
					t.Errorf("%s:%d: %s has no heading for #%s", page, i+1, target, m[2])
				}
			}
		}
	}
}

// anchors are the names under which a page's headings can be linked to.
func anchors(t *testing.T, root fs.FS, page string) (names []string) {
	t.Helper()
	for _, m := range heading.FindAllStringSubmatch(strings.Join(lines(t, root, page), "\n"), -1) {
		names = append(names, strings.ReplaceAll(noSlug.ReplaceAllString(strings.ToLower(m[1]), ""), " ", "-"))
	}
	return names
}

// TestIndex: the index of the guide has every page.
func TestIndex(t *testing.T) {
	index, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	names, err := filepath.Glob("*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if name != "README.md" && !strings.Contains(string(index), "]("+name+")") {
			t.Errorf("docs/README.md has no link to %s", name)
		}
	}
}

var (
	operator = regexp.MustCompile(`(?m)^func ([A-Z]\w*)[\[(]`)
	tried    = regexp.MustCompile(`^Try([A-Z])`)
)

// TestEveryOperator: the page for those who come from Kafka Streams has each function of package stream.
func TestEveryOperator(t *testing.T) {
	page, err := os.ReadFile("kafka-streams.md")
	if err != nil {
		t.Fatal(err)
	}
	names, err := filepath.Glob("../stream/*.go")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		source, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range operator.FindAllStringSubmatch(string(source), -1) {
			found++
			f := tried.ReplaceAllString(m[1], "$1") // the page says once what Try means
			if !regexp.MustCompile("`" + f + "\\b").Match(page) {
				t.Errorf("docs/kafka-streams.md does not name stream.%s", f)
			}
		}
	}
	if found < 100 {
		t.Errorf("%d functions were found; does the test still read them?", found)
	}
}
