package main

// A kind is one way to edit a file. make reports whether the file has a place for it.
type kind struct {
	name   string
	weight int
	make   func(*maker) bool
}

var kinds = []kind{
	{"change a constant", 8, changeConstant},
	{"change an operator", 6, changeOperator},
	{"negate a condition", 3, negate},
	{"swap if and else", 3, swapElse},
	{"remove a statement", 6, removeStatement},
	{"rename a local", 4, renameLocal},
	{"insert a statement", 8, insertStatement},
	{"add logging", 8, addLogging},
	{"add an import", 4, addImport},
	{"insert a closure", 6, insertClosure},
	{"insert a literal above", 5, insertAbove},
	{"wrap in a literal", 6, wrapInLiteral},
	{"delete a closure", 5, deleteClosure},
	{"defer and recover", 3, addDefer},
	{"goroutine and channel", 3, addGoroutine},
	{"assert and switch types", 4, addAssertion},
	{"allocate and let escape", 4, addEscape},
	{"add a function", 4, addFunction},
	{"add a generic function", 3, addGeneric},
	{"add a variable", 6, addVariable},
	{"add a constant", 3, addConstant},
	{"add a type", 4, addType},
	{"add a method", 3, addMethod},
	{"add a parameter", 5, addParameter},
	{"delete what was added", 5, deleteAdded},
	{"add a field", 4, addField},
	{"swap fields", 2, swapFields},
	{"reorder functions", 4, reorder},
	{"shift lines", 4, shiftLines},
}

// weights is the sum of the kinds'.
var weights = func() (sum int) {
	for _, k := range kinds {
		sum += k.weight
	}
	return sum
}()

// kindAt is the kind that a number below weights stands for.
func kindAt(n int) kind {
	for _, k := range kinds {
		if n -= k.weight; n < 0 {
			return k
		}
	}
	panic("no such kind")
}

// imports are packages that the programs don't have, each with an expression in which
// %s is the package.
var imports = []struct{ path, expression string }{
	{"container/ring", "%s.New(7).Len()"},
	{"encoding/ascii85", "%s.MaxEncodedLen(4)"},
	{"encoding/base32", "%s.StdEncoding.EncodeToString([]byte(\"tea\"))"},
	{"encoding/hex", "%s.Dump([]byte(\"a teapot\"))"},
	{"hash/adler32", "%s.Checksum([]byte(\"tea\"))"},
	{"hash/crc32", "%s.ChecksumIEEE([]byte(\"tea\"))"},
	{"go/token", "%s.STRUCT"},
	{"text/scanner", "%s.TokenString(-2)"},
	{"index/suffixarray", "len(%s.New([]byte(\"banana\")).Lookup([]byte(\"an\"), -1))"},
	{"html", "%s.EscapeString(\"<tea>\")"},
	{"net/netip", "%s.MustParseAddr(\"10.0.0.1\").Next()"},
	{"math/big", "%s.NewInt(77).Text(36)"},
	{"math/cmplx", "%s.Abs(3+4i)"},
	{"encoding/json", "%s.Valid([]byte(\"{}\"))"},
	{"unicode/utf16", "%s.Encode([]rune(\"tea\"))"},
	{"mime/quotedprintable", "%s.NewReader(nil) != nil"},
	{"image/color", "%s.RGBA{1, 2, 3, 4}"},
	{"compress/flate", "%s.NewReader(nil) != nil"},
	{"go/version", "%s.IsValid(\"go1.9\")"},
	{"text/tabwriter", "%s.AlignRight"},
	{"archive/tar", "(&%s.Header{Name: \"tarfile\"}).FileInfo().Name()"},
	{"crypto/sha256", "%s.Sum256([]byte(\"tea\"))"},
	{"encoding/binary", "%s.BigEndian.Uint16([]byte{1, 2})"},
	{"path/filepath", "%s.Join(\"a\", \"..\", \"b\")"},
	{"time", "%s.Duration(90) * 1e9"},
}
