package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/realtimefunc/realtimefunc/internal/bench/shop"
)

const (
	edits = 21

	// Between two requests the poll leaves the processor to the compiler: it must not
	// slow down what it measures. By so much an answer may be seen too late.
	pollEvery = 4 * time.Millisecond

	// No person saves faster. What realtime does behind an edit is not done by then in
	// a large package, and is put off.
	betweenEdits = 500 * time.Millisecond
)

// A body is a function whose body is edited: edit n puts replaced in place of original,
// and the answer to path then contains want.
type body struct {
	name, pkg, file, original string
	replaced                  func(n int) string
	path                      string
	want                      func(n int) string
}

var bodies = []body{
	{
		name: "method price.Rules.shipping", pkg: "example.com/shop/internal/price",
		file: "internal/price/price.go", original: "return r.Shipping\n",
		replaced: func(n int) string { return fmt.Sprintf("return r.Shipping + %d\n", n) },
		path:     "/cart/total",
		want:     func(n int) string { return `"shipping":"` + shop.Money(shop.Shipping+n) + `"` },
	},
	{
		name: "literal in web.New", pkg: "example.com/shop/internal/web",
		file: "internal/web/server.go", original: `"status": "ok"`,
		replaced: func(n int) string { return fmt.Sprintf(`"status": "ok %d"`, n) },
		path:     "/healthz",
		want:     func(n int) string { return fmt.Sprintf(`"status":"ok %d"`, n) },
	},
	{
		name: "generic list.Sum", pkg: "example.com/shop/internal/list",
		file: "internal/list/list.go", original: "sum += number(item)\n",
		replaced: func(n int) string { return fmt.Sprintf("sum += number(item) + %d\n", n) },
		path:     "/cart/total",
		want:     func(n int) string { return `"subtotal":"` + shop.Money(shop.Cup+n) + `"` },
	},
}

// save measures from the save of a file to the first answer with the new content.
func save(s *shop.Shop, w io.Writer) error {
	r, err := s.Run("127.0.0.1:0")
	if err != nil {
		return err
	}
	defer r.Stop()
	if err := r.Fill(); err != nil {
		return err
	}
	saveHeader(w)
	for _, b := range bodies {
		if err := saves(s, r, b, w); err != nil {
			return fmt.Errorf("editing %s: %w", b.name, err)
		}
	}
	return nil
}

func saveHeader(w io.Writer) {
	fmt.Fprintf(w, "save to new answer (ms, %d edits)\tfirst\tmin\tmedian\tmax\tmedians: settle\tcompile\tchange\tlink\tload\tpause\tgo tool compile\n", edits)
}

// saves edits one function and writes its line of the table.
func saves(s *shop.Shop, r *shop.Session, b body, w io.Writer) error {
	bare, err := bareCompile(s, b.pkg)
	if err != nil {
		return err
	}
	text, err := os.ReadFile(s.Path(b.file))
	if err != nil {
		return err
	}
	if strings.Count(string(text), b.original) != 1 {
		return fmt.Errorf("%s has not once %q", b.file, b.original)
	}
	var total []time.Duration
	split := make([][]time.Duration, 6)
	for n := 1; n <= edits; n++ {
		edited := strings.Replace(string(text), b.original, b.replaced(n), 1)
		time.Sleep(betweenEdits)
		begin := time.Now()
		if err := os.WriteFile(s.Path(b.file), []byte(edited), 0o666); err != nil {
			return err
		}
		if err := poll(r.URL+b.path, b.want(n)); err != nil {
			return err
		}
		total = append(total, time.Since(begin))
		e, err := r.Closing(shop.Patience)
		if err != nil {
			return err
		}
		if e.Action != "live" {
			return fmt.Errorf("edit %d: %v\n%s", n, e, r.Said())
		}
		t := e.Timing
		for i, seconds := range []float64{t.Settle, t.Compile, t.Change, t.Link, t.Load, t.Pause} {
			split[i] = append(split[i], time.Duration(seconds*float64(time.Second)))
		}
	}
	fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s", b.name, ms(total[0]), ms(slices.Min(total)), ms(median(total)), ms(slices.Max(total)))
	for _, times := range split {
		fmt.Fprintf(w, "\t%s", ms(median(times)))
	}
	fmt.Fprintf(w, "\t%s\n", ms(bare))
	return nil
}

// poll asks until the answer contains want.
func poll(url, want string) error {
	request, err := http.NewRequest("GET", url, nil)
	if err != nil {
		return err
	}
	request.Header.Set("Cookie", shop.Cart)
	for begin := time.Now(); time.Since(begin) < shop.Patience; time.Sleep(pollEvery) {
		answer, err := read(http.DefaultClient.Do(request))
		if err != nil {
			return err
		}
		if strings.Contains(answer, want) {
			return nil
		}
	}
	return fmt.Errorf("no answer with %s in %v", want, shop.Patience)
}

// read is the body of a good answer.
func read(response *http.Response, err error) (string, error) {
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", response.Request.URL.Path, response.Status)
	}
	return string(body), err
}
