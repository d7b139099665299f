/* SPDX-License-Identifier: MIT */
/* The text of a capture's document, extracted from the store now. */
#ifndef VDM_OPS_PAGE_TEXT_H
#define VDM_OPS_PAGE_TEXT_H

#include "capture/text_extract.h"
#include "ops/query.h"
#include "words/compare.h"

/* Why there is no text; the same words in text and JSON. */
#define VDM_PAGE_WHY_MAX 160

/* Why a document has none whose media type is of no kind that has (VDM_TEXT_NONE). */
void vdm_page_text_none(const struct vdm_record *r, char why[VDM_PAGE_WHY_MAX]);

/* *has false: there is none, and why. What fails is memory, or the ledger. */
bool vdm_page_text_read(struct vdm_archive *a, struct vdm_text *extractor, const struct vdm_view *v,
                        struct vdm_buf *out, bool *has, char why[VDM_PAGE_WHY_MAX],
                        struct vdm_err *err) VDM_MUST_CHECK;

/* Two captures compared. The texts are `a` and `b`; release it. */
struct vdm_page_diff {
    struct vdm_text_words a, b;
    struct vdm_hunks hunks;
    bool same_bytes, same_text;
};
void vdm_page_diff_release(struct vdm_page_diff *d);
/* An error says which of them has no text, and why. */
bool vdm_page_diff(struct vdm_archive *archive, uint64_t a, uint64_t b, struct vdm_page_diff *out,
                   struct vdm_err *err) VDM_MUST_CHECK;

#endif
