/* SPDX-License-Identifier: MIT */
/* Which document does a revisit repeat? */
#ifndef VDM_OPS_IMPORT_REVISIT_H
#define VDM_OPS_IMPORT_REVISIT_H

#include "capture/container.h"
#include "ops/import_state.h"

/* The capture that it names: by record-id, else by source and time, else the newest of its own source whose
 * payload digest is the same. Where the revisit states a payload digest, one that states another is none, nor
 * is one that states none, unless it is named by its record-id. Looks at what waits for
 * its entry, then at the newest VDM_REVISIT_LOOK captures of the source. */
#define VDM_REVISIT_LOOK 1000
/* The value of the `field` line where none is found. */
#define VDM_REVISIT_UNRESOLVED                                                                     \
    "revisit: unresolved, the document is the revisit record in place of the payload"
bool vdm_import_repeated(struct vdm_importing *m, const struct vdm_member *member,
                         struct vdm_digest *digest, uint64_t *size, bool *found,
                         struct vdm_err *err) VDM_MUST_CHECK;

#endif
