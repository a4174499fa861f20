package change

import "testing"

// TestLoads: what is not surely a load is none. The displacement is zero, as in objects.
func TestLoads(t *testing.T) {
	const disp = "\x00\x00\x00\x00"
	for name, test := range map[string]struct {
		before, after string // of the displacement
		callee        string
		want          bool
	}{
		"MOVQ x, AX":                {"\x48\x8b\x05", "", "", true},
		"MOVQ x, R9":                {"\x4c\x8b\x0d", "", "", true},
		"MOVL x, AX":                {"\x90\x8b\x05", "", "", true},
		"CMPQ x, $5":                {"\x48\x83\x3d", "\x05", "", true},
		"CMPQ x, AX":                {"\x48\x39\x05", "", "", true},
		"MOVUPS x, X0":              {"\x0f\x10\x05", "", "", true},
		"ADDQ x, AX":                {"\x48\x03\x05", "", "", true},
		"MOVQ AX, x":                {"\x48\x89\x05", "", "", false},
		"MOVQ $0, x":                {"\x48\xc7\x05", disp, "", false},
		"MOVUPS X0, x":              {"\x0f\x11\x05", "", "", false},
		"ADDQ $5, x":                {"\x48\x83\x05", "\x05", "", false},
		"ADDQ AX, x":                {"\x48\x01\x05", "", "", false},
		"XCHGQ AX, x":               {"\x48\x87\x05", "", "", false},
		"LEAQ x, AX":                {"\x48\x8d\x05", "\xc3", "", false},
		"LEAQ x, CX":                {"\x48\x8d\x0d", "\xe8" + disp, "runtime.raceread", false},
		"raceread(&x)":              {"\x48\x8d\x05", "\xe8" + disp, "runtime.raceread", true},
		"NOPs, raceread(&x)":        {"\x48\x8d\x05", "\x90\x0f\x1f\x40\x00\xe8" + disp, "runtime.raceread", true},
		"racereadrange(&x, 16)":     {"\x48\x8d\x05", "\xbb\x10\x00\x00\x00\xe8" + disp, "runtime.racereadrange", true},
		"racewrite(&x)":             {"\x48\x8d\x05", "\xe8" + disp, "runtime.racewrite", false},
		"f(&x)":                     {"\x48\x8d\x05", "\xe8" + disp, "", false},
		"kept, then raceread(&x)":   {"\x48\x8d\x05", "\x48\x89\xc1\xe8" + disp, "runtime.raceread", false},
		"MOVQ (AX), BX, not of x":   {"\x48\x8b\x18", "", "", false},
		"nothing in front":          {"", "", "", false},
		"the code ends with LEAQ x": {"\x48\x8d\x05", "", "", false},
	} {
		code := []byte(test.before + disp + test.after)
		if got := loads(code, len(test.before), func(int) string { return test.callee }); got != test.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
