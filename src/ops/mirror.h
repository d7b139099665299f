/* SPDX-License-Identifier: MIT */
/* A second copy: a folder like an archive's, with everything but secret keys, that is brought up to date
 * again and again. Nothing gets there that was not checked on the way. */
#ifndef VDM_OPS_MIRROR_H
#define VDM_OPS_MIRROR_H

#include "ops/archive.h"
#include "ops/report.h"

struct vdm_mirror_done {
    struct vdm_report report; /* what is bad here and so not there */
    uint64_t size, before;    /* entries that the mirror's ledger has, and had */
    uint64_t copied, bytes;   /* documents that are new there */
    uint64_t repaired;        /* that were bad there */
    uint64_t checked;         /* that were there, and read again */
    uint64_t erased;          /* that were withdrawn */
    uint64_t no_keys;         /* files `.pub` here that hold no public key, or are links */
};
void vdm_mirror_done_release(struct vdm_mirror_done *d);

/* `all`: also read again what is there since earlier runs. Stopped in between, it goes on from there next
 * time; the mirror's ledger is the one from before until all that it names was looked at. */
bool vdm_mirror(struct vdm_archive *a, const char *folder, bool all,
                const struct vdm_progress *progress, struct vdm_mirror_done *done,
                struct vdm_err *err) VDM_MUST_CHECK;

#endif
