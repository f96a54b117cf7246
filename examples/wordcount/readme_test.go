package main

import (
	"os"
	"strings"
	"testing"
)

// TestReadme: what README shows is this program, word for word.
func TestReadme(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ file, from string }{
		{"main.go", "package main\n"},
		{"wordcount_test.go", "func TestWordCount("},
	} {
		source, err := os.ReadFile(c.file)
		if err != nil {
			t.Fatal(err)
		}
		_, code, ok := strings.Cut(string(source), c.from)
		if !ok {
			t.Fatalf("%s has no %q", c.file, c.from)
		}
		if !strings.Contains(string(readme), "```go\n"+c.from+code+"```\n") {
			t.Errorf("README.md does not show %s from %q on as it is; copy it there", c.file, c.from)
		}
	}
}
