/* SPDX-License-Identifier: MIT */
/* What `audit` tells: of one audit that has just ended, and of all that the ledger records. */
#ifndef VDM_CLI_AUDIT_H
#define VDM_CLI_AUDIT_H

#include "cli/verdict.h"
#include "ops/audit.h"

#define VDM_AUDIT_PROMISE_SECONDS (30 * 86400) /* where the user says nothing */

/* `90m`, `2h`, `30d`: seconds; never without a unit. `50G`, `800M`: bytes, in powers of 1000. `5%`, `0.25%`: ten-thousandths. */
bool vdm_cli_duration(const char *text, const char *what, uint64_t *seconds,
                      struct vdm_err *err) VDM_MUST_CHECK;
/* The other way round, in the largest unit that tells it whole: `1 second`, `90 minutes`, `30 days`. */
#define VDM_DURATION_TEXT 40
const char *vdm_cli_duration_text(uint64_t seconds, char out[VDM_DURATION_TEXT]);
bool vdm_cli_bytes(const char *text, const char *what, uint64_t *bytes,
                   struct vdm_err *err) VDM_MUST_CHECK;
bool vdm_cli_percent(const char *text, const char *what, unsigned *out,
                     struct vdm_err *err) VDM_MUST_CHECK;

/* --- one audit --- */

void vdm_audit_print(struct vdm_cli *cli, const struct vdm_audit_done *d);
json_t *vdm_audit_json(const struct vdm_audit_done *d, const char *name);

/* --- all of them --- */

/* A finding that still stands: it was not repaired, and no later audit has seen the entry good. */
struct vdm_audit_open {
    uint64_t audit; /* the entry that records it */
    char kind[65];
    uint64_t entry; /* or VDM_NO_ENTRY */
    char *text;     /* escaped, as a value */
};

struct vdm_audit_story {
    struct vdm_archive *a; /* borrowed */
    struct vdm_audit_history history;
    struct vdm_audit_age age;
    uint64_t within; /* seconds: what is older is overdue */
    struct vdm_time now;
    struct vdm_audit_open *open;
    size_t opens, opens_cap;
    uint64_t lost; /* findings files that cannot be read any more */
    uint64_t repaired;
};
void vdm_audit_story_release(struct vdm_audit_story *s);
bool vdm_audit_story_read(struct vdm_archive *a, uint64_t within, struct vdm_audit_story *out,
                          struct vdm_err *err) VDM_MUST_CHECK;
/* Is there something that a person should do? */
bool vdm_audit_story_bad(const struct vdm_audit_story *s);

/* Each writes one form of it. False: no memory, or the findings of an audit cannot be read. */
typedef bool vdm_audit_form_fn(const struct vdm_audit_story *s, FILE *to, struct vdm_err *err);
vdm_audit_form_fn vdm_audit_as_text, vdm_audit_as_json, vdm_audit_as_csv, vdm_audit_as_premis,
    vdm_audit_as_prometheus, vdm_audit_as_nagios, vdm_audit_as_html;
/* Nagios' own exit status for it. */
int vdm_audit_nagios_status(const struct vdm_audit_story *s);

/* The lines that an audit found, one after another; a file that is lost or changed gives none. */
typedef void vdm_audit_line_fn(void *ctx, const struct vdm_audit_past *p, const char *kind,
                               uint64_t entry, bool repaired, struct vdm_bytes text);
bool vdm_audit_each_line(const struct vdm_audit_story *s, const struct vdm_audit_past *p,
                         vdm_audit_line_fn *tell, void *ctx, bool *lost,
                         struct vdm_err *err) VDM_MUST_CHECK;
/* Is it one entry more of the same audit as the one before it? */
bool vdm_audit_continues(const struct vdm_audit_story *s, size_t i);

#endif
