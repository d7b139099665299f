/* SPDX-License-Identifier: MIT */
/* LD_PRELOAD: writes down what a program changes on one file system, in order, as replay.py reads it.
 * It stands before the functions of libc, so it sees SQLite as well. What it may have missed shows
 * when replay.py compares the folder that it rebuilds with the one that the program left.
 *
 *   RECORD_IO_LOG      the file to append to
 *   RECORD_IO_FOLDER   a folder; only what lies on its file system is written down
 *   RECORD_IO_SWALLOW  a pattern (fnmatch) for "CALL PATH": a sync that fits is not made and not
 *                      written down, but said to have succeeded. Works without a log, too
 *
 * One line a change, files and folders by their inode number:
 *
 *   mkdir FOLDER NAME INODE            file FOLDER NAME INODE     nameless INODE
 *   link INODE FOLDER NAME             unlink FOLDER NAME         rename FOLDER NAME FOLDER NAME
 *   write INODE OFFSET COUNT + bytes   size INODE BYTES
 *   sync INODE                         syncfs
 *   said COUNT                         so much stood on standard output (a file) by then */
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

/* The same function under the names that programs know it by. */
#define ALSO(name) __attribute__((alias(#name)))

static int log_fd = -1;
static dev_t device;
static long long said;

/* One change at a time, and written down before the next: the order of the list is that of the changes. */
static pthread_mutex_t order = PTHREAD_MUTEX_INITIALIZER;

static int begin(void)
{
    pthread_mutex_lock(&order);
    return 0;
}

static void end(const int *unused)
{
    (void)unused;
    pthread_mutex_unlock(&order);
}

#define IN_ORDER __attribute__((cleanup(end), unused)) const int in_order = begin()

__attribute__((constructor)) static void start(void)
{
    struct stat st;
    const char *path = getenv("RECORD_IO_LOG"), *folder = getenv("RECORD_IO_FOLDER");
    if (!path || !folder)
        return;
    int flags = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC;
    log_fd = (int)syscall(SYS_openat, AT_FDCWD, path, flags, 0600);
    if (log_fd < 0 || stat(folder, &st) != 0)
        abort();
    device = st.st_dev;
}

static void append(const void *p, size_t n)
{
    if (syscall(SYS_write, log_fd, p, n) != (long)n)
        abort();
}

__attribute__((format(printf, 1, 2))) static void note(const char *format, ...)
{
    char line[2 * NAME_MAX + 128];
    int before = errno;
    va_list args;
    va_start(args, format);
    int n = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    if (n < 0 || (size_t)n >= sizeof line)
        abort();
    append(line, (size_t)n);
    errno = before;
}

/* Is a change of this file to be written down? First, what was said before it. */
static bool noted(bool known, const struct stat *st)
{
    struct stat out;
    if (log_fd < 0 || !known || st->st_dev != device)
        return false;
    if (fstat(STDOUT_FILENO, &out) == 0 && S_ISREG(out.st_mode) && out.st_size > said) {
        said = out.st_size;
        note("said %lld\n", said);
    }
    return true;
}

static bool noted_fd(int fd, struct stat *st)
{
    return fd > STDERR_FILENO && noted(fstat(fd, st) == 0, st);
}

/* The folder that a path leads into, and the name there. */
static bool noted_name(int dir, const char *path, ino_t *folder, const char **name)
{
    struct stat st;
    char parent[PATH_MAX] = ".";
    const char *slash = strrchr(path, '/');
    *name = slash ? slash + 1 : path;
    if (slash)
        snprintf(parent, sizeof parent, "%.*s/", (int)(slash - path), path);
    bool known = fstatat(dir, parent, &st, 0) == 0;
    *folder = st.st_ino;
    return noted(known, &st);
}

/* --- names --- */

static int open_noted(int dir, const char *path, int flags, mode_t mode)
{
    IN_ORDER;
    struct stat st;
    ino_t folder;
    const char *name;
    bool nameless = (flags & O_TMPFILE) == O_TMPFILE;
    bool new = (flags & O_CREAT) && fstatat(dir, path, &st, AT_SYMLINK_NOFOLLOW) != 0;
    int fd = (int)syscall(SYS_openat, dir, path, flags, mode);
    if (fd < 0 || !(new || nameless || (flags & O_TRUNC)) || !noted_fd(fd, &st))
        return fd;
    if (nameless)
        note("nameless %lu\n", st.st_ino);
    else if (!new)
        note("size %lu 0\n", st.st_ino);
    else if (noted_name(dir, path, &folder, &name))
        note("file %lu %s %lu\n", folder, name, st.st_ino);
    return fd;
}

/* The mode is there only if a file may be made. */
#define MODE_OF(flags, mode)                                                                       \
    mode_t mode = 0;                                                                               \
    if (__OPEN_NEEDS_MODE(flags)) {                                                                \
        va_list args;                                                                              \
        va_start(args, flags);                                                                     \
        mode = va_arg(args, mode_t);                                                               \
        va_end(args);                                                                              \
    }

int open(const char *path, int flags, ...)
{
    MODE_OF(flags, mode)
    return open_noted(AT_FDCWD, path, flags, mode);
}

int openat(int dir, const char *path, int flags, ...)
{
    MODE_OF(flags, mode)
    return open_noted(dir, path, flags, mode);
}

int open64(const char *path, int flags, ...) ALSO(open);
int openat64(int dir, const char *path, int flags, ...) ALSO(openat);

/* What fortified programs call when no mode is given. */
int __open_2(const char *path, int flags);
int __open64_2(const char *path, int flags) ALSO(__open_2);
int __openat_2(int dir, const char *path, int flags);
int __openat64_2(int dir, const char *path, int flags) ALSO(__openat_2);

int __open_2(const char *path, int flags)
{
    return open_noted(AT_FDCWD, path, flags, 0);
}

int __openat_2(int dir, const char *path, int flags)
{
    return open_noted(dir, path, flags, 0);
}

int mkdirat(int dir, const char *path, mode_t mode)
{
    IN_ORDER;
    struct stat st;
    ino_t folder;
    const char *name;
    int result = (int)syscall(SYS_mkdirat, dir, path, mode);
    if (result == 0 && fstatat(dir, path, &st, 0) == 0 && noted_name(dir, path, &folder, &name))
        note("mkdir %lu %s %lu\n", folder, name, st.st_ino);
    return result;
}

int mkdir(const char *path, mode_t mode)
{
    return mkdirat(AT_FDCWD, path, mode);
}

int linkat(int from_dir, const char *from, int dir, const char *path, int flags)
{
    IN_ORDER;
    struct stat st;
    ino_t folder;
    const char *name;
    int look = flags & AT_SYMLINK_FOLLOW ? 0 : AT_SYMLINK_NOFOLLOW;
    bool known = fstatat(from_dir, from, &st, look) == 0;
    int result = (int)syscall(SYS_linkat, from_dir, from, dir, path, flags);
    if (result == 0 && known && noted_name(dir, path, &folder, &name))
        note("link %lu %lu %s\n", st.st_ino, folder, name);
    return result;
}

int link(const char *from, const char *path)
{
    return linkat(AT_FDCWD, from, AT_FDCWD, path, 0);
}

int renameat(int from_dir, const char *from, int dir, const char *path)
{
    IN_ORDER;
    ino_t before, after;
    const char *old, *new;
    int result = (int)syscall(SYS_renameat2, from_dir, from, dir, path, 0);
    if (result == 0 && noted_name(from_dir, from, &before, &old) &&
        noted_name(dir, path, &after, &new))
        note("rename %lu %s %lu %s\n", before, old, after, new);
    return result;
}

int rename(const char *from, const char *path)
{
    return renameat(AT_FDCWD, from, AT_FDCWD, path);
}

int unlinkat(int dir, const char *path, int flags)
{
    IN_ORDER;
    ino_t folder;
    const char *name;
    int result = (int)syscall(SYS_unlinkat, dir, path, flags);
    if (result == 0 && noted_name(dir, path, &folder, &name))
        note("unlink %lu %s\n", folder, name);
    return result;
}

int unlink(const char *path)
{
    return unlinkat(AT_FDCWD, path, 0);
}

int rmdir(const char *path)
{
    return unlinkat(AT_FDCWD, path, AT_REMOVEDIR);
}

int remove(const char *path)
{
    int result = unlink(path);
    return result != 0 && errno == EISDIR ? rmdir(path) : result;
}

/* --- content --- */

static void wrote(int fd, const void *p, ssize_t n, off_t at)
{
    struct stat st;
    if (n <= 0 || !noted_fd(fd, &st) || !S_ISREG(st.st_mode))
        return;
    note("write %lu %lld %zd\n", st.st_ino, (long long)at, n);
    append(p, (size_t)n);
}

ssize_t write(int fd, const void *p, size_t n)
{
    IN_ORDER;
    ssize_t done = syscall(SYS_write, fd, p, n);
    if (done > 0 && fd > STDERR_FILENO)
        wrote(fd, p, done, lseek(fd, 0, SEEK_CUR) - done);
    return done;
}

ssize_t pwrite(int fd, const void *p, size_t n, off_t at)
{
    IN_ORDER;
    ssize_t done = syscall(SYS_pwrite64, fd, p, n, at);
    wrote(fd, p, done, at);
    return done;
}

ssize_t pwrite64(int fd, const void *p, size_t n, off_t at) ALSO(pwrite);

/* A write for each piece: the disk need not take them together. */
ssize_t pwritev(int fd, const struct iovec *v, int count, off_t at)
{
    IN_ORDER;
    ssize_t done = syscall(SYS_pwritev, fd, v, count, at, 0), left = done;
    for (int i = 0; i < count && left > 0; i++) {
        ssize_t n = (ssize_t)v[i].iov_len < left ? (ssize_t)v[i].iov_len : left;
        wrote(fd, v[i].iov_base, n, at);
        at += n;
        left -= n;
    }
    return done;
}

ssize_t pwritev64(int fd, const struct iovec *v, int count, off_t at) ALSO(pwritev);

static int resized(int fd, const struct stat *before, int result)
{
    struct stat st;
    if (result == 0 && noted_fd(fd, &st) && st.st_size != before->st_size)
        note("size %lu %lld\n", st.st_ino, (long long)st.st_size);
    return result;
}

int ftruncate(int fd, off_t size)
{
    IN_ORDER;
    struct stat st;
    return fstat(fd, &st) != 0 ? -1 : resized(fd, &st, (int)syscall(SYS_ftruncate, fd, size));
}

int fallocate(int fd, int mode, off_t at, off_t n)
{
    IN_ORDER;
    struct stat st;
    return fstat(fd, &st) != 0 ? -1
                               : resized(fd, &st, (int)syscall(SYS_fallocate, fd, mode, at, n));
}

int ftruncate64(int fd, off_t size) ALSO(ftruncate);
int fallocate64(int fd, int mode, off_t at, off_t n) ALSO(fallocate);

/* --- syncs --- */

static bool swallowed(const char *call, int fd)
{
    char link[32], path[PATH_MAX], text[PATH_MAX + 16];
    const char *pattern = getenv("RECORD_IO_SWALLOW");
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = pattern ? readlink(link, path, sizeof path) : -1;
    if (n < 0)
        return false;
    snprintf(text, sizeof text, "%s %.*s", call, (int)n, path);
    return fnmatch(pattern, text, 0) == 0;
}

static int synced(int fd, int result)
{
    struct stat st;
    if (result == 0 && noted_fd(fd, &st))
        note("sync %lu\n", st.st_ino);
    return result;
}

int fsync(int fd)
{
    IN_ORDER;
    return swallowed("fsync", fd) ? 0 : synced(fd, (int)syscall(SYS_fsync, fd));
}

int fdatasync(int fd)
{
    IN_ORDER;
    return swallowed("fdatasync", fd) ? 0 : synced(fd, (int)syscall(SYS_fdatasync, fd));
}

int syncfs(int fd)
{
    IN_ORDER;
    struct stat st;
    if (swallowed("syncfs", fd))
        return 0;
    int result = (int)syscall(SYS_syncfs, fd);
    if (result == 0 && noted_fd(fd, &st))
        note("syncfs\n");
    return result;
}
