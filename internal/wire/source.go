package wire

import "embed"

// Source holds the files of this package that are compiled into the host.
//
//go:embed wire.go encoding.go frame.go
var Source embed.FS
