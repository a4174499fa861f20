package process

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// roleVariable makes the test binary play the program, or the tool, named by its first argument.
const roleVariable = "PROCESS_TEST_ROLE"

func TestMain(m *testing.M) {
	if os.Getenv(roleVariable) == "" {
		os.Exit(m.Run())
	}
	args := os.Args[2:]
	switch os.Args[1] {
	case "exit":
		code, _ := strconv.Atoi(args[0])
		os.Exit(code)

	case "raise":
		n, _ := strconv.Atoi(args[0])
		syscall.Setrlimit(syscall.RLIMIT_CORE, &syscall.Rlimit{})
		syscall.Kill(os.Getpid(), syscall.Signal(n))
		rest()

	case "print": // to stdout, stderr, stdout …
		for i, text := range args {
			io.WriteString([]io.Writer{os.Stdout, os.Stderr}[i%2], text)
		}

	case "files":
		text, _ := io.ReadAll(os.Stdin)
		fmt.Printf("read %s\n", text)
		dir, _ := os.Getwd()
		fmt.Printf("in %s\n", dir)
		io.WriteString(os.NewFile(3, "extra"), "to fd 3")

	case "listen":
		listenForSignals(args)

	case "parent":
		// parent HOW ROLE ARGS: has a child in that role, as a child or an orphan, in its session or another.
		how := args[0]
		if first, ok := strings.CutSuffix(how, "orphan"); ok {
			// A process between us and the child, which ends at once.
			again := append([]string{"between", cmp.Or(strings.TrimSuffix(first, "-"), "child")}, args[1:]...)
			cmd := exec.Command(os.Args[0], again...)
			cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
			if err := cmd.Run(); err != nil {
				panic(err)
			}
		} else {
			child(how, args[1:])
		}
		fmt.Println("parent ready")
		rest()

	case "others": // starts other programs so many times
		n, _ := strconv.Atoi(args[0])
		for range n {
			if err := exec.Command("true").Run(); err != nil {
				panic(err)
			}
		}
		fmt.Println("done")
		rest()

	case "become": // replaces itself
		fmt.Println("becoming")
		panic(syscall.Exec(args[0], args, os.Environ()))

	case "between":
		child(args[0], args[1:])

	case "tool":
		tool(args)

	default:
		panic("unknown role " + os.Args[1])
	}
}

// rest lets signals do what they do by default; select {} would be a deadlock.
func rest() {
	for {
		time.Sleep(time.Hour)
	}
}

func child(how string, args []string) {
	path := os.Args[0]
	if how == "copy" {
		text, err := os.ReadFile(path)
		if err != nil {
			panic(err)
		}
		dir, err := os.MkdirTemp("", "copy")
		if err != nil {
			panic(err)
		}
		path = filepath.Join(dir, "copy")
		defer os.RemoveAll(dir)
		if err := os.WriteFile(path, text, 0o777); err != nil {
			panic(err)
		}
	}
	cmd := exec.Command(path, args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: how == "setsid" || how == "bare"}
	if how == "bare" {
		cmd.Env = []string{roleVariable + "=1"}
	}
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if err := cmd.Start(); err != nil {
		panic(err)
	}
	fmt.Printf("pid %d\n", cmd.Process.Pid)
}

// listenForSignals prints the signals it gets, and ends with code 7 after one of those named. From stdin it takes orders.
func listenForSignals(fatal []string) {
	c := make(chan os.Signal, 100)
	signal.Notify(c, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT)
	orders := make(chan string)
	go func() {
		for s := bufio.NewScanner(os.Stdin); s.Scan(); {
			orders <- s.Text()
		}
	}()
	fmt.Println("ready")
	count := 0
	for {
		select {
		case sig := <-c:
			count++
			fmt.Printf("got %v\n", sig)
			if slices.Contains(fatal, sig.String()) {
				os.Exit(7)
			}
		case order := <-orders:
			switch order {
			case "count":
				fmt.Printf("count %d\n", count)
			case "end":
				os.Exit(5)
			case "default":
				signal.Reset()
				fmt.Println("defaults")
			}
		}
	}
}

// tool is realtime in small: it runs the test binary in the role args, prints what it learns on fd 3 and ends as the program did.
func tool(args []string) {
	report := os.NewFile(3, "report")
	p, err := Start(Options{Path: os.Args[0], Args: args, Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Grace: time.Minute})
	if err != nil {
		panic(err)
	}
	fmt.Fprintf(report, "program %d\n", p.PID())
	for {
		select {
		case sig := <-p.Interrupts():
			fmt.Fprintf(report, "tool got %v\n", sig)
		case <-p.Done():
			e := p.Stop(context.Background(), 0) // harmless
			fmt.Fprintf(report, "end %d %v\n", e.Code, e.Asked)
			os.Exit(e.Code)
		}
	}
}
