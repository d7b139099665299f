/* SPDX-License-Identifier: MIT */
/* From the paths of a command line to files, one by one: a file, a folder with all below it, or `-`
 * for standard input.
 *
 * - What cannot be imported is an item as well, with its reason, and the walk goes on.
 * - A symbolic link is followed only where it is itself named on the command line. Below a folder
 *   everything is reached from its parent's descriptor, so a folder that is swapped for a link
 *   meanwhile is not followed either.
 * - The names of a folder come sorted by bytes, a folder's content in its place among them. A file
 *   that is reached twice comes twice.
 * - Memory is bounded by the names of the folders on the way down (at most VDM_WALK_DEPTH_MAX below
 *   the one that was named).
 * - Names are bytes: a newline or invalid UTF-8 passes through unharmed, to be escaped by who
 *   prints. */
#ifndef VDM_CAPTURE_WALK_H
#define VDM_CAPTURE_WALK_H

#include "base/buf.h"

enum vdm_walk_kind {
    VDM_WALK_FILE,    /* a regular file; vdm_source_open() opens it */
    VDM_WALK_STDIN,   /* `-`, once; path is "-" */
    VDM_WALK_REFUSED, /* `reason` says why */
    VDM_WALK_BAG, /* a folder that is marked as one (capture/bag.h), before all in it; only if asked for */
};

/* Everything here is borrowed from the walk, until its next step. */
struct vdm_walk_item {
    enum vdm_walk_kind kind;
    struct vdm_bytes shown; /* the path as it was named, and what follows below it */
    struct vdm_bytes path;  /* canonical, see capture/path.h; empty for a refusal without one */
    const char *reason;     /* of a refusal; NUL-terminated, without the path */
    uint64_t size_bytes;    /* of a file, as it was met; else 0 */
    /* How capture/source.h opens it; nobody else's business. */
    int dir;
    const char *name;
    bool follow;
};

struct vdm_walk;

/* The n paths are borrowed until the walk is closed. Looks at nothing yet. */
bool vdm_walk_open(struct vdm_walk **out, const char *const *paths, size_t n,
                   struct vdm_err *err) VDM_MUST_CHECK;
/* Folders (canonical paths, borrowed as above) that are refused, each once and with all below it.
 * So is then every other archive: a folder with keys/ and store/ledger.db of which keys/ is not left out. */
void vdm_walk_leave_out(struct vdm_walk *w, char *const *folders, size_t n, const char *reason);
/* Files below folders are told without a look at them: they can only be counted. */
void vdm_walk_only_count(struct vdm_walk *w);
/* Tell folders that are bags. One that was just told is left with all that is in it by vdm_walk_pass_over. */
void vdm_walk_tell_bags(struct vdm_walk *w);
void vdm_walk_pass_over(struct vdm_walk *w);
/* The next item, or *more false after the last. Fails only without memory. */
bool vdm_walk_next(struct vdm_walk *w, struct vdm_walk_item *item, bool *more,
                   struct vdm_err *err) VDM_MUST_CHECK;
void vdm_walk_close(struct vdm_walk *w);    /* NULL is fine */
void vdm_walk_cleanup(struct vdm_walk **w); /* for VDM_CLEANUP */

#endif
