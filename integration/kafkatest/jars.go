package kafkatest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
)

// nodeScript runs a broker and kills it when standard input ends, that is when the process that started it is
// gone; then it removes the broker's folder, unless that is to be kept for a restart, and the folder of all
// brokers after the last. Signals, which a terminal or a time limit sends to the whole process group, are left to
// that process. The broker's process id is written for the one who kills it, its exit code for the one who waits
// for it to answer.
const nodeScript = `trap '' INT HUP TERM
dir=$1; shift
exec 3<&0
"$@" </dev/null 3<&- & broker=$!
echo $broker >"$dir/pid"
(cat <&3 >/dev/null; while kill -KILL $broker; do sleep 0.05; done; [ -e "$dir/keep" ] || rm -rf "$dir"; rmdir "${dir%/*}") 2>/dev/null &
exec 3<&-
wait $broker
echo $? >"$dir/exited"
wait`

// heap bounds a broker's memory.
const heap = "-Xmx768m"

// startJars starts cfg.Nodes brokers as processes of this machine.
func startJars(ctx context.Context, cfg Config) (*Cluster, error) {
	java, err := findJava(ctx)
	if err != nil {
		return nil, fmt.Errorf("jars: %w", err)
	}
	jars, err := DownloadJars(ctx)
	if err != nil {
		return nil, fmt.Errorf("jars: %w", err)
	}
	for attempt := 1; ; attempt++ {
		c, err := startNodes(ctx, cfg, java, filepath.Join(jars, "*"))
		if err == nil {
			return c, nil
		}
		// A free port may have been taken before the broker listened on it.
		if cfg.Port != 0 || attempt == 3 || ctx.Err() != nil || !strings.Contains(err.Error(), "Address already in use") {
			return nil, fmt.Errorf("jars: %w", err)
		}
	}
}

// findJava returns the java command if it is of version 17 or later, as Kafka's brokers demand.
func findJava(ctx context.Context) (string, error) {
	const remedy = "install Java 17 (Debian: apt-get install openjdk-17-jre-headless)"
	java, err := exec.LookPath("java")
	if err != nil {
		return "", fmt.Errorf("%s: %w", remedy, err)
	}
	out, err := exec.CommandContext(ctx, java, "-version").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("java -version: %w: %s", err, out)
	}
	major := javaMajor(string(out))
	if major < 17 {
		return "", fmt.Errorf("java is version %d: %s", major, remedy)
	}
	return java, nil
}

var javaVersion = regexp.MustCompile(`version "(?:1\.)?(\d+)`)

// javaMajor returns the major version that java -version tells, 0 if it tells none.
func javaMajor(out string) int {
	m := javaVersion.FindStringSubmatch(out)
	if m == nil {
		return 0
	}
	major, err := strconv.Atoi(m[1])
	if err != nil {
		return 0
	}
	return major
}

func startNodes(ctx context.Context, cfg Config, java, classpath string) (*Cluster, error) {
	ports, err := nodePorts(cfg)
	if err != nil {
		return nil, err
	}
	base, err := os.MkdirTemp("", "leat-kafka-")
	if err != nil {
		return nil, err
	}
	addresses := func(offset int, prefix func(node int) string) []string {
		var list []string
		for i := range cfg.Nodes {
			list = append(list, prefix(i+1)+"127.0.0.1:"+strconv.Itoa(ports[3*i+offset]))
		}
		return list
	}
	clients := addresses(0, func(int) string { return "" })
	voters := strings.Join(addresses(1, func(n int) string { return strconv.Itoa(n) + "@" }), ",")

	var nodes []*node
	stop := sync.OnceValue(func() error {
		var errs []error
		for _, n := range nodes {
			errs = append(errs, n.stop())
		}
		return errors.Join(append(errs, os.RemoveAll(base))...)
	})
	for i := range cfg.Nodes {
		p := baseProperties(i+1, cfg.Nodes, cfg.Partitions)
		p["controller.quorum.voters"] = voters
		p["advertised.listeners"] = clientListener + "://" + clients[i] + "," + brokerListener + "://127.0.0.1:" + strconv.Itoa(ports[3*i+2])
		p["listeners"] = p["advertised.listeners"] + "," + controllerListener + "://127.0.0.1:" + strconv.Itoa(ports[3*i+1])
		maps.Copy(p, cfg.Properties)
		n, err := formatNode(ctx, filepath.Join(base, strconv.Itoa(i+1)), java, classpath, cfg.Options, p)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("broker %d: %w", i+1, err), stop())
		}
		nodes = append(nodes, n)
	}
	// Not before all are formatted: a broker waits for the others for so long only.
	for i, n := range nodes {
		if err := n.start(); err != nil {
			return nil, errors.Join(fmt.Errorf("broker %d: %w", i+1, err), stop())
		}
	}
	wait, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	err = waitReady(wait, clients, cfg.Nodes, func() error {
		for i, n := range nodes {
			if err := n.exited(); err != nil {
				return fmt.Errorf("broker %d: %w", i+1, err)
			}
		}
		return nil
	})
	if err != nil {
		return nil, errors.Join(err, stop())
	}
	return &Cluster{origin: Jars, brokers: clients, stop: stop, nodes: nodes}, nil
}

// nodePorts returns three ports a broker: for clients, for the controllers' quorum and for the other brokers.
func nodePorts(cfg Config) ([]int, error) {
	if cfg.Port == 0 {
		return freePorts(3 * cfg.Nodes)
	}
	var ports []int
	for i := range 3 * cfg.Nodes {
		ports = append(ports, cfg.Port+i)
	}
	return ports, nil
}

// node is one broker's process, or the place of one that has been killed.
type node struct {
	dir     string
	command []string // What nodeScript runs.
	cmd     *exec.Cmd
	alive   io.Closer // The writing end of the process's standard input.
}

// formatNode makes the storage of a broker below dir.
func formatNode(ctx context.Context, dir, java, classpath string, further []string, p properties) (*node, error) {
	if err := os.Mkdir(dir, 0o755); err != nil {
		return nil, err
	}
	p["log.dirs"] = filepath.Join(dir, "data")
	file := filepath.Join(dir, "server.properties")
	if err := os.WriteFile(file, []byte(p.file()), 0o644); err != nil {
		return nil, err
	}
	options := append([]string{heap, "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-cp", classpath}, further...)
	format := exec.CommandContext(ctx, java, append(options, "kafka.tools.StorageTool", "format", "-t", clusterID, "-c", file)...)
	if out, err := format.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("format storage: %w\n%s", err, out)
	}
	return &node{dir: dir, command: append(append([]string{java}, options...), "kafka.Kafka", file)}, nil
}

// start runs the broker on the storage that there is.
func (n *node) start() error {
	// Not bound to a context: it ends with its standard input.
	cmd := exec.Command("sh", append([]string{"-c", nodeScript, "sh", n.dir}, n.command...)...)
	log, err := os.OpenFile(filepath.Join(n.dir, "broker.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd.Stdout, cmd.Stderr = log, log
	alive, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	n.cmd, n.alive = cmd, alive
	return nil
}

// clusterID is any id; all brokers of a cluster have it in common.
const clusterID = "leat-kafka-test-cluster"

// exited returns an error with the end of the broker's output once it has ended by itself.
func (n *node) exited() error {
	code, err := os.ReadFile(filepath.Join(n.dir, "exited"))
	if err != nil {
		return nil //nolint:nilerr // The file is written at the end: without it the broker runs.
	}
	var out tail
	if log, err := os.ReadFile(filepath.Join(n.dir, "broker.log")); err == nil {
		_, _ = out.Write(log) // It never fails.
	}
	return fmt.Errorf("ended with exit code %s:\n%s", strings.TrimSpace(string(code)), out.String())
}

// stop kills the broker, waits until it is gone and removes its storage.
func (n *node) stop() error {
	if n.cmd == nil { // It has been killed.
		return os.RemoveAll(n.dir)
	}
	if err := n.alive.Close(); err != nil {
		return err
	}
	err := n.cmd.Wait()
	n.cmd = nil
	if err != nil {
		return fmt.Errorf("wait for broker: %w", err)
	}
	return nil
}
