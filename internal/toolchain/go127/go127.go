// Package go127 has the facts of Go 1.27.
package go127

import "github.com/realtimefunc/realtimefunc/internal/toolchain/release"

// Release is Go 1.27 on linux/amd64.
var Release = release.Release{
	Name:              "go1.27",
	InitOrder:         102,
	TextStartInHeader: false,
	Typelinks:         false,
	MainInitDone:      "runtime.mainInitDoneChan",
	StackNosplit:      800,
}
