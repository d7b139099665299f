/* SPDX-License-Identifier: MIT */
#define ZLIB_CONST
#include "capture/warc_unpack.h"

#include "base/limits.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#define BUFFER_BYTES   (2 * VDM_UNPACK_LOOK_MAX)
#define WINDOW_LOG_MAX 27 /* 128 MiB, what zstd takes without being asked */
#define DICTIONARY_MAX (8u << 20)
#define TRIES_MAX      100000 /* places that look like the start of a piece, in one file */

/* Where a piece begins: in the file, and in what comes out. */
struct mark {
    uint64_t unpacked, file;
};

struct vdm_unpack {
    struct vdm_span *span;
    enum vdm_unpack_form form;
    z_stream gzip;
    ZSTD_DStream *zstd;
    bool inside; /* a piece has begun and has not ended */
    bool ended;  /* the file has */
    int tries;
    const char *trouble;
    enum vdm_unpack_kind kind; /* of trouble */
    struct mark marks[64];     /* of the piece at hand, and of those that follow in the buffer */
    size_t marked;
    uint64_t at; /* unpacked position of p[from] */
    size_t from, n;
    uint8_t p[BUFFER_BYTES];
};

static bool is_gzip(struct vdm_bytes b)
{
    return b.n >= 4 && b.p[0] == 0x1f && b.p[1] == 0x8b && b.p[2] == 8 && (b.p[3] & 0xe0) == 0;
}

static bool is_zstd(struct vdm_bytes b)
{
    return vdm_bytes_start_with(b, VDM_LIT("\x28\xb5\x2f\xfd"));
}

static bool is_skippable(struct vdm_bytes b)
{
    return b.n >= 8 && (b.p[0] & 0xf0) == 0x50 && memcmp(b.p + 1, "\x2a\x4d\x18", 3) == 0;
}

static uint32_t little_endian(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* --- the dictionary --- */

static bool read_all(struct vdm_span *s, uint8_t *to, size_t n)
{
    while (n > 0) {
        struct vdm_bytes b = vdm_span_look(s, 1);
        size_t k = b.n < n ? b.n : n;
        if (k == 0)
            return false;
        memcpy(to, b.p, k);
        vdm_span_take(s, k);
        to += k;
        n -= k;
    }
    return true;
}

/* What one frame holds, DICTIONARY_MAX bytes at most, into `to`; 0: more, or no frame. */
static size_t unpack_frame(ZSTD_DStream *z, const uint8_t *p, size_t n, uint8_t *to)
{
    ZSTD_inBuffer in = {p, n, 0};
    ZSTD_outBuffer out = {to, DICTIONARY_MAX, 0};
    size_t result = 1;
    while (result != 0 && in.pos < in.size && out.pos < out.size)
        if (ZSTD_isError(result = ZSTD_decompressStream(z, &out, &in)))
            return 0;
    return result == 0 ? out.pos : 0;
}

/* It may itself be compressed. */
static bool load_dictionary(struct vdm_unpack *u, const uint8_t *p, size_t n)
{
    if (!is_zstd((struct vdm_bytes){p, n}))
        return !ZSTD_isError(ZSTD_DCtx_loadDictionary(u->zstd, p, n));
    uint8_t *unpacked = malloc(DICTIONARY_MAX);
    size_t got = unpacked ? unpack_frame(u->zstd, p, n, unpacked) : 0;
    bool ok = got && !ZSTD_isError(ZSTD_DCtx_reset(u->zstd, ZSTD_reset_session_only)) &&
              !ZSTD_isError(ZSTD_DCtx_loadDictionary(u->zstd, unpacked, got));
    free(unpacked);
    return ok;
}

static bool take_dictionary(struct vdm_unpack *u)
{
    struct vdm_bytes head = vdm_span_look(u->span, 8);
    uint32_t length = little_endian(head.p + 4);
    vdm_span_take(u->span, 8);
    uint8_t *p = length <= DICTIONARY_MAX ? malloc(length + 1) : NULL;
    bool ok = p && read_all(u->span, p, length) && load_dictionary(u, p, length);
    free(p);
    return ok;
}

/* --- open --- */

static bool open_zstd(struct vdm_unpack *u, struct vdm_bytes head)
{
    u->form = VDM_UNPACK_ZSTD;
    u->zstd = ZSTD_createDStream();
    if (!u->zstd ||
        ZSTD_isError(ZSTD_DCtx_setParameter(u->zstd, ZSTD_d_windowLogMax, WINDOW_LOG_MAX)))
        return false;
    if (is_skippable(head) && head.p[0] == 0x5d && !take_dictionary(u)) {
        u->trouble = "the zstd dictionary in front cannot be used";
        u->kind = VDM_UNPACK_CUT; /* nothing can be read */
        u->ended = true;
    }
    return true;
}

static bool open_form(struct vdm_unpack *u)
{
    struct vdm_bytes head = vdm_span_look(u->span, 8);
    if (is_gzip(head)) {
        u->form = VDM_UNPACK_GZIP;
        return inflateInit2(&u->gzip, 15 + 16) == Z_OK;
    }
    return (!is_zstd(head) && !is_skippable(head)) || open_zstd(u, head);
}

struct vdm_unpack *vdm_unpack_open(struct vdm_span *s)
{
    struct vdm_unpack *u = calloc(1, sizeof *u);
    if (!u)
        return NULL;
    u->span = s;
    if (!open_form(u)) {
        vdm_unpack_close(u);
        return NULL;
    }
    return u;
}

void vdm_unpack_close(struct vdm_unpack *u)
{
    if (!u)
        return;
    if (u->form == VDM_UNPACK_GZIP)
        inflateEnd(&u->gzip);
    ZSTD_freeDStream(u->zstd);
    free(u);
}

enum vdm_unpack_form vdm_unpack_form(const struct vdm_unpack *u)
{
    return u->form;
}

/* --- pieces --- */

static uint64_t made(const struct vdm_unpack *u)
{
    return u->at + (u->n - u->from);
}

/* A piece without bytes leaves no mark. */
static void mark(struct vdm_unpack *u)
{
    struct mark here = {made(u), vdm_span_at(u->span)};
    if (u->marked && u->marks[u->marked - 1].unpacked == here.unpacked)
        u->marked--;
    u->marks[u->marked++] = here;
}

static void fail(struct vdm_unpack *u, const char *why, enum vdm_unpack_kind kind)
{
    u->trouble = why;
    u->kind = kind;
    u->ended = true;
}

static void skip_frame(struct vdm_unpack *u, struct vdm_bytes head)
{
    uint64_t end = vdm_span_at(u->span) + 8 + little_endian(head.p + 4);
    if (end > u->span->end)
        fail(u, "the file ends in a skippable zstd frame", VDM_UNPACK_CUT);
    vdm_span_seek(u->span, end);
}

static void begin_piece(struct vdm_unpack *u)
{
    struct vdm_bytes head = vdm_span_look(u->span, 8);
    if (head.n == 0) {
        u->ended = true;
        mark(u); /* the end of the last one */
        return;
    }
    if (u->form == VDM_UNPACK_ZSTD && is_skippable(head)) {
        skip_frame(u, head);
        return;
    }
    if (u->form == VDM_UNPACK_GZIP ? !is_gzip(head) : !is_zstd(head)) {
        mark(u);
        fail(u,
             u->form == VDM_UNPACK_GZIP ? "what follows is no gzip member"
                                        : "what follows is no zstd frame",
             VDM_UNPACK_FOREIGN);
        return;
    }
    mark(u);
    u->inside = true;
    if (u->form == VDM_UNPACK_GZIP)
        inflateReset(&u->gzip);
    else
        ZSTD_DCtx_reset(u->zstd, ZSTD_reset_session_only);
}

static void step_gzip(struct vdm_unpack *u, struct vdm_bytes in)
{
    u->gzip.next_in = in.p;
    u->gzip.avail_in = (uInt)in.n;
    u->gzip.next_out = u->p + u->n;
    u->gzip.avail_out = (uInt)(sizeof u->p - u->n);
    int result = inflate(&u->gzip, Z_NO_FLUSH);
    bool stuck = u->gzip.avail_in == in.n && u->gzip.avail_out == sizeof u->p - u->n;
    vdm_span_take(u->span, in.n - u->gzip.avail_in);
    u->n = sizeof u->p - u->gzip.avail_out;
    u->inside = result != Z_STREAM_END;
    if (result == Z_MEM_ERROR)
        fail(u, "no memory to unpack it", VDM_UNPACK_DAMAGED);
    else if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR)
        fail(u, "the gzip data is damaged", VDM_UNPACK_DAMAGED);
    else if (u->inside && stuck && in.n == 0)
        fail(u, "the file ends in the middle of a gzip member", VDM_UNPACK_CUT);
}

static void step_zstd(struct vdm_unpack *u, struct vdm_bytes in)
{
    ZSTD_inBuffer from = {in.p, in.n, 0};
    ZSTD_outBuffer to = {u->p, sizeof u->p, u->n};
    size_t result = ZSTD_decompressStream(u->zstd, &to, &from);
    bool stuck = from.pos == 0 && to.pos == u->n;
    vdm_span_take(u->span, from.pos);
    u->n = to.pos;
    u->inside = result != 0;
    if (ZSTD_isError(result))
        fail(u, "the zstd data is damaged", VDM_UNPACK_DAMAGED);
    else if (u->inside && stuck && in.n == 0)
        fail(u, "the file ends in the middle of a zstd frame", VDM_UNPACK_CUT);
    else if (u->inside && stuck)
        fail(u, "the zstd data is damaged", VDM_UNPACK_DAMAGED);
}

/* What was not taken moves to the front. */
static void make_room(struct vdm_unpack *u)
{
    memmove(u->p, u->p + u->from, u->n - u->from);
    u->n -= u->from;
    u->from = 0;
}

struct vdm_bytes vdm_unpack_look(struct vdm_unpack *u, size_t want)
{
    if (u->form == VDM_UNPACK_PLAIN)
        return vdm_span_look(u->span, want);
    /* Only where it must: to move what waits before each of many small looks costs more than to unpack it. */
    if (u->from + want > sizeof u->p && !u->ended)
        make_room(u);
    while (u->n - u->from < want && !u->ended && u->marked < sizeof u->marks / sizeof *u->marks) {
        if (!u->inside)
            begin_piece(u);
        else if (u->form == VDM_UNPACK_GZIP)
            step_gzip(u, vdm_span_look(u->span, 1));
        else
            step_zstd(u, vdm_span_look(u->span, 1));
    }
    return (struct vdm_bytes){u->p + u->from, u->n - u->from};
}

void vdm_unpack_take(struct vdm_unpack *u, size_t n)
{
    if (u->form == VDM_UNPACK_PLAIN) {
        vdm_span_take(u->span, n);
        return;
    }
    size_t gone = 0;
    n = n < u->n - u->from ? n : u->n - u->from;
    u->from += n;
    u->at += n;
    /* Marks of pieces that lie behind; the one at hand stays, and so does the one before it while nothing of
     * the next was taken. */
    while (gone + 1 < u->marked && u->marks[gone + 1].unpacked < u->at)
        gone++;
    u->marked -= gone;
    memmove(u->marks, u->marks + gone, u->marked * sizeof *u->marks);
}

uint64_t vdm_unpack_at(const struct vdm_unpack *u)
{
    return u->form == VDM_UNPACK_PLAIN ? vdm_span_at(u->span) : u->at;
}

uint64_t vdm_unpack_file_at(const struct vdm_unpack *u)
{
    uint64_t file = u->marked ? u->marks[0].file : vdm_span_at(u->span);
    if (u->form == VDM_UNPACK_PLAIN)
        return vdm_span_at(u->span);
    for (size_t i = 0; i < u->marked && u->marks[i].unpacked <= u->at; i++)
        file = u->marks[i].file;
    return file;
}

bool vdm_unpack_piece(const struct vdm_unpack *u, uint64_t from, uint64_t to, uint64_t *offset,
                      uint64_t *length)
{
    for (size_t i = 0; i + 1 < u->marked; i++)
        if (u->marks[i].unpacked == from && u->marks[i + 1].unpacked == to) {
            *offset = u->marks[i].file;
            *length = u->marks[i + 1].file - *offset;
            return true;
        }
    return false;
}

const char *vdm_unpack_trouble(const struct vdm_unpack *u, uint64_t *at, enum vdm_unpack_kind *kind)
{
    *at = made(u);
    *kind = u->kind;
    return u->trouble;
}

uint64_t vdm_unpack_next_piece(const struct vdm_unpack *u)
{
    for (size_t i = 0; i < u->marked; i++)
        if (u->marks[i].unpacked > u->at)
            return u->marks[i].unpacked;
    return UINT64_MAX;
}

bool vdm_unpack_piece_begins(const struct vdm_unpack *u)
{
    for (size_t i = 0; i < u->marked; i++)
        if (u->marks[i].unpacked == u->at)
            return true;
    return false;
}

/* --- behind damage --- */

/* Does a piece begin here, with a record in it? */
static bool try_piece(struct vdm_unpack *u, uint64_t offset)
{
    vdm_span_seek(u->span, offset);
    u->trouble = NULL;
    u->ended = u->inside = false;
    u->at += u->n - u->from;
    u->from = u->n = u->marked = 0;
    struct vdm_bytes b = vdm_unpack_look(u, 5);
    if (vdm_bytes_start_with(b, VDM_LIT("WARC/")))
        return true;
    u->from = u->n = 0;
    vdm_span_seek(u->span, offset);
    return false;
}

bool vdm_unpack_resume(struct vdm_unpack *u)
{
    uint64_t offset = vdm_span_at(u->span);
    vdm_span_seek(u->span, offset);
    for (;;) {
        struct vdm_bytes b = vdm_span_look(u->span, 4096);
        size_t i = 0;
        if (b.n < 8)
            break;
        while (i + 8 <= b.n && !(u->form == VDM_UNPACK_GZIP ? is_gzip(vdm_bytes_skip(b, i))
                                                            : is_zstd(vdm_bytes_skip(b, i))))
            i++;
        offset = vdm_span_at(u->span) + i;
        vdm_span_take(u->span, i);
        if (i + 8 > b.n)
            continue;
        if (++u->tries > TRIES_MAX)
            break;
        if (try_piece(u, offset))
            return true;
        vdm_span_take(u->span, vdm_span_look(u->span, 1).n ? 1 : 0);
    }
    u->ended = true;
    return false;
}

bool vdm_unpack_peeks(const struct vdm_unpack *u)
{
    return u->form == VDM_UNPACK_PLAIN && !u->span->flow;
}

size_t vdm_unpack_peek(const struct vdm_unpack *u, uint64_t offset, uint8_t *p, size_t n)
{
    const struct vdm_span *s = u->span;
    if (!vdm_unpack_peeks(u) || offset >= s->end)
        return 0;
    ssize_t k = pread(s->fd, p, n < s->end - offset ? n : (size_t)(s->end - offset), (off_t)offset);
    return k > 0 ? (size_t)k : 0;
}

void vdm_unpack_seek(struct vdm_unpack *u, uint64_t offset)
{
    if (u->form == VDM_UNPACK_PLAIN)
        vdm_span_seek(u->span, offset);
}
