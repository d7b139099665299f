/* SPDX-License-Identifier: MIT */
#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define WRITE_BEHIND_BYTES (UINT64_C(8) << 20) /* a window: one is made while one is written */

bool vdm_read_bytes(void *ctx, uint8_t *p, size_t cap, size_t *got, struct vdm_err *err)
{
    (void)err;
    *got = vdm_bytes_take(ctx, p, cap);
    return true;
}

bool vdm_fd_read(int fd, uint8_t *p, size_t cap, size_t *got, struct vdm_err *err)
{
    size_t n = 0;
    while (n < cap) {
        ssize_t k = read(fd, p + n, cap - n);
        if (k < 0 && errno == EINTR)
            continue;
        if (k < 0)
            return vdm_fail_errno(err, "read");
        if (k == 0)
            break;
        n += (size_t)k;
    }
    *got = n;
    return true;
}

bool vdm_fd_write(int fd, struct vdm_bytes data, struct vdm_err *err)
{
    while (data.n) {
        ssize_t k = write(fd, data.p, data.n);
        if (k < 0 && errno == EINTR)
            continue;
        if (k < 0)
            return vdm_fail_errno(err, "write");
        data = vdm_bytes_skip(data, (size_t)k);
    }
    return true;
}

bool vdm_fd_read_at(int fd, uint64_t at, uint8_t *p, size_t cap, size_t *got, struct vdm_err *err)
{
    size_t n = 0;
    while (n < cap) {
        ssize_t k = pread(fd, p + n, cap - n, (off_t)(at + n));
        if (k < 0 && errno == EINTR)
            continue;
        if (k < 0)
            return vdm_fail_errno(err, "read");
        if (k == 0)
            break;
        n += (size_t)k;
    }
    *got = n;
    return true;
}

bool vdm_fd_write_at(int fd, uint64_t at, struct vdm_bytes data, struct vdm_err *err)
{
    while (data.n) {
        ssize_t k = pwrite(fd, data.p, data.n, (off_t)at);
        if (k < 0 && errno == EINTR)
            continue;
        if (k < 0)
            return vdm_fail_errno(err, "write");
        data = vdm_bytes_skip(data, (size_t)k);
        at += (uint64_t)k;
    }
    return true;
}

void vdm_fd_close(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

bool vdm_fd_finish(int *fd, struct vdm_err *err)
{
    int result = close(*fd);
    *fd = -1;
    return result == 0 || errno == EINTR || vdm_fail_errno(err, "close");
}

bool vdm_fd_copy(int fd, int *out, struct vdm_err *err)
{
    *out = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    return *out >= 0 || vdm_fail_errno(err, "descriptor");
}

bool vdm_fd_open_again(int fd, int *again, struct vdm_err *err)
{
    char path[40];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    *again = open(path, O_RDONLY | O_CLOEXEC);
    return *again >= 0 || vdm_fail_errno(err, "open once more");
}

bool vdm_fd_sync(int fd, struct vdm_err *err)
{
    return fsync(fd) == 0 || vdm_fail_errno(err, "fsync");
}

bool vdm_fd_sync_data(int fd, struct vdm_err *err)
{
    return fdatasync(fd) == 0 || vdm_fail_errno(err, "fdatasync");
}

/* A pipe, a device, a system that cannot. Every other error is one of the disk: which of them it has is its own affair,
 * and what is told here is not told again by a sync of the same descriptor. */
static bool has_no_disk(int error)
{
    return error == ESPIPE || error == EINVAL || error == ENOSYS || error == EOPNOTSUPP;
}

static bool push(int fd, uint64_t from, uint64_t to, unsigned flags, struct vdm_err *err)
{
    return sync_file_range(fd, (off_t)from, (off_t)(to - from), flags) == 0 || has_no_disk(errno) ||
           vdm_fail_errno(err, "write");
}

bool vdm_fd_begin_writing(int fd, uint64_t from, uint64_t to, struct vdm_err *err)
{
    return push(fd, from, to, SYNC_FILE_RANGE_WRITE, err);
}

bool vdm_fd_write_behind(int fd, struct vdm_write_behind *b, size_t n, struct vdm_err *err)
{
    b->written += n;
    if (b->written - b->begun < WRITE_BEHIND_BYTES)
        return true;
    if (!push(fd, b->begun, b->written, SYNC_FILE_RANGE_WRITE, err))
        return false;
    /* One window is on its way while the next is made: the one before it is waited for. */
    if (b->begun > b->dropped) {
        if (!push(fd, b->dropped, b->begun,
                  SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER,
                  err))
            return false;
        (void)posix_fadvise(fd, (off_t)b->dropped, (off_t)(b->begun - b->dropped),
                            POSIX_FADV_DONTNEED);
        b->dropped = b->begun;
    }
    b->begun = b->written;
    return true;
}

bool vdm_fd_sync_filesystem(int fd, struct vdm_err *err)
{
    return syncfs(fd) == 0 || vdm_fail_errno(err, "syncfs");
}

/* O_NONBLOCK: opening a FIFO that slipped in after a look must not hang. */
#define OPEN_FLAGS (O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)

static bool check_opened(int f, int *fd, struct stat *st, struct vdm_err *err)
{
    if (f < 0 && errno == ENOENT)
        return vdm_fail_as(err, VDM_ERR_NOT_FOUND, "no such file");
    if (f < 0)
        return vdm_fail_errno(err, "open");
    if (fstat(f, st) != 0) {
        vdm_fail_errno(err, "stat");
        close(f);
        return false;
    }
    if (!S_ISREG(st->st_mode)) {
        close(f);
        return vdm_fail_as(err, VDM_ERR_REFUSED, "not a file");
    }
    *fd = f;
    return true;
}

bool vdm_file_open(int dir, const char *path, bool follow, int *fd, struct vdm_err *err)
{
    struct stat st;
    if (fstatat(dir, path, &st, follow ? 0 : AT_SYMLINK_NOFOLLOW) == 0 && !S_ISREG(st.st_mode))
        return vdm_fail_as(err, VDM_ERR_REFUSED, "not a file");
    return check_opened(openat(dir, path, OPEN_FLAGS | (follow ? 0 : O_NOFOLLOW)), fd, &st, err);
}

/* Only the owner may ask for O_NOATIME; for anybody else the time of access moves. */
bool vdm_file_open_source(int dir, const char *path, bool follow, int *fd, struct stat *st,
                          struct vdm_err *err)
{
    int flags = OPEN_FLAGS | (follow ? 0 : O_NOFOLLOW);
    int f = openat(dir, path, flags | O_NOATIME);
    if (f < 0 && errno == EPERM)
        f = openat(dir, path, flags);
    if (f < 0 && errno == ELOOP && !follow) /* a link, by now */
        return vdm_fail_as(err, VDM_ERR_REFUSED, "not a file");
    return check_opened(f, fd, st, err);
}

bool vdm_file_read(int dir, const char *path, size_t limit, struct vdm_buf *out,
                   struct vdm_err *err)
{
    int fd VDM_CLEANUP(vdm_fd_close) = -1;
    if (!vdm_file_open(dir, path, true, &fd, err))
        return false;
    size_t start = out->n, got = 0;
    for (;;) {
        size_t room = limit + 1 - (out->n - start);
        size_t want = room < 65536 ? room : 65536;
        uint8_t *p = vdm_buf_grow(out, want);
        if (!p)
            return vdm_fail_memory(err);
        if (!vdm_fd_read(fd, p, want, &got, err)) {
            out->n = start;
            return false;
        }
        out->n -= want - got;
        if (out->n - start > limit) {
            out->n = start;
            return vdm_fail_as(err, VDM_ERR_MALFORMED, "larger than %zu bytes", limit);
        }
        if (got < want)
            return true;
    }
}

bool vdm_dir_open(int dir, const char *path, int *fd, struct vdm_err *err)
{
    int f = openat(dir, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (f < 0 && (errno == ENOENT || errno == ENOTDIR))
        return vdm_fail_as(err, VDM_ERR_NOT_FOUND, "no such folder: %s", path);
    if (f < 0)
        return vdm_fail_errno(err, "open folder %s", path);
    *fd = f;
    return true;
}

bool vdm_dir_make(int dir, const char *path, mode_t mode, bool must_be_new, struct vdm_err *err)
{
    if (mkdirat(dir, path, mode) == 0)
        return true;
    struct stat st;
    if (errno == EEXIST && !must_be_new && fstatat(dir, path, &st, 0) == 0 && S_ISDIR(st.st_mode))
        return true;
    return vdm_fail_errno(err, "make folder %s", path);
}

/* link(2), unlike rename(2), never overwrites. */
bool vdm_file_link(int dir, const char *from, const char *to, struct vdm_err *err)
{
    return linkat(dir, from, dir, to, 0) == 0 || vdm_fail_errno(err, "%s", to);
}

bool vdm_dir_shared(int dir)
{
    struct stat st;
    return fstat(dir, &st) == 0 && (st.st_mode & S_ISGID) && (st.st_mode & S_IWGRP);
}

bool vdm_fd_share(int dir, int fd, mode_t mode, struct vdm_err *err)
{
    struct stat st;
    if (!vdm_dir_shared(dir))
        return true;
    return (fstat(fd, &st) == 0 && fchmod(fd, (st.st_mode & 07777) | (mode & 070)) == 0) ||
           vdm_fail_errno(err, "share with the group");
}

bool vdm_dir_give(int dir, const char *path, gid_t group, mode_t mode, struct vdm_err *err)
{
    int fd VDM_CLEANUP(vdm_fd_close) = -1;
    if (!vdm_dir_open(dir, path, &fd, err))
        return false;
    return (fchown(fd, (uid_t)-1, group) == 0 && fchmod(fd, mode) == 0) ||
           vdm_fail_errno(err, "give %s to the group", path);
}

/* Split off the last component. The folder part is opened once and held: later syscalls cannot be
 * led elsewhere by a rename of a parent. */
static bool open_parent(int dir, const char *path, int *parent, char *name, size_t cap,
                        struct vdm_err *err)
{
    const char *slash = strrchr(path, '/');
    const char *last = slash ? slash + 1 : path;
    if (!*last || strlen(last) >= cap)
        return vdm_fail(err, "not a usable file name: %s", path);
    memcpy(name, last, strlen(last) + 1);
    if (!slash)
        return vdm_dir_open(dir, ".", parent, err);
    char *folder VDM_CLEANUP(vdm_free_string) =
        slash == path ? strdup("/") : strndup(path, (size_t)(slash - path));
    if (!folder)
        return vdm_fail_memory(err);
    return vdm_dir_open(dir, folder, parent, err);
}

/* Gives a file without a name its first one; it must be free. */
static bool link_unnamed(const struct vdm_new_file *f, const char *name)
{
    char self[32];
    snprintf(self, sizeof self, "/proc/self/fd/%d", f->fd);
    return linkat(AT_FDCWD, self, f->dir, name, AT_SYMLINK_FOLLOW) == 0;
}

/* Whatever keeps the first way from working, the second way tells. */
static bool create(struct vdm_new_file *f, mode_t mode)
{
    if (access("/proc/self/fd", X_OK) == 0)
        f->fd = openat(f->dir, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, mode);
    if (f->fd < 0) {
        f->fd = openat(f->dir, f->temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, mode);
        f->named = f->fd >= 0;
    }
    return f->fd >= 0;
}

bool vdm_new_file_open(struct vdm_new_file *f, int dir, const char *path, mode_t mode,
                       struct vdm_err *err)
{
    struct vdm_new_file made = {.dir = -1, .fd = -1};
    if (!open_parent(dir, path, &made.dir, made.name, sizeof made.name, err))
        return false;
    uint64_t random = 0;
    if (getrandom(&random, sizeof random, 0) != (ssize_t)sizeof random) {
        vdm_fd_close(&made.dir);
        return vdm_fail_errno(err, "random name");
    }
    snprintf(made.temporary, sizeof made.temporary, ".%.200s.%016llx.tmp", made.name,
             (unsigned long long)random);
    if (!create(&made, mode)) {
        vdm_fail_errno(err, "create %s", path);
        vdm_fd_close(&made.dir);
        return false;
    }
    *f = made;
    if (vdm_fd_share(made.dir, made.fd, mode, err))
        return true;
    vdm_new_file_discard(f);
    return false;
}

static bool give_name(struct vdm_new_file *f, struct vdm_err *err)
{
    if (!f->named)
        return link_unnamed(f, f->name) || vdm_fail_errno(err, "%s", f->name);
    if (!vdm_file_link(f->dir, f->temporary, f->name, err))
        return false;
    unlinkat(f->dir, f->temporary, 0);
    f->named = false;
    return true;
}

static bool replace_name(struct vdm_new_file *f, struct vdm_err *err)
{
    if (!f->named && !link_unnamed(f, f->temporary))
        return vdm_fail_errno(err, "%s", f->name);
    f->named = true;
    if (renameat(f->dir, f->temporary, f->dir, f->name) != 0)
        return vdm_fail_errno(err, "rename to %s", f->name);
    f->named = false;
    return true;
}

bool vdm_new_file_publish(struct vdm_new_file *f, bool replace, struct vdm_err *err)
{
    /* Of a named file, close(2) too may tell an error (NFS); it is asked while nothing is visible. */
    bool ok = vdm_fd_sync(f->fd, err) && (!f->named || vdm_fd_finish(&f->fd, err)) &&
              (replace ? replace_name(f, err) : give_name(f, err)) && vdm_fd_sync(f->dir, err);
    vdm_new_file_discard(f);
    return ok;
}

void vdm_new_file_discard(struct vdm_new_file *f)
{
    if (f->dir >= 0 && f->named)
        unlinkat(f->dir, f->temporary, 0);
    f->named = false;
    vdm_fd_close(&f->fd);
    vdm_fd_close(&f->dir);
}

static bool is_temporary_of(const char *entry, const char *name)
{
    size_t n = strlen(name);
    return entry[0] == '.' && strlen(entry) == n + 22 && memcmp(entry + 1, name, n) == 0 &&
           entry[n + 1] == '.' && strspn(entry + n + 2, "0123456789abcdef") == 16 &&
           strcmp(entry + n + 18, ".tmp") == 0;
}

bool vdm_new_file_recover(int dir, const char *name, struct vdm_err *err)
{
    int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    if (!d) {
        vdm_fail_errno(err, "list folder");
        vdm_fd_close(&fd);
        return false;
    }
    const struct dirent *e;
    bool ok = true;
    for (errno = 0; ok && (e = readdir(d)); errno = 0)
        if (is_temporary_of(e->d_name, name) && unlinkat(dir, e->d_name, 0) != 0)
            ok = vdm_fail_errno(err, "remove %s", e->d_name);
    if (ok && errno)
        ok = vdm_fail_errno(err, "list folder");
    closedir(d);
    return ok;
}

bool vdm_file_publish(int dir, const char *path, mode_t mode, bool replace, struct vdm_bytes data,
                      struct vdm_err *err)
{
    struct vdm_new_file f VDM_CLEANUP(vdm_new_file_discard) = {.dir = -1, .fd = -1};
    return vdm_new_file_open(&f, dir, path, mode, err) && vdm_fd_write(f.fd, data, err) &&
           vdm_new_file_publish(&f, replace, err);
}

bool vdm_file_move(int from_dir, const char *from, int to_dir, const char *to, struct vdm_err *err)
{
    int fd VDM_CLEANUP(vdm_fd_close) = -1;
    if (!vdm_file_open(from_dir, from, false, &fd, err) || !vdm_fd_sync(fd, err))
        return false;
    if (renameat(from_dir, from, to_dir, to) != 0)
        return vdm_fail_errno(err, "rename %s to %s", from, to);
    return vdm_fd_sync(to_dir, err) && vdm_fd_sync(from_dir, err);
}

bool vdm_path_free(const char *path, uint64_t *bytes, struct vdm_err *err)
{
    struct statvfs fs;
    if (statvfs(path, &fs) != 0)
        return vdm_fail_errno(err, "%s", path);
    *bytes = fs.f_blocks ? (uint64_t)fs.f_bavail * fs.f_frsize : INT64_MAX;
    return true;
}

static bool write_zeros(int fd, uint64_t size, struct vdm_err *err)
{
    static const uint8_t zeros[4096];
    for (uint64_t done = 0; done < size; done += sizeof zeros) {
        uint64_t rest = size - done;
        struct vdm_bytes piece = {zeros, rest < sizeof zeros ? (size_t)rest : sizeof zeros};
        if (!vdm_fd_write(fd, piece, err))
            return false;
    }
    return vdm_fd_sync(fd, err);
}

/* Opened for reading first, which tells that it is a file. One that is not writable its owner may make
 * so; in a folder that a group shares, another of the group may find it writable as it is. */
static bool overwrite(int dir, const char *name, struct vdm_err *err)
{
    int looked VDM_CLEANUP(vdm_fd_close) = -1, fd VDM_CLEANUP(vdm_fd_close) = -1;
    struct stat seen, opened;
    if (!vdm_file_open(dir, name, false, &looked, err))
        return false;
    if (faccessat(dir, name, W_OK, AT_EACCESS) != 0 && fchmod(looked, 0600) != 0)
        return vdm_fail_errno(err, "make %s writable", name);
    if (fstat(looked, &seen) != 0)
        return vdm_fail_errno(err, "stat %s", name);
    fd = openat(dir, name, O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &opened) != 0)
        return vdm_fail_errno(err, "open %s for writing", name);
    if (seen.st_ino != opened.st_ino || seen.st_dev != opened.st_dev)
        return vdm_fail(err, "%s was exchanged meanwhile", name);
    return write_zeros(fd, (uint64_t)opened.st_size, err);
}

bool vdm_file_erase(int dir, const char *path, struct vdm_err *err)
{
    int parent VDM_CLEANUP(vdm_fd_close) = -1;
    char name[256];
    if (!open_parent(dir, path, &parent, name, sizeof name, err) || !overwrite(parent, name, err))
        return false;
    if (unlinkat(parent, name, 0) != 0 && errno != ENOENT)
        return vdm_fail_errno(err, "remove %s", path);
    return vdm_fd_sync(parent, err);
}

bool vdm_file_scratch(int dir, int *fd, struct vdm_err *err)
{
    const char *folder = getenv("TMPDIR");
    int f = dir < 0 ? -1 : openat(dir, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (f < 0)
        f = open(folder && *folder ? folder : "/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (f < 0) {
        char path[4096];
        snprintf(path, sizeof path, "%s/vidimus-XXXXXX", folder && *folder ? folder : "/tmp");
        f = mkostemp(path, O_CLOEXEC);
        if (f >= 0)
            unlink(path);
    }
    if (f < 0)
        return vdm_fail_errno(err, "scratch file");
    *fd = f;
    return true;
}
