/* SPDX-License-Identifier: MIT */
/* Where a mirror may be: outside the archive. What lies in the archive is lost with it, and writing there
 * would change what is to be copied. Links are followed: the folder counts that they lead to. */
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

#endif
