package kafka

import (
	"errors"
	"sync"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/leatstream/leat/record"
)

var errNoProgress = errors.New("the broker sent data that ends before the offset asked for")

// convert makes leat's records of franz-go's and gives those back to their pool. Keys, values and header
// values keep pointing into the response. It also returns the last record's leader epoch, -1 without one.
func convert(tp record.TopicPartition, in []*kgo.Record) ([]record.Raw, int32) {
	if len(in) == 0 {
		return nil, -1
	}
	epoch := in[len(in)-1].LeaderEpoch
	out := make([]record.Raw, len(in))
	for i, r := range in {
		o := &out[i]
		o.TopicPartition = tp
		o.Offset = r.Offset
		o.Timestamp = r.Timestamp.UnixMilli()
		o.Key, o.Value = r.Key, r.Value
		if len(r.Headers) > 0 {
			o.Headers = make(record.Headers, len(r.Headers))
			for j, h := range r.Headers {
				o.Headers[j] = record.Header{Key: h.Key, Value: h.Value}
			}
		}
		r.Recycle()
	}
	return out, epoch
}

// recordPool lends franz-go the slices into which it decodes a batch; convert empties them right after.
// (Pooling decompressed bytes as well would be a loss: they are cleared to their whole capacity.)
type recordPool struct{ p sync.Pool }

// GetRecords implements kgo.PoolRecords.
func (p *recordPool) GetRecords(n int) []kgo.Record {
	if s, ok := p.p.Get().(*[]kgo.Record); ok && cap(*s) >= n {
		return (*s)[:0]
	}
	return make([]kgo.Record, 0, n)
}

// PutRecords implements kgo.PoolRecords.
func (p *recordPool) PutRecords(s []kgo.Record) {
	// A single huge batch must not stay in memory for ever.
	if cap(s) <= 1<<16 {
		p.p.Put(&s)
	}
}
