/* SPDX-License-Identifier: MIT */
/* A report, told: on the terminal and as JSON; cli/page.h makes a page of it. */
#ifndef VDM_CLI_VERDICT_H
#define VDM_CLI_VERDICT_H

#include "cli/item.h"

enum vdm_checked {
    VDM_CHECKED_ARCHIVE,
    VDM_CHECKED_BUNDLE,
    VDM_CHECKED_PROOF,
    VDM_CHECKED_CHECKPOINT,
    VDM_CHECKED_FORK_PROOF
};

/* What was checked is called `name`; `items` are those of a bundle. */
void vdm_verdict_print(struct vdm_cli *cli, const struct vdm_report *r, enum vdm_checked what,
                       const char *name, const struct vdm_items *items);
/* `protection` is what was in force where it was checked; NULL: it was not checked in a worker. */
bool vdm_verdict_json(const struct vdm_report *r, enum vdm_checked what, const char *name,
                      struct vdm_items *items, const struct vdm_protection *protection,
                      struct vdm_err *err) VDM_MUST_CHECK;

void vdm_findings_print(const struct vdm_findings *list);
json_t *vdm_findings_json(const struct vdm_findings *list);

/* The line under the verdict: what the bundle does not show. Nothing, if it shows all. */
void vdm_put_not_shown(FILE *to, const struct vdm_report *r);

enum vdm_colour vdm_verdict_colour(enum vdm_verdict v);

/* --json of one that could not be checked. */
bool vdm_verdict_json_failed(const char *name, enum vdm_checked what, const char *why,
                             struct vdm_err *err) VDM_MUST_CHECK;

/* The two sentences that belong to every verdict; the first claims no more than was looked at. */
const char *vdm_shows(const struct vdm_report *r, enum vdm_checked what);
const char *vdm_shows_not(enum vdm_checked what);

#endif
