package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
)

// javaBench returns the script of the Kafka Streams project, which loads, drives and verifies.
func javaBench(a *args) (string, error) {
	if a.has("java") {
		return a.flags["java"], nil
	}
	for _, dir := range []string{"integration/bench", "bench", "."} { // from the root, the module or here
		if p, err := filepath.Abs(filepath.Join(dir, "kafka-streams", "bench")); err == nil {
			if info, err := os.Stat(p); err == nil && !info.IsDir() {
				return p, nil
			}
		}
	}
	return "", usagef("the script kafka-streams/bench is not here; name it with --java")
}

// verifyInto lets the Java project compare the output with what it must be. otherwise is whether to do it if
// the flag --verify does not say.
func verifyInto(ctx context.Context, r *result, a *args, workload string, s *settings, out string, otherwise bool) error {
	verify, err := a.yes("verify", otherwise)
	if err != nil || !verify {
		return err
	}
	java, err := javaBench(a)
	if err != nil {
		return err
	}
	v, err := resultOf(exec.CommandContext(ctx, java, "verify", "--workload", workload, "--records", strconv.FormatInt(s.records, 10),
		"--out", out, "--cache", strconv.FormatInt(s.cache, 10), "--bootstrap", s.bootstrap[0]))
	if err != nil {
		return err
	}
	r.put("out_records", v.values["out_records"])
	r.put("verify", v.values["verify"])
	return nil
}
