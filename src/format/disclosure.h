/* SPDX-License-Identifier: MIT */
/* Disclosures: a record of which some lines are shown and the others only vouched for. */
#ifndef VDM_FORMAT_DISCLOSURE_H
#define VDM_FORMAT_DISCLOSURE_H

#include "format/record.h"

struct vdm_disclosure {
    uint64_t lines;
    uint64_t hidden;
    bool has_document; /* line 0 is open */
    struct vdm_digest document;
    uint64_t document_size;
    struct vdm_digest commitment;
    struct vdm_bytes body; /* borrowed: the lines after `lines <m>` */
};

/* One line of a disclosure. */
struct vdm_disclosed_line {
    uint64_t i;
    bool open;
    struct vdm_record_line line; /* if open */
};

bool vdm_disclosure_decode(struct vdm_crypto *c, struct vdm_bytes text, struct vdm_disclosure *out,
                           struct vdm_err *err) VDM_MUST_CHECK;
/* Cut the next line off *rest, which starts as a decoded disclosure's body. False at the end. */
bool vdm_disclosure_next(struct vdm_bytes *rest, struct vdm_disclosed_line *out);

/* Disclose the lines of the fields whose bit (1 << field) is set. Fails where that takes more than
 * VDM_NOTE_MAX bytes: a record of very many lines cannot be disclosed in part. */
bool vdm_disclosure_append(struct vdm_buf *out, struct vdm_crypto *c, const struct vdm_record *r,
                           uint64_t fields, struct vdm_err *err) VDM_MUST_CHECK;

#endif
