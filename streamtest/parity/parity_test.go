package parity_test

import (
	"flag"
	"os"
	"testing"

	"github.com/leatstream/leat/streamtest/parity"
)

var scenarios = flag.String("scenarios", "testdata/scenarios", "directory of the scenarios to run, absolute or relative to this package")

// TestParity runs the scenarios and compares with what Kafka Streams answers. It fails for the families that
// are complete; the others are reported.
func TestParity(t *testing.T) {
	all, err := parity.Load(*scenarios)
	if err != nil {
		t.Fatal(err)
	}
	report := parity.RunAll(all)
	if err := report.Print(os.Stdout); err != nil {
		t.Fatal(err)
	}
	for _, d := range report.Broken(parity.Complete) {
		t.Error(d)
	}
}
