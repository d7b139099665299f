/* SPDX-License-Identifier: MIT */
/* Which entries were last looked at by which audit: computed from the audit entries of the ledger, and
 * from nothing else. Position in the ledger is the only clock: an entry that no audit covers was last
 * seen when it was appended. */
#ifndef VDM_OPS_COVERAGE_H
#define VDM_OPS_COVERAGE_H

#include "base/buf.h"

/* Entries from <= n < to, last covered by audit entry `seen`; VDM_NEVER: by none. */
#define VDM_NEVER UINT64_MAX
struct vdm_span {
    uint64_t from, to, seen;
};

/* All entries from 0 on, in order, without gaps. Zero-initialise, release. */
struct vdm_coverage {
    struct vdm_span *span;
    size_t n, cap;
};
void vdm_coverage_release(struct vdm_coverage *c);

/* The ledger has grown to `size` entries. */
bool vdm_coverage_grow(struct vdm_coverage *c, uint64_t size, struct vdm_err *err) VDM_MUST_CHECK;
/* Audit entry `seen` covers from <= n < to; what lies beyond the size is passed over. */
bool vdm_coverage_mark(struct vdm_coverage *c, uint64_t from, uint64_t to, uint64_t seen,
                       struct vdm_err *err) VDM_MUST_CHECK;
/* Which audit was the last to see entry n. */
uint64_t vdm_coverage_seen(const struct vdm_coverage *c, uint64_t n);
/* Where in the ledger a span was last seen: the smaller, the longer ago. */
uint64_t vdm_span_position(const struct vdm_span *s);
/* The spans again, what was seen longest ago first. The caller frees it. */
struct vdm_span *vdm_coverage_by_age(const struct vdm_coverage *c, struct vdm_err *err);

/* One range off the front of `1-400,512`, as from <= n < to; false at the end. */
bool vdm_ranges_next(struct vdm_bytes *rest, uint64_t *from, uint64_t *to);

#endif
