// Command shop is a small web shop: the service to try realtime on. See
// README.md for six edits to make while it runs.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"example.com/shop/internal/catalog"
	"example.com/shop/internal/events"
	"example.com/shop/internal/migrate"
	"example.com/shop/internal/order"
	"example.com/shop/internal/price"
	"example.com/shop/internal/startup"
	"example.com/shop/internal/stock"
	"example.com/shop/internal/store"
	"example.com/shop/internal/web"
)

const (
	stockInterval = 500 * time.Millisecond
	shutdownGrace = 5 * time.Second
)

var rules = price.Rules{
	VAT:          19,
	DiscountFrom: 100_00,
	Shipping:     4_90,
	FreeShipping: 150_00,
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
	case errors.Is(err, errUsage):
		os.Exit(2)
	default:
		fmt.Fprintln(os.Stderr, "shop:", err)
		os.Exit(1)
	}
}

// errUsage stands for a mistake on the command line that flag has told already.
var errUsage = errors.New("usage")

// run is the shop from its flags to the end of ctx.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) (err error) {
	flags := flag.NewFlagSet("shop", flag.ContinueOnError)
	flags.SetOutput(stderr)
	addr := flags.String("addr", "127.0.0.1:8080", "listen on this `address`; port 0 takes a free one")
	data := flags.String("data", "", "keep the database in this `folder` (default a temporary one)")
	delay := flags.Duration("start-delay", 500*time.Millisecond, "wait this long before each of the six steps of the start")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return err
		}
		return errUsage
	}
	if flags.NArg() > 0 {
		fmt.Fprintf(stderr, "unexpected argument %q\n", flags.Arg(0))
		flags.Usage()
		return errUsage
	}

	if *data == "" {
		if *data, err = os.MkdirTemp("", "shop-"); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(*data)) }()
	}
	db, err := store.Open(*data)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()

	log := slog.New(slog.NewTextHandler(stderr, nil))
	products := new(catalog.Catalog)
	steps := append(migrate.Steps(db), products.Steps()...)
	if err := startup.Run(ctx, log, *delay, steps); err != nil {
		if ctx.Err() != nil {
			return nil // told to stop while starting
		}
		return fmt.Errorf("starting: %w", err)
	}

	levels := stock.NewLevels(products.All())
	broker := new(events.Broker)
	shop, err := web.New(web.Config{
		Log:     log,
		Catalog: products,
		Stock:   levels,
		Orders:  &order.Desk{DB: db, Stock: levels, Total: rules.Total, Now: time.Now},
		Total:   rules.Total,
		Events:  broker,
	})
	if err != nil {
		return err
	}

	listener, err := net.Listen("tcp", *addr)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	var background sync.WaitGroup
	background.Go(func() {
		levels.Run(ctx, stockInterval, func(c stock.Change) {
			broker.Publish("stock", c)
		})
	})
	defer background.Wait()
	defer cancel()

	fmt.Fprintf(stdout, "shop: http://%s\n", listener.Addr())
	return serve(ctx, log, listener, shop, broker)
}

// serve answers requests until ctx ends, and then lets those under way finish.
func serve(ctx context.Context, log *slog.Logger, listener net.Listener, shop http.Handler, broker *events.Broker) error {
	server := &http.Server{
		Handler:           shop,
		ReadHeaderTimeout: 5 * time.Second,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
	server.RegisterOnShutdown(broker.Close)
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	log.Info("shutting down")
	grace, cancel := context.WithTimeout(context.Background(), shutdownGrace)
	defer cancel()
	return server.Shutdown(grace)
}
