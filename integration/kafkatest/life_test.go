package kafkatest_test

import (
	"bufio"
	"context"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/leatstream/leat/integration/kafkatest"
)

// TestDiesWithTheProcess kills processes that have started a cluster, as a test binary that panics or is killed
// cannot stop one: the brokers go all the same.
func TestDiesWithTheProcess(t *testing.T) {
	for _, origin := range []kafkatest.Origin{kafkatest.Container, kafkatest.Jars} {
		t.Run(string(origin), func(t *testing.T) {
			exe, err := os.Executable()
			if err != nil {
				t.Fatal(err)
			}
			cmd := exec.CommandContext(t.Context(), exe, "-test.run=^TestStartsAndWaits$", "-test.v")
			cmd.Env = append(os.Environ(), "LEAT_TEST_START="+string(origin))
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			var said []string
			var broker string
			for lines := bufio.NewScanner(out); broker == "" && lines.Scan(); {
				said = append(said, lines.Text())
				_, broker, _ = strings.Cut(lines.Text(), "broker=")
			}
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			_ = cmd.Wait() // It says that the process was killed.
			if broker == "" {
				t.Fatalf("no broker was started:\n%s", strings.Join(said, "\n"))
			}
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			for {
				conn, err := net.DialTimeout("tcp", broker, time.Second)
				if err != nil {
					return
				}
				conn.Close()
				select {
				case <-ctx.Done():
					t.Fatalf("%s still accepts connections", broker)
				case <-time.After(100 * time.Millisecond):
				}
			}
		})
	}
}

// TestStartsAndWaits is the process that TestDiesWithTheProcess kills. By itself it shows that the shared cluster
// is one: two calls give the same addresses.
func TestStartsAndWaits(t *testing.T) {
	origin := os.Getenv("LEAT_TEST_START")
	if origin == "" {
		first, second := kafkatest.Brokers(t), kafkatest.Brokers(t)
		if strings.Join(first, ",") != strings.Join(second, ",") {
			t.Errorf("two shared clusters: %v and %v", first, second)
		}
		return
	}
	c := kafkatest.Run(t, kafkatest.Config{Origin: kafkatest.Origin(origin)})
	t.Logf("broker=%s", c.Brokers()[0])
	select {} // Until it is killed.
}
