/* SPDX-License-Identifier: MIT */
/* Amendments: a corrected record for a capture, signed and kept beside the one before it. */
#ifndef VDM_OPS_AMEND_H
#define VDM_OPS_AMEND_H

#include "format/record.h"
#include "ops/unlock.h"

struct vdm_amend_request {
    /* Which captures, rising; or, with `table`, those that its column `entry` names, each with what
     * its row states and, in the column `clear`, which fields it takes out. */
    const uint64_t *entry;
    size_t entries;
    const char *table; /* or NULL */
    /* Plain bytes, not escaped. What is given about a field takes the place of all that the record
     * said of it: its lines, and what called it unknown or inferred. Of `header` and `field`, each
     * name is a field of its own. A row that says something of a field goes before the option. */
    const struct vdm_record_line *given;
    size_t givens;
    uint64_t cleared; /* bits (1 << field): nothing is said of these any more */
    bool vouch;       /* sign also a record that does not change */
    bool dry_run;     /* write nothing */
};

enum vdm_amend_status { VDM_AMENDED, VDM_AMEND_REFUSED, VDM_WOULD_AMEND };

/* What became of one capture. Told once, when it is certain: after the commit. */
struct vdm_amended {
    enum vdm_amend_status status;
    struct vdm_bytes what; /* as named by the user: a number */
    uint64_t capture;      /* the next three unless refused */
    uint64_t entry;        /* the amendment's number; of a dry run it means nothing */
    const struct vdm_record *before, *after;
    const char *reason; /* refused */
};
typedef void vdm_amend_tell_fn(void *ctx, const struct vdm_amended *told);

struct vdm_amend_done {
    uint64_t amended, refused;
    struct vdm_buf checkpoint; /* the newest; n == 0: nothing was recorded */
};

/* Refused, each by itself while the rest is done: what is no capture or was withdrawn, a record that
 * would not change (without `vouch`), a value that breaks a rule, a record that is not the one that
 * its entry commits to (nobody shall sign what somebody else has edited). `signers` may be NULL for
 * a dry run. Also after an error *done tells what was acknowledged before. */
bool vdm_amend(struct vdm_archive *a, const struct vdm_amend_request *r,
               const struct vdm_signers *signers, const struct vdm_progress *progress,
               vdm_amend_tell_fn *tell, void *ctx, struct vdm_amend_done *done,
               struct vdm_err *err) VDM_MUST_CHECK;

#endif
