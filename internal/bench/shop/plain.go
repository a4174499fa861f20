package shop

import (
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// Build is go build of the program, with these flags.
func (s *Shop) Build(exe string, flags ...string) error {
	args := append(append([]string{"build", "-o", exe}, flags...), ".")
	out, err := s.Command("go", args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("go %s: %w\n%s", strings.Join(args, " "), err, out)
	}
	return nil
}

// A Process is a command that runs without anybody who drives it.
type Process struct {
	Pid   int
	cmd   *exec.Cmd
	ended chan struct{}
}

// Start starts a command, with its output to out, or to nowhere.
func Start(cmd *exec.Cmd, out io.Writer) (*Process, error) {
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &Process{Pid: cmd.Process.Pid, cmd: cmd, ended: make(chan struct{})}
	go func() {
		cmd.Wait()
		close(p.ended)
	}()
	return p, nil
}

// Stop ends the process as a terminal or a supervisor would, and waits for its end.
func (p *Process) Stop(signal syscall.Signal) {
	p.cmd.Process.Signal(signal)
	late := time.AfterFunc(Patience/4, func() { p.cmd.Process.Kill() })
	defer late.Stop()
	<-p.ended
}

// Addr is an address that nothing listens at.
func Addr() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer listener.Close()
	return listener.Addr().String(), nil
}

// Beside is another program in place of the shop, with the same commands. It goes with
// the shop at the latest.
func (s *Shop) Beside(module string, files fs.FS) (*Shop, error) {
	temp, err := os.MkdirTemp(s.temp, "copy-")
	if err != nil {
		return nil, err
	}
	c := *s
	c.temp, c.Dir, c.Args = temp, filepath.Join(temp, module), nil
	if err := os.CopyFS(c.Dir, files); err != nil {
		c.Close()
		return nil, fmt.Errorf("copying %s: %w", module, err)
	}
	mod := fmt.Sprintf("module example.com/%s\n\ngo 1.25\n", module)
	return &c, os.WriteFile(c.Path("go.mod"), []byte(mod), 0o666)
}
