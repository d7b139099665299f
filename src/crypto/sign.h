/* SPDX-License-Identifier: MIT */
/* Secrets: signing keys and passphrases, only ever in guarded memory (locked, not dumped, not passed on to
 * child processes, wiped).
 * A library of its own (vdm_signing): a program that only verifies links without it. */
#ifndef VDM_CRYPTO_SIGN_H
#define VDM_CRYPTO_SIGN_H

#include "crypto/crypto.h"

/* Guarded bytes with a fixed capacity. There is no function that copies one. */
struct vdm_secret {
    uint8_t *p; /* sodium_malloc'ed */
    size_t n;   /* in use */
    size_t cap;
};
bool vdm_secret_open(struct vdm_secret *s, size_t cap, struct vdm_err *err) VDM_MUST_CHECK;
void vdm_secret_release(struct vdm_secret *s); /* wipes; a zeroed one is fine */
/* As vdm_base64_decode and vdm_base64_append, in a time that tells nothing of the secret. */
bool vdm_secret_from_base64(struct vdm_secret *s, struct vdm_bytes text) VDM_MUST_CHECK;
void vdm_secret_append_base64(const struct vdm_secret *s, struct vdm_buf *out);

/* An Ed25519 key pair. Made from a 32-byte seed. */
struct vdm_signing_key;
bool vdm_signing_key_generate(struct vdm_signing_key **out, struct vdm_err *err) VDM_MUST_CHECK;
bool vdm_signing_key_from_seed(struct vdm_signing_key **out, const struct vdm_secret *seed,
                               struct vdm_err *err) VDM_MUST_CHECK;
void vdm_signing_key_close(struct vdm_signing_key *k); /* wipes; NULL is fine */
struct vdm_pubkey vdm_signing_key_public(const struct vdm_signing_key *k);
/* The 32-byte seed appended to `out`, which must have the room. */
bool vdm_signing_key_seed(const struct vdm_signing_key *k, struct vdm_secret *out,
                          struct vdm_err *err) VDM_MUST_CHECK;
struct vdm_sig vdm_sign(const struct vdm_signing_key *k, struct vdm_bytes message);

/* Sealing under a passphrase: Argon2id gives the key, XChaCha20-Poly1305 seals `plain` and vouches
 * for `associated` as well. */
struct vdm_kdf {
    uint64_t ops;
    uint64_t memory_bytes;
    uint8_t salt[16];
};
#define VDM_SEAL_NONCE 24
#define VDM_SEAL_EXTRA 16 /* bytes that sealing adds */

/* Parameters for new key files: a second or so, 256 MiB; fresh salt. */
void vdm_kdf_choose(struct vdm_kdf *kdf);
bool vdm_seal(const struct vdm_kdf *kdf, const struct vdm_secret *passphrase,
              const uint8_t nonce[VDM_SEAL_NONCE], struct vdm_bytes associated,
              const struct vdm_secret *plain, struct vdm_buf *sealed,
              struct vdm_err *err) VDM_MUST_CHECK;
/* *right is false where the passphrase (or the file) is wrong: those cannot be told apart. `plain`
 * must have the room. */
bool vdm_unseal(const struct vdm_kdf *kdf, const struct vdm_secret *passphrase,
                const uint8_t nonce[VDM_SEAL_NONCE], struct vdm_bytes associated,
                struct vdm_bytes sealed, struct vdm_secret *plain, bool *right,
                struct vdm_err *err) VDM_MUST_CHECK;

#endif
