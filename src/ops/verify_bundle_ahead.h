/* SPDX-License-Identifier: MIT */
/* The members of a bundle in their order: first one by one, then, once the keyring is known, read ahead
 * in batches that are looked at on all threads at hand. For verify_bundle_members.c.
 *
 * What is found out of a member depends on its bytes and the keyring alone, and when the tar ends early
 * or cannot be read, that is told where whoever goes through the members comes to it: so nothing depends
 * on what was read ahead, or on the number of threads.
 *
 * While one batch is gone through the next is looked at and the one behind it read. A large document
 * is not read ahead, nor anything behind it: memory is bounded. */
#ifndef VDM_OPS_VERIFY_BUNDLE_AHEAD_H
#define VDM_OPS_VERIFY_BUNDLE_AHEAD_H

#include "base/pool.h"
#include "bundle/layout.h"
#include "bundle/tar.h"
#include "ops/entry_check.h"

struct vdm_bundle_member {
    struct vdm_tar_member header;
    bool ours;                     /* a bundle can have a member of this name: */
    struct vdm_layout_member name; /* this one */
    uint64_t offset;               /* where its content begins, in the decompressed tar */
    /* Its content is in memory; it may be less than the header says, and then no more is to be had. */
    bool in_memory;
    struct vdm_bytes content;
    /* It was looked at, and is whole. */
    bool looked_at;
    struct vdm_digest digest;
    /* Of an entry: what is known of it, if that is `decoded`, borrows from this copy. */
    struct vdm_known_entry known;
    struct vdm_buf entry;
};

struct vdm_bundle_ahead;

/* Borrows the reader, which belongs to it until it is closed; but when there is no further member, the
 * reader's status says why. */
bool vdm_bundle_ahead_open(struct vdm_bundle_ahead **out, struct vdm_tar_reader *tar,
                           struct vdm_err *err) VDM_MUST_CHECK;
void vdm_bundle_ahead_close(struct vdm_bundle_ahead *a); /* NULL is fine */

/* From the next member on. The keyring of `check` was fed to its end, and both stay as they are. `c` is
 * the caller's; `pool` NULL: he does it all himself. */
bool vdm_bundle_ahead_begin(struct vdm_bundle_ahead *a, struct vdm_pool *pool, struct vdm_crypto *c,
                            const struct vdm_entry_check *check,
                            struct vdm_err *err) VDM_MUST_CHECK;

/* The next member, good until the one after it is asked for; its `entry` may be taken out of it. NULL:
 * there is none. false: the descriptor could not be read, or no memory. */
bool vdm_bundle_ahead_next(struct vdm_bundle_ahead *a, struct vdm_bundle_member **out,
                           struct vdm_err *err) VDM_MUST_CHECK;
/* Its content piece by piece, wherever it is; as vdm_tar_reader_read. */
bool vdm_bundle_ahead_read(struct vdm_bundle_ahead *a, uint8_t *p, size_t cap, size_t *got,
                           enum vdm_tar_status *status, struct vdm_err *err) VDM_MUST_CHECK;

#endif
