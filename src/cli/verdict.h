/* SPDX-License-Identifier: MIT */
/* A report, told: on the terminal, as JSON, as a page for a person. */
#ifndef VDM_CLI_VERDICT_H
#define VDM_CLI_VERDICT_H

#include "cli/cli.h"
#include "ops/verify_bundle.h"

enum vdm_checked {
    VDM_CHECKED_ARCHIVE,
    VDM_CHECKED_BUNDLE,
    VDM_CHECKED_PROOF,
    VDM_CHECKED_CHECKPOINT,
    VDM_CHECKED_FORK_PROOF
};

/* What was checked is called `name`. */
void vdm_verdict_print(struct vdm_cli *cli, const struct vdm_report *r, enum vdm_checked what,
                       const char *name);
bool vdm_verdict_json(const struct vdm_report *r, enum vdm_checked what, const char *name,
                      struct vdm_err *err) VDM_MUST_CHECK;

/* --json of one that could not be checked. */
bool vdm_verdict_json_failed(const char *name, const char *why, struct vdm_err *err) VDM_MUST_CHECK;

/* The two sentences that belong to every verdict; the first claims no more than was looked at. */
const char *vdm_shows(const struct vdm_report *r, enum vdm_checked what);
const char *vdm_shows_not(enum vdm_checked what);

/* One item of a bundle in a line (with -v). */
void vdm_item_print(const struct vdm_bundle_item *item);

/* --report: a page without scripts and outside resources, everything escaped. Items are added while
 * the bundle is read and spooled, since the verdict above them is known only at the end. */
struct vdm_page {
    struct vdm_buf body;
    FILE *items; /* of the bundle at hand; NULL: no page is wanted */
};
bool vdm_page_open(struct vdm_page *p, struct vdm_err *err) VDM_MUST_CHECK;
void vdm_page_release(struct vdm_page *p);
void vdm_page_item(struct vdm_page *p, const struct vdm_bundle_item *item);
/* The section of one bundle: verdict, findings, items so far. */
bool vdm_page_bundle(struct vdm_page *p, const struct vdm_report *r, enum vdm_checked what,
                     const char *name, struct vdm_err *err) VDM_MUST_CHECK;
/* The section of one that could not be checked. */
bool vdm_page_failed(struct vdm_page *p, const char *name, const char *why,
                     struct vdm_err *err) VDM_MUST_CHECK;
bool vdm_page_publish(struct vdm_page *p, const char *path, struct vdm_err *err) VDM_MUST_CHECK;

#endif
