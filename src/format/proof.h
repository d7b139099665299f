/* SPDX-License-Identifier: MIT */
/* Proof files: inclusion (`c2sp.org/tlog-proof@v1`) and consistency (the body of an add-checkpoint
 * request of C2SP tlog-witness). Both carry the checkpoint that they lead to. */
#ifndef VDM_FORMAT_PROOF_H
#define VDM_FORMAT_PROOF_H

#include "base/limits.h"
#include "crypto/crypto.h"

struct vdm_inclusion_proof {
    struct vdm_bytes extra; /* base64 as it stands, n == 0: none. Not vouched for by anybody */
    uint64_t index;
    size_t hashes; /* leaf's sibling first */
    struct vdm_digest hash[VDM_PROOF_HASHES_MAX];
    struct vdm_bytes checkpoint; /* the note, verbatim; not decoded here */
};

struct vdm_consistency_proof {
    uint64_t old_size;
    size_t hashes;
    struct vdm_digest hash[VDM_PROOF_HASHES_MAX];
    struct vdm_bytes checkpoint;
};

/* Proofs are at most VDM_NOTE_MAX bytes. */
bool vdm_inclusion_proof_decode(struct vdm_bytes text, struct vdm_inclusion_proof *out,
                                struct vdm_err *err) VDM_MUST_CHECK;
void vdm_inclusion_proof_append(struct vdm_buf *out, const struct vdm_inclusion_proof *p);

bool vdm_consistency_proof_decode(struct vdm_bytes text, struct vdm_consistency_proof *out,
                                  struct vdm_err *err) VDM_MUST_CHECK;
void vdm_consistency_proof_append(struct vdm_buf *out, const struct vdm_consistency_proof *p);

#endif
