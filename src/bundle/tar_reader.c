/* SPDX-License-Identifier: MIT */
#include "bundle/tar.h"

#include "format/ustar.h"

#include <string.h>

void vdm_tar_reader_init(struct vdm_tar_reader *r, struct vdm_stream_reader *in)
{
    *r = (struct vdm_tar_reader){.in = in, .reason = ""};
}

static void stop(struct vdm_tar_reader *r, enum vdm_tar_status status, uint64_t offset,
                 const char *reason)
{
    r->status = status;
    r->offset = offset;
    r->reason = reason;
}

/* The stream is over although more was expected. */
static void stop_short(struct vdm_tar_reader *r, enum vdm_stream_state state, const char *where)
{
    uint64_t here = vdm_stream_bytes(r->in);
    if (state == VDM_STREAM_CORRUPT)
        stop(r, VDM_TAR_DAMAGED, here, vdm_stream_reason(r->in));
    else if (state == VDM_STREAM_TRAILING)
        stop(r, VDM_TAR_MALFORMED, here, vdm_stream_reason(r->in));
    else if (state == VDM_STREAM_CUT_OFF)
        stop(r, VDM_TAR_CUT_OFF, here, vdm_stream_reason(r->in));
    else
        stop(r, VDM_TAR_CUT_OFF, here, where);
}

/* Up to n bytes; fewer only where the stream is over, and then the status says so. */
static bool take(struct vdm_tar_reader *r, uint8_t *p, size_t n, size_t *got, const char *where,
                 struct vdm_err *err)
{
    enum vdm_stream_state state;
    if (!vdm_stream_read(r->in, p, n, got, &state, err))
        return false;
    if (*got < n)
        stop_short(r, state, where);
    return true;
}

static size_t first_nonzero(const uint8_t *p, size_t n)
{
    size_t i = 0;
    while (i < n && p[i] == 0)
        i++;
    return i;
}

/* n bytes (at most a block) that must be zero. */
static bool take_zeros(struct vdm_tar_reader *r, size_t n, const char *where, const char *otherwise,
                       struct vdm_err *err)
{
    uint8_t block[VDM_TAR_BLOCK];
    uint64_t start = vdm_stream_bytes(r->in);
    size_t got = 0;
    if (!take(r, block, n, &got, where, err))
        return false;
    size_t at = first_nonzero(block, got);
    if (at < got)
        stop(r, VDM_TAR_MALFORMED, start + at, otherwise);
    return true;
}

/* Content that nobody asked for. */
static bool pass_content(struct vdm_tar_reader *r, struct vdm_err *err)
{
    uint8_t drop[4096];
    size_t got = 1;
    while (got > 0) {
        enum vdm_tar_status status;
        if (!vdm_tar_reader_read(r, drop, sizeof drop, &got, &status, err))
            return false;
    }
    return true;
}

/* What is left of the current member. */
static bool pass_member(struct vdm_tar_reader *r, struct vdm_err *err)
{
    if (r->left > 0 && !pass_content(r, err))
        return false;
    return r->status != VDM_TAR_OK || take_zeros(r, r->padding, "the tar is cut off in its padding",
                                                 "the padding is not zero", err);
}

/* The first zero block has been seen: one more, then nothing. */
static bool take_end(struct vdm_tar_reader *r, struct vdm_err *err)
{
    if (!take_zeros(r, VDM_TAR_BLOCK, "the tar is cut off in its end marker",
                    "one zero block alone is no end marker", err))
        return false;
    if (r->status != VDM_TAR_OK)
        return true;
    uint64_t here = vdm_stream_bytes(r->in);
    enum vdm_stream_state state;
    uint8_t byte;
    size_t got = 0;
    if (!vdm_stream_read(r->in, &byte, 1, &got, &state, err))
        return false;
    if (got > 0)
        stop(r, VDM_TAR_MALFORMED, here, "bytes after the end marker of the tar");
    else if (state == VDM_STREAM_END)
        stop(r, VDM_TAR_END, here, "");
    else
        stop_short(r, state, "");
    return true;
}

static bool same_folder(struct vdm_tar_reader *r, const struct vdm_tar_member *m)
{
    size_t n = (size_t)(vdm_tar_path(m) - m->name) - 1;
    struct vdm_bytes folder = {(const uint8_t *)m->name, n};
    if (r->folder[0])
        return vdm_bytes_equal_str(folder, r->folder);
    memcpy(r->folder, m->name, n);
    return true;
}

bool vdm_tar_reader_next(struct vdm_tar_reader *r, enum vdm_tar_status *status,
                         struct vdm_tar_member *m, struct vdm_err *err)
{
    uint8_t block[VDM_TAR_BLOCK];
    struct vdm_tar_member found;
    const char *reason;
    size_t got = 0;
    if (!pass_member(r, err))
        return false;
    uint64_t start = vdm_stream_bytes(r->in);
    if (r->status == VDM_TAR_OK &&
        !take(r, block, sizeof block, &got, "the tar is cut off before its end marker", err))
        return false;
    if (start == 0) {
        r->begin_n = got < sizeof r->begin ? got : sizeof r->begin;
        memcpy(r->begin, block, r->begin_n);
    }
    if (r->status == VDM_TAR_OK && first_nonzero(block, got) == got) {
        if (!take_end(r, err))
            return false;
    } else if (r->status == VDM_TAR_OK && !vdm_tar_header_decode(block, &found, &reason)) {
        r->foreign = start == 0 && vdm_ustar_checksum_right(block);
        stop(r, VDM_TAR_MALFORMED, start, reason);
    } else if (r->status == VDM_TAR_OK && !same_folder(r, &found)) {
        stop(r, VDM_TAR_MALFORMED, start, "a member in another top folder");
    }
    *status = r->status;
    if (r->status != VDM_TAR_OK)
        return true;
    r->left = found.size;
    r->padding = (unsigned)(-found.size % VDM_TAR_BLOCK);
    *m = found;
    return true;
}

bool vdm_tar_reader_read(struct vdm_tar_reader *r, uint8_t *p, size_t cap, size_t *got,
                         enum vdm_tar_status *status, struct vdm_err *err)
{
    size_t want = r->left < cap ? (size_t)r->left : cap, n = 0;
    if (!take(r, p, want, &n, "the tar is cut off inside a member", err))
        return false;
    r->left -= n;
    *got = n;
    *status = r->status;
    return true;
}
