package processor

// Cache is the budget of a record cache: how many bytes the tables of some tasks may hold back together. It
// belongs to the goroutine that runs those tasks. A nil *Cache is none, in which nothing is held back.
//
// A table in the record cache sends an update on when its task commits, and sooner when an update of its own
// passes the budget; until then a later update of the same key takes its place.
//
// Source: KIP-63, KIP-770.
type Cache struct{ limit, held int64 }

// NewCache returns a budget of so many bytes; nil if there are none.
func NewCache(limit int64) *Cache {
	if limit <= 0 {
		return nil
	}
	return &Cache{limit: limit}
}

// Add tells that n bytes more are held back, fewer where n is negative.
func (c *Cache) Add(n int64) { c.held += n }

// Held is the size in bytes of what is held back.
func (c *Cache) Held() int64 {
	if c == nil {
		return 0
	}
	return c.held
}

// Over reports whether more is held back than the budget allows.
func (c *Cache) Over() bool { return c.held > c.limit }

// Held are the updates of one table that are held back.
type Held interface {
	// Flush sends them on.
	Flush()
	// Drop forgets them, and gives back what they took of the budget.
	Drop()
	// Absorbed counts the updates that a later one of the same key has taken the place of.
	Absorbed() int64
}

// Holder is implemented by tasks that can have a record cache.
type Holder interface {
	// Hold returns what the task holds back of the table in a store, on behalf of a node that makes updates
	// of it; nil if the task has no record cache or the store takes no part in it. The first of the store's
	// nodes to ask makes it. The task flushes it, after those of the nodes above, when it prepares a commit.
	Hold(node, store string, make func(*Cache) Held) Held
	// Holds reports whether a store takes part in the task's record cache.
	Holds(store string) bool
	// HeldOf returns what Hold returns, for those who read the table, once all nodes are made; nil if no node
	// has asked for it.
	HeldOf(store string) Held
}
