/* SPDX-License-Identifier: MIT */
/* Digests that others stated, in the algorithms that they use. They are identifiers and a check against
 * accidents, never evidence: what vidimus vouches for is SHA-256 alone. */
#ifndef VDM_CRYPTO_SUM_H
#define VDM_CRYPTO_SUM_H

#include "base/buf.h"

enum vdm_sum_kind {
    VDM_SUM_MD5,
    VDM_SUM_SHA1,
    VDM_SUM_SHA224,
    VDM_SUM_SHA256,
    VDM_SUM_SHA384,
    VDM_SUM_SHA512,
    VDM_SUM_SHA3_256,
    VDM_SUM_SHA3_512,
    VDM_SUM_BLAKE2B,
    VDM_SUM_KINDS
};
#define VDM_SUM_BYTES_MAX 64

/* `sha1`, `SHA-1`, `sha256` ...: letters in any case, with or without the hyphen. */
bool vdm_sum_kind_from_name(struct vdm_bytes name, enum vdm_sum_kind *out) VDM_MUST_CHECK;
const char *vdm_sum_name(enum vdm_sum_kind kind); /* "sha1" */
size_t vdm_sum_bytes(enum vdm_sum_kind kind);

/* The algorithms, and a running sum of each. To be opened before a process gives up its rights. */
struct vdm_sums;
bool vdm_sums_open(struct vdm_sums **out, struct vdm_err *err) VDM_MUST_CHECK;
void vdm_sums_close(struct vdm_sums *s); /* NULL is fine */

/* One sum that is being made; `kind` of VDM_SUM_KINDS: none, and all calls do nothing. */
struct vdm_sum {
    enum vdm_sum_kind kind;
    void *ctx;
};
/* Without memory it becomes `none`. */
void vdm_sum_begin(struct vdm_sum *sum, const struct vdm_sums *s, enum vdm_sum_kind kind);
void vdm_sum_add(struct vdm_sum *sum, struct vdm_bytes data);
/* vdm_sum_bytes() bytes; false for none. Afterwards it is none. */
bool vdm_sum_end(struct vdm_sum *sum, uint8_t out[VDM_SUM_BYTES_MAX]);
void vdm_sum_release(struct vdm_sum *sum);

#endif
