/* SPDX-License-Identifier: MIT */
/* The captures of one source in the order in which they were taken, which need not be that of their
 * entries: imports come late, and in any order.
 *
 * A capture comes before another if all that its `captured` may mean is earlier. Where that does
 * not tell (`2026` and `2026-03`), they keep the order of their entries, as far as the others let
 * them. One that states no such time, or whose record was withdrawn, stands at the time it was
 * recorded: it was there by then. */
#ifndef VDM_OPS_SOURCE_ORDER_H
#define VDM_OPS_SOURCE_ORDER_H

#include "ops/query.h"
#include "ops/report.h"

/* Zero-initialise, release. */
struct vdm_source_order {
    uint64_t *n; /* of entries */
    size_t captures;
};
void vdm_source_order_release(struct vdm_source_order *o);
bool vdm_source_order(struct vdm_archive *a, struct vdm_bytes source,
                      const struct vdm_progress *progress, struct vdm_source_order *out,
                      struct vdm_err *err) VDM_MUST_CHECK;

/* Each of them opened in turn. */
bool vdm_source_captures(struct vdm_archive *a, const struct vdm_source_order *o, vdm_view_fn *tell,
                         void *ctx, struct vdm_err *err) VDM_MUST_CHECK;

#endif
