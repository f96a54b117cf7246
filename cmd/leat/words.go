package main

import (
	"iter"
	"strings"
	"unicode"
	"unicode/utf8"
)

// splitWords yields the words of a line, lower-cased: the longest runs of letters and digits in Unicode's
// sense. Bytes that are not UTF-8 separate words, as everything else does.
func splitWords(line []byte) iter.Seq[string] {
	return func(yield func(string) bool) {
		start := -1
		for i := 0; i < len(line); {
			r, n := rune(line[i]), 1
			if r >= utf8.RuneSelf {
				r, n = utf8.DecodeRune(line[i:])
			}
			switch {
			case inWord(r):
				if start < 0 {
					start = i
				}
			case start >= 0:
				if !yield(strings.ToLower(string(line[start:i]))) {
					return
				}
				start = -1
			}
			i += n
		}
		if start >= 0 {
			yield(strings.ToLower(string(line[start:])))
		}
	}
}

// inWord reports whether r is part of a word. utf8.RuneError is not.
func inWord(r rune) bool {
	if r < utf8.RuneSelf {
		return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9'
	}
	return unicode.IsLetter(r) || unicode.IsDigit(r)
}
