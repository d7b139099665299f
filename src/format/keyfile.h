/* SPDX-License-Identifier: MIT */
/* The text of a key file that a passphrase protects (docs/FORMATS.md, "Key files"). Nothing secret
 * is in the clear here; crypto/sign.h opens what is sealed. */
#ifndef VDM_FORMAT_KEYFILE_H
#define VDM_FORMAT_KEYFILE_H

#include "format/vkey.h"

struct vdm_keyfile {
    uint64_t kdf_ops;
    uint64_t kdf_memory_bytes;
    uint8_t salt[16];
    uint8_t nonce[24];
    struct vdm_vkey public_key;
    uint8_t sealed[32 + 16]; /* the seed, sealed */
};

/* The key is one of ours: Ed25519, with a name of ours. */
bool vdm_keyfile_decode(struct vdm_crypto *c, struct vdm_bytes text, struct vdm_keyfile *out,
                        struct vdm_err *err) VDM_MUST_CHECK;
void vdm_keyfile_append(struct vdm_buf *out, const struct vdm_keyfile *k);
/* The lines before `sealed`: what the seal vouches for as well. */
void vdm_keyfile_append_associated(struct vdm_buf *out, const struct vdm_keyfile *k);

#endif
