package main

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/realtimefunc/realtimefunc/internal/bench/shop"
)

// bareCompiles is how often a package is compiled to know what that takes.
const bareCompiles = 11

// bareTimes are the medians that bareCompile has measured, by import path.
var bareTimes = map[string]time.Duration{}

// bareCompile measures go tool compile of a whole package, as the go command runs it for a
// build without inlining, and nothing else: the median. It does so once for each package.
func bareCompile(s *shop.Shop, importPath string) (time.Duration, error) {
	if t, ok := bareTimes[importPath]; ok {
		return t, nil
	}
	build := s.Command("go", "build", "-x", "-work", "-gcflags="+importPath+"=-l", importPath)
	out, err := build.CombinedOutput()
	if err != nil {
		return 0, fmt.Errorf("go build %s: %w\n%s", importPath, err, out)
	}
	work, line := "", ""
	lines := bufio.NewScanner(bytes.NewReader(out))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		text := lines.Text()
		if dir, ok := strings.CutPrefix(text, "WORK="); ok {
			work = dir
		}
		tool, args, _ := strings.Cut(text, " ")
		if strings.HasSuffix(tool, "/compile") && strings.Contains(args, " -p "+importPath+" ") {
			line = text
		}
	}
	if work == "" || line == "" {
		return 0, fmt.Errorf("go build -x does not tell how it compiles %s\n%s", importPath, out)
	}
	defer os.RemoveAll(work)
	var times []time.Duration
	for range bareCompiles {
		compile := s.Command("sh", "-c", line)
		compile.Env = append(compile.Env, "WORK="+work)
		time.Sleep(betweenEdits) // as what it is compared with: a machine at rest is slower
		begin := time.Now()
		if out, err := compile.CombinedOutput(); err != nil {
			return 0, fmt.Errorf("%s: %w\n%s", line, err, out)
		}
		times = append(times, time.Since(begin))
	}
	bareTimes[importPath] = median(times)
	return bareTimes[importPath], nil
}
