/* SPDX-License-Identifier: MIT */
/* Records: what is known about a capture; and the commitment by which an entry vouches for one
 * without showing it (docs/FORMATS.md, "Records and their commitment"). */
#ifndef VDM_FORMAT_RECORD_H
#define VDM_FORMAT_RECORD_H

#include "base/limits.h"
#include "crypto/crypto.h"

/* The fields of a record, in the order in which they stand. */
enum vdm_field {
    VDM_FIELD_DOCUMENT,
    VDM_FIELD_FOLLOWS,
    VDM_FIELD_COLLECTION,
    VDM_FIELD_FILE_NAME,
    VDM_FIELD_MEDIA_TYPE,
    VDM_FIELD_SOURCE,
    VDM_FIELD_CAPTURED,
    VDM_FIELD_CAPTURED_BY,
    VDM_FIELD_METHOD,
    VDM_FIELD_RECEIVED_FROM,
    VDM_FIELD_RECORD_ID,
    VDM_FIELD_DERIVED_FROM,
    VDM_FIELD_TITLE,
    VDM_FIELD_AUTHOR,
    VDM_FIELD_ISSUER,
    VDM_FIELD_PUBLISHER,
    VDM_FIELD_ISSUED,
    VDM_FIELD_ISSUED_AS_WRITTEN,
    VDM_FIELD_REFERENCE,
    VDM_FIELD_LANGUAGE,
    VDM_FIELD_RIGHTS,
    VDM_FIELD_UNKNOWN,
    VDM_FIELD_INFERRED,
    VDM_FIELD_NOTE,
    VDM_FIELD_HEADER,
    VDM_FIELD_FIELD,
    VDM_FIELDS
};

const char *vdm_field_name(enum vdm_field f);
bool vdm_field_repeats(enum vdm_field f);
bool vdm_field_from_name(struct vdm_bytes name, enum vdm_field *out) VDM_MUST_CHECK;
/* `title,issued`: a bit (1 << field) each. VDM_ERR_REFUSED, with the name, where one is no field. */
bool vdm_fields_decode(struct vdm_bytes list, uint64_t *out, struct vdm_err *err) VDM_MUST_CHECK;

/* A line: its field and its value, escaped as it stands. */
struct vdm_record_line {
    enum vdm_field field;
    struct vdm_bytes value;
};

/* Borrows from the text. */
struct vdm_record {
    uint8_t secret[32];
    struct vdm_bytes body; /* the lines after `secret`, each with its LF */
    uint64_t lines;
    struct vdm_digest document;
    uint64_t document_size;
};

bool vdm_record_decode(struct vdm_bytes text, struct vdm_record *out,
                       struct vdm_err *err) VDM_MUST_CHECK;
/* Cut the next line off *rest, which starts as a decoded record's body. False at the end. */
bool vdm_record_next(struct vdm_bytes *rest, struct vdm_record_line *out);
/* The k-th (from 0) value of a field; n == 0 if there is none. */
struct vdm_bytes vdm_record_value(const struct vdm_record *r, enum vdm_field f, size_t k);

/* The fields (bits 1 << field) whose lines are not the same in both, `document` and all. */
uint64_t vdm_record_differences(const struct vdm_record *a, const struct vdm_record *b);

/* A `derived-from` that says that the document is a piece of another, byte for byte: its method is `slice`, or
 * begins with `slice: `. `value` is escaped, as it stands. false: it is none of that kind, or names no digest. */
struct vdm_slice {
    struct vdm_digest of;
    uint64_t offset, length;
};
bool vdm_slice_decode(struct vdm_bytes value, struct vdm_slice *out) VDM_MUST_CHECK;

/* Write a record: `secret`, `document` and then `line` in the order of the fields, lines of one
 * field in the order given; none of them is `document`. Values here are plain bytes, not escaped.
 * Fails, naming the field, where a value breaks a rule. `written` (or NULL): what was written, decoded; borrows from `out`
 * as it is now. */
bool vdm_record_append(struct vdm_buf *out, const uint8_t secret[32], struct vdm_digest document,
                       uint64_t document_size, const struct vdm_record_line *line, size_t lines,
                       struct vdm_record *written, struct vdm_err *err) VDM_MUST_CHECK;

bool vdm_record_commit(struct vdm_crypto *c, const struct vdm_record *r, struct vdm_digest *out,
                       struct vdm_err *err) VDM_MUST_CHECK;
/* salt_i = SHA-256(secret, uint64be(i)) */
struct vdm_digest vdm_record_salt(struct vdm_crypto *c, const uint8_t secret[32], uint64_t i);

/* --- shared with disclosures --- */

/* The rules for lines one after another; zero-initialise. */
struct vdm_line_rules {
    int last;       /* 1 + the field of the line before; 0 at the start */
    uint64_t own;   /* bit f: field f has a line of its own */
    uint64_t named; /* bit f: `unknown` or `inferred` names field f */
};
/* Takes a line without LF; says what it is, or which rule it breaks. The value of `document` is for
 * the caller to decode. */
bool vdm_line_check(struct vdm_line_rules *rules, struct vdm_bytes line,
                    struct vdm_record_line *out, struct vdm_err *err) VDM_MUST_CHECK;
/* After the last line. */
bool vdm_lines_end(const struct vdm_line_rules *rules, struct vdm_err *err) VDM_MUST_CHECK;
/* `sha256:<hex> <size>` */
bool vdm_document_decode(struct vdm_bytes value, struct vdm_digest *digest,
                         uint64_t *size) VDM_MUST_CHECK;

/* What is hashed for the commitment starts so; then come the digests h_0, h_1, ... of the lines. */
void vdm_commitment_begin(struct vdm_buf *hashed, uint64_t lines);

#endif
