package main

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	htmltemplate "html/template"
	"log/slog"
	"math"
	"math/big"
	"math/cmplx"
	"math/rand/v2"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"text/tabwriter"
	texttemplate "text/template"
	"time"
	"unicode"
)

func init() {
	works["json"] = jsonWork
	works["xml"] = xmlWork
	works["template"] = templateWork
	works["regexp"] = regexpWork
	works["numbers"] = numbers
	works["strings"] = stringWork
	works["gofmt"] = gofmtWork
	works["log"] = logWork
	works["time"] = timeWork
}

type order struct {
	ID     int               `json:"id" xml:"id,attr"`
	Name   string            `json:"name"`
	Lines  []line            `json:"lines,omitempty"`
	Notes  map[string]string `json:"notes" xml:"-"`
	When   time.Time         `json:"when"`
	Amount cents             `json:"amount"`
	Next   *order            `json:"next,omitempty"`
	Any    any               `json:"any" xml:"-"`
}

type line struct {
	Product  string  `json:"product"`
	Quantity uint8   `json:"quantity"`
	Price    float64 `json:"price,string"`
}

type cents int64

func (c cents) MarshalText() ([]byte, error) { return fmt.Appendf(nil, "%d.%02d", c/100, c%100), nil }

func (c *cents) UnmarshalText(b []byte) error {
	whole, part, ok := strings.Cut(string(b), ".")
	check(ok, "%s is no amount", b)
	*c = cents(must(strconv.Atoi(whole))*100 + must(strconv.Atoi(part)))
	return nil
}

func newOrder(n int) *order {
	o := &order{ID: n, Name: strings.Repeat("é<&>", n%5+1), Notes: map[string]string{}, When: time.Unix(int64(n)*86399, 5000).UTC(), Amount: cents(n * 137)}
	for i := range n % 7 {
		o.Lines = append(o.Lines, line{fmt.Sprint("p", i), uint8(i * n), float64(i) / 7})
		o.Notes[strconv.Itoa(i)] = fmt.Sprint("note ", i)
	}
	o.Any = []any{1.5, "x", nil, true, map[string]any{"k": float64(n)}}
	if n > 0 {
		o.Next = newOrder(n / 2)
		if n/2 == 0 {
			o.Next = nil
		}
	}
	return o
}

func jsonWork(n int) string {
	text := must(json.Marshal(newOrder(n + 9)))
	var back order
	if err := json.Unmarshal(text, &back); err != nil {
		panic(err)
	}
	again := must(json.MarshalIndent(&back, "", " "))
	var compact bytes.Buffer
	if err := json.Compact(&compact, again); err != nil {
		panic(err)
	}
	check(compact.String() == string(text), "json: %s is not %s", &compact, text)
	var wrong order
	err := json.Unmarshal([]byte(`{"id": "x"}`), &wrong)
	return fmt.Sprint(len(text), " ", string(text[:40]), " ", err)
}

func xmlWork(n int) string {
	text := must(xml.MarshalIndent(newOrder(n+3), "", "  "))
	var back order
	if err := xml.Unmarshal(text, &back); err != nil {
		panic(err)
	}
	check(back.Name == newOrder(n+3).Name, "xml: %q", back.Name)
	var out strings.Builder
	w := csv.NewWriter(&out)
	w.Write([]string{"a,b", back.Name, `"` + strconv.Itoa(n)})
	w.Flush()
	record := must(csv.NewReader(strings.NewReader(out.String())).Read())
	return fmt.Sprint(len(text), record)
}

var page = htmltemplate.Must(htmltemplate.New("page").Funcs(htmltemplate.FuncMap{"twice": func(s string) string { return s + s }}).Parse(
	`<p title="{{.Name}}">{{range $i, $l := .Lines}}{{if $i}}, {{end}}{{$l.Product | twice | printf "%q"}}{{else}}none{{end}}</p><script>var x = {{.Any}}</script>{{template "foot" .ID}}{{define "foot"}}<i>{{.}}</i>{{end}}`))

func templateWork(n int) string {
	var out strings.Builder
	if err := page.Execute(&out, newOrder(n)); err != nil {
		panic(err)
	}
	t := texttemplate.Must(texttemplate.New("").Parse(`{{with .Next}}{{.ID}}{{end}} {{len .Lines}} {{index .Notes "0"}} {{.When.Year}} {{eq .ID 3}} {{slice .Name 0 2}}`))
	if err := t.Execute(&out, newOrder(n+3)); err != nil {
		panic(err)
	}
	return out.String()
}

var word = regexp.MustCompile(`(?i)\b([a-z]+)-(\d{2,})\b`)

func regexpWork(n int) string {
	text := fmt.Sprintf("first-%d second-%d THIRD-7 x", 100+n, 20+n)
	re := regexp.MustCompile(fmt.Sprintf(`^(?:a|b){%d,}(?P<rest>.*?)(c+)$`, n%3+1))
	return fmt.Sprint(word.FindAllStringSubmatchIndex(text, -1), word.ReplaceAllString(text, "$2:$1"),
		word.ReplaceAllStringFunc(text, strings.ToUpper), re.FindStringSubmatch("abababxyccc"), re.SubexpNames(), re.String())
}

func numbers(n int) string {
	var b strings.Builder
	f := big.NewInt(1)
	for i := range int64(60 + n) {
		f.Mul(f, big.NewInt(i+1))
	}
	q, r := new(big.Int).QuoRem(f, big.NewInt(1_000_000_007), new(big.Int))
	fmt.Fprintln(&b, f, q.BitLen(), r, new(big.Int).Exp(big.NewInt(3), big.NewInt(int64(1000+n)), f), big.NewRat(int64(n+1), 9))
	random := rand.New(rand.NewPCG(uint64(n), 7))
	for i := range 40 {
		x := random.NormFloat64() * math.Pow(10, float64(i-20))
		text := strconv.FormatFloat(x, 'g', -1, 64)
		check(must(strconv.ParseFloat(text, 64)) == x, "%s is not %g", text, x)
		k := random.Int64()
		for _, base := range []int{2, 7, 10, 36} {
			check(must(strconv.ParseInt(strconv.FormatInt(k, base), base, 64)) == k, "%d in base %d", k, base)
		}
		fmt.Fprintf(&b, "%.3e %x %v ", x, float32(x), math.Float64bits(math.Sin(x)+math.Sqrt(math.Abs(x)))>>8)
	}
	var i int
	var s string
	var x float64
	must(fmt.Sscanf(fmt.Sprintf("%d-%s %g", n, "word", 1.5), "%d-%s %g", &i, &s, &x))
	fmt.Fprintf(&b, "%d %q %+v %T %08.3f %#x %v", i, s, struct{ X, Y any }{x, &i != nil}, works, x, s, cmplx.Sqrt(complex(float64(-n), 1)))
	return b.String()
}

func stringWork(n int) string {
	text := strings.Repeat("The quick brown Fuchs springt über den Zaun. ", n%5+2)
	words := strings.FieldsFunc(text, func(r rune) bool { return !unicode.IsLetter(r) })
	replaced := strings.NewReplacer("quick", "slow", "über", "unter", "a", "A").Replace(text)
	scanner := bufio.NewScanner(strings.NewReader(text))
	scanner.Split(bufio.ScanWords)
	count := 0
	for scanner.Scan() {
		count++
	}
	var table bytes.Buffer
	w := tabwriter.NewWriter(&table, 4, 8, 2, '.', tabwriter.AlignRight)
	fmt.Fprintf(w, "a\tbbbbb\t%d\t\nccccccc\td\t%x\t\n", n, words[0])
	w.Flush()
	u := must(url.Parse("https://u:p@example.com:80/a%20b/../c?q=1&q=2#f"))
	q := u.Query()
	q.Set("n", strconv.Itoa(n))
	u.RawQuery = q.Encode()
	mapped := strings.Map(func(r rune) rune {
		if r > unicode.MaxLatin1 || r == 'e' {
			return -1
		}
		return unicode.ToUpper(r)
	}, text)
	return fmt.Sprint(len(words), count, replaced, strings.Count(mapped, "U"), strings.LastIndex(text, "Zaun"), strings.EqualFold(text, mapped),
		strings.ToTitle(text[:9]), table.String(), u, bytes.ContainsAny([]byte(text), "äöü"), strings.Split(text, " ")[n%5])
}

func gofmtWork(n int) string {
	source := fmt.Sprintf("package p\nimport (\"fmt\";\"a\")\nfunc f[T any](x T,y ...int)(r map[string]chan<-T){for i:=range %d{ if i>3&&true{defer fmt.Println(x,  i)}else{go func(){}()}}\nreturn}\ntype t struct{a,b int;c string `x`}", n)
	text := must(format.Source([]byte(source)))
	set := token.NewFileSet()
	file := must(parser.ParseFile(set, "p.go", text, parser.ParseComments))
	kinds := map[string]int{}
	ast.Inspect(file, func(n ast.Node) bool {
		if n != nil {
			kinds[fmt.Sprintf("%T", n)]++
		}
		return true
	})
	_, err := parser.ParseFile(set, "q.go", "package p; func {", 0)
	return fmt.Sprint(string(text), kinds, err)
}

func logWork(n int) string {
	var out bytes.Buffer
	noTime := func(groups []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}
	for _, h := range []slog.Handler{
		slog.NewJSONHandler(&out, &slog.HandlerOptions{ReplaceAttr: noTime, AddSource: false, Level: slog.LevelDebug}),
		slog.NewTextHandler(&out, &slog.HandlerOptions{ReplaceAttr: noTime}),
	} {
		l := slog.New(h).With("n", n).WithGroup("g")
		l.Info("message", "d", time.Duration(n)*time.Second, slog.Group("h", "order", newOrder(n%2).Amount), "err", fmt.Errorf("wrapped: %w", strconv.ErrRange))
		l.Debug("fine")
	}
	return out.String()
}

func timeWork(n int) string {
	zone := time.FixedZone("X", 3600+n*60)
	t := time.Date(2024, 2, 29, 23, 59, 59, n, zone)
	back := must(time.Parse(time.RFC3339Nano, t.Format(time.RFC3339Nano)))
	check(back.Equal(t), "%v is not %v", back, t)
	year, week := t.AddDate(0, n, -n).ISOWeek()
	return fmt.Sprint(t.Format(time.RFC1123Z), t.AddDate(1, 0, 0), year, week, t.Truncate(time.Hour), must(time.ParseDuration("1h15m30.918s"))*time.Duration(n+1), t.Weekday(), t.YearDay())
}
