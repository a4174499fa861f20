package session

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/realtimefunc/realtimefunc/internal/agent"
	"github.com/realtimefunc/realtimefunc/internal/gobuild"
	"github.com/realtimefunc/realtimefunc/internal/wire"
)

// A panic anywhere in the pipeline is an error that says whose fault it is.
func TestGuard(t *testing.T) {
	if err := guard(func() error { return fs.ErrExist }); err != fs.ErrExist {
		t.Errorf("got %v", err)
	}
	var none []int
	err := guard(func() error { return fmt.Errorf("%d", none[len(os.Args)]) })
	var f *fault
	if !errors.As(err, &f) || !strings.Contains(string(f.stack), "TestGuard") {
		t.Fatalf("got %v, without a trace", err)
	}
	for _, part := range []string{"realtime has failed (runtime error: index out of range", "bug in realtime"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q does not say %q", err, part)
		}
	}
	if hindrance(err) {
		t.Error("a bug is taken for a hindrance")
	}
}

func TestHindrance(t *testing.T) {
	for _, test := range []struct {
		err  error
		want bool
	}{
		{&fs.PathError{Op: "write", Path: "x", Err: syscall.ENOSPC}, true},
		{fmt.Errorf("compiling: %w", &gobuild.MachineError{Message: "write x: no space left on device", Errno: syscall.ENOSPC}), true},
		{&fs.PathError{Op: "open", Path: "x", Err: syscall.EACCES}, true},
		{&fs.PathError{Op: "open", Path: "x", Err: syscall.EMFILE}, true},
		{&fs.PathError{Op: "open", Path: "x", Err: syscall.ENOENT}, false},
		{&gobuild.RebuildError{}, false},
		{agent.ErrGone, false},
		{&agent.Failure{Failed: wire.Failed{Phase: wire.PhaseLoad, Reason: "mapping a segment: cannot allocate memory"}}, false},
		{restartf("a reason"), false},
	} {
		if got := hindrance(test.err); got != test.want {
			t.Errorf("%v: %v", test.err, got)
		}
	}
}
