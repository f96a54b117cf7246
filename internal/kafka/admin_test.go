package kafka

import (
	"context"
	"maps"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/leatstream/leat/record"
)

func TestConnectToNobody(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	t.Run("refused", func(t *testing.T) {
		l.Close()
		begin := time.Now()
		_, err := Connect(t.Context(), Config{Brokers: []string{addr}, ConnectTimeout: 500 * time.Millisecond})
		wantKind(t, err, Unreachable, addr, "connection refused", "check the addresses", "500ms")
		if d := time.Since(begin); d > 3*time.Second {
			t.Errorf("took %v", d)
		}
	})
	t.Run("no answer", func(t *testing.T) {
		// It accepts and says nothing.
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		begin := time.Now()
		_, err = Connect(t.Context(), Config{Brokers: []string{l.Addr().String()}, ConnectTimeout: 500 * time.Millisecond})
		wantKind(t, err, Unreachable, l.Addr().String(), "check the addresses")
		if d := time.Since(begin); d > 3*time.Second {
			t.Errorf("took %v", d)
		}
	})
	t.Run("unknown host", func(t *testing.T) {
		_, err := Connect(t.Context(), Config{Brokers: []string{"no.such.host.invalid:9092"}, ConnectTimeout: 2 * time.Second})
		wantKind(t, err, Unreachable, "no.such.host.invalid:9092", "check the host name")
	})
	t.Run("context", func(t *testing.T) {
		_, err := Connect(done, Config{Brokers: []string{addr}})
		wantKind(t, err, Closed)
	})
}

func TestTopics(t *testing.T) {
	onClusters(t, func(t *testing.T, e *env) {
		a, missing := e.topic(t, 3), e.name(t, "missing")
		got, err := e.admin.Topics(t.Context(), a, missing, a)
		if err != nil {
			t.Fatal(err)
		}
		if len(got) != 2 || got[a].Partitions != 3 || got[a].ID == ([16]byte{}) || got[a].Replication < 1 || got[a].Missing {
			t.Errorf("%+v", got)
		}
		if diff := cmp.Diff(Topic{Name: missing, Missing: true}, got[missing]); diff != "" {
			t.Error(diff)
		}
		if got, err := e.admin.Topics(t.Context()); err != nil || len(got) != 0 {
			t.Errorf("Topics of nothing: %v, %v", got, err)
		}
	})
}

func TestCreateTopics(t *testing.T) {
	onClusters(t, func(t *testing.T, e *env) {
		a, b := e.name(t, "a"), e.name(t, "b")
		if err := e.admin.CreateTopics(t.Context(), TopicSpec{Name: a, Partitions: 2, Configs: map[string]string{"cleanup.policy": "compact"}}); err != nil {
			t.Fatal(err)
		}
		// One exists already, with other partitions: it stays as it is, and the new one is made.
		if err := e.admin.CreateTopics(t.Context(), TopicSpec{Name: a, Partitions: 5, Replication: -1}, TopicSpec{Name: b, Partitions: 1}); err != nil {
			t.Fatal(err)
		}
		topics, err := e.admin.Topics(t.Context(), a, b)
		if err != nil || topics[a].Partitions != 2 || topics[b].Partitions != 1 {
			t.Errorf("%+v, %v", topics, err)
		}
		configs, err := e.admin.TopicConfigs(t.Context(), a, b)
		if err != nil || configs[a]["cleanup.policy"] != "compact" || configs[b]["cleanup.policy"] != "delete" || configs[a]["retention.ms"] == "" {
			t.Errorf("%v, %v", configs, err)
		}
		bad := e.name(t, "no-partitions")
		err = e.admin.CreateTopics(t.Context(), TopicSpec{Name: e.name(t, "r"), Partitions: 1, Replication: 99}, TopicSpec{Name: bad, Partitions: 0})
		for _, each := range err.(interface{ Unwrap() []error }).Unwrap() {
			wantKind(t, each, Invalid)
		}
		wantKind(t, err, Invalid, bad, "replication factor")
		_, err = e.admin.TopicConfigs(t.Context(), e.name(t, "missing"))
		wantKind(t, err, UnknownTopic)
	})
}

func TestOffsets(t *testing.T) {
	onClusters(t, func(t *testing.T, e *env) {
		topic := e.topic(t, 2)
		a, b := tp(topic, 0), tp(topic, 1)
		e.fill(t, a, 0, 10)
		e.fill(t, b, 0, 2)
		open := e.openTxn(t, b, 3)
		both := []record.TopicPartition{a, b}
		if err := e.admin.DeleteRecords(t.Context(), map[record.TopicPartition]int64{a: 4}); err != nil {
			t.Fatal(err)
		}
		for name, c := range map[string]struct {
			ask  func(context.Context, []record.TopicPartition) (map[record.TopicPartition]int64, error)
			want map[record.TopicPartition]int64
		}{
			"start":     {e.admin.StartOffsets, map[record.TopicPartition]int64{a: 4, b: 0}},
			"end":       {e.admin.EndOffsets, map[record.TopicPartition]int64{a: 10, b: 5}},
			"committed": {e.admin.CommittedEndOffsets, map[record.TopicPartition]int64{a: 10, b: 2}},
		} {
			got, err := c.ask(t.Context(), both)
			if err != nil || !maps.Equal(got, c.want) {
				t.Errorf("%s: %v, %v; want %v", name, got, err, c.want)
			}
			if got, err := c.ask(t.Context(), nil); err != nil || len(got) != 0 {
				t.Errorf("%s of nothing: %v, %v", name, got, err)
			}
		}
		if err := open.EndTransaction(t.Context(), kgo.TryAbort); err != nil {
			t.Fatal(err)
		}
		e.admin.timeout = 2 * time.Second
		_, err := e.admin.EndOffsets(t.Context(), []record.TopicPartition{a, tp(topic, 7)})
		wantKind(t, err, UnknownTopic, topic+"[7]")
		err = e.admin.DeleteRecords(t.Context(), map[record.TopicPartition]int64{a: 1000, b: 1})
		wantKind(t, err, OffsetOutOfRange, topic+"[0]@1000")
		if got, err := e.admin.StartOffsets(t.Context(), both); err != nil || got[b] != 1 {
			t.Errorf("the other partition's records were not deleted: %v, %v", got, err)
		}
	})
}

func TestGroupOffsetsOfNobody(t *testing.T) {
	onClusters(t, func(t *testing.T, e *env) {
		got, err := e.admin.GroupOffsets(t.Context(), e.name(t, "g"), true)
		if err != nil || len(got) != 0 {
			t.Errorf("%v, %v", got, err)
		}
	})
}

func TestGroupOffsetsWaitForOpenTransactions(t *testing.T) {
	onClusters(t, func(t *testing.T, e *env) {
		topic, group, id := e.topic(t, 2), e.name(t, "g"), e.name(t, "x")
		a, b := tp(topic, 0), tp(topic, 1)
		first := commitRequest(group, map[record.TopicPartition]Offset{b: {Next: 1}})
		first.Topics[0].TopicID = e.describe(t, topic).ID
		if resp, err := first.RequestWith(t.Context(), e.admin.cl); err != nil || resp.Topics[0].Partitions[0].ErrorCode != 0 {
			t.Fatal(resp, err)
		}
		cl := e.kgo(t, kgo.TransactionalID(id))
		if err := cl.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		if err := cl.ProduceSync(t.Context(), &kgo.Record{Topic: topic, Value: []byte("x")}).FirstErr(); err != nil {
			t.Fatal(err)
		}
		var err error
		req := kmsg.NewPtrTxnOffsetCommitRequest()
		req.TransactionalID, req.Group, req.Generation = id, group, -1
		req.ProducerID, req.ProducerEpoch, err = cl.ProducerID(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		rt := kmsg.NewTxnOffsetCommitRequestTopic()
		rt.Topic, rt.TopicID = topic, e.describe(t, topic).ID
		rp := kmsg.NewTxnOffsetCommitRequestTopicPartition()
		rp.Offset = 42
		rt.Partitions = append(rt.Partitions, rp)
		req.Topics = append(req.Topics, rt)
		if resp, err := req.RequestWith(t.Context(), cl); err != nil || resp.Topics[0].Partitions[0].ErrorCode != 0 {
			t.Fatal(resp, err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		_, err = e.admin.GroupOffsets(ctx, group, true, a, b)
		wantKind(t, err, Retriable, topic)
		got, err := e.admin.GroupOffsets(t.Context(), group, false)
		if want := (map[record.TopicPartition]Offset{b: {Next: 1}}); err != nil || !maps.Equal(got, want) {
			t.Errorf("without waiting: %v, %v", got, err)
		}
		if err := cl.EndTransaction(t.Context(), kgo.TryCommit); err != nil {
			t.Fatal(err)
		}
		got, err = e.admin.GroupOffsets(t.Context(), group, true, a, b)
		if want := (map[record.TopicPartition]Offset{a: {Next: 42}, b: {Next: 1}}); err != nil || !maps.Equal(got, want) {
			t.Errorf("after the commit: %v, %v", got, err)
		}
	})
}

func (e *env) describe(t *testing.T, topic string) Topic {
	t.Helper()
	topics, err := e.admin.Topics(t.Context(), topic)
	if err != nil {
		t.Fatal(err)
	}
	return topics[topic]
}

func TestConfigReportsAllProblems(t *testing.T) {
	err := (&Config{
		Brokers: []string{"nohost", "h:0", ":9092", "good:9092"}, ConnectTimeout: -1, MaxResponse: -1,
		SASL: &SASL{Mechanism: "SCRAM-SHA-1", User: "u", Password: "secret"},
	}).Validate()
	wantKind(t, err, Invalid, `"nohost"`, `"h:0"`, `":9092"`, "connect timeout", "maximal sizes", "without tls", "SCRAM-SHA-1")
	if n := len(strings.Split(err.Error(), "\n")); n != 7 {
		t.Errorf("%d problems: %v", n, err)
	}
	wantKind(t, (&Config{}).Validate(), Invalid, "none given")
	for _, s := range []*SASL{{Mechanism: Plain, User: "u"}, {Mechanism: OAuthBearer}} {
		wantKind(t, (&Config{Brokers: []string{"h:1"}, AllowPlaintextSASL: true, SASL: s}).Validate(), Invalid, string(s.Mechanism))
	}
	if err := (&Config{Brokers: []string{"h:1", "[::1]:9092"}}).Validate(); err != nil {
		t.Error(err)
	}
	for name, f := range map[string]func() error{
		"connect":  func() error { _, err := Connect(t.Context(), Config{}); return err },
		"client":   func() error { _, err := NewClient(Config{}, ClientConfig{}); return err },
		"restorer": func() error { _, err := NewRestorer(Config{}, ReadConfig{}); return err },
		"join": func() error {
			_, err := Join(Config{}, MemberConfig{Group: "g", Topics: []string{"t"}, Assignor: &spread{}, Handler: newPlayer("m", newBoard())})
			return err
		},
		"member config": func() error { _, err := Join(Config{Brokers: []string{"h:1"}}, MemberConfig{}); return err },
		"client config": func() error {
			_, err := NewClient(Config{Brokers: []string{"h:1"}}, ClientConfig{Compression: "rar", Linger: -1, MaxBuffered: -1})
			return err
		},
	} {
		if err := f(); err == nil {
			t.Errorf("%s: no error", name)
		} else {
			wantKind(t, err, Invalid)
		}
	}
}

func TestErrorsSayWhatTheyMean(t *testing.T) {
	if got := slices.Max([]int{len(kindNames), int(Refused) + 1}); got != len(kindNames) || len(kindNames) != int(Refused)+1 {
		t.Errorf("%d names for %d kinds", len(kindNames), int(Refused)+1)
	}
	p, q := tp("t", 0), tp("t", 1)
	fenced := &Error{Kind: Fenced, Op: "commit", Topic: "t", Partition: 1, Err: Fenced}
	again := &Error{Kind: Retriable, Op: "commit", Topic: "t", Partition: 0, Err: Retriable}
	e := &CommitError{Partitions: map[record.TopicPartition]error{p: again, q: fenced}}
	wantKind(t, e, Fenced, "commit t[1]", "1 more")
	wantKind(t, &CommitError{Partitions: map[record.TopicPartition]error{p: again}}, Retriable, "commit t[0]: retriable")
	if KindOf(context.Canceled) != Fatal {
		t.Error("a foreign error has a kind")
	}
}
