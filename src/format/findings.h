/* SPDX-License-Identifier: MIT */
/* What an audit found, as it is kept beside the archive's documents (docs/FORMATS.md, "Findings of an
 * audit"). It names entries and never digests of documents: what is withdrawn later leaves no trace in
 * it. */
#ifndef VDM_FORMAT_FINDINGS_H
#define VDM_FORMAT_FINDINGS_H

#include "base/time.h"
#include "crypto/crypto.h"

#define VDM_FINDINGS_FILE_MAX (1u << 20) /* bytes of a findings file */
#define VDM_FINDINGS_NO_ENTRY UINT64_MAX

struct vdm_findings_line {
    struct vdm_bytes kind; /* a word, `document-corrupt` for example */
    uint64_t entry;        /* or VDM_FINDINGS_NO_ENTRY */
    bool repaired;
    struct vdm_bytes text; /* escaped */
};

/* Borrows from the text. */
struct vdm_findings_file {
    struct vdm_bytes ledger;
    uint64_t size;
    struct vdm_digest root;
    struct vdm_time begun, ended;
    struct vdm_bytes lines; /* the `finding` lines, at least one; for vdm_findings_next */
    uint64_t more;          /* findings beyond those; 0: none */
};

bool vdm_findings_decode(struct vdm_bytes text, struct vdm_findings_file *out,
                         struct vdm_err *err) VDM_MUST_CHECK;
/* The next line off the front of *rest; false at the end. */
bool vdm_findings_next(struct vdm_bytes *rest, struct vdm_findings_line *out);

/* Written as the head, each line, the end. The head's `lines` is not looked at. */
void vdm_findings_append_head(struct vdm_buf *out, const struct vdm_findings_file *f);
void vdm_findings_append_line(struct vdm_buf *out, const struct vdm_findings_line *line);
void vdm_findings_append_end(struct vdm_buf *out, uint64_t more);

#endif
