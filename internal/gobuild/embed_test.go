package gobuild

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestResolveEmbed: the rules of package embed, and of the go command where it refuses.
func TestResolveEmbed(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{
		"page.html", "other.txt", "static/a.css", "static/b.css", "static/.hidden", "static/_draft", "static/.git/config",
		"static/sub/c.css", "static/_sub/d.css", "static/module/go.mod", "static/module/e.css",
		"hidden/.only", "odd/a\\b", "mod/go.mod", "mod/f.css", "deep/x/one.html", "deep/y/two.html",
	} {
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, nil, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	for from, to := range map[string]string{"link.html": "page.html", "static/link.css": "a.css"} {
		if err := os.Symlink(to, filepath.Join(dir, from)); err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct{ pattern, want, err string }{
		{"page.html", "page.html", ""},
		{"*.html", "", "link.html is no regular file"},
		{"*.txt", "other.txt", ""},
		{"static", "static/a.css static/b.css static/sub/c.css", ""},
		{"static/*.css", "", "static/link.css is no regular file"},
		{"static/[ab].css", "static/a.css static/b.css", ""},
		{"all:static", "static/.hidden static/_draft static/_sub/d.css static/a.css static/b.css static/sub/c.css", ""},
		{"static/_*", "static/_draft static/_sub/d.css", ""},
		{"static/.hidden", "static/.hidden", ""},
		{"static/.git", "", "invalid name static/.git"},
		{"static/module", "", "in another module"},
		{"mod/f.css", "", "in another module"},
		{"hidden", "", "no file to embed"},
		{"all:hidden", "hidden/.only", ""},
		{"odd", "", "invalid name"},
		{"deep/*/*.html", "deep/x/one.html deep/y/two.html", ""},
		{"none", "", "no file"},
		{"none/*", "", "no file"},
		{".", "", "invalid pattern"},
		{"../up", "", "invalid pattern"},
		{"a[", "", "syntax error"},
	} {
		files, err := resolveEmbed(os.DirFS(dir), test.pattern)
		if got := strings.Join(files, " "); got != test.want || (err == nil) != (test.err == "") || err != nil && !strings.Contains(err.Error(), test.err) {
			t.Errorf("%s: %s (%v), want %s (%s)", test.pattern, got, err, test.want, test.err)
		}
	}
}

func TestMayEmbed(t *testing.T) {
	p := &Package{Dir: "/app/web", EmbedPatterns: []string{"page.html", "static", "all:deep/*/x", "*.tmpl"}}
	for file, want := range map[string]bool{
		"/app/web/page.html": true, "/app/web/static/a/b/c": true, "/app/web/deep/1/x/y": true, "/app/web/new.tmpl": true,
		"/app/web/web.go": false, "/app/page.html": false, "/app/web/deep/1/y": false, "/app/web/sub/new.tmpl": false, "/app/web2/static/a": false,
	} {
		if got := p.MayEmbed(file); got != want {
			t.Errorf("%s: %v", file, got)
		}
	}
}

func TestEmbedFolders(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"static/sub", "views/a", "views/b"} {
		if err := os.MkdirAll(filepath.Join(dir, name), 0o777); err != nil {
			t.Fatal(err)
		}
	}
	p := &Package{
		Dir: dir, EmbedPatterns: []string{"page.html", "static", "views/*", "deep/*/x.html", "*.tmpl"},
		EmbedFiles: []string{"page.html", "static/sub/a.css", "views/a/b"},
	}
	dirs, trees := p.EmbedFolders()
	for i, name := range dirs {
		dirs[i], _ = filepath.Rel(dir, name)
	}
	for i, name := range trees {
		trees[i], _ = filepath.Rel(dir, name)
	}
	if want := []string{".", "static/sub", "views", "views/a"}; !slices.Equal(dirs, want) {
		t.Errorf("folders %q, want %q", dirs, want)
	}
	if want := []string{"deep", "static", "views/a", "views/b"}; !slices.Equal(trees, want) {
		t.Errorf("trees %q, want %q", trees, want)
	}
}
