package kafka

import (
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/leatstream/leat/record"
)

// findLoop keeps every cursor's leader known and starts a fetching goroutine for each leader. It also does
// the other requests that a cursor may need before it can be fetched: the log's limits, and the check for
// a truncated log.
func (f *fetcher) findLoop() {
	timer := time.NewTimer(f.maxAge)
	defer timer.Stop()
	var last time.Time
	for {
		select {
		case <-f.ctx.Done():
			return
		case <-f.find:
		case <-timer.C:
		}
		stale := time.Since(last) >= f.maxAge
		topics, wait := f.leaderless(stale)
		if len(topics) > 0 && f.ctx.Err() == nil {
			last = time.Now()
			if f.findLeaders(topics) != nil {
				wait = 250 * time.Millisecond
			}
		}
		f.listPositions()
		f.verifyEpochs()
		_, again := f.leaderless(false)
		if wait == 0 || again > 0 && again < wait {
			wait = again
		}
		if wait == 0 {
			wait = f.maxAge
		}
		timer.Reset(wait)
	}
}

// leaderless returns the topics to ask about: those of cursors without a leader whose turn it is, or all
// of them. wait is when the next cursor's turn comes, 0 when none waits.
func (f *fetcher) leaderless(all bool) (topics map[string]bool, wait time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := time.Now()
	topics = map[string]bool{}
	for _, c := range f.order {
		if c.err != nil || c.finished && !c.list {
			continue
		}
		due := c.retryAt.Sub(now)
		needs := c.leader < 0 || c.list || c.verify
		if needs && (wait == 0 || due < wait) {
			wait = max(due, time.Millisecond)
		}
		if all || c.leader < 0 && due <= 0 {
			topics[c.tp.Topic] = true
		}
	}
	return topics, wait
}

// findLeaders asks for the topics' metadata and gives the cursors their leaders.
func (f *fetcher) findLeaders(topics map[string]bool) error {
	req := kmsg.NewPtrMetadataRequest()
	for name := range topics {
		t := kmsg.NewMetadataRequestTopic()
		t.Topic = new(name)
		req.Topics = append(req.Topics, t)
	}
	resp, err := req.RequestWith(f.ctx, f.cl)
	if err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	now := time.Now()
	parts := map[record.TopicPartition]*kmsg.MetadataResponseTopicPartition{}
	for i := range resp.Topics {
		t := &resp.Topics[i]
		if t.Topic == nil {
			continue
		}
		if err := kerr.ErrorForCode(t.ErrorCode); err != nil {
			f.topicFailed(*t.Topic, err, now)
			continue
		}
		if old, ok := f.ids[*t.Topic]; ok && old != t.TopicID {
			f.topicRecreated(*t.Topic)
		}
		f.ids[*t.Topic] = t.TopicID
		for j := range t.Partitions {
			p := &t.Partitions[j]
			parts[record.TopicPartition{Topic: *t.Topic, Partition: p.Partition}] = p
		}
	}
	for _, c := range f.order {
		if !topics[c.tp.Topic] || c.err != nil {
			continue
		}
		p := parts[c.tp]
		switch {
		case p == nil:
			if c.leader < 0 {
				f.unknown(c, classified("fetch", c.tp.Topic, c.tp.Partition, kerr.UnknownTopicOrPartition), now)
			}
		case p.Leader < 0 || p.LeaderEpoch < c.leaderEpoch:
			// No leader now, or this broker's knowledge is older than ours.
			if c.leader < 0 {
				c.backoff(now)
			}
		case c.leader < 0 && now.Before(c.retryAt) && p.LeaderEpoch == c.leaderEpoch:
			// It is put off for a later try, and nothing is new. If it were given this leader now, it would
			// go by old knowledge when its turn comes.
		default:
			if p.LeaderEpoch > c.leaderEpoch {
				c.retryAt = time.Time{}
			}
			c.verify = c.verify || c.readEpoch >= 0 && p.LeaderEpoch > c.leaderEpoch
			c.leader, c.leaderEpoch = p.Leader, p.LeaderEpoch
			f.loop(p.Leader)
		}
	}
	return nil
}

// loop returns a broker's fetching goroutine, started if need be, and wakes it.
func (f *fetcher) loop(id int32) {
	b := f.brokers[id]
	if b == nil {
		b = &brokerLoop{id: id, wake: make(chan struct{}, 1)}
		f.brokers[id] = b
		f.wg.Go(func() { f.fetchLoop(b) })
	}
	signal(b.wake)
}

// topicFailed handles a topic's error in the metadata for all its cursors without a leader.
func (f *fetcher) topicFailed(topic string, err error, now time.Time) {
	for _, c := range f.order {
		if c.tp.Topic != topic || c.err != nil || c.leader >= 0 {
			continue
		}
		e := classified("fetch", c.tp.Topic, c.tp.Partition, err)
		switch {
		case e.Kind == UnknownTopic:
			f.unknown(c, e, now)
		case e.Kind == Retriable || kerr.IsRetriable(err):
			c.backoff(now)
		default:
			c.stop(e)
			signal(f.ready)
		}
	}
}

// topicRecreated stops the cursors of a topic that was deleted and made anew: their offsets mean nothing in it.
// A cursor that was assigned since stops too; assigning it again reads the new topic.
func (f *fetcher) topicRecreated(topic string) {
	for _, c := range f.order {
		if c.tp.Topic == topic && c.err == nil {
			e := &Error{Kind: UnknownTopic, Op: "fetch", Topic: topic, Partition: c.tp.Partition, Err: errRecreated}
			e.Remedy = "its old offsets mean nothing in the new topic; reset the application"
			c.stop(e)
			signal(f.ready)
		}
	}
}
