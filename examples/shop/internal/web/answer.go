package web

import (
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/go-chi/chi/v5/middleware"

	"example.com/shop/internal/cart"
	"example.com/shop/internal/order"
	"example.com/shop/internal/stock"
)

// problem is the answer to a request that went wrong.
type problem struct {
	Error string `json:"error"`
}

// json answers with v.
func (s *Server) json(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(v); err != nil {
		s.Log.Debug("answering", "err", err) // the client has left
	}
}

// fail answers with an error: the customer's in words, ours in the log.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	switch {
	case errors.Is(err, cart.ErrQuantity):
		s.json(w, http.StatusBadRequest, problem{err.Error()})
	case errors.Is(err, order.ErrEmpty), errors.Is(err, stock.ErrShort):
		s.json(w, http.StatusConflict, problem{err.Error()})
	default:
		s.Log.Error("request failed", "method", r.Method, "path", r.URL.Path, "err", err)
		s.json(w, http.StatusInternalServerError, problem{"something went wrong"})
	}
}

// accessLog writes a line for each request when it is answered.
func (s *Server) accessLog(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		answer := middleware.NewWrapResponseWriter(w, r.ProtoMajor)
		defer func() {
			s.Log.LogAttrs(r.Context(), slog.LevelInfo, "request",
				slog.String("method", r.Method),
				slog.String("path", r.URL.Path),
				slog.Int("status", answer.Status()),
				slog.Int("bytes", answer.BytesWritten()),
				slog.Duration("took", time.Since(start)))
		}()
		next.ServeHTTP(answer, r)
	})
}
