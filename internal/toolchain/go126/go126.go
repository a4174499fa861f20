// Package go126 has the facts of Go 1.26.
package go126

import "github.com/realtimefunc/realtimefunc/internal/toolchain/release"

// Release is Go 1.26 on linux/amd64.
var Release = release.Release{
	Name:              "go1.26",
	InitOrder:         99,
	TextStartInHeader: false,
	Typelinks:         true,
	MainInitDone:      "runtime.main_init_done",
	StackNosplit:      800,
}
