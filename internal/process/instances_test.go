package process

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"testing"
	"time"
)

// started waits until the program is known to have started itself, or may have.
func started(t *testing.T, p *Process) (sure, maybe bool) {
	t.Helper()
	for end := time.After(20 * time.Second); ; {
		since, maybe := p.Started()
		if !since.IsZero() || maybe {
			return !since.IsZero(), maybe
		}
		select {
		case <-p.Starts():
		case <-end:
			t.Fatal("it is not seen that the program has started itself")
		}
	}
}

func TestInstances(t *testing.T) {
	for _, exact := range []bool{true, false} {
		for _, how := range []string{"child", "setsid", "orphan", "setsid-orphan", "bare", "bare-orphan", "copy"} {
			t.Run(fmt.Sprintf("%s,exact=%v", how, exact), func(t *testing.T) {
				defer func(was bool) { exactStarts = was }(exactStarts)
				exactStarts = exact
				p, out := hear(t, self(t, "parent", how, "listen"))
				pid := out.pid("pid ")
				out.expect("parent ready")
				out.expect("ready")
				if got := p.Instances(); !slices.Contains(got, pid) {
					t.Errorf("instances %v, want %d among them", got, pid)
				}
				if sure, _ := started(t, p); !sure {
					t.Error("not known for sure")
				}
				p.Stop(t.Context(), 0)
				if alive(pid) {
					t.Error("the child lives on")
				}
			})
		}
	}
}

// A program that starts other programs has not started itself.
func TestNoInstances(t *testing.T) {
	for _, exact := range []bool{true, false} {
		t.Run(fmt.Sprint("exact=", exact), func(t *testing.T) {
			defer func(was bool) { exactStarts = was }(exactStarts)
			exactStarts = exact
			p, out := hear(t, self(t, "others", "20"))
			out.expect("done")
			since, maybe := p.Started()
			if got := p.Instances(); len(got) > 0 || !since.IsZero() || maybe {
				t.Errorf("instances %v, started %v, maybe %v", got, since, maybe)
			}
			if path, itself := p.Runs(); path != os.Args[0] || !itself {
				t.Errorf("runs %q, itself %v", path, itself)
			}
		})
	}
}

// An instance that has ended before anybody looks.
func TestShortInstance(t *testing.T) {
	p, out := hear(t, self(t, "parent", "orphan", "exit", "0"))
	out.expect("parent ready")
	started(t, p)
	if p.Blind() != nil {
		t.Error(p.Blind())
	}
}

// What we read ourselves is no start; what others read may be one, where that can't be told apart.
func TestReading(t *testing.T) {
	defer func(was bool) { exactStarts = was }(exactStarts)
	exactStarts = false
	p, out := hear(t, self(t, "listen"))
	out.expect("ready")
	read := func() {
		if _, err := os.ReadFile(os.Args[0]); err != nil {
			t.Fatal(err)
		}
	}
	done := p.Reading()
	read()
	done()
	if since, maybe := p.Started(); !since.IsZero() || maybe {
		t.Errorf("our own reading: since %v, maybe %v", since, maybe)
	}
	read()
	if sure, maybe := started(t, p); sure || !maybe {
		t.Errorf("reading: sure %v, maybe %v", sure, maybe)
	}
}

// A program that replaces itself is the same process with another file.
func TestRuns(t *testing.T) {
	sleep, err := exec.LookPath("sleep")
	if err != nil {
		t.Skip("needs sleep")
	}
	p, out := hear(t, self(t, "become", sleep, "1000"))
	out.expect("becoming")
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(time.Millisecond) {
		if path, itself := p.Runs(); path != "" && !itself {
			break
		}
		if time.Now().After(end) {
			t.Fatal("it runs the same file")
		}
	}
	if since, maybe := p.Started(); !since.IsZero() || maybe {
		t.Errorf("started %v, maybe %v", since, maybe)
	}
}
