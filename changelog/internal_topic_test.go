package changelog_test

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leatstream/leat/changelog"
)

type settings = map[string]string

func TestConfig(t *testing.T) {
	const hour = time.Hour
	for name, c := range map[string]struct {
		use        changelog.Use
		retention  time.Duration
		additional time.Duration
		app, store settings
		want       settings
	}{
		"key-value": {use: changelog.KeyValueChangelog, want: settings{"cleanup.policy": "compact"}},
		"window": {
			use: changelog.WindowChangelog, retention: hour,
			want: settings{"cleanup.policy": "compact,delete", "retention.ms": "90000000"},
		},
		"join": {
			use: changelog.JoinChangelog, retention: hour,
			want: settings{"cleanup.policy": "delete", "retention.ms": "90000000"},
		},
		"versioned": {
			use: changelog.VersionedChangelog, retention: hour,
			want: settings{"cleanup.policy": "compact", "min.compaction.lag.ms": "90000000"},
		},
		"additional retention": {
			use: changelog.WindowChangelog, retention: hour, additional: time.Second,
			want: settings{"cleanup.policy": "compact,delete", "retention.ms": "3601000"},
		},
		"no additional retention": {
			use: changelog.JoinChangelog, retention: hour, additional: -1,
			want: settings{"cleanup.policy": "delete", "retention.ms": "3600000"},
		},
		"versioned has its own": {
			use: changelog.VersionedChangelog, retention: hour, additional: -1,
			want: settings{"cleanup.policy": "compact", "min.compaction.lag.ms": "90000000"},
		},
		"repartition": {
			use: changelog.RepartitionData, retention: hour,
			want: settings{"cleanup.policy": "delete", "segment.bytes": "52428800", "retention.ms": "-1"},
		},
		"repartition overridden": {
			use:   changelog.RepartitionData,
			app:   settings{"segment.bytes": "1", "retention.ms": "7"},
			store: settings{"segment.bytes": "2"},
			want:  settings{"cleanup.policy": "delete", "segment.bytes": "2", "retention.ms": "7"},
		},
		"longest retention": {
			use: changelog.WindowChangelog, retention: math.MaxInt64,
			want: settings{"cleanup.policy": "compact,delete", "retention.ms": "9223372036854775807"},
		},
		"store over app over library": {
			use:   changelog.KeyValueChangelog,
			app:   settings{"segment.bytes": "1", "cleanup.policy": "compact,delete", "min.insync.replicas": "2"},
			store: settings{"segment.bytes": "3"},
			want:  settings{"cleanup.policy": "compact,delete", "segment.bytes": "3", "min.insync.replicas": "2"},
		},
		"app does not shorten retention": {
			use: changelog.WindowChangelog, retention: hour, app: settings{"retention.ms": "5"},
			want: settings{"cleanup.policy": "compact,delete", "retention.ms": "90000000"},
		},
		"store does": {
			use: changelog.WindowChangelog, retention: hour, app: settings{"retention.ms": "5"}, store: settings{"retention.ms": "6"},
			want: settings{"cleanup.policy": "compact,delete", "retention.ms": "6"},
		},
		"lag of the store": {
			use: changelog.VersionedChangelog, retention: hour, store: settings{"min.compaction.lag.ms": "6"},
			want: settings{"cleanup.policy": "compact", "min.compaction.lag.ms": "6"},
		},
		"a join is never compacted": {
			use: changelog.JoinChangelog, app: settings{"cleanup.policy": "compact"}, store: settings{"cleanup.policy": "compact"},
			want: settings{"cleanup.policy": "delete", "retention.ms": "86400000"},
		},
	} {
		c.want["message.timestamp.type"] = "CreateTime"
		app := len(c.app)
		topic := changelog.Internal{Use: c.use, Retention: c.retention, Additional: c.additional, App: c.app, Store: c.store}
		if d := cmp.Diff(c.want, topic.Config()); d != "" {
			t.Errorf("%s:\n%s", name, d)
		}
		if len(c.app) != app {
			t.Errorf("%s: changed its argument", name)
		}
	}
}

func TestCheck(t *testing.T) {
	wanted := func(use changelog.Use, store settings) changelog.Internal {
		return changelog.Internal{Name: "app-s-changelog", Use: use, Partitions: 4, Retention: time.Hour, Store: store}
	}
	kv := wanted(changelog.KeyValueChangelog, nil)
	window := wanted(changelog.WindowChangelog, nil)
	join := wanted(changelog.JoinChangelog, nil)
	versioned := wanted(changelog.VersionedChangelog, nil)
	repartition := wanted(changelog.RepartitionData, nil)
	for name, c := range map[string]struct {
		want changelog.Internal
		have settings
		err  []string // parts of the error; none: no error
	}{
		"equal kv":                 {want: kv, have: kv.Config()},
		"equal window":             {want: window, have: window.Config()},
		"equal join":               {want: join, have: join.Config()},
		"equal versioned":          {want: versioned, have: versioned.Config()},
		"equal repartition":        {want: repartition, have: repartition.Config()},
		"unknown":                  {want: kv, have: settings{}},
		"unlimited size":           {want: window, have: settings{"cleanup.policy": "compact,delete", "retention.ms": "90000000", "retention.bytes": "-1"}},
		"kept for longer":          {want: window, have: settings{"cleanup.policy": "delete,compact", "retention.ms": "90000001"}},
		"kept for ever":            {want: window, have: settings{"cleanup.policy": "compact,delete", "retention.ms": "-1"}},
		"compacted only":           {want: window, have: settings{"cleanup.policy": "compact", "retention.ms": "1"}},
		"kv with unused retention": {want: kv, have: settings{"cleanup.policy": "compact", "retention.ms": "1", "min.compaction.lag.ms": "0"}},
		"chosen by the user": {
			want: wanted(changelog.KeyValueChangelog, settings{"cleanup.policy": "compact,delete", "retention.ms": "5"}),
			have: settings{"cleanup.policy": "compact, delete", "retention.ms": "5"},
		},

		"kv deleted": {
			want: kv, have: settings{"cleanup.policy": "delete", "retention.ms": "604800000"},
			err: []string{"cleanup.policy=delete deletes state", "--add-config cleanup.policy=compact)"},
		},
		"kv deleted too": {want: kv, have: settings{"cleanup.policy": "compact,delete"}, err: []string{"cleanup.policy=compact"}},
		"window too short": {
			want: window, have: settings{"cleanup.policy": "compact,delete", "retention.ms": "89999999"},
			err: []string{"retention.ms=89999999 is below the 90000000", "retention.ms=90000000"},
		},
		"window deleted only": {
			want: join, have: settings{"cleanup.policy": "compact,delete", "retention.ms": "90000000"},
			err: []string{"drops records", "cleanup.policy=delete"},
		},
		"limited size": {
			want: window, have: settings{"cleanup.policy": "compact,delete", "retention.bytes": "1000"},
			err: []string{"retention.bytes=1000 is below the unlimited (-1)", "retention.bytes=-1"},
		},
		"repartition compacted": {want: repartition, have: settings{"cleanup.policy": "compact"}, err: []string{"drops records", "cleanup.policy=delete"}},
		"repartition expires": {
			want: repartition, have: settings{"cleanup.policy": "delete", "retention.ms": "604800000"},
			err: []string{"retention.ms=604800000 is below the unlimited (-1)"},
		},
		"versioned compacted at once": {
			want: versioned, have: settings{"cleanup.policy": "compact", "min.compaction.lag.ms": "0"},
			err: []string{"min.compaction.lag.ms=0 is below the 90000000"},
		},
		"not a number": {want: window, have: settings{"cleanup.policy": "delete", "retention.ms": "week"}, err: []string{`"week" is not a number`}},
		"all at once": {
			want: kv, have: settings{"cleanup.policy": "delete", "retention.bytes": "1"},
			err: []string{"cleanup.policy=delete deletes", "retention.bytes=1 is below", "cleanup.policy=compact,retention.bytes=-1"},
		},
		"values with commas are bracketed": {
			want: wanted(changelog.KeyValueChangelog, settings{"cleanup.policy": "a,b"}), have: settings{"cleanup.policy": "delete"},
			err: []string{"cleanup.policy=[a,b]"},
		},
	} {
		err := c.want.Check(changelog.Existing{Partitions: 4, Config: c.have})
		if len(c.err) == 0 {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		var te *changelog.TopicError
		if !errors.As(err, &te) || te.Topic != "app-s-changelog" || te.Remedy == "" {
			t.Errorf("%s: error %v, want a TopicError", name, err)
			continue
		}
		for _, part := range append(c.err, `internal topic "app-s-changelog"`) {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%s: error %q lacks %q", name, err, part)
			}
		}
	}
}

func TestCheckPartitions(t *testing.T) {
	err := changelog.Internal{Name: "app-s-changelog", Partitions: 4}.Check(changelog.Existing{Partitions: 5})
	if err == nil || !strings.Contains(err.Error(), "has 5 partitions, the application needs 4") || !strings.Contains(err.Error(), "reset") {
		t.Errorf("error %v, want both numbers and a remedy", err)
	}
}

func TestKindsChangelog(t *testing.T) {
	for kind, want := range map[changelog.Kind]changelog.Use{
		changelog.KeyValue:          changelog.KeyValueChangelog,
		changelog.Timestamped:       changelog.KeyValueChangelog,
		changelog.List:              changelog.KeyValueChangelog,
		changelog.Window:            changelog.WindowChangelog,
		changelog.TimestampedWindow: changelog.WindowChangelog,
		changelog.Session:           changelog.WindowChangelog,
		changelog.JoinWindow:        changelog.JoinChangelog,
		changelog.Versioned:         changelog.VersionedChangelog,
	} {
		if got := kind.Changelog(); got != want {
			t.Errorf("kind %d: %d, want %d", kind, got, want)
		}
	}
}
