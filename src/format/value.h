/* SPDX-License-Identifier: MIT */
/* Lines `key SP value` and the escapes of values (docs/FORMATS.md, "Text").
 *
 * Decoded structures keep values as they stand in the text, escaped and already checked, so that
 * decoding borrows and never allocates; vdm_value_decode() gives the bytes that were meant. */
#ifndef VDM_FORMAT_VALUE_H
#define VDM_FORMAT_VALUE_H

#include "base/time.h"
#include "crypto/crypto.h"

/* Append the one escaped form of `value` (which must not be empty). */
void vdm_value_append(struct vdm_buf *out, struct vdm_bytes value);
/* Append the bytes that an escaped value stands for; out of memory shows in out->failed. */
void vdm_value_decode(struct vdm_bytes escaped, struct vdm_buf *out);
/* Is this the one escaped form of some non-empty value? */
bool vdm_value_valid(struct vdm_bytes escaped);

/* Each of these reads one thing off the front of *rest; false, with *rest and the output as they
 * were, if it is not there in exactly this form. */
bool vdm_take_literal(struct vdm_bytes *rest, const char *literal);
bool vdm_take_field(struct vdm_bytes *rest, const char *key, struct vdm_bytes *value);
bool vdm_take_value(struct vdm_bytes *rest, const char *key, struct vdm_bytes *escaped);
bool vdm_take_number(struct vdm_bytes *rest, const char *key, uint64_t *out);
bool vdm_take_digest(struct vdm_bytes *rest, const char *key, struct vdm_digest *out);
bool vdm_take_time(struct vdm_bytes *rest, const char *key, struct vdm_time *out);
/* A value that is one of `words` (NULL ends them); *index says which. */
bool vdm_take_word(struct vdm_bytes *rest, const char *key, const char *const *words, int *index);
/* `key SP <number> SP <base64 of 32 bytes>`: a tree head. */
bool vdm_take_tree(struct vdm_bytes *rest, const char *key, uint64_t *size,
                   struct vdm_digest *root);

/* `sha256:<64 hex digits>` as a value of its own. */
bool vdm_digest_decode(struct vdm_bytes text, struct vdm_digest *out) VDM_MUST_CHECK;
void vdm_digest_append(struct vdm_buf *out, struct vdm_digest d);

/* A whole line. */
void vdm_put_field(struct vdm_buf *out, const char *key, struct vdm_bytes value);
void vdm_put_number(struct vdm_buf *out, const char *key, uint64_t value);
void vdm_put_digest(struct vdm_buf *out, const char *key, struct vdm_digest d);
void vdm_put_time(struct vdm_buf *out, const char *key, struct vdm_time t);
void vdm_put_tree(struct vdm_buf *out, const char *key, uint64_t size, struct vdm_digest root);

/* The last step of every decoder: what was understood, written again, must be what was read. */
bool vdm_same_bytes(const struct vdm_buf *again, struct vdm_bytes text, const char *what,
                    struct vdm_err *err) VDM_MUST_CHECK;

#endif
