/* SPDX-License-Identifier: MIT */
#include "capture/media.h"

#include "capture/plain.h"
#include "sandbox/worker.h"

#include <magic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* A document takes half a millisecond; a machine that is busy may take its time. */
#define PATIENCE_MS  10000
#define STARTS_MAX   16
#define MEMORY_BYTES (UINT64_C(256) << 20)

struct vdm_media {
    magic_t cookie; /* set up here, where files can be opened; used in the worker alone */
    struct vdm_worker worker;
    int starts;
    bool held; /* only vdm_media_ready starts it */
    uint64_t asked;
    struct vdm_unguessed unguessed;
    uint8_t head[VDM_MEDIA_LOOK_BYTES]; /* in the worker: the document's */
};

/* Documents are hostile input to libmagic: what unpacks or parses deeply and tells a media type
 * nothing is off (compressed content, details of programs), the rest is kept short. */
static bool set_limits(magic_t cookie)
{
    static const struct {
        int name;
        size_t value;
    } limits[] = {
        {MAGIC_PARAM_BYTES_MAX, VDM_MEDIA_LOOK_BYTES},
        {MAGIC_PARAM_INDIR_MAX, 15},
        {MAGIC_PARAM_NAME_MAX, 50},
        {MAGIC_PARAM_ELF_PHNUM_MAX, 128},
        {MAGIC_PARAM_ELF_SHNUM_MAX, 128},
        {MAGIC_PARAM_ELF_NOTES_MAX, 16},
        {MAGIC_PARAM_REGEX_MAX, 1024},
    };
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        if (magic_setparam(cookie, limits[i].name, &limits[i].value) != 0)
            return false;
    }
    return true;
}

/* In the worker. An answer has a first byte of its own, since a message cannot be empty. */
static void answer_all(void *ctx, int channel, const struct vdm_protection *p)
{
    struct vdm_media *m = ctx;
    size_t n;
    (void)p;
    while (vdm_message_receive(channel, -1, m->head, sizeof m->head, &n) == VDM_HEARD) {
        const char *guess = magic_buffer(m->cookie, m->head, n);
        char answer[1 + VDM_MEDIA_TYPE_MAX] = "=";
        size_t length = guess ? strlen(guess) : 0;
        if (length > VDM_MEDIA_TYPE_MAX)
            length = 0;
        if (length)
            memcpy(answer + 1, guess, length);
        if (!vdm_message_send(channel, (struct vdm_bytes){(uint8_t *)answer, 1 + length}))
            return;
    }
}

static bool start(struct vdm_media *m, struct vdm_err *err)
{
    const struct vdm_worker_job job = {
        .run = answer_all, .ctx = m, .out = -1, .limits = {.memory_bytes = MEMORY_BYTES}};
    m->starts++;
    tzset(); /* some formats hold dates: the time zone's file cannot be read later */
    return vdm_worker_start(&m->worker, &job, err);
}

bool vdm_media_open(struct vdm_media **out, struct vdm_err *err)
{
    struct vdm_media *m VDM_CLEANUP(vdm_media_cleanup) = calloc(1, sizeof *m);
    if (!m)
        return vdm_fail_memory(err);
    m->worker = VDM_WORKER_NONE;
    m->cookie = magic_open(MAGIC_MIME_TYPE | MAGIC_NO_CHECK_COMPRESS | MAGIC_NO_CHECK_ELF);
    if (!m->cookie)
        return vdm_fail_memory(err);
    if (!set_limits(m->cookie) || magic_load(m->cookie, NULL) != 0) {
        const char *why = magic_error(m->cookie);
        return vdm_fail(err, "libmagic: %s", why ? why : "cannot be set up");
    }
    if (!start(m, err))
        return vdm_err_prefix(err, "media types");
    *out = m;
    m = NULL;
    return true;
}

void vdm_media_close(struct vdm_media *m)
{
    if (!m)
        return;
    vdm_worker_stop(&m->worker);
    if (m->cookie)
        magic_close(m->cookie);
    free(m);
}

void vdm_media_cleanup(struct vdm_media **m)
{
    vdm_media_close(*m);
    *m = NULL;
}

static bool is_name(struct vdm_bytes s)
{
    /* A name begins with one of the first 36. */
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789!#$&-^_.+";
    if (s.n == 0 || !memchr(allowed, s.p[0], 36))
        return false;
    for (size_t i = 0; i < s.n; i++) {
        if (!memchr(allowed, s.p[i], sizeof allowed - 1))
            return false;
    }
    return true;
}

bool vdm_media_type_valid(struct vdm_bytes type)
{
    const uint8_t *slash = type.n ? memchr(type.p, '/', type.n) : NULL;
    if (!slash || type.n > VDM_MEDIA_TYPE_MAX)
        return false;
    size_t n = (size_t)(slash - type.p);
    return is_name((struct vdm_bytes){type.p, n}) && is_name(vdm_bytes_skip(type, n + 1));
}

/* Text tells its type at its top, and libmagic is slow on text. */
static struct vdm_bytes worth_looking_at(struct vdm_bytes head)
{
    size_t most = vdm_plain_is_binary(head) ? VDM_MEDIA_LOOK_BYTES : VDM_PLAIN_LOOK_BYTES;
    return head.n > most ? (struct vdm_bytes){head.p, most} : head;
}

/* --- asking the worker --- */

static void note_unguessed(struct vdm_media *m, const char *why)
{
    if (m->unguessed.documents++ == 0)
        memcpy(m->unguessed.why, why, strnlen(why, sizeof m->unguessed.why - 1));
}

static bool ask(struct vdm_media *m, struct vdm_bytes look, uint8_t *answer, size_t cap, size_t *n)
{
    struct vdm_err why = {0};
    m->asked++;
    if (m->worker.pid == 0 && (m->held || m->starts >= STARTS_MAX || !start(m, &why))) {
        note_unguessed(m, why.text);
        return false;
    }
    enum vdm_heard heard = VDM_HEARD_END;
    if (vdm_worker_send(&m->worker, look))
        heard = vdm_message_await(m->worker.channel, PATIENCE_MS, answer, cap, n);
    if (heard == VDM_HEARD)
        return true;
    if (heard == VDM_HEARD_END && vdm_worker_end(&m->worker, &why))
        vdm_fail(&why, "the worker ended");
    note_unguessed(m, heard == VDM_HEARD_END ? why.text : "the worker gave no answer");
    vdm_worker_stop(&m->worker);
    return false;
}

/* What the worker says is held to the form of a media type and no more: it may be in the hands of
 * whoever made the document. */
static void take(struct vdm_bytes answer, char type[VDM_MEDIA_TYPE_MAX + 1])
{
    char lower[VDM_MEDIA_TYPE_MAX] = {0};
    for (size_t i = 0; i < answer.n; i++)
        lower[i] =
            (char)(answer.p[i] >= 'A' && answer.p[i] <= 'Z' ? answer.p[i] + 32 : answer.p[i]);
    struct vdm_bytes text = {(const uint8_t *)lower, answer.n};
    if (!vdm_media_type_valid(text) || vdm_bytes_equal(text, VDM_LIT("application/octet-stream")))
        return;
    memcpy(type, lower, answer.n);
    type[answer.n] = 0;
}

void vdm_media_guess(struct vdm_media *m, struct vdm_bytes head, char type[VDM_MEDIA_TYPE_MAX + 1])
{
    static const char unknown[] = "application/octet-stream";
    uint8_t answer[1 + VDM_MEDIA_TYPE_MAX];
    size_t n = 0;
    const char *plain = vdm_plain_type(head);
    type[0] = 0;
    if (head.n == 0)
        return;
    if (plain)
        memcpy(type, plain, strlen(plain) + 1);
    else if (ask(m, worth_looking_at(head), answer, sizeof answer, &n))
        take((struct vdm_bytes){answer + 1, n - 1}, type);
    else
        memcpy(type, unknown, sizeof unknown);
}

struct vdm_unguessed vdm_media_unguessed(const struct vdm_media *m)
{
    return m->unguessed;
}

void vdm_media_ready(struct vdm_media *m)
{
    struct vdm_err why = {0};
    if (m->worker.pid == 0 && m->starts < STARTS_MAX && !start(m, &why))
        m->starts = STARTS_MAX;
    m->held = true;
}

uint64_t vdm_media_asked(const struct vdm_media *m)
{
    return m->asked;
}

bool vdm_media_lost(const struct vdm_media *m)
{
    return m->worker.pid == 0;
}

bool vdm_media_spent(const struct vdm_media *m)
{
    return m->worker.pid == 0 && m->starts >= STARTS_MAX;
}
