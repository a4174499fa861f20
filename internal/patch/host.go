// Package patch takes images into one running host: it knows the executable, the agent
// in the process, and the room that is left for images, and it is the only one that
// hands an image over. What is patched, and whether it may be, is its caller's.
package patch

import (
	"context"
	"errors"
	"time"

	"github.com/realtimefunc/realtimefunc/internal/agent"
	"github.com/realtimefunc/realtimefunc/internal/gobuild"
	"github.com/realtimefunc/realtimefunc/internal/goobj"
	"github.com/realtimefunc/realtimefunc/internal/link"
	"github.com/realtimefunc/realtimefunc/internal/program"
	"github.com/realtimefunc/realtimefunc/internal/wire"
)

// Host is a process that can be patched. It is not safe for concurrent use.
type Host struct {
	Program *program.Program
	Library *program.Library // of the newest version of the program

	build  *gobuild.Host
	client *agent.Client
	arena  uint64 // next free address
	limit  uint64
	room   link.Room // for variables, in a -race host
	seq    uint32
	images int
	bytes  uint64
}

// Held tells how many images the process has, and of how many bytes.
func (h *Host) Held() (images int, bytes uint64) { return h.images, h.bytes }

// Size of the address range for all images of a host, and how far from the host it
// may begin so that 32-bit offsets reach it.
const (
	arenaSize = 512 << 20
	arenaGap  = 64 << 20
	arenaMax  = 1 << 31
)

// Connect reads the executable of a build and reserves room for images in its process,
// whose agent answers client. An executable that can't be patched is an error that says
// why. With inInit, patches don't wait for the end of the program's initialization.
func Connect(ctx context.Context, build *gobuild.Host, client *agent.Client, inInit bool) (*Host, error) {
	p, err := program.Open(build.Exe, build.Env.GOVERSION, build.Env.GOROOT)
	if err != nil {
		return nil, err
	}
	if _, err := client.Hello(ctx); err != nil {
		return nil, err
	}
	set, err := setup(p)
	if err != nil {
		return nil, err
	}
	if inInit {
		set.MainInitDone = 0
	}
	ready, err := client.Setup(ctx, set)
	if err != nil {
		return nil, err
	}
	return &Host{
		Program: p, build: build, client: client,
		arena: ready.Arena, limit: ready.Arena + arenaSize,
		room: link.Room{Base: ready.Room.Start, Limit: ready.Room.End},
	}, nil
}

// Learn reads the archives that the host was linked from, which must have been listed
// (gobuild.Host.Load): the last fact that Link needs.
func (h *Host) Learn() error {
	h.Library = program.NewLibrary(h.build.Archives())
	return h.Program.Recover(h.Library)
}

// Link makes an image for this host. In says what goes into it; where it goes is known
// here.
func (h *Host) Link(ctx context.Context, in link.Input) (*link.Image, error) {
	in.Program, in.GOROOT = h.Program, h.build.Env.GOROOT
	in.Base, in.Limit, in.Room = h.arena, h.limit, h.room
	in.FindItab = func(inter, typ uint64) (itab, empty uint64, err error) {
		itabs, err := h.client.FindItabs(ctx, []wire.ItabPair{{Inter: inter, Type: typ}})
		if err != nil {
			return 0, 0, err
		}
		return itabs.Addrs[0], itabs.Empty[0], nil
	}
	return link.Link(in)
}

// Conditions are what Load asks of the calls in progress.
type Conditions struct {
	Quiet   []wire.Range  // see wire.Patch; sorted by Load, like Running
	Running []wire.Range  // likewise
	Retired []uint64      // see wire.Patch, in any order
	News    string        // for the program's hooks, if it has any
	Wait    time.Duration // how long to retry for calls that stand in the way
}

// Load gives an image to the agent and, when it is live, makes it part of what is known
// of the program. lib is what the image was linked from. What the agent refuses comes
// back as *agent.Failure, and has changed nothing.
func (h *Host) Load(ctx context.Context, img *link.Image, lib *program.Library, c *Conditions) (*wire.Applied, error) {
	p := message(img)
	h.seq++
	p.Seq, p.WaitNS = h.seq, uint64(c.Wait)
	p.Quiet, p.Running, p.Retired = append(p.Quiet, c.Quiet...), c.Running, c.Retired
	if pc, ok, _ := h.Program.Function(wire.HookName, goobj.ABIInternal); ok && c.News != "" {
		p.Hook, p.News = pc, c.News
	}
	applied, err := h.client.Apply(ctx, p)
	c.Quiet, c.Running = p.Quiet, p.Running
	if err != nil {
		var f *agent.Failure
		if errors.As(err, &f) && (f.Phase == wire.PhaseInit || f.Phase == wire.PhaseRedirect) {
			h.use(img) // the image stays, without use
		}
		return nil, err
	}
	h.use(img)
	h.Library = lib
	memory := map[uint64][]byte{}
	for _, s := range img.Segments {
		memory[s.Addr] = s.Data
	}
	h.Program.Accept(img.Defined, memory, img.Revived)
	h.Program.AcceptCaches(img.Caches)
	h.Program.AcceptNosplit(img.Nosplit)
	return applied, nil
}

// Run calls a func() of an image that was loaded. What it does not do to its end, or not
// within some seconds, comes back as *agent.Failure.
func (h *Host) Run(ctx context.Context, pc uint64) error {
	h.seq++
	_, err := h.client.Apply(ctx, &wire.Patch{Seq: h.seq, InitFuncs: []uint64{pc}})
	return err
}

// use takes the room of an image, which is never given back.
func (h *Host) use(img *link.Image) {
	h.images++
	for _, s := range img.Segments {
		h.bytes += s.Size
	}
	h.arena = img.End
	if h.room != (link.Room{}) {
		h.room.Base = img.RoomBase
	}
}

// message is an image as the agent gets it.
func message(img *link.Image) *wire.Patch {
	p := &wire.Patch{
		Moduledata: img.Moduledata, Etypes: img.Etypes, Itabs: img.Itabs, InitTasks: img.InitTasks, InitFuncs: img.InitFuncs,
	}
	for _, s := range img.Segments {
		if s.Size > 0 {
			p.Segments = append(p.Segments, wire.Segment{Addr: s.Addr, Size: s.Size, Prot: s.Prot, Data: s.Data})
		}
	}
	for _, r := range img.Redirects {
		w := wire.Redirect{Old: r.Old, New: r.New, Code: r.Code, Size: uint32(r.Size)}
		if r.NoFrames {
			w.Flags |= wire.NoFrames
		}
		p.Redirects = append(p.Redirects, w)
	}
	p.Methods, p.Clear, p.Derived = img.Methods, img.Clear, img.Derived
	for _, r := range img.Skip {
		p.Skip = append(p.Skip, wire.Range(r))
	}
	for _, r := range img.Quiet {
		p.Quiet = append(p.Quiet, wire.Range(r))
	}
	for _, w := range img.Writes {
		p.Writes = append(p.Writes, wire.Write{Addr: w.Addr, Data: w.Data})
	}
	return p
}
