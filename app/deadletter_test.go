package app_test

import (
	"strings"
	"testing"

	"github.com/leatstream/leat/app"
	"github.com/leatstream/leat/record"
	"github.com/leatstream/leat/task"
)

// letters reads a topic of dead letters, as committed.
func (c *cluster) letters(topic string) (out []record.Raw) {
	c.t.Helper()
	c.scan(topic, func(r record.Raw) { out = append(out, r) })
	return out
}

// TestDeadLetters: what cannot be read, processed or written is kept as it was read, with what went wrong, in
// the same transaction as everything else; the records around it are counted, each once.
func TestDeadLetters(t *testing.T) {
	for name, g := range map[string]app.Guarantee{"at least once": app.AtLeastOnce, "exactly once": app.ExactlyOnce} {
		t.Run(name, func(t *testing.T) {
			onClusters(t, func(t *testing.T, c *cluster) {
				dead := c.id + "-dead"
				c.create(dead, partitions)
				c.write(c.lines, 1, "k", "good one", "k", "poison", "k", "\xff\xfe", "k", "good two")
				in := c.start(t.TempDir(), func(cfg *app.Config) {
					policy := task.ErrorPolicy{Then: task.DeadLetter, DeadLetterTopic: dead}
					cfg.Guarantee, cfg.Deserialization, cfg.Processing, cfg.Production = g, policy, policy, policy
				})
				c.want(map[string]int64{"good": 2, "one": 1, "two": 1})
				got := c.letters(dead)
				if len(got) != 2 {
					t.Fatalf("%d dead letters, want 2", len(got))
				}
				values := map[string]record.Raw{}
				for _, r := range got {
					values[string(r.Value)] = r
				}
				for value, message := range map[string]string{"poison": "nobody can bear", "\xff\xfe": "not valid UTF-8"} {
					r, ok := values[value]
					if !ok || string(r.Key) != "k" {
						t.Errorf("no letter with the bytes %q; have %v", value, got)
						continue
					}
					if m, _ := r.Headers.Last(task.HeaderMessage); !strings.Contains(string(m), message) {
						t.Errorf("message of %q is %q, want it to say %q", value, m, message)
					}
					if topic, _ := r.Headers.Last(task.HeaderTopic); string(topic) != c.lines {
						t.Errorf("topic of %q is %q, want %q", value, topic, c.lines)
					}
				}
				if err := in.stop(); err != nil {
					t.Error(err)
				}
			})
		})
	}
}
