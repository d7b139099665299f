/* SPDX-License-Identifier: MIT */
/* Names, key ids and public keys as text: vkey `name+hash+base64` (C2SP signed-note). */
#ifndef VDM_FORMAT_VKEY_H
#define VDM_FORMAT_VKEY_H

#include "crypto/crypto.h"

/* Signature types of signed notes that we know. */
enum vdm_key_type {
    VDM_KEY_ED25519 = 1,
    VDM_KEY_COSIGNATURE = 4, /* cosignature/v1: what witnesses sign with */
};

#define VDM_VKEY_NAME_MAX 255 /* other people's names may be longer than ours */

struct vdm_vkey {
    char name[VDM_VKEY_NAME_MAX + 1];
    uint32_t id;
    enum vdm_key_type type;
    struct vdm_pubkey key; /* always a valid point: decoding refuses others */
};

/* Names of ours: 1 to 64 of A-Z a-z 0-9 . _ @ / - */
bool vdm_name_valid(struct vdm_bytes name);
/* ... and for a ledger's own name: not `vidimus/...`, not `cosignature/...`. */
bool vdm_origin_valid(struct vdm_bytes name);
/* What the note format allows: UTF-8, not empty, no space (of Unicode), no `+`, no byte below
 * 0x20. */
bool vdm_note_name_valid(struct vdm_bytes name);

uint32_t vdm_key_id(struct vdm_crypto *c, struct vdm_bytes name, enum vdm_key_type type,
                    const struct vdm_pubkey *key);
/* A key of ours (type Ed25519) from its parts. */
bool vdm_vkey_make(struct vdm_crypto *c, struct vdm_bytes name, const struct vdm_pubkey *key,
                   struct vdm_vkey *out, struct vdm_err *err) VDM_MUST_CHECK;

/* One vkey without line end; type 1 or 4. */
bool vdm_vkey_decode(struct vdm_crypto *c, struct vdm_bytes text, struct vdm_vkey *out,
                     struct vdm_err *err) VDM_MUST_CHECK;
void vdm_vkey_append(struct vdm_buf *out, const struct vdm_vkey *k);
/* Ed25519 and with a name of ours: what entries and key files hold. */
bool vdm_vkey_is_ours(const struct vdm_vkey *k);
bool vdm_vkey_equal(const struct vdm_vkey *a, const struct vdm_vkey *b);

/* `name+<8 hex digits>`: how entries name their signer. */
bool vdm_signer_decode(struct vdm_bytes text, struct vdm_bytes *name, uint32_t *id) VDM_MUST_CHECK;
void vdm_signer_append(struct vdm_buf *out, struct vdm_bytes name, uint32_t id);

/* Short form to read out over the telephone: the first 8 bytes of the SHA-256 of the raw public key
 * as `7f3a 91c2 0b4d 5e6f`. `out` takes 20 bytes. */
void vdm_fingerprint(struct vdm_crypto *c, const struct vdm_pubkey *key, char *out);

#endif
