// Package arch keeps the house's layers apart. imports.txt lists, for every package of the module, what it may
// import; the test of this package parses every Go file below the module's root and fails on an arrow that is
// not listed, on a foreign module outside the package that owns it, and on a pure package that reaches for a
// clock, a lock, a goroutine, a file or a socket.
//
// The files are parsed, not listed by the go command: all build tags are seen at once, and a cached test result
// cannot hide a violation, because the files read are inputs of the test.
package arch
