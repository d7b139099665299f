/* SPDX-License-Identifier: MIT */
/* The text of a document, in one form (words/plain.h), so that captures can be compared by what a reader
 * sees.
 *
 * Documents are hostile input to the parser of pages, so it runs in a worker without rights, as media
 * types are guessed (capture/media.h). A document that kills it, takes too long or too much memory has
 * no text to us; that is counted, and nothing else stops for it. In a text that is UTF-8 there is nothing to
 * parse: it is brought into its one form here, in time and memory bounded by its length. */
#ifndef VDM_CAPTURE_TEXT_EXTRACT_H
#define VDM_CAPTURE_TEXT_EXTRACT_H

#include "base/buf.h"

#define VDM_TEXT_DOCUMENT_MAX                                                                      \
    (UINT64_C(8) << 20)                   /* bytes of a document that is read for its text */
#define VDM_TEXT_MAX (UINT64_C(32) << 20) /* bytes of a text */

enum vdm_text_kind { VDM_TEXT_NONE, VDM_TEXT_PLAIN, VDM_TEXT_HTML };
/* By a media type, parameters and all: text/html and application/xhtml+xml are HTML, every other text/
 * is plain. */
enum vdm_text_kind vdm_text_kind(struct vdm_bytes media_type);
/* `plain/1`, or `html/1 gumbo/0.10.1`: the rules, and what made the tree. */
struct vdm_bytes vdm_text_extractor(enum vdm_text_kind kind);

/* An extractor and its worker, which is started at the first document. One a thread. */
struct vdm_text;
bool vdm_text_open(struct vdm_text **out, struct vdm_err *err) VDM_MUST_CHECK;
void vdm_text_close(struct vdm_text *t);    /* NULL is fine */
void vdm_text_cleanup(struct vdm_text **t); /* for VDM_CLEANUP */

/* What `out` held goes. false: there is no text, and *why says so in a phrase (borrowed until the next
 * call): too large, or no answer. Once the worker may not be started again, so with every document. */
bool vdm_text_extract(struct vdm_text *t, enum vdm_text_kind kind, struct vdm_bytes document,
                      struct vdm_buf *out, const char **why) VDM_MUST_CHECK;

/* For threads that may start no process: ready starts the worker, if none runs and one may be started; from then
 * on nothing else does. */
void vdm_text_ready(struct vdm_text *t);
/* How many documents a worker was asked for, or would have been. */
uint64_t vdm_text_asked(const struct vdm_text *t);
bool vdm_text_lost(const struct vdm_text *t);  /* none runs */
bool vdm_text_spent(const struct vdm_text *t); /* nor may be started */

/* How many documents got no text although they are of a kind that has one, and why the first. */
struct vdm_textless {
    uint64_t documents;
    char why[256];
};
void vdm_textless_note(struct vdm_textless *t, const char *why);

#endif
