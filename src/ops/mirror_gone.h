/* SPDX-License-Identifier: MIT */
/* What a mirror gives up: the records that are withdrawn, and the documents that withdrawals name and no capture
 * keeps, by the same rule as where they were withdrawn (ops/takedown.h). That a document is missing there is no
 * reason. Which documents they were, the archive may have erased already, and then the mirror still knows; or the
 * erasing was interrupted, or the mirror is new, and then the archive does. */
#ifndef VDM_OPS_MIRROR_GONE_H
#define VDM_OPS_MIRROR_GONE_H

#include "ops/audit_state.h"

struct vdm_gone_document {
    struct vdm_digest digest;
    bool withdrawn; /* a withdrawal takes the document, not only its record */
    bool kept;      /* a capture that stands is of it */
};

struct vdm_gone {
    struct vdm_ledger *old; /* the mirror's; it still knows which documents they were. NULL: none */
    struct vdm_gone_document *list; /* by digest */
    size_t n, cap;
    uint64_t *record; /* entries whose records go, rising */
    size_t records, records_cap;
    bool unsure; /* the record of a capture that stands is lost: it may be of any of them */
};
void vdm_gone_release(struct vdm_gone *g);

/* The documents of all captures that are withdrawn, as `old` and the archive of the run know them. A record that lies
 * takes no document away that a capture keeps. */
bool vdm_gone_read(struct vdm_gone *g, const struct vdm_audit_run *r,
                   struct vdm_err *err) VDM_MUST_CHECK;
/* The record of this entry, which is there, is withdrawn. To be told in order. */
bool vdm_gone_add_record(struct vdm_gone *g, uint64_t n, struct vdm_err *err) VDM_MUST_CHECK;
/* A capture that stands is of this document. */
void vdm_gone_keep(struct vdm_gone *g, struct vdm_digest document);
/* The record of this entry is lost or bad here, and its capture stands; `old` may know it. */
bool vdm_gone_keep_lost(struct vdm_gone *g, struct vdm_crypto *c, const struct vdm_entry *e,
                        struct vdm_err *err) VDM_MUST_CHECK;
/* Once all captures were told. */
bool vdm_gone_erases(const struct vdm_gone *g, const struct vdm_gone_document *d);

#endif
