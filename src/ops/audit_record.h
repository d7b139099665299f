/* SPDX-License-Identifier: MIT */
/* Recording an audit: its findings are kept like a document, then an entry says what it covered. */
#ifndef VDM_OPS_AUDIT_RECORD_H
#define VDM_OPS_AUDIT_RECORD_H

#include "ops/audit.h"
#include "ops/unlock.h"

/* `a` is open for writing. Nothing covered, nothing recorded. Coverage that is too long for one entry
 * is split over several. Sets done->first_entry, last_entry and checkpoint. */
bool vdm_audit_record(struct vdm_archive *a, struct vdm_audit_done *done,
                      const struct vdm_signers *signers, struct vdm_err *err) VDM_MUST_CHECK;

#endif
