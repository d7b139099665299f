/* SPDX-License-Identifier: MIT */
/* The threads of an import, and what each of them needs for itself. One group of inputs is under way at a time; it has one
 * of two places. What the threads put for one place is synced while they put for the other. */
#ifndef VDM_OPS_IMPORT_CREW_H
#define VDM_OPS_IMPORT_CREW_H

#include "base/pool.h"
#include "ops/import_state.h"

#include <stdatomic.h>

#define VDM_CREW_PLACES 2

/* Small documents are held in memory and put together, at the price of one lock. */
#define VDM_HELD_MAX   32
#define VDM_HELD_BYTES (UINT64_C(256) << 10)
struct vdm_import_job;
struct vdm_held {
    struct vdm_import_job *job;
    size_t at, n; /* in `bytes` */
};

struct vdm_hand {
    struct vdm_crypto *crypto;
    struct vdm_store *store[VDM_CREW_PLACES];
    bool put[VDM_CREW_PLACES];
    unsigned place; /* of the group that is under way */
    struct vdm_media *media;
    struct vdm_import_text *text;      /* NULL: no fingerprints are made */
    atomic_uint_fast64_t *bytes_taken; /* by all of them, of this group */
    struct vdm_held held[VDM_HELD_MAX];
    size_t helds;
    struct vdm_buf bytes;
};

struct vdm_crew;
bool vdm_crew_open(struct vdm_crew **out, const struct vdm_importing *m,
                   struct vdm_err *err) VDM_MUST_CHECK;
void vdm_crew_close(struct vdm_crew *c); /* NULL is fine */

typedef void vdm_crew_fn(void *ctx, struct vdm_hand *h, size_t item);
/* As vdm_pool_start and vdm_pool_finish_telling. What is unsynced in this place must be of nobody's batch. */
void vdm_crew_start(struct vdm_crew *c, unsigned place, size_t items, vdm_crew_fn *fn, void *ctx);
void vdm_crew_finish(struct vdm_crew *c, vdm_pool_tick_fn *tick, void *ctx);
/* Bytes that were read of the group that was started last. */
uint64_t vdm_crew_bytes_taken(struct vdm_crew *c);

/* Makes durable what was put, but for the place that is under way. NULL is fine. */
bool vdm_crew_sync(struct vdm_crew *c, struct vdm_err *err) VDM_MUST_CHECK;
/* Is something of this place not synced? */
bool vdm_crew_has_put(const struct vdm_crew *c, unsigned place);
/* For what is wanted soon, meanwhile (vdm_pool_start_soon); NULL without a crew. */
struct vdm_pool *vdm_crew_pool(struct vdm_crew *c);

#endif
