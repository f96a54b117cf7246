package main

import "sync"

// group is what runs beside a demonstration. The first error ends the others.
type group struct {
	// stop ends all of them.
	stop func()

	wg  sync.WaitGroup
	mu  sync.Mutex
	err error
}

func (g *group) start(run func() error) {
	g.wg.Go(func() {
		err := run()
		if err == nil {
			return
		}
		g.mu.Lock()
		if g.err == nil {
			g.err = err
		}
		g.mu.Unlock()
		g.stop()
	})
}

// wait waits for all and returns the first error.
func (g *group) wait() error {
	g.wg.Wait()
	return g.err
}
