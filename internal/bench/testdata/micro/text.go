package main

import (
	"strconv"
	"strings"
	"unicode"
)

var words = strings.Fields("the shop under  realtime Runs at Full speed and a plain build does, too")

var written int

// text is what code does with strings: small functions of the standard library.
func text(n int) {
	for i := range n {
		var b strings.Builder
		b.Grow(256)
		for _, word := range words {
			if strings.HasPrefix(word, "re") || strings.HasSuffix(word, ",") || strings.Contains(word, "uild") {
				b.WriteByte('*')
			}
			for _, r := range word {
				if unicode.IsUpper(r) {
					r = unicode.ToLower(r)
				}
				b.WriteRune(r)
			}
			b.WriteByte(' ')
			b.WriteString(strconv.Itoa(i % 100))
			b.WriteString(strings.TrimSpace(" x "))
		}
		written += b.Len()
	}
}
