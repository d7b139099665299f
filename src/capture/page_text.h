/* SPDX-License-Identifier: MIT */
/* The visible text of an HTML page, by the rules of docs/FORMATS.md, "Text fingerprint". The tree is
 * made by gumbo, which follows the parsing rules of the HTML standard. */
#ifndef VDM_CAPTURE_PAGE_TEXT_H
#define VDM_CAPTURE_PAGE_TEXT_H

#include "base/buf.h"

/* Memory of one page at most: its tree takes some twenty times its bytes. */
#define VDM_PAGE_MEMORY_MAX (UINT64_C(320) << 20)

/* Memory that is used again for page after page; zero-initialise, release. */
struct vdm_page_memory {
    struct vdm_page_chunk *chunks;
    uint64_t taken;
};
void vdm_page_memory_release(struct vdm_page_memory *m);

/* Appends the text, not yet in its one form. `page` is UTF-8. Foreign bytes: for a worker only. Fails
 * where the page takes too much memory. */
bool vdm_page_text(struct vdm_buf *out, struct vdm_bytes page, struct vdm_page_memory *memory,
                   struct vdm_err *err) VDM_MUST_CHECK;

/* The encoding that a page names in a `meta` near its top; empty: none. Borrows from it. */
struct vdm_bytes vdm_page_encoding(struct vdm_bytes page);

#endif
