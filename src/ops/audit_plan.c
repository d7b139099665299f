/* SPDX-License-Identifier: MIT */
/* What an audit looks at, in which order. */
#include "ops/audit_state.h"

#include <stdlib.h>

#define DAY_SECONDS 86400

/* --- a sample --- */

struct block {
    uint64_t rank, from;
};

static int by_rank(const void *a, const void *b)
{
    const struct block *x = a, *y = b;
    return x->rank != y->rank ? (x->rank < y->rank ? -1 : 1)
                              : (x->from > y->from) - (x->from < y->from);
}

/* SHA-256 over the checkpoint's root and the block's number, its first eight bytes: whoever has the
 * checkpoint can say which blocks come first (docs/FORMATS.md, "Samples"). */
static uint64_t rank_of(struct vdm_audit_run *r, uint64_t block)
{
    uint8_t number[8];
    for (int i = 0; i < 8; i++)
        number[i] = (uint8_t)(block >> (56 - 8 * i));
    const struct vdm_bytes parts[] = {
        VDM_LIT("vidimus/sample/v1\n"), vdm_digest_bytes(&r->done->root), {number, sizeof number}};
    struct vdm_digest d = vdm_sha256_parts(r->a->crypto, parts, 3);
    uint64_t rank = 0;
    for (int i = 0; i < 8; i++)
        rank = rank << 8 | d.b[i];
    return rank;
}

static bool plan_sample(struct vdm_audit_run *r, struct vdm_err *err)
{
    uint64_t blocks = (r->size + VDM_SAMPLE_BLOCK - 1) / VDM_SAMPLE_BLOCK;
    uint64_t wanted = (blocks * r->o->sample + 9999) / 10000;
    struct block *b = calloc(blocks + 1, sizeof *b);
    r->plan = calloc(wanted + 1, sizeof *r->plan);
    if (!b || !r->plan) {
        free(b);
        return vdm_fail_memory(err);
    }
    for (uint64_t i = 0; i < blocks; i++)
        b[i] = (struct block){rank_of(r, i), i * VDM_SAMPLE_BLOCK};
    qsort(b, blocks, sizeof *b, by_rank);
    for (uint64_t i = 0; i < wanted; i++) {
        uint64_t to = b[i].from + VDM_SAMPLE_BLOCK;
        r->plan[r->plans++] = (struct vdm_span){b[i].from, to < r->size ? to : r->size, VDM_NEVER};
    }
    free(b);
    return true;
}

/* --- a promise --- */

static struct vdm_time seen_at(const struct vdm_audit_run *r, uint64_t audit)
{
    for (size_t i = r->history.n; i-- > 0;)
        if (r->history.audit[i].n == audit)
            return r->history.audit[i].recorded;
    return (struct vdm_time){0};
}

/* How many entries of a span were last seen before `limit`. */
static bool due(struct vdm_audit_run *r, const struct vdm_span *s, struct vdm_time limit,
                uint64_t *count, struct vdm_err *err)
{
    uint64_t end;
    if (s->seen != VDM_NEVER) {
        *count = seen_at(r, s->seen).seconds < limit.seconds ? s->to - s->from : 0;
        return true;
    }
    if (!vdm_audit_first_since(r->a, s->from, s->to, limit, &end, err))
        return false;
    *count = end - s->from;
    return true;
}

/* As much as is due before the next audit, which is taken to come after as long as the last one is ago;
 * and never less than that part of the whole, so that the work is spread evenly. A tenth is added for
 * what comes later than it should. */
static bool cut_to_promise(struct vdm_audit_run *r, struct vdm_err *err)
{
    const struct vdm_audit_past *last = vdm_audit_last(&r->history);
    int64_t now = r->done->begun.seconds, promise = (int64_t)r->o->within_seconds;
    int64_t pause = last ? now - last->recorded.seconds : DAY_SECONDS;
    pause = pause < 1 ? 1 : pause > promise ? promise : pause;
    struct vdm_time limit = {now - promise + pause + pause / 2};
    double share = (double)r->size * (double)pause / (double)promise * 1.1;
    uint64_t quota = (uint64_t)share + 1, planned = 0;
    for (size_t i = 0; i < r->plans; i++) {
        struct vdm_span *s = &r->plan[i];
        uint64_t must, left = planned < quota ? quota - planned : 0;
        if (!due(r, s, limit, &must, err))
            return false;
        uint64_t take = must > left ? must : left;
        if (take < s->to - s->from)
            s->to = s->from + take;
        planned += s->to - s->from;
    }
    return true;
}

/* As if it had been seen before all others: whatever the promise, it is due. */
static bool put_standing_first(struct vdm_audit_run *r, struct vdm_err *err)
{
    for (size_t i = 0; i < r->o->standings; i++) {
        uint64_t n = r->o->standing[i];
        if (!vdm_coverage_mark(&r->history.coverage, n, n + 1, 0, err))
            return false;
    }
    return true;
}

bool vdm_audit_plan(struct vdm_audit_run *r, struct vdm_err *err)
{
    if (r->o->sample)
        return plan_sample(r, err);
    if (!put_standing_first(r, err))
        return false;
    r->plan = vdm_coverage_by_age(&r->history.coverage, err);
    r->plans = r->history.coverage.n;
    return r->plan && (!r->o->within_seconds || cut_to_promise(r, err));
}
