package pebblestore

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// layoutVersion is the version of the directory's layout and of the database's keys.
const layoutVersion = 1

// A state directory holds
//
//	LOCK       locked while the directory is in use
//	identity   the identity, as JSON
//	db/        the database, which holds the same identity
//	damaged/   the database that was last set aside
//
// The identity is in both places because Pebble opens as an empty database what has lost its manifest: with an
// identity file beside it that is found out.
const (
	lockName     = "LOCK"
	identityName = "identity"
	dbName       = "db"
	damagedName  = "damaged"
)

// identity says whose state a directory holds.
type identity struct {
	Layout      int    `json:"layout"`
	Application string `json:"application"`
	// ID is drawn when the database is made.
	ID string `json:"id"`
}

func newIdentity(application string) identity {
	return identity{Layout: layoutVersion, Application: application, ID: rand.Text()}
}

func (id identity) encode() []byte {
	b, err := json.Marshal(id)
	if err != nil {
		panic(err) // a struct of an int and strings
	}
	return append(b, '\n')
}

// parseIdentity reads an identity and checks that application may use what it stands for.
func parseIdentity(b []byte, application string) (id identity, kind, err error) {
	if err := json.Unmarshal(b, &id); err != nil || id.Layout < 1 {
		return id, ErrCorrupt, fmt.Errorf("identity %.100q is not readable", b)
	}
	if id.Layout > layoutVersion {
		return id, ErrNewer, fmt.Errorf("its layout is %d, this version knows layouts up to %d", id.Layout, layoutVersion)
	}
	if id.Application != application {
		return id, ErrForeign, fmt.Errorf("it is %q's, this is %q", id.Application, application)
	}
	return id, nil, nil
}

// readIdentityFile returns the file's contents, nil if there is none.
func readIdentityFile(fsys vfs.FS, dir string) ([]byte, error) {
	f, err := fsys.Open(fsys.PathJoin(dir, identityName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, 64<<10))
	if err == nil && b == nil {
		b = []byte{}
	}
	return b, err
}

// writeIdentityFile puts the file there as a whole and durably.
func writeIdentityFile(fsys vfs.FS, dir string, id identity) error {
	name := fsys.PathJoin(dir, identityName)
	f, err := fsys.Create(name+".new", vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	if _, err = f.Write(id.encode()); err == nil {
		err = f.Sync()
	}
	if err2 := f.Close(); err == nil {
		err = err2
	}
	if err == nil {
		err = fsys.Rename(name+".new", name)
	}
	if err == nil {
		err = syncDir(fsys, dir)
	}
	return err
}

func syncDir(fsys vfs.FS, dir string) error {
	d, err := fsys.OpenDir(dir)
	if err != nil {
		return err
	}
	err = d.Sync()
	if err2 := d.Close(); err == nil {
		err = err2
	}
	return err
}

// inspect looks at a directory before Pebble opens it, for Pebble deletes what it does not know. It returns
// the identity file's contents, nil if there is none, and whether there is a database.
func inspect(fsys vfs.FS, dir, application string) (file []byte, exists bool, kind, err error) {
	file, err = readIdentityFile(fsys, dir)
	if err != nil {
		return nil, false, kindOf(err), err
	}
	if file != nil {
		if _, kind, err := parseIdentity(file, application); err != nil {
			return nil, false, kind, err
		}
	}
	db := fsys.PathJoin(dir, dbName)
	names, err := fsys.List(db)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, false, kindOf(err), err
	}
	if err == nil {
		desc, err := pebble.Peek(db, fsys)
		switch {
		case err != nil && strings.Contains(err.Error(), "unknown format major version"):
			return nil, false, ErrNewer, err
		case err != nil:
			return nil, false, kindOf(err), err
		case desc.FormatMajorVersion > formatVersion:
			return nil, false, ErrNewer, fmt.Errorf("its format is %s, this version writes %s", desc.FormatMajorVersion, formatVersion)
		}
		exists = desc.Exists
	}
	if !exists {
		if file != nil {
			return nil, false, ErrCorrupt, errors.New("the database's manifest is gone")
		}
		for _, name := range names {
			if strings.HasSuffix(name, ".sst") {
				return nil, false, ErrCorrupt, fmt.Errorf("there is %s, but neither a manifest nor an identity", name)
			}
		}
	}
	return file, exists, nil, nil
}

// SetAside moves a damaged database out of the way, to "damaged" inside the directory, so that Open makes a new
// one, and returns where it is now. What was set aside before is deleted. The directory must not be open; fsys
// is nil for the machine's own file system. Without a database there SetAside does nothing and returns "".
func SetAside(dir string, fsys vfs.FS) (to string, err error) {
	if fsys == nil {
		fsys = vfs.Default
	}
	lock, err := lockDir(fsys, dir, "set aside")
	if err != nil {
		return "", err
	}
	defer func() {
		if err2 := lock.Close(); err == nil && err2 != nil {
			err = &Error{Kind: ErrStorage, Op: "set aside", Dir: dir, Cause: err2}
		}
	}()
	db := fsys.PathJoin(dir, dbName)
	to = fsys.PathJoin(dir, damagedName)
	// The identity goes first: a database without its file is still looked into, a file without its database
	// would be damage again.
	err = fsys.Remove(fsys.PathJoin(dir, identityName))
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	if err == nil {
		err = syncDir(fsys, dir)
	}
	if _, statErr := fsys.Stat(db); err == nil && errors.Is(statErr, fs.ErrNotExist) {
		return "", nil
	}
	if err == nil {
		err = fsys.RemoveAll(to)
	}
	if err == nil {
		err = fsys.Rename(db, to)
	}
	if err == nil {
		err = syncDir(fsys, dir)
	}
	if err != nil {
		return "", &Error{Kind: ErrStorage, Op: "set aside", Dir: dir, Cause: err}
	}
	return to, nil
}

// lockDir makes the directory and locks it.
func lockDir(fsys vfs.FS, dir, op string) (io.Closer, error) {
	if err := makeDir(fsys, dir); err != nil {
		return nil, &Error{Kind: ErrStorage, Op: op, Dir: dir, Cause: err}
	}
	lock, err := fsys.Lock(fsys.PathJoin(dir, lockName))
	if err != nil {
		kind := ErrStorage
		if isLocked(err) {
			kind = ErrLocked
		}
		return nil, &Error{Kind: kind, Op: op, Dir: dir, Cause: err}
	}
	return lock, nil
}

// makeDir makes a directory and those above it, durably.
func makeDir(fsys vfs.FS, dir string) error {
	var made []string
	for at := dir; ; {
		if _, err := fsys.Stat(at); !errors.Is(err, fs.ErrNotExist) {
			break
		}
		parent := fsys.PathDir(at)
		made = append(made, parent)
		if parent == at {
			break
		}
		at = parent
	}
	if err := fsys.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, parent := range made {
		if err := syncDir(fsys, parent); err != nil {
			return err
		}
	}
	return nil
}
