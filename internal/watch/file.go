package watch

import (
	"errors"
	"go/parser"
	"go/token"
	"hash/maphash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// A version is what is known about the content of a file. The zero version means that there is no such file.
type version struct {
	exists bool
	size   int64 // unreadable: the file is there and can't be read
	mtime  int64 // nanoseconds
	sum    uint64
	fresh  bool // mtime is too near to the time of reading to tell whether the file was written again since
}

const (
	unreadable = -1
	// granularity is more than the step of the clock that the kernel takes mtimes from: one tick, 10 ms at most.
	granularity = 50 * time.Millisecond
)

var seed = maphash.MakeSeed()

// same reports whether both have the same content.
func (v version) same(o version) bool {
	return v.exists == o.exists && v.size == o.size && v.sum == o.sum
}

// vouches reports whether the file's attributes prove that the content is still v.
// They are compared by inequality: tar and cp -p set mtime back.
func (v version) vouches(info fs.FileInfo) bool {
	if info == nil {
		return !v.exists
	}
	return v.exists && !v.fresh && v.size == info.Size() && v.mtime == info.ModTime().UnixNano()
}

// stat returns nil if path is not a regular file, or a link to one.
func stat(path string) fs.FileInfo {
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() {
		return nil
	}
	return info
}

// read reads path into buf, which it may replace, and returns its version and content.
func read(path string, buf []byte) (version, []byte) {
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() {
		return version{}, buf[:0] // opening a pipe would block
	}
	if err != nil && errors.Is(err, fs.ErrNotExist) {
		return version{}, buf[:0]
	}
	broken := version{exists: true, size: unreadable, fresh: true}
	if err != nil {
		return broken, buf[:0]
	}
	// The attributes are those from before the reading: if the file is written meanwhile, they will not vouch for it.
	v := version{exists: true, mtime: info.ModTime().UnixNano()}
	v.fresh = time.Since(info.ModTime()).Abs() < granularity
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return version{}, buf[:0]
	}
	if err != nil {
		return broken, buf[:0]
	}
	defer f.Close()
	buf = buf[:0]
	for {
		if need := len(buf) + max(512, int(info.Size())-len(buf)+1); cap(buf) < need {
			buf = append(make([]byte, 0, need), buf...)
		}
		n, err := f.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		if err == io.EOF {
			break
		}
		if err != nil {
			return broken, buf[:0]
		}
	}
	v.size = int64(len(buf))
	v.sum = maphash.Bytes(seed, buf)
	return v, buf
}

// torn reports whether the content looks like the first part of a write.
func torn(path string, v version, content []byte) bool {
	switch {
	case !v.exists:
		return false
	case v.size == unreadable || v.size == 0:
		return true
	case filepath.Ext(path) == ".go":
		_, err := parser.ParseFile(token.NewFileSet(), path, content, parser.SkipObjectResolution)
		return err != nil
	}
	return false
}

// readAll reads the files, on all processors, and calls f with the index, version and content of each.
// The content is only valid during the call.
func readAll(paths []string, f func(i int, v version, content []byte)) {
	var next atomic.Int64
	work := func() {
		var buf []byte
		for {
			i := int(next.Add(1)) - 1
			if i >= len(paths) {
				return
			}
			var v version
			v, buf = read(paths[i], buf)
			f(i, v, buf)
		}
	}
	var wg sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(paths)) - 1 {
		wg.Go(work)
	}
	work()
	wg.Wait()
}

// temporary reports whether a file of this name belongs to an editor and never to a program.
func temporary(name string) bool {
	switch {
	case name == "4913", // vim tries whether it may create files
		strings.HasSuffix(name, "~"),
		strings.HasPrefix(name, ".#"), // emacs: a dangling link as a lock
		strings.HasPrefix(name, "#") && strings.HasSuffix(name, "#"),
		strings.Contains(name, "___jb_"): // x.go___jb_tmp___, x.go___jb_old___
		return true
	}
	swap, _ := filepath.Match(".*.sw?", name)
	return swap
}
