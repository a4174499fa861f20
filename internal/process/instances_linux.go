package process

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// A program may start itself: prefork servers, workers, plugin hosts and monitors start what os.Executable returns. Such a
// process, an instance, runs the code that is in the file, whatever was done to the program's own process.
//
// Two things tell of instances. The kernel tells each start of the file, as it happens, by inode: whatever name, session,
// environment, user or namespace the process has, and however short it lives. And at any time those that live can be found in
// /proc, which finds copies of the file too.

// A fileID tells one file from all others, also when it has no name any more.
type fileID struct{ dev, ino uint64 }

// An executable is the file that a program was started from.
type executable struct {
	id   fileID
	file *os.File // open: so its inode is not given to another file
	size int64

	mu    sync.Mutex
	known map[copyID]bool // files of the same size, and whether they have the same content
}

type copyID struct {
	fileID
	modified unix.Timespec
}

func openExecutable(path string) (*executable, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	var st unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &st); err != nil {
		f.Close()
		return nil, err
	}
	return &executable{id: fileID{st.Dev, st.Ino}, file: f, size: st.Size, known: map[copyID]bool{}}, nil
}

// runs reports whether a process runs the executable, or a copy of it. Of a process that is ending the file is not known any more.
func (e *executable) runs(pid int) bool {
	link := filepath.Join("/proc", strconv.Itoa(pid), "exe")
	var st unix.Stat_t
	if unix.Stat(link, &st) != nil {
		return false
	}
	if (fileID{st.Dev, st.Ino}) == e.id {
		return true
	}
	if st.Size != e.size {
		return false
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	id := copyID{fileID{st.Dev, st.Ino}, st.Mtim}
	same, ok := e.known[id]
	if !ok {
		f, err := os.Open(link)
		if err != nil {
			return false
		}
		defer f.Close()
		same = sameContent(io.NewSectionReader(e.file, 0, e.size), f)
		e.known[id] = same
	}
	return same
}

func sameContent(a, b io.Reader) bool {
	var x, y [64 << 10]byte
	for {
		n, err := io.ReadFull(a, x[:])
		m, err2 := io.ReadFull(b, y[:])
		if !bytes.Equal(x[:n], y[:m]) {
			return false
		}
		if err != nil || err2 != nil {
			ended := func(err error) bool { return err == io.EOF || err == io.ErrUnexpectedEOF }
			return ended(err) && ended(err2)
		}
	}
}

// Instances returns the living processes of the program, beside itself, that run its executable or a copy of it.
func (p *Process) Instances() []int {
	if p.exe == nil {
		return nil
	}
	pids, _ := p.instances()
	return pids
}

// instances also reports whether there are processes between fork and exec, of which it will be known in a moment what they run.
func (p *Process) instances() (pids []int, forked bool) {
	for _, k := range p.family() {
		switch {
		case k.pid == p.PID() || !p.exe.runs(k.pid):
		case k.execed:
			pids = append(pids, k.pid)
		default:
			forked = true
		}
	}
	if len(pids) > 0 {
		p.launches.note()
	}
	return pids, forked
}

// Runs returns the path of the file that the program's process runs, and whether that is the one that it was started from: it
// may have replaced itself (execve(2)). Of a process that is ending, the path is empty.
func (p *Process) Runs() (path string, itself bool) {
	path, err := os.Readlink(filepath.Join("/proc", strconv.Itoa(p.PID()), "exe"))
	if err != nil {
		return "", false
	}
	return path, p.exe != nil && p.exe.runs(p.PID())
}

// launches knows whether the executable was started again.
type launches struct {
	events *os.File // of the kernel, nil: there are none
	exact  bool     // they tell of nothing but starts
	blind  error    // why there are none

	looking sync.Mutex // held from an event until it is known what it means

	mu      sync.Mutex
	first   bool // the program's own start was told
	reading int  // how many times we read the executable ourselves at the moment
	seen    time.Time
	opened  bool // the executable was opened by somebody who was not there any more when we looked
	changed chan struct{}
}

// exactStarts is false in tests of what is done without fanotify.
var exactStarts = true

// watchStarts begins to listen for starts of a file. It has to be called before the first.
//
// fanotify(7) tells of starts alone (FAN_OPEN_EXEC, Linux 5.0), also to who has no privileges if no process ids are asked for
// (Linux 5.13). Container runtimes often forbid it. inotify(7) tells of all openings.
func watchStarts(path string) *launches {
	s := &launches{changed: make(chan struct{}, 1)}
	fd, err := -1, error(unix.ENOSYS)
	if exactStarts {
		fd, err = unix.FanotifyInit(unix.FAN_CLASS_NOTIF|unix.FAN_REPORT_FID|unix.FAN_CLOEXEC|unix.FAN_NONBLOCK, unix.O_RDONLY)
		if err == nil {
			if err = unix.FanotifyMark(fd, unix.FAN_MARK_ADD, unix.FAN_OPEN_EXEC, unix.AT_FDCWD, path); err != nil {
				unix.Close(fd)
			}
		}
		s.exact = err == nil
	}
	if !s.exact {
		if fd, err = unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK); err == nil {
			if _, err = unix.InotifyAddWatch(fd, path, unix.IN_OPEN); err != nil {
				unix.Close(fd)
			}
		}
	}
	if err != nil {
		s.blind = fmt.Errorf("watching for starts of %q: %w", path, err)
		return s
	}
	s.events = os.NewFile(uintptr(fd), "starts of the program")
	return s
}

// note says that the program has started itself, which needs to be known once.
func (s *launches) note() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.seen.IsZero() {
		s.seen = time.Now()
		s.tell()
	}
}

// tell is called with mu held.
func (s *launches) tell() {
	select {
	case s.changed <- struct{}{}:
	default:
	}
}

// take reads what the kernel has to tell, without waiting, and reports whether that is more than the program's own start.
func (s *launches) take(fd int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	count := 0
	var b [4096]byte
	for {
		n, err := unix.Read(fd, b[:])
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil || n <= 0 {
			break
		}
		if !s.exact {
			count++ // equal events that nobody has read are one
			continue
		}
		for at := 0; at+4 <= n; {
			size := int(binary.NativeEndian.Uint32(b[at:]))
			if size <= 0 {
				break
			}
			at += size
			count++
		}
	}
	if count > 0 && !s.first {
		s.first = true
		count--
	}
	return count > 0
}

// listen takes events until the watch ends or the program is known to start itself: more need not be known.
func (p *Process) listen() {
	s := p.launches
	if s.events == nil {
		return
	}
	raw, err := s.events.SyscallConn()
	if err != nil {
		return
	}
	raw.Read(func(fd uintptr) bool {
		p.look(int(fd))
		s.mu.Lock()
		defer s.mu.Unlock()
		return !s.seen.IsZero()
	})
	s.events.Close()
}

// look takes what the kernel has to tell.
func (p *Process) look(fd int) {
	p.launches.looking.Lock()
	defer p.launches.looking.Unlock()
	if p.launches.take(fd) {
		p.find()
	}
}

// find looks who it was that started or opened the executable.
func (p *Process) find() {
	s := p.launches
	s.mu.Lock()
	known := s.opened
	s.mu.Unlock()
	if known {
		return // more is not known of one that reads its executable all day
	}
	if p.exe != nil {
		// The kernel tells of a start before it is complete.
		for range 50 {
			pids, forked := p.instances()
			if len(pids) > 0 {
				return
			}
			if !forked {
				break
			}
			time.Sleep(time.Millisecond)
		}
	}
	if s.exact {
		s.note() // it has ended already
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.reading == 0 && !s.opened {
		s.opened = true
		s.tell()
	}
}

// Started tells whether the program has started its own executable again, and since when that is known; zero: it has not. All
// starts before the call are known. With maybe the executable was opened by a process that was not there any more when
// we looked: it may have been started, or read.
func (p *Process) Started() (since time.Time, maybe bool) {
	s := p.launches
	if s.events != nil {
		if raw, err := s.events.SyscallConn(); err == nil {
			raw.Control(func(fd uintptr) { p.look(int(fd)) })
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seen, s.opened
}

// OnlyRead says that no process can have been started until now: the executable was opened to be read.
func (p *Process) OnlyRead() {
	p.launches.mu.Lock()
	defer p.launches.mu.Unlock()
	p.launches.opened = false
}

// Starts tells when the answer of [Process.Started] may have changed.
func (p *Process) Starts() <-chan struct{} { return p.launches.changed }

// Blind tells why starts of the executable are not seen as they happen; nil if they are. That of the program itself must have been.
func (p *Process) Blind() error {
	p.Started()
	s := p.launches
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.blind == nil && !s.first {
		return errors.New("the kernel does not tell of the start of a file")
	}
	return s.blind
}

// Reading is called before we read the executable ourselves, or let somebody read it; what it returns is called afterwards.
func (p *Process) Reading() (done func()) {
	s := p.launches
	count := func(n int) {
		p.Started()
		s.mu.Lock()
		defer s.mu.Unlock()
		s.reading += n
	}
	count(1)
	return func() { count(-1) }
}

// closeWatch ends the watch, with the process.
func (p *Process) closeWatch() {
	if p.launches.events != nil {
		p.launches.events.Close()
	}
	if p.exe != nil {
		p.exe.file.Close()
	}
}
