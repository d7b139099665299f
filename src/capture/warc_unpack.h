/* SPDX-License-Identifier: MIT */
/* The bytes of a WARC as they were before it was compressed: plain, gzip or zstd, in one piece or in many (a
 * gzip member or zstd frame for each record, or for the file, or any other way). A dictionary of .warc.zst
 * stands in a skippable frame in front. Remembers where the pieces begin, so that a record that fills one can
 * be found again. */
#ifndef VDM_CAPTURE_WARC_UNPACK_H
#define VDM_CAPTURE_WARC_UNPACK_H

#include "capture/container.h"

enum vdm_unpack_form { VDM_UNPACK_PLAIN, VDM_UNPACK_GZIP, VDM_UNPACK_ZSTD };

struct vdm_unpack;
/* Of what follows in the span. NULL without memory. */
struct vdm_unpack *vdm_unpack_open(struct vdm_span *s);
void vdm_unpack_close(struct vdm_unpack *u); /* NULL is fine */
enum vdm_unpack_form vdm_unpack_form(const struct vdm_unpack *u);

#define VDM_UNPACK_LOOK_MAX (1u << 16)
/* As vdm_span_look and vdm_span_take; `want` is at most VDM_UNPACK_LOOK_MAX. Fewer only at the end, or where it
 * cannot go on: vdm_unpack_trouble. */
struct vdm_bytes vdm_unpack_look(struct vdm_unpack *u, size_t want);
void vdm_unpack_take(struct vdm_unpack *u, size_t n);
/* Bytes that were taken; of a plain file its offset. */
uint64_t vdm_unpack_at(const struct vdm_unpack *u);
/* Where to look in the file for what is at hand: there, or where its piece begins. */
uint64_t vdm_unpack_file_at(const struct vdm_unpack *u);
/* Do the unpacked bytes from `from` to `to` (now at hand, or just behind) fill one piece, and which? */
bool vdm_unpack_piece(const struct vdm_unpack *u, uint64_t from, uint64_t to, uint64_t *offset,
                      uint64_t *length);

/* NULL, or why nothing follows behind the unpacked position *at, and what that means for what came before. */
enum vdm_unpack_kind {
    VDM_UNPACK_CUT,     /* the file ends in the middle of a piece: it is good as far as it goes */
    VDM_UNPACK_DAMAGED, /* the piece is damaged */
    VDM_UNPACK_FOREIGN, /* the piece is good, what follows is none */
};
const char *vdm_unpack_trouble(const struct vdm_unpack *u, uint64_t *at,
                               enum vdm_unpack_kind *kind);
/* The unpacked position where the next piece begins, if it is in the buffer; else UINT64_MAX. */
uint64_t vdm_unpack_next_piece(const struct vdm_unpack *u);
/* Does a piece begin with the next byte? */
bool vdm_unpack_piece_begins(const struct vdm_unpack *u);
/* Behind trouble: search for a piece that begins with a record. false: there is none. */
bool vdm_unpack_resume(struct vdm_unpack *u);
/* May one look at what lies far ahead? In a plain file. */
bool vdm_unpack_peeks(const struct vdm_unpack *u);
/* Then bytes from this offset on, without going there; fewer at the end. */
size_t vdm_unpack_peek(const struct vdm_unpack *u, uint64_t offset, uint8_t *p, size_t n);
/* Go to an offset of a plain file. */
void vdm_unpack_seek(struct vdm_unpack *u, uint64_t offset);

#endif
