/* SPDX-License-Identifier: MIT */
/* --report: a page without scripts and outside resources, everything escaped. Items are added while
 * the bundle is read and spooled, since the verdict above them is known only at the end. Both files are
 * opened before any bundle is, and shared by the parent and the workers. */
#ifndef VDM_CLI_PAGE_H
#define VDM_CLI_PAGE_H

#include "cli/verdict.h"

struct vdm_page {
    int body;    /* the sections so far */
    off_t kept;  /* its bytes before the file at hand */
    FILE *items; /* of the bundle at hand; NULL: no page is wanted */
};
bool vdm_page_open(struct vdm_page *p, struct vdm_err *err) VDM_MUST_CHECK;
void vdm_page_release(struct vdm_page *p);
/* The next file begins. */
bool vdm_page_begin(struct vdm_page *p, struct vdm_err *err) VDM_MUST_CHECK;
void vdm_page_item(struct vdm_page *p, const struct vdm_bundle_item *item);
/* The section of one bundle: verdict, findings, items so far. */
bool vdm_page_bundle(struct vdm_page *p, const struct vdm_report *r, enum vdm_checked what,
                     const char *name, const struct vdm_protection *protection,
                     struct vdm_err *err) VDM_MUST_CHECK;
/* The section of one that could not be checked, instead of what was written of it. */
bool vdm_page_failed(struct vdm_page *p, const char *name, const char *why,
                     struct vdm_err *err) VDM_MUST_CHECK;
bool vdm_page_publish(struct vdm_page *p, const char *path, struct vdm_err *err) VDM_MUST_CHECK;

#endif
