package kafkatest_test

import (
	"context"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/leatstream/leat/integration/kafkatest"
)

func TestContainer(t *testing.T) {
	c := kafkatest.Run(t, kafkatest.Config{Origin: kafkatest.Container})
	if got := c.Origin(); got != kafkatest.Container {
		t.Errorf("origin %q, want %q", got, kafkatest.Container)
	}
	t.Run("round trip", func(t *testing.T) { roundTrip(t, c.Brokers()) })
	stopEnds(t, c)
}

func TestJars(t *testing.T) {
	c := kafkatest.Run(t, kafkatest.Config{Origin: kafkatest.Jars})
	if got := c.Origin(); got != kafkatest.Jars {
		t.Errorf("origin %q, want %q", got, kafkatest.Jars)
	}
	t.Run("round trip", func(t *testing.T) { roundTrip(t, c.Brokers()) })
	stopEnds(t, c)
}

func TestThreeNodes(t *testing.T) {
	c := kafkatest.Run(t, kafkatest.Config{Origin: kafkatest.Jars, Nodes: 3})
	if got := len(c.Brokers()); got != 3 {
		t.Fatalf("%d brokers, want 3", got)
	}
	t.Run("round trip", func(t *testing.T) { roundTrip(t, c.Brokers()) })
	stopEnds(t, c)
}

// TestEnvironment takes the cluster that the whole run shares for somebody else's: it is used and not stopped.
func TestEnvironment(t *testing.T) {
	shared := kafkatest.Brokers(t)
	t.Setenv("LEAT_BROKERS", " "+strings.Join(shared, " , ")+",")
	c := kafkatest.Run(t, kafkatest.Config{})
	if got := c.Origin(); got != kafkatest.Environment {
		t.Errorf("origin %q, want %q", got, kafkatest.Environment)
	}
	roundTrip(t, c.Brokers())
	if err := c.Stop(); err != nil {
		t.Fatal(err)
	}
	roundTrip(t, c.Brokers())
}

// stopEnds stops a cluster, twice, and finds nobody at its address.
func stopEnds(t *testing.T, c *kafkatest.Cluster) {
	t.Helper()
	for range 2 {
		if err := c.Stop(); err != nil {
			t.Fatal(err)
		}
	}
	for _, b := range c.Brokers() {
		conn, err := net.DialTimeout("tcp", b, time.Second)
		if err == nil {
			conn.Close()
			t.Errorf("%s still accepts connections after Stop", b)
		}
	}
}

func TestEnvironmentUnreachable(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	t.Setenv("LEAT_BROKERS", address)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	_, err = kafkatest.Start(ctx, kafkatest.Config{})
	wantError(t, err, "environment: LEAT_BROKERS="+address, "no answer")
}

// TestNothingThere hides from Start all that could give a broker: the message names every remedy.
func TestNothingThere(t *testing.T) {
	t.Setenv("LEAT_BROKERS", "")
	t.Setenv("DOCKER_HOST", "unix://"+filepath.Join(t.TempDir(), "docker.sock"))
	t.Setenv("PATH", t.TempDir())
	_, err := kafkatest.Start(t.Context(), kafkatest.Config{})
	wantError(t, err, "set it to host:port", "install Docker", "integration/kafka/docker.sh", "install Java 17")
}

func TestUnknownOrigin(t *testing.T) {
	_, err := kafkatest.Start(t.Context(), kafkatest.Config{Origin: "cloud"})
	wantError(t, err, `unknown origin "cloud"`)
}

func TestContainerRefusesNodes(t *testing.T) {
	_, err := kafkatest.Start(t.Context(), kafkatest.Config{Origin: kafkatest.Container, Nodes: 3})
	wantError(t, err, "containers have one", string(kafkatest.Jars))
}

func wantError(t *testing.T, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatal("no error")
	}
	for _, p := range parts {
		if !strings.Contains(err.Error(), p) {
			t.Errorf("error %q does not say %q", err, p)
		}
	}
}
