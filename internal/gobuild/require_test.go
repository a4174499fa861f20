package gobuild

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestDiffMod(t *testing.T) {
	const old = `module example.com/app

go 1.25.0

require (
	example.com/a v1.0.0
	example.com/b v1.1.0 // indirect
)

replace example.com/b => ../b
`
	for _, test := range []struct {
		name, new string
		want      []string
	}{
		{"the same", old, nil},
		{"layout, comments and order", `// Copyright
module example.com/app
go 1.25.0
replace "example.com/b" => ../b // ours
require example.com/b v1.1.0
require example.com/a v1.0.0 // indirect
retract v1.0.1
tool example.com/a/cmd
`, nil},
		{"added", old + "require example.com/c v0.1.0\nreplace example.com/c => ../c\n", []string{
			"require example.com/c v0.1.0 was added", "replace example.com/c => ../c was added",
		}},
		{"changed", `module example.com/app

go 1.26.0

toolchain go1.26.8

require (
	example.com/a v1.2.0
	example.com/b v1.1.0
)

replace example.com/b v1.1.0 => ../b

exclude example.com/c v1.0.0

godebug panicnil=1
`, []string{
			"go 1.25.0 is 1.26.0 now", "toolchain go1.26.8 was added", "require example.com/a v1.0.0 is example.com/a v1.2.0 now",
			"replace example.com/b v1.1.0 => ../b was added", "exclude example.com/c v1.0.0 was added", "godebug panicnil=1 was added",
			"replace example.com/b => ../b was removed",
		}},
		{"another name, nothing else", "module example.com/other\n", []string{
			"module example.com/app is example.com/other now", "go 1.25.0 was removed", "require example.com/a v1.0.0 was removed",
			"require example.com/b v1.1.0 was removed", "replace example.com/b => ../b was removed",
		}},
	} {
		diff, err := DiffMod([]byte(old), []byte(test.new))
		if err != nil {
			t.Fatalf("%s: %v", test.name, err)
		}
		var got []string
		for _, l := range diff {
			got = append(got, l.String())
		}
		if d := cmp.Diff(test.want, got); d != "" {
			t.Errorf("%s (-want +got)\n%s", test.name, d)
		}
	}
	if _, err := DiffMod([]byte(old), []byte("module\n")); err == nil {
		t.Error("a file that can't be read has a difference")
	}
}
