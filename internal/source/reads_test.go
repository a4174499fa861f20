package source

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestReaders(t *testing.T) {
	assets := `package assets

import "embed"

//go:embed static
var Static embed.FS

//go:embed page.html
var page string

var Page = upper(page)

func upper(s string) string { return s }

func Names() int { return 0 }
`
	web := `package web

import "example.com/assets"

type site struct{}

func (site) load() any { return assets.Static }

func parse() any { return load() }

func load() any { return site{}.load() }

func serve() any { return assets.Static }

var (
	direct = assets.Static
	far    = parse()
	page   = assets.Names()
	lit    = func() any { return assets.Static }
	_      = load()
	none   string
)

func init() { none = "" }

func init() { parse() }
`
	for _, test := range []struct {
		path, text string
		names      []string
		want       []string
	}{
		{"example.com/assets", assets, []string{"Static"}, nil},
		{"example.com/assets", assets, []string{"page"}, []string{"Page"}},
		{"example.com/web", web, []string{"Static"}, []string{"direct", "far", "lit", "_", "init.1"}},
		{"example.com/web", web, []string{"page"}, nil},
	} {
		p, err := Parse(test.path, map[string][]byte{"a.go": []byte(test.text)})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, d := range p.Readers("example.com/assets", test.names) {
			if name := d.Symbol; d.Kind != Blank {
				got = append(got, name)
			} else {
				got = append(got, "_")
			}
		}
		if d := cmp.Diff(test.want, got); d != "" {
			t.Errorf("%s %q (-want +got)\n%s", test.path, test.names, d)
		}
	}
}
