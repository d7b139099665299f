/* SPDX-License-Identifier: MIT */
/* Documents out of a bundle. Its bytes may be a stranger's: a worker without rights takes it apart and
 * sends the documents, which are hashed here. What the bundle says of them is not asked. */
#ifndef VDM_OPS_REPAIR_BUNDLE_H
#define VDM_OPS_REPAIR_BUNDLE_H

#include "base/file.h"
#include "crypto/crypto.h"
#include "ops/archive.h"

/* A document that is wanted and was found: its bytes lie in the scratch file. */
struct vdm_spooled {
    struct vdm_digest id;
    uint64_t offset, size;
    bool found;
};

/* Read the bundle `fd` to its end. Those of `wanted` (n of them, sorted by id) that are in it are written
 * to `scratch`. A bundle that is cut off or malformed gives what stands before that; one that unpacks to more than a
 * container of its size may is an error. VDM_ERR_INTERRUPTED: we were to stop. */
bool vdm_repair_spool(struct vdm_crypto *c, int fd, int scratch, struct vdm_spooled *wanted,
                      size_t n, const struct vdm_progress *progress,
                      struct vdm_err *err) VDM_MUST_CHECK;
int vdm_spooled_compare(const void *a, const void *b); /* by id, for qsort */

#endif
