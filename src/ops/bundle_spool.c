/* SPDX-License-Identifier: MIT */
#include "base/file.h"
#include "base/limits.h"
#include "ops/bundle_make.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool vdm_spool_open(struct vdm_spool *s, struct vdm_crypto *c, int dir, struct vdm_err *err)
{
    memset(s, 0, sizeof *s);
    s->fd = -1;
    if (!vdm_hash_open(&s->hash, c, err))
        return false;
    if (vdm_file_scratch(dir, &s->fd, err))
        return true;
    vdm_spool_release(s);
    return false;
}

void vdm_spool_release(struct vdm_spool *s)
{
    if (!s->hash)
        return;
    vdm_hash_close(s->hash);
    s->hash = NULL;
    vdm_fd_close(&s->fd);
    vdm_buf_release(&s->pending);
}

static bool flush(struct vdm_spool *s, struct vdm_err *err)
{
    if (!vdm_buf_ok(&s->pending, err) || !vdm_fd_write(s->fd, vdm_buf_bytes(&s->pending), err))
        return vdm_err_prefix(err, "scratch file");
    vdm_buf_clear(&s->pending);
    return true;
}

bool vdm_spool_put(struct vdm_spool *s, struct vdm_bytes data, struct vdm_err *err)
{
    vdm_hash_update(s->hash, data);
    vdm_buf_put(&s->pending, data);
    s->bytes += data.n;
    return s->pending.n < VDM_COPY_BYTES ? vdm_buf_ok(&s->pending, err) : flush(s, err);
}

bool vdm_spool_end(struct vdm_spool *s, struct vdm_err *err)
{
    s->digest = vdm_hash_end(s->hash);
    return flush(s, err);
}

bool vdm_spool_copy(const struct vdm_spool *s, vdm_spool_sink_fn *sink, void *ctx,
                    struct vdm_err *err)
{
    uint8_t piece[8192];
    if (lseek(s->fd, 0, SEEK_SET) != 0)
        return vdm_fail_errno(err, "scratch file");
    for (uint64_t left = s->bytes; left > 0;) {
        size_t want = left < sizeof piece ? (size_t)left : sizeof piece, got;
        if (!vdm_fd_read(s->fd, piece, want, &got, err))
            return vdm_err_prefix(err, "scratch file");
        if (got != want)
            return vdm_fail(err, "scratch file: cut short");
        if (!sink(ctx, (struct vdm_bytes){piece, got}, err))
            return false;
        left -= got;
    }
    return true;
}

bool vdm_spool_rewind(struct vdm_spool *s, struct vdm_err *err)
{
    vdm_buf_clear(&s->pending);
    s->at = 0;
    s->left = s->bytes;
    return lseek(s->fd, 0, SEEK_SET) == 0 || vdm_fail_errno(err, "scratch file");
}

static bool read_ahead(struct vdm_spool *s, struct vdm_err *err)
{
    size_t want = s->left < VDM_COPY_BYTES ? (size_t)s->left : VDM_COPY_BYTES, got;
    uint8_t *p;
    vdm_buf_clear(&s->pending);
    s->at = 0;
    if (!(p = vdm_buf_grow(&s->pending, want)))
        return vdm_fail_memory(err);
    if (!vdm_fd_read(s->fd, p, want, &got, err))
        return vdm_err_prefix(err, "scratch file");
    if (want == 0 || got != want)
        return vdm_fail(err, "scratch file: cut short");
    vdm_hash_update(s->hash, vdm_buf_bytes(&s->pending));
    s->left -= got;
    return true;
}

bool vdm_spool_take(struct vdm_spool *s, uint8_t *p, size_t n, struct vdm_err *err)
{
    while (n > 0) {
        if (s->at == s->pending.n && !read_ahead(s, err))
            return false;
        size_t have = s->pending.n - s->at, k = n < have ? n : have;
        memcpy(p, s->pending.p + s->at, k);
        s->at += k;
        p += k;
        n -= k;
    }
    return true;
}

bool vdm_spool_check(struct vdm_spool *s, struct vdm_err *err)
{
    struct vdm_digest again = vdm_hash_end(s->hash);
    return (vdm_spool_at_end(s) && vdm_digest_equal(again, s->digest)) ||
           vdm_fail(err, "scratch file: it has other bytes than were written to it");
}
