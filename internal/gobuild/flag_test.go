package gobuild

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseFlags(t *testing.T) {
	for _, test := range []struct {
		args  []string
		flags []string
		rest  []string
		err   string
	}{
		{[]string{"."}, nil, []string{"."}, ""},
		{[]string{"-race", "--tags", "a,b", "-ldflags=-X a=b", "./x", "-race"}, []string{"-race", "-tags=a,b", "-ldflags=-X a=b"}, []string{"./x", "-race"}, ""},
		{[]string{"-race=false", "--", "-v"}, []string{"-race=false"}, []string{"-v"}, ""},
		{[]string{"-tags="}, []string{"-tags="}, nil, ""},
		{[]string{"-tags"}, nil, nil, "flag needs an argument: -tags"},
		{[]string{"-none"}, nil, nil, "flag provided but not defined: -none"},
	} {
		flags, rest, err := ParseFlags(test.args)
		if (err == nil) != (test.err == "") || err != nil && err.Error() != test.err {
			t.Errorf("%q: got error %v, want %q", test.args, err, test.err)
			continue
		}
		var got []string
		for _, f := range flags {
			got = append(got, f.String())
		}
		if diff := cmp.Diff(test.flags, got); err == nil && diff != "" {
			t.Errorf("%q: flags (-want +got):\n%s", test.args, diff)
		}
		if err == nil && len(rest)+len(test.rest) > 0 {
			if diff := cmp.Diff(test.rest, rest); diff != "" {
				t.Errorf("%q: rest (-want +got):\n%s", test.args, diff)
			}
		}
	}
}

func TestSplitQuoted(t *testing.T) {
	for _, test := range []struct {
		in   string
		want []string
		ok   bool
	}{
		{"", nil, true},
		{" -a  -b=c ", []string{"-a", "-b=c"}, true},
		{`'-X a=b c' "d'e" f"g`, []string{"-X a=b c", "d'e", `f"g`}, true},
		{`''`, []string{""}, true},
		{`'a`, nil, false},
	} {
		got, err := splitQuoted(test.in)
		if diff := cmp.Diff(test.want, got); diff != "" || (err == nil) != test.ok {
			t.Errorf("%q: %v (-want +got):\n%s", test.in, err, diff)
		}
	}
}

// The last value whose pattern matches counts, so what the user said of a live
// package is kept and of another package untouched.
func TestWithoutInlining(t *testing.T) {
	h := &Host{Config: Config{Dir: "/m"}, modules: []module{{"example.com/m", "/m"}, {"example.com/r", "/r"}}}
	main := &Package{ImportPath: "example.com/m", Dir: "/m"}
	h.Main = main
	packages := map[string]*Package{
		"main":  main,
		"lib":   {ImportPath: "example.com/m/lib", Dir: "/m/lib"},
		"other": {ImportPath: "example.com/r/x", Dir: "/r/x"},
		"dep":   {ImportPath: "example.com/dep", Dir: "/cache/dep"},
		"std":   {ImportPath: "net/http", Dir: "/go/src/net/http", Standard: true},
	}
	type args map[string]string
	for _, test := range []struct {
		user []string
		want args
	}{
		{nil, args{"main": "-l=1", "lib": "-l=1", "other": "-l=1", "dep": "", "std": ""}},
		{[]string{"-N"}, args{"main": "-N -l=1", "lib": "-l=1", "other": "-l=1", "dep": "", "std": ""}},
		{[]string{""}, args{"main": "-l=1", "lib": "-l=1", "other": "-l=1", "dep": "", "std": ""}},
		{[]string{"all=-N -l"}, args{"main": "-N -l -l=1", "lib": "-N -l -l=1", "other": "-N -l -l=1", "dep": "-N -l", "std": "-N -l"}},
		{[]string{"net/http=-N"}, args{"main": "-l=1", "lib": "-l=1", "other": "-l=1", "dep": "", "std": "-N"}},
		{[]string{"example.com/m/lib=-N"}, args{"main": "-l=1", "lib": "-N -l=1", "other": "-l=1", "dep": "", "std": ""}},
		{[]string{"./...=-N"}, args{"main": "-N -l=1", "lib": "-N -l=1", "other": "-l=1", "dep": "", "std": ""}},
		{[]string{"all=-N", "example.com/...=-B"}, args{"main": "-B -l=1", "lib": "-B -l=1", "other": "-B -l=1", "dep": "-B -l=1", "std": "-N"}},
	} {
		var user []perPackage
		for _, v := range test.user {
			user = append(user, parsePerPackage(v))
		}
		h.gcflags = append(user[:len(user):len(user)], withoutInlining(user, h.modules)...)
		for name, want := range test.want {
			got := ""
			for _, f := range h.gcflags {
				if h.matches(f.pattern, packages[name]) {
					got = f.args
				}
			}
			if got != want {
				t.Errorf("%q: %s gets %q, want %q", test.user, name, got, want)
			}
		}
	}
}

func TestStrips(t *testing.T) {
	for _, test := range []struct {
		value string
		want  bool
	}{
		{"", false}, {"-s -w", true}, {"-w", true}, {"-w=false", false}, {"--s", true},
		{"-X a.s=-s", false}, {"'-X a.b=c d'", false}, {"example.com/m=-s", true},
	} {
		if got := strips([]Flag{{Name: "ldflags", Value: test.value}}); got != test.want {
			t.Errorf("%q: got %v, want %v", test.value, got, test.want)
		}
	}
}

func TestStamped(t *testing.T) {
	h := &Host{}
	h.all = []Flag{{Name: "ldflags", Value: `-s -X main.version=1.2 "-X=example.com/m/lib.name=a b" --X a.b=`}, {Name: "ldflags", Value: "example.com/m=-X 'c.d.e=x=y'"}}
	want := map[string]bool{"main.version": true, "example.com/m/lib.name": true, "a.b": true, "c.d.e": true}
	if diff := cmp.Diff(want, h.Stamped()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func FuzzParse(f *testing.F) {
	f.Add("-gcflags=all='-N -l' -race")
	f.Fuzz(func(t *testing.T, s string) {
		goflags(s)
		notesOf(s)
		withoutNotes(s)
		p := parsePerPackage(s)
		matchPattern(p.pattern, "example.com/m")
	})
}
