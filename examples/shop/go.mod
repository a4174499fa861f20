module example.com/shop

go 1.25.0

require (
	github.com/go-chi/chi/v5 v5.5.0
	go.etcd.io/bbolt v1.5.0
)

require golang.org/x/sys v0.45.0 // indirect
