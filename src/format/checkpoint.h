/* SPDX-License-Identifier: MIT */
/* Checkpoints (C2SP tlog-checkpoint v1.0.0): origin, size, root. Ours have no extension lines. */
#ifndef VDM_FORMAT_CHECKPOINT_H
#define VDM_FORMAT_CHECKPOINT_H

#include "format/note.h"

struct vdm_checkpoint {
    struct vdm_bytes origin; /* borrowed */
    uint64_t size;
    struct vdm_digest root;
};

/* The text of a note. Any non-empty origin: other people's logs are read as well. The root of the
 * empty tree is SHA-256 of nothing, as RFC 9162 has it. */
bool vdm_checkpoint_decode(struct vdm_bytes text, struct vdm_checkpoint *out,
                           struct vdm_err *err) VDM_MUST_CHECK;
void vdm_checkpoint_append(struct vdm_buf *out, const struct vdm_checkpoint *c);

/* A whole checkpoint note. */
bool vdm_checkpoint_open(struct vdm_bytes whole, struct vdm_note *note, struct vdm_checkpoint *out,
                         struct vdm_err *err) VDM_MUST_CHECK;

#endif
