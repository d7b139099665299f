/* SPDX-License-Identifier: MIT */
/* The text fingerprint of an input, put into its record while it is imported. Nothing here fails an
 * import but memory: a document without a text has no fingerprint, and is counted. */
#ifndef VDM_OPS_IMPORT_TEXT_H
#define VDM_OPS_IMPORT_TEXT_H

#include "capture/text_extract.h"
#include "ops/import_record.h"

/* NULL stands for an import that makes none. */
struct vdm_import_text;
bool vdm_import_text_open(struct vdm_import_text **out, struct vdm_crypto *c,
                          struct vdm_err *err) VDM_MUST_CHECK;
void vdm_import_text_close(struct vdm_import_text *t);

/* A document begins, of the media type that its lines state; then its bytes, as they are read. */
void vdm_import_text_begin(struct vdm_import_text *t, const struct vdm_import_lines *l);
void vdm_import_text_take(struct vdm_import_text *t, struct vdm_bytes piece);
/* It was read whole, and this is its digest: adds the line, where it has a text and the record has room for
 * the line. */
bool vdm_import_text_end(struct vdm_import_text *t, struct vdm_import_lines *l,
                         struct vdm_digest document, struct vdm_err *err) VDM_MUST_CHECK;

struct vdm_textless vdm_import_textless(const struct vdm_import_text *t);
/* One more without a text. */
void vdm_import_text_note(struct vdm_import_text *t, const char *why);
/* What was noted since the last call, and is now somebody else's. */
struct vdm_textless vdm_import_text_taken(struct vdm_import_text *t);

/* As vdm_text_ready and so on. */
void vdm_import_text_ready(struct vdm_import_text *t);
uint64_t vdm_import_text_asked(const struct vdm_import_text *t);
bool vdm_import_text_lost(const struct vdm_import_text *t);
bool vdm_import_text_spent(const struct vdm_import_text *t);

#endif
