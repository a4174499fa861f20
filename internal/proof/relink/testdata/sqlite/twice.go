package main

import (
	"database/sql/driver"
	"fmt"

	"modernc.org/sqlite"
)

// twice is a function in SQL: SQLite calls it back.
func twice(_ *sqlite.FunctionContext, args []driver.Value) (driver.Value, error) {
	return fmt.Sprint(args[0], args[0]), nil
}
