/* SPDX-License-Identifier: MIT */
/* Making a fork proof out of two things that contradict each other. */
#ifndef VDM_OPS_FORK_MAKE_H
#define VDM_OPS_FORK_MAKE_H

#include "format/fork_proof.h"
#include "ops/report.h"

struct vdm_fork_request {
    const char *path[2]; /* each an archive's folder, a bundle, a proof file or a checkpoint */
    const struct vdm_vkey
        *key; /* ledger keys that the user names beside those that these two name */
    size_t keys;
};

struct vdm_fork_made {
    bool contradiction;      /* false: one extends the other, or they are the same */
    struct vdm_buf text;     /* the proof; release */
    struct vdm_fork_proof p; /* borrows from it */
};

/* False also where it cannot be told: different keys or ledgers, or nothing here that leads from the
 * smaller checkpoint to the larger. The error says what is needed then. */
bool vdm_fork_make(struct vdm_crypto *c, const struct vdm_fork_request *r,
                   const struct vdm_progress *progress, struct vdm_fork_made *out,
                   struct vdm_err *err) VDM_MUST_CHECK;

#endif
