/* SPDX-License-Identifier: MIT */
#include "ops/import_crew.h"

#include "store/store_folder.h"

#include <stdlib.h>

enum { NOWHERE = VDM_CREW_PLACES };

struct vdm_crew {
    struct vdm_pool *pool;
    struct vdm_hand hand[VDM_POOL_WORKERS_MAX];
    unsigned under_way; /* a place, or NOWHERE */
    atomic_uint_fast64_t bytes_taken;
    vdm_crew_fn *fn;
    void *ctx;
};

static bool open_hand(struct vdm_hand *h, const struct vdm_importing *m, struct vdm_err *err)
{
    if (!vdm_crypto_open(&h->crypto, err) || !vdm_media_open(&h->media, err) ||
        (m->text && !vdm_import_text_open(&h->text, h->crypto, err)))
        return false;
    for (size_t i = 0; i < VDM_CREW_PLACES; i++)
        if (!vdm_store_open_folder(&h->store[i], h->crypto, m->a->store_path, true, err))
            return false;
    return true;
}

static bool open_all(struct vdm_crew *c, const struct vdm_importing *m, struct vdm_err *err)
{
    c->under_way = NOWHERE;
    if (!vdm_pool_open(&c->pool, m->r->threads, err))
        return false;
    for (unsigned i = 0; i < vdm_pool_workers(c->pool); i++) {
        c->hand[i].bytes_taken = &c->bytes_taken;
        if (!open_hand(&c->hand[i], m, err))
            return false;
    }
    return true;
}

bool vdm_crew_open(struct vdm_crew **out, const struct vdm_importing *m, struct vdm_err *err)
{
    struct vdm_crew *c = calloc(1, sizeof *c);
    if (!c)
        return vdm_fail_memory(err);
    if (!open_all(c, m, err)) {
        vdm_crew_close(c);
        return false;
    }
    *out = c;
    return true;
}

void vdm_crew_close(struct vdm_crew *c)
{
    if (!c)
        return;
    vdm_pool_close(c->pool);
    for (size_t i = 0; i < VDM_POOL_WORKERS_MAX; i++) {
        struct vdm_hand *h = &c->hand[i];
        vdm_import_text_close(h->text);
        vdm_media_close(h->media);
        for (size_t k = 0; k < VDM_CREW_PLACES; k++)
            vdm_store_close(h->store[k]);
        vdm_buf_release(&h->bytes);
        vdm_crypto_close(h->crypto);
    }
    free(c);
}

static void do_item(void *ctx, unsigned worker, size_t item)
{
    struct vdm_crew *c = ctx;
    c->fn(c->ctx, &c->hand[worker], item);
}

/* No thread is at work yet: processes are started here, and nowhere else. */
static void make_ready(struct vdm_crew *c, unsigned place)
{
    for (unsigned i = 0; i < vdm_pool_workers(c->pool); i++) {
        c->hand[i].place = place;
        vdm_media_ready(c->hand[i].media);
        vdm_import_text_ready(c->hand[i].text);
    }
}

void vdm_crew_start(struct vdm_crew *c, unsigned place, size_t items, vdm_crew_fn *fn, void *ctx)
{
    make_ready(c, place);
    atomic_store(&c->bytes_taken, 0);
    c->under_way = place;
    c->fn = fn;
    c->ctx = ctx;
    vdm_pool_start(c->pool, items, do_item, c);
}

void vdm_crew_finish(struct vdm_crew *c, vdm_pool_tick_fn *tick, void *ctx)
{
    vdm_pool_finish_telling(c->pool, tick, ctx);
    c->under_way = NOWHERE;
}

uint64_t vdm_crew_bytes_taken(struct vdm_crew *c)
{
    return atomic_load(&c->bytes_taken);
}

bool vdm_crew_has_put(const struct vdm_crew *c, unsigned place)
{
    for (size_t i = 0; i < VDM_POOL_WORKERS_MAX; i++)
        if (c->hand[i].put[place])
            return true;
    return false;
}

static bool sync_place(struct vdm_crew *c, unsigned place, struct vdm_err *err)
{
    for (size_t i = 0; i < VDM_POOL_WORKERS_MAX; i++) {
        struct vdm_hand *h = &c->hand[i];
        if (h->put[place] && !vdm_store_sync(h->store[place], err))
            return false;
        h->put[place] = false;
    }
    return true;
}

bool vdm_crew_sync(struct vdm_crew *c, struct vdm_err *err)
{
    for (unsigned i = 0; c && i < VDM_CREW_PLACES; i++)
        if (i != c->under_way && !sync_place(c, i, err))
            return false;
    return true;
}

struct vdm_pool *vdm_crew_pool(struct vdm_crew *c)
{
    return c ? c->pool : NULL;
}
