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
	}
	key := sha256.Sum256([]byte(strings.Join(append(append([]string{o.Dir, fmt.Sprint(o.Inline)}, o.BuildFlags...), o.Target...), "\x00")))
	base := filepath.Join(cache, "realtime", hex.EncodeToString(key[:8]))
	for n := 1; ; n++ {
		dir = fmt.Sprintf("%s-%d", base, n)
		if err := os.MkdirAll(dir, 0o777); err != nil {
			return "", nil, fmt.Errorf("making the work folder: %w", err)
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
