/* SPDX-License-Identifier: MIT */
/* One audit: the ledger whole, and as many documents as its budget allows, those first that were
 * looked at longest ago. It reads without the lock that writers take. What it has seen is recorded by
 * vdm_audit_record (ops/audit_record.h), in an entry that an auditor signs. */
#ifndef VDM_OPS_AUDIT_H
#define VDM_OPS_AUDIT_H

#include "ops/archive.h"
#include "ops/audit_history.h"
#include "ops/report.h"

#define VDM_SAMPLE_BLOCK 1000 /* entries */

struct vdm_repair;

/* 0: no such bound. */
struct vdm_audit_options {
    uint64_t max_ms;
    uint64_t max_bytes;
    unsigned sample; /* ten-thousandths of all blocks */
    uint64_t within_seconds;
    uint64_t rate; /* bytes a second */
    bool idle;
    const uint64_t *standing; /* entries of which earlier findings stand: they come first */
    size_t standings;
    bool again;                /* the ledger was repaired, as far as it can be */
    struct vdm_repair *repair; /* where good copies come from; NULL: nowhere */
};

enum vdm_audit_end {
    VDM_AUDIT_END_ALL, /* all that was planned */
    VDM_AUDIT_END_TIME,
    VDM_AUDIT_END_BYTES,
    VDM_AUDIT_END_SIGNAL,
};
const char *vdm_audit_end_word(enum vdm_audit_end end);

/* Entries from <= n < to that were looked at. */
struct vdm_audit_piece {
    uint64_t from, to, documents, missing, corrupt, repaired;
};

/* What it saw. Zero-initialise, release. */
struct vdm_audit_done {
    struct vdm_report report;
    struct vdm_time begun, ended;
    enum vdm_audit_end end;
    uint64_t size; /* of the ledger that was looked at */
    struct vdm_digest root;
    uint64_t since;                /* entries before it were verified by an audit before */
    struct vdm_audit_piece *piece; /* rising and merged at the end */
    size_t pieces, pieces_cap;
    uint64_t entries, documents, bytes, withdrawn, busy, missing, corrupt, repaired;
    bool ledger_repaired;
    /* by vdm_audit_record: the entries that record it; SIZE 0: none do */
    uint64_t first_entry, last_entry;
    struct vdm_buf checkpoint;
};
void vdm_audit_done_release(struct vdm_audit_done *d);
bool vdm_audit_is_full(const struct vdm_audit_done *d);

/* The word for what was looked at. Bad is not mixed with what could not be looked at. */
const char *vdm_audit_verdict(const struct vdm_report *r);

/* One at a time: false, and an error, while another audit of this archive is at work. Close *lock when
 * all is done. */
bool vdm_audit_lock(struct vdm_archive *a, int *lock, struct vdm_err *err) VDM_MUST_CHECK;

/* `a` is open for writing if there is something to repair from. False: it could not be carried out. */
bool vdm_audit(struct vdm_archive *a, const struct vdm_audit_options *o,
               const struct vdm_progress *progress, struct vdm_audit_done *done,
               struct vdm_err *err) VDM_MUST_CHECK;

/* keys/ledger-file, which says what ledger.db was after the last audit, is of another file now. */
void vdm_audit_forget_file(struct vdm_archive *a);

#endif
