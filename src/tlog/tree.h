/* SPDX-License-Identifier: MIT */
/* The Merkle tree over the ledger's entries: RFC 9162 section 2.1.1 (the tree of RFC 6962),
 * SHA-256.
 *
 *     leaf = SHA-256(0x00 | data)      node = SHA-256(0x01 | left | right)
 *
 * The first byte keeps them apart: a node can never pass for a leaf. A tree of n > 1 leaves splits
 * at the largest power of two below n; no leaf is ever duplicated or padded.
 *
 * A node is named by its height above the leaves and its index among the nodes of that height: node
 * (h, i) covers leaves i * 2^h to (i + 1) * 2^h - 1, all of them present. */
#ifndef VDM_TLOG_TREE_H
#define VDM_TLOG_TREE_H

#include "crypto/crypto.h"

#define VDM_TREE_PEAKS_MAX   63 /* sizes up to 2^63 - 1 */
#define VDM_TREE_HEIGHTS_MAX 64

struct vdm_digest vdm_tlog_leaf(struct vdm_crypto *c, struct vdm_bytes data);
struct vdm_digest vdm_tlog_node(struct vdm_crypto *c, struct vdm_digest left,
                                struct vdm_digest right);
/* The root of the tree without leaves: SHA-256 of nothing. */
struct vdm_digest vdm_tlog_empty_root(struct vdm_crypto *c);

/* A growing tree, of which only the peaks are kept: the roots of the perfect subtrees that `size`
 * splits into, one for each bit that is set, the largest first. That is enough to append and to
 * give the root at any moment. A zeroed one is the empty tree; nothing to release; copies are
 * independent. peaks[] beyond the bits of `size` mean nothing. */
struct vdm_frontier {
    uint64_t size;
    struct vdm_digest peaks[VDM_TREE_PEAKS_MAX];
};

/* Append the leaf with this hash. The size must be below 2^63 - 1. */
void vdm_frontier_append(struct vdm_frontier *f, struct vdm_crypto *c, struct vdm_digest leaf);

/* Append 2^height leaves at once, given as the root of their perfect subtree. The size must be a
 * multiple of 2^height and stay below 2^63. Returns the height of the largest subtree that this
 * completes; `made`, if not NULL, takes VDM_TREE_HEIGHTS_MAX digests and gets the completed node of
 * each height from `height` to the one returned. n single leaves cost fewer than n node hashes in
 * all. */
unsigned vdm_frontier_append_subtree(struct vdm_frontier *f, struct vdm_crypto *c, unsigned height,
                                     struct vdm_digest subtree, struct vdm_digest *made);

/* The root of the tree as it is now: one hash for each peak but the first. */
struct vdm_digest vdm_frontier_root(const struct vdm_frontier *f, struct vdm_crypto *c);

#endif
