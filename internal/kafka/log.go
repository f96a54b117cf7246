package kafka

import (
	"context"
	"log/slog"

	"github.com/twmb/franz-go/pkg/kgo"
)

// logger gives franz-go's warnings and errors to a slog.Logger, as warnings: an error of the client is
// tried again or returned, and only whoever gets it knows whether a person must act.
type logger struct{ l *slog.Logger }

func (l logger) Level() kgo.LogLevel {
	if l.l.Enabled(context.Background(), slog.LevelDebug) {
		return kgo.LogLevelInfo
	}
	return kgo.LogLevelWarn
}

func (l logger) Log(level kgo.LogLevel, msg string, keyvals ...any) {
	to := slog.LevelDebug
	if level <= kgo.LogLevelWarn {
		to = slog.LevelWarn
	}
	l.l.Log(context.Background(), to, "kafka client: "+msg, keyvals...)
}
