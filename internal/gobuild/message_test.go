package gobuild

import (
	"errors"
	"syscall"
	"testing"
)

func TestMachineError(t *testing.T) {
	for _, test := range []struct {
		out  string
		want syscall.Errno // 0: of the user's program
		text string
	}{
		{out: "# example.com/app\n./a.go:1:2: undefined: x\n"},
		{out: "./a.go:1:2: undefined: no space left on device\n"},
		{out: "./a.go:3:1: cannot use x: permission denied\n"},
		{out: "go: no such tool \"compile\"\n"},
		{"# example.com/app\n/tmp/x/link: writing output: write a.out: no space left on device\n", syscall.ENOSPC, "/tmp/x/link: writing output: write a.out: no space left on device"},
		{"open /home/gopher/a.go: permission denied\n", syscall.EACCES, "open /home/gopher/a.go: permission denied"},
		{"go: creating work dir: mkdir /tmp/x: read-only file system", syscall.EROFS, "go: creating work dir: mkdir /tmp/x: read-only file system"},
		{"fork/exec /x/compile: cannot allocate memory\n", syscall.ENOMEM, "fork/exec /x/compile: cannot allocate memory"},
	} {
		err := machineError(test.out)
		if test.want == 0 {
			if err != nil {
				t.Errorf("%q: got %v", test.out, err)
			}
			continue
		}
		if !errors.Is(err, test.want) || err.Error() != test.text {
			t.Errorf("%q: got %v, want %v", test.out, err, test.want)
		}
	}
}
