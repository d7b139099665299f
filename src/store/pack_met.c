/* SPDX-License-Identifier: MIT */
#include "store/pack_met.h"

#include "store/store_packs.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* Not empty, and no two with the same beginning. */
struct run {
    uint64_t from, to;
};

struct vdm_store_met {
    pthread_mutex_t lock;
    size_t runs;
    struct run run[VDM_PACK_RUNS_MAX];
};

bool vdm_store_met_open(struct vdm_store_met **out, struct vdm_err *err)
{
    struct vdm_store_met *m = malloc(sizeof *m);
    if (!m)
        return vdm_fail_memory(err);
    m->runs = 0;
    pthread_mutex_init(&m->lock, NULL);
    *out = m;
    return true;
}

void vdm_store_met_close(struct vdm_store_met *m)
{
    if (!m)
        return;
    pthread_mutex_destroy(&m->lock);
    free(m);
}

void vdm_store_pass_over(struct vdm_store *s, struct vdm_store_met *m)
{
    s->met = m;
}

/* Packs do not touch each other. */
static uint64_t start_of(uint32_t pack)
{
    return pack * 2 * VDM_PACK_MOST;
}

/* How many runs begin at `at` or before. */
static size_t runs_up_to(const struct vdm_store_met *m, uint64_t at)
{
    size_t low = 0, high = m->runs;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (m->run[mid].from <= at)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

static void insert(struct vdm_store_met *m, size_t i, struct run r)
{
    if (m->runs == VDM_PACK_RUNS_MAX)
        return;
    memmove(m->run + i + 1, m->run + i, (m->runs - i) * sizeof *m->run);
    m->run[i] = r;
    m->runs++;
}

/* Run i has grown: it may have come up to the next. */
static void join(struct vdm_store_met *m, size_t i)
{
    if (i + 1 == m->runs || m->run[i].to != m->run[i + 1].from)
        return;
    m->run[i].to = m->run[i + 1].to;
    m->runs--;
    memmove(m->run + i + 1, m->run + i + 2, (m->runs - i - 1) * sizeof *m->run);
}

/* Members do not overlap, so a run that holds the first byte holds all of it. Where a forged index leads into the middle
 * of a document, what is found there may reach into others: such runs are not put together. */
static void add(struct vdm_store_met *m, struct run r)
{
    size_t i = runs_up_to(
        m, r.from); /* the one before may hold it or end at it, this one begin behind it */
    if (i > 0 && m->run[i - 1].to > r.from)
        return;
    if (i > 0 && m->run[i - 1].to == r.from) {
        m->run[i - 1].to = r.to;
        join(m, i - 1);
    } else if (i < m->runs && m->run[i].from == r.to) {
        m->run[i].from = r.from;
    } else {
        insert(m, i, r);
    }
}

void vdm_pack_met_add(struct vdm_store_met *m, uint32_t pack, uint64_t offset, uint64_t span)
{
    uint64_t from = start_of(pack) + offset;
    if (!m)
        return;
    pthread_mutex_lock(&m->lock);
    add(m, (struct run){from, from + span});
    pthread_mutex_unlock(&m->lock);
}

uint64_t vdm_pack_met_past(struct vdm_store_met *m, uint32_t pack, uint64_t offset)
{
    uint64_t start = start_of(pack), at = start + offset;
    if (!m)
        return offset;
    pthread_mutex_lock(&m->lock);
    size_t i = runs_up_to(m, at);
    if (i > 0 && m->run[i - 1].from == at)
        at = m->run[i - 1].to;
    pthread_mutex_unlock(&m->lock);
    return at - start;
}
