/* SPDX-License-Identifier: MIT */
/* The second pass of a bundle: frames come back from the scratch file, documents from the store. While one slice
 * of them is written, the documents of the next are read and hashed on all processors. */
#include "base/pool.h"
#include "bundle/tar.h"
#include "ops/bundle_make.h"
#include "store/store_folder.h"

#include <inttypes.h>
#include <stdlib.h>

/* Of a slice: frames, and about so many bytes. Documents that are larger than that are read when they
 * are written. */
#define SLICE_FRAMES 256
#define SLICE_BYTES  ((size_t)2 << 20)
#define FETCH_RUN    32 /* frames that a thread takes at a time */

struct framed {
    struct vdm_bundle_frame frame;
    size_t at;  /* of its bytes in the slice */
    bool ahead; /* the document is among them, once it was read */
    struct vdm_err why;
};

struct slice {
    struct framed framed[SLICE_FRAMES];
    size_t n;
    struct vdm_buf bytes;
};

/* What one thread needs for itself; the first, who is the caller, has that of the archive. */
struct fetcher {
    struct vdm_crypto *crypto;
    struct vdm_store *store;
};

struct writing {
    struct vdm_bundle_job *j;
    struct vdm_tar_writer *tar;
    struct vdm_pool *pool;
    struct fetcher fetcher[VDM_POOL_WORKERS_MAX];
    struct slice *slice; /* two */
    struct slice *ahead; /* the one whose documents are being read */
    struct vdm_buf copy; /* VDM_COPY_BYTES */
    uint64_t bytes;
};

/* --- documents --- */

static bool damaged(const struct vdm_bundle_frame *f, const char *how, struct vdm_err *err)
{
    return vdm_fail_as(err, VDM_ERR_MALFORMED,
                       "entry %" PRIu64 ": its document %s; run `vidimus verify`", f->n, how);
}

static bool other_bytes(const struct vdm_bundle_frame *f, struct vdm_err *err)
{
    return damaged(f, "is damaged: the store has other bytes than were recorded", err);
}

static bool open_document(struct vdm_store *store, const struct vdm_bundle_frame *f,
                          struct vdm_store_reader *from, struct vdm_err *err)
{
    struct vdm_err why = {0};
    if (vdm_store_get(store, f->document, from, &why))
        return true;
    if (why.kind == VDM_ERR_NOT_FOUND)
        return damaged(f, "is missing in the store", err);
    if (why.kind == VDM_ERR_REFUSED)
        return damaged(f, "is not a file in the store", err);
    return vdm_fail_as(err, why.kind, "entry %" PRIu64 ": its document: %s", f->n, why.text);
}

/* All of it into memory that is as large as it should be. */
static bool fetch_into(const struct fetcher *from, const struct vdm_bundle_frame *f, uint8_t *p,
                       struct vdm_err *err)
{
    struct vdm_store_reader r VDM_CLEANUP(vdm_store_reader_close) = {0};
    size_t have = 0, size = (size_t)f->size, got = 1;
    uint8_t more;
    if (!open_document(from->store, f, &r, err))
        return false;
    while (have < size && got > 0) {
        if (!r.read(&r, p + have, size - have, &got, err))
            return vdm_err_prefix(err, "entry %" PRIu64 ": its document", f->n);
        have += got;
    }
    if (!r.read(&r, &more, 1, &got, err))
        return vdm_err_prefix(err, "entry %" PRIu64 ": its document", f->n);
    return (have == size && got == 0 &&
            vdm_digest_equal(vdm_sha256(from->crypto, (struct vdm_bytes){p, size}), f->document)) ||
           other_bytes(f, err);
}

/* On any thread: a run of them, as neighbours lie side by side in the store, too, where one reading takes in several. */
static void fetch(void *ctx, unsigned worker, size_t run)
{
    struct writing *w = ctx;
    struct slice *s = w->ahead;
    for (size_t i = run * FETCH_RUN; i < (run + 1) * FETCH_RUN && i < s->n; i++) {
        struct framed *f = &s->framed[i];
        f->why = (struct vdm_err){0};
        if (f->ahead && !fetch_into(&w->fetcher[worker], &f->frame, s->bytes.p + f->at, &f->why))
            f->ahead = false;
    }
}

/* A large one from the store into the tar, hashed on the way: what was recorded or nothing. */
static bool write_document(struct writing *w, const struct vdm_bundle_frame *f, struct vdm_err *err)
{
    struct vdm_store_reader from VDM_CLEANUP(vdm_store_reader_close) = {0};
    uint64_t left = f->size;
    size_t got = 0;
    if (!open_document(w->j->a->store, f, &from, err) ||
        !vdm_tar_writer_begin(w->tar, f->path, f->size, err))
        return false;
    for (;;) {
        if (vdm_progress_stop(w->j->progress))
            return vdm_fail_as(err, VDM_ERR_INTERRUPTED, "interrupted");
        if (!from.read(&from, w->copy.p, w->copy.n, &got, err))
            return vdm_err_prefix(err, "entry %" PRIu64 ": its document", f->n);
        if (got == 0 || got > left)
            break;
        struct vdm_bytes piece = {w->copy.p, got};
        vdm_hash_update(w->j->hash, piece);
        if (!vdm_tar_writer_write(w->tar, piece, err))
            return false;
        left -= got;
    }
    struct vdm_digest found = vdm_hash_end(w->j->hash);
    if (got > 0 || left > 0 || !vdm_digest_equal(found, f->document))
        return other_bytes(f, err);
    return vdm_tar_writer_end(w->tar, err);
}

/* --- slices --- */

static bool fill(struct writing *w, struct slice *s, struct vdm_err *err)
{
    struct vdm_spool *from = &w->j->members;
    vdm_buf_clear(&s->bytes);
    s->n = 0;
    while (s->n < SLICE_FRAMES && s->bytes.n < SLICE_BYTES && !vdm_spool_at_end(from)) {
        struct framed *f = &s->framed[s->n++];
        if (!vdm_spool_take(from, (uint8_t *)&f->frame, sizeof f->frame, err))
            return false;
        f->at = s->bytes.n;
        f->ahead = f->frame.is_document && f->frame.size <= SLICE_BYTES;
        if ((f->frame.is_document && !f->ahead) || f->frame.size == 0)
            continue;
        uint8_t *p = vdm_buf_grow(&s->bytes, (size_t)f->frame.size);
        if (!p)
            return vdm_fail_memory(err);
        if (!f->ahead && !vdm_spool_take(from, p, (size_t)f->frame.size, err))
            return false;
    }
    return true;
}

static bool start(struct writing *w, struct slice *s, struct vdm_err *err)
{
    if (!fill(w, s, err))
        return false;
    w->ahead = s;
    vdm_pool_start(w->pool, (s->n + FETCH_RUN - 1) / FETCH_RUN, fetch, w);
    return true;
}

static bool write_framed(struct writing *w, const struct slice *s, const struct framed *f,
                         struct vdm_err *err)
{
    const struct vdm_bundle_frame *frame = &f->frame;
    if (f->why.kind)
        return vdm_fail_as(err, f->why.kind, "%s", f->why.text);
    if (frame->is_document && !f->ahead)
        return write_document(w, frame, err);
    return vdm_tar_writer_add(w->tar, frame->path,
                              (struct vdm_bytes){s->bytes.p + f->at, (size_t)frame->size}, err);
}

static bool write_slice(struct writing *w, const struct slice *s, struct vdm_err *err)
{
    for (size_t i = 0; i < s->n; i++) {
        const struct vdm_bundle_frame *f = &s->framed[i].frame;
        if (vdm_progress_stop(w->j->progress))
            return vdm_fail_as(err, VDM_ERR_INTERRUPTED, "interrupted");
        if (!write_framed(w, s, &s->framed[i], err))
            return false;
        w->bytes += f->is_document ? f->size : 0;
        if (f->group)
            vdm_progress_tell(w->j->progress, "writing", f->group, w->j->selected.count, w->bytes);
    }
    return true;
}

static bool write_all(struct writing *w, struct vdm_err *err)
{
    bool ok = vdm_spool_rewind(&w->j->members, err) && start(w, &w->slice[0], err);
    for (unsigned i = 0; ok && w->slice[i].n > 0; i = !i) {
        vdm_pool_finish(w->pool);
        ok = start(w, &w->slice[!i], err) && write_slice(w, &w->slice[i], err);
    }
    vdm_pool_finish(w->pool);
    return ok && vdm_spool_check(&w->j->members, err);
}

/* --- all of it --- */

static bool open_fetchers(struct writing *w, struct vdm_err *err)
{
    struct vdm_archive *a = w->j->a;
    w->fetcher[0] = (struct fetcher){a->crypto, a->store};
    for (unsigned i = 1; i < vdm_pool_workers(w->pool); i++) {
        struct fetcher *f = &w->fetcher[i];
        if (!vdm_crypto_open(&f->crypto, err) ||
            !vdm_store_open_folder(&f->store, f->crypto, a->store_path, false, err))
            return false;
    }
    return true;
}

bool vdm_bundle_write_members(struct vdm_bundle_job *j, struct vdm_tar_writer *tar,
                              struct vdm_err *err)
{
    struct writing w = {.j = j, .tar = tar, .slice = calloc(2, sizeof *w.slice)};
    bool ok = (w.slice && vdm_buf_grow(&w.copy, VDM_COPY_BYTES)) || vdm_fail_memory(err);
    ok = ok && vdm_pool_open(&w.pool, vdm_bundle_threads(j, j->documents), err) &&
         open_fetchers(&w, err) && write_all(&w, err);
    vdm_pool_close(w.pool);
    for (unsigned i = 1; i < VDM_POOL_WORKERS_MAX; i++) {
        vdm_store_close(w.fetcher[i].store);
        vdm_crypto_close(w.fetcher[i].crypto);
    }
    for (unsigned i = 0; w.slice && i < 2; i++)
        vdm_buf_release(&w.slice[i].bytes);
    free(w.slice);
    vdm_buf_release(&w.copy);
    return ok;
}
