/* SPDX-License-Identifier: MIT */
/* Canonical paths, by which a file on the command line and a row of a table are known as the same.
 *
 * Canonical: absolute; the folder part with every link resolved and without `.`, `..` and doubled
 * slashes; then the name as given, link or not. So a folder that is reached through a link matches
 * a table that lists the files inside it, and the other way round. */
#ifndef VDM_CAPTURE_PATH_H
#define VDM_CAPTURE_PATH_H

#include "base/buf.h"

/* Remembers the folder that was resolved last: the files of a table mostly share it. Zeroed to
 * begin with. */
struct vdm_path_cache {
    struct vdm_buf folder;   /* as given */
    struct vdm_buf resolved; /* "" for the root */
};
void vdm_path_cache_release(struct vdm_path_cache *cache);

/* The canonical path of the file `path` as seen from folder `base` (NUL-terminated; NULL: the
 * current one), appended to out. A folder that does not exist is only made normal by its text,
 * so that the path of a missing file can be told; `base` must be absolute for that.
 * Fails for a path that cannot name a file (empty, or it ends in a slash, `.` or `..`), is longer
 * than VDM_PATH_MAX_BYTES or holds a NUL. */
bool vdm_path_canonical(struct vdm_path_cache *cache, const char *base, struct vdm_bytes path,
                        struct vdm_buf *out, struct vdm_err *err) VDM_MUST_CHECK;

/* What follows the last slash. */
struct vdm_bytes vdm_path_name(struct vdm_bytes path);

#endif
