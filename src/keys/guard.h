/* SPDX-License-Identifier: MIT */
/* The last-checkpoint guard: `keys/last-checkpoint`, the newest checkpoint that the ledger key
 * signed, as a note, byte for byte (docs/FORMATS.md, "Tree, checkpoints, evidence").
 *
 * It stands apart from the store, so that a store that was put back to an older state is noticed
 * before a second history is signed. Whether a ledger extends it is not asked here. */
#ifndef VDM_KEYS_GUARD_H
#define VDM_KEYS_GUARD_H

#include "format/checkpoint.h"

#define VDM_GUARD_FILE "last-checkpoint"

/* `keys` is the open folder keys/. Appends the note to `note`; with no file *present is false and
 * nothing is appended. Anything else in its place (a link, a damaged note) is an error and never
 * "not present": that would switch the guard off. */
bool vdm_guard_read(int keys, bool *present, struct vdm_buf *note,
                    struct vdm_err *err) VDM_MUST_CHECK;
/* Durable on return; a crash leaves the old one or the new one. Mode 0644, less the umask. `note`
 * must be a checkpoint. */
bool vdm_guard_replace(int keys, struct vdm_bytes note, struct vdm_err *err) VDM_MUST_CHECK;
/* Removes what a `replace` that was killed left beside it. The caller holds the ledger's lock. */
bool vdm_guard_recover(int keys, struct vdm_err *err) VDM_MUST_CHECK;

#endif
