/* SPDX-License-Identifier: MIT */
/* The fingerprint of a document's text, as it stands in a `field` line of a record (docs/FORMATS.md,
 * "Text fingerprint"). */
#ifndef VDM_FORMAT_FINGERPRINT_H
#define VDM_FORMAT_FINGERPRINT_H

#include "format/record.h"

#define VDM_FINGERPRINT_NAME "text-fingerprint"
#define VDM_EXTRACTOR_MAX    64

struct vdm_fingerprint {
    struct vdm_digest text; /* SHA-256 of it */
    uint64_t bytes;         /* how long it is */
    struct vdm_bytes extractor;
};

/* `text-fingerprint: sha256:<hex> <bytes> <extractor>`: the value of a `field` line. */
void vdm_fingerprint_append(struct vdm_buf *out, const struct vdm_fingerprint *f);
/* Has a `field` line's value this name? */
bool vdm_fingerprint_named(struct vdm_bytes field);
/* Borrows from it. */
bool vdm_fingerprint_decode(struct vdm_bytes field, struct vdm_fingerprint *out) VDM_MUST_CHECK;
/* The record's, if it has exactly one and that is well-formed. */
bool vdm_record_fingerprint(const struct vdm_record *r, struct vdm_fingerprint *out) VDM_MUST_CHECK;

#endif
