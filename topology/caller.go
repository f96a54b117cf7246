package topology

import (
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
)

// module is the import path that leat's own packages begin with.
const module = "github.com/leatstream/leat/"

// unknownCaller stands for a place that the runtime cannot tell.
const unknownCaller = "unknown"

// builders are the packages that build topologies on behalf of their caller, they and the packages below them.
var builders = []string{module + "stream", module + "topology", module + "processor"}

func isBuilder(pkg string) bool {
	for _, b := range builders {
		if rest, ok := strings.CutPrefix(pkg, b); ok && (rest == "" || rest[0] == '/') {
			return true
		}
	}
	return false
}

// Caller returns the file (with its folder) and line of the innermost call that is not one of the packages
// that build topologies, such as "wordcount/main.go:42": the place in the user's code to name in an error. The
// tests of those packages count as users.
func Caller() string {
	var pcs [64]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs[:])])
	for {
		f, more := frames.Next()
		if f.File != "" && (!isBuilder(packageOf(f.Function)) || strings.HasSuffix(f.File, "_test.go")) {
			file := filepath.ToSlash(f.File)
			if i := strings.LastIndexByte(file, '/'); i > 0 {
				file = file[strings.LastIndexByte(file[:i], '/')+1:]
			}
			return fmt.Sprintf("%s:%d", file, f.Line)
		}
		if !more {
			return unknownCaller
		}
	}
}

// packageOf returns the import path in a function's full name, such as "a.b/c" of "a.b/c.(*T[...]).M".
func packageOf(function string) string {
	slash := 0
	// Type arguments hold slashes too.
	name, _, _ := strings.Cut(function, "[")
	if i := strings.LastIndexByte(name, '/'); i >= 0 {
		slash = i + 1
	}
	if i := strings.IndexByte(name[slash:], '.'); i >= 0 {
		return name[:slash+i]
	}
	return name
}
