/* SPDX-License-Identifier: MIT */
/* Preloaded, a disk that is not at hand where the tests run. FAKE_F_TYPE (hex): everything lies on the
 * file system of that f_type. FAIL_SYNC=name[:n]: the n-th call of syncfs, fsync or fdatasync fails
 * with EIO, without n each. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

static int statfs_lying(long result, struct statfs *fs)
{
    const char *type = getenv("FAKE_F_TYPE");
    if (result == 0 && type)
        fs->f_type = (__typeof__(fs->f_type))strtoul(type, NULL, 16);
    return (int)result;
}

int fstatfs(int fd, struct statfs *fs)
{
    return statfs_lying(syscall(SYS_fstatfs, fd, fs), fs);
}

int statfs(const char *path, struct statfs *fs)
{
    return statfs_lying(syscall(SYS_statfs, path, fs), fs);
}

static int sync_failing(const char *name, long call, int fd, unsigned *calls)
{
    const char *fails = getenv("FAIL_SYNC");
    size_t n = strlen(name);
    ++*calls;
    if (fails && strncmp(fails, name, n) == 0 &&
        (fails[n] == 0 || (fails[n] == ':' && strtoul(fails + n + 1, NULL, 10) == *calls))) {
        errno = EIO;
        return -1;
    }
    return (int)syscall(call, fd);
}

int syncfs(int fd)
{
    static unsigned calls;
    return sync_failing("syncfs", SYS_syncfs, fd, &calls);
}

int fsync(int fd)
{
    static unsigned calls;
    return sync_failing("fsync", SYS_fsync, fd, &calls);
}

int fdatasync(int fd)
{
    static unsigned calls;
    return sync_failing("fdatasync", SYS_fdatasync, fd, &calls);
}
