/* SPDX-License-Identifier: MIT */
/* What became of a capture: its amendments and withdrawals, as the ledger has them. */
#ifndef VDM_OPS_HISTORY_H
#define VDM_OPS_HISTORY_H

#include "ops/archive.h"

/* Entries that are about one capture, rising. Zero-initialise, release. */
struct vdm_history {
    uint64_t *n;
    size_t count, cap;
};
void vdm_history_release(struct vdm_history *h);

/* Reads the entries behind the capture, as far as the catalog says that there are any. */
bool vdm_history_read(struct vdm_archive *a, uint64_t capture, struct vdm_history *out,
                      struct vdm_err *err) VDM_MUST_CHECK;

/* What its withdrawals take away, all together. */
struct vdm_history_scopes {
    bool record, document;
    uint64_t last; /* the newest withdrawal; UINT64_MAX: none */
};
bool vdm_history_scopes(struct vdm_archive *a, uint64_t capture, struct vdm_history_scopes *out,
                        struct vdm_err *err) VDM_MUST_CHECK;

#endif
