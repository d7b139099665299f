/* SPDX-License-Identifier: MIT */
/* What became of a capture: its newest amendment and withdrawal. The catalog leads to them as far as it
 * reaches; behind that, the ledger itself is asked, so that what a writer committed last is seen also where
 * it was killed before the catalog knew. */
#ifndef VDM_OPS_FATE_H
#define VDM_OPS_FATE_H

#include "ops/archive.h"

struct vdm_fate {
    uint64_t amended, withdrawn; /* UINT64_MAX: none */
    bool record;                 /* a withdrawal behind the catalog's reach takes the record away */
};
bool vdm_fate_read(struct vdm_archive *a, uint64_t capture, struct vdm_fate *out,
                   struct vdm_err *err) VDM_MUST_CHECK;

/* What an open archive remembers of the entries behind the catalog's reach. */
void vdm_fate_forget(struct vdm_fate_memory *m); /* NULL is fine */

#endif
