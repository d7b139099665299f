/* SPDX-License-Identifier: MIT */
/* The visible text of an HTML page, by the rules of docs/FORMATS.md, "Text fingerprint". libxml2 says which elements open
 * and close; no tree is made, so memory grows with the page alone. */
#ifndef VDM_CAPTURE_PAGE_TEXT_H
#define VDM_CAPTURE_PAGE_TEXT_H

#include "base/buf.h"

/* Appends the text, not yet in its one form. `page` is UTF-8. Foreign bytes: for a worker only. Fails where the parser
 * does not come to the end of it. */
bool vdm_page_text(struct vdm_buf *out, struct vdm_bytes page, struct vdm_err *err) VDM_MUST_CHECK;

/* The encoding that a page names in a `meta` near its top; empty: none. Borrows from it. */
struct vdm_bytes vdm_page_encoding(struct vdm_bytes page);

#endif
