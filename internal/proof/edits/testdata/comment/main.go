package main

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"example.com/edits/encoding/csv"
	"example.com/edits/go/doc/comment"
	"example.com/edits/text/tabwriter"
)

func before() []question {
	a, b, c := comment.NewProofOld(3, "tea", words), tabwriter.NewProofOld(2, "leaf", words), csv.NewProofOld(4, "pot", words)
	return []question{{"old comment", a.Ask}, {"old tabwriter", b.Ask}, {"old csv", c.Ask}, {"lines", func() string {
		return comment.ProofLines() + tabwriter.ProofLines() + csv.ProofLines()
	}}}
}

var words = []string{"one", "to", "three", "four"}

var comments = []string{
	"Package tea brews.\n\nIt is *small*. See [bytes.Buffer] and [Other] or https://go.dev/doc.\n",
	"Heading\n\nText after it, with ``quotes'' and a long line that has to be wrapped somewhere because it is longer than eighty columns are.\n",
	"# New heading\n\nList:\n  - one\n  - two\n    goes on\n\n  - three\n\n 1. first\n 2. second\n",
	"Code:\n\n\tx := 1\n\t\ty := 2\n\n\tz\n\nAfter.\n",
	"[Go home]: https://go.dev\n[bad link\n[x]: not\n\nSee the [Go home] page, [Missing], [*Writer.Flush], [tea.Pot.Pour].\n",
	"", "\n\n  odd indent\n text\n\t\ttabs\n", "* star\n* list\n\n+ plus\n\n1) paren\n", "http://a.b/c?d=(e). ftp://x mailto:y https://z.\n", "Unicode é ☺ — \"quoted\" text\\ with * and _ and < & >\n",
}

var tables = []string{
	"a\tb\tc\nlong cell\tx\ty\n", "1\t22\t333\n4444\t5\t6\t\n\n7\t8\n", "\tleading\t\ttwo\n", "a|b\tc\v\nd\f e\tf\n", "<b>bold</b>\tx\n&amp;\ty\n", "é☺\tunicode\nxx\ty\n", "\\escape\ta\n", "",
}

var files = []string{
	"a,b,c\n1,2,3\n", "\"quo\"\"ted\",x\n\"multi\nline\",y\n", "a;b\n#comment\nc;d\n", "a,b\n1\n", "bad\"quote,x\n", "\"open\n", " lead, x\r\ny,z\r\n", "", "\n\n\n", "a,\"b\"c,d\n", "é,☺\n",
}

func questions() []question {
	var list []question
	for i, text := range comments {
		list = append(list, question{fmt.Sprint("comment ", i), func() string {
			p := &comment.Parser{
				Words:         map[string]string{"tea": "", "columns": "https://example.com/columns"},
				LookupPackage: func(name string) (string, bool) { return "example.com/" + name, name == "tea" },
				LookupSym:     func(recv, name string) bool { return name == "Other" || recv == "Writer" },
			}
			doc := p.Parse(text)
			var b strings.Builder
			for _, printer := range []*comment.Printer{{}, {HeadingLevel: 2, HeadingID: func(h *comment.Heading) string { return "id" }, TextWidth: 30, TextPrefix: "> ", TextCodePrefix: ">\t"}, {DocLinkBaseURL: "https://pkg", TextWidth: -1}} {
				fmt.Fprintf(&b, "%s\n--\n%s\n--\n%s\n--\n%s\n", printer.HTML(doc), printer.Markdown(doc), printer.Text(doc), printer.Comment(doc))
			}
			for _, l := range doc.Links {
				fmt.Fprintln(&b, l.Text, l.URL, l.Used)
			}
			return b.String()
		}})
	}
	for i, text := range tables {
		for _, flags := range []uint{0, tabwriter.AlignRight | tabwriter.Debug, tabwriter.FilterHTML | tabwriter.StripEscape, tabwriter.TabIndent | tabwriter.DiscardEmptyColumns, tabwriter.TabIndent} {
			list = append(list, question{fmt.Sprint("table ", i, " ", flags), func() string {
				var b bytes.Buffer
				pad := byte(' ')
				if flags&tabwriter.TabIndent != 0 {
					pad = '\t'
				}
				w := tabwriter.NewWriter(&b, 5, 4, 1, pad, flags)
				_, err := io.WriteString(w, text)
				return fmt.Sprintf("%v %v %q", err, w.Flush(), b.String())
			}})
		}
	}
	for i, text := range files {
		list = append(list, question{fmt.Sprint("file ", i), func() string {
			var b strings.Builder
			for mode := range 4 {
				r := csv.NewReader(strings.NewReader(text))
				switch mode {
				case 1:
					r.Comma, r.Comment, r.FieldsPerRecord = ';', '#', -1
				case 2:
					r.LazyQuotes, r.TrimLeadingSpace, r.ReuseRecord = true, true, true
				case 3:
					r.Comma = '\n'
				}
				records, err := r.ReadAll()
				fmt.Fprintf(&b, "%q %v %d\n", records, err, r.InputOffset())
				w := csv.NewWriter(&b)
				w.UseCRLF = mode == 2
				fmt.Fprintln(&b, w.WriteAll(records), w.Error())
				r = csv.NewReader(strings.NewReader(text))
				for {
					record, err := r.Read()
					if err != nil {
						fmt.Fprintln(&b, err)
						break
					}
					line, column := r.FieldPos(len(record) - 1)
					fmt.Fprint(&b, line, ":", column, " ")
				}
			}
			return b.String()
		}})
	}
	return append(list, question{"words", func() string {
		a, ok := comment.DefaultLookupPackage("bytes")
		b, no := comment.DefaultLookupPackage("tea")
		return fmt.Sprint(a, ok, b, no, (&comment.DocLink{ImportPath: "a/b", Recv: "T", Name: "M"}).DefaultURL("https://x/"), (&comment.Heading{Text: []comment.Text{comment.Plain("A b")}}).DefaultID())
	}}, question{"write", func() string {
		var b strings.Builder
		w := csv.NewWriter(&b)
		fmt.Fprintln(&b, w.Write([]string{"a b", "c,d", "e\"f", " g", "", "\n", `\.`}))
		w.Comma = 'x'
		fmt.Fprintln(&b, w.Write([]string{"axb", ""}))
		w.Flush()
		return b.String()
	}}, question{"overflow", func() string {
		w := tabwriter.NewWriter(failing{}, 0, 8, 0, '\t', 0)
		fmt.Fprint(w, strings.Repeat("a\tb\n", 5))
		return fmt.Sprint(w.Flush())
	}})
}

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, io.ErrShortWrite }
