/* SPDX-License-Identifier: MIT */
/* Where captures of equal bytes were taken from, in memory: there may be as many of them as an empty file has
 * copies, and each part of a container asks for one. */
#include "ops/import_state.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

/* The k-th thing noted of a key. The first of a key tells of them all. */
struct place {
    struct vdm_digest key;
    uint64_t k, entry;
    uint64_t n; /* how many there are */
};

static int compare(const void *a, const void *b)
{
    const struct place *x = a, *y = b;
    int order = memcmp(x->key.b, y->key.b, sizeof x->key.b);
    return order ? order : (x->k > y->k) - (x->k < y->k);
}

static struct place *get(const struct vdm_places *s, struct vdm_digest key, uint64_t k)
{
    const struct place wanted = {.key = key, .k = k};
    void *found = tfind(&wanted, &s->tree, compare);
    return found ? *(struct place **)found : NULL;
}

static struct place *put(struct vdm_places *s, struct vdm_digest key, uint64_t k, uint64_t entry,
                         struct vdm_err *err)
{
    struct place *p = malloc(sizeof *p);
    if (p)
        *p = (struct place){.key = key, .k = k, .entry = entry};
    if (!p || !tsearch(p, &s->tree, compare)) {
        free(p);
        vdm_fail_memory(err);
        return NULL;
    }
    return p;
}

uint64_t *vdm_places_run(const struct vdm_places *s, struct vdm_digest run)
{
    struct place *p = get(s, run, 0);
    return p ? &p->entry : NULL;
}

uint64_t *vdm_places_run_new(struct vdm_places *s, struct vdm_digest run, struct vdm_err *err)
{
    struct place *p = put(s, run, 0, 0, err);
    return p ? &p->entry : NULL;
}

bool vdm_places_add(struct vdm_places *s, struct vdm_digest place, uint64_t entry,
                    struct vdm_err *err)
{
    struct place *first = get(s, place, 0);
    if (!put(s, place, first ? first->n : 0, entry, err))
        return false;
    if (!first)
        first = get(s, place, 0);
    first->n++;
    return true;
}

/* They were added in the order of their entries. */
bool vdm_places_next(const struct vdm_places *s, struct vdm_digest place, uint64_t from,
                     uint64_t *entry)
{
    const struct place *first = get(s, place, 0);
    uint64_t low = 0, n = first ? first->n : 0, high = n;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        if (get(s, place, middle)->entry < from)
            low = middle + 1;
        else
            high = middle;
    }
    if (low < n)
        *entry = get(s, place, low)->entry;
    return low < n;
}

void vdm_places_release(struct vdm_places *s)
{
    tdestroy(s->tree, free);
    s->tree = NULL;
}
