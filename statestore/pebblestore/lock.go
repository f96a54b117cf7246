package pebblestore

import (
	"errors"
	"strings"
	"syscall"
)

// isLocked tells a lock that someone else has from a file that cannot be made. A denied lock is EAGAIN (or,
// as POSIX allows, EACCES, which comes without a path, where a file's has one).
func isLocked(err error) bool {
	return errors.Is(err, syscall.EAGAIN) || errors.Is(err, syscall.EWOULDBLOCK) ||
		err == error(syscall.EACCES) || //nolint:errorlint // wrapped, it is about a file
		strings.Contains(err.Error(), "lock held by current process")
}
