package source

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestExcerpt makes excerpts of edits. A case has the folders old and new, want with the
// files of the excerpt or a file "reason", and a file "tags" in the folder "said" with lines
// "function: what the compiler says of it". Another package names Used, and interface values
// are held for the method Held.
//
// That the compiler makes the same of them as of the whole packages is proved by
// internal/proof/excerpts.
func TestExcerpt(t *testing.T) {
	excerpts(t, "testdata/excerpt.txtar", func(d *Delta, around *Around) (*Excerpt, error) {
		return d.Excerpt(nil, around)
	})
}

// TestOutline makes outlines in the same way.
func TestOutline(t *testing.T) {
	excerpts(t, "testdata/outline.txtar", func(d *Delta, around *Around) (*Excerpt, error) {
		return d.Outline(nil, nil, around)
	})
}

func excerpts(t *testing.T, file string, excerpt func(*Delta, *Around) (*Excerpt, error)) {
	names, byCase := cases(t, file)
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			c := byCase[name]
			old := parse(t, c["old"])
			said := map[string][]string{}
			for line := range strings.Lines(c["said"]["tags"]) {
				of, text, _ := strings.Cut(strings.TrimSpace(line), ": ")
				said[of] = append(said[of], text)
			}
			x, err := excerpt(Diff(old, parse(t, c["new"])), &Around{
				NameOf:    func(path string) string { return map[string]string{"example.com/go-odd": "odd"}[path] },
				Tags:      func(d *Decl) []string { return said[d.Name] },
				Held:      func(method string) bool { return method == "Held" },
				Importers: []*Package{parse(t, map[string]string{"user.go": "package user\n\nvar _ = p.Used\n"})},
			})
			got := map[string]string{}
			if err != nil {
				got["reason"] = err.Error() + "\n"
			} else {
				for path, text := range x.Files {
					if !strings.HasSuffix(path, restName+".go") { // the same in all
						got[path] = strings.TrimSuffix(string(text), "\n") + "\n"
					}
				}
			}
			if diff := cmp.Diff(c["want"], got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestHolds: a stub of which the compiler says something else is found.
func TestHolds(t *testing.T) {
	x := &Excerpt{stubs: []stub{{file: "rest.go", from: 3, to: 4, tags: []string{"leaking param: p"}}}}
	for _, test := range []struct {
		said []string
		want string
	}{
		{[]string{"leaking param: p", "moved to heap: x"}, ""},
		{[]string{"leaking param content: p"}, `a stub is not what it stands for: ["leaking param content: p"], not ["leaking param: p"]`},
		{nil, `a stub is not what it stands for: [], not ["leaking param: p"]`},
	} {
		err := x.Holds(func(file string, from, to int) []string {
			if file != "rest.go" || from != 3 || to != 4 {
				t.Errorf("asked for %s:%d-%d", file, from, to)
			}
			return test.said
		})
		got := ""
		if err != nil {
			got = err.Error()
		}
		if got != test.want {
			t.Errorf("%q: got %q, want %q", test.said, got, test.want)
		}
	}
}
