// Package migrate brings the database to the layout that this version of the
// shop expects.
package migrate

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"go.etcd.io/bbolt"

	"example.com/shop/internal/order"
	"example.com/shop/internal/startup"
	"example.com/shop/internal/store"
)

// firstOrder is the number of the first order ever placed.
const firstOrder = 1001

type migration struct {
	name string
	up   func(*bbolt.Tx) error
}

// migrations are in the order in which they are applied, and are only ever
// appended to: the version of one is its place, counted from 1.
var migrations = []migration{
	{"create orders", order.Orders.Create},
	{"number orders", func(tx *bbolt.Tx) error {
		bucket, err := order.Orders.Bucket(tx)
		if err != nil {
			return err
		}
		return bucket.SetSequence(firstOrder - 1)
	}},
	{"create sold", order.Sold.Create},
}

// applied is the record of a migration that was done.
type applied struct {
	Name string    `json:"name"`
	At   time.Time `json:"at"`
}

var schema = store.Table[applied]("schema")

// Steps returns one step for each migration. Those that the database has
// already are not applied again.
func Steps(db *bbolt.DB) []startup.Step {
	var steps []startup.Step
	for i, m := range migrations {
		steps = append(steps, startup.Step{
			Name: "migration " + m.name,
			Run: func() error {
				return db.Update(func(tx *bbolt.Tx) error {
					return m.apply(tx, i+1)
				})
			},
		})
	}
	return steps
}

func (m migration) apply(tx *bbolt.Tx, version int) error {
	if err := schema.Create(tx); err != nil {
		return err
	}
	key := strconv.Itoa(version)
	switch done, err := schema.Get(tx, key); {
	case errors.Is(err, store.ErrNotFound):
	case err != nil:
		return err
	case done.Name != m.name:
		return fmt.Errorf("database has %q as version %d, want %q", done.Name, version, m.name)
	default:
		return nil
	}
	if err := m.up(tx); err != nil {
		return err
	}
	return schema.Put(tx, key, applied{m.name, time.Now().UTC()})
}
