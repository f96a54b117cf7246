package takeover

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// buildJava builds the Kafka Streams application, once, and returns its class path.
var buildJava = sync.OnceValues(func() (string, error) {
	dir, err := filepath.Abs("kafka-streams")
	if err != nil {
		return "", err
	}
	cmd := exec.Command("mvn", "-q", "-B", "-f", filepath.Join(dir, "pom.xml"), "package", "dependency:copy-dependencies")
	out, err := cmd.CombinedOutput()
	return filepath.Join(dir, "target", "takeover.jar") + ":" + filepath.Join(dir, "target", "dependency", "*"), wrap(err, out)
})

func wrap(err error, out []byte) error {
	if err == nil {
		return nil
	}
	return &buildError{err, out}
}

type buildError struct {
	cause error
	out   []byte
}

func (e *buildError) Error() string {
	return "build the Kafka Streams application: install a JDK 17 and Maven (Debian: apt-get install openjdk-17-jdk-headless maven): " + e.cause.Error() + "\n" + string(e.out)
}

func (e *buildError) Unwrap() error { return e.cause }

// javaApp is the Kafka Streams application in a process of its own, which closes when its input ends.
type javaApp struct {
	t      *testing.T
	cmd    *exec.Cmd
	input  io.Closer
	log    bytes.Buffer
	exited chan error
}

func (r *run) startJava() side {
	r.t.Helper()
	classes, err := buildJava()
	if err != nil {
		r.t.Fatal(err)
	}
	guarantee := map[bool]string{false: "at_least_once", true: "exactly_once_v2"}[r.exactlyOnce]
	optimization := map[bool]string{false: "none", true: "all"}[r.optimize]
	format := "DEFAULT"
	if r.headers {
		format = "HEADERS"
	}
	a := &javaApp{t: r.t, exited: make(chan error, 1)}
	a.cmd = exec.Command("java", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", classes, "takeover.Main", //nolint:gosec // our own
		"bootstrap="+strings.Join(r.brokers, ","), "application="+r.application(), "prefix="+r.prefix, "state="+r.javaState,
		"describe="+r.describe, "guarantee="+guarantee, "optimization="+optimization, "format="+format,
		"quick="+strconv.FormatInt(r.quick, 10))
	a.cmd.Stderr = &a.log
	if a.input, err = a.cmd.StdinPipe(); err != nil {
		r.t.Fatal(err)
	}
	if err := a.cmd.Start(); err != nil {
		r.t.Fatal(err)
	}
	go func() { a.exited <- a.cmd.Wait() }()
	r.t.Cleanup(func() {
		_ = a.cmd.Process.Kill() // of no effect on one that has ended
		if r.t.Failed() && a.log.Len() > 0 {
			r.t.Logf("Kafka Streams' log:\n%s", a.log.String())
		}
	})
	return a
}

func (a *javaApp) failed() error {
	select {
	case err := <-a.exited:
		a.exited <- err
		if err == nil {
			err = os.ErrProcessDone
		}
		return err
	default:
		return nil
	}
}

func (a *javaApp) stop() {
	a.t.Helper()
	_ = a.input.Close()
	select {
	case err := <-a.exited:
		a.exited <- err
		if err != nil {
			a.t.Fatalf("kafka streams: %v\n%s", err, a.log.String())
		}
	case <-time.After(patience):
		a.t.Fatal("kafka streams does not stop")
	}
}
