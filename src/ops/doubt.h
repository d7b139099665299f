/* SPDX-License-Identifier: MIT */
/* Doubt: after a sync, a commit or the guard failed, nothing is written before the whole archive was
 * verified (keys/mark.h). */
#ifndef VDM_OPS_DOUBT_H
#define VDM_OPS_DOUBT_H

#include "ops/archive.h"
#include "ops/report.h"

/* What was to be made durable may not be: `err` says why, and gets what the user should know. False. */
bool vdm_doubt_raise(struct vdm_archive *a, struct vdm_err *err);
/* For who is about to write: false while the mark is there. */
bool vdm_doubt_none(struct vdm_archive *a, struct vdm_err *err) VDM_MUST_CHECK;
/* What was found in doubt. */
struct vdm_doubt {
    bool verified;      /* the mark was there: the whole archive was verified */
    uint64_t documents; /* of these some are missing or damaged: so many findings */
};
/* If the mark is there: verify the whole archive, and take the mark away if what is signed is as it was
 * signed. Documents that are missing or damaged are then no reason to write nothing: nothing that is
 * written can cover that up, verify goes on to tell it, and an import of a good copy mends it. A catalog that lies is made anew. On any
 * other finding, and when stopped in between, the mark stays and that is an error. Who called opened
 * the archive for writing, but holds neither its lock nor a transaction. */
bool vdm_doubt_settle(struct vdm_archive *a, const struct vdm_progress *progress,
                      struct vdm_doubt *out, struct vdm_err *err) VDM_MUST_CHECK;

#endif
