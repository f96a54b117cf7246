package arch

import (
	"errors"
	"os"
	"path"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/cockroachdb/datadriven"
)

// TestArrows holds the whole tree against imports.txt.
func TestArrows(t *testing.T) {
	f, err := os.Open("imports.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rs, err := parseRules(f)
	if err != nil {
		t.Fatal(err)
	}
	found, err := check(os.DirFS("../.."), rs)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range found {
		t.Error(v)
	}
}

// TestCheck runs the checker on small trees. Commands: rules (imports.txt), tree (files of the form
// "== NAME ==", then Go source) which prints what was found.
func TestCheck(t *testing.T) {
	datadriven.Walk(t, "testdata", func(t *testing.T, file string) {
		var rs rules
		datadriven.RunTest(t, file, func(t *testing.T, d *datadriven.TestData) string {
			switch d.Cmd {
			case "rules":
				var err error
				if rs, err = parseRules(strings.NewReader(d.Input)); err != nil {
					return err.Error()
				}
				return "ok"
			case "tree":
				found, err := check(parseTree(d.Input), rs)
				switch {
				case err != nil:
					return err.Error()
				case len(found) == 0:
					return "ok"
				}
				return strings.Join(found, "\n")
			}
			return errors.New("unknown command " + d.Cmd).Error()
		})
	})
}

// TestSeesTheTree guards against a walk that finds nothing: with no rules at all every package of the tree is
// a violation, this one included.
func TestSeesTheTree(t *testing.T) {
	found, err := check(os.DirFS("../.."), rules{})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"record/record.go", "internal/arch/check.go"} {
		if !strings.Contains(strings.Join(found, "\n"), want) {
			t.Errorf("the walk did not reach %s", want)
		}
	}
	for _, v := range found {
		name, _, _ := strings.Cut(v, ":")
		if strings.HasPrefix(name, "integration/") || strings.HasPrefix(name, "tools/") || path.Ext(name) != ".go" {
			t.Errorf("the walk read %s, which is not part of this module", name)
		}
	}
}

func parseTree(text string) fstest.MapFS {
	tree := fstest.MapFS{}
	var name string
	for line := range strings.Lines(text) {
		if rest, ok := strings.CutPrefix(line, "== "); ok {
			name = strings.TrimSuffix(strings.TrimSpace(rest), " ==")
			tree[name] = &fstest.MapFile{}
			continue
		}
		tree[name].Data = append(tree[name].Data, line...)
	}
	return tree
}
