package migrate

import (
	"testing"

	"go.etcd.io/bbolt"

	"example.com/shop/internal/order"
	"example.com/shop/internal/store"
)

func TestSteps(t *testing.T) {
	db, err := store.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()

	var sequence uint64
	for range 2 { // the second time nothing is left to do
		for _, step := range Steps(db) {
			if err := step.Run(); err != nil {
				t.Fatalf("%s: %v", step.Name, err)
			}
		}
		err := db.Update(func(tx *bbolt.Tx) error {
			bucket, err := order.Orders.Bucket(tx)
			if err != nil {
				return err
			}
			sequence, err = bucket.NextSequence()
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if sequence != firstOrder+1 {
		t.Errorf("second order has number %d, want %d", sequence, firstOrder+1)
	}
}
