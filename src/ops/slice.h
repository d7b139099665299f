/* SPDX-License-Identifier: MIT */
/* Parts of documents: does a slice hold the bytes that its record says (docs/FORMATS.md, "Slices")? */
#ifndef VDM_OPS_SLICE_H
#define VDM_OPS_SLICE_H

#include "base/file.h"
#include "format/record.h"
#include "ops/archive.h"
#include "ops/report.h"

/* SHA-256 of the next `length` bytes; *digest means nothing where *whole is false: there are fewer. */
bool vdm_slice_hash(struct vdm_crypto *c, vdm_read_fn *read, void *ctx, uint64_t length,
                    struct vdm_digest *digest, bool *whole, struct vdm_err *err) VDM_MUST_CHECK;

/* VDM_ERR_REFUSED: this line says that the document is a slice of one that is held, and it is not. Once recorded, it
 * would be a finding for ever. */
bool vdm_slice_refuse_wrong(struct vdm_archive *a, struct vdm_bytes derived_from,
                            struct vdm_digest document, uint64_t size,
                            struct vdm_err *err) VDM_MUST_CHECK;

/* The finding: the document of entry n is not these bytes. */
void vdm_slice_differs(struct vdm_report *report, uint64_t n, const struct vdm_slice *s,
                       const char *why);

#endif
