/* SPDX-License-Identifier: MIT */
/* Bugs to plant in front of libc, named by FAULT_PLANT (several with commas): a harness that does not see
 * them is worthless.
 *   journal-write  what SQLite writes to a journal goes nowhere
 *   object-name    a document gets no name in the store, or no bytes in a pack, and nobody is told
 *   write-error    a write that fails says that it wrote
 *   no-locks       flock gives every lock to everybody
 * And no bug, but what happens when others fill the disk meanwhile:
 *   room           the file system says that it has room */
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <unistd.h>

static bool planted(const char *bug)
{
    const char *names = getenv("FAULT_PLANT");
    return names && strstr(names, bug);
}

/* Does the path of what is open as `fd` end so? */
static bool is_file(int fd, const char *end)
{
    char self[32], path[4096];
    snprintf(self, sizeof self, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(self, path, sizeof path);
    size_t k = strlen(end);
    return n >= (ssize_t)k && memcmp(path + n - k, end, k) == 0;
}

/* Built with 64 bit offsets, this is the name that SQLite calls. */
ssize_t pwrite(int fd, const void *p, size_t n, off_t at)
{
    if (planted("journal-write") && is_file(fd, "-journal"))
        return (ssize_t)n;
    ssize_t done = syscall(SYS_pwrite64, fd, p, n, at);
    return done < 0 && planted("write-error") ? (ssize_t)n : done;
}

ssize_t write(int fd, const void *p, size_t n)
{
    ssize_t done = syscall(SYS_write, fd, p, n);
    return done < 0 && fd > 2 && planted("write-error") ? (ssize_t)n : done;
}

int linkat(int from, const char *old, int to, const char *new, int flags)
{
    if (planted("object-name") && strncmp(old, "/proc/self/fd/", 14) == 0 && strchr(new, '/'))
        return 0;
    return (int)syscall(SYS_linkat, from, old, to, new, flags);
}

/* Nothing but a document that goes into a pack is written so. */
ssize_t pwritev(int fd, const struct iovec *v, int count, off_t at)
{
    ssize_t all = 0;
    for (int i = 0; i < count; i++)
        all += (ssize_t)v[i].iov_len;
    return planted("object-name") ? all : syscall(SYS_pwritev, fd, v, count, at, 0);
}

static void widen(struct statvfs *out)
{
    if (planted("room"))
        out->f_bavail = out->f_bfree = out->f_blocks = (fsblkcnt_t)1 << 40;
}

int statvfs(const char *path, struct statvfs *out)
{
    int fd = open(path, O_PATH | O_CLOEXEC);
    int result = fd < 0 ? -1 : fstatvfs(fd, out);
    if (fd >= 0)
        close(fd);
    return result;
}

/* From what statfs(2) gives, as far as anybody here asks. */
int fstatvfs(int fd, struct statvfs *out)
{
    struct statfs fs;
    if (fstatfs(fd, &fs) != 0)
        return -1;
    *out = (struct statvfs){.f_bsize = (unsigned long)fs.f_bsize,
                            .f_frsize = (unsigned long)fs.f_bsize,
                            .f_blocks = fs.f_blocks,
                            .f_bfree = fs.f_bfree,
                            .f_bavail = fs.f_bavail};
    widen(out);
    return 0;
}

int flock(int fd, int operation)
{
    return planted("no-locks") ? 0 : (int)syscall(SYS_flock, fd, operation);
}
