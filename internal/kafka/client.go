package kafka

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/leatstream/leat/record"
)

// ReadConfig says how partitions are fetched.
type ReadConfig struct {
	// ReadCommitted hides the records of open and aborted transactions.
	ReadCommitted bool
	// MaxWait is how long the broker may hold an answer back while there is nothing to send. It is also
	// how long a newly assigned partition may have to wait for its first fetch. Default 100 ms.
	MaxWait time.Duration
	// MaxBytes bounds one response. The next is asked for as soon as less than that waits to be polled, so that at
	// most two responses' worth wait in memory for each broker and client (one to be polled, one on its way), not
	// counting paused partitions, of which each may hold half a response and a share. Default 1.5 MiB, for
	// a Restorer 8 MiB.
	MaxBytes int32
	// MaxPartitionBytes bounds a partition's share of a response, where its batches are not larger and there are more
	// partitions than such shares in a response: fewer share it evenly, but none has more than half of it. Default
	// 384 KiB, for a Restorer 2 MiB.
	MaxPartitionBytes int32
}

// ClientConfig says how a worker reads and writes.
type ClientConfig struct {
	Read ReadConfig
	// Linger is how long a batch waits for more records. 0 means until the batches before it are on their way.
	Linger time.Duration
	// BatchMaxBytes bounds a produced batch, and with it a record. Default 1 MiB minus the overhead, the
	// broker's default limit.
	BatchMaxBytes int32
	// MaxBuffered bounds the records waiting to be acknowledged; [Client.Produce] blocks above. Default 16,000.
	MaxBuffered int
	// DeliveryTimeout is how long a record may wait for its acknowledgement before its error is of kind
	// [Timeout]. Default 2 min.
	DeliveryTimeout time.Duration
	// TransactionalID makes the client produce in transactions: see [Client.Begin]. Of the clients that have
	// had an id only the newest can write. Empty means none.
	TransactionalID string
	// TransactionTimeout is how long the broker lets a transaction stay open. Default 10 s, as in Kafka Streams.
	TransactionTimeout time.Duration
	// Compression is "none", "gzip", "snappy", "lz4" or "zstd". Default "none", as in Kafka's own client.
	Compression string
}

// Client reads the partitions it is told to and produces. It belongs to one worker: Assign, Unassign,
// Pause, Resume and Poll are called from one goroutine; the other methods may be called from any.
type Client struct {
	cl        *kgo.Client
	f         *fetcher
	slabs     *slabs
	promise   func(*kgo.Record, error) // acknowledged, bound once
	deadlines *deadlines

	transactionalID string
	versionMu       sync.Mutex // guards what is known of the cluster's transaction version
	versionKnown    bool
	versionTwo      bool
}

// validate reports every problem of c at once.
func (c *ClientConfig) validate() error {
	var errs []error
	if c.Read.MaxWait < 0 || c.Linger < 0 || c.DeliveryTimeout < 0 || c.TransactionTimeout < 0 {
		errs = append(errs, invalid("client config", "durations must not be negative"))
	}
	if c.Read.MaxBytes < 0 || c.Read.MaxPartitionBytes < 0 || c.BatchMaxBytes < 0 || c.MaxBuffered < 0 {
		errs = append(errs, invalid("client config", "sizes must not be negative"))
	}
	if _, ok := codecs[c.Compression]; !ok {
		errs = append(errs, invalid("client config", "unknown compression %q; use none, gzip, snappy, lz4 or zstd", c.Compression))
	}
	return errors.Join(errs...)
}

func invalid(op, format string, args ...any) error {
	return &Error{Kind: Invalid, Op: op, Partition: -1, Err: fmt.Errorf(format, args...)}
}

var codecs = map[string]kgo.CompressionCodec{
	"": kgo.NoCompression(), "none": kgo.NoCompression(), "gzip": kgo.GzipCompression(), "snappy": kgo.SnappyCompression(),
	"lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression(),
}

// withDefaults returns c with every zero replaced by its default.
func (c ReadConfig) withDefaults(maxBytes, maxPartitionBytes int32) ReadConfig {
	if c.MaxWait == 0 {
		c.MaxWait = 100 * time.Millisecond
	}
	if c.MaxBytes == 0 {
		c.MaxBytes = maxBytes
	}
	if c.MaxPartitionBytes == 0 {
		c.MaxPartitionBytes = maxPartitionBytes
	}
	return c
}

// NewClient makes a client. The cluster need not be reachable yet.
func NewClient(cfg Config, cc ClientConfig) (*Client, error) {
	if err := cc.validate(); err != nil {
		return nil, err
	}
	if cc.BatchMaxBytes == 0 {
		cc.BatchMaxBytes = 1_000_012
	}
	if cc.MaxBuffered == 0 {
		cc.MaxBuffered = 16_000
	}
	if cc.DeliveryTimeout == 0 {
		cc.DeliveryTimeout = 2 * time.Minute
	}
	if cc.TransactionTimeout == 0 {
		cc.TransactionTimeout = defaultTransactionTimeout
	}
	opts := []kgo.Opt{
		kgo.RecordPartitioner(partitioner{}),
		kgo.ProducerLinger(cc.Linger),
		kgo.ProducerBatchMaxBytes(cc.BatchMaxBytes),
		kgo.ProducerBatchCompression(codecs[cc.Compression]),
		// The slabs hold producers back; see there. This is never reached.
		kgo.MaxBufferedRecords(2*cc.MaxBuffered + 1024),
	}
	if cc.TransactionalID != "" {
		opts = append(opts, transactional(cc)...)
	} else {
		// A record whose request got no answer may have been written. It times out all the same, as with
		// Kafka's own client: its error keeps the caller from committing, and duplicates are what at least
		// once means. In a transaction it is the transaction that ends.
		opts = append(opts, kgo.AllowIdempotentProduceCancellation())
	}
	cl, err := newClient(cfg, opts...)
	if err != nil {
		return nil, err
	}
	d := newDeadlines(cc.DeliveryTimeout)
	c := &Client{
		cl: cl, f: newFetcher(cl, cfg, cc.Read.withDefaults(3<<19, 384<<10)),
		slabs: newSlabs(cc.MaxBuffered, maxBufferedBytes, d), deadlines: d, transactionalID: cc.TransactionalID,
	}
	c.promise = c.acknowledged
	return c, nil
}

// Assign adds partitions to read, each from the given offset, which must be exact. Assigning a partition
// that is assigned already moves its position; what was buffered of it is dropped, and it is not paused.
func (c *Client) Assign(offsets map[record.TopicPartition]int64) {
	ranges := make([]Range, 0, len(offsets))
	for tp, from := range offsets {
		ranges = append(ranges, Range{TopicPartition: tp, From: from, End: NoEnd})
	}
	c.f.assign(ranges...)
}

// Unassign stops reading partitions. No later Poll returns anything of them. Partitions that are not
// assigned are ignored.
func (c *Client) Unassign(tps []record.TopicPartition) { c.f.unassign(tps) }

// Pause keeps partitions assigned but lets Poll return nothing of them, errors included, until they are
// resumed or assigned again. What is buffered is kept, and no more than that is fetched.
func (c *Client) Pause(tps []record.TopicPartition) { c.f.setPaused(tps, true) }

// Resume undoes Pause.
func (c *Client) Resume(tps []record.TopicPartition) { c.f.setPaused(tps, false) }

// Fetch is what Poll has of one partition: records, or an error, or both (records that precede what failed),
// or neither but a position that moved on or became known.
type Fetch struct {
	record.TopicPartition
	// Records are in the order of their offsets. The slice, until it is given back, and the bytes are the
	// caller's; the bytes of all records of one response may share memory, so keep a copy of what lives long.
	Records []record.Raw
	// Next is the position after Records: the offset of the next record there can be. It is past control
	// records, aborted records and compacted gaps.
	Next int64
	// End is the end of what the broker had for this reader when it was last asked (its high watermark, or
	// its last stable offset when reading committed data), LogStart the first offset that it still had.
	End, LogStart int64
	// Err stops the partition: nothing more comes of it until it is assigned again. Kinds:
	// [OffsetOutOfRange], [DataLoss], [UnknownTopic], [Unauthorized], [TooLarge], [Corrupt].
	Err error
}

// Poll returns what has been fetched, at most about limit records over all partitions (limit <= 0 means all
// there is), and waits for it as long as ctx lasts. Partitions share the limit evenly. When ctx ends first,
// it returns nil and nil; an error is of kind [Closed] and final. A ctx that has ended already makes it look
// without waiting.
func (c *Client) Poll(ctx context.Context, limit int) ([]Fetch, error) {
	ps, err := c.f.poll(ctx, limit, false)
	if err != nil || len(ps) == 0 {
		return nil, err
	}
	fs := make([]Fetch, len(ps))
	for i, p := range ps {
		fs[i] = Fetch{TopicPartition: p.tp, Records: p.records, Next: p.next, End: p.end, LogStart: p.logStart, Err: p.err}
	}
	return fs, nil
}

// GiveBack takes the Records of a Fetch that nobody uses any more, so that a later Poll may use the slice again. It
// need not be called. The bytes to which they pointed stay as they are.
func (c *Client) GiveBack(records []record.Raw) { c.f.giveBack(records) }

// Ready returns a channel that receives when Poll may have something to return, for a goroutine that waits
// for other things too. After a receive, Poll once; when more is left, the channel receives again.
func (c *Client) Ready() <-chan struct{} { return c.f.ready }

// Lag returns how many offsets of tp the broker has beyond those that Poll returned, and whether that is
// known: it is after the first answer of the broker for the partition, with or without records, which is
// also when Poll returns a Fetch of it. It is as old as the last answer, at most about MaxWait while
// nothing of the partition is buffered.
func (c *Client) Lag(tp record.TopicPartition) (lag int64, known bool) { return c.f.lag(tp) }

// Behind reports whether there is more to come at once: a partition that is neither paused nor failing has records
// beyond those that Poll returned, going by the broker's last answer. Between two answers a client that catches up
// has nothing to poll, and is behind.
func (c *Client) Behind() bool { return c.f.behind() }

// Close stops reading and drops what was not acknowledged: each such record's done gets an error of kind
// [Closed]. A Poll that waits returns.
func (c *Client) Close() {
	c.f.close()
	c.cl.Close()
	c.deadlines.close()
}
