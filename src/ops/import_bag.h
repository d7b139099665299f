/* SPDX-License-Identifier: MIT */
/* Folders that are bags, in the middle of an import. */
#ifndef VDM_OPS_IMPORT_BAG_H
#define VDM_OPS_IMPORT_BAG_H

#include "capture/bag_folder.h"
#include "capture/walk.h"
#include "ops/import_state.h"

/* The walk tells a bag: judge it, and leave it out with its findings told if it is not valid. */
bool vdm_import_bag(struct vdm_importing *m, struct vdm_walk *walk,
                    const struct vdm_walk_item *item, struct vdm_err *err) VDM_MUST_CHECK;
/* Does it lie in the bag that was judged last? */
bool vdm_import_in_bag(const struct vdm_importing *m, const struct vdm_walk_item *item);
/* Of a file in the bag that was judged last: which bag it is, and what that says of it. `path` holds some of it. */
bool vdm_import_bag_lines(const struct vdm_importing *m, const struct vdm_walk_item *item,
                          struct vdm_pending *p, struct vdm_import_known *known,
                          struct vdm_buf *path, struct vdm_err *err) VDM_MUST_CHECK;
/* Is this what was judged? VDM_ERR_REFUSED if not. True of a file that is in none. */
bool vdm_import_bag_same(const struct vdm_importing *m, const struct vdm_walk_item *item,
                         struct vdm_digest digest, struct vdm_err *err) VDM_MUST_CHECK;

#endif
