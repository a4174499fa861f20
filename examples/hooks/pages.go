package main

import "net/http"

func home(w http.ResponseWriter, r *http.Request) { page(w, "home", visits.Load()) }

func about(w http.ResponseWriter, r *http.Request) { page(w, "about", nil) }

// text is a template.
func text(name string) string {
	switch name {
	case "home":
		return "visits: {{.}}\n"
	case "about":
		return "a page with {{len `hooks`}} letters\n"
	}
	return ""
}
