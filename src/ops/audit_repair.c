/* SPDX-License-Identifier: MIT */
#include "ops/audit_repair.h"

#include "ops/repair_bundle.h"
#include "store/store_folder.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct vdm_repair {
    struct vdm_crypto *crypto;
    char *path;
    char *store_path;        /* of a folder */
    struct vdm_store *store; /* of a folder; else NULL */
    int bundle, scratch;
    struct vdm_spooled *spooled; /* sorted */
    size_t n;
};

void vdm_repair_close(struct vdm_repair *r)
{
    if (!r)
        return;
    vdm_store_close(r->store);
    vdm_fd_close(&r->bundle);
    vdm_fd_close(&r->scratch);
    free(r->spooled);
    free(r->store_path);
    free(r->path);
    free(r);
}

void vdm_repair_cleanup(struct vdm_repair **r)
{
    vdm_repair_close(*r);
    *r = NULL;
}

static bool open_source(struct vdm_repair *r, struct vdm_err *err)
{
    struct stat st;
    if (stat(r->path, &st) != 0)
        return vdm_fail_errno(err, "%s", r->path);
    if (!S_ISDIR(st.st_mode))
        return vdm_file_open(AT_FDCWD, r->path, true, &r->bundle, err) &&
               vdm_file_scratch(-1, &r->scratch, err);
    return (asprintf(&r->store_path, "%s/store", r->path) >= 0 || vdm_fail_memory(err)) &&
           vdm_store_open_folder(&r->store, r->crypto, r->store_path, false, err);
}

bool vdm_repair_open(struct vdm_repair **out, struct vdm_crypto *c, const char *path,
                     struct vdm_err *err)
{
    struct vdm_repair *r VDM_CLEANUP(vdm_repair_cleanup) = calloc(1, sizeof *r);
    if (!r)
        return vdm_fail_memory(err);
    r->bundle = r->scratch = -1;
    r->crypto = c;
    if (!(r->path = strdup(path)))
        return vdm_fail_memory(err);
    if (!open_source(r, err))
        return vdm_err_prefix(err, "--repair-from");
    *out = r;
    r = NULL;
    return true;
}

const char *vdm_repair_store(const struct vdm_repair *r)
{
    return r->store_path;
}

bool vdm_repair_prepare(struct vdm_repair *r, const struct vdm_digest *wanted, size_t n,
                        const struct vdm_progress *progress, struct vdm_err *err)
{
    if (r->store || n == 0)
        return true;
    free(r->spooled);
    if (!(r->spooled = calloc(n, sizeof *r->spooled)))
        return vdm_fail_memory(err);
    for (size_t i = 0; i < n; i++)
        r->spooled[i].id = wanted[i];
    r->n = n;
    qsort(r->spooled, n, sizeof *r->spooled, vdm_spooled_compare);
    return vdm_repair_spool(r->crypto, r->bundle, r->scratch, r->spooled, n, progress, err) ||
           vdm_err_prefix(err, "--repair-from %s", r->path);
}

/* The copy is good: what stands in its way goes aside, and it takes the place. */
static bool replace(struct vdm_store *to, struct vdm_digest id, vdm_read_fn *read, void *ctx,
                    bool in_the_way, bool *done, struct vdm_err *err)
{
    struct vdm_stored stored;
    enum vdm_store_state state;
    if ((in_the_way && !vdm_store_set_aside(to, id, err)) ||
        !vdm_store_put(to, read, ctx, VDM_SIZE_UNKNOWN, &stored, err) ||
        !vdm_store_check(to, id, VDM_SIZE_UNKNOWN, &state, err))
        return false;
    *done = vdm_digest_equal(stored.id, id) && state == VDM_STORE_GOOD;
    return true;
}

static bool from_store(struct vdm_repair *r, struct vdm_store *to, struct vdm_digest id,
                       bool in_the_way, bool *done, struct vdm_err *err)
{
    struct vdm_store_reader from VDM_CLEANUP(vdm_store_reader_close) = {.fd = -1};
    enum vdm_store_state state;
    if (!vdm_store_check(r->store, id, VDM_SIZE_UNKNOWN, &state, err))
        return false;
    return state != VDM_STORE_GOOD || (vdm_store_get(r->store, id, &from, err) &&
                                       replace(to, id, from.read, &from, in_the_way, done, err));
}

struct piece {
    int fd;
    uint64_t at, left;
};

static bool read_piece(void *ctx, uint8_t *p, size_t cap, size_t *got, struct vdm_err *err)
{
    struct piece *s = ctx;
    size_t n = s->left < cap ? (size_t)s->left : cap;
    ssize_t k = n ? pread(s->fd, p, n, (off_t)s->at) : 0;
    if (k < 0)
        return vdm_fail_errno(err, "spool");
    *got = (size_t)k;
    s->at += (uint64_t)k;
    s->left -= (uint64_t)k;
    return true;
}

static bool from_bundle(struct vdm_repair *r, struct vdm_store *to, struct vdm_digest id,
                        bool in_the_way, bool *done, struct vdm_err *err)
{
    const struct vdm_spooled key = {.id = id};
    const struct vdm_spooled *s =
        r->n ? bsearch(&key, r->spooled, r->n, sizeof key, vdm_spooled_compare) : NULL;
    if (!s || !s->found)
        return true;
    struct piece piece = {r->scratch, s->offset, s->size};
    return replace(to, id, read_piece, &piece, in_the_way, done, err);
}

bool vdm_repair_document(struct vdm_repair *r, struct vdm_store *to, struct vdm_digest id,
                         bool in_the_way, bool *done, struct vdm_err *err)
{
    *done = false;
    return r->store ? from_store(r, to, id, in_the_way, done, err)
                    : from_bundle(r, to, id, in_the_way, done, err);
}
