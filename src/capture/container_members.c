/* SPDX-License-Identifier: MIT */
/* The worker's side. What is kept here to the bounds, container.c counts again. */
#include "capture/container_members.h"

#include "capture/container_wire.h"
#include "sandbox/worker.h"

#include <stdlib.h>
#include <string.h>

/* Unpacked bytes after which the parent hears something. */
#define QUIET_BYTES (UINT64_C(8) << 20)

struct vdm_members {
    const struct vdm_sums *sums;
    const void *context;
    vdm_members_watch_fn *watch;
    void *watch_ctx;
    int channel;
    bool gone; /* the parent */
    bool full; /* a bound is reached: nothing more is said but that this is the end */
    bool inside;
    uint64_t unpacked, most, passed;
    size_t lines, text, left_out; /* of the member that is under way */
    size_t n;
    uint8_t message[VDM_MESSAGE_MAX];
};

uint64_t vdm_unpack_max(uint64_t size)
{
    uint64_t most = VDM_UNPACK_TOTAL_MAX;
    if (size < (most - VDM_UNPACK_FREE_BYTES) / VDM_UNPACK_RATIO_MAX)
        most = size * VDM_UNPACK_RATIO_MAX + VDM_UNPACK_FREE_BYTES;
    return most;
}

static void flush(struct vdm_members *m)
{
    if (m->n && !m->gone)
        m->gone = !vdm_message_send(m->channel, (struct vdm_bytes){m->message, m->n});
    m->n = 0;
}

/* An item from two pieces; it must fit into a message. */
static void put(struct vdm_members *m, enum vdm_item_kind kind, unsigned argument,
                struct vdm_bytes a, struct vdm_bytes b)
{
    uint32_t length = (uint32_t)(a.n + b.n);
    if (m->full && kind != VDM_ITEM_DONE)
        return;
    if (m->n + VDM_ITEM_HEAD + length > sizeof m->message)
        flush(m);
    uint8_t *p = m->message + m->n;
    p[0] = (uint8_t)kind;
    p[1] = (uint8_t)argument;
    memcpy(p + 2, &length, sizeof length);
    if (a.n)
        memcpy(p + VDM_ITEM_HEAD, a.p, a.n);
    if (b.n)
        memcpy(p + VDM_ITEM_HEAD + a.n, b.p, b.n);
    m->n += VDM_ITEM_HEAD + length;
}

#define NOTHING ((struct vdm_bytes){NULL, 0})

static struct vdm_bytes number(const uint64_t *n)
{
    return (struct vdm_bytes){(const uint8_t *)n, sizeof *n};
}

static struct vdm_bytes at_most(struct vdm_bytes s, size_t n)
{
    return (struct vdm_bytes){s.p, s.n < n ? s.n : n};
}

const struct vdm_sums *vdm_members_sums(const struct vdm_members *m)
{
    return m->sums;
}

const void *vdm_members_context(const struct vdm_members *m)
{
    return m->context;
}

bool vdm_members_wanted(const struct vdm_members *m)
{
    return !m->gone && !m->full;
}

/* Counted for the member, or for what the container says of itself. */
static void put_line(struct vdm_members *m, enum vdm_item_kind kind, enum vdm_field f,
                     struct vdm_bytes value)
{
    if (value.n == 0)
        return;
    if (m->lines == VDM_MEMBER_LINES_MAX - 1 || value.n > VDM_MEMBER_TEXT_MAX - m->text) {
        m->left_out++;
        return;
    }
    m->lines++;
    m->text += value.n;
    put(m, kind, f, value, NOTHING);
}

void vdm_members_about(struct vdm_members *m, enum vdm_field f, struct vdm_bytes value)
{
    put_line(m, VDM_ITEM_ABOUT, f, value);
}

void vdm_members_begin(struct vdm_members *m, struct vdm_bytes name)
{
    m->lines = m->text = m->left_out = 0;
    m->inside = true;
    put(m, VDM_ITEM_BEGIN, 0, at_most(name, VDM_MEMBER_NAME_MAX), NOTHING);
}

void vdm_members_line(struct vdm_members *m, enum vdm_field f, struct vdm_bytes value)
{
    put_line(m, VDM_ITEM_LINE, f, value);
    if (m->watch)
        m->watch(m->watch_ctx, f, value);
}

void vdm_members_watch(struct vdm_members *m, vdm_members_watch_fn *watch, void *ctx)
{
    m->watch = watch;
    m->watch_ctx = ctx;
}

void vdm_members_place(struct vdm_members *m, uint64_t offset, uint64_t length, const char *method)
{
    uint64_t numbers[2] = {offset, length};
    put(m, VDM_ITEM_PLACE, 0, (struct vdm_bytes){(const uint8_t *)numbers, sizeof numbers},
        at_most(vdm_str(method), VDM_REASON_MAX));
}

void vdm_members_method(struct vdm_members *m, const char *method)
{
    put(m, VDM_ITEM_METHOD, 0, at_most(vdm_str(method), VDM_REASON_MAX), NOTHING);
}

void vdm_members_repeats(struct vdm_members *m, struct vdm_bytes record_id, struct vdm_bytes source,
                         struct vdm_bytes captured)
{
    const struct vdm_bytes of[3] = {record_id, source, captured};
    for (unsigned i = 0; i < 3; i++)
        put(m, VDM_ITEM_REPEATS, i, at_most(of[i], VDM_MEMBER_NAME_MAX), NOTHING);
}

static bool count(struct vdm_members *m, uint64_t bytes)
{
    m->unpacked += bytes;
    if (m->unpacked > m->most && !m->full) {
        vdm_members_problem(
            m, 0, "it unpacks to more than a container of its size may: the rest was not read");
        if (m->inside)
            vdm_members_refuse(m, "it unpacks to more than a container of its size may");
        m->full = true;
    }
    return vdm_members_wanted(m);
}

void vdm_members_describes(struct vdm_members *m)
{
    put(m, VDM_ITEM_DESCRIBES, 0, NOTHING, NOTHING);
}

void vdm_members_bytes(struct vdm_members *m, struct vdm_bytes data)
{
    enum { PIECE = 32 << 10 };
    if (!count(m, data.n))
        return;
    while (data.n && !m->gone) {
        struct vdm_bytes piece = at_most(data, PIECE);
        put(m, VDM_ITEM_BYTES, 0, piece, NOTHING);
        data = vdm_bytes_skip(data, piece.n);
    }
}

void vdm_members_passed(struct vdm_members *m, uint64_t bytes)
{
    m->passed += bytes;
    if (!count(m, bytes) || m->passed < QUIET_BYTES)
        return;
    put(m, VDM_ITEM_PASSED, 0, number(&m->passed), NOTHING);
    m->passed = 0;
    flush(m);
}

static void tell_left_out(struct vdm_members *m, enum vdm_item_kind kind)
{
    if (m->left_out)
        put(m, kind, VDM_FIELD_FIELD,
            VDM_LIT("left-out: lines that the container states of it, for want of room"), NOTHING);
    m->left_out = 0;
}

void vdm_members_about_done(struct vdm_members *m)
{
    tell_left_out(m, VDM_ITEM_ABOUT);
}

void vdm_members_done(struct vdm_members *m)
{
    tell_left_out(m, VDM_ITEM_LINE);
    m->inside = false;
    put(m, VDM_ITEM_END, 0, NOTHING, NOTHING);
}

void vdm_members_refuse(struct vdm_members *m, const char *reason)
{
    m->inside = false;
    put(m, VDM_ITEM_REFUSE, 0, at_most(vdm_str(reason), VDM_REASON_MAX), NOTHING);
}

void vdm_members_problem(struct vdm_members *m, uint64_t offset, const char *reason)
{
    put(m, VDM_ITEM_PROBLEM, 0, number(&offset), at_most(vdm_str(reason), VDM_REASON_MAX));
}

/* --- the worker --- */

static void read_container(struct vdm_members *m, const struct vdm_container_work *work,
                           struct vdm_span *s)
{
    for (unsigned i = 0; work->formats[i]; i++) {
        struct vdm_bytes head = vdm_span_look(s, VDM_CONTAINER_LOOK_BYTES);
        if (!work->formats[i]->may_be(at_most(head, VDM_CONTAINER_LOOK_BYTES)))
            continue;
        bool is = work->formats[i]->is(s);
        vdm_span_seek(s, 0);
        if (!is)
            continue;
        put(m, VDM_ITEM_IS, i, NOTHING, NOTHING);
        flush(m);
        work->formats[i]->run(s, m);
        if (m->passed)
            put(m, VDM_ITEM_PASSED, 0, number(&m->passed), NOTHING);
        if (s->failed)
            vdm_members_problem(m, vdm_span_at(s), "the file could not be read any further");
        put(m, VDM_ITEM_DONE, 0, NOTHING, NOTHING);
        return;
    }
    put(m, VDM_ITEM_NONE, 0, NOTHING, NOTHING);
}

void vdm_container_work(const struct vdm_container_work *work, int channel)
{
    struct vdm_members *m = calloc(1, sizeof *m);
    struct vdm_span s = {.fd = -1};
    if (!m || !vdm_span_init(&s, work->fd, 0, work->size))
        return; /* the parent sees that it ended */
    m->sums = work->sums;
    m->context = work->context;
    m->channel = channel;
    m->most = vdm_unpack_max(work->size);
    read_container(m, work, &s);
    flush(m);
    vdm_span_release(&s);
    free(m);
}
