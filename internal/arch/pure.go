package arch

import (
	"go/ast"
	"go/token"
	"strconv"
	"strings"
)

// impureImports are the standard packages that a pure package may not import, with everything below them, and
// what it does instead.
var impureImports = map[string]string{
	"context":     "a step ends by itself; an end is the caller's affair",
	"crypto/rand": "let the caller pass the number",
	"log":         "return what happened, the caller logs it",
	"math/rand":   "let the caller pass the number",
	"net":         "return an effect, the caller sends it",
	"os":          "let the caller pass the content",
	"sync":        "a pure value has one user at a time",
	"syscall":     "let the caller pass the content",
}

// impureCalls are functions of otherwise welcome packages that a pure package may not name.
var impureCalls = map[string][]string{
	"time": {"After", "AfterFunc", "NewTicker", "NewTimer", "Now", "Since", "Sleep", "Tick", "Until"},
	"fmt":  {"Print", "Printf", "Println", "Scan", "Scanf", "Scanln"},
}

// checkPure reports what a pure package may not do: time arrives as an argument, effects leave as values.
func (s *source) checkPure() {
	names := map[string]string{} // The name in this file of each package of impureCalls.
	for _, spec := range s.file.Imports {
		target, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			continue // Reported with the arrows.
		}
		for bad, instead := range impureImports {
			if (target == bad || strings.HasPrefix(target, bad+"/")) && !s.rules.allows(s.pkg, target) {
				s.report(spec.Pos(), "pure package %s imports %s: %s", s.pkg, target, instead)
			}
		}
		if _, ok := impureCalls[target]; !ok {
			continue
		}
		switch {
		case spec.Name == nil:
			names[target] = target
		case spec.Name.Name == ".":
			s.report(spec.Pos(), "pure package %s imports %s by dot, which hides its calls: import it by name", s.pkg, target)
		default:
			names[spec.Name.Name] = target
		}
	}
	ast.Inspect(s.file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt:
			s.report(n.Pos(), "pure package %s starts a goroutine: return the work as a value, the caller runs it", s.pkg)
		case *ast.ChanType, *ast.SendStmt, *ast.SelectStmt:
			s.report(n.Pos(), "pure package %s uses a channel: take input as arguments and return effects as values", s.pkg)
		case *ast.UnaryExpr:
			if n.Op == token.ARROW {
				s.report(n.Pos(), "pure package %s uses a channel: take input as arguments and return effects as values", s.pkg)
			}
		case *ast.SelectorExpr:
			s.checkSelector(n, names)
		}
		return true
	})
}

func (s *source) checkSelector(n *ast.SelectorExpr, names map[string]string) {
	id, ok := n.X.(*ast.Ident)
	if !ok {
		return
	}
	target, ok := names[id.Name]
	if !ok {
		return
	}
	for _, bad := range impureCalls[target] {
		if n.Sel.Name != bad {
			continue
		}
		instead := "time arrives as an argument"
		if target == "fmt" {
			instead = "return the text, the caller prints it"
		}
		s.report(n.Pos(), "pure package %s uses %s.%s: %s", s.pkg, target, bad, instead)
	}
}
