package kafka

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Config says how to reach a cluster. Every connection of an application is made from the same one. It is
// copied where it is used and may be shared.
type Config struct {
	// Brokers are the addresses, "host:port", to ask first. At least one.
	Brokers []string
	// ClientID names this client in the broker's logs, metrics and quotas. Default "leat".
	ClientID string
	// TLS turns TLS on. nil means plaintext. A MinVersion below TLS 1.2 is raised to it.
	TLS *tls.Config
	// SASL authenticates this client. nil means none.
	SASL *SASL
	// AllowPlaintextSASL permits SASL without TLS, which shows the credentials to the network.
	AllowPlaintextSASL bool
	// Logger receives what the Kafka client logs, from level Warn upwards as Warn. nil means none.
	Logger *slog.Logger
	// Dialer opens connections in place of the net package's. For tests. It is given the plain address;
	// with TLS set as well, the connection that it returns must speak TLS already.
	Dialer func(ctx context.Context, network, address string) (net.Conn, error)
	// ConnectTimeout bounds [Connect]'s wait for the first answer, and, up to the default, each dial. Default 10 s.
	ConnectTimeout time.Duration
	// RequestTimeout bounds how long a request is tried again before its error is returned. Default 30 s.
	RequestTimeout time.Duration
	// MaxDecompressedBatch bounds what one compressed batch may become, in bytes, as a guard against
	// compression bombs: the partition stops with an error of kind TooLarge. Default 128 MiB.
	MaxDecompressedBatch int
	// MaxResponse bounds one response of the broker, in bytes. Default 100 MiB.
	MaxResponse int32
	// MetadataMaxAge is how old knowledge about topics may get before it is asked for again; new
	// partitions are noticed within it. Default 1 min.
	MetadataMaxAge time.Duration
}

const (
	defaultConnectTimeout       = 10 * time.Second
	defaultRequestTimeout       = 30 * time.Second
	defaultMaxDecompressedBatch = 128 << 20
	defaultMaxResponse          = 100 << 20
	defaultMetadataMaxAge       = time.Minute
)

// Validate reports every problem of c at once, or nil.
func (c *Config) Validate() error {
	var errs []error
	bad := func(format string, args ...any) {
		errs = append(errs, &Error{Kind: Invalid, Op: "kafka config", Partition: -1, Err: fmt.Errorf(format, args...)})
	}
	if len(c.Brokers) == 0 {
		bad("brokers: none given; name at least one as host:port")
	}
	for _, b := range c.Brokers {
		host, port, err := net.SplitHostPort(b)
		if err != nil {
			bad("brokers: %q is not host:port", b)
			continue
		}
		if n, err := strconv.Atoi(port); host == "" || err != nil || n < 1 || n > 65535 {
			bad("brokers: %q is not host:port with a port in 1-65535", b)
		}
	}
	for name, d := range map[string]time.Duration{
		"connect timeout": c.ConnectTimeout, "request timeout": c.RequestTimeout, "metadata max age": c.MetadataMaxAge,
	} {
		if d < 0 {
			bad("%s: %v is negative", name, d)
		}
	}
	if c.MaxDecompressedBatch < 0 || c.MaxResponse < 0 {
		bad("maximal sizes must not be negative")
	}
	if c.SASL != nil {
		if c.TLS == nil && !c.AllowPlaintextSASL {
			bad("sasl: refused without tls, because the network would see the credentials; set tls, or allow plaintext sasl explicitly")
		}
		if err := c.SASL.validate(); err != nil {
			bad("sasl: %w", err)
		}
	}
	return errors.Join(errs...)
}

// withDefaults returns c with every zero replaced by its default.
func (c Config) withDefaults() Config {
	if c.ClientID == "" {
		c.ClientID = "leat"
	}
	if c.ConnectTimeout == 0 {
		c.ConnectTimeout = defaultConnectTimeout
	}
	if c.RequestTimeout == 0 {
		c.RequestTimeout = defaultRequestTimeout
	}
	if c.MaxDecompressedBatch == 0 {
		c.MaxDecompressedBatch = defaultMaxDecompressedBatch
	}
	if c.MaxResponse == 0 {
		c.MaxResponse = defaultMaxResponse
	}
	if c.MetadataMaxAge == 0 {
		c.MetadataMaxAge = defaultMetadataMaxAge
	}
	return c
}

// newClient makes a franz-go client of c with what every client of leat has in common, and extra.
//
// A connection that ends before the first answer is tried again like any other: by default the client takes it for
// a mistake in TLS or SASL, and gives up what it was about to write, but so ends one that was made just before its
// broker went down. Such mistakes show in [Connect].
func newClient(c Config, extra ...kgo.Opt) (*kgo.Client, error) {
	return newProbe(c, append(extra, kgo.AlwaysRetryEOF())...)
}

// newProbe is newClient for the first contact: a connection that ends before the first answer is an error.
func newProbe(c Config, extra ...kgo.Opt) (*kgo.Client, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	c = c.withDefaults()
	opts := []kgo.Opt{
		kgo.SeedBrokers(c.Brokers...),
		kgo.ClientID(c.ClientID),
		kgo.SoftwareNameAndVersion("leat", "0"),
		kgo.DialTimeout(min(c.ConnectTimeout, defaultConnectTimeout)),
		kgo.RetryTimeout(c.RequestTimeout),
		kgo.BrokerMaxReadBytes(c.MaxResponse),
		kgo.MaxDecompressBatchBytes(c.MaxDecompressedBatch),
		kgo.MetadataMaxAge(c.MetadataMaxAge),
		kgo.MetadataMinAge(min(250*time.Millisecond, c.MetadataMaxAge)),
		kgo.DisableClientMetrics(),
		// The default would rewind by a minute and read again what was read.
		kgo.ConsumeResetOffset(kgo.NoResetOffset()),
	}
	if c.Logger != nil {
		opts = append(opts, kgo.WithLogger(logger{c.Logger}))
	}
	switch {
	case c.Dialer != nil:
		opts = append(opts, kgo.Dialer(c.Dialer))
	case c.TLS != nil:
		t := c.TLS.Clone()
		t.MinVersion = max(t.MinVersion, tls.VersionTLS12)
		opts = append(opts, kgo.DialTLSConfig(t))
	}
	if c.SASL != nil {
		opts = append(opts, kgo.SASL(c.SASL.mechanism()))
	}
	cl, err := kgo.NewClient(append(opts, extra...)...)
	if err != nil {
		return nil, &Error{Kind: Invalid, Op: "kafka config", Partition: -1, Err: err}
	}
	return cl, nil
}
