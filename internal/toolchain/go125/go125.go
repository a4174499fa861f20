// Package go125 has the facts of Go 1.25.
package go125

import "github.com/realtimefunc/realtimefunc/internal/toolchain/release"

// Release is Go 1.25 on linux/amd64.
var Release = release.Release{
	Name:              "go1.25",
	InitOrder:         95,
	TextStartInHeader: true,
	Typelinks:         true,
	MainInitDone:      "runtime.main_init_done",
	StackNosplit:      800,
}
