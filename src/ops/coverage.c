/* SPDX-License-Identifier: MIT */
#include "ops/coverage.h"

#include "base/text.h"

#include <stdlib.h>
#include <string.h>

void vdm_coverage_release(struct vdm_coverage *c)
{
    free(c->span);
    *c = (struct vdm_coverage){0};
}

static bool reserve(struct vdm_coverage *c, size_t n, struct vdm_err *err)
{
    if (n <= c->cap)
        return true;
    size_t cap = c->cap * 2 > n ? c->cap * 2 : n + 16;
    struct vdm_span *grown = reallocarray(c->span, cap, sizeof *grown);
    if (!grown)
        return vdm_fail_memory(err);
    c->span = grown;
    c->cap = cap;
    return true;
}

bool vdm_coverage_grow(struct vdm_coverage *c, uint64_t size, struct vdm_err *err)
{
    uint64_t end = c->n ? c->span[c->n - 1].to : 0;
    if (size <= end)
        return true;
    if (!reserve(c, c->n + 1, err))
        return false;
    c->span[c->n++] = (struct vdm_span){end, size, VDM_NEVER};
    return true;
}

/* The first span that ends behind n. */
static size_t span_at(const struct vdm_coverage *c, uint64_t n)
{
    size_t low = 0, high = c->n;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (c->span[mid].to <= n)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

/* Spans first <= i < last give way to what is left of them before and behind, and the new one. */
bool vdm_coverage_mark(struct vdm_coverage *c, uint64_t from, uint64_t to, uint64_t seen,
                       struct vdm_err *err)
{
    uint64_t size = c->n ? c->span[c->n - 1].to : 0;
    to = to < size ? to : size;
    if (from >= to)
        return true;
    size_t first = span_at(c, from), last = span_at(c, to - 1) + 1, k = 0;
    struct vdm_span head = c->span[first], tail = c->span[last - 1], put[3];
    if (head.from < from)
        put[k++] = (struct vdm_span){head.from, from, head.seen};
    put[k++] = (struct vdm_span){from, to, seen};
    if (tail.to > to)
        put[k++] = (struct vdm_span){to, tail.to, tail.seen};
    if (!reserve(c, c->n + k, err))
        return false;
    memmove(c->span + first + k, c->span + last, (c->n - last) * sizeof *c->span);
    memcpy(c->span + first, put, k * sizeof *put);
    c->n = c->n - (last - first) + k;
    return true;
}

uint64_t vdm_coverage_seen(const struct vdm_coverage *c, uint64_t n)
{
    size_t i = span_at(c, n);
    return i < c->n ? c->span[i].seen : VDM_NEVER;
}

uint64_t vdm_span_position(const struct vdm_span *s)
{
    return s->seen == VDM_NEVER ? s->from : s->seen;
}

static int by_age(const void *a, const void *b)
{
    const struct vdm_span *x = a, *y = b;
    uint64_t p = vdm_span_position(x), q = vdm_span_position(y);
    return p != q ? (p < q ? -1 : 1) : (x->from > y->from) - (x->from < y->from);
}

struct vdm_span *vdm_coverage_by_age(const struct vdm_coverage *c, struct vdm_err *err)
{
    struct vdm_span *sorted = calloc(c->n + 1, sizeof *sorted);
    if (!sorted) {
        vdm_fail_memory(err);
        return NULL;
    }
    if (c->n) {
        memcpy(sorted, c->span, c->n * sizeof *sorted);
        qsort(sorted, c->n, sizeof *sorted, by_age);
    }
    return sorted;
}

bool vdm_ranges_next(struct vdm_bytes *rest, uint64_t *from, uint64_t *to)
{
    struct vdm_bytes range, first;
    if (rest->n == 0)
        return false;
    if (!vdm_cut(rest, ',', &range)) {
        range = *rest;
        rest->n = 0;
    }
    if (!vdm_cut(&range, '-', &first)) {
        first = range;
    }
    if (!vdm_number_decode(first, from) || !vdm_number_decode(range, to))
        return false;
    ++*to;
    return true;
}
