package pebblestore

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"github.com/cockroachdb/pebble/v2"
)

// What can be wrong with a state directory. [errors.Is] tells which of them an error is; the error's text names
// the directory and the remedy.
var (
	// ErrCorrupt says that the directory's contents are damaged or incomplete. Remedy: [SetAside], and
	// restore from the changelogs.
	ErrCorrupt = errors.New("the state is damaged")
	// ErrLocked says that another process, or another DB of this one, has the directory open.
	ErrLocked = errors.New("the directory is in use")
	// ErrNewer says that a newer version of leat wrote the directory. Nothing in it has been changed.
	ErrNewer = errors.New("the state was written by a newer version of leat")
	// ErrForeign says that the directory belongs to another application. Nothing in it has been changed.
	ErrForeign = errors.New("the state belongs to another application")
	// ErrStorage says that the disk refuses to read or write, or is full. What was committed before is sound;
	// the database must be closed, and can be opened again when the disk works.
	ErrStorage = errors.New("the storage fails")
	// ErrClosed says that the database, or the backend of the task, has been closed.
	ErrClosed = errors.New("the store is closed")
)

var remedies = map[error]string{
	ErrCorrupt: "set the directory aside or delete it: the state is restored from the changelogs",
	ErrLocked:  "stop the other process, or give each instance a state directory of its own",
	ErrNewer:   "run the version that wrote it or a later one, or use another directory",
	ErrForeign: "give each application a state directory of its own",
	ErrStorage: "look after the disk's space, permissions and health, then start again: committed state is kept",
}

// Error is an error of the database in a state directory. It wraps its Kind, one of the Err values of this
// package, and its cause.
type Error struct {
	Kind error
	// Op is what was to be done, as in "open".
	Op string
	// Dir is the state directory.
	Dir string
	// Cause says what happened; it may be nil.
	Cause error
}

// Error returns the operation, directory, kind, cause and remedy.
func (e *Error) Error() string {
	text := fmt.Sprintf("%s: state directory %s: %v", e.Op, e.Dir, e.Kind)
	if e.Cause != nil {
		text += fmt.Sprintf(" (%v)", e.Cause)
	}
	if remedy := remedies[e.Kind]; remedy != "" {
		text += "; " + remedy
	}
	return text
}

// Unwrap returns the kind and the cause.
func (e *Error) Unwrap() []error {
	if e.Cause == nil {
		return []error{e.Kind}
	}
	return []error{e.Kind, e.Cause}
}

// kindOf tells damage from a disk that fails: what the operating system refuses is the disk's fault, a file
// that should be there and is not is damage.
func kindOf(err error) error {
	var errno syscall.Errno
	switch {
	case pebble.IsCorruptionError(err), errors.Is(err, fs.ErrNotExist):
		return ErrCorrupt
	case errors.As(err, &errno), errors.Is(err, os.ErrPermission):
		return ErrStorage
	}
	return nil
}
