/* SPDX-License-Identifier: MIT */
/* What changed between two sequences of numbers, that stand for words or lines: a shortest script of
 * changes (Myers, "An O(ND) difference algorithm", 1986), as long as it is short. */
#ifndef VDM_WORDS_DIFF_H
#define VDM_WORDS_DIFF_H

#include "base/buf.h"

/* a[a_at .. a_at + a_n) became b[b_at .. b_at + b_n). Between two hunks both are the same. */
struct vdm_hunk {
    uint32_t a_at, a_n, b_at, b_n;
};
/* Zero-initialise, release. */
struct vdm_hunks {
    struct vdm_hunk *h;
    size_t n, cap;
};
void vdm_hunks_release(struct vdm_hunks *h);
/* One more, behind all others; one that touches the last is joined to it. */
bool vdm_hunks_add(struct vdm_hunks *h, struct vdm_hunk one, struct vdm_err *err) VDM_MUST_CHECK;

/* More changes than this between two common ends, and all in between counts as changed: memory and
 * time are bounded by it. */
#define VDM_DIFF_CHANGES_MAX 2000

/* Appends the hunks, rising; `a_at` and `b_at` are added to their places. */
bool vdm_diff(struct vdm_hunks *out, const uint32_t *a, uint32_t a_n, uint32_t a_at,
              const uint32_t *b, uint32_t b_n, uint32_t b_at, struct vdm_err *err) VDM_MUST_CHECK;

#endif
