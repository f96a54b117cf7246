package main

import (
	"net"
	"sync"
)

// proxy stands between one application process and one broker.
type proxy struct {
	target   string
	listener net.Listener

	mu sync.Mutex
	// conns are both ends of every connection.
	conns map[net.Conn]struct{}
	// refused tells that connections are reset as soon as they are accepted.
	refused bool
	// open is closed while bytes pass; holding replaces it.
	open   chan struct{}
	closed chan struct{}
	wg     sync.WaitGroup
}

// newProxy listens on a free port.
func newProxy(target string) (*proxy, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &proxy{target: target, listener: l, conns: make(map[net.Conn]struct{}), open: make(chan struct{}), closed: make(chan struct{})}
	close(p.open)
	p.wg.Go(p.accept)
	return p, nil
}

func (p *proxy) address() string { return p.listener.Addr().String() }

func (p *proxy) accept() {
	for {
		c, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.wg.Go(func() { p.serve(c) })
	}
}

func (p *proxy) serve(client net.Conn) {
	if !p.add(client) {
		reset(client)
		return
	}
	defer p.remove(client)
	broker, err := net.Dial("tcp", p.target)
	if err != nil || !p.add(broker) {
		reset(client)
		if err == nil {
			reset(broker)
		}
		return
	}
	defer p.remove(broker)
	done := make(chan struct{})
	go func() {
		p.pass(broker, client)
		close(done)
	}()
	p.pass(client, broker)
	<-done
}

// pass copies until either end closes.
func (p *proxy) pass(to, from net.Conn) {
	defer to.Close()
	defer from.Close()
	buf := make([]byte, 64<<10)
	for {
		n, err := from.Read(buf)
		if !p.await() {
			return
		}
		if n > 0 {
			if _, err := to.Write(buf[:n]); err != nil {
				return
			}
		}
		if err != nil { // io.EOF or a reset: the other end learns of neither more than that it is over
			return
		}
	}
}

// await returns when bytes may pass, false when the proxy is closed.
func (p *proxy) await() bool {
	p.mu.Lock()
	open := p.open
	p.mu.Unlock()
	select {
	case <-open:
		return true
	case <-p.closed:
		return false
	}
}

func (p *proxy) add(c net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.closed:
		return false
	default:
	}
	if p.refused {
		return false
	}
	p.conns[c] = struct{}{}
	return true
}

func (p *proxy) remove(c net.Conn) {
	c.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, c)
}

// cut resets all connections.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		reset(c)
	}
}

// refuse resets all connections, and new ones until allow.
func (p *proxy) refuse() {
	p.mu.Lock()
	p.refused = true
	p.mu.Unlock()
	p.cut()
}

// hold lets no byte pass until allow, and keeps the connections.
func (p *proxy) hold() {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.open:
		p.open = make(chan struct{})
	default: // held already
	}
}

// allow ends what refuse or hold began.
func (p *proxy) allow() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refused = false
	select {
	case <-p.open:
	default:
		close(p.open)
	}
}

func (p *proxy) close() {
	p.mu.Lock()
	close(p.closed)
	p.mu.Unlock()
	p.listener.Close()
	p.cut()
	p.wg.Wait()
}

// reset closes a connection so that the peer sees it broken, not ended.
func reset(c net.Conn) {
	if t, ok := c.(*net.TCPConn); ok {
		_ = t.SetLinger(0)
	}
	_ = c.Close()
}
