package app

import "time"

// FlushEvery sets how often the local state is brought to disk.
func (c *Config) FlushEvery(d time.Duration) { c.flushInterval = d }
