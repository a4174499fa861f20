// Package pairs saves edits in a real process and compares what it answers afterwards with
// freshly built programs. Each edit is a pair: a small package as it was, and as it is to
// be. A program has many of them (testdata/main.go), with the collector's own checks on.
//
// A pair answers two questions: new uses what it makes for the question, old what setup
// made before the edit. After an edit that is live, new must answer as the edited source
// does when it is built freshly, and old too: pairs are made so that the state that setup
// left is the same before and after. Where the tool says that calls go on with old code,
// old may answer as the source did before. Anything else is wrong: another answer, a panic,
// a crash, a canary that was written to.
package pairs

import (
	"cmp"
	"embed"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// A Pair is an edit of a package.
type Pair struct {
	Name   string
	Kinds  []string // what it is counted under, one for each table
	Before Files
	After  Files

	Live bool // nothing beyond the calls in progress has to do with the edit: a restart is a missed chance
}

// Files are the files of a package, by slash-separated name; the package clause is
// "package pair". The text PAIR stands for the import path. It has Setup(), New() string
// and Old() string.
type Files map[string]string

//go:embed testdata
var testdata embed.FS

// program is a program with the packages of pairs, in one of their two states.
func program(list []*Pair, state func(*Pair) Files) (Files, error) {
	files := Files{}
	tree, err := fs.Sub(testdata, "testdata")
	if err != nil {
		return nil, err
	}
	err = fs.WalkDir(tree, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := fs.ReadFile(tree, name)
		files[name] = string(text)
		return err
	})
	if err != nil {
		return nil, err
	}
	var imports, table strings.Builder
	for i, p := range list {
		fmt.Fprintf(&imports, "import p%d \"pairs/p%[1]d\"\n", i)
		fmt.Fprintf(&table, "\t\"p%d\": {p%[1]d.Setup, p%[1]d.New, p%[1]d.Old},\n", i)
		maps.Copy(files, in(i, state(p)))
	}
	files["pairs.go"] = fmt.Sprintf("package main\n\n%s\nvar all = map[string]pair{\n%s}\n", &imports, &table)
	// A module path without a dot, as a program may have that is never published.
	files["go.mod"] = "module pairs\n\ngo 1.25\n"
	return files, nil
}

// in are files as those of the package with a number.
func in(i int, f Files) Files {
	placed := Files{}
	for name, text := range f {
		placed[fmt.Sprintf("p%d/%s", i, name)] = strings.ReplaceAll(text, "PAIR", fmt.Sprintf("pairs/p%d", i))
	}
	return placed
}

func before(p *Pair) Files { return p.Before }
func after(p *Pair) Files  { return p.After }

// write brings files to a folder: each is complete from the moment on when it has its name.
func (f Files) write(dir string) error {
	names := slices.Sorted(maps.Keys(f))
	for _, name := range names {
		to := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(to), 0o777); err != nil {
			return err
		}
		if err := os.WriteFile(to+"~", []byte(f[name]), 0o666); err != nil {
			return err
		}
	}
	for _, name := range names {
		to := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.Rename(to+"~", to); err != nil {
			return err
		}
	}
	return nil
}

// edited are the files that differ after the edit.
func (p *Pair) edited() Files {
	f := maps.Clone(p.After)
	maps.DeleteFunc(f, func(name, text string) bool { return p.Before[name] == text })
	return f
}

// Print shows what the edit changes.
func (p *Pair) Print() {
	fmt.Printf("=== %s\n", p.Name)
	for _, name := range slices.Sorted(maps.Keys(p.Before)) {
		fmt.Printf("--- %s\n%s", name, p.Before[name])
	}
	for _, name := range slices.Sorted(maps.Keys(p.edited())) {
		fmt.Printf("+++ %s\n%s", name, p.After[name])
	}
}

// A verdict is what became of an edit.
type verdict int

const (
	live     verdict = iota
	newCalls         // live, and the tool says that something goes on with old code
	restart
	rejected
	wrong
	skipped
	verdicts
)

// An outcome is the verdict on a pair.
type outcome struct {
	verdict
	said   string // by the tool
	reason string // of a wrong one
	missed string // why a restart is one, where the edit could be live
}

// tally counts outcomes by what the pairs are counted under.
type tally struct {
	kinds []map[string]*[verdicts]int // one for each table
	sum   [verdicts]int
	wrong map[string][]string // reasons, the first in full, by what they have in common
	whys  map[string]int      // why restarts that could be live were none
}

func (t *tally) count(p *Pair, o outcome) {
	for len(t.kinds) < len(p.Kinds) {
		t.kinds = append(t.kinds, map[string]*[verdicts]int{})
	}
	for i, kind := range p.Kinds {
		if t.kinds[i][kind] == nil {
			t.kinds[i][kind] = &[verdicts]int{}
		}
		t.kinds[i][kind][o.verdict]++
	}
	t.sum[o.verdict]++
	if o.verdict == wrong {
		if t.wrong == nil {
			t.wrong = map[string][]string{}
		}
		reason, _, _ := strings.Cut(o.reason, "\n")
		same := number.ReplaceAllString(reason, "…")
		t.wrong[same] = append(t.wrong[same], p.Name+": "+short(reason, 200))
	}
	if o.missed != "" {
		if t.whys == nil {
			t.whys = map[string]int{}
		}
		t.whys[p.Kinds[0]+": "+strings.TrimSpace(o.missed)]++
	}
}

var number = regexp.MustCompile(`\b(p\d+\.)?(0x[0-9a-f]+|-?\d[\d ]*)\b`)

// print prints the tables.
func (t *tally) print() {
	line := func(name string, n [verdicts]int) {
		fmt.Printf("%-44s %5d %9d %7d %8d %5d\n", name, n[live], n[newCalls], n[restart], n[rejected], n[wrong])
	}
	for _, kinds := range t.kinds {
		fmt.Printf("%-44s %5s %9s %7s %8s %5s\n", "", "live", "new calls", "restart", "rejected", "WRONG")
		for _, name := range slices.Sorted(maps.Keys(kinds)) {
			line(name, *kinds[name])
		}
	}
	line("all", t.sum)
	most := func(list map[string]int, n int) []string {
		names := slices.SortedFunc(maps.Keys(list), func(a, b string) int {
			return cmp.Or(list[b]-list[a], strings.Compare(a, b))
		})
		return names[:min(n, len(names))]
	}
	for _, why := range most(t.whys, 20) {
		fmt.Printf("a missed chance %4d times: %s\n", t.whys[why], why)
	}
	counts := map[string]int{}
	for reason, names := range t.wrong {
		counts[reason] = len(names)
	}
	for _, reason := range most(counts, 30) {
		fmt.Printf("WRONG %4d times, as %s\n", counts[reason], t.wrong[reason][0])
	}
}

// short is the beginning of a text.
func short(text string, n int) string {
	text = strings.TrimSpace(text)
	if len(text) > n {
		text = text[:n] + " …"
	}
	return text
}
