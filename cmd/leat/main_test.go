package main

import (
	"path/filepath"
	"strings"
	"testing"
)

// leat runs the command as a shell would.
func leat(t *testing.T, args ...string) (code int, out, progress string) {
	t.Helper()
	var o, p strings.Builder
	code = run(t.Context(), args, console{&o, &p})
	return code, o.String(), p.String()
}

func TestCommandLines(t *testing.T) {
	absent := filepath.Join(t.TempDir(), "absent")
	for _, c := range []struct {
		args  string
		code  int
		out   string
		error string
	}{
		{"", 0, "leat demo wordcount", ""},
		{"help", 0, "leat demo wordcount", ""},
		{"version", 0, "leat ", ""},
		{"demo", 0, "wordcount", ""},
		{"demo --help", 0, "wordcount", ""},
		{"demo wordcount --help", 0, "-instances", ""},
		{"demo wordcount --describe --app-id shop", 0, "Source: KSTREAM-SOURCE-0000000000 (topics: [shop-lines])", ""},
		{"demo wordcount --describe=mermaid --app-id shop", 0, "flowchart", ""},
		{"demo wordcount --describe=dot", 2, "", "neither text nor mermaid"},
		{"demo", 0, "shop", ""},
		{"demo shop --help", 0, "-rate", ""},
		{"demo shop --describe --app-id mill", 0, "(topics: [mill-payments])", ""},
		{"demo shop --describe=mermaid", 0, "leat-shop-totals", ""},
		{"demo shop --rate 0 --duration -1s --instances 0 more", 2, "", `it takes flags only, not "more"; --rate 0 is not above 0 and up to 100000; --duration -1s is negative; --instances 0`},
		{"demo shop --rate NaN", 2, "", "--rate NaN"},
		{"demo shop --app-id " + strings.Repeat("x", 247), 2, "", `Kafka allows 249`},
		{"bogus", 2, "", `unknown command "bogus"`},
		{"demo bogus", 2, "", `unknown demonstration "bogus"`},
		{"demo wordcount --bogus", 2, "", "-bogus"},
		{"demo wordcount --workers many", 2, "", "many"},
		{"demo wordcount --output xml --instances 0 --workers -1 --app-id a/b --brokers localhost", 2, "", `--workers -1 is negative; --instances 0: there must be at least one; --output "xml" is neither text nor json; config: Application "a/b"`},
		{"demo wordcount --output xml --brokers localhost", 2, "", `"localhost" is not host:port`},
		{"demo wordcount --brokers=", 2, "", `is not host:port`},
		{"demo wordcount --app-id=", 2, "", `Application is empty`},
		{"demo wordcount --app-id " + strings.Repeat("x", 247), 2, "", `Kafka allows 249`},
		{"demo wordcount " + absent, 1, "", "no such file"},
		{"demo wordcount " + t.TempDir(), 1, "", "is a directory"},
	} {
		code, out, progress := leat(t, strings.Fields(c.args)...)
		if code != c.code || !strings.Contains(out, c.out) || c.out == "" && out != "" {
			t.Errorf("leat %s: code %d, out %q, want %d, %q", c.args, code, out, c.code, c.out)
		}
		if !strings.Contains(progress, c.error) || c.error == "" && progress != "" {
			t.Errorf("leat %s: progress %q, want %q", c.args, progress, c.error)
		}
		if strings.Count(progress, "\n") > 1 {
			t.Errorf("leat %s: the error has more than one line: %q", c.args, progress)
		}
	}
}

func TestFlagsStandAnywhere(t *testing.T) {
	for _, args := range []string{
		"--app-id x --instances 3 one two",
		"one --app-id x two --instances=3",
		"one two -app-id x -instances 3",
		"--app-id x --instances 3 -- one two",
	} {
		o, err := parseWordcount(strings.Fields(args), nil)
		if err != nil || o.appID != "x" || o.instances != 3 || strings.Join(o.files, " ") != "one two" {
			t.Errorf("%s: %+v, %v", args, o, err)
		}
	}
	o, err := parseWordcount([]string{"a", "--", "--output", "--"}, nil)
	if err != nil || strings.Join(o.files, " ") != "a --output --" {
		t.Errorf("files after --: %+v, %v", o, err)
	}
	o, err = parseWordcount([]string{"--brokers", "a:1, b:2,c:3"}, nil)
	if err != nil || strings.Join(o.brokers, "|") != "a:1|b:2|c:3" {
		t.Errorf("brokers: %+v, %v", o, err)
	}
}
