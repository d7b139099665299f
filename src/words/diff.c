/* SPDX-License-Identifier: MIT */
#include "words/diff.h"

#include <stdlib.h>

void vdm_hunks_release(struct vdm_hunks *h)
{
    free(h->h);
    *h = (struct vdm_hunks){0};
}

bool vdm_hunks_add(struct vdm_hunks *h, struct vdm_hunk one, struct vdm_err *err)
{
    struct vdm_hunk *last = h->n ? &h->h[h->n - 1] : NULL;
    if (one.a_n == 0 && one.b_n == 0)
        return true;
    if (last && last->a_at + last->a_n == one.a_at && last->b_at + last->b_n == one.b_at) {
        last->a_n += one.a_n;
        last->b_n += one.b_n;
        return true;
    }
    if (h->n == h->cap) {
        size_t cap = h->cap ? h->cap * 2 : 16;
        struct vdm_hunk *grown = reallocarray(h->h, cap, sizeof *grown);
        if (!grown)
            return vdm_fail_memory(err);
        h->h = grown;
        h->cap = cap;
    }
    h->h[h->n++] = one;
    return true;
}

/* Two sequences without their common ends, and how far each diagonal came with d changes: of d there are
 * the diagonals -d, -d + 2 .. d, and their row lies behind the d rows before it. */
struct search {
    const uint32_t *a, *b;
    int32_t a_n, b_n;
    int32_t *rows;
};

static int32_t *row(const struct search *s, int32_t d)
{
    return s->rows + (size_t)d * ((size_t)d + 1) / 2;
}

/* Of the diagonal k; -1: it is none of row d. */
static int32_t reached(const struct search *s, int32_t d, int32_t k)
{
    return k < -d || k > d ? -1 : row(s, d)[(k + d) / 2];
}

/* The place in `a` where diagonal k begins with d changes: after a number more of b, or one less of a. */
static int32_t enter(const struct search *s, int32_t d, int32_t k, bool *from_b)
{
    if (d == 0) {
        *from_b = false;
        return 0;
    }
    int32_t down = reached(s, d - 1, k + 1), right = reached(s, d - 1, k - 1);
    *from_b = k == -d || (k != d && right < down);
    return *from_b ? down : right + 1;
}

/* The number of changes; -1: more than there is room for. */
static int32_t find(const struct search *s, int32_t changes_max)
{
    for (int32_t d = 0; d <= changes_max; d++) {
        for (int32_t k = -d; k <= d; k += 2) {
            bool from_b;
            int32_t x = enter(s, d, k, &from_b), y = x - k;
            while (x < s->a_n && y >= 0 && y < s->b_n && s->a[x] == s->b[y]) {
                x++;
                y++;
            }
            row(s, d)[(k + d) / 2] = x;
            if (k == s->a_n - s->b_n && x >= s->a_n)
                return d;
        }
    }
    return -1;
}

/* From the end to the start: each change as a hunk of one number, last first. */
static void retrace(const struct search *s, int32_t d, struct vdm_hunk *single)
{
    int32_t k = s->a_n - s->b_n;
    for (; d > 0; d--) {
        bool from_b;
        int32_t x = enter(s, d, k, &from_b), y = x - k;
        single[d - 1] = from_b ? (struct vdm_hunk){(uint32_t)x, 0, (uint32_t)y - 1, 1}
                               : (struct vdm_hunk){(uint32_t)x - 1, 1, (uint32_t)y, 0};
        k += from_b ? 1 : -1;
    }
}

static bool emit(struct vdm_hunks *out, struct vdm_hunk h, uint32_t a_at, uint32_t b_at,
                 struct vdm_err *err)
{
    h.a_at += a_at;
    h.b_at += b_at;
    return vdm_hunks_add(out, h, err);
}

static bool search(struct vdm_hunks *out, struct search *s, uint32_t a_at, uint32_t b_at,
                   struct vdm_err *err)
{
    int32_t most = s->a_n > INT32_MAX - s->b_n ? INT32_MAX : s->a_n + s->b_n;
    int32_t changes_max = most < VDM_DIFF_CHANGES_MAX ? most : VDM_DIFF_CHANGES_MAX;
    size_t cells = ((size_t)changes_max + 1) * ((size_t)changes_max + 2) / 2;
    bool ok = true;
    struct vdm_hunk *single = NULL;
    if (s->a_n == 0 || s->b_n == 0)
        return emit(out, (struct vdm_hunk){0, (uint32_t)s->a_n, 0, (uint32_t)s->b_n}, a_at, b_at,
                    err);
    s->rows = reallocarray(NULL, cells, sizeof *s->rows);
    if (!s->rows)
        return vdm_fail_memory(err);
    int32_t d = find(s, changes_max);
    if (d < 0) {
        ok =
            emit(out, (struct vdm_hunk){0, (uint32_t)s->a_n, 0, (uint32_t)s->b_n}, a_at, b_at, err);
    } else if ((single = reallocarray(NULL, (size_t)d + 1, sizeof *single))) {
        retrace(s, d, single);
        for (int32_t i = 0; ok && i < d; i++)
            ok = emit(out, single[i], a_at, b_at, err);
    } else {
        ok = vdm_fail_memory(err);
    }
    free(single);
    free(s->rows);
    return ok;
}

bool vdm_diff(struct vdm_hunks *out, const uint32_t *a, uint32_t a_n, uint32_t a_at,
              const uint32_t *b, uint32_t b_n, uint32_t b_at, struct vdm_err *err)
{
    uint32_t head = 0, tail = 0;
    if (a_n > INT32_MAX || b_n > INT32_MAX)
        return vdm_fail_as(err, VDM_ERR_MALFORMED, "too much to compare");
    while (head < a_n && head < b_n && a[head] == b[head])
        head++;
    while (tail < a_n - head && tail < b_n - head && a[a_n - 1 - tail] == b[b_n - 1 - tail])
        tail++;
    struct search s = {a + head, b + head, (int32_t)(a_n - head - tail),
                       (int32_t)(b_n - head - tail), NULL};
    return search(out, &s, a_at + head, b_at + head, err);
}
