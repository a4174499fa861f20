package goobj

import "strings"

// PathToPrefix is an import path as it stands in symbol names: dots behind the last
// slash, and what else could end a name anywhere, are escaped (cmd/internal/objabi/path.go).
func PathToPrefix(path string) string {
	slash := strings.LastIndexByte(path, '/') + 1
	var b strings.Builder
	for i := range len(path) {
		switch c := path[i]; {
		case c == '.' && i >= slash, c == '"', c == '%', c <= ' ', c >= 0x7f:
			const hex = "0123456789abcdef"
			b.WriteByte('%')
			b.WriteByte(hex[c>>4])
			b.WriteByte(hex[c&15])
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// PrefixToPath is the import path that PathToPrefix has made prefix of.
func PrefixToPath(prefix string) string {
	var b strings.Builder
	for i := 0; i < len(prefix); i++ {
		if prefix[i] == '%' && i+2 < len(prefix) {
			if hi, lo := strings.IndexByte("0123456789abcdef", prefix[i+1]), strings.IndexByte("0123456789abcdef", prefix[i+2]); hi >= 0 && lo >= 0 {
				b.WriteByte(byte(hi<<4 | lo))
				i += 2
				continue
			}
		}
		b.WriteByte(prefix[i])
	}
	return b.String()
}
