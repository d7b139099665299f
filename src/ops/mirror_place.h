/* SPDX-License-Identifier: MIT */
/* Where a mirror may be: outside the archive, in a folder of its own. What lies in the archive is lost with it, and
 * writing there would change what is to be copied. Links are followed: the folder counts that they lead to. */
#ifndef VDM_OPS_MIRROR_PLACE_H
#define VDM_OPS_MIRROR_PLACE_H

#include "ops/archive.h"

/* Neither this folder nor one above it is the archive's, its keys/ or its store/. `dir` and `path` as for
 * openat(2). */
bool vdm_mirror_outside(const struct vdm_archive *a, int dir, const char *path,
                        struct vdm_err *err) VDM_MUST_CHECK;
/* The same of a folder that may not be there yet: then of the one that it would be made in. */
bool vdm_mirror_place(const struct vdm_archive *a, const char *folder,
                      struct vdm_err *err) VDM_MUST_CHECK;

/* Before anything is written there: a folder that holds something, and no ledger, must be what a first run left that
 * was stopped. Whose the ledger is, is asked by who opens it. */
bool vdm_mirror_fits(const char *folder, struct vdm_err *err) VDM_MUST_CHECK;
/* `keys`: its folder of that name. Where a secret key lies, somebody writes. */
bool vdm_mirror_no_secrets(const char *folder, int keys, struct vdm_err *err) VDM_MUST_CHECK;

typedef bool vdm_mirror_name_fn(void *ctx, const char *name, struct vdm_err *err);
/* Each name in the folder `dir` that ends so. Hidden ones are told only where every name is asked for (""). */
bool vdm_mirror_each_name(int dir, const char *end, vdm_mirror_name_fn *tell, void *ctx,
                          struct vdm_err *err) VDM_MUST_CHECK;

#endif
