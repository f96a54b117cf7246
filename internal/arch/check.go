package arch

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
)

// module is the import path of the tree's root.
const module = "github.com/leatstream/leat"

// check parses every Go file of tree and returns what breaks the rules, one line each, in path order. Folders
// that are modules of their own, testdata and hidden folders are left out.
func check(tree fs.FS, rs rules) ([]string, error) {
	var found []string
	err := fs.WalkDir(tree, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if name != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata" || isModule(tree, name)) {
				return fs.SkipDir
			}
			return nil
		}
		if path.Ext(name) != ".go" {
			return nil
		}
		src, err := fs.ReadFile(tree, name)
		if err != nil {
			return err
		}
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, name, src, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		f := source{rules: rs, set: set, file: file, pkg: path.Dir(name), test: strings.HasSuffix(name, "_test.go")}
		found = append(found, f.check()...)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read tree: %w", err)
	}
	return found, nil
}

func isModule(tree fs.FS, dir string) bool {
	_, err := fs.Stat(tree, path.Join(dir, "go.mod"))
	return err == nil
}

// source is one file under the rules.
type source struct {
	rules rules
	set   *token.FileSet
	file  *ast.File
	pkg   string
	test  bool
	found []string
}

func (s *source) report(at token.Pos, format string, args ...any) {
	p := s.set.Position(at)
	s.found = append(s.found, fmt.Sprintf("%s:%d: %s", p.Filename, p.Line, fmt.Sprintf(format, args...)))
}

func (s *source) check() []string {
	line, ok := s.rules.find(s.pkg)
	if !ok {
		s.report(s.file.Package, "package %q has no line in internal/arch/imports.txt: add one that says what it may import", s.pkg)
		return s.found
	}
	for _, spec := range s.file.Imports {
		target, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			s.report(spec.Pos(), "import path %s: %v", spec.Path.Value, err)
			continue
		}
		if rel, own := ownPackage(target); own {
			s.checkArrow(line, spec, rel)
		} else {
			s.checkForeign(spec, target)
		}
	}
	// Tests of the pure core may read files and draw seeded numbers; what they test may not.
	if line.pure && !s.test {
		s.checkPure()
	}
	return s.found
}

// ownPackage returns the path of a package of this module below its root, and whether it is one.
func ownPackage(target string) (string, bool) {
	if target == module {
		return ".", true
	}
	return strings.CutPrefix(target, module+"/")
}

func (s *source) checkArrow(line entry, spec *ast.ImportSpec, target string) {
	if s.rules.mayImport(line, s.pkg, target, s.test) {
		return
	}
	if t, ok := s.rules.find(target); line.pure && !s.test && (!ok || !t.pure) {
		s.report(spec.Pos(), "pure package %s imports %s, which is not pure: pass what it needs as an argument or an interface", s.pkg, target)
		return
	}
	kind := "its"
	if s.test {
		kind = "a test"
	}
	s.report(spec.Pos(), "%s imports %s, an arrow that is not in internal/arch/imports.txt: move the code, or add %q to %s line there and say why in the commit", s.pkg, target, target, kind)
}

func (s *source) checkForeign(spec *ast.ImportSpec, target string) {
	first, _, _ := strings.Cut(target, "/")
	if !strings.Contains(first, ".") {
		return // The standard library.
	}
	owner, ok := s.rules.owner(target)
	switch {
	case !ok:
		s.report(spec.Pos(), "%s imports %s, a module without an \"only\" line in internal/arch/imports.txt: do without it, or add the line and say why in the commit", s.pkg, target)
	case !slices.ContainsFunc(owner.list, func(p string) bool { return matches(p, s.pkg) || s.test && p == "test" }):
		s.report(spec.Pos(), "%s imports %s, which is for %s alone: go through that package", s.pkg, target, strings.Join(owner.list, " and "))
	}
}
