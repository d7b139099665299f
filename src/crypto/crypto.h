/* SPDX-License-Identifier: MIT */
/* The primitives: SHA-256 (libcrypto, because it uses the CPU's SHA instructions) and the check of
 * Ed25519 signatures (libsodium). Signing is in crypto/sign.h, a library of its own.
 *
 * One `struct vdm_crypto` a thread: it holds the fetched algorithm and a context that is reused,
 * which makes small hashes three times as fast as one-shot calls. */
#ifndef VDM_CRYPTO_CRYPTO_H
#define VDM_CRYPTO_CRYPTO_H

#include "base/buf.h"

struct vdm_digest { /* SHA-256 */
    uint8_t b[32];
};
struct vdm_pubkey { /* Ed25519 */
    uint8_t b[32];
};
struct vdm_sig {
    uint8_t b[64];
};

struct vdm_crypto;

/* Sets up the libraries and runs known-answer tests; fails if a library answers wrong. */
bool vdm_crypto_open(struct vdm_crypto **out, struct vdm_err *err) VDM_MUST_CHECK;
void vdm_crypto_close(struct vdm_crypto *c);    /* NULL is fine */
void vdm_crypto_cleanup(struct vdm_crypto **c); /* for VDM_CLEANUP */

/* SHA-256 of one piece, or of several one after another. Cannot fail once c is open. */
struct vdm_digest vdm_sha256(struct vdm_crypto *c, struct vdm_bytes data);
struct vdm_digest vdm_sha256_parts(struct vdm_crypto *c, const struct vdm_bytes *parts, size_t n);

/* A running SHA-256 of its own, for streams. end() gives the digest and starts afresh. */
struct vdm_hash;
bool vdm_hash_open(struct vdm_hash **out, struct vdm_crypto *c, struct vdm_err *err) VDM_MUST_CHECK;
void vdm_hash_close(struct vdm_hash *h);    /* NULL is fine */
void vdm_hash_cleanup(struct vdm_hash **h); /* for VDM_CLEANUP */
void vdm_hash_update(struct vdm_hash *h, struct vdm_bytes data);
struct vdm_digest vdm_hash_end(struct vdm_hash *h);

bool vdm_digest_equal(struct vdm_digest a, struct vdm_digest b);
struct vdm_bytes vdm_digest_bytes(const struct vdm_digest *d);
/* 64 lower-case hex digits; `out` takes 65 bytes. */
void vdm_digest_hex(struct vdm_digest d, char *out);
bool vdm_digest_from_hex(struct vdm_bytes hex, struct vdm_digest *out) VDM_MUST_CHECK;

/* Is this the canonical encoding of a point of prime order? The first half of the rule for valid
 * signatures (docs/FORMATS.md, "Signatures"), asked once a key: a key that fails is malformed. */
bool vdm_pubkey_valid(const struct vdm_pubkey *key);
bool vdm_pubkey_equal(struct vdm_pubkey a, struct vdm_pubkey b);
/* The strict rule. `key` must have passed vdm_pubkey_valid. */
bool vdm_signature_valid(struct vdm_crypto *c, const struct vdm_pubkey *key,
                         struct vdm_bytes message, const struct vdm_sig *sig);

/* Standard base64 with padding; decoding takes the one canonical form only, and at most `cap`
 * bytes, or for `out` NULL none; else *n is 0. Not for secrets (crypto/sign.h). */
void vdm_base64_append(struct vdm_buf *out, struct vdm_bytes data);
bool vdm_base64_decode(struct vdm_bytes text, uint8_t *out, size_t cap, size_t *n) VDM_MUST_CHECK;
/* Would it be decoded? Of any length, without memory for the answer. */
bool vdm_base64_valid(struct vdm_bytes text) VDM_MUST_CHECK;
/* Exactly 32 bytes. */
bool vdm_digest_from_base64(struct vdm_bytes text, struct vdm_digest *out) VDM_MUST_CHECK;

void vdm_random(uint8_t *p, size_t n);

/* Names and versions of the libraries and whether SHA instructions are in use, for --version. */
void vdm_crypto_describe(struct vdm_buf *out);

#endif
