package laws

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestTableOfEdits holds the README's table to the scripts: a script says which rows it
// shows, by lines "# README: " and the row's first cell. Each row has a script, and the
// scripts of a row end edits in each way that the row tells of.
func TestTableOfEdits(t *testing.T) {
	files := texts(t)
	_, table, _ := strings.Cut(string(files["README.md"]), "\n| edit | what happens |\n|---|---|\n")
	table, _, ok := strings.Cut(table, "\n\n")
	if !ok {
		t.Fatal("README.md has no table of edits")
	}
	shown := map[string][]string{} // by row, the scripts
	for name, text := range files {
		if !strings.HasPrefix(name, "cmd/realtime/testdata/script/") {
			continue
		}
		for line := range strings.Lines(string(text)) {
			if row, ok := strings.CutPrefix(line, "# README: "); ok {
				shown[strings.TrimSpace(row)] = append(shown[strings.TrimSpace(row)], string(text))
			}
		}
	}
	// What a row says, and what its scripts have to see then.
	promises := []struct{ word, event *regexp.Regexp }{
		{regexp.MustCompile(`(?i)\blive\b`), regexp.MustCompile(`(?m)^await live\b`)},
		{regexp.MustCompile(`(?i)\brestart\b`), regexp.MustCompile(`(?m)^await restart\b`)},
		{regexp.MustCompile(`\bkept\b`), regexp.MustCompile(`\bkept\b`)},
		{regexp.MustCompile(`live for new calls`), regexp.MustCompile(`live for new calls`)},
	}
	for line := range strings.Lines(table) {
		cells := strings.SplitN(strings.Trim(strings.TrimSpace(line), "|"), " | ", 2)
		if len(cells) != 2 {
			t.Errorf("README.md: no row of a table: %s", line)
			continue
		}
		row := strings.TrimSpace(cells[0])
		scripts := shown[row]
		delete(shown, row)
		if len(scripts) == 0 {
			t.Errorf("README.md: no script shows %q", row)
			continue
		}
		for _, p := range promises {
			if p.word.MatchString(cells[1]) && !slices.ContainsFunc(scripts, p.event.MatchString) {
				t.Errorf("README.md: %q: it says %q, and no script of it has %q", row, p.word, p.event)
			}
		}
	}
	for row := range shown {
		t.Errorf("a script shows %q, which is no row of README.md", row)
	}
}
