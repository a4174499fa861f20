package toolchain

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/realtimefunc/realtimefunc/internal/goobj"
)

// iotas numbers the names of a const block of the tool chain in use, in which each
// line has one name and the block's first line gives the first number.
func iotas(t *testing.T, file, first string, from int) map[string]int {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), filepath.Join(goroot(t), "src", file), nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range f.Decls {
		g, ok := d.(*ast.GenDecl)
		if !ok || g.Tok != token.CONST || g.Specs[0].(*ast.ValueSpec).Names[0].Name != first {
			continue
		}
		numbers := map[string]int{}
		for i, s := range g.Specs {
			for _, name := range s.(*ast.ValueSpec).Names {
				numbers[name.Name] = i + from
			}
		}
		return numbers
	}
	t.Fatalf("%s: no constants that begin with %s", file, first)
	return nil
}

// TestFacts compares our numbers with the sources of the tool chain in use: a release
// that renumbers must not be taken for one that is known.
func TestFacts(t *testing.T) {
	r, err := For(runtime.Version())
	if err != nil {
		t.Fatal(err)
	}
	relocs := iotas(t, "cmd/internal/objabi/reloctype.go", "R_ADDR", 1)
	for name, have := range map[string]goobj.RelocType{
		"R_ADDR": goobj.RAddr, "R_ADDROFF": goobj.RAddrOff, "R_SIZE": goobj.RSize, "R_CALL": goobj.RCall,
		"R_CALLIND": goobj.RCallInd, "R_PCREL": goobj.RPCRel, "R_TLS_LE": goobj.RTLSLE, "R_TLS_IE": goobj.RTLSIE,
		"R_USEFIELD": goobj.RUseField, "R_USETYPE": goobj.RUseType, "R_USEIFACE": goobj.RUseIface,
		"R_USEIFACEMETHOD": goobj.RUseIfaceMethod, "R_USENAMEDMETHOD": goobj.RUseNamedMethod,
		"R_METHODOFF": goobj.RMethodOff, "R_KEEP": goobj.RKeep, "R_GOTPCREL": goobj.RGotPCRel,
		"R_DWARFSECREF": goobj.RDWARFSecRef, "R_INITORDER": r.InitOrder,
	} {
		if relocs[name] != int(have) {
			t.Errorf("%s is %d, not %d", name, relocs[name], have)
		}
	}
	kinds := iotas(t, "cmd/internal/objabi/symkind.go", "Sxxx", 0)
	for name, have := range map[string]goobj.Kind{
		"STEXT": goobj.Text, "STEXTFIPS": goobj.TextFIPS, "SRODATA": goobj.ROData, "SRODATAFIPS": goobj.RODataFIPS,
		"SNOPTRDATA": goobj.NoPtrData, "SDATA": goobj.Data, "SBSS": goobj.BSS, "SNOPTRBSS": goobj.NoPtrBSS,
		"STLSBSS": goobj.TLSBSS, "SDWARFFCN": goobj.DWARFFunc, "SDWARFABSFCN": goobj.DWARFAbstract,
		"SLIBFUZZER_8BIT_COUNTER": goobj.Libfuzzer, "SCOVERAGE_COUNTER": goobj.CovCounter, "SCOVERAGE_AUXVAR": goobj.CovAux,
	} {
		if got, ok := kinds[name]; !ok || got != int(have) {
			t.Errorf("%s is %d, not %d", name, got, have)
		}
	}
	aux := iotas(t, "cmd/internal/goobj/objfile.go", "AuxGotype", 0)
	for name, have := range map[string]goobj.AuxType{
		"AuxGotype": goobj.AuxGotype, "AuxFuncInfo": goobj.AuxFuncInfo, "AuxFuncdata": goobj.AuxFuncdata,
		"AuxDwarfInfo": goobj.AuxDwarfInfo, "AuxPcsp": goobj.AuxPcsp, "AuxPcfile": goobj.AuxPcfile,
		"AuxPcline": goobj.AuxPcline, "AuxPcinline": goobj.AuxPcinline, "AuxPcdata": goobj.AuxPcdata,
	} {
		if got, ok := aux[name]; !ok || got != int(have) {
			t.Errorf("%s is %d, not %d", name, got, have)
		}
	}
	if have := fmt.Sprintf("StackNosplitBase = %d\n", r.StackNosplit); !strings.Contains(readSource(t, "internal/abi/stack.go"), have) {
		t.Errorf("internal/abi has not %q", have)
	}
	if name := strings.TrimPrefix(r.MainInitDone, "runtime."); !declared(t, "runtime", name) {
		t.Errorf("the runtime has no %s", name)
	}
}

func readSource(t *testing.T, file string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(goroot(t), "src", file))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// declared reports whether a package of the tool chain has a variable.
func declared(t *testing.T, path, name string) bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(goroot(t), "src", path, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range f.Decls {
			if g, ok := d.(*ast.GenDecl); ok && g.Tok == token.VAR {
				for _, s := range g.Specs {
					for _, id := range s.(*ast.ValueSpec).Names {
						if id.Name == name {
							return true
						}
					}
				}
			}
		}
	}
	return false
}
