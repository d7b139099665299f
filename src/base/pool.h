/* SPDX-License-Identifier: MIT */
/* A few threads that share the items of a batch. What is done with an item depends on that item alone,
 * so the result does not depend on who does it or when.
 *
 *   start   hands a batch out and returns: the caller goes on with something else
 *   finish  the caller does items too, until all are done
 *
 * and the same for a batch that is wanted soon: its items are begun before those of the other, and it is finished by
 * itself. One batch of each kind at a time. Items are begun in their order. The threads take no signals: the caller's
 * thread decides what Ctrl-C means. No process may be started between start and finish: the copy would
 * have what the threads had in their hands, and no threads. */
#ifndef VDM_BASE_POOL_H
#define VDM_BASE_POOL_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

#define VDM_POOL_WORKERS_MAX 16

struct vdm_pool;

/* Runs on any of the threads; `worker` is less than vdm_pool_workers and used by one thread at a time. */
typedef void vdm_pool_fn(void *ctx, unsigned worker, size_t item);

/* `workers` counts the caller's thread: 1 starts none, 0 is one for each processor at hand. Where the
 * system gives fewer threads than that, there are fewer. */
bool vdm_pool_open(struct vdm_pool **out, unsigned workers, struct vdm_err *err) VDM_MUST_CHECK;
void vdm_pool_close(
    struct vdm_pool *p); /* NULL is fine; a batch that was started is finished first */
void vdm_pool_cleanup(struct vdm_pool **p); /* for VDM_CLEANUP */
unsigned vdm_pool_workers(const struct vdm_pool *p);

/* What ctx leads to belongs to the threads until finish returns. */
void vdm_pool_start(struct vdm_pool *p, size_t items, vdm_pool_fn *fn, void *ctx);
void vdm_pool_finish(struct vdm_pool *p);
/* The same, and calls `tick` after each item that the caller did, and ten times a second while it waits. */
typedef void vdm_pool_tick_fn(void *ctx);
void vdm_pool_finish_telling(struct vdm_pool *p, vdm_pool_tick_fn *tick, void *ctx);

void vdm_pool_start_soon(struct vdm_pool *p, size_t items, vdm_pool_fn *fn, void *ctx);
void vdm_pool_finish_soon(struct vdm_pool *p);

#endif
