package watch

import "golang.org/x/sys/unix"

// Magic numbers of statfs(2) that x/sys has no name for.
const (
	vboxsf = 0x786f4256 // fs/vboxsf/super.c
	prlfs  = 0x7c7c6673 // Parallels shared folders
)

// eventless reports whether the folder is on a file system whose files may be written by another system, which inotify doesn't see:
// bind mounts into virtual machines, Windows folders in WSL (9p), network file systems.
func eventless(dir string) bool {
	var fs unix.Statfs_t
	if unix.Statfs(dir, &fs) != nil {
		return false
	}
	switch uint32(fs.Type) {
	case unix.V9FS_MAGIC, unix.FUSE_SUPER_MAGIC, unix.NFS_SUPER_MAGIC, unix.SMB_SUPER_MAGIC, unix.SMB2_SUPER_MAGIC, unix.CIFS_SUPER_MAGIC,
		unix.AFS_SUPER_MAGIC, unix.CEPH_SUPER_MAGIC, vboxsf, prlfs:
		return true
	}
	return false
}
