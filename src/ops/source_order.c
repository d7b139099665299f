/* SPDX-License-Identifier: MIT */
#include "ops/source_order.h"

#include "base/edtf.h"

#include <stdlib.h>

void vdm_source_order_release(struct vdm_source_order *o)
{
    free(o->n);
    *o = (struct vdm_source_order){0};
}

/* --- which there are, and when they were taken --- */

struct taken {
    struct vdm_moments when;
    uint64_t n;
    bool told;
};

struct gathering {
    const struct vdm_progress *progress;
    struct vdm_buf taken; /* of struct taken, rising by entry */
};

static bool gather(void *ctx, const struct vdm_view *v, struct vdm_err *err)
{
    struct gathering *g = ctx;
    struct taken t = {.n = v->n};
    if (vdm_progress_stop(g->progress))
        return vdm_fail_as(err, VDM_ERR_INTERRUPTED, "interrupted");
    bool stated = v->has_record &&
                  vdm_edtf_moments(vdm_record_value(&v->record, VDM_FIELD_CAPTURED, 0), &t.when);
    if (!stated)
        t.when = vdm_moments_of_second(v->entry.recorded.seconds);
    vdm_buf_put(&g->taken, (struct vdm_bytes){(const uint8_t *)&t, sizeof t});
    return vdm_buf_ok(&g->taken, err);
}

/* --- in order --- */

static int by_first(const void *a, const void *b)
{
    const struct taken *const *x = a, *const *y = b;
    return vdm_moment_compare((*x)->when.first, (*y)->when.first);
}

static int by_last(const void *a, const void *b)
{
    const struct taken *const *x = a, *const *y = b;
    return vdm_moment_compare((*x)->when.last, (*y)->when.last);
}

/* Those that nothing need come before any more; the lowest entry on top. */
struct ready {
    struct taken **heap;
    size_t n;
};

static void add_ready(struct ready *r, struct taken *t)
{
    size_t at = r->n++;
    for (; at && r->heap[(at - 1) / 2]->n > t->n; at = (at - 1) / 2)
        r->heap[at] = r->heap[(at - 1) / 2];
    r->heap[at] = t;
}

static struct taken *take_ready(struct ready *r)
{
    struct taken *top = r->heap[0], *t = r->heap[--r->n];
    size_t at = 0;
    for (size_t child; (child = 2 * at + 1) < r->n; at = child) {
        child += child + 1 < r->n && r->heap[child + 1]->n < r->heap[child]->n;
        if (r->heap[child]->n > t->n)
            break;
        r->heap[at] = r->heap[child];
    }
    r->heap[at] = t;
    return top;
}

/* One is ready when of those left none ends before it begins. */
static void put_in_order(struct taken **first, struct taken **last, struct ready *r, size_t n,
                         uint64_t *out)
{
    size_t next = 0, end = 0;
    for (size_t told = 0; told < n; told++) {
        while (last[end]->told)
            end++;
        while (next < n && vdm_moment_compare(first[next]->when.first, last[end]->when.last) <= 0)
            add_ready(r, first[next++]);
        struct taken *t = take_ready(r);
        t->told = true;
        out[told] = t->n;
    }
}

static bool order(struct taken *t, size_t n, uint64_t *out, struct vdm_err *err)
{
    struct taken **lists = reallocarray(NULL, n, 3 * sizeof(struct taken *));
    if (!lists)
        return vdm_fail_memory(err);
    struct taken **first = lists, **last = lists + n;
    struct ready r = {.heap = lists + 2 * n};
    for (size_t i = 0; i < n; i++)
        first[i] = last[i] = &t[i];
    qsort(first, n, sizeof *first, by_first);
    qsort(last, n, sizeof *last, by_last);
    put_in_order(first, last, &r, n, out);
    free(lists);
    return true;
}

bool vdm_source_order(struct vdm_archive *a, struct vdm_bytes source,
                      const struct vdm_progress *progress, struct vdm_source_order *out,
                      struct vdm_err *err)
{
    struct gathering g = {.progress = progress};
    struct vdm_catalog_filter filter = {.source = source};
    struct vdm_source_order o = {0};
    bool ok = vdm_query_captures(a, &filter, 0, gather, &g, err);
    o.captures = g.taken.n / sizeof(struct taken);
    if (ok && o.captures) {
        o.n = reallocarray(NULL, o.captures, sizeof *o.n);
        ok = o.n ? order((struct taken *)(void *)g.taken.p, o.captures, o.n, err)
                 : vdm_fail_memory(err);
    }
    vdm_buf_release(&g.taken);
    if (ok)
        *out = o;
    else
        vdm_source_order_release(&o);
    return ok;
}

bool vdm_source_captures(struct vdm_archive *a, const struct vdm_source_order *o, vdm_view_fn *tell,
                         void *ctx, struct vdm_err *err)
{
    struct vdm_view v VDM_CLEANUP(vdm_view_release) = {0};
    for (size_t i = 0; i < o->captures; i++)
        if (!vdm_view_open(a, o->n[i], &v, err) || !tell(ctx, &v, err))
            return false;
    return true;
}
