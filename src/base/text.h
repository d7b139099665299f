/* SPDX-License-Identifier: MIT */
/* Small text pieces: UTF-8, hex, decimal numbers, lines. All strict: one form for each value. */
#ifndef VDM_BASE_TEXT_H
#define VDM_BASE_TEXT_H

#include "base/buf.h"

/* Length (1..4) of the well-formed UTF-8 character at the front, its code point in *code; 0 if the
 * bytes there are none (overlong, surrogate, beyond U+10FFFF, cut off, or s is empty). */
size_t vdm_utf8_next(struct vdm_bytes s, uint32_t *code);
bool vdm_utf8_valid(struct vdm_bytes s);
/* How many bytes at the front are surely ASCII: they are looked at eight at a time. */
size_t vdm_ascii_ahead(struct vdm_bytes s);

/* Lower-case hex. `out` takes 2n characters and a NUL. */
void vdm_hex_encode(const uint8_t *p, size_t n, char *out);
/* Exactly 2n lower-case digits, or false. */
bool vdm_hex_decode(struct vdm_bytes text, uint8_t *out, size_t n);

/* Decimal without sign or leading zero, at most VDM_NUMBER_MAX. */
bool vdm_number_decode(struct vdm_bytes text, uint64_t *out);

/* Cut the text up to `separator` (not included) from the front of *rest. false if it is not there.
 */
bool vdm_cut(struct vdm_bytes *rest, char separator, struct vdm_bytes *before);
/* Cut one line that ends in LF (not included) from the front of *rest. */
bool vdm_cut_line(struct vdm_bytes *rest, struct vdm_bytes *line);

/* Append `s` made safe for a terminal or a line of text: C0, C1, DEL, bidirectional controls,
 * zero-width characters, line separators and invalid UTF-8 become \xHH, a backslash becomes \\. */
void vdm_printable_append(struct vdm_buf *out, struct vdm_bytes s);
/* The same question alone: must this code point be escaped where a person reads it? */
bool vdm_is_unprintable(uint32_t code);

#endif
