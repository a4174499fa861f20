// Package store keeps values of the shop in a bbolt file, as JSON.
package store

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"path/filepath"
	"time"

	"go.etcd.io/bbolt"
)

// ErrNotFound is returned for a key that a table does not have.
var ErrNotFound = errors.New("not found")

// Open opens the database in the folder dir and makes it if there is none. A
// database that another process holds is an error after one second.
func Open(dir string) (*bbolt.DB, error) {
	name := filepath.Join(dir, "shop.db")
	db, err := bbolt.Open(name, 0o600, &bbolt.Options{Timeout: time.Second})
	if err != nil {
		return nil, fmt.Errorf("opening %q: %w", name, err)
	}
	return db, nil
}

// Table is a bucket whose values are of type T; it is the name of the bucket.
type Table[T any] string

// Create makes the table if it is not there.
func (t Table[T]) Create(tx *bbolt.Tx) error {
	_, err := tx.CreateBucketIfNotExists([]byte(t))
	return err
}

// Put stores v under key.
func (t Table[T]) Put(tx *bbolt.Tx, key string, v T) error {
	bucket, err := t.Bucket(tx)
	if err != nil {
		return err
	}
	data, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encoding %q of table %s: %w", key, t, err)
	}
	return bucket.Put([]byte(key), data)
}

// Get returns the value under key, or [ErrNotFound].
func (t Table[T]) Get(tx *bbolt.Tx, key string) (T, error) {
	var v T
	bucket, err := t.Bucket(tx)
	if err != nil {
		return v, err
	}
	data := bucket.Get([]byte(key))
	if data == nil {
		return v, fmt.Errorf("%q in table %s: %w", key, t, ErrNotFound)
	}
	if err := json.Unmarshal(data, &v); err != nil {
		return v, fmt.Errorf("decoding %q of table %s: %w", key, t, err)
	}
	return v, nil
}

// Scan yields the values whose keys begin with prefix, in the order of the
// keys. It ends after the first error.
func (t Table[T]) Scan(tx *bbolt.Tx, prefix string) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var zero T
		bucket, err := t.Bucket(tx)
		if err != nil {
			yield(zero, err)
			return
		}
		cursor := bucket.Cursor()
		for k, data := cursor.Seek([]byte(prefix)); bytes.HasPrefix(k, []byte(prefix)) && k != nil; k, data = cursor.Next() {
			var v T
			if err := json.Unmarshal(data, &v); err != nil {
				yield(zero, fmt.Errorf("decoding %q of table %s: %w", k, t, err))
				return
			}
			if !yield(v, nil) {
				return
			}
		}
	}
}

// Bucket returns the bucket behind the table.
func (t Table[T]) Bucket(tx *bbolt.Tx) (*bbolt.Bucket, error) {
	bucket := tx.Bucket([]byte(t))
	if bucket == nil {
		return nil, fmt.Errorf("table %s: %w", t, ErrNotFound)
	}
	return bucket, nil
}
