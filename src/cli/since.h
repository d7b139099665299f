/* SPDX-License-Identifier: MIT */
/* The file of `verify --since`: what this reader's own checks have covered so far. It is believed as far as
 * its place allows, so that is looked at first: nobody but the reader (or root) may be able to change it. */
#ifndef VDM_CLI_SINCE_H
#define VDM_CLI_SINCE_H

#include "ops/verify_archive.h"

/* *found false: there is no such file yet. One that others could have written, that lies in the archive, or
 * that is none is VDM_ERR_REFUSED or VDM_ERR_MALFORMED. */
bool vdm_since_read(struct vdm_crypto *c, const char *path, const char *archive,
                    struct vdm_verified *out, bool *found, struct vdm_err *err) VDM_MUST_CHECK;
/* Note down what a check covered, in place of what stands there: only one that came to a clean, trusted end. */
bool vdm_since_write(const char *path, const struct vdm_report *r,
                     struct vdm_err *err) VDM_MUST_CHECK;

#endif
