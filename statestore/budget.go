package statestore

import "reflect"

// Budget is memory that the typed caches of stores share, those of many tasks too. It is told rarely: when a
// cache is full, and at each Flush.
type Budget interface {
	// Share notes that the cache of one store holds that many bytes now, delta more than when it last said so,
	// and returns how many it may hold: what nobody has taken, and an even share at the least. A cache that
	// holds more than that shrinks.
	Share(held, delta int64) (allowed int64)
}

const (
	// defaultCacheEntries is the limit of a cache without a budget.
	defaultCacheEntries = 16 << 10
	// leastCacheEntries is what a cache may hold whatever its share is.
	leastCacheEntries = 256
	// budgetPause is how many entries a full cache evicts before it asks for more again.
	budgetPause = 256
)

// allowance is a cache's limit in entries, and what it takes from the budget.
type allowance struct {
	limit  int
	budget Budget // nil if the limit is fixed
	// fixed is the size of an entry but for what its key and value point to.
	fixed                  int64
	keysPoint, valuesPoint bool
	// key and row are the average sizes of serialized keys and rows, in sixteenths.
	key, row int64
	told     int64
	pause    int
}

// The garbage collector lets the heap grow to twice what is in use.
const collectorRoom = 2

// newAllowance is that of a cache of keys and values whose slots take fixed bytes.
func newAllowance(env *Env, key, value reflect.Type, fixed int64) allowance {
	a := allowance{limit: env.CacheEntries, fixed: fixed, keysPoint: pointing(key), valuesPoint: pointing(value)}
	switch {
	case a.limit > 0:
	case env.Budget != nil:
		a.limit, a.budget = leastCacheEntries, env.Budget
	default:
		a.limit = defaultCacheEntries
	}
	return a
}

// measureKey and measureRow take the size of a serialized key, or of the row that goes with it, into the averages.
func (a *allowance) measureKey(size int) { a.key += int64(size) - a.key/16 }
func (a *allowance) measureRow(size int) { a.row += int64(size) - a.row/16 }

// cost is what an entry takes, with what its key and value point to. That is taken to be the size of serialized ones.
func (a *allowance) cost() int64 {
	cost := a.fixed
	if a.keysPoint {
		cost += a.key / 16
	}
	if a.valuesPoint {
		cost += a.row / 16
	}
	return collectorRoom * cost
}

// pointing reports whether values of a type have parts that lie elsewhere.
func pointing(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Array:
		return t.Len() > 0 && pointing(t.Elem())
	case reflect.Struct:
		for field := range t.Fields() {
			if pointing(field.Type) {
				return true
			}
		}
		return false
	default:
		return t.Kind() > reflect.Complex128
	}
}

// full is told that the cache has as many entries as its limit, and perhaps raises it.
func (a *allowance) full(entries int) {
	if a.budget == nil {
		return
	}
	if a.pause > 0 {
		a.pause--
		return
	}
	before := a.limit
	if a.share(entries, 0); a.limit <= before {
		a.pause = budgetPause
	}
}

// share settles with the budget. The limit at most doubles, or leaves room for more, so that others hear of it
// before it is used up.
func (a *allowance) share(entries, more int) {
	if a.budget == nil {
		return
	}
	held := int64(entries) * a.cost()
	allowed := a.budget.Share(held, held-a.told) / a.cost()
	a.told = held
	a.limit = int(max(leastCacheEntries, min(allowed, int64(entries+max(entries, more)+leastCacheEntries))))
}
