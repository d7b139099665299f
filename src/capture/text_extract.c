/* SPDX-License-Identifier: MIT */
#include "capture/text_extract.h"

#include "base/text.h"
#include "base/time.h"
#include "capture/page_text.h"
#include "sandbox/worker.h"
#include "words/plain.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* A page takes milliseconds; a machine that is busy may take its time. */
#define PATIENCE_MS  10000
#define STARTS_MAX   16
#define MEMORY_BYTES (UINT64_C(256) << 20)
#define PIECE_BYTES  65536

/* The first byte of a message; the rest is a piece of a document, or of a text. */
enum {
    MORE = '+', /* a piece, and others follow */
    LAST_PLAIN = 'p',
    LAST_HTML = 'h',
    LAST = '=',
    TOO_MUCH = '!', /* the whole answer, with a phrase that says why */
};

struct vdm_text {
    struct vdm_worker worker;
    int starts;
    bool held; /* only vdm_text_ready starts it */
    uint64_t asked;
    struct vdm_err why;
    uint8_t piece[1 + PIECE_BYTES];
};

enum vdm_text_kind vdm_text_kind(struct vdm_bytes type)
{
    static const char *const html[] = {"text/html", "application/xhtml+xml"};
    const uint8_t *end = type.n ? memchr(type.p, ';', type.n) : NULL;
    size_t n = end ? (size_t)(end - type.p) : type.n;
    while (n > 0 && type.p[n - 1] == ' ')
        n--;
    for (size_t i = 0; i < 2; i++)
        if (n == strlen(html[i]) && strncasecmp((const char *)type.p, html[i], n) == 0)
            return VDM_TEXT_HTML;
    return n > 5 && strncasecmp((const char *)type.p, "text/", 5) == 0 ? VDM_TEXT_PLAIN
                                                                       : VDM_TEXT_NONE;
}

struct vdm_bytes vdm_text_extractor(enum vdm_text_kind kind)
{
    return kind == VDM_TEXT_HTML ? VDM_LIT("html/2 libxml2/" VDM_LIBXML2_VERSION)
                                 : VDM_LIT("plain/1");
}

void vdm_textless_note(struct vdm_textless *t, const char *why)
{
    if (t->documents++ == 0)
        snprintf(t->why, sizeof t->why, "%s", why);
}

/* --- in the worker --- */

struct work {
    struct vdm_buf document, utf8, seen, text;
    uint8_t *piece;
};

static bool read_text(struct work *w, bool html, struct vdm_err *err)
{
    struct vdm_bytes document = vdm_buf_bytes(&w->document);
    struct vdm_bytes encoding = html ? vdm_page_encoding(document) : (struct vdm_bytes){NULL, 0};
    struct vdm_buf *utf8 = &w->utf8;
    if (!vdm_plain_decode(utf8, document, encoding, err))
        return false;
    if (html && !vdm_page_text(&w->seen, vdm_buf_bytes(utf8), err))
        return false;
    return vdm_plain_append(&w->text, vdm_buf_bytes(html ? &w->seen : utf8), err) &&
           (w->text.n <= VDM_TEXT_MAX || vdm_fail(err, "its text is too long"));
}

static bool send_piece(struct work *w, int channel, uint8_t tag, struct vdm_bytes piece)
{
    w->piece[0] = tag;
    if (piece.n)
        memcpy(w->piece + 1, piece.p, piece.n);
    return vdm_message_send(channel, (struct vdm_bytes){w->piece, 1 + piece.n});
}

static bool answer(struct work *w, int channel, bool html)
{
    struct vdm_err err = {0};
    vdm_buf_clear(&w->utf8);
    vdm_buf_clear(&w->seen);
    vdm_buf_clear(&w->text);
    if (!read_text(w, html, &err))
        return send_piece(w, channel, TOO_MUCH, vdm_str(err.text));
    struct vdm_bytes rest = vdm_buf_bytes(&w->text);
    for (; rest.n > PIECE_BYTES; rest = vdm_bytes_skip(rest, PIECE_BYTES))
        if (!send_piece(w, channel, MORE, (struct vdm_bytes){rest.p, PIECE_BYTES}))
            return false;
    return send_piece(w, channel, LAST, rest);
}

static void answer_all(void *ctx, int channel, const struct vdm_protection *p)
{
    struct vdm_text *t = ctx;
    struct work w = {.piece = t->piece};
    size_t n;
    (void)p;
    while (vdm_message_receive(channel, -1, t->piece, sizeof t->piece, &n) == VDM_HEARD) {
        uint8_t tag = t->piece[0];
        vdm_buf_put(&w.document, (struct vdm_bytes){t->piece + 1, n - 1});
        if (w.document.failed)
            return;
        if (tag == MORE)
            continue;
        if (!answer(&w, channel, tag == LAST_HTML))
            return;
        vdm_buf_clear(&w.document);
    }
}

/* --- asking it --- */

bool vdm_text_open(struct vdm_text **out, struct vdm_err *err)
{
    struct vdm_text *t = calloc(1, sizeof *t);
    if (!t)
        return vdm_fail_memory(err);
    t->worker = VDM_WORKER_NONE;
    *out = t;
    return true;
}

void vdm_text_close(struct vdm_text *t)
{
    if (!t)
        return;
    vdm_worker_stop(&t->worker);
    free(t);
}

void vdm_text_cleanup(struct vdm_text **t)
{
    vdm_text_close(*t);
    *t = NULL;
}

static bool start(struct vdm_text *t, struct vdm_err *err)
{
    const struct vdm_worker_job job = {
        .run = answer_all, .ctx = t, .out = -1, .limits = {.memory_bytes = MEMORY_BYTES}};
    if (t->starts == STARTS_MAX)
        return vdm_fail(err, "the worker failed too often");
    t->starts++;
    return vdm_plain_prepare(err) && vdm_worker_start(&t->worker, &job, err);
}

/* Waits until there is something to do on the channel; a worker that was taken over may do neither. */
static bool wait_for(const struct vdm_text *t, short event, uint64_t until)
{
    struct pollfd wait = {.fd = t->worker.channel, .events = event};
    uint64_t now;
    while ((now = vdm_clock_ms()) < until)
        if (poll(&wait, 1, (int)(until - now)) > 0)
            return true;
    return false;
}

static bool send_document(struct vdm_text *t, enum vdm_text_kind kind, struct vdm_bytes rest,
                          uint64_t until)
{
    bool last;
    do {
        size_t n = rest.n < PIECE_BYTES ? rest.n : PIECE_BYTES;
        last = n == rest.n;
        t->piece[0] = (uint8_t)(!last ? MORE : kind == VDM_TEXT_HTML ? LAST_HTML : LAST_PLAIN);
        if (n)
            memcpy(t->piece + 1, rest.p, n);
        if (!wait_for(t, POLLOUT, until) ||
            !vdm_worker_send(&t->worker, (struct vdm_bytes){t->piece, 1 + n}))
            return false;
        rest = vdm_bytes_skip(rest, n);
    } while (!last);
    return true;
}

/* VDM_HEARD: the whole answer, whose last message had this tag. */
static enum vdm_heard hear_text(struct vdm_text *t, struct vdm_buf *out, uint8_t *tag,
                                uint64_t until)
{
    size_t n;
    do {
        if (!wait_for(t, POLLIN, until))
            return VDM_HEARD_NOTHING;
        enum vdm_heard heard =
            vdm_message_receive(t->worker.channel, 0, t->piece, sizeof t->piece, &n);
        if (heard == VDM_HEARD_END)
            return heard;
        if (heard == VDM_HEARD_NOTHING)
            continue;
        *tag = t->piece[0];
        vdm_buf_put(out, (struct vdm_bytes){t->piece + 1, n - 1});
    } while (*tag == MORE && !out->failed && out->n <= VDM_TEXT_MAX);
    return VDM_HEARD;
}

/* What it says is held to its form: it may be in the hands of whoever made the document. */
static bool is_good(const struct vdm_buf *out, uint8_t tag)
{
    return (tag == LAST || tag == TOO_MUCH) && !out->failed && out->n <= VDM_TEXT_MAX &&
           vdm_utf8_valid(vdm_buf_bytes(out));
}

static bool ask(struct vdm_text *t, enum vdm_text_kind kind, struct vdm_bytes document,
                struct vdm_buf *out, struct vdm_err *err)
{
    uint64_t until = vdm_clock_ms() + PATIENCE_MS;
    uint8_t tag = MORE;
    t->asked++;
    if (t->worker.pid == 0 && t->held)
        return vdm_fail(err, "the worker is lost");
    if (t->worker.pid == 0 && !start(t, err))
        return false;
    enum vdm_heard heard = VDM_HEARD_END;
    if (send_document(t, kind, document, until))
        heard = hear_text(t, out, &tag, until);
    if (heard == VDM_HEARD && is_good(out, tag)) {
        if (tag == LAST)
            return true;
        return vdm_fail(err, "%.*s", (int)(out->n < 200 ? out->n : 200), (const char *)out->p);
    }
    if (heard == VDM_HEARD)
        vdm_fail(err, "the worker's answer makes no sense");
    else if (heard == VDM_HEARD_NOTHING || vdm_clock_ms() >= until)
        vdm_fail(err, "no answer within %d s", PATIENCE_MS / 1000);
    else if (vdm_worker_end(&t->worker, err))
        vdm_fail(err, "the worker ended");
    vdm_worker_stop(&t->worker);
    return false;
}

/* In a text that is UTF-8 there is nothing to parse. *done false: the worker has to read it. */
static bool read_here(struct vdm_bytes document, struct vdm_buf *out, bool *done,
                      struct vdm_err *err)
{
    struct vdm_bytes mark = VDM_LIT("\xEF\xBB\xBF");
    if (vdm_bytes_start_with(document, mark))
        document = vdm_bytes_skip(document, mark.n);
    *done = vdm_utf8_valid(document);
    return !*done || vdm_plain_append_bounded(out, document, done, err);
}

static bool extract(struct vdm_text *t, enum vdm_text_kind kind, struct vdm_bytes document,
                    struct vdm_buf *out, struct vdm_err *err)
{
    bool done = false;
    if (document.n > VDM_TEXT_DOCUMENT_MAX)
        return vdm_fail(err, "larger than %llu MiB",
                        (unsigned long long)(VDM_TEXT_DOCUMENT_MAX >> 20));
    if (kind == VDM_TEXT_PLAIN && !read_here(document, out, &done, err))
        return false;
    return done || ask(t, kind, document, out, err);
}

bool vdm_text_extract(struct vdm_text *t, enum vdm_text_kind kind, struct vdm_bytes document,
                      struct vdm_buf *out, const char **why)
{
    t->why = (struct vdm_err){0};
    vdm_buf_clear(out);
    bool ok = extract(t, kind, document, out, &t->why);
    *why = t->why.text;
    return ok;
}

void vdm_text_ready(struct vdm_text *t)
{
    struct vdm_err why = {0};
    if (t->worker.pid == 0 && !start(t, &why))
        t->starts = STARTS_MAX;
    t->held = true;
}

uint64_t vdm_text_asked(const struct vdm_text *t)
{
    return t->asked;
}

bool vdm_text_lost(const struct vdm_text *t)
{
    return t->worker.pid == 0;
}

bool vdm_text_spent(const struct vdm_text *t)
{
    return t->worker.pid == 0 && t->starts == STARTS_MAX;
}
