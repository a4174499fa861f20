// Package host is the agent: the part of realtime that runs inside the user's
// program, where it loads images and writes redirects.
//
// It is compiled into the host by go build -overlay, with the language version
// of the user's go.mod, and imports only what nearly every program has already.
// It knows no Go release: addresses and offsets come with wire.Setup.
//
// An edit is applied in this order:
//
//	load      map the image into the arena
//	phase 1   world and GC stopped: link the moduledata, add the itabs
//	          world running: initializers of new packages and variables
//	phase 2   world stopped: redirects and writes
//
// One thread waits in a read of the control socket. The program notices two
// things: a thread more, and that the runtime does not find out when all
// goroutines are asleep, as in any program that waits for the network.
//
// Whatever is odd is answered with wire.Failed before anything is changed; the
// program goes on with what it has.
package host
