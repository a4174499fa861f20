package session

import (
	"context"
	"os"
	"os/signal"
	"sync"
	"syscall"
)

// stop is what the user asks of realtime by signals. The program gets them by package
// process; here they end what realtime itself is at, a build or an edit, so that it
// does not begin a new process when the user wants an end.
type stop struct {
	asked chan syscall.Signal

	mu     sync.Mutex
	cancel context.CancelFunc // of the work in hand
}

// listen begins to take signals; the function that it returns ends it.
func (s *stop) listen() (end func()) {
	s.asked = make(chan syscall.Signal, 1)
	signals := make(chan os.Signal, 4)
	for _, sig := range []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP} {
		if !signal.Ignored(sig) { // see package process, which asks the same after us
			signal.Notify(signals, sig)
		}
	}
	// Who reads our lines may end before the program does (realtime run . 2>&1 | head).
	// For the runtime that would be our end too, with no word and the program left
	// alone (os/signal, "SIGPIPE"). Not ignored: children would inherit that.
	pipes := make(chan os.Signal, 1)
	signal.Notify(pipes, syscall.SIGPIPE)
	go func() {
		for sig := range signals {
			s.mu.Lock()
			if s.cancel != nil {
				s.cancel()
			}
			s.mu.Unlock()
			select {
			case s.asked <- sig.(syscall.Signal):
			default:
			}
		}
	}()
	return func() {
		signal.Stop(signals)
		signal.Stop(pipes)
		close(signals)
	}
}

// work is a context that ends when a signal comes before done is called.
func (s *stop) work(parent context.Context) (ctx context.Context, done func()) {
	ctx, cancel := context.WithCancel(parent)
	s.mu.Lock()
	s.cancel = cancel
	s.mu.Unlock()
	return ctx, func() {
		s.mu.Lock()
		s.cancel = nil
		s.mu.Unlock()
	}
}
