package change

import "testing"

func TestResults(t *testing.T) {
	for signature, want := range map[string]bool{
		"func()": false, "func(int, func(string) error)": false, "func(map[string]struct { A func() int })": false,
		"func() error": true, "func(int) (string, error)": true, "func(func()) func()": true, "": true,
	} {
		if got := results(signature); got != want {
			t.Errorf("results(%q) = %v", signature, got)
		}
	}
}

func TestAdjoins(t *testing.T) {
	goStatement := []byte{0x48, 0x8d, 0x05, 0, 0, 0, 0, 0xe8, 0, 0, 0, 0} // LEAQ f(IP), AX; CALL
	if !adjoins(goStatement, 3, 8) {
		t.Error("a go statement is none")
	}
	stored := []byte{0x48, 0x8d, 0x0d, 0, 0, 0, 0, 0xe8, 0, 0, 0, 0} // LEAQ f(IP), CX
	if adjoins(stored, 3, 8) {
		t.Error("another register is taken for the argument")
	}
}

// A flow tells what is ahead of a call by the code alone.
func TestAhead(t *testing.T) {
	f := &flow{
		insts: map[int]inst{
			0:  {end: 5, next: []int{5}, call: true},
			5:  {end: 7, next: []int{7, 0}},
			7:  {end: 12, next: []int{12}, call: true},
			12: {end: 13},
		},
		order: []int{0, 5, 7, 12},
	}
	for _, test := range []struct {
		pc, off int
		want    bool
	}{
		{0, 1, true},   // before the call
		{4, 1, true},   // in it, and the loop comes back
		{4, 8, true},   // behind the loop
		{11, 8, false}, // in the last call
		{11, 1, false}, // the loop is over
		{7, 8, true},   // about to call
		{99, 1, true},  // nowhere: not known
		{12, 8, false}, // at the end
	} {
		if got := f.ahead(test.pc, []int{test.off}); got != test.want {
			t.Errorf("ahead(%d, %d) = %v", test.pc, test.off, got)
		}
	}
}
