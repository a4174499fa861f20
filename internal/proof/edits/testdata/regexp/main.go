package main

import (
	"fmt"
	"strings"

	"example.com/edits/regexp"
	"example.com/edits/regexp/syntax"
)

func before() []question {
	a, b := regexp.NewProofOld(3, "tea", words), syntax.NewProofOld(2, "leaf", words)
	return []question{{"old regexp", a.Ask}, {"old syntax", b.Ask}, {"lines", func() string {
		return regexp.ProofLines() + syntax.ProofLines()
	}}}
}

var words = []string{"one", "to", "three", "four"}

var patterns = []string{
	`abc`, `a+b*c?`, `(a|b)*abb`, `^(\w+)@(\w+)\.com$`, `(?i)hello\s+WORLD`, `[^a-z0-9_]+`, `\b\d{2,4}\b`, `(?P<year>\d{4})-(?P<month>\d\d)`,
	`(?s).*`, `(?m)^x.*$`, `a{2}|b{3,}|c{0,1}?`, `\pL+\P{Lu}?`, `[[:alpha:]][[:^digit:]]`, `x*`, ``, `(foo|foobar|bar)+?z`, `\x{263A}|é+`, `^(?:a|ab)(?:c|bcd)(d*)$`, `(?U)a+`, `\Qa.b\E|[\]-]`,
	`(`, `a**`, `[z-a]`, `(?P<x`, `\8`, `a{1001}`, `(?i`, `[[:foo:]]`, `\p{Foo}`, `x{2,1}`, `*a`, `)`, `(?P<n>a)(?P<n>b)`, `((((((a{9}){9}){9}){9}))))`,
	`\p{Greek}|\p{scx=Cyrl}|\p{lowercase letter}`, `^a(b(c(d)?)?)?$`, `^(?:x|y)z[0-9]{3}$`,
}

var inputs = []string{
	"", "abc", "xxabcabc aabbc abb", "gopher@example.com", "say Hello  world", "12 345 67890 2024-05", "x1\nx2\ny\n", "aa bbb c ab abcd", "Ünïcode ☺ éé Ж", "foobarbarz a.b ]-", strings.Repeat("ab", 40) + "b", "abcd", "xz123", "αβγ",
}

func questions() []question {
	var list []question
	for _, p := range patterns {
		list = append(list, question{"syntax " + p, func() string {
			var b strings.Builder
			for _, flags := range []syntax.Flags{syntax.Perl, syntax.POSIX, syntax.Perl | syntax.FoldCase, syntax.Literal} {
				re, err := syntax.Parse(p, flags)
				if err != nil {
					fmt.Fprintln(&b, err)
					continue
				}
				s := re.Simplify()
				fmt.Fprintln(&b, re, s, re.MaxCap(), re.CapNames(), re.Op, s.Equal(re))
				prog, err := syntax.Compile(s)
				fmt.Fprintln(&b, err)
				if err == nil && len(prog.Inst) < 200 {
					prefix, whole := prog.Prefix()
					fmt.Fprintln(&b, prog, prefix, whole, prog.StartCond())
				}
			}
			return b.String()
		}}, question{"match " + p, func() string {
			re, err := regexp.Compile(p)
			if err != nil {
				return err.Error()
			}
			var b strings.Builder
			prefix, whole := re.LiteralPrefix()
			fmt.Fprintln(&b, re, re.NumSubexp(), re.SubexpNames(), re.SubexpIndex("month"), prefix, whole)
			for _, in := range inputs {
				fmt.Fprintln(&b, re.FindStringSubmatchIndex(in), re.FindAllStringIndex(in, 5), re.MatchString(in))
				fmt.Fprintf(&b, "%q %q\n", re.ReplaceAllString(in, "<$0|${1}|$month>"), re.Split(in, 4))
				fmt.Fprintf(&b, "%q\n", re.ReplaceAllStringFunc(in, strings.ToUpper))
				fmt.Fprintln(&b, re.FindReaderSubmatchIndex(strings.NewReader(in)), len(re.FindAllSubmatch([]byte(in), -1)))
			}
			re.Longest()
			fmt.Fprintln(&b, re.FindString(inputs[2]), re.FindStringIndex(inputs[9]))
			return b.String()
		}})
	}
	return append(list, question{"posix", func() string {
		re, err := regexp.CompilePOSIX(`a+|a+b`)
		if err != nil {
			return err.Error()
		}
		text, _ := re.MarshalText()
		return fmt.Sprint(re.FindString("aaab"), string(text), string(re.Expand(nil, []byte("$0-$x-${0}$$"), []byte("aab"), []int{0, 2})))
	}}, question{"quote", func() string { return regexp.QuoteMeta("a.b*c[d]\\^$+?{}()|é") }},
		question{"must", func() string { return regexp.MustCompile(`a(b`).String() }},
		question{"word", func() string {
			return fmt.Sprint(syntax.IsWordChar('a'), syntax.IsWordChar('-'), syntax.EmptyOpContext('a', ' '), syntax.EmptyOpContext(-1, '\n'))
		}})
}
