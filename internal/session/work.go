package session

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// workDir is the folder of ours for one program with one set of flags: the same from
// run to run, so that an unchanged program is not linked again. A second session of
// the same program gets a folder of its own.
func workDir(o Options) (dir string, unlock func(), err error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = filepath.Join(os.TempDir(), fmt.Sprintf("realtime-%d", os.Getuid()))
		if err := private(cache); err != nil {
			return "", nil, err
		}
	}
	if err := private(filepath.Join(cache, "realtime")); err != nil {
		return "", nil, err
	}
	key := sha256.Sum256([]byte(strings.Join(append(append([]string{o.Dir, fmt.Sprint(o.Inline)}, o.BuildFlags...), o.Target...), "\x00")))
	base := filepath.Join(cache, "realtime", hex.EncodeToString(key[:8]))
	for n := 1; ; n++ {
		dir = fmt.Sprintf("%s-%d", base, n)
		if err := private(dir); err != nil {
			return "", nil, err
		}
		lock, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_RDWR|os.O_CREATE, 0o666)
		if err != nil {
			return "", nil, fmt.Errorf("making the work folder: %w", err)
		}
		err = syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return dir, func() { lock.Close() }, nil
		}
		lock.Close()
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return "", nil, fmt.Errorf("locking the work folder: %w", err)
		}
	}
}

// private makes a folder that nobody else can write into or read: what is compiled there runs
// with our rights. Its name may be known, so another user may have made it before.
func private(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("making the work folder: %w", err)
	}
	for _, stat := range []func(string) (os.FileInfo, error){os.Lstat, os.Stat} { // a link to it must be ours, too
		info, err := stat(dir)
		if err != nil {
			return fmt.Errorf("making the work folder: %w", err)
		}
		if owner := int(info.Sys().(*syscall.Stat_t).Uid); owner != os.Geteuid() {
			return fmt.Errorf("the work folder %s belongs to another user (uid %d): remove it, or set XDG_CACHE_HOME to another", dir, owner)
		}
	}
	if err := os.Chmod(dir, 0o700); err != nil {
		return fmt.Errorf("making the work folder: %w", err)
	}
	return nil
}
