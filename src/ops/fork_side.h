/* SPDX-License-Identifier: MIT */
/* One of two things that are compared for a fork: what checkpoints it holds, what it can show of the
 * tree below them, which keys it names. Nothing of it is trusted; what is made from it is checked. */
#ifndef VDM_OPS_FORK_SIDE_H
#define VDM_OPS_FORK_SIDE_H

#include "format/proof.h"
#include "ops/archive.h"
#include "tlog/proof.h"

/* Checkpoints, consistency proofs and keys that are taken from one bundle. */
#define VDM_FORK_SEEN_MAX 256

struct vdm_seen_checkpoint {
    struct vdm_buf bytes;
    struct vdm_note note;
    struct vdm_checkpoint head; /* borrows from `bytes`, as `note` does */
};

struct vdm_fork_side {
    const char *name; /* borrowed */
    struct vdm_crypto *crypto;
    struct vdm_archive *archive; /* NULL: it is none */
    /* The newest of an archive; of a bundle its own and those of its evidence; else the one. */
    struct vdm_seen_checkpoint *seen[VDM_FORK_SEEN_MAX];
    size_t seens;
    struct vdm_buf *consistency[VDM_FORK_SEEN_MAX]; /* evidence of a bundle */
    size_t consistencies;
    struct vdm_vkey *key; /* ledger keys that it names */
    size_t keys;
};

/* `path`: an archive's folder, a bundle, a proof file or a checkpoint. Zero-initialise, release.
 * VDM_ERR_MALFORMED: none of these. */
bool vdm_fork_side_open(struct vdm_fork_side *s, struct vdm_crypto *c, const char *path,
                        const struct vdm_progress *progress, struct vdm_err *err) VDM_MUST_CHECK;
void vdm_fork_side_release(struct vdm_fork_side *s);

/* The root at size m of the history that checkpoint `y` of this side (of a size above m) commits to.
 * *known is false where this side cannot tell. */
bool vdm_fork_side_root(struct vdm_fork_side *s, uint64_t m, const struct vdm_seen_checkpoint *y,
                        struct vdm_digest *root, bool *known, struct vdm_err *err) VDM_MUST_CHECK;
/* The hashes from m to y, where the root is known. */
bool vdm_fork_side_path(struct vdm_fork_side *s, uint64_t m, const struct vdm_seen_checkpoint *y,
                        struct vdm_tree_proof *out, struct vdm_err *err) VDM_MUST_CHECK;
/* Of an archive: its smallest checkpoint of size m or more that `key` signed; another side's `y` as it
 * is. *found is false where `key` signed none. */
bool vdm_fork_side_choose(struct vdm_fork_side *s, uint64_t m, const struct vdm_vkey *key,
                          const struct vdm_seen_checkpoint *y, struct vdm_seen_checkpoint *out,
                          bool *found, struct vdm_err *err) VDM_MUST_CHECK;

void vdm_seen_checkpoint_release(struct vdm_seen_checkpoint *s);

#endif
