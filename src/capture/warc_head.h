/* SPDX-License-Identifier: MIT */
/* Heads of WARC records and of HTTP responses: named fields, one a line, and a stated digest. */
#ifndef VDM_CAPTURE_WARC_HEAD_H
#define VDM_CAPTURE_WARC_HEAD_H

#include "crypto/sum.h"

#define VDM_HEAD_BYTES_MAX (1u << 16) /* of one head, its end included */
#define VDM_HEAD_LINES_MAX 2048

/* Names and values borrow from `text`; folded lines are joined by one space. */
struct vdm_head {
    struct vdm_bytes first; /* the line in front: `WARC/1.1`, `HTTP/1.1 200 OK` */
    struct {
        struct vdm_bytes name, value;
    } line[VDM_HEAD_LINES_MAX];
    size_t lines;
    bool odd; /* a line that is no field, or more of them than are kept */
    size_t n; /* of text */
    uint8_t text[VDM_HEAD_BYTES_MAX];
};

/* Where the head at the front of `b` ends, its empty line included; 0: not in these bytes. Lines end in CRLF or
 * LF alone. */
size_t vdm_head_end(struct vdm_bytes b);
/* The same where the line in front of no empty line ends before `from`. */
size_t vdm_head_end_from(struct vdm_bytes b, size_t from);
/* `b`: a head to its end, with (`first`) or without a line in front. */
void vdm_head_parse(struct vdm_head *h, struct vdm_bytes b, bool first);
/* The first value of this name, in any case of letters; p == NULL: none. */
struct vdm_bytes vdm_head_value(const struct vdm_head *h, const char *name);
bool vdm_same_letters(struct vdm_bytes a, const char *b); /* ASCII, in any case */
bool vdm_begins_with_letters(struct vdm_bytes a, const char *b);
struct vdm_bytes vdm_trim(struct vdm_bytes s);           /* spaces and tabs at both ends */
struct vdm_bytes vdm_without_angles(struct vdm_bytes s); /* `<x>` is x */

/* `sha1:ABC`, `md5:...`: the sum in hex, base32 or base64, told by its length. */
struct vdm_stated_sum {
    enum vdm_sum_kind kind; /* VDM_SUM_KINDS: none that we know */
    uint8_t b[VDM_SUM_BYTES_MAX];
};
void vdm_stated_sum_parse(struct vdm_bytes value, struct vdm_stated_sum *out);

#endif
