/* SPDX-License-Identifier: MIT */
/* The seal of a bundle: who put this selection together (docs/FORMATS.md, "Bundle"). */
#ifndef VDM_FORMAT_SEAL_H
#define VDM_FORMAT_SEAL_H

#include "base/time.h"
#include "format/note.h"

struct vdm_seal {
    struct vdm_bytes ledger; /* borrowed */
    struct vdm_time created;
    uint64_t size;
    struct vdm_digest root;
    struct vdm_digest selection;
    struct vdm_digest tagmanifest;
};

bool vdm_seal_decode(struct vdm_bytes text, struct vdm_seal *out,
                     struct vdm_err *err) VDM_MUST_CHECK;
void vdm_seal_append(struct vdm_buf *out, const struct vdm_seal *s);
/* A whole seal: a note with exactly one signature line, Ed25519 and by a name of ours. The signature
 * itself is not checked here. */
bool vdm_seal_open(struct vdm_bytes whole, struct vdm_note *note, struct vdm_seal *out,
                   struct vdm_err *err) VDM_MUST_CHECK;

#endif
