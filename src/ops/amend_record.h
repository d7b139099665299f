/* SPDX-License-Identifier: MIT */
/* A record with some of its lines changed. */
#ifndef VDM_OPS_AMEND_RECORD_H
#define VDM_OPS_AMEND_RECORD_H

#include "ops/import_record.h"

/* The lines of `before`, `document` aside, less what `given` says something of and less what is
 * `cleared` (bits), and those of `given`; decoded, owned by the caller. VDM_ERR_REFUSED: something is
 * both given and cleared, or `document` or `follows` is cleared. */
bool vdm_amend_lines(struct vdm_import_lines *out, const struct vdm_record *before,
                     const struct vdm_import_lines *given, uint64_t cleared,
                     struct vdm_err *err) VDM_MUST_CHECK;

#endif
