/* SPDX-License-Identifier: MIT */
/* What an interrupted write leaves, and how it is finished. Safe to run twice, at every step. */
#ifndef VDM_OPS_RECOVER_H
#define VDM_OPS_RECOVER_H

#include "ops/takedown.h"

struct vdm_recovered {
    uint64_t entries;         /* committed but not acknowledged before */
    uint64_t leftovers;       /* files removed from store/tmp */
    struct vdm_erased erased; /* withdrawn, and still or again there */
    bool guard_made; /* keys/last-checkpoint was missing and was made anew from the ledger */
};

/* The archive is open for writing (which rolled back a half-written transaction) and its lock is held:
 * if the guard is behind, the documents of the entries beyond it are hashed again, what they
 * withdraw is erased, and the guard is advanced. Rolled back, forked, or no guard: an error that names the way out. *out may be NULL. */
bool vdm_recover_guard(struct vdm_archive *a, uint64_t size, struct vdm_recovered *out,
                       struct vdm_err *err) VDM_MUST_CHECK;

/* May anything be signed over this ledger? The same refusals, before any work and without the lock: rolled
 * back, forked, of another ledger, no guard. Writes nothing. */
bool vdm_guard_allows(struct vdm_archive *a, struct vdm_err *err) VDM_MUST_CHECK;

/* The whole: leftovers, guard, what is withdrawn, catalog. Takes the lock. A missing guard is made anew, which the caller
 * must tell: what was rolled back before cannot be noticed any more. */
bool vdm_recover(struct vdm_archive *a, const struct vdm_progress *progress,
                 struct vdm_recovered *out, struct vdm_err *err) VDM_MUST_CHECK;

/* Make the catalog anew from the ledger. Takes the lock. */
bool vdm_reindex(struct vdm_archive *a, const struct vdm_progress *progress,
                 struct vdm_err *err) VDM_MUST_CHECK;

#endif
