/* SPDX-License-Identifier: MIT */
/* What a verdict rests on: the reader brings the anchor, a checked ledger either hangs from it or not
 * (docs/FORMATS.md, "What a verdict rests on"). */
#ifndef VDM_OPS_TRUST_CHECK_H
#define VDM_OPS_TRUST_CHECK_H

#include "format/policy.h"
#include "ops/entry_check.h"

struct vdm_trust {
    const struct vdm_vkey *key;
    size_t keys;
    const struct vdm_policy *policy; /* NULL: none */
};

/* Notes key-untrusted and quorum-unmet; sets what the report says of trust. `checkpoint` is the note
 * of the size that was checked; `cosigned` another note of the same checkpoint with witnesses' lines
 * (n == 0: none). */
void vdm_check_trust(struct vdm_entry_check *k, const struct vdm_trust *trust,
                     struct vdm_bytes checkpoint, struct vdm_bytes cosigned);

#endif
