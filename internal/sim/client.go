package sim

import (
	"errors"
	"fmt"
	"strings"

	"github.com/leatstream/leat/processor"
	"github.com/leatstream/leat/record"
)

// client writes a worker's outputs. Records wait to be sent; those that were written wait for the
// acknowledgement to arrive. Order is kept for each partition.
type client struct {
	run *run
	// id is the transactional id, empty without transactions; epoch is -1 until it is first needed.
	id      string
	epoch   int
	queue   []*sending
	unacked []*sending
	err     error
}

type sending struct {
	processor.Output
	to     record.TopicPartition
	ack    func(offset int64)
	offset int64
}

func transactionalID(process string, worker int) string {
	return fmt.Sprintf("%s-%s-%d", application, process, worker)
}

func processOf(id string) string {
	rest := strings.TrimPrefix(id, application+"-")
	return rest[:strings.LastIndexByte(rest, '-')]
}

// connect makes the worker's client.
func (w *worker) connect() {
	w.client = &client{run: w.in.run, epoch: -1}
	if w.in.run.cfg.ExactlyOnce {
		w.client.id = transactionalID(w.in.process, w.number)
	}
}

// begin gets the epoch of the client's transactions.
func (c *client) begin() {
	if c.epoch < 0 {
		c.epoch = c.run.broker.initialize(c.id)
	}
}

// deliver lets the first waiting record of a partition arrive, and reports whether it could.
func (c *client) deliver(by *choices) bool {
	s := c.queue[by.below(len(c.queue))]
	at := 0
	for i, other := range c.queue {
		if other.to == s.to {
			at, s = i, other
			break
		}
	}
	offset, err := c.run.broker.write(c.id, c.epoch, s.to, &s.Output)
	switch {
	case errors.Is(err, errConcurrent): // it is sent again
		return false
	case err != nil:
		if c.err == nil {
			c.err = err
		}
	}
	c.queue = append(c.queue[:at], c.queue[at+1:]...)
	if err == nil {
		s.offset = offset
		c.unacked = append(c.unacked, s)
	}
	return true
}

// acknowledge lets the acknowledgement of one record arrive. Of one partition they arrive in order.
func (c *client) acknowledge(by *choices) {
	s := c.unacked[by.below(len(c.unacked))]
	for i, other := range c.unacked {
		if other.to == s.to {
			c.unacked = append(c.unacked[:i], c.unacked[i+1:]...)
			other.ack(other.offset)
			return
		}
	}
}

// giveUp fails the records that wait: their time is over.
func (c *client) giveUp() {
	c.queue = nil
	if c.err == nil {
		c.err = errTimeout
	}
}
