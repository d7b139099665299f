/* SPDX-License-Identifier: MIT */
/* What the parts of vdm_audit share: the plan (audit_plan.c), the ledger (audit_ledger.c), entries and
 * what belongs to them (audit_item.c), what was bad (audit_settle.c), the ledger's file (audit_file.c). */
#ifndef VDM_OPS_AUDIT_STATE_H
#define VDM_OPS_AUDIT_STATE_H

#include "ops/audit.h"
#include "store/store_inspect.h"

#define VDM_AUDIT_RECENT 16384 /* documents remembered as good */

/* What a good withdrawal of this capture takes away. */
struct vdm_audit_withdrawn {
    uint64_t capture;
    bool record, document;
};

/* A record or document that is not as it should be. */
struct vdm_audit_bad {
    uint64_t n, capture;
    bool record;   /* else: its document */
    bool findings; /* the document is what an audit found */
    bool withdrawn_excuses;
    enum vdm_inspected state;
    struct vdm_digest digest, found;
    uint64_t size;
    char *problem;
};

struct vdm_audit_run {
    struct vdm_archive *a;
    const struct vdm_audit_options *o;
    const struct vdm_progress *progress;
    struct vdm_audit_done *done;
    struct vdm_report *report;
    struct vdm_audit_history history;
    uint64_t size, started_ms, walk_ms; /* walk_ms: since when documents are read */
    /* the ledger */
    struct vdm_entry_check check;
    struct vdm_tile_writer *tree;
    bool root_differs; /* told already */
    bool file_differs; /* ledger.db has other bytes, though nobody wrote to it */
    struct vdm_audit_withdrawn *withdrawn; /* by capture, once sorted */
    size_t withdrawns, withdrawns_cap;
    /* the documents */
    struct vdm_span *plan;
    size_t plans;
    struct vdm_digest *recent;
    struct vdm_audit_bad *bad;
    size_t bads, bads_cap;
};

bool vdm_audit_begin(struct vdm_audit_run *r, struct vdm_err *err) VDM_MUST_CHECK;
/* The newest checkpoint, and what earlier audits saw. */
bool vdm_audit_open(struct vdm_audit_run *r, struct vdm_err *err) VDM_MUST_CHECK;
void vdm_audit_end(struct vdm_audit_run *r);
/* Room for one more element of `width` bytes. */
bool vdm_audit_room(void *list, size_t n, size_t *cap, size_t width,
                    struct vdm_err *err) VDM_MUST_CHECK;

/* What to look at, in which order. */
bool vdm_audit_plan(struct vdm_audit_run *r, struct vdm_err *err) VDM_MUST_CHECK;
/* The ledger: every entry is the one that the tree was built over, the tree is the one that was signed;
 * of what is new, form, chain, keys and signatures. */
bool vdm_audit_ledger(struct vdm_audit_run *r, struct vdm_err *err) VDM_MUST_CHECK;
/* The ledger goes on from what keys/last-checkpoint remembers. */
void vdm_audit_guard(struct vdm_audit_run *r);
/* The withdrawals among entries from <= n < to, if the authority signed them. */
bool vdm_audit_withdrawals(struct vdm_audit_run *r, uint64_t from, uint64_t to,
                           struct vdm_err *err) VDM_MUST_CHECK;
const struct vdm_audit_withdrawn *vdm_audit_withdrawal(const struct vdm_audit_run *r,
                                                       uint64_t capture);

/* Entry of this row: its record and its document. *covered false: it is busy, nothing can be said. */
bool vdm_audit_item(struct vdm_audit_run *r, const struct vdm_ledger_row *row,
                    const struct vdm_ledger_row *record, bool *covered,
                    struct vdm_err *err) VDM_MUST_CHECK;
/* Is the record the one that the entry commits to? NULL: it is; else what is wrong. */
const char *vdm_audit_record_problem(struct vdm_audit_run *r, const struct vdm_entry *e,
                                     const struct vdm_ledger_row *row, struct vdm_record *out);
/* What was bad: repaired where there is a good copy, excused where it was withdrawn, else a finding. */
bool vdm_audit_settle(struct vdm_audit_run *r, struct vdm_err *err) VDM_MUST_CHECK;

/* Is ledger.db, byte for byte, what the last audit left? */
bool vdm_audit_check_file(struct vdm_audit_run *r, struct vdm_err *err) VDM_MUST_CHECK;
/* Remember it for the next audit. What cannot be remembered is not compared. */
void vdm_audit_remember_file(struct vdm_archive *a);

#endif
