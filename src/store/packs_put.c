/* SPDX-License-Identifier: MIT */
/* Documents into packs, the large ones into objects/. */
#include "base/limits.h"
#include "base/text.h"
#include "store/store_packs.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

static struct vdm_packs *of(struct vdm_store *s)
{
    return (struct vdm_packs *)s;
}

/* What was read already, then the rest of the source. */
struct rest {
    struct vdm_bytes first;
    vdm_read_fn *read; /* NULL: that is all */
    void *ctx;
};

static bool read_rest(void *ctx, uint8_t *out, size_t cap, size_t *got, struct vdm_err *err)
{
    struct rest *r = ctx;
    if (r->first.n == 0 && r->read)
        return r->read(r->ctx, out, cap, got, err);
    *got = vdm_bytes_take(&r->first, out, cap);
    return true;
}

static bool put_file(struct vdm_packs *p, struct rest *r, uint64_t size_hint,
                     struct vdm_stored *out, struct vdm_err *err)
{
    if (!p->files->ops->put(p->files, read_rest, r, size_hint, out, err))
        return false;
    p->files_touched = true;
    return true;
}

static bool read_document(struct vdm_packs *p, vdm_read_fn *read, void *ctx, size_t *n,
                          struct vdm_err *err)
{
    size_t got;
    *n = 0;
    if (!p->document && !(p->document = malloc(VDM_PACK_DOCUMENT_MAX + 1)))
        return vdm_fail_memory(err) || vdm_err_prefix(err, "store");
    do {
        size_t room = VDM_PACK_DOCUMENT_MAX + 1 - *n;
        if (!read(ctx, p->document + *n, room < VDM_COPY_BYTES ? room : VDM_COPY_BYTES, &got, err))
            return false;
        assert(got <= room);
        *n += got;
    } while (got && *n <= VDM_PACK_DOCUMENT_MAX);
    return true;
}

static bool judge(struct vdm_packs *p, const struct vdm_packed *f, bool *good, struct vdm_err *err)
{
    *good = false;
    return f->broken || vdm_pack_good(f->fd, &f->m, p->base.hash, p->base.copy, good, err);
}

/* What fails here too leaves it set aside: what went wrong before is what is told. */
static void take_back(struct vdm_packs *p, struct vdm_digest id, const struct vdm_pack_place *bad)
{
    struct vdm_pack_probe probe;
    struct vdm_pack_place place;
    bool more = true, done = false;
    vdm_pack_probe_begin(&p->index, id, &probe);
    while (!done && vdm_pack_probe_next(&p->index, &probe, &place, &more, NULL) && more)
        done = place.pack == bad->pack && place.offset == bad->offset &&
               vdm_pack_index_insist(&p->index, &probe, place, NULL);
}

/* Under the lock: what others put meanwhile is seen, and what is bad is set aside once. */
static bool put_in_pack(struct vdm_packs *p, struct vdm_bytes document, struct vdm_stored *done,
                        struct vdm_err *err)
{
    int locked VDM_CLEANUP(vdm_packs_unlock) = -1;
    struct vdm_packed f;
    struct vdm_pack_place bad = {0};
    bool found, good;
    size_t n;
    if (!vdm_packs_lock(p, &locked, err))
        return false;
    for (;;) {
        if (!vdm_packs_find(p, done->id, &f, &found, err) || (found && !judge(p, &f, &good, err)))
            return false;
        if (found && good)
            return true;
        if (!found)
            break;
        if (!vdm_pack_index_set_aside(&p->index, &f.probe, f.place, err))
            return false;
        done->repaired = true;
        bad = f.place;
    }
    done->was_new = !done->repaired;
    /* A bad one is more than none: where there is no room for a good one, it counts again. */
    const struct vdm_pack_new member = {done->id, document};
    if (vdm_packs_append(p, &member, 1, &n, err))
        return true;
    if (done->repaired)
        take_back(p, done->id, &bad);
    return false;
}

static bool may_be_older(const struct vdm_packs *p, struct vdm_digest id)
{
    return p->older[id.b[0] / 8] >> id.b[0] % 8 & 1;
}

bool vdm_packs_look_for_older(struct vdm_packs *p, int store, struct vdm_err *err)
{
    int fd = openat(store, "objects", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    if (!d) {
        vdm_fail_errno(err, "list objects");
        vdm_fd_close(&fd);
        return false;
    }
    const struct dirent *e;
    uint8_t which;
    for (errno = 0; (e = readdir(d)); errno = 0)
        if (strlen(e->d_name) == 2 && vdm_hex_decode(vdm_str(e->d_name), &which, 1))
            p->older[which / 8] |= (uint8_t)(1u << which % 8);
    bool ok = errno == 0 || vdm_fail_errno(err, "list objects");
    closedir(d);
    return ok;
}

/* One that cannot be read, too: then putting it there says why. */
static bool is_in_files(struct vdm_packs *p, struct vdm_digest id)
{
    struct vdm_store_reader r VDM_CLEANUP(vdm_store_reader_close) = {0};
    struct vdm_err why = {0};
    return may_be_older(p, id) &&
           (p->files->ops->get(p->files, id, &r, &why) || why.kind != VDM_ERR_NOT_FOUND);
}

static struct vdm_stored hash_small(struct vdm_packs *p, struct vdm_bytes document)
{
    vdm_hash_update(p->base.hash, document);
    return (struct vdm_stored){.id = vdm_hash_end(p->base.hash), .size_bytes = document.n};
}

/* `stored` has its digest and size. */
static bool put_small(struct vdm_packs *p, struct vdm_bytes document, struct vdm_stored *stored,
                      struct vdm_err *err)
{
    struct vdm_packed f;
    bool found, good = false;
    if (!vdm_packs_find(p, stored->id, &f, &found, err) || (found && !judge(p, &f, &good, err)))
        return vdm_err_prefix(err, "store");
    if (!found && is_in_files(p, stored->id)) {
        struct rest rest = {.first = document};
        return put_file(p, &rest, document.n, stored, err);
    }
    if (!good && !put_in_pack(p, document, stored, err))
        return vdm_err_prefix(err, "store");
    p->touched = true;
    return true;
}

bool vdm_packs_put(struct vdm_store *s, vdm_read_fn *read, void *ctx, uint64_t size_hint,
                   struct vdm_stored *out, struct vdm_err *err)
{
    struct vdm_packs *p = of(s);
    size_t n;
    if (!read_document(p, read, ctx, &n, err))
        return false;
    struct vdm_bytes document = {p->document, n};
    if (n <= VDM_PACK_DOCUMENT_MAX) {
        *out = hash_small(p, document);
        return put_small(p, document, out, err);
    }
    struct rest rest = {document, read, ctx};
    return put_file(p, &rest, size_hint, out, err);
}

/* --- many --- */

/* Those that are plainly new, which most are. */
struct fresh {
    struct vdm_pack_new member[VDM_PACK_TOGETHER];
    size_t of[VDM_PACK_TOGETHER]; /* which document it is */
    size_t n;
};

static bool is_among(const struct fresh *f, struct vdm_digest id)
{
    for (size_t i = 0; i < f->n; i++)
        if (vdm_digest_equal(f->member[i].id, id))
            return true;
    return false;
}

static bool find_fresh(struct vdm_packs *p, const struct vdm_store_document *d, size_t n,
                       struct fresh *f, struct vdm_err *err)
{
    for (size_t i = 0; i < n; i++) {
        struct vdm_packed there;
        bool found = false;
        if (d[i].bytes.n > VDM_PACK_DOCUMENT_MAX)
            continue;
        if (!vdm_packs_look_up(p, d[i].stored.id, &there, &found, err))
            return false;
        if (found || is_among(f, d[i].stored.id) || is_in_files(p, d[i].stored.id))
            continue;
        f->member[f->n] = (struct vdm_pack_new){d[i].stored.id, d[i].bytes};
        f->of[f->n++] = i;
    }
    return true;
}

/* As many of the fresh ones as can be put together; the others are not new yet. */
static void put_fresh(struct vdm_packs *p, struct vdm_store_document *d, size_t n)
{
    int locked VDM_CLEANUP(vdm_packs_unlock) = -1;
    struct fresh f = {.n = 0};
    size_t done = 0;
    bool ok = vdm_packs_lock(p, &locked, NULL) && vdm_pack_index_refresh(&p->index, NULL) &&
              find_fresh(p, d, n, &f, NULL) && vdm_packs_append(p, f.member, f.n, &done, NULL);
    for (size_t i = 0; i < done; i++)
        d[f.of[i]].stored.was_new = true;
    p->touched = p->touched || done;
    (void)ok; /* what could not be put tells why when it is tried by itself */
}

static bool put_one(struct vdm_packs *p, struct vdm_store_document *d, struct vdm_err *err)
{
    struct rest rest = {.first = d->bytes};
    return d->bytes.n > VDM_PACK_DOCUMENT_MAX ? put_file(p, &rest, d->bytes.n, &d->stored, err)
                                              : put_small(p, d->bytes, &d->stored, err);
}

/* What is there already is hashed, without the lock, or is mended. */
static bool put_some(struct vdm_packs *p, struct vdm_store_document *d, size_t n, size_t *done,
                     struct vdm_err *err)
{
    for (size_t i = 0; i < n; i++)
        d[i].stored = hash_small(p, d[i].bytes);
    put_fresh(p, d, n);
    for (*done = 0; *done < n; ++*done)
        if (!d[*done].stored.was_new && !put_one(p, &d[*done], err))
            return false;
    return true;
}

bool vdm_packs_put_all(struct vdm_store *s, struct vdm_store_document *d, size_t n, size_t *done,
                       struct vdm_err *err)
{
    *done = 0;
    while (*done < n) {
        size_t left = n - *done, some = left < VDM_PACK_TOGETHER ? left : VDM_PACK_TOGETHER, k;
        bool ok = put_some(of(s), d + *done, some, &k, err);
        *done += k;
        if (!ok)
            return false;
    }
    return true;
}
