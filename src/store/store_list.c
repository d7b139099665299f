/* SPDX-License-Identifier: MIT */
/* each() of the folder store: the fan-out folders in order, one held in memory at a time. */
#include "base/text.h"
#include "store/store_folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* 32 MiB of digests: reached at some 270 million objects. */
#define SHARD_OBJECTS_MAX ((size_t)1 << 20)

struct listing {
    int objects;
    vdm_store_visit_fn *visit;
    void *ctx;
    bool stop;
};

static void dir_close(DIR **d)
{
    if (*d)
        closedir(*d);
}

bool vdm_store_open_dir(int dir, const char *name, int *fd, struct vdm_err *err)
{
    int f = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (f < 0 && errno == ENOENT)
        return vdm_fail_as(err, VDM_ERR_NOT_FOUND, "no such folder: %s", name);
    if (f < 0 && (errno == ENOTDIR || errno == ELOOP))
        return vdm_fail_as(err, VDM_ERR_REFUSED, "not a folder: %s", name);
    if (f < 0)
        return vdm_fail_errno(err, "open folder %s", name);
    *fd = f;
    return true;
}

static DIR *dir_list(int dir, const char *name, struct vdm_err *err)
{
    int fd VDM_CLEANUP(vdm_fd_close) = -1;
    if (!vdm_store_open_dir(dir, name, &fd, err)) {
        vdm_err_prefix(err, "store: objects");
        return NULL;
    }
    DIR *d = fdopendir(fd);
    if (!d)
        vdm_fail_errno(err, "store: list objects/%s", name);
    else
        fd = -1; /* d owns it */
    return d;
}

/* NULL at the end, or with *ok false. */
static const char *dir_next(DIR *d, bool *ok, struct vdm_err *err)
{
    for (;;) {
        errno = 0;
        const struct dirent *e = readdir(d);
        if (!e) {
            *ok = errno == 0 || vdm_fail_errno(err, "store: list objects");
            return NULL;
        }
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            return e->d_name;
    }
}

static bool tell_stranger(struct listing *l, const char *shard, const char *name,
                          struct vdm_err *err)
{
    char path[8 + 3 + 256];
    snprintf(path, sizeof path, "objects/%s%s%s", shard, *shard ? "/" : "", name);
    struct vdm_store_item item = {.stranger = path};
    return l->visit(l->ctx, &item, &l->stop, err);
}

static bool tell_object(struct listing *l, int shard_fd, const char *shard, struct vdm_digest id,
                        struct vdm_err *err)
{
    char hex[65];
    struct stat st;
    vdm_digest_hex(id, hex);
    if (fstatat(shard_fd, hex + 2, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return errno == ENOENT ||
               vdm_fail_errno(err, "store: object %s", hex); /* gone since it was listed */
    if (!S_ISREG(st.st_mode))
        return tell_stranger(l, shard, hex + 2, err);
    struct vdm_store_item item = {.id = id, .size_bytes = (uint64_t)st.st_size};
    return l->visit(l->ctx, &item, &l->stop, err);
}

static int by_digest(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct vdm_digest));
}

static bool collect(struct listing *l, DIR *d, const char *shard, struct vdm_buf *ids,
                    struct vdm_err *err)
{
    struct vdm_digest id;
    const char *name;
    bool ok = true;
    vdm_hex_decode(vdm_str(shard), id.b, 1);
    while (!l->stop && (name = dir_next(d, &ok, err))) {
        if (!vdm_hex_decode(vdm_str(name), id.b + 1, sizeof id.b - 1)) {
            if (!tell_stranger(l, shard, name, err))
                return false;
            continue;
        }
        if (ids->n / sizeof id >= SHARD_OBJECTS_MAX)
            return vdm_fail(err, "store: more than %zu objects in one folder", SHARD_OBJECTS_MAX);
        vdm_buf_put(ids, vdm_digest_bytes(&id));
    }
    return ok && vdm_buf_ok(ids, err);
}

static bool list_shard(struct listing *l, const char *shard, struct vdm_err *err)
{
    DIR *d VDM_CLEANUP(dir_close) = dir_list(l->objects, shard, err);
    struct vdm_buf ids VDM_CLEANUP(vdm_buf_release) = {0};
    if (!d || !collect(l, d, shard, &ids, err))
        return false;
    if (ids.n)
        qsort(ids.p, ids.n / sizeof(struct vdm_digest), sizeof(struct vdm_digest), by_digest);
    for (size_t at = 0; at < ids.n && !l->stop; at += sizeof(struct vdm_digest)) {
        struct vdm_digest id;
        memcpy(&id, ids.p + at, sizeof id);
        if (!tell_object(l, dirfd(d), shard, id, err))
            return false;
    }
    return true;
}

static bool is_shard(int objects, const char *name, uint8_t *which)
{
    struct stat st;
    return vdm_hex_decode(vdm_str(name), which, 1) &&
           fstatat(objects, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode);
}

static bool find_shards(struct listing *l, bool present[256], struct vdm_err *err)
{
    DIR *d VDM_CLEANUP(dir_close) = dir_list(l->objects, ".", err);
    if (!d)
        return false;
    bool ok = true;
    const char *name;
    while (!l->stop && (name = dir_next(d, &ok, err))) {
        uint8_t which;
        if (is_shard(l->objects, name, &which))
            present[which] = true;
        else if (!tell_stranger(l, "", name, err))
            return false;
    }
    return ok;
}

bool vdm_store_list(int objects, vdm_store_visit_fn *visit, void *ctx, struct vdm_err *err)
{
    struct listing l = {.objects = objects, .visit = visit, .ctx = ctx};
    bool present[256] = {false};
    if (!find_shards(&l, present, err))
        return false;
    for (unsigned i = 0; i < 256 && !l.stop; i++) {
        char shard[3];
        uint8_t which = (uint8_t)i;
        vdm_hex_encode(&which, 1, shard);
        if (present[i] && !list_shard(&l, shard, err))
            return false;
    }
    return true;
}
