/* SPDX-License-Identifier: MIT */
/* Invariants kept here, and what attacks them in tests/unit/store/:
 *   I3, its first half: what sync returned for is durable; a failed sync is final.  test_store_folder
 *   I8, its second half: only bytes that were hashed get an object's name.  store_contract */
#include "store/store_folder.h"

#include "base/text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define OBJECT_MODE 0444

/* Smaller objects are not worth the call that reserves their space. */
#define RESERVE_FROM_BYTES ((uint64_t)1 << 20)

/* Turns of a put whose object others set aside or put again and again. */
#define PUBLISH_TRIES 16

struct folder {
    struct vdm_store base;
    int objects;
    int tmp;            /* -1 for reading */
    bool use_names;     /* no O_TMPFILE here */
    uint8_t shards[32]; /* one bit for each fan-out folder seen to be one, and no link */
};

/* A file being written: without a name, or as tmp/<name>. */
struct fresh {
    int fd;
    int tmp;
    char name[32];
    struct vdm_write_behind behind;
};

struct object_path {
    char text[66]; /* below objects/ */
};

static struct folder *of(struct vdm_store *s)
{
    return (struct folder *)s;
}

static struct object_path path_of(struct vdm_digest id)
{
    struct object_path p;
    char hex[65];
    vdm_digest_hex(id, hex);
    snprintf(p.text, sizeof p.text, "%.2s/%s", hex, hex + 2);
    return p;
}

/* 16 hex digits that nobody else picks. */
static void random_hex(char out[17])
{
    uint8_t random[8];
    vdm_random(random, sizeof random);
    vdm_hex_encode(random, sizeof random, out);
}

static void fresh_discard(struct fresh *n)
{
    if (n->name[0])
        unlinkat(n->tmp, n->name, 0);
    n->name[0] = 0;
    /* Nothing that close(2) could tell of a local file is missed by syncfs. */
    vdm_fd_close(&n->fd);
}

/* The lock tells a recovery that the writer lives. One that came between create and lock has taken
 * the name away: then *there is false, and another file is to be made. */
static bool open_named(int tmp, struct fresh *n, bool *there, struct vdm_err *err)
{
    char random[17];
    struct stat st;
    random_hex(random);
    snprintf(n->name, sizeof n->name, VDM_STORE_PUT_PREFIX "%s", random);
    n->fd = openat(tmp, n->name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, OBJECT_MODE);
    if (n->fd < 0) {
        vdm_fail_errno(err, "create tmp/%s", n->name);
        n->name[0] = 0;
        return false;
    }
    if (flock(n->fd, LOCK_EX) != 0 || fstat(n->fd, &st) != 0)
        return vdm_fail_errno(err, "lock tmp/%s", n->name);
    if (!vdm_fd_share(tmp, n->fd, OBJECT_MODE, err))
        return false;
    *there = st.st_nlink > 0;
    if (!*there)
        fresh_discard(n);
    return true;
}

static bool fresh_open(struct folder *f, struct fresh *n, struct vdm_err *err)
{
    n->tmp = f->tmp;
    if (!f->use_names) {
        n->fd = openat(f->tmp, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, OBJECT_MODE);
        if (n->fd >= 0)
            return vdm_fd_share(f->tmp, n->fd, OBJECT_MODE, err);
        if (errno != EOPNOTSUPP && errno != EISDIR)
            return vdm_fail_errno(err, "create");
        f->use_names = true;
    }
    bool there = false;
    while (!there)
        if (!open_named(f->tmp, n, &there, err))
            return false;
    return true;
}

/* So that a full disk is seen before hours of copying. A file system that cannot is no reason to
 * stop. */
static bool reserve(int fd, uint64_t bytes, struct vdm_err *err)
{
    if (bytes == VDM_SIZE_UNKNOWN || bytes < RESERVE_FROM_BYTES)
        return true;
    int result;
    errno = EFBIG;
    do
        result = bytes > INT64_MAX ? -1 : fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, (off_t)bytes);
    while (result != 0 && errno == EINTR);
    if (result == 0 || (errno != ENOSPC && errno != EDQUOT && errno != EFBIG))
        return true;
    return vdm_fail_errno(err, "reserve %llu bytes", (unsigned long long)bytes);
}

/* Give back what was reserved beyond the end. */
static bool trim(int fd, uint64_t hint, uint64_t size, struct vdm_err *err)
{
    if (hint == VDM_SIZE_UNKNOWN || hint < RESERVE_FROM_BYTES || size >= hint)
        return true;
    return ftruncate(fd, (off_t)size) == 0 || vdm_fail_errno(err, "truncate");
}

/* The fan-out folder of an object is looked at once a handle: a link there would lead elsewhere. */
static bool shard_ready(struct folder *f, struct vdm_digest id, bool make, struct vdm_err *err)
{
    uint8_t bit = (uint8_t)(1u << (id.b[0] & 7));
    if (f->shards[id.b[0] >> 3] & bit)
        return true;
    char name[3];
    struct stat st;
    vdm_hex_encode(id.b, 1, name);
    if (make && mkdirat(f->objects, name, VDM_STORE_FOLDER_MODE) != 0 && errno != EEXIST)
        return vdm_fail_errno(err, "make folder objects/%s", name);
    if (fstatat(f->objects, name, &st, AT_SYMLINK_NOFOLLOW) != 0) {
        if (errno == ENOENT)
            return vdm_fail_as(err, VDM_ERR_NOT_FOUND, "no such object");
        return vdm_fail_errno(err, "objects/%s", name);
    }
    if (!S_ISDIR(st.st_mode))
        return vdm_fail_as(err, VDM_ERR_REFUSED, "objects/%s is not a folder", name);
    f->shards[id.b[0] >> 3] |= bit;
    return true;
}

/* link(2) never overwrites; errno says why it did not. */
static bool fresh_link(const struct folder *f, const struct fresh *n, const char *path)
{
    if (n->name[0])
        return linkat(f->tmp, n->name, f->objects, path, 0) == 0;
    char self[32];
    snprintf(self, sizeof self, "/proc/self/fd/%d", n->fd);
    return linkat(AT_FDCWD, self, f->objects, path, AT_SYMLINK_FOLLOW) == 0;
}

/* Link first, unlink after: at no moment is the bad object without a name. One that is gone by then
 * was set aside by somebody else. */
static bool put_aside(const struct folder *f, struct vdm_digest id, struct vdm_err *err)
{
    char hex[65], random[17], name[96];
    struct stat st;
    struct object_path path = path_of(id);
    vdm_digest_hex(id, hex);
    random_hex(random);
    snprintf(name, sizeof name, "damaged-%s-%s", hex, random);
    if (fstatat(f->objects, path.text, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode))
        return vdm_fail_as(err, VDM_ERR_REFUSED, "objects/%s is a folder, not a file", path.text);
    if (linkat(f->objects, path.text, f->tmp, name, 0) != 0)
        return errno == ENOENT || vdm_fail_errno(err, "set aside objects/%s", path.text);
    if (unlinkat(f->objects, path.text, 0) != 0 && errno != ENOENT)
        return vdm_fail_errno(err, "set aside objects/%s", path.text);
    return true;
}

static bool set_aside(struct vdm_store *s, struct vdm_digest id, struct vdm_err *err)
{
    return put_aside(of(s), id, err);
}

static void unlock(int *fd)
{
    if (*fd >= 0)
        flock(*fd, LOCK_UN);
}

/* Repairs of all handles take turns (the lock is on tmp/), and look again once it is their turn:
 * otherwise the second would set aside what the first has just mended. */
static bool publish(struct folder *f, const struct fresh *n, struct vdm_stored *done,
                    struct vdm_err *err)
{
    int locked VDM_CLEANUP(unlock) = -1;
    struct object_path path = path_of(done->id);
    if (!shard_ready(f, done->id, true, err))
        return false;
    for (int i = 0; i < PUBLISH_TRIES; i++) {
        enum vdm_store_state state;
        if (fresh_link(f, n, path.text)) {
            done->was_new = !done->repaired;
            return true;
        }
        if (errno != EEXIST)
            return vdm_fail_errno(err, "link objects/%s", path.text);
        if (!vdm_store_look(&f->base, done->id, done->size_bytes, &state, err))
            return false;
        if (state == VDM_STORE_GOOD)
            return true;
        if (state == VDM_STORE_MISSING)
            continue;
        if (locked >= 0) {
            if (!put_aside(f, done->id, err))
                return false;
            done->repaired = true;
        } else if (flock(f->tmp, LOCK_EX) == 0) {
            locked = f->tmp;
        } else if (errno != EINTR) {
            return vdm_fail_errno(err, "lock tmp");
        }
    }
    return vdm_fail(err, "objects/%s: others keep changing it", path.text);
}

static bool write_fresh(void *ctx, struct vdm_bytes data, struct vdm_err *err)
{
    struct fresh *n = ctx;
    return vdm_fd_write(n->fd, data, err) && vdm_fd_write_behind(n->fd, &n->behind, data.n, err);
}

static bool put(struct vdm_store *s, vdm_read_fn *read, void *ctx, uint64_t size_hint,
                struct vdm_stored *out, struct vdm_err *err)
{
    struct folder *f = of(s);
    struct fresh n VDM_CLEANUP(fresh_discard) = {.fd = -1};
    struct vdm_stored done = {0};
    if (!fresh_open(f, &n, err) || !reserve(n.fd, size_hint, err))
        return vdm_err_prefix(err, "store");
    if (!vdm_store_copy(s, read, ctx, write_fresh, &n, &done, err))
        return false;
    if (!trim(n.fd, size_hint, done.size_bytes, err) || !publish(f, &n, &done, err))
        return vdm_err_prefix(err, "store");
    *out = done;
    return true;
}

static bool sync_folder(struct vdm_store *s, struct vdm_err *err)
{
    return vdm_fd_sync_filesystem(of(s)->objects, err);
}

static bool reader_read(void *ctx, uint8_t *p, size_t cap, size_t *got, struct vdm_err *err)
{
    return vdm_fd_read(((struct vdm_store_reader *)ctx)->fd, p, cap, got, err);
}

static void reader_close(struct vdm_store_reader *r)
{
    vdm_fd_close(&r->fd);
}

static bool get(struct vdm_store *s, struct vdm_digest id, struct vdm_store_reader *r,
                struct vdm_err *err)
{
    struct folder *f = of(s);
    struct object_path path = path_of(id);
    struct stat st;
    int fd VDM_CLEANUP(vdm_fd_close) = -1;
    if (!shard_ready(f, id, false, err) || !vdm_file_open(f->objects, path.text, false, &fd, err))
        return false;
    if (fstat(fd, &st) != 0)
        return vdm_fail_errno(err, "stat");
    *r = (struct vdm_store_reader){.read = reader_read, .close = reader_close, .fd = fd};
    r->size_bytes = (uint64_t)st.st_size;
    fd = -1; /* the reader owns it */
    return true;
}

static bool each(struct vdm_store *s, vdm_store_visit_fn *visit, void *ctx, struct vdm_err *err)
{
    return vdm_store_list(of(s)->objects, visit, ctx, err);
}

/* `damaged-<hex>-...` in tmp/: mostly the same bytes. */
static bool erase_set_aside(int tmp, struct vdm_digest id, struct vdm_err *err)
{
    char hex[65], start[80];
    int fd = openat(tmp, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    if (!d) {
        vdm_fail_errno(err, "list tmp");
        vdm_fd_close(&fd);
        return false;
    }
    vdm_digest_hex(id, hex);
    snprintf(start, sizeof start, "damaged-%s-", hex);
    bool ok = true;
    for (const struct dirent *e; ok && (e = readdir(d));)
        ok = strncmp(e->d_name, start, strlen(start)) != 0 || vdm_file_erase(tmp, e->d_name, err);
    closedir(d);
    return ok;
}

static bool erase(struct vdm_store *s, struct vdm_digest id, uint64_t size_bytes,
                  struct vdm_err *err)
{
    (void)size_bytes;
    struct folder *f = of(s);
    struct object_path path = path_of(id);
    struct vdm_err why = {0};
    if ((!shard_ready(f, id, false, &why) || !vdm_file_erase(f->objects, path.text, &why)) &&
        why.kind != VDM_ERR_NOT_FOUND)
        return vdm_fail_as(err, why.kind, "%s", why.text);
    return erase_set_aside(f->tmp, id, err);
}

static void close_folder(struct vdm_store *s)
{
    struct folder *f = of(s);
    vdm_fd_close(&f->objects);
    vdm_fd_close(&f->tmp);
    vdm_store_release(&f->base);
    free(f);
}

static const struct vdm_store_ops folder_ops = {
    .put = put,
    .sync = sync_folder,
    .get = get,
    .each = each,
    .erase = erase,
    .set_aside = set_aside,
    .close = close_folder,
};

bool vdm_store_open_files(struct vdm_store **out, struct vdm_crypto *crypto, const char *path,
                          bool writable, struct vdm_err *err)
{
    int objects VDM_CLEANUP(vdm_fd_close) = -1;
    int tmp VDM_CLEANUP(vdm_fd_close) = -1;
    if (!vdm_store_open_parts(path, writable, &objects, &tmp, err))
        return false;
    struct folder *f = calloc(1, sizeof *f);
    if (!f)
        return vdm_fail_memory(err);
    if (!vdm_store_init(&f->base, &folder_ops, writable, crypto, err)) {
        free(f);
        return false;
    }
    f->objects = objects;
    f->tmp = tmp;
    f->use_names = access("/proc/self/fd", X_OK) != 0;
    objects = tmp = -1; /* the handle owns them */
    *out = &f->base;
    return true;
}

void vdm_store_folder_use_names(struct vdm_store *s)
{
    of(s)->use_names = true;
}
