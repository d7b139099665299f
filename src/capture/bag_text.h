/* SPDX-License-Identifier: MIT */
/* Tag files of a bag as text: lines in UTF-8, whatever they were written in. */
#ifndef VDM_CAPTURE_BAG_TEXT_H
#define VDM_CAPTURE_BAG_TEXT_H

#include "base/buf.h"

enum vdm_bag_encoding {
    VDM_BAG_UTF8,
    VDM_BAG_LATIN1,
    VDM_BAG_UTF16, /* by its byte order mark; without one, big-endian */
    VDM_BAG_UTF16LE,
    VDM_BAG_UTF16BE,
};
/* By its name, in any case; US-ASCII is read as UTF-8. */
bool vdm_bag_encoding_from_name(struct vdm_bytes name, enum vdm_bag_encoding *out) VDM_MUST_CHECK;

/* Appends `text` in UTF-8, without a byte order mark; *had_mark tells whether there was one. false: it is
 * not in this encoding. */
bool vdm_bag_text_decode(struct vdm_bytes text, enum vdm_bag_encoding encoding, struct vdm_buf *out,
                         bool *had_mark) VDM_MUST_CHECK;

/* Cut one line off the front; it ends in LF, CR, CRLF or with the text. false: there is none. */
bool vdm_bag_line(struct vdm_bytes *rest, struct vdm_bytes *line);

/* Blanks and tabs. */
bool vdm_bag_is_blank(uint8_t c);
struct vdm_bytes vdm_bag_trim(struct vdm_bytes s);
bool vdm_bag_same_label(struct vdm_bytes a, struct vdm_bytes b); /* in any case */

#endif
