/* SPDX-License-Identifier: MIT */
/* The first pass of a bundle: the members of the captures are made on all processors, a part each, and put into the
 * scratch files in their order. */
#include "base/pool.h"
#include "ops/bundle_make.h"

#include <stdlib.h>

/* Captures of a part, and parts that are made together. */
#define PART_CAPTURES 32
#define PARTS         16

/* More amendments and withdrawals of one capture than this are made by the caller, for the memory that they take. */
#define FOLLOWERS_MOST 32

struct part {
    size_t begin, end; /* of the captures that are selected */
    size_t follower;   /* the first of theirs */
    bool in_turn;      /* to be made by the caller: its last capture has many followers */
    bool failed;
    struct vdm_err why;
    struct vdm_bundle_part made;
};

struct batch {
    size_t n;
    struct part part[PARTS];
};

struct making {
    struct vdm_bundle_job *j;
    struct vdm_pool *pool;
    struct vdm_bundle_maker
        maker[VDM_POOL_WORKERS_MAX];                 /* the first is the caller's, of the archive */
    struct vdm_crypto *crypto[VDM_POOL_WORKERS_MAX]; /* of the others */
    struct vdm_ledger *ledger[VDM_POOL_WORKERS_MAX];
    struct batch *batch; /* two */
    struct batch *under_way;
    size_t capture, follower; /* the next ones */
    uint64_t bytes;
};

/* --- in order --- */

bool vdm_bundle_put_part(struct vdm_bundle_job *j, struct vdm_bundle_part *p, struct vdm_err *err)
{
    if (!vdm_spool_put(&j->index, vdm_buf_bytes(&p->index), err) ||
        !vdm_spool_put(&j->files, vdm_buf_bytes(&p->files), err) ||
        !vdm_spool_put(&j->tags, vdm_buf_bytes(&p->tags), err) ||
        !vdm_spool_put(&j->members, vdm_buf_bytes(&p->members), err))
        return false;
    j->documents += p->documents;
    j->document_bytes += p->document_bytes;
    j->withdrawn += p->withdrawn;
    j->partly += p->partly;
    j->doubted += p->doubted;
    vdm_bundle_part_clear(p);
    return true;
}

/* An entry that belongs to no capture. */
static bool put_entry(struct making *w, uint64_t n, struct vdm_err *err)
{
    struct vdm_bundle_maker *m = &w->maker[0];
    struct vdm_bundle_part *part = &w->batch[0].part[0].made;
    struct vdm_entry e;
    m->out = part;
    m->group = 0;
    return vdm_bundle_make_entry(m, n, &m->entry, &e, err) && vdm_bundle_put_part(w->j, part, err);
}

/* --- parts --- */

static size_t followers_of(const struct vdm_selected *s, uint64_t capture, size_t first)
{
    size_t n = 0;
    while (first + n < s->followers && s->follower[first + n].capture == capture)
        n++;
    return n;
}

static bool make(struct vdm_bundle_maker *m, struct part *p, struct vdm_err *err)
{
    const struct vdm_selected *s = &m->j->selected;
    size_t f = p->follower;
    m->out = &p->made;
    m->rows.end = s->n[p->end - 1] + 1;
    for (size_t i = p->begin; i < p->end; i++) {
        size_t followers = followers_of(s, s->n[i], f);
        const struct vdm_follower *first = followers ? s->follower + f : NULL;
        if (!vdm_bundle_make_capture(m, i, first, followers, err))
            return false;
        f += followers;
    }
    return true;
}

/* On any thread. */
static void make_part(void *ctx, unsigned worker, size_t i)
{
    struct making *w = ctx;
    struct part *p = &w->under_way->part[i];
    p->failed = !p->in_turn && !make(&w->maker[worker], p, &p->why);
}

static void cut_part(struct making *w, struct part *p)
{
    const struct vdm_selected *s = &w->j->selected;
    p->begin = w->capture;
    p->follower = w->follower;
    p->in_turn = false;
    vdm_bundle_part_clear(&p->made);
    while (w->capture < s->count && w->capture - p->begin < PART_CAPTURES && !p->in_turn) {
        size_t n = followers_of(s, s->n[w->capture], w->follower);
        p->in_turn = n > FOLLOWERS_MOST;
        w->capture++;
        w->follower += n;
    }
    p->end = w->capture;
}

static void start(struct making *w, struct batch *b)
{
    for (b->n = 0; b->n < PARTS && w->capture < w->j->selected.count; b->n++)
        cut_part(w, &b->part[b->n]);
    w->under_way = b;
    vdm_pool_start(w->pool, b->n, make_part, w);
}

static bool make_in_turn(struct making *w, struct part *p, struct vdm_err *err)
{
    struct vdm_bundle_maker *m = &w->maker[0];
    m->in_turn = w->j;
    bool ok = make(m, p, err);
    m->in_turn = NULL;
    return ok;
}

static bool put_batch(struct making *w, struct batch *b, struct vdm_err *err)
{
    for (size_t i = 0; i < b->n; i++) {
        struct part *p = &b->part[i];
        if (vdm_progress_stop(w->j->progress))
            return vdm_fail_as(err, VDM_ERR_INTERRUPTED, "interrupted");
        if (p->failed)
            return vdm_fail_as(err, p->why.kind, "%s", p->why.text);
        if ((p->in_turn && !make_in_turn(w, p, err)) || !vdm_bundle_put_part(w->j, &p->made, err))
            return false;
        vdm_progress_tell(w->j->progress, "preparing", p->end, w->j->selected.count,
                          w->j->document_bytes);
    }
    return true;
}

static bool put_captures(struct making *w, struct vdm_err *err)
{
    bool ok = true;
    start(w, &w->batch[0]);
    for (unsigned i = 0; ok && w->batch[i].n > 0; i = !i) {
        vdm_pool_finish(w->pool);
        start(w, &w->batch[!i]);
        ok = put_batch(w, &w->batch[i], err);
    }
    vdm_pool_finish(w->pool);
    return ok;
}

/* --- all --- */

static bool is_of_a_capture(const struct vdm_selected *s, uint64_t n)
{
    size_t at;
    for (size_t i = 0; i < s->followers; i++)
        if (s->follower[i].n == n)
            return true;
    return vdm_selected_find(s, n, &at);
}

static bool put_all(struct making *w, struct vdm_err *err)
{
    const struct vdm_entry_check *keys = &w->j->keys;
    uint64_t newest = w->j->head.size - 1;
    bool stood = is_of_a_capture(&w->j->selected, newest);
    for (size_t i = 0; i < keys->key_entries; i++) {
        stood |= keys->key_entry[i].n == newest;
        if (!put_entry(w, keys->key_entry[i].n, err))
            return false;
    }
    return put_captures(w, err) && (stood || put_entry(w, newest, err));
}

static bool open_makers(struct making *w, struct vdm_err *err)
{
    struct vdm_archive *a = w->j->a;
    for (unsigned i = 0; i < vdm_pool_workers(w->pool); i++) {
        if (i > 0 && (!vdm_crypto_open(&w->crypto[i], err) ||
                      !vdm_ledger_open(&w->ledger[i], a->store_path, VDM_LEDGER_READ, err)))
            return false;
        if (!vdm_bundle_maker_open(&w->maker[i], w->j, i ? w->crypto[i] : a->crypto,
                                   i ? w->ledger[i] : a->ledger, err))
            return false;
    }
    return true;
}

static void release(struct making *w)
{
    vdm_pool_close(w->pool);
    for (unsigned i = 0; i < VDM_POOL_WORKERS_MAX; i++) {
        vdm_bundle_maker_release(&w->maker[i]);
        vdm_ledger_close(w->ledger[i]);
        vdm_crypto_close(w->crypto[i]);
    }
    for (unsigned i = 0; w->batch && i < 2 * PARTS; i++)
        vdm_bundle_part_release(&w->batch[i / PARTS].part[i % PARTS].made);
    free(w->batch);
}

bool vdm_bundle_make_members(struct vdm_bundle_job *j, struct vdm_err *err)
{
    struct making w = {.j = j, .batch = calloc(2, sizeof *w.batch)};
    bool ok = (w.batch || vdm_fail_memory(err)) &&
              vdm_pool_open(&w.pool, vdm_bundle_threads(j, j->selected.count), err) &&
              open_makers(&w, err) && put_all(&w, err);
    release(&w);
    return ok;
}
