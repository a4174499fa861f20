package store

import (
	"errors"
	"slices"
	"testing"

	"go.etcd.io/bbolt"
)

func TestTable(t *testing.T) {
	db, err := Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()

	numbers := Table[int]("numbers")
	err = db.Update(func(tx *bbolt.Tx) error {
		if _, err := numbers.Get(tx, "a/1"); !errors.Is(err, ErrNotFound) {
			t.Errorf("get without a table: %v, want %v", err, ErrNotFound)
		}
		return errors.Join(
			numbers.Create(tx),
			numbers.Put(tx, "b/1", 3),
			numbers.Put(tx, "a/2", 2),
			numbers.Put(tx, "a/1", 1),
		)
	})
	if err != nil {
		t.Fatal(err)
	}

	err = db.View(func(tx *bbolt.Tx) error {
		if n, err := numbers.Get(tx, "b/1"); n != 3 || err != nil {
			t.Errorf("b/1 is %d, %v; want 3", n, err)
		}
		if _, err := numbers.Get(tx, "b/2"); !errors.Is(err, ErrNotFound) {
			t.Errorf("b/2: %v, want %v", err, ErrNotFound)
		}
		var got []int
		for n, err := range numbers.Scan(tx, "a/") {
			if err != nil {
				return err
			}
			got = append(got, n)
		}
		if !slices.Equal(got, []int{1, 2}) {
			t.Errorf("scan of a/: %d, want [1 2]", got)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
