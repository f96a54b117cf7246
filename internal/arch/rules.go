package arch

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strings"
)

// rules is imports.txt, parsed.
type rules struct {
	packages []entry
	tests    []entry
	allow    []entry
	only     []entry
}

// entry is one line: a pattern of packages (or a foreign module) and what it may import (or who may import it).
type entry struct {
	pure    bool
	subject string
	list    []string
}

// parseRules reads imports.txt. An error names the line.
func parseRules(r io.Reader) (rules, error) {
	var rs rules
	lines := bufio.NewScanner(r)
	for n := 1; lines.Scan(); n++ {
		text, _, _ := strings.Cut(lines.Text(), "#")
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		head, list, ok := strings.Cut(text, ":")
		kind, subject, ok2 := strings.Cut(head, " ")
		if !ok || !ok2 {
			return rules{}, fmt.Errorf("parse imports.txt:%d: %q: want KIND PACKAGE: IMPORTS", n, text)
		}
		e := entry{pure: kind == "pure", subject: strings.TrimSpace(subject), list: strings.Fields(list)}
		switch kind {
		case "pure", "io":
			if slices.ContainsFunc(rs.packages, func(o entry) bool { return o.subject == e.subject }) {
				return rules{}, fmt.Errorf("parse imports.txt:%d: package %q has a line already", n, e.subject)
			}
			rs.packages = append(rs.packages, e)
		case "test":
			rs.tests = append(rs.tests, e)
		case "allow":
			rs.allow = append(rs.allow, e)
		case "only":
			rs.only = append(rs.only, e)
		default:
			return rules{}, fmt.Errorf("parse imports.txt:%d: unknown kind %q: want pure, io, test, allow or only", n, kind)
		}
	}
	if err := lines.Err(); err != nil {
		return rules{}, fmt.Errorf("parse imports.txt: %w", err)
	}
	return rs, rs.validate()
}

// validate refuses arrows from a pure package to one that is not: the file itself must keep the direction.
func (rs rules) validate() error {
	for _, e := range rs.packages {
		if !e.pure {
			continue
		}
		for _, to := range e.list {
			if target, ok := rs.find(to); !ok || !target.pure {
				return fmt.Errorf("parse imports.txt: pure package %q may not import %q, which is not pure", e.subject, to)
			}
		}
	}
	return nil
}

// find returns the line of a package: its own, or else the longest pattern that covers it.
func (rs rules) find(pkg string) (best entry, found bool) {
	for _, e := range rs.packages {
		if e.subject == pkg {
			return e, true
		}
		if matches(e.subject, pkg) && len(e.subject) > len(best.subject) {
			best, found = e, true
		}
	}
	return best, found
}

// allows tells whether an allow line lifts the ban on a standard package from pkg.
func (rs rules) allows(pkg, standard string) bool {
	return slices.ContainsFunc(rs.allow, func(e entry) bool {
		return matches(e.subject, pkg) && slices.Contains(e.list, standard)
	})
}

// mayImport tells whether pkg, whose line is e, may import target; test says that a test file does.
func (rs rules) mayImport(e entry, pkg, target string, test bool) bool {
	in := func(list []string) bool {
		return slices.ContainsFunc(list, func(p string) bool { return matches(p, target) })
	}
	if pkg == target || in(e.list) {
		return true
	}
	return test && slices.ContainsFunc(rs.tests, func(t entry) bool { return matches(t.subject, pkg) && in(t.list) })
}

// owner returns the line of the foreign module that path belongs to.
func (rs rules) owner(path string) (entry, bool) {
	for _, e := range rs.only {
		if path == e.subject || strings.HasPrefix(path, e.subject+"/") {
			return e, true
		}
	}
	return entry{}, false
}

// matches tells whether pattern ("a/b", "a/..." or "*") covers pkg.
func matches(pattern, pkg string) bool {
	if root, ok := strings.CutSuffix(pattern, "/..."); ok {
		return pkg == root || strings.HasPrefix(pkg, root+"/")
	}
	return pattern == "*" || pattern == pkg
}
