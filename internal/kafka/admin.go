package kafka

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Admin asks about and changes topics, offsets and groups. Its methods may be called concurrently. They
// block until the answer is there, ctx ends, or the request timeout of the Config has passed.
type Admin struct {
	cl      *kgo.Client
	timeout time.Duration
}

// Connect checks that the cluster can be reached with cfg and returns an Admin for it. When no broker
// answers within the connect timeout, the error is of kind [Unreachable] and names the addresses; refused
// credentials are of kind [Unauthorized], a wrong Config is [Invalid].
func Connect(ctx context.Context, cfg Config) (*Admin, error) {
	quiet := cfg // the one error that is returned says it all; the client would say it at each try
	quiet.Logger = nil
	first, err := newProbe(quiet)
	if err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	err = ping(ctx, first, cfg)
	first.Close()
	if err != nil {
		return nil, err
	}
	cl, err := newClient(cfg)
	if err != nil {
		return nil, err
	}
	return &Admin{cl: cl, timeout: cfg.RequestTimeout}, nil
}

// ping asks until a broker answers.
func ping(ctx context.Context, cl *kgo.Client, cfg Config) error {
	bounded, cancel := context.WithTimeout(ctx, cfg.ConnectTimeout)
	defer cancel()
	var cause error
	for {
		err := pingOnce(bounded, cl)
		if err == nil {
			return nil
		}
		if k, _ := judge(err, ""); k == Unauthorized {
			return classify("connect to "+strings.Join(cfg.Brokers, ","), "", -1, err)
		}
		// The end of our own patience says nothing, nor does a dial that it cut short; keep the reason before it.
		if cause == nil || bounded.Err() == nil && !timedOut(err) {
			cause = err
		}
		select {
		case <-time.After(200 * time.Millisecond):
			continue
		case <-bounded.Done():
		}
		if err := ctx.Err(); err != nil {
			return classify("connect to "+strings.Join(cfg.Brokers, ","), "", -1, err)
		}
		e := &Error{
			Kind: Unreachable, Op: "connect to " + strings.Join(cfg.Brokers, ","), Partition: -1,
			Err:    fmt.Errorf("no broker answered within %v: %w", cfg.ConnectTimeout, cause),
			Remedy: "check the addresses, that a broker runs there, and whether it expects TLS or SASL",
		}
		if _, ok := errors.AsType[*net.DNSError](cause); ok {
			e.Remedy = "check the host name"
		}
		return e
	}
}

// pingOnce asks all brokers once. It ends with ctx, which franz-go's Ping alone does not while it waits for a
// peer that accepts connections and says nothing.
func pingOnce(ctx context.Context, cl *kgo.Client) error {
	answer := make(chan error, 1)
	go func() { answer <- cl.Ping(ctx) }()
	select {
	case err := <-answer:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Close closes the connections. It must not be called while another method runs.
func (a *Admin) Close() { a.cl.Close() }

// Topic is what the cluster says about a topic.
type Topic struct {
	Name string
	// ID changes when the topic is deleted and made anew. Zero on brokers older than 2.8.
	ID [16]byte
	// Partitions is the number of partitions, 0 when the topic is missing.
	Partitions int32
	// Replication is the number of replicas of the first partition.
	Replication int
	// Missing tells that there is no topic of this name.
	Missing bool
}

// Topics describes the named topics; every name is in the result, one that does not exist with Missing set.
// With no names the result is empty. A topic that the principal may not describe is an error of kind
// [Unauthorized].
func (a *Admin) Topics(ctx context.Context, names ...string) (map[string]Topic, error) {
	out := make(map[string]Topic, len(names))
	if len(names) == 0 {
		return out, nil
	}
	req := kmsg.NewPtrMetadataRequest()
	for _, name := range names {
		if _, ok := out[name]; ok {
			continue
		}
		out[name] = Topic{Name: name, Missing: true}
		t := kmsg.NewMetadataRequestTopic()
		t.Topic = new(name)
		req.Topics = append(req.Topics, t)
	}
	resp, err := req.RequestWith(ctx, a.cl)
	if err != nil {
		return nil, classify("describe topics", "", -1, err)
	}
	var errs []error
	for _, t := range resp.Topics {
		if t.Topic == nil {
			continue
		}
		// While a partition has no leader, the topic is there all the same.
		switch err := kerr.ErrorForCode(t.ErrorCode); {
		case err == nil, errors.Is(err, kerr.LeaderNotAvailable):
			d := Topic{Name: *t.Topic, ID: t.TopicID, Partitions: int32(len(t.Partitions)), Missing: len(t.Partitions) == 0}
			if len(t.Partitions) > 0 {
				d.Replication = len(t.Partitions[0].Replicas)
			}
			out[*t.Topic] = d
		case errors.Is(err, kerr.UnknownTopicOrPartition):
		default:
			errs = append(errs, classify("describe topic", *t.Topic, -1, err))
		}
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return out, nil
}

// TopicSpec is a topic to create.
type TopicSpec struct {
	Name       string
	Partitions int32
	// Replication is the replication factor; 0 and -1 mean the broker's default.
	Replication int16
	// Configs are the topic's configs, such as "cleanup.policy".
	Configs map[string]string
}

// CreateTopics creates the topics that do not exist yet and waits until every one of specs is known to the
// cluster with its partitions. A topic that exists already is left as it is, whatever its partitions and
// configs: compare with [Admin.Topics] and [Admin.TopicConfigs]. The errors of all topics come joined.
func (a *Admin) CreateTopics(ctx context.Context, specs ...TopicSpec) error {
	if len(specs) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, a.timeout)
	defer cancel()
	req := kmsg.NewPtrCreateTopicsRequest()
	req.TimeoutMillis = int32(a.timeout.Milliseconds())
	names := make([]string, len(specs))
	for i, s := range specs {
		t := kmsg.NewCreateTopicsRequestTopic()
		t.Topic, t.NumPartitions, t.ReplicationFactor = s.Name, s.Partitions, s.Replication
		if s.Replication == 0 {
			t.ReplicationFactor = -1
		}
		for k, v := range s.Configs {
			c := kmsg.NewCreateTopicsRequestTopicConfig()
			c.Name, c.Value = k, new(v)
			t.Configs = append(t.Configs, c)
		}
		req.Topics = append(req.Topics, t)
		names[i] = s.Name
	}
	resp, err := req.RequestWith(ctx, a.cl)
	if err != nil {
		return classify("create topics", "", -1, err)
	}
	var errs []error
	for _, t := range resp.Topics {
		err := kerr.ErrorForCode(t.ErrorCode)
		if err == nil || errors.Is(err, kerr.TopicAlreadyExists) {
			continue
		}
		if t.ErrorMessage != nil && *t.ErrorMessage != "" {
			err = fmt.Errorf("%w (%s)", err, *t.ErrorMessage)
		}
		errs = append(errs, classify("create topic", t.Topic, -1, err))
	}
	if len(errs) > 0 {
		return errors.Join(errs...)
	}
	_, err = a.AwaitTopics(ctx, names...)
	return err
}

// TopicConfigs returns all configs in effect of each of the topics, defaults included. Those whose value the
// broker keeps secret are left out.
func (a *Admin) TopicConfigs(ctx context.Context, names ...string) (map[string]map[string]string, error) {
	out := make(map[string]map[string]string, len(names))
	if len(names) == 0 {
		return out, nil
	}
	req := kmsg.NewPtrDescribeConfigsRequest()
	for _, name := range names {
		r := kmsg.NewDescribeConfigsRequestResource()
		r.ResourceType, r.ResourceName = kmsg.ConfigResourceTypeTopic, name
		req.Resources = append(req.Resources, r)
	}
	resp, err := req.RequestWith(ctx, a.cl)
	if err != nil {
		return nil, classify("describe configs", "", -1, err)
	}
	var errs []error
	for _, r := range resp.Resources {
		if err := kerr.ErrorForCode(r.ErrorCode); err != nil {
			errs = append(errs, classify("describe configs of topic", r.ResourceName, -1, err))
			continue
		}
		m := make(map[string]string, len(r.Configs))
		for _, c := range r.Configs {
			if c.Value != nil {
				m[c.Name] = *c.Value
			}
		}
		out[r.ResourceName] = m
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return out, nil
}
