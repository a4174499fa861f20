// A server on modernc.org/sqlite: SQLite in C, translated to Go.
package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"modernc.org/sqlite"
)

var db *sql.DB

func main() {
	sqlite.MustRegisterDeterministicScalarFunction("twice", 1, twice)
	var err error
	if db, err = sql.Open("sqlite", "file:shared?mode=memory&cache=shared"); err != nil {
		panic(err)
	}
	db.SetMaxOpenConns(1)
	if _, err := db.Exec(schema); err != nil {
		panic(err)
	}
	works["aggregate"] = aggregate
	works["join"] = join
	works["transaction"] = transaction
	works["text"] = text
	works["private"] = private
	serve()
}

const schema = `
create table product(id integer primary key, name text not null unique, price real, kind text check(kind in ('a','b','c')));
create table sale(id integer primary key, product integer references product(id), quantity int, day text);
create index by_day on sale(day, product);
with recursive n(i) as (select 1 union all select i+1 from n where i < 200)
	insert into product select i, printf('product %03d', i), i * 1.25, substr('abc', i % 3 + 1, 1) from n;
with recursive n(i) as (select 1 union all select i+1 from n where i < 1500)
	insert into sale select i, i * 7 % 200 + 1, i % 9, date('2024-01-01', (i % 60) || ' days') from n;
create view revenue as select p.kind, s.day, sum(s.quantity * p.price) total from sale s join product p on p.id = s.product group by 1, 2;
`

// query is all rows of a query, as text.
func query(q interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}, text string, args ...any) string {
	rows := must(q.QueryContext(context.Background(), text, args...))
	defer rows.Close()
	columns := must(rows.Columns())
	var b strings.Builder
	for rows.Next() {
		row, into := make([]any, len(columns)), make([]any, len(columns))
		for i := range row {
			into[i] = &row[i]
		}
		must(0, rows.Scan(into...))
		fmt.Fprintln(&b, row...)
	}
	must(0, rows.Err())
	return b.String()
}

func aggregate(n int) string {
	return query(db, `select kind, count(*), sum(quantity), round(avg(price), 3), min(name), group_concat(distinct quantity) from sale join product on product.id = sale.product
		where day > date('2024-01-01', ? || ' days') group by kind having count(*) > 1 order by kind`, n*9) +
		query(db, `select day, total, round(sum(total) over (partition by kind order by day rows 3 preceding), 2), rank() over (order by total desc) from revenue where kind = ? order by day limit 20`, string("abc"[n%3]))
}

func join(n int) string {
	return query(db, `with recursive up(i, path) as (select ?, '' union all select i / 2, path || i || ',' from up where i > 0)
		select u.i, u.path, p.name, (select max(day) from sale where product = p.id), exists(select 1 from sale where product = p.id and quantity = 8)
		from up u left join product p on p.id = u.i order by 1 desc`, 150+n) +
		query(db, `select a.name, b.name from product a, product b where a.price = 2 * b.price and a.kind <> b.kind and a.id between ? and ?`, n*20, n*20+60)
}

// transaction leaves everything as it was.
func transaction(n int) string {
	tx := must(db.Begin())
	defer tx.Rollback()
	for i := range 50 {
		must(tx.Exec("insert into sale(product, quantity, day) values (?, ?, '2025-01-01')", i+1, i*n))
	}
	must(tx.Exec("savepoint s"))
	must(tx.Exec("delete from sale where quantity % 2 = 0"))
	less := query(tx, "select count(*) from sale")
	must(tx.Exec("rollback to s"))
	_, err := tx.Exec("insert into product values (1, 'x', 1, 'a')")
	check(err != nil, "a key was given twice")
	_, kind := tx.Exec("insert into product values (1000, 'x', 1, 'z')")
	check(kind != nil, "a check was passed")
	var coded *sqlite.Error
	check(errors.As(err, &coded), "%T", err)
	must(tx.Exec("update product set price = price + 1 where kind = 'a'"))
	return less + query(tx, "select count(*), sum(quantity), (select sum(price) from product) from sale") + fmt.Sprint(err, kind, coded.Code())
}

func text(n int) string {
	return query(db, `select twice(name), upper(name), instr(name, '0'), replace(name, 'product', 'p'), hex(name), name like '%?7', name glob '*[13]', json_extract('{"a":[1,2,{"b":'||id||'}]}', '$.a[2].b'), strftime('%j %W', '2024-0'||(id % 9 + 1)||'-11')
		from product where id % 41 = ? order by name collate nocase desc`, n) +
		query(db, `select value, type from json_each(?)`, fmt.Sprintf(`[1, %d.5, "x", null, {"k": [true]}]`, n))
}

// private makes a database of its own, and breaks and checks it.
func private(n int) string {
	own := must(sql.Open("sqlite", ":memory:"))
	defer own.Close()
	own.SetMaxOpenConns(1)
	must(own.Exec("create table t(a, b unique); create trigger g after insert on t begin update t set b = new.b || '!' where rowid = new.rowid; end; create virtual table f using fts5(body)"))
	for i := range 20 {
		must(own.Exec("insert into t values (?, ?)", i, fmt.Sprint(i*n, "-", i)))
		must(own.Exec("insert into f values (?)", fmt.Sprintf("the quick %d fox word%d", i, i%4)))
	}
	must(own.Exec("vacuum"))
	return query(own, "select sum(a), group_concat(b) from t") + query(own, "select rowid, highlight(f, 0, '<', '>') from f where f match 'word1 and fox' order by rank, rowid") +
		query(own, "pragma integrity_check") + query(own, "explain query plan select * from t where b = 'x' order by a")
}
