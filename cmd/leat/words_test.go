package main

import (
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"
)

func TestSplitWords(t *testing.T) {
	for _, c := range []struct {
		line string
		want []string
	}{
		{"", nil},
		{" \t.,;-_'\"", nil},
		{"word", []string{"word"}},
		{"The quick, the LAZY.", []string{"the", "quick", "the", "lazy"}},
		{"don't stop_here x-y", []string{"don", "t", "stop", "here", "x", "y"}},
		{"v2.0 (2004) 3rd", []string{"v2", "0", "2004", "3rd"}},
		{"crlf\r", []string{"crlf"}},
		{"Straße ÉTÉ, Ωmega", []string{"straße", "été", "ωmega"}},
		{"漢字とかな", []string{"漢字とかな"}},
		{"٣ ½ Ⅷ", []string{"٣"}}, // digits are; fractions and Roman numerals are not
		{"a\xffb\xe9", []string{"a", "b"}},
		{"a\ufffdb", []string{"a", "b"}},
		{"nul\x00nul", []string{"nul", "nul"}},
	} {
		if diff := cmp.Diff(c.want, slices.Collect(splitWords([]byte(c.line)))); diff != "" {
			t.Errorf("words of %q (-want +got):\n%s", c.line, diff)
		}
	}
}

func TestSplitWordsStopsWhenAsked(t *testing.T) {
	for range 2 { // a sequence can be begun anew
		for word := range splitWords([]byte("one two")) {
			if word != "one" {
				t.Errorf("got %q after break", word)
			}
			break
		}
	}
}

// naiveWords is the obvious version: every rune is either kept or made a blank.
func naiveWords(line string) []string {
	blanked := strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return r
		}
		return ' '
	}, line)
	words := strings.Fields(blanked)
	for i, w := range words {
		words[i] = strings.ToLower(w)
	}
	return words
}

func FuzzSplitWords(f *testing.F) {
	f.Add("The quick, the LAZY.")
	f.Add("İstanbul Σίσυφος ǅ\u0301")
	f.Add("a\xff\xf0\x9f\x98b é")
	f.Add("0123456789azAZ/:@[`{")
	f.Fuzz(func(t *testing.T, line string) {
		got := slices.Collect(splitWords([]byte(line)))
		if want := naiveWords(line); !slices.Equal(got, want) {
			t.Errorf("words of %q = %q, want %q", line, got, want)
		}
	})
}

// TestASCIIWordsAreThoseOfTr checks each byte against the class that "tr -cs '[:alnum:]'" keeps in the C locale.
func TestASCIIWordsAreThoseOfTr(t *testing.T) {
	const alnum = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	for c := range 128 {
		if got, want := inWord(rune(c)), strings.IndexByte(alnum, byte(c)) >= 0; got != want {
			t.Errorf("inWord(%q) = %v", rune(c), got)
		}
	}
}
