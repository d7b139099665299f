/* SPDX-License-Identifier: MIT */
/* What a reader's own complete check of an archive covered (docs/FORMATS.md, "A reader's own note"). It is
 * signed by nobody: it is worth what the place is worth where the reader keeps it. */
#ifndef VDM_FORMAT_VERIFIED_H
#define VDM_FORMAT_VERIFIED_H

#include "base/limits.h"
#include "base/time.h"
#include "format/vkey.h"

struct vdm_verified {
    char ledger[VDM_NAME_MAX + 1];
    struct vdm_vkey authority; /* that vouched for all keys then */
    uint64_t size;             /* entries that were covered, at least one */
    struct vdm_digest root;    /* over them */
    struct vdm_time time;      /* of the check, by the reader's clock */
};

bool vdm_verified_decode(struct vdm_crypto *c, struct vdm_bytes text, struct vdm_verified *out,
                         struct vdm_err *err) VDM_MUST_CHECK;
void vdm_verified_append(struct vdm_buf *out, const struct vdm_verified *v);

#endif
