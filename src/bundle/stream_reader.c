/* SPDX-License-Identifier: MIT */
#define ZLIB_CONST
#include "base/file.h"
#include "base/limits.h"
#include "bundle/stream.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

struct vdm_stream_reader {
    int fd;
    bool fd_at_end;
    enum vdm_stream_form form;
    enum vdm_stream_state state;
    const char *reason;
    uint64_t bytes;
    uint64_t raw_bytes;
    z_stream gzip; /* open where form is GZIP */
    ZSTD_DStream *zstd;
    uint64_t content; /* what the zstd frame says is in it; ZSTD_CONTENTSIZE_UNKNOWN: nothing */
    size_t at, end;   /* what of `in` is still to be used */
    uint8_t in[VDM_COPY_BYTES];
};

static void over(struct vdm_stream_reader *s, enum vdm_stream_state state, const char *reason)
{
    s->state = state;
    s->reason = reason;
}

/* Afterwards at == end only where the descriptor is at its end. */
static bool fill(struct vdm_stream_reader *s, struct vdm_err *err)
{
    if (s->at < s->end || s->fd_at_end)
        return true;
    size_t got = 0;
    if (!vdm_fd_read(s->fd, s->in, sizeof s->in, &got, err))
        return false;
    s->fd_at_end = got < sizeof s->in;
    s->at = 0;
    s->end = got;
    return true;
}

static void used(struct vdm_stream_reader *s, size_t n)
{
    s->at += n;
    s->raw_bytes += n;
}

/* The decoder has seen the end of its member or frame. Nothing may follow. */
static bool ended(struct vdm_stream_reader *s, struct vdm_err *err)
{
    if (!fill(s, err))
        return false;
    if (s->at < s->end)
        over(s, VDM_STREAM_TRAILING,
             s->form == VDM_STREAM_GZIP ? "bytes after the end of the gzip member"
                                        : "bytes after the end of the zstd frame");
    else
        over(s, VDM_STREAM_END, "");
    return true;
}

/* --- the zstd frame header (RFC 8878, 3.1.1.1) --- */

static uint64_t little_endian(const uint8_t *p, size_t n)
{
    uint64_t value = 0;
    while (n-- > 0)
        value = value << 8 | p[n];
    return value;
}

/* The window a frame asks for; 0 where the header is not complete. libzstd's own check is not
 * enough: it is left out when the output has room for the whole content. */
static uint64_t frame_window(const uint8_t *p, size_t n)
{
    static const size_t id_bytes[4] = {0, 1, 2, 4}, size_bytes[4] = {1, 2, 4, 8};
    if (n < 6)
        return 0;
    uint8_t descriptor = p[4];
    if (!(descriptor & 0x20)) {
        uint64_t base = UINT64_C(1) << (10 + (p[5] >> 3));
        return base + base / 8 * (p[5] & 7);
    }
    /* A single segment: the content is its own window. */
    size_t at = 5 + id_bytes[descriptor & 3], size = size_bytes[descriptor >> 6];
    if (n < at + size)
        return 0;
    return little_endian(p + at, size) + (size == 2 ? 256 : 0);
}

static bool open_zstd(struct vdm_stream_reader *s, struct vdm_err *err)
{
    s->form = VDM_STREAM_ZSTD;
    s->zstd = ZSTD_createDStream();
    if (!s->zstd || ZSTD_isError(ZSTD_DCtx_setParameter(s->zstd, ZSTD_d_windowLogMax,
                                                        VDM_STREAM_WINDOW_LOG_MAX)))
        return vdm_fail_memory(err);
    s->content = ZSTD_getFrameContentSize(s->in, s->end);
    if (frame_window(s->in, s->end) > VDM_STREAM_WINDOW_MAX)
        over(s, VDM_STREAM_CORRUPT, "the zstd frame wants a window of more than 8 MiB");
    return true;
}

static bool open_gzip(struct vdm_stream_reader *s, struct vdm_err *err)
{
    /* 16: gzip only, neither zlib nor raw deflate. */
    if (inflateInit2(&s->gzip, 15 + 16) != Z_OK)
        return vdm_fail_memory(err);
    s->form = VDM_STREAM_GZIP;
    return true;
}

static bool start(struct vdm_stream_reader *s, struct vdm_err *err)
{
    if (!fill(s, err))
        return false;
    struct vdm_bytes head = {s->in, s->end};
    if (vdm_bytes_start_with(head, VDM_LIT("\x1f\x8b")))
        return open_gzip(s, err);
    if (vdm_bytes_start_with(head, VDM_LIT("\x28\xb5\x2f\xfd")))
        return open_zstd(s, err);
    if (head.n >= 4 && (head.p[0] & 0xF0) == 0x50 && memcmp(head.p + 1, "\x2a\x4d\x18", 3) == 0) {
        s->form = VDM_STREAM_ZSTD;
        over(s, VDM_STREAM_CORRUPT, "a skippable zstd frame stands in front");
    }
    return true;
}

bool vdm_stream_reader_open(struct vdm_stream_reader **out, int fd, struct vdm_err *err)
{
    struct vdm_stream_reader *s VDM_CLEANUP(vdm_stream_reader_cleanup) = calloc(1, sizeof *s);
    if (!s)
        return vdm_fail_memory(err);
    s->fd = fd;
    s->reason = "";
    if (!start(s, err))
        return false;
    *out = s;
    s = NULL;
    return true;
}

void vdm_stream_reader_close(struct vdm_stream_reader *s)
{
    if (!s)
        return;
    if (s->form == VDM_STREAM_GZIP)
        inflateEnd(&s->gzip);
    ZSTD_freeDStream(s->zstd);
    free(s);
}

void vdm_stream_reader_cleanup(struct vdm_stream_reader **s)
{
    vdm_stream_reader_close(*s);
    *s = NULL;
}

/* --- one step of each form: some input, some output, perhaps the end --- */

static void step_plain(struct vdm_stream_reader *s, uint8_t *p, size_t cap, size_t *made)
{
    size_t n = s->end - s->at < cap ? s->end - s->at : cap;
    memcpy(p, s->in + s->at, n);
    used(s, n);
    *made = n;
    if (n == 0)
        over(s, VDM_STREAM_END, "");
}

static bool step_gzip(struct vdm_stream_reader *s, uint8_t *p, size_t cap, size_t *made,
                      struct vdm_err *err)
{
    uInt room = cap < VDM_COPY_BYTES ? (uInt)cap : VDM_COPY_BYTES;
    s->gzip.next_in = s->in + s->at;
    s->gzip.avail_in = (uInt)(s->end - s->at);
    s->gzip.next_out = p;
    s->gzip.avail_out = room;
    int result = inflate(&s->gzip, Z_NO_FLUSH);
    if (result == Z_MEM_ERROR)
        return vdm_fail_memory(err);
    used(s, s->end - s->at - s->gzip.avail_in);
    if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR) {
        over(s, VDM_STREAM_CORRUPT, "the gzip data does not decode");
        return true;
    }
    *made = room - s->gzip.avail_out;
    return result != Z_STREAM_END || ended(s, err);
}

static bool step_zstd(struct vdm_stream_reader *s, uint8_t *p, size_t cap, size_t *made,
                      struct vdm_err *err)
{
    ZSTD_inBuffer in = {s->in + s->at, s->end - s->at, 0};
    ZSTD_outBuffer out = {p, cap, 0};
    size_t result = ZSTD_decompressStream(s->zstd, &out, &in);
    if (ZSTD_getErrorCode(result) == ZSTD_error_memory_allocation)
        return vdm_fail_memory(err);
    used(s, in.pos);
    if (ZSTD_isError(result)) {
        over(s, VDM_STREAM_CORRUPT, "the zstd data does not decode");
        return true;
    }
    *made = out.pos;
    if (result != 0)
        return true;
    /* libzstd's own check depends on how the output is asked for: before an empty last block it may
     * be left out. */
    if (s->content != ZSTD_CONTENTSIZE_UNKNOWN && s->bytes + out.pos != s->content) {
        over(s, VDM_STREAM_CORRUPT, "the zstd frame does not hold as much as it says");
        return true;
    }
    return ended(s, err);
}

static bool step(struct vdm_stream_reader *s, uint8_t *p, size_t cap, size_t *made,
                 struct vdm_err *err)
{
    if (!fill(s, err))
        return false;
    if (s->form == VDM_STREAM_PLAIN) {
        step_plain(s, p, cap, made);
        return true;
    }
    /* The decoder is asked once more after the input is used up: it may hold output back. */
    bool last = s->at == s->end;
    if (!(s->form == VDM_STREAM_GZIP ? step_gzip : step_zstd)(s, p, cap, made, err))
        return false;
    if (last && *made == 0 && s->state == VDM_STREAM_MORE)
        over(s, VDM_STREAM_CUT_OFF, "the compressed data is cut off");
    return true;
}

bool vdm_stream_read(struct vdm_stream_reader *s, uint8_t *p, size_t cap, size_t *got,
                     enum vdm_stream_state *state, struct vdm_err *err)
{
    size_t n = 0;
    while (n < cap && s->state == VDM_STREAM_MORE) {
        size_t made = 0;
        if (!step(s, p + n, cap - n, &made, err))
            return false;
        n += made;
        s->bytes += made;
    }
    *got = n;
    *state = s->state;
    return true;
}

enum vdm_stream_form vdm_stream_form(const struct vdm_stream_reader *s)
{
    return s->form;
}

enum vdm_stream_state vdm_stream_state(const struct vdm_stream_reader *s)
{
    return s->state;
}

const char *vdm_stream_reason(const struct vdm_stream_reader *s)
{
    return s->reason;
}

uint64_t vdm_stream_bytes(const struct vdm_stream_reader *s)
{
    return s->bytes;
}

uint64_t vdm_stream_raw_bytes(const struct vdm_stream_reader *s)
{
    return s->raw_bytes;
}
