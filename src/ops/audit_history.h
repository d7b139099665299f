/* SPDX-License-Identifier: MIT */
/* The audits that took place, and what they leave: read from the ledger's audit entries alone. An entry
 * counts if a key that may sign audits has signed it. */
#ifndef VDM_OPS_AUDIT_HISTORY_H
#define VDM_OPS_AUDIT_HISTORY_H

#include "format/findings.h"
#include "ops/archive.h"
#include "ops/coverage.h"

/* One audit entry; all owned. */
struct vdm_audit_past {
    uint64_t n;
    struct vdm_time recorded;
    bool good; /* signed by who may */
    char signer[VDM_NAME_MAX + 1];
    uint32_t signer_id;
    uint64_t size; /* of the ledger that was looked at */
    struct vdm_digest root;
    bool full;
    char *covered;    /* ranges */
    uint64_t entries; /* that they cover */
    uint64_t documents, missing, corrupt, repaired;
    bool has_findings;
    struct vdm_digest findings;
    uint64_t current; /* entries that no later audit covers: this was the last to see them */
};

struct vdm_audit_history {
    struct vdm_audit_past *audit; /* rising */
    size_t n, cap;
    struct vdm_coverage coverage; /* of entries 0..size-1 */
    uint64_t size;
    struct vdm_digest root;
    char origin[VDM_NAME_MAX + 1];
};
void vdm_audit_history_release(struct vdm_audit_history *h);
bool vdm_audit_history_read(struct vdm_archive *a, struct vdm_audit_history *out,
                            struct vdm_err *err) VDM_MUST_CHECK;
/* The newest that counts, or NULL. */
const struct vdm_audit_past *vdm_audit_last(const struct vdm_audit_history *h);

/* How old the oldest look at a document is. */
struct vdm_audit_age {
    uint64_t captures; /* in the ledger up to its size, withdrawn ones among them */
    uint64_t overdue;  /* of them, last seen before the limit */
    bool has_oldest;
    uint64_t oldest;      /* the capture that was seen longest ago */
    struct vdm_time seen; /* when: by an audit, or when it was recorded */
    bool never;           /* no audit has seen it */
    uint64_t unaudited;   /* captures that no audit has seen yet */
};
/* What was last seen before `limit`. */
bool vdm_audit_age(struct vdm_archive *a, const struct vdm_audit_history *h, struct vdm_time limit,
                   struct vdm_audit_age *out, struct vdm_err *err) VDM_MUST_CHECK;

/* When an entry was recorded; and the first of from <= n < to that was at `limit` or later (or `to`). */
bool vdm_audit_recorded(struct vdm_archive *a, uint64_t n, struct vdm_time *out,
                        struct vdm_err *err) VDM_MUST_CHECK;
bool vdm_audit_first_since(struct vdm_archive *a, uint64_t from, uint64_t to, struct vdm_time limit,
                           uint64_t *out, struct vdm_err *err) VDM_MUST_CHECK;

/* The findings that an audit kept, appended: a text as format/findings.h decodes it. *state says
 * whether the store still has it as it was. */
bool vdm_audit_findings(struct vdm_archive *a, const struct vdm_audit_past *p, struct vdm_buf *out,
                        enum vdm_store_state *state, struct vdm_err *err) VDM_MUST_CHECK;

#endif
