/* SPDX-License-Identifier: MIT */
/* A fork proof: two signed checkpoints of one ledger key that contradict each other, with what shows
 * that they do (docs/FORMATS.md, "Fork proof"). Here its form; whether it holds is ops/fork_proof.h. */
#ifndef VDM_FORMAT_FORK_PROOF_H
#define VDM_FORMAT_FORK_PROOF_H

#include "base/limits.h"
#include "format/checkpoint.h"

/* Of sizes m <= n. The first is the smaller; of equal sizes the one with the smaller root. */
struct vdm_fork_proof {
    struct vdm_vkey key; /* named like the ledger */
    struct vdm_digest
        root;      /* m < n: what the larger one's history has at size m, not the first root */
    size_t hashes; /* m < n: from m to n, lowest first; m == n: none */
    struct vdm_digest hash[VDM_PROOF_HASHES_MAX];
    struct vdm_bytes note[2]; /* whole notes, borrowed */
    struct vdm_checkpoint head[2];
};

/* At most VDM_FORK_PROOF_MAX bytes. What it takes is all of the form, and that the two checkpoints are
 * of the key's ledger, of sizes from 1 on, and say different things. No signature is looked at. */
bool vdm_fork_proof_decode(struct vdm_crypto *c, struct vdm_bytes text, struct vdm_fork_proof *out,
                           struct vdm_err *err) VDM_MUST_CHECK;
/* `head` says whether the root and the hashes are written. */
void vdm_fork_proof_append(struct vdm_buf *out, const struct vdm_fork_proof *p);

#endif
