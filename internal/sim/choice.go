package sim

// choices are the scheduler's decisions: numbers that a seed gives (SplitMix64, by Steele, Lea and Flood).
type choices struct{ state uint64 }

func (c *choices) next() uint64 {
	c.state += 0x9e3779b97f4a7c15
	z := c.state
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// below returns a number in [0, n).
func (c *choices) below(n int) int { return int(c.next() >> 1 % uint64(n)) }

// in reports true once in n times.
func (c *choices) in(n int) bool { return c.below(n) == 0 }

// pick returns one of several, which must not be none.
func pick[T any](c *choices, of []T) T { return of[c.below(len(of))] }
