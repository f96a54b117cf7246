package kafka

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kversion"
)

func TestTransactionsOfOldAndNewBrokers(t *testing.T) {
	for name, c := range map[string]struct {
		versions *kversion.Versions
		fenced   bool
	}{
		"2.4": {kversion.V2_4_0(), false},
		"2.5": {kversion.V2_5_0(), true},
		"3.9": {kversion.V3_9_0(), true},
	} {
		e := newFake(t, kfake.MaxVersions(c.versions))
		got, err := e.admin.Transactions(t.Context())
		if err != nil || got.Fenced != c.fenced || got.Version >= 2 {
			t.Errorf("%s: %+v, %v; want fenced %v", name, got, err, c.fenced)
		}
	}
	onClusters(t, func(t *testing.T, e *env) {
		got, err := e.admin.Transactions(t.Context())
		if err != nil || !got.Fenced || got.Version < 2 {
			t.Errorf("%+v, %v", got, err)
		}
	})
}
