package kafka

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/leatstream/leat/record"
)

// fetcher reads partitions of which it is told the offsets. One goroutine finds the leaders, and one for
// each broker sends requests, one at a time; they end with close, which waits for them. A record's way:
// fetchLoop → settle → cursor.add → cursor.take → poll.
//
// Why a fetcher of our own: see the package comment.
type fetcher struct {
	cl           *kgo.Client
	read         ReadConfig
	maxAge       time.Duration
	decompressor *decompressor

	ctx    context.Context
	cancel context.CancelFunc
	wg     sync.WaitGroup
	// ready holds a token when poll may have something; find when the metadata is to be asked for.
	ready, find chan struct{}

	mu      sync.Mutex
	cursors map[record.TopicPartition]*cursor
	// order is the cursors in the order in which poll serves them; turn is where it starts.
	order   []*cursor
	turn    int
	brokers map[int32]*brokerLoop
	ids     map[string][16]byte
	loans   loans
}

// brokerLoop is one broker's fetching goroutine, woken through wake.
type brokerLoop struct {
	id   int32
	wake chan struct{}
	// turn rotates the partitions in a request: a broker fills its answer in the request's order, and
	// the last ones would starve behind full ones.
	turn int
	// full tells that it waits until less than a response's worth is buffered. Guarded by the fetcher's mutex.
	full bool
}

func newFetcher(cl *kgo.Client, cfg Config, rc ReadConfig) *fetcher {
	cfg = cfg.withDefaults()
	ctx, cancel := context.WithCancel(context.Background())
	f := &fetcher{
		cl: cl, read: rc, maxAge: cfg.MetadataMaxAge,
		decompressor: newDecompressor(cfg.MaxDecompressedBatch),
		ctx:          ctx, cancel: cancel,
		ready: make(chan struct{}, 1), find: make(chan struct{}, 1),
		cursors: map[record.TopicPartition]*cursor{}, brokers: map[int32]*brokerLoop{}, ids: map[string][16]byte{},
	}
	f.wg.Go(f.findLoop)
	return f
}

// close ends the goroutines. The franz-go client stays open.
func (f *fetcher) close() {
	f.cancel()
	f.wg.Wait()
}

// assign starts reading ranges, in place of what was read of the same partitions before.
func (f *fetcher) assign(ranges ...Range) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, r := range ranges {
		c := &cursor{tp: r.TopicPartition, limit: r.End, pos: r.From, delivered: r.From, leader: -1, leaderEpoch: -1, readEpoch: -1}
		if r.From == FromStart {
			c.list = true
		} else if r.End >= 0 && r.From == r.End {
			c.finished, c.report = true, true
			c.end = r.End
		} else if r.End >= 0 && r.From > r.End {
			c.list = true
		}
		if old := f.cursors[r.TopicPartition]; old != nil {
			c.leader, c.leaderEpoch = old.leader, old.leaderEpoch
			f.drop(old)
		}
		f.cursors[r.TopicPartition] = c
		f.order = append(f.order, c)
		if c.pending() {
			signal(f.ready)
		}
		if b := f.brokers[c.leader]; b != nil {
			signal(b.wake)
		}
	}
	signal(f.find)
}

// unassign stops reading partitions.
func (f *fetcher) unassign(tps []record.TopicPartition) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, tp := range tps {
		if c := f.cursors[tp]; c != nil {
			f.drop(c)
			if b := f.brokers[c.leader]; b != nil {
				signal(b.wake)
			}
		}
	}
}

func (f *fetcher) drop(c *cursor) {
	c.gone, c.chunks = true, nil
	delete(f.cursors, c.tp)
	for i, x := range f.order {
		if x == c {
			f.order = append(f.order[:i], f.order[i+1:]...)
			break
		}
	}
}

func (f *fetcher) setPaused(tps []record.TopicPartition, paused bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, tp := range tps {
		c := f.cursors[tp]
		if c == nil {
			continue
		}
		if paused && !c.paused {
			c.pausedAt = time.Now()
		}
		c.paused = paused
		if c.pending() {
			signal(f.ready)
		}
		if b := f.brokers[c.leader]; b != nil {
			signal(b.wake)
		}
	}
}

func (f *fetcher) lag(tp record.TopicPartition) (int64, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	c := f.cursors[tp]
	if c == nil {
		return 0, false
	}
	return c.lag()
}

// behind tells whether the brokers are known to have more of what is being read than poll returned, and will most
// likely send it at once.
func (f *fetcher) behind() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.ContainsFunc(f.order, func(c *cursor) bool {
		lag, _ := c.lag()
		return lag > 0 && !c.paused && !c.finished && c.err == nil && c.leader >= 0 && c.failures == 0
	})
}

// poll takes what is there and waits for it as long as ctx lasts. With forget, cursors that finished or
// stopped are dropped as soon as that has been told.
func (f *fetcher) poll(ctx context.Context, limit int, forget bool) ([]piece, error) {
	for {
		if f.ctx.Err() != nil {
			return nil, &Error{Kind: Closed, Op: "fetch", Partition: -1, Err: kgo.ErrClientClosed}
		}
		if ps := f.takeAll(limit, forget); len(ps) > 0 {
			return ps, nil
		}
		select {
		case <-ctx.Done():
			return nil, nil
		case <-f.ctx.Done():
		case <-f.ready:
		}
	}
}

func (f *fetcher) takeAll(limit int, forget bool) []piece {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := 0
	for _, c := range f.order {
		if c.pending() {
			n++
		}
	}
	if n == 0 {
		return nil
	}
	// Partitions share the limit evenly, so that whoever orders them by time has something of each.
	share := 0
	if limit > 0 {
		share = max(1, (limit+n-1)/n)
	}
	ps := make([]piece, 0, n)
	var over []*cursor
	f.turn++
	total, more := 0, false
	for i := range f.order {
		c := f.order[(f.turn+i)%len(f.order)]
		if !c.pending() {
			continue
		}
		if limit > 0 && total >= limit {
			more = true
			break
		}
		_, wasFull := c.fetchable(time.Time{}, f.read.MaxBytes)
		p := c.take(share, &f.loans)
		total += len(p.records)
		ps = append(ps, p)
		more = more || c.pending()
		if forget && (p.done || p.err != nil) {
			over = append(over, c)
		}
		_, full := c.fetchable(time.Time{}, f.read.MaxBytes)
		if b := f.brokers[c.leader]; b != nil && (wasFull && !full || len(c.chunks) == 0) {
			signal(b.wake)
		}
	}
	for _, c := range over {
		f.drop(c)
	}
	for _, b := range f.brokers {
		if b.full && f.buffered(b.id) < int(f.read.MaxBytes) {
			b.full = false
			signal(b.wake)
		}
	}
	if more {
		signal(f.ready)
	}
	return ps
}

// buffered is about how many bytes of a broker's partitions wait to be polled.
func (f *fetcher) buffered(broker int32) int {
	n := 0
	for _, c := range f.order {
		if c.leader == broker && !c.paused {
			n += c.bytes
		}
	}
	return n
}

// giveBack takes records that poll returned and that nobody uses any more.
func (f *fetcher) giveBack(records []record.Raw) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.loans.giveBack(records)
}

// signal leaves a token in ch unless there is one.
func signal(ch chan struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}
