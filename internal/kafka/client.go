package kafka

import (
	"context"
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
	// MaxBytes bounds one response. At most two responses' worth wait in memory for each broker and
	// client (one to be polled, one on its way). Default 8 MiB.
	MaxBytes int32
	// MaxPartitionBytes bounds a partition's share of a response. Default 1 MiB.
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
	// MaxBuffered bounds the records waiting to be acknowledged; [Client.Produce] blocks above. Default 50,000.
	MaxBuffered int
	// DeliveryTimeout is how long a record may wait for its acknowledgement before its error is of kind
	// [Timeout]. Default 2 min.
	DeliveryTimeout time.Duration
	// Compression is "none", "gzip", "snappy", "lz4" or "zstd". Default "none", as in Kafka's own client.
	Compression string
}

// Client reads the partitions it is told to and produces. It belongs to one worker: Assign, Unassign,
// Pause, Resume and Poll are called from one goroutine; the other methods may be called from any.
type Client struct {
	cl *kgo.Client
}

// NewClient makes a client. The cluster need not be reachable yet.
func NewClient(cfg Config, cc ClientConfig) (*Client, error) { panic("draft") }

// Assign adds partitions to read, each from the given offset, which must be exact. Assigning a partition
// that is assigned already moves its position; what was buffered of it is dropped.
func (c *Client) Assign(offsets map[record.TopicPartition]int64) { panic("draft") }

// Unassign stops reading partitions. No later Poll returns anything of them. Partitions that are not
// assigned are ignored.
func (c *Client) Unassign(tps []record.TopicPartition) { panic("draft") }

// Pause keeps partitions assigned but lets Poll return nothing of them until they are resumed or assigned
// again. What is buffered is kept, and no more than that is fetched.
func (c *Client) Pause(tps []record.TopicPartition) { panic("draft") }

// Resume undoes Pause.
func (c *Client) Resume(tps []record.TopicPartition) { panic("draft") }

// Fetch is what Poll has of one partition: records, or an error, or neither but a position that moved on or
// became known.
type Fetch struct {
	record.TopicPartition
	// Records are in the order of their offsets. The slice and the bytes are the caller's; the bytes of
	// all records of one response may share memory, so keep a copy of what lives long.
	Records []record.Raw
	// Next is the position after Records: the offset of the next record there can be. It is past control
	// records, aborted records and compacted gaps.
	Next int64
	// End is the end of what the broker had for this reader at that time (its high watermark, or its last
	// stable offset when reading committed data), LogStart the first offset that it still had.
	End, LogStart int64
	// Err stops the partition: nothing more comes of it until it is assigned again. Kinds:
	// [OffsetOutOfRange], [DataLoss], [UnknownTopic], [Unauthorized], [TooLarge], [Corrupt].
	Err error
}

// Poll returns what has been fetched, at most max records over all partitions (max <= 0 means no limit), and
// waits for it as long as ctx lasts. Partitions take turns. When ctx ends first, it returns nil and nil; an
// error is of kind [Closed] and final. A ctx that has ended already makes it look without waiting.
func (c *Client) Poll(ctx context.Context, max int) ([]Fetch, error) { panic("draft") }

// Ready returns a channel that receives when Poll may have something to return, for a goroutine that waits
// for other things too. After a receive, Poll until it returns nothing.
func (c *Client) Ready() <-chan struct{} { panic("draft") }

// Lag returns how many offsets of tp the broker has beyond those that Poll returned, and whether that is
// known: it is after the first answer of the broker for the partition, with or without records, which is
// also when Poll returns a Fetch of it. It is as old as the last answer, at most about MaxWait while
// nothing of the partition is buffered.
func (c *Client) Lag(tp record.TopicPartition) (lag int64, known bool) { panic("draft") }

// Output is a record to produce.
type Output struct {
	Topic string
	// Partition is where it goes, or -1: by the murmur2 hash of PartitionKey or, if that is nil, of Key, as
	// Kafka's own clients do; records without either are spread over the partitions batch by batch.
	Partition    int32
	Key, Value   []byte
	PartitionKey []byte
	// Timestamp is in milliseconds since the Unix epoch.
	Timestamp int64
	Headers   record.Headers
}

// Produce hands a record to be written and returns; it blocks only while MaxBuffered records wait already.
// done is called once, from another goroutine, one at a time and in order for each partition; it must be
// quick and must not call Produce or Flush. Its error's kinds: [TooLarge], [UnknownTopic], [Unauthorized],
// [Timeout], [Closed]. The Output is not kept, its bytes and headers are until done is called.
//
// A failed record does not stop those after it: whoever commits must look at the errors first.
func (c *Client) Produce(ctx context.Context, out *Output, done func(partition int32, offset int64, err error)) {
	panic("draft")
}

// Flush sends what waits and returns when every record's done has been called, or with an error of kind
// [Closed] when ctx ends first.
func (c *Client) Flush(ctx context.Context) error { panic("draft") }

// Close stops reading and drops what was not acknowledged: each such record's done gets an error of kind
// [Closed]. A Poll that waits returns.
func (c *Client) Close() { panic("draft") }
