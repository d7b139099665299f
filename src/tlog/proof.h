/* SPDX-License-Identifier: MIT */
/* Checks of Merkle proofs: RFC 9162 sections 2.1.3.2 and 2.1.4.2, in their strict reading. A proof
 * has exactly the hashes that its sizes call for, lowest first; one more or one less is no proof.
 * All sizes and indexes of 64 bits are safe to pass, and the work is bounded by 64 hashes.
 *
 * A proof that does not hold is a finding, not an error: these return false and nothing else. */
#ifndef VDM_TLOG_PROOF_H
#define VDM_TLOG_PROOF_H

#include "base/limits.h"
#include "crypto/crypto.h"

/* A proof as it is made (tlog/tile.h). */
struct vdm_tree_proof {
    size_t n;
    struct vdm_digest hashes[VDM_PROOF_HASHES_MAX];
};

/* Is the leaf with this hash number `index` of the tree of `size` leaves with this root? */
bool vdm_inclusion_valid(struct vdm_crypto *c, uint64_t index, uint64_t size,
                         struct vdm_digest leaf, struct vdm_digest root,
                         const struct vdm_digest *proof, size_t n) VDM_MUST_CHECK;

/* The way from a leaf to the root that was shown last, by the number of hashes that were still to come. */
struct vdm_inclusion_way {
    uint64_t size; /* 0: none was */
    uint64_t index;
    struct vdm_digest root;
    size_t n;
    struct vdm_digest node[VDM_PROOF_HASHES_MAX + 1], hash[VDM_PROOF_HASHES_MAX + 1];
    uint8_t height[VDM_PROOF_HASHES_MAX + 1]; /* of the node */
};
/* The same answer for many leaves of one tree: from where its way meets the one before, a proof must have the same hashes,
 * and nothing is left to compute. */
bool vdm_inclusion_valid_beside(struct vdm_crypto *c, uint64_t index, uint64_t size,
                                struct vdm_digest leaf, struct vdm_digest root,
                                const struct vdm_digest *proof, size_t n,
                                struct vdm_inclusion_way *before) VDM_MUST_CHECK;

/* Does the tree of `new_size` leaves begin with the one of `old_size`? Equal sizes: the roots are
 * equal and the proof is empty. Old size 0: false, because every tree begins with the empty one and
 * a proof of that means nothing; whoever wants to accept it asks for it before. */
bool vdm_consistency_valid(struct vdm_crypto *c, uint64_t old_size, struct vdm_digest old_root,
                           uint64_t new_size, struct vdm_digest new_root,
                           const struct vdm_digest *proof, size_t n) VDM_MUST_CHECK;

#endif
