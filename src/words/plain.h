/* SPDX-License-Identifier: MIT */
/* Text in one form, so that two captures of it can be compared (docs/FORMATS.md, "Text
 * fingerprint"): UTF-8 in NFC, lines that end in LF, one space between two words, no empty line. */
#ifndef VDM_WORDS_PLAIN_H
#define VDM_WORDS_PLAIN_H

#include "base/buf.h"

/* Bytes of a document as UTF-8, appended: by a byte order mark; else as `encoding` says (a name as
 * HTML and MIME have it; empty: none is named); else UTF-8 where they are that; else windows-1252.
 * Every input can be read. Fails without memory. */
bool vdm_plain_decode(struct vdm_buf *out, struct vdm_bytes document, struct vdm_bytes encoding,
                      struct vdm_err *err) VDM_MUST_CHECK;

/* Well-formed UTF-8 in that one form, appended. What was in that form stays as it is. */
bool vdm_plain_append(struct vdm_buf *out, struct vdm_bytes utf8,
                      struct vdm_err *err) VDM_MUST_CHECK;

/* The same, in time and memory that grow with the length alone, whoever wrote it. *done false, and nothing
 * appended: more marks stand upon one letter than any script has. */
bool vdm_plain_append_bounded(struct vdm_buf *out, struct vdm_bytes utf8, bool *done,
                              struct vdm_err *err) VDM_MUST_CHECK;

/* Loads what ICU needs for both, where files can still be opened. */
bool vdm_plain_prepare(struct vdm_err *err) VDM_MUST_CHECK;

#endif
