package app_test

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/leatstream/leat/app"
)

// childEnv makes the test binary an instance of the word count in a process of its own, which can be killed:
// brokers, id, state directory and guarantee, separated by '|', and "kinds" for the application with stores of every
// kind.
const childEnv = "LEAT_TEST_INSTANCE"

// childStandbysEnv has a character for each standby that it shall ask for.
const childStandbysEnv = "LEAT_TEST_STANDBYS"

func TestMain(m *testing.M) {
	if args := os.Getenv(childEnv); args != "" {
		os.Exit(child(strings.Split(args, "|")))
	}
	os.Exit(m.Run())
}

func child(args []string) int {
	topo, err := wordCount(args[1])
	if slices.Contains(args[4:], "kinds") {
		topo, err = kindsOfState(args[1], args[1]+"-out")
	}
	if err == nil {
		var a *app.App
		a, err = app.New(app.Config{
			Application: args[1], Topology: topo, Brokers: strings.Split(args[0], ","), StateDir: args[2], Workers: 2,
			SessionTimeout: 6 * time.Second, TransactionTimeout: 5 * time.Second, CommitInterval: 50 * time.Millisecond, Memory: 32 << 20,
			Guarantee: map[string]app.Guarantee{"exactly": app.ExactlyOnce}[args[3]],
			Standbys:  len(os.Getenv(childStandbysEnv)),
			Logger:    slog.New(slog.NewTextHandler(os.Stderr, nil)),
		})
		if err == nil {
			err = a.Run(context.Background())
		}
	}
	fmt.Fprintln(os.Stderr, "child:", err)
	return 1
}

// process is an instance in a process of its own.
type process struct {
	t   *testing.T
	cmd *exec.Cmd
}

func (c *cluster) spawn(dir, guarantee string, more ...string) *process {
	c.t.Helper()
	cmd := exec.Command(os.Args[0]) //nolint:gosec // the test binary itself
	cmd.Env = append(os.Environ(), childEnv+"="+strings.Join(append([]string{strings.Join(c.brokers, ","), c.id, dir, guarantee}, more...), "|"))
	cmd.Stderr = testWriter{c.t}
	if err := cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	p := &process{t: c.t, cmd: cmd}
	c.t.Cleanup(p.kill)
	return p
}

// kill ends the process as a crash would.
func (p *process) kill() {
	if p.cmd.ProcessState == nil {
		_ = p.cmd.Process.Kill()
		_ = p.cmd.Wait()
	}
}

func (p *process) signal(s syscall.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
}

// TestExactlyOnceUnderCrashes kills and stops instances at random while input flows, and sometimes takes their
// state away. Every word's committed counts must be 1, 2, 3 … without a gap or a repeat: one record lost or
// counted twice anywhere, through the repartition topic, the store or the output, would show.
//
// Only on a real cluster: the embedded broker does not drop members that died while they joined.
func TestExactlyOnceUnderCrashes(t *testing.T) {
	onKafka(t, func(t *testing.T, c *cluster) {
		crashes(t, c, "exactly")
		for word, counts := range c.history(c.counts) {
			for i, n := range counts {
				if n != int64(i+1) {
					t.Fatalf("word %q: output %d says %d; all of them: %v", word, i+1, n, counts)
				}
			}
		}
	})
}

// TestAtLeastOnceUnderCrashes is the same at least once: no word below its count.
func TestAtLeastOnceUnderCrashes(t *testing.T) {
	onKafka(t, func(t *testing.T, c *cluster) { crashes(t, c, "atleast") })
}

func crashes(t *testing.T, c *cluster, guarantee string) {
	t.Helper()
	r := rand.New(rand.NewPCG(1, 2))
	want := map[string]int64{}
	var procs [2]*process
	var dirs [2]string
	for i := range procs {
		dirs[i] = t.TempDir()
		procs[i] = c.spawn(dirs[i], guarantee)
	}
	for round := range 6 {
		for part := range 5 {
			c.write(c.lines, int64(round*1000+part*100), text(uint64(round*10+part), 100, want)...)
			time.Sleep(time.Duration(r.IntN(150)) * time.Millisecond)
		}
		i := r.IntN(2)
		switch round {
		case 3: // a zombie: it wakes up when its tasks are others' and its transaction is over
			procs[i].signal(syscall.SIGSTOP)
			time.Sleep(8 * time.Second)
			procs[i].signal(syscall.SIGCONT)
		default:
			procs[i].kill()
			if round%2 == 1 {
				if err := os.RemoveAll(dirs[i]); err != nil {
					t.Fatal(err)
				}
			}
			procs[i] = c.spawn(dirs[i], guarantee)
		}
	}
	c.awaitProcessed(c.lines)
	c.awaitProcessed(c.words())
	got := c.read(c.counts)
	for word, n := range want {
		if got[word] < n {
			t.Errorf("word %q: count %d, want at least %d", word, got[word], n)
		}
		if guarantee == "exactly" && got[word] != n {
			t.Errorf("word %q: count %d, want %d", word, got[word], n)
		}
	}
}
