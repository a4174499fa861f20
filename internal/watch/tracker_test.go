package watch

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestTracker plays saves against a clock. Each line is `<ms> <command>`:
//
//	write path text, remove path   the file changes, with its event
//	silent path text               the file changes without an event
//	event path                     an event alone
//	lock, unlock                   git's index.lock
//	take                           a receiver is there
//
// Between the lines the clock runs on, and settle is called whenever it is due. Wanted is what the receiver got, with the
// times when it was settled and when its first event was; a receiver takes a change at once unless the script has a take.
// In tests named "early: …" it gets early changes too.
func TestTracker(t *testing.T) {
	const whole, half, other = "package a\n", "package a\nfunc f() {\n", "package b\n"
	text := map[string]string{"whole": whole, "half": half, "other": other, "empty": ""}
	for _, test := range []struct{ name, script, want string }{
		{"quiet", "0 write a.go other", "20 modified a.go (0)"},
		{"truncate, then write", "0 write a.go empty; 3 write a.go other", "23 modified a.go (0)"},
		{"half, long pause, whole", "0 write a.go half; 90 write a.go other", "110 modified a.go (0)"},
		{"half, without event whole", "0 write a.go half; 50 silent a.go other", "100 modified a.go (0)"},
		{"half, then as before", "0 write a.go half; 50 write a.go whole", ""},
		{"syntax error", "0 write a.go half", "100 modified a.go (0)"},
		{"formatted behind", "0 write a.go other; 40 write a.go half; 41 write a.go whole", "20 modified a.go (0); 61 modified a.go (40)"},
		{"two saves within 50 ms", "0 write a.go other; 15 write a.go half; 16 write a.go other", "36 modified a.go (0)"},
		{"missing for a moment", "0 remove a.go; 100 write a.go other", "120 modified a.go (0)"},
		{"missing, then as before", "0 remove a.go; 140 write a.go whole", ""},
		{"removed", "0 remove a.go", "150 removed a.go (0)"},
		{"removed and made again later", "0 remove a.go; 200 write a.go whole", "150 removed a.go (0); 220 created a.go (200)"},
		{"came and went", "0 write n.go whole; 5 remove n.go", ""},
		{"one in doubt holds all", "0 write a.go other; 5 write b.go half; 60 write b.go whole", "80 modified a.go, created b.go (0)"},
		{"an earlier touch does not count", "0 event a.go; 300 write b.go whole", "320 created b.go (300)"},
		{"events keep coming", "0 write a.go other" + every(10, 600, "event b.go"), "500 modified a.go (0)"},
		{"always half", "0 write a.go half" + every(10, 600, "event a.go"), "500 modified a.go (0)"},
		{"checkout", "0 lock; 0 write a.go other; 450 write b.go whole; 900 write c.go whole; 901 unlock", "910 modified a.go, created b.go, created c.go (0)"},
		{"lock without events", "0 lock; 0 write a.go other", "510 modified a.go (0)"},
		{"slow receiver", "0 write a.go other; 100 write b.go whole; 300 take", "300 modified a.go, created b.go (0)"},
		{"slow receiver, taken back", "0 write a.go other; 100 write a.go whole; 300 take", ""},
		{"early: at once", "0 write a.go other", "2 early modified a.go (0); 20 modified a.go (0)"},
		{"early: truncate, then write", "0 write a.go empty; 1 write a.go other", "3 early modified a.go (0); 21 modified a.go (0)"},
		{"early: never half a file", "0 write a.go half; 50 write a.go other", "52 early modified a.go (0); 70 modified a.go (0)"},
		{"early: never a missing file", "0 remove a.go; 50 write a.go other", "52 early modified a.go (0); 70 modified a.go (0)"},
		{"early: two files", "0 write a.go other; 5 write b.go whole", "2 early modified a.go (0); 7 early modified a.go, created b.go (0); 25 modified a.go, created b.go (0)"},
		{"early: taken back", "0 write a.go other; 10 write a.go whole", "2 early modified a.go (0)"},
		{"early: not of a checkout", "0 lock; 0 write a.go other; 29 unlock", "30 modified a.go (0)"},
		{"early: three times at most", "0 write a.go other" + every(5, 50, "write a.go other"), "2 early modified a.go (0); 7 early modified a.go (0); 12 early modified a.go (0); 70 modified a.go (0)"},
		{"slow receiver, in between", "0 write a.go other; 290 write b.go half; 300 take", "390 modified a.go, created b.go (0)"},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			path := func(name string) string { return filepath.Join(dir, name) }
			write := func(name, content string) {
				if err := os.WriteFile(path(name), []byte(content), 0o666); err != nil {
					t.Fatal(err)
				}
			}
			tr := tracker{quiet: quiet, known: make(map[string]version), open: make(map[string]*pending)}
			tr.git.locks = []string{path("index.lock")}
			write("a.go", whole)
			tr.baseline([]string{path("a.go"), path("b.go")})

			start := time.Now()
			ms := func(at time.Time) int { return int(at.Sub(start).Milliseconds()) }
			taking := !strings.Contains(test.script, "take")
			var got []string
			describe := func(c *Change) string {
				var files []string
				for _, name := range []string{"a.go", "b.go", "c.go", "n.go"} {
					if kind, ok := c.Files[path(name)]; ok {
						files = append(files, kind.String()+" "+name)
					}
				}
				return strings.Join(files, ", ") + " (" + strconv.Itoa(ms(c.At)) + ")"
			}
			take := func() {
				if c := tr.ready; c != nil && taking {
					got = append(got, describe(c))
					tr.commit()
				}
			}
			runTo := func(now time.Time) {
				for due := tr.due(); !due.IsZero() && !due.After(now); due = tr.due() {
					tr.settle(due)
					n := len(got)
					if early := tr.early; early != nil {
						if tr.early = nil; strings.HasPrefix(test.name, "early: ") {
							got = append(got, strconv.Itoa(ms(due))+" early "+describe(early))
						}
						continue
					}
					take()
					if len(got) > n {
						got[n] = strconv.Itoa(ms(due)) + " " + got[n]
					}
				}
			}
			for line := range strings.SplitSeq(test.script, "; ") {
				f := append(strings.Fields(line), "", "")
				at, err := strconv.Atoi(f[0])
				if err != nil {
					t.Fatal(err)
				}
				now := start.Add(time.Duration(at) * time.Millisecond)
				runTo(now)
				switch f[1] {
				case "write":
					write(f[2], text[f[3]])
					tr.touch(path(f[2]), now)
				case "silent":
					write(f[2], text[f[3]])
				case "remove":
					os.Remove(path(f[2]))
					tr.touch(path(f[2]), now)
				case "event":
					tr.touch(path(f[2]), now)
				case "lock":
					write("index.lock", "")
				case "unlock":
					os.Remove(path("index.lock"))
				case "take":
					taking = true
					n := len(got)
					take()
					if len(got) > n {
						got[n] = f[0] + " " + got[n]
					}
				default:
					t.Fatalf("unknown command %q", line)
				}
			}
			runTo(start.Add(time.Minute))
			if got := strings.Join(got, "; "); got != test.want {
				t.Errorf("got changes  %q\nwant changes %q", got, test.want)
			}
			if len(tr.open) != 0 {
				t.Errorf("%d paths are still open", len(tr.open))
			}
		})
	}
}

// every repeats a command from 10 ms on.
func every(step, end int, command string) string {
	var b strings.Builder
	for at := step; at <= end; at += step {
		b.WriteString("; " + strconv.Itoa(at) + " " + command)
	}
	return b.String()
}

func TestVouches(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.go")
	set := func(content string, mtime time.Time) {
		if err := os.WriteFile(path, []byte(content), 0o666); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, time.Time{}, mtime); err != nil {
			t.Fatal(err)
		}
	}
	old := time.Now().Add(-time.Hour)
	set("package a", old)
	v, _ := read(path, nil)
	for _, test := range []struct {
		name    string
		content string
		mtime   time.Time
		want    bool
	}{
		{"same", "package a", old, true},
		{"later", "package b", old.Add(1), false},
		{"earlier", "package b", old.Add(-1), false},
		{"longer", "package aa", old, false},
	} {
		set(test.content, test.mtime)
		if got := v.vouches(stat(path)); got != test.want {
			t.Errorf("%s: vouches = %v", test.name, got)
		}
	}
	set("package a", time.Now())
	if v, _ = read(path, nil); v.vouches(stat(path)) {
		t.Error("a file that was written just now could be written again without a sign")
	}
	os.Remove(path)
	if v.vouches(stat(path)) || !(version{}).vouches(stat(path)) {
		t.Error("a missing file is not the zero version")
	}
}

func TestIndexLock(t *testing.T) {
	dir := t.TempDir()
	for _, test := range []struct{ name, git, want string }{
		{"none", "", ""},
		{"worktree", "gitdir: /repo/.git/worktrees/w\n", "/repo/.git/worktrees/w/index.lock"},
		{"submodule", "gitdir: ../.git/modules/s\n", filepath.Join(dir, ".git/modules/s/index.lock")},
		{"garbage", "what", ""},
	} {
		tree := filepath.Join(dir, test.name)
		os.Mkdir(tree, 0o777)
		if test.git != "" {
			os.WriteFile(filepath.Join(tree, ".git"), []byte(test.git), 0o666)
		}
		if got := indexLock(tree); got != test.want {
			t.Errorf("%s: indexLock = %q, want %q", test.name, got, test.want)
		}
	}
	os.Mkdir(filepath.Join(dir, ".git"), 0o777)
	if got, want := indexLock(dir), filepath.Join(dir, ".git/index.lock"); got != want {
		t.Errorf("indexLock = %q, want %q", got, want)
	}
}
