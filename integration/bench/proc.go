package main

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
	"runtime/pprof"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// cpuTime is what this process has used, all threads, user and system.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err) // it has no reason to
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// cpuTimeOf is what another process has used, in steps of 10 ms.
func cpuTimeOf(pid int64) (time.Duration, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	fields := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:])) // the name before may have spaces
	if len(fields) < 13 {
		return 0, fmt.Errorf("/proc/%d/stat: %d fields", pid, len(fields))
	}
	var ticks int64
	for _, f := range fields[11:13] { // utime and stime
		n, err := strconv.ParseInt(f, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("/proc/%d/stat: %w", pid, err)
		}
		ticks += n
	}
	return time.Duration(ticks) * (time.Second / 100), nil
}

// peakRSS is the most memory that this process has had, in MiB.
func peakRSS() (float64, error) { return memory("VmHWM:") }

// memory is a line of the kernel's account of this process' memory, in MiB.
func memory(line string) (float64, error) {
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, err
	}
	for l := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(l, line); ok {
			kb, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
			return kb / 1024, err
		}
	}
	return 0, fmt.Errorf("/proc/self/status has no %s", line)
}

// firstRecord is when the first input record reached the application.
type firstRecord struct {
	marked atomic.Bool
	once   sync.Once
	at     time.Time
	cpu    time.Duration
}

func (f *firstRecord) mark() {
	f.once.Do(func() {
		f.cpu, f.at = cpuTime(), time.Now()
		f.marked.Store(true)
	})
}

// profiled runs f with the profiles that the flags ask for.
func profiled(a *args, f func() error) error {
	if name := a.text("cpuprofile", ""); name != "" {
		file, err := os.Create(name)
		if err != nil {
			return err
		}
		defer file.Close()
		if err := pprof.StartCPUProfile(file); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	if name := a.text("memprofile", ""); name != "" {
		runtime.MemProfileRate = 64 << 10
		defer func() {
			file, err := os.Create(name)
			if err == nil {
				err = pprof.Lookup("allocs").WriteTo(file, 0)
				file.Close()
			}
			if err != nil {
				fmt.Fprintln(os.Stderr, "bench: write the memory profile:", err)
			}
		}()
	}
	return f()
}
