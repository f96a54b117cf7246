package kafkatest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/moby/moby/api/pkg/stdcopy"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go"
	"github.com/testcontainers/testcontainers-go/log"
)

// containerScript runs the image's own start script and kills the broker when standard input ends, that is when
// the process that started the container is gone. A shell gives background jobs an empty input, hence the 3.
const containerScript = `exec 3<&0
/etc/kafka/docker/run </dev/null 3<&- & broker=$!
(cat <&3 >/dev/null; kill -KILL $broker) &
exec 3<&-
wait $broker`

// startContainer starts one broker of the image through testcontainers.
func startContainer(ctx context.Context, cfg Config) (*Cluster, error) {
	if cfg.Nodes > 1 {
		return nil, fmt.Errorf("container: %d brokers asked for, containers have one: use origin %q", cfg.Nodes, Jars)
	}
	if err := prepareTestcontainers(ctx); err != nil {
		return nil, fmt.Errorf("container: no Docker daemon answers: install Docker and start it, or run integration/kafka/docker.sh: %w", err)
	}
	provider, err := testcontainers.NewDockerProvider(testcontainers.WithLogger(log.NewNoopLogger()))
	if err != nil {
		return nil, fmt.Errorf("container: %w", err)
	}
	host, err := provider.DaemonHost(ctx)
	if err != nil {
		return nil, fmt.Errorf("container: find the daemon's host: %w", err)
	}
	if host == "localhost" {
		host = "127.0.0.1"
	}
	// The port is fixed before the broker starts, because the broker must advertise it. Nothing holds it in
	// between, so that another process may take it: then another port is tried.
	for attempt := 1; ; attempt++ {
		port := cfg.Port
		if port == 0 {
			if port, err = freePort(); err != nil {
				return nil, fmt.Errorf("container: %w", err)
			}
		}
		c, err := runContainer(ctx, cfg, host, port)
		if err == nil {
			return c, nil
		}
		if cfg.Port != 0 || attempt == 3 || ctx.Err() != nil || !errors.Is(err, errNotStarted) {
			return nil, fmt.Errorf("container: image %s: %w", Image(), err)
		}
	}
}

// errNotStarted marks a container that could not be started, as against one whose broker does not answer.
var errNotStarted = errors.New("container not started")

func runContainer(ctx context.Context, cfg Config, host string, port int) (*Cluster, error) {
	address := net.JoinHostPort(host, strconv.Itoa(port))
	p := baseProperties(1, 1, cfg.Partitions)
	p["controller.quorum.voters"] = "1@localhost:9093"
	// The broker dials itself when it is a transaction's coordinator. It cannot reach the advertised address of
	// the clients' listener from inside the container, so there is one that it can: without it every
	// transactional produce is retried for ever.
	p["listeners"] = clientListener + "://:9092," + brokerListener + "://localhost:9094," + controllerListener + "://localhost:9093"
	p["advertised.listeners"] = clientListener + "://" + address + "," + brokerListener + "://localhost:9094"

	var line lifeline
	ctr, err := testcontainers.Run(
		ctx, Image(),
		testcontainers.WithLogger(log.NewNoopLogger()),
		testcontainers.WithEnv(p.environment()),
		testcontainers.WithEntrypoint("sh", "-c", containerScript),
		testcontainers.WithConfigModifier(func(c *container.Config) {
			c.OpenStdin, c.StdinOnce = true, true
		}),
		testcontainers.WithHostConfigModifier(func(h *container.HostConfig) {
			h.AutoRemove = true
			bind := netip.IPv4Unspecified()
			if a, err := netip.ParseAddr(host); err == nil && a.IsLoopback() {
				bind = a
			}
			h.PortBindings = network.PortMap{
				network.MustParsePort("9092/tcp"): {{HostIP: bind, HostPort: strconv.Itoa(port)}},
			}
		}),
		testcontainers.WithExposedPorts("9092/tcp"),
		testcontainers.WithAdditionalLifecycleHooks(testcontainers.ContainerLifecycleHooks{
			PostCreates: []testcontainers.ContainerHook{line.attach},
		}),
	)
	stop := sync.OnceValue(func() error {
		defer line.close()
		return testcontainers.TerminateContainer(ctr, testcontainers.StopTimeout(0))
	})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errNotStarted, errors.Join(err, stop()))
	}
	wait, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	if err := waitReady(wait, []string{address}, 1, line.broken); err != nil {
		return nil, errors.Join(fmt.Errorf("%w; the broker said:\n%s", err, line.output.String()), stop())
	}
	return &Cluster{origin: Container, brokers: []string{address}, stop: stop}, nil
}

// prepareTestcontainers sets the two variables that testcontainers reads once, on its first use, and fails if no
// daemon answers. Variables that are set already hold.
func prepareTestcontainers(ctx context.Context) error {
	// In a container testcontainers takes the default gateway for the daemon's host. That is wrong where the
	// daemon runs in the same container, which shows in the daemon's bridge being ours.
	if _, set := os.LookupEnv("TESTCONTAINERS_HOST_OVERRIDE"); !set {
		_, inContainer := os.Stat("/.dockerenv")
		if _, err := net.InterfaceByName("docker0"); inContainer == nil && err == nil {
			if err := os.Setenv("TESTCONTAINERS_HOST_OVERRIDE", "127.0.0.1"); err != nil {
				return err
			}
		}
	}
	// A client of our own, since testcontainers' would read its configuration too early.
	cl, err := client.New(client.FromEnv)
	if err != nil {
		return err
	}
	defer cl.Close()
	_, err = cl.Ping(ctx, client.PingOptions{NegotiateAPIVersion: true})
	// Testcontainers goes on to look for other daemons, also where one is named that does not answer. A name is
	// meant; where none is given, its search knows more places than the default socket.
	if host := os.Getenv("DOCKER_HOST"); err != nil && host != "" {
		return fmt.Errorf("DOCKER_HOST=%s: %w", host, err)
	}
	// Without its image Ryuk fails every container, and nothing depends on Ryuk here.
	if _, set := os.LookupEnv("TESTCONTAINERS_RYUK_DISABLED"); !set {
		if err != nil || !imageAvailable(ctx, cl, testcontainers.ReaperDefaultImage) { //nolint:staticcheck // The successor is internal to testcontainers.
			if err := os.Setenv("TESTCONTAINERS_RYUK_DISABLED", "true"); err != nil {
				return err
			}
		}
	}
	tc, err := testcontainers.NewDockerClientWithOpts(ctx)
	if err != nil {
		return err
	}
	defer tc.Close()
	_, err = tc.Ping(ctx, client.PingOptions{})
	return err
}

// imageAvailable tells whether an image is here or can be pulled within half a minute.
func imageAvailable(ctx context.Context, cl *client.Client, image string) bool {
	if _, err := cl.ImageInspect(ctx, image); err == nil {
		return true
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	pull, err := cl.ImagePull(ctx, image, client.ImagePullOptions{})
	if err != nil {
		return false
	}
	defer pull.Close()
	return pull.Wait(ctx) == nil
}

// lifeline is the connection that keeps a container alive and brings its output.
type lifeline struct {
	conn   *client.HijackedResponse
	output tail
	ended  chan struct{}
}

// attach connects to a container before it starts. Its goroutine ends with the connection, which ends with the
// container, with close or with the process.
func (l *lifeline) attach(ctx context.Context, ctr testcontainers.Container) error {
	cl, err := testcontainers.NewDockerClientWithOpts(ctx)
	if err != nil {
		return err
	}
	// The connection outlives the request that makes it, so ctx must not end it.
	res, err := cl.ContainerAttach(context.WithoutCancel(ctx), ctr.GetContainerID(), client.ContainerAttachOptions{
		Stream: true, Stdin: true, Stdout: true, Stderr: true,
	})
	if err != nil {
		return fmt.Errorf("attach: %w", err)
	}
	l.conn, l.ended = &res.HijackedResponse, make(chan struct{})
	go func() {
		defer close(l.ended)
		// An error is the end of the connection in one of its many guises.
		_, _ = stdcopy.StdCopy(&l.output, &l.output, l.conn.Reader)
	}()
	return nil
}

// broken returns an error once the container has ended.
func (l *lifeline) broken() error {
	select {
	case <-l.ended:
		return errors.New("the container ended")
	default:
		return nil
	}
}

func (l *lifeline) close() {
	if l.conn == nil {
		return
	}
	l.conn.Close()
	<-l.ended
}

// tail keeps the end of what is written to it.
type tail struct {
	mu  sync.Mutex
	buf []byte
}

var _ io.Writer = (*tail)(nil)

// Write never fails.
func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.buf = append(t.buf, p...)
	if over := len(t.buf) - 8<<10; over > 0 {
		t.buf = append(t.buf[:0], t.buf[over:]...)
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.buf)
}
