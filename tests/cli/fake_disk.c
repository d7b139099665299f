/* SPDX-License-Identifier: MIT */
/* Preloaded, a disk that is not at hand where the tests run. FAKE_F_TYPE (hex): everything lies on the
 * file system of that f_type. FAIL_SYNC=name[:n]: the n-th call of syncfs, fsync or fdatasync fails
 * with EIO, without n each. READ_OF=text: of files with this text in their path, the first read gives a
 * wrong byte (READ_AS=once), or the first of each who reads from the beginning but the first (READ_AS=later), or each
 * fails with EIO (READ_AS=eio). */
#include <errno.h>
#include <stdio.h>
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

ssize_t read(int fd, void *p, size_t n)
{
    static unsigned lies, begun;
    const char *of = getenv("READ_OF"), *as = getenv("READ_AS");
    char link[64], path[512];
    ssize_t got = syscall(SYS_read, fd, p, n);
    if (!of || !as || got <= 0)
        return got;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    path[length > 0 ? length : 0] = 0;
    if (!strstr(path, of))
        return got;
    if (strcmp(as, "eio") == 0) {
        errno = EIO;
        return -1;
    }
    if (strcmp(as, "later") == 0 ? lseek(fd, 0, SEEK_CUR) == got && begun++ > 0 : lies++ == 0)
        ((unsigned char *)p)[0] ^= 1;
    return got;
}
