/* SPDX-License-Identifier: MIT */
/* Where good copies come from: a mirror, another archive, or a bundle. A copy is hashed before it takes
 * the place of a bad one, which is kept aside in store/tmp. */
#ifndef VDM_OPS_AUDIT_REPAIR_H
#define VDM_OPS_AUDIT_REPAIR_H

#include "ops/archive.h"

struct vdm_repair;

/* A folder that holds an archive or its mirror, or the file of a bundle. */
bool vdm_repair_open(struct vdm_repair **out, struct vdm_crypto *c, const char *path,
                     struct vdm_err *err) VDM_MUST_CHECK;
void vdm_repair_close(struct vdm_repair *r); /* NULL is fine */
void vdm_repair_cleanup(struct vdm_repair **r);
/* What will be asked for. A bundle is read once, in a worker, and these documents are spooled. */
bool vdm_repair_prepare(struct vdm_repair *r, const struct vdm_digest *wanted, size_t n,
                        const struct vdm_progress *progress, struct vdm_err *err) VDM_MUST_CHECK;
/* *done: `to` now holds the document as it should be. Not, where there is no good copy. `in_the_way`:
 * what stands there cannot be read, and is set aside unread. The caller syncs `to`. */
bool vdm_repair_document(struct vdm_repair *r, struct vdm_store *to, struct vdm_digest id,
                         bool in_the_way, bool *done, struct vdm_err *err) VDM_MUST_CHECK;
/* The store folder of a mirror or archive; NULL for a bundle. */
const char *vdm_repair_store(const struct vdm_repair *r);

#endif
