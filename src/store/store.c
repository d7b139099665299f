/* SPDX-License-Identifier: MIT */
#include "store/store.h"

#include "base/limits.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool vdm_store_init(struct vdm_store *s, const struct vdm_store_ops *ops, bool writable,
                    struct vdm_crypto *crypto, struct vdm_err *err)
{
    struct vdm_store made = {.ops = ops, .writable = writable};
    made.copy = malloc(VDM_COPY_BYTES);
    if (!made.copy)
        return vdm_fail_memory(err);
    if (!vdm_hash_open(&made.hash, crypto, err)) {
        free(made.copy);
        return false;
    }
    *s = made;
    return true;
}

void vdm_store_release(struct vdm_store *s)
{
    vdm_hash_close(s->hash);
    free(s->copy);
    *s = (struct vdm_store){0};
}

static bool may_write(const struct vdm_store *s, struct vdm_err *err)
{
    if (!s->writable)
        return vdm_fail_as(err, VDM_ERR_USAGE, "store: opened for reading only");
    if (s->failed)
        return vdm_fail(err, "store: a sync failed before; what was written since is in doubt");
    return true;
}

bool vdm_store_put(struct vdm_store *s, vdm_read_fn *read, void *ctx, uint64_t size_hint,
                   struct vdm_stored *out, struct vdm_err *err)
{
    return may_write(s, err) && s->ops->put(s, read, ctx, size_hint, out, err);
}

bool vdm_store_put_all(struct vdm_store *s, struct vdm_store_document *d, size_t n, size_t *done,
                       struct vdm_err *err)
{
    *done = 0;
    if (!may_write(s, err))
        return false;
    if (s->ops->put_all)
        return s->ops->put_all(s, d, n, done, err);
    for (; *done < n; ++*done) {
        struct vdm_bytes left = d[*done].bytes;
        if (!s->ops->put(s, vdm_read_bytes, &left, left.n, &d[*done].stored, err))
            return false;
    }
    return true;
}

bool vdm_store_sync(struct vdm_store *s, struct vdm_err *err)
{
    if (!may_write(s, err))
        return false;
    if (s->ops->sync(s, err))
        return true;
    /* The kernel may have dropped the pages: a second try would succeed without writing them. */
    s->failed = true;
    return vdm_err_prefix(err, "store");
}

static bool object_failed(struct vdm_digest id, struct vdm_err *err)
{
    char hex[65];
    vdm_digest_hex(id, hex);
    return vdm_err_prefix(err, "object %s", hex);
}

bool vdm_store_get(struct vdm_store *s, struct vdm_digest id, struct vdm_store_reader *r,
                   struct vdm_err *err)
{
    return s->ops->get(s, id, r, err) || object_failed(id, err) || vdm_err_prefix(err, "store");
}

bool vdm_store_erase(struct vdm_store *s, struct vdm_digest id, uint64_t size_bytes,
                     struct vdm_err *err)
{
    return may_write(s, err) && (s->ops->erase(s, id, size_bytes, err) || object_failed(id, err) ||
                                 vdm_err_prefix(err, "store"));
}

bool vdm_store_set_aside(struct vdm_store *s, struct vdm_digest id, struct vdm_err *err)
{
    return may_write(s, err) && (s->ops->set_aside(s, id, err) || object_failed(id, err) ||
                                 vdm_err_prefix(err, "store"));
}

bool vdm_store_reindex(struct vdm_store *s, struct vdm_err *err)
{
    return may_write(s, err) &&
           (!s->ops->reindex || s->ops->reindex(s, err) || vdm_err_prefix(err, "store"));
}

static bool holds(struct vdm_store *s, struct vdm_digest id, bool *yes, struct vdm_err *err)
{
    struct vdm_store_reader r VDM_CLEANUP(vdm_store_reader_close) = {0};
    struct vdm_err why = {0};
    *yes = false;
    if (s->ops->plainly_holds && !s->ops->plainly_holds(s, id, yes, err))
        return false;
    if (*yes)
        return true;
    *yes = s->ops->get(s, id, &r, &why);
    return *yes || why.kind == VDM_ERR_NOT_FOUND || vdm_fail_as(err, why.kind, "%s", why.text);
}

bool vdm_store_holds(struct vdm_store *s, struct vdm_digest id, bool *yes, struct vdm_err *err)
{
    return holds(s, id, yes, err) || object_failed(id, err) || vdm_err_prefix(err, "store");
}

bool vdm_store_each(struct vdm_store *s, vdm_store_visit_fn *visit, void *ctx, struct vdm_err *err)
{
    return s->ops->each(s, visit, ctx, err);
}

void vdm_store_close(struct vdm_store *s)
{
    if (s)
        s->ops->close(s);
}

void vdm_store_cleanup(struct vdm_store **s)
{
    vdm_store_close(*s);
    *s = NULL;
}

bool vdm_store_reader_skip(struct vdm_store_reader *r, uint64_t n, struct vdm_err *err)
{
    if (r->window) {
        uint64_t left = r->end - r->at;
        r->at += n < left ? n : left;
        r->ahead = vdm_bytes_skip(r->ahead, n < r->ahead.n ? (size_t)n : r->ahead.n);
        return true;
    }
    if (r->fd >= 0)
        return lseek(r->fd, (off_t)n, SEEK_CUR) >= 0 || vdm_fail_errno(err, "store: seek");
    r->rest = vdm_bytes_skip(r->rest, n < r->rest.n ? (size_t)n : r->rest.n);
    return true;
}

void vdm_store_reader_close(struct vdm_store_reader *r)
{
    if (r->close)
        r->close(r);
    *r = (struct vdm_store_reader){0};
}

/* Sources give what they have; a full buffer keeps the writes large and few. */
static bool fill(uint8_t *p, vdm_read_fn *read, void *ctx, size_t *n, struct vdm_err *err)
{
    size_t have = 0, got = 0;
    do {
        if (!read(ctx, p + have, VDM_COPY_BYTES - have, &got, err))
            return false;
        assert(got <= VDM_COPY_BYTES - have);
        have += got;
    } while (got && have < VDM_COPY_BYTES);
    *n = have;
    return true;
}

static bool copy_all(struct vdm_store *s, vdm_read_fn *read, void *ctx, vdm_store_sink_fn *sink,
                     void *sink_ctx, uint64_t *size, struct vdm_err *err)
{
    size_t n;
    *size = 0;
    do {
        if (!fill(s->copy, read, ctx, &n, err))
            return false;
        struct vdm_bytes piece = {s->copy, n};
        vdm_hash_update(s->hash, piece);
        if (n && !sink(sink_ctx, piece, err))
            return vdm_err_prefix(err, "store");
        *size += n;
    } while (n == VDM_COPY_BYTES);
    return true;
}

bool vdm_store_copy(struct vdm_store *s, vdm_read_fn *read, void *ctx, vdm_store_sink_fn *sink,
                    void *sink_ctx, struct vdm_stored *out, struct vdm_err *err)
{
    uint64_t size;
    bool ok = copy_all(s, read, ctx, sink, sink_ctx, &size, err);
    /* Ended after a failure too: the next object must not begin with half of this one. */
    struct vdm_digest id = vdm_hash_end(s->hash);
    if (!ok)
        return false;
    out->id = id;
    out->size_bytes = size;
    return true;
}

/* Stops soon after `limit`: a file that grows for ever must not hold us. Then *longer is set, and the
 * digest means nothing. */
static bool hash_reader(struct vdm_store *s, struct vdm_store_reader *r, uint64_t limit,
                        struct vdm_digest *digest, bool *longer, struct vdm_err *err)
{
    uint64_t total = 0;
    size_t got;
    bool ok;
    do {
        ok = r->read(r, s->copy, VDM_COPY_BYTES, &got, err);
        if (ok)
            vdm_hash_update(s->hash, (struct vdm_bytes){s->copy, got});
        total += ok ? got : 0;
    } while (ok && got && total <= limit);
    *digest = vdm_hash_end(s->hash);
    *longer = total > limit;
    return ok;
}

bool vdm_store_look(struct vdm_store *s, struct vdm_digest id, uint64_t size_bytes,
                    enum vdm_store_state *state, struct vdm_err *err)
{
    struct vdm_store_reader r VDM_CLEANUP(vdm_store_reader_close) = {0};
    struct vdm_err why = {0};
    if (!s->ops->get(s, id, &r, &why)) {
        if (why.kind == VDM_ERR_NOT_FOUND || why.kind == VDM_ERR_REFUSED) {
            *state = why.kind == VDM_ERR_NOT_FOUND ? VDM_STORE_MISSING : VDM_STORE_NOT_A_FILE;
            return true;
        }
        if (err)
            *err = why;
        return object_failed(id, err);
    }
    if (size_bytes != VDM_SIZE_UNKNOWN && r.size_bytes != size_bytes) {
        *state = VDM_STORE_DAMAGED;
        return true;
    }
    struct vdm_digest found;
    bool longer;
    if (!hash_reader(s, &r, r.size_bytes, &found, &longer, err))
        return object_failed(id, err);
    *state = !longer && vdm_digest_equal(found, id) ? VDM_STORE_GOOD : VDM_STORE_DAMAGED;
    return true;
}

bool vdm_store_check(struct vdm_store *s, struct vdm_digest id, uint64_t size_bytes,
                     enum vdm_store_state *state, struct vdm_err *err)
{
    return vdm_store_look(s, id, size_bytes, state, err) || vdm_err_prefix(err, "store");
}
