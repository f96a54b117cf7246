package app

import (
	"context"
	"errors"

	"github.com/leatstream/leat/statestore/pebblestore"
)

// maxDamaged is how often one Run sets damaged state aside. A disk that damages it again and again has to be
// looked after.
const maxDamaged = 3

// run runs instances one after another until one ends for another reason than damaged state, or source topics
// that have grown (grownError). Damage shows when
// the database is opened, or only when a block is read, in the middle of things: then the instance ends without
// a commit. Its database is set aside, and the next one restores the state from the changelogs.
func (a *App) run(ctx context.Context) error {
	for n := 1; ; n++ {
		err := a.runOnce(ctx)
		for grown(err) && ctx.Err() == nil {
			a.cfg.Logger.Warn("a source topic has new partitions; starting over with them", "app", a.cfg.Application, "err", err)
			err = a.runOnce(ctx)
		}
		if !damaged(err) || ctx.Err() != nil || n > maxDamaged {
			return err
		}
		dir := stateDirectory(&a.cfg)
		aside, aerr := pebblestore.SetAside(dir, nil)
		if aerr != nil {
			return errors.Join(err, aerr)
		}
		a.cfg.Logger.Error("the local state is damaged; it is set aside, and restored from the changelogs",
			"app", a.cfg.Application, "dir", dir, "aside", aside, "err", err)
	}
}

// damaged tells whether an error is about damage to the local state.
func damaged(err error) bool { return errors.Is(err, pebblestore.ErrCorrupt) }

func (a *App) runOnce(ctx context.Context) (err error) {
	in, err := open(ctx, a)
	if err != nil {
		if ctx.Err() != nil && errors.Is(err, context.Canceled) {
			return nil
		}
		return err
	}
	defer func() { err = errors.Join(err, in.close()) }()
	return in.run(ctx)
}
