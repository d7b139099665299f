/* SPDX-License-Identifier: MIT */
#include "ops/verify_bundle_ahead.h"

#include <stdlib.h>
#include <string.h>

/* A batch has so many members, and ends behind the one with which it has so many bytes. What is larger
 * than the last of these is not read ahead. */
#define BATCH_MEMBERS 256
#define BATCH_BYTES   ((size_t)1 << 20) /* what processors have at hand */
#define MEMBER_BYTES  ((size_t)1 << 20)
/* Members that are looked at in one go: most take less time than to hand them out. */
#define GO 4
/* Room for a usual entry stays with its place in the batch. */
#define ENTRY_BYTES 4096

/* What it takes it keeps for the next one. */
struct batch {
    struct vdm_bundle_member *member;
    size_t members, room;
    struct vdm_buf content; /* of the members that are in memory, one behind the other */
    bool open; /* the content of the last is still in the reader: nothing can be read behind it */
};

struct vdm_bundle_ahead {
    struct vdm_tar_reader *tar;
    bool over;   /* the reader has no further member: its status says why, or, if it */
    bool failed; /* failed, this: */
    struct vdm_err trouble;
    struct batch batch[3];
    struct batch *now, *next, *last; /* gone through; looked at; read */
    size_t at;                       /* in `now` */
    uint64_t taken;                  /* of the content of that member, if it is in memory */
    /* from `begin` on */
    const struct vdm_entry_check *check;
    struct vdm_pool *pool, *own_pool;
    struct vdm_crypto *crypto[VDM_POOL_WORKERS_MAX]; /* the first is the caller's */
};

/* --- looking at a member, on any thread --- */

static void look_at_entry(const struct vdm_bundle_ahead *a, struct vdm_crypto *c,
                          struct vdm_bundle_member *m)
{
    struct vdm_known_entry *k = &m->known;
    struct vdm_note note;
    vdm_buf_put(&m->entry, m->content);
    struct vdm_bytes bytes = vdm_buf_bytes(&m->entry);
    k->decoded = !m->entry.failed && vdm_entry_open(c, bytes, &note, &k->entry, NULL);
    if (!k->decoded)
        return;
    k->text = vdm_sha256(c, note.text);
    k->signature = vdm_entry_check_signature(a->check, c, &note, &k->entry);
}

static void look(void *ctx, unsigned worker, size_t go)
{
    struct vdm_bundle_ahead *a = ctx;
    struct vdm_crypto *c = a->crypto[worker];
    for (size_t i = go * GO; i < (go + 1) * GO && i < a->next->members; i++) {
        struct vdm_bundle_member *m = &a->next->member[i];
        if (!m->in_memory || m->content.n < m->header.size)
            continue;
        m->digest = vdm_sha256(c, m->content);
        m->looked_at = true;
        if (m->ours && m->name.kind == VDM_LAYOUT_ENTRY && m->content.n <= VDM_NOTE_MAX)
            look_at_entry(a, c, m);
    }
}

/* --- reading a batch --- */

static bool make_room(struct batch *b, struct vdm_err *err)
{
    size_t room = b->room ? b->room * 2 : 16;
    if (b->members < b->room)
        return true;
    struct vdm_bundle_member *grown = reallocarray(b->member, room, sizeof *grown);
    if (!grown)
        return vdm_fail_memory(err);
    memset(grown + b->room, 0, (room - b->room) * sizeof *grown);
    b->member = grown;
    b->room = room;
    return true;
}

static bool read_content(struct vdm_bundle_ahead *a, struct batch *b, struct vdm_bundle_member *m,
                         struct vdm_err *err)
{
    enum vdm_tar_status status = VDM_TAR_OK;
    size_t size = (size_t)m->header.size, before = b->content.n;
    uint8_t *p = vdm_buf_grow(&b->content, size);
    if (!vdm_buf_ok(&b->content, err))
        return false;
    bool good = size == 0 || vdm_tar_reader_read(a->tar, p, size, &m->content.n, &status, err);
    b->content.n = before + m->content.n;
    a->over = status != VDM_TAR_OK;
    return good;
}

static bool read_member(struct vdm_bundle_ahead *a, struct batch *b, struct vdm_err *err)
{
    enum vdm_tar_status status;
    if (!make_room(b, err))
        return false;
    struct vdm_bundle_member *m = &b->member[b->members];
    if (!vdm_tar_reader_next(a->tar, &status, &m->header, err))
        return false;
    a->over = status != VDM_TAR_OK;
    if (a->over)
        return true;
    b->members++;
    m->ours = vdm_layout_decode(vdm_str(vdm_tar_path(&m->header)), &m->name);
    m->offset = vdm_stream_bytes(a->tar->in);
    m->in_memory = a->check && m->header.size <= MEMBER_BYTES;
    b->open = !m->in_memory;
    return b->open || read_content(a, b, m, err);
}

static void read_batch(struct vdm_bundle_ahead *a, struct batch *b)
{
    bool good = true;
    while (good && !a->over && !b->open && b->members < BATCH_MEMBERS && b->content.n < BATCH_BYTES)
        good = read_member(a, b, &a->trouble);
    /* Only now it stays where it is. */
    for (size_t i = 0, at = 0; b->content.p && i < b->members; at += b->member[i++].content.n)
        b->member[i].content.p = b->content.p + at;
    a->failed = !good;
    a->over = a->over || a->failed;
}

static void clear(struct batch *b)
{
    for (size_t i = 0; i < b->members; i++) {
        struct vdm_bundle_member *m = &b->member[i];
        if (m->entry.cap > ENTRY_BYTES)
            vdm_buf_release(&m->entry);
        vdm_buf_clear(&m->entry);
        m->content = (struct vdm_bytes){0};
        m->looked_at = m->known.decoded = false;
    }
    b->members = 0;
    vdm_buf_clear(&b->content);
    b->open = false;
}

/* --- going on --- */

static void start(struct vdm_bundle_ahead *a)
{
    if (a->check)
        vdm_pool_start(a->pool, (a->next->members + GO - 1) / GO, look, a);
}

static void finish(struct vdm_bundle_ahead *a)
{
    if (a->check)
        vdm_pool_finish(a->pool);
}

/* `now` was gone through. Mostly the threads are looking at `next`; at first, and behind a large
 * document, nothing is there yet. */
static void advance(struct vdm_bundle_ahead *a)
{
    struct batch *done = a->now;
    clear(done);
    if (a->next->members == 0 && !a->over) {
        read_batch(a, a->next);
        start(a);
    }
    if (!a->next->open && !a->over)
        read_batch(a, a->last);
    finish(a);
    a->now = a->next;
    a->next = a->last;
    a->last = done;
    a->at = 0;
    start(a);
}

bool vdm_bundle_ahead_next(struct vdm_bundle_ahead *a, struct vdm_bundle_member **out,
                           struct vdm_err *err)
{
    a->taken = 0;
    if (++a->at >= a->now->members)
        advance(a);
    *out = a->at < a->now->members ? &a->now->member[a->at] : NULL;
    if (!*out && a->failed && err)
        *err = a->trouble;
    return *out || !a->failed;
}

bool vdm_bundle_ahead_read(struct vdm_bundle_ahead *a, uint8_t *p, size_t cap, size_t *got,
                           enum vdm_tar_status *status, struct vdm_err *err)
{
    const struct vdm_bundle_member *m = &a->now->member[a->at];
    if (!m->in_memory)
        return vdm_tar_reader_read(a->tar, p, cap, got, status, err);
    uint64_t left = m->header.size - a->taken;
    size_t want = left < cap ? (size_t)left : cap, there = m->content.n - (size_t)a->taken;
    *got = want < there ? want : there;
    if (*got)
        memcpy(p, m->content.p + a->taken, *got);
    a->taken += *got;
    *status = *got == want ? VDM_TAR_OK : a->tar->status;
    if (*got == want || !a->failed)
        return true;
    if (err)
        *err = a->trouble;
    return false;
}

/* --- all of it --- */

bool vdm_bundle_ahead_open(struct vdm_bundle_ahead **out, struct vdm_tar_reader *tar,
                           struct vdm_err *err)
{
    struct vdm_bundle_ahead *a = calloc(1, sizeof *a);
    if (!a)
        return vdm_fail_memory(err);
    a->tar = tar;
    a->now = &a->batch[0];
    a->next = &a->batch[1];
    a->last = &a->batch[2];
    *out = a;
    return true;
}

bool vdm_bundle_ahead_begin(struct vdm_bundle_ahead *a, struct vdm_pool *pool, struct vdm_crypto *c,
                            const struct vdm_entry_check *check, struct vdm_err *err)
{
    if (!pool && !vdm_pool_open(&a->own_pool, 1, err))
        return false;
    a->pool = pool ? pool : a->own_pool;
    a->crypto[0] = c;
    for (unsigned i = 1; i < vdm_pool_workers(a->pool); i++)
        if (!vdm_crypto_open(&a->crypto[i], err))
            return false;
    a->check = check;
    return true;
}

void vdm_bundle_ahead_close(struct vdm_bundle_ahead *a)
{
    if (!a)
        return;
    finish(a);
    vdm_pool_close(a->own_pool);
    for (size_t i = 1; i < VDM_POOL_WORKERS_MAX; i++)
        vdm_crypto_close(a->crypto[i]);
    for (struct batch *b = a->batch; b < a->batch + 3; b++) {
        for (size_t i = 0; i < b->room; i++)
            vdm_buf_release(&b->member[i].entry);
        free(b->member);
        vdm_buf_release(&b->content);
    }
    free(a);
}
