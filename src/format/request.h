/* SPDX-License-Identifier: MIT */
/* A request: an entry's text on its way to an authority whose machine is never connected, with what a
 * person needs to judge it (docs/FORMATS.md, "Requests"). */
#ifndef VDM_FORMAT_REQUEST_H
#define VDM_FORMAT_REQUEST_H

#include "format/entry.h"

/* Borrows from the text. */
struct vdm_request {
    struct vdm_vkey authority;
    uint64_t size; /* of the ledger that the entry goes on from: the entry's own number */
    struct vdm_digest root;
    struct vdm_bytes effects; /* the `effect` lines as they stand: claims of who made the request */
    struct vdm_bytes text;    /* of the entry */
    struct vdm_entry
        entry; /* decoded: of a kind that an authority signs for a ledger that exists */
};

bool vdm_request_decode(struct vdm_crypto *c, struct vdm_bytes text, struct vdm_request *out,
                        struct vdm_err *err) VDM_MUST_CHECK;
/* `entry` is not looked at: `text` is written. */
void vdm_request_append(struct vdm_buf *out, const struct vdm_request *r);
/* One line of `effects`, from plain text. */
void vdm_request_append_effect(struct vdm_buf *effects, struct vdm_bytes text);
/* Cut the value of the first line off; false at the end. It is escaped. */
bool vdm_request_next_effect(struct vdm_bytes *effects, struct vdm_bytes *value);

#endif
