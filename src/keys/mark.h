/* SPDX-License-Identifier: MIT */
/* The mark `keys/needs-verify`: a sync, a commit or the guard failed, so what the disk holds is in
 * doubt until the whole archive has been verified.
 *
 * It stands in keys/ and not in the store: the store's disk is the one that fails, and keys/ may lie on
 * another; nor does it go away with a store that is put back. It counts by being there; what stands in
 * it is for people. */
#ifndef VDM_KEYS_MARK_H
#define VDM_KEYS_MARK_H

#include "base/buf.h"

#define VDM_MARK_FILE "needs-verify"

/* `keys` is the open folder keys/. Anything of that name is a mark, also one that cannot be read. */
bool vdm_mark_is_set(int keys);
/* The mark that is there: 0 if there is none, else a number that another mark does not have. */
uint64_t vdm_mark_id(int keys);
/* Made or renewed; durable on return. After a failure it may be there all the same. */
bool vdm_mark_set(int keys, const char *why, struct vdm_err *err) VDM_MUST_CHECK;
/* Takes away the mark with this id; one that was set since stays. Durable on return. */
bool vdm_mark_clear(int keys, uint64_t id, struct vdm_err *err) VDM_MUST_CHECK;

#endif
