package main

import (
	"errors"
	"fmt"
	"strings"

	"example.com/edits/internal/fmtsort"
	"example.com/edits/text/template"
	"example.com/edits/text/template/parse"
	"reflect"
)

func before() []question {
	a, b, c := template.NewProofOld(3, "tea", words), parse.NewProofOld(2, "leaf", words), fmtsort.NewProofOld(1, "key", words)
	return []question{{"old template", a.Ask}, {"old parse", b.Ask}, {"old fmtsort", c.Ask}, {"lines", func() string {
		return template.ProofLines() + parse.ProofLines() + fmtsort.ProofLines()
	}}}
}

var words = []string{"one", "to", "three", "four"}

type item struct {
	Name  string
	Price float64
	Tags  []string
	More  map[string]int
	Next  *item
	Any   any
	F     func(int) string
}

func (i item) Upper() string                     { return strings.ToUpper(i.Name) }
func (i *item) Add(n int, rest ...string) string { return fmt.Sprint(i.Name, n, rest) }
func (i item) Fails() (string, error)            { return "", errors.New("it fails") }
func (i item) Panics() string                    { panic("it panics") }

func data() *item {
	return &item{"tea", 2.5, []string{"a", "b<c", ""}, map[string]int{"x": 1, "y": 2, "z": 0},
		&item{Name: "next"}, 7, func(n int) string { return fmt.Sprint("f", n) }}
}

var funcs = template.FuncMap{"join": strings.Join, "add": func(a, b int) int { return a + b }, "list": func(s ...string) []string { return s }}

var templates = []string{
	"plain text",
	"{{.Name}} costs {{printf \"%.2f\" .Price}}, {{.Upper}} {{.Add 3 \"x\" \"y\"}}",
	"{{range $i, $t := .Tags}}{{if $i}}, {{end}}{{$i}}={{$t | html}}{{else}}none{{end}}",
	"{{range $k, $v := .More}}{{$k}}:{{$v}};{{end}} {{len .More}} {{index .More \"y\"}}",
	"{{with .Next}}{{.Name}}{{else}}no next{{end}} {{with $x := .Any}}{{$x}}{{end}}",
	"{{define \"T\"}}[{{.}}]{{end}}{{template \"T\" .Name}}{{template \"T\" 3}}{{block \"B\" .Tags}}{{join . \"+\"}}{{end}}",
	"{{if and .Name (gt .Price 1.0) (not false)}}yes{{else if eq .Name \"x\" \"tea\"}}maybe{{else}}no{{end}}",
	"{{- /* comment */ -}} x {{- \" y \" -}} z {{\"q\" | printf \"%s-%s\" \"p\"}}",
	"{{range 3}}{{.}}{{if eq . 1}}{{continue}}{{end}},{{end}}{{range .Tags}}{{break}}{{end}}",
	"{{call .F 4}} {{slice .Name 1 2}} {{index .Tags 1}} {{urlquery \"a b&c\"}} {{js \"it's\"}} {{print 1 2 \"x\"}} {{println 1.5 'c'}}",
	"{{$x := 1}}{{$x = add $x 2}}{{$x}} {{0x1F}} {{1e3}} {{'a'}} {{true}} {{nil | print}}",
	"{{.Missing}}", "{{.Fails}}", "{{.Panics}}", "{{template \"none\"}}", "{{index .Tags 9}}", "{{lt 1 \"a\"}}", "{{.Name.Foo}}",
	"{{if}}", "{{range .Tags}}", "{{end}}", "{{\"open}}", "{{.Name | nofunc}}", "{{1 2}}", "{{$y}}", "{{/* open", "{{else}}", "{{(.Name}}", "{{.Name)}}", "a\nb{{\n.Bad..x}}", "{{define \"a\"}}", "{{break}}", "{{'ab'}}", "{{0x}}",
	"{{range $i, $c := \"héy\"}}{{$i}}{{$c}} {{end}}",
}

func questions() []question {
	var list []question
	for i, text := range templates {
		list = append(list, question{fmt.Sprint("template ", i), func() string {
			t, err := template.New("t").Funcs(funcs).Option("missingkey=error").Parse(text)
			if err != nil {
				return "error: " + err.Error()
			}
			var b strings.Builder
			err = t.Execute(&b, data())
			return fmt.Sprintf("%q %v %s %s", b.String(), err, len(t.DefinedTemplates()), t.Root)
		}})
		list = append(list, question{fmt.Sprint("tree ", i), func() string {
			tree := parse.New("x")
			tree.Mode = parse.ParseComments | parse.SkipFuncCheck
			sets := map[string]*parse.Tree{}
			_, err := tree.Parse(text, "", "", sets)
			if err != nil {
				return "error: " + err.Error()
			}
			var b strings.Builder
			for _, node := range tree.Root.Nodes {
				location, context := tree.ErrorContext(node)
				fmt.Fprintf(&b, "%d %v %s %q; ", node.Type(), parse.IsEmptyTree(node), location, context)
			}
			return b.String() + tree.Copy().Root.String()
		}})
	}
	return append(list, question{"clone", func() string {
		t := template.Must(template.New("t").Delims("<<", ">>").Parse(`<<define "a">>A<<.>><<end>><<template "a" 5>>`))
		c := template.Must(t.Clone())
		template.Must(c.New("a").Parse("B"))
		var b strings.Builder
		return fmt.Sprint(t.Execute(&b, nil), c.Execute(&b, nil), len(c.Templates()), c.Lookup("a").Name(), b.String())
	}}, question{"sorted", func() string {
		var b strings.Builder
		for _, m := range []any{map[int]string{3: "c", 1: "a", 2: "b"}, map[any]int{"x": 1, 2: 2, 1.5: 3, true: 4}, map[[2]int]bool{{1, 2}: true, {1, 1}: false}, map[struct{ A, B string }]int{{"a", "c"}: 1, {"a", "b"}: 2}} {
			for _, kv := range fmtsort.Sort(reflect.ValueOf(m)) {
				fmt.Fprint(&b, kv.Key, "=", kv.Value, " ")
			}
		}
		return b.String()
	}}, question{"escapes", func() string {
		return template.HTMLEscapeString("<a href='x'>&\x00\"") + template.JSEscapeString("it's <b>\n\u2028\"\\") + template.URLQueryEscaper("a b", 1, "ü") + template.HTMLEscaper(1, "<", nil)
	}})
}
