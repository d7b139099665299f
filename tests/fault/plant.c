/* SPDX-License-Identifier: MIT */
/* Bugs to plant in front of libc, named by FAULT_PLANT: a harness that does not see them is worthless.
 *   journal-write  what SQLite writes to a journal goes nowhere
 *   object-name    a document gets no name in the store, and nobody is told
 *   write-error    a write that fails says that it wrote
 *   no-locks       flock gives every lock to everybody */
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <unistd.h>

static bool planted(const char *bug)
{
    const char *name = getenv("FAULT_PLANT");
    return name && strcmp(name, bug) == 0;
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

int flock(int fd, int operation)
{
    return planted("no-locks") ? 0 : (int)syscall(SYS_flock, fd, operation);
}
