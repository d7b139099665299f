/* SPDX-License-Identifier: MIT */
#include "crypto/sign.h"

#include "base/limits.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct vdm_signing_key {
    uint8_t *secret; /* sodium_malloc'ed: seed and public key, as libsodium keeps them */
    struct vdm_pubkey public_key;
};

/* Guarded memory that a child process does not get: workers, which read strangers' bytes, start as
 * copies of us. The pages are the secret's own: libsodium gives it some of its own, between guards. */
static uint8_t *guarded(size_t n)
{
    uint8_t *p = sodium_malloc(n);
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), start = (uintptr_t)p & ~(page - 1);
    uintptr_t end = ((uintptr_t)p + n + page - 1) & ~(page - 1);
    if (p && madvise(p - ((uintptr_t)p - start), end - start, MADV_DONTFORK) != 0) {
        sodium_free(p);
        return NULL;
    }
    return p;
}

bool vdm_secret_open(struct vdm_secret *s, size_t cap, struct vdm_err *err)
{
    if (sodium_init() < 0)
        return vdm_fail(err, "libsodium does not start");
    uint8_t *p = guarded(cap);
    if (!p)
        return vdm_fail(err, "no guarded memory for a secret");
    *s = (struct vdm_secret){.p = p, .cap = cap};
    return true;
}

void vdm_secret_release(struct vdm_secret *s)
{
    sodium_free(s->p); /* wipes it first; NULL is fine */
    *s = (struct vdm_secret){0};
}

bool vdm_secret_from_base64(struct vdm_secret *s, struct vdm_bytes text)
{
    const char *end = NULL;
    /* libsodium takes no other ASCII, no line breaks and no loose trailing bits; but to some of its
     * versions every byte from 0x80 on is a `/`. */
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] >= 0x80)
            return false;
    return text.n % 4 == 0 &&
           sodium_base642bin(s->p, s->cap, (const char *)text.p, text.n, NULL, &s->n, &end,
                             sodium_base64_VARIANT_ORIGINAL) == 0 &&
           end == (const char *)text.p + text.n;
}

void vdm_secret_append_base64(const struct vdm_secret *s, struct vdm_buf *out)
{
    size_t room = sodium_base64_ENCODED_LEN(s->n, sodium_base64_VARIANT_ORIGINAL);
    uint8_t *p = vdm_buf_grow(out, room);
    if (!p)
        return;
    sodium_bin2base64((char *)p, room, s->p, s->n, sodium_base64_VARIANT_ORIGINAL);
    out->n--; /* its NUL */
}

static bool key_open(struct vdm_signing_key **out, const uint8_t *seed, struct vdm_err *err)
{
    if (sodium_init() < 0)
        return vdm_fail(err, "libsodium does not start");
    struct vdm_signing_key *k = calloc(1, sizeof *k);
    if (!k || !(k->secret = guarded(crypto_sign_SECRETKEYBYTES))) {
        free(k);
        return vdm_fail(err, "no guarded memory for a key");
    }
    if (seed)
        crypto_sign_seed_keypair(k->public_key.b, k->secret, seed);
    else
        crypto_sign_keypair(k->public_key.b, k->secret);
    sodium_mprotect_readonly(k->secret);
    *out = k;
    return true;
}

bool vdm_signing_key_generate(struct vdm_signing_key **out, struct vdm_err *err)
{
    return key_open(out, NULL, err);
}

bool vdm_signing_key_from_seed(struct vdm_signing_key **out, const struct vdm_secret *seed,
                               struct vdm_err *err)
{
    if (seed->n != crypto_sign_SEEDBYTES)
        return vdm_fail_as(err, VDM_ERR_MALFORMED, "a key seed has %d bytes, not %zu",
                           crypto_sign_SEEDBYTES, seed->n);
    return key_open(out, seed->p, err);
}

void vdm_signing_key_close(struct vdm_signing_key *k)
{
    if (!k)
        return;
    sodium_free(k->secret);
    free(k);
}

struct vdm_pubkey vdm_signing_key_public(const struct vdm_signing_key *k)
{
    return k->public_key;
}

bool vdm_signing_key_seed(const struct vdm_signing_key *k, struct vdm_secret *out,
                          struct vdm_err *err)
{
    if (out->cap - out->n < crypto_sign_SEEDBYTES)
        return vdm_fail(err, "no room for a key seed");
    crypto_sign_ed25519_sk_to_seed(out->p + out->n, k->secret);
    out->n += crypto_sign_SEEDBYTES;
    return true;
}

struct vdm_sig vdm_sign(const struct vdm_signing_key *k, struct vdm_bytes message)
{
    struct vdm_sig sig;
    crypto_sign_detached(sig.b, NULL, message.p, message.n, k->secret);
    return sig;
}

void vdm_kdf_choose(struct vdm_kdf *kdf)
{
    kdf->ops = crypto_pwhash_argon2id_OPSLIMIT_MODERATE;
    kdf->memory_bytes = crypto_pwhash_argon2id_MEMLIMIT_MODERATE;
    randombytes_buf(kdf->salt, sizeof kdf->salt);
}

static bool derive(const struct vdm_kdf *kdf, const struct vdm_secret *passphrase,
                   struct vdm_secret *key, struct vdm_err *err)
{
    if (kdf->ops < crypto_pwhash_argon2id_OPSLIMIT_MIN || kdf->ops > VDM_KDF_OPS_MAX ||
        kdf->memory_bytes < crypto_pwhash_argon2id_MEMLIMIT_MIN ||
        kdf->memory_bytes > VDM_KDF_MEMORY_MAX)
        return vdm_fail_as(err, VDM_ERR_MALFORMED, "the key file asks for too much work or memory");
    if (!vdm_secret_open(key, crypto_aead_xchacha20poly1305_ietf_KEYBYTES, err))
        return false;
    if (crypto_pwhash(key->p, key->cap, (const char *)passphrase->p, passphrase->n, kdf->salt,
                      kdf->ops, (size_t)kdf->memory_bytes, crypto_pwhash_ALG_ARGON2ID13) != 0)
        return vdm_fail(err, "unlocking the key takes %llu MiB of memory, which is not there",
                        (unsigned long long)(kdf->memory_bytes >> 20));
    key->n = key->cap;
    return true;
}

bool vdm_seal(const struct vdm_kdf *kdf, const struct vdm_secret *passphrase,
              const uint8_t nonce[VDM_SEAL_NONCE], struct vdm_bytes associated,
              const struct vdm_secret *plain, struct vdm_buf *sealed, struct vdm_err *err)
{
    struct vdm_secret key VDM_CLEANUP(vdm_secret_release) = {0};
    if (!derive(kdf, passphrase, &key, err))
        return false;
    uint8_t *p = vdm_buf_grow(sealed, plain->n + VDM_SEAL_EXTRA);
    if (!p)
        return vdm_fail_memory(err);
    crypto_aead_xchacha20poly1305_ietf_encrypt(p, NULL, plain->p, plain->n, associated.p,
                                               associated.n, NULL, nonce, key.p);
    return true;
}

bool vdm_unseal(const struct vdm_kdf *kdf, const struct vdm_secret *passphrase,
                const uint8_t nonce[VDM_SEAL_NONCE], struct vdm_bytes associated,
                struct vdm_bytes sealed, struct vdm_secret *plain, bool *right, struct vdm_err *err)
{
    if (sealed.n < VDM_SEAL_EXTRA || sealed.n - VDM_SEAL_EXTRA > plain->cap)
        return vdm_fail_as(err, VDM_ERR_MALFORMED, "the sealed key has a wrong length");
    struct vdm_secret key VDM_CLEANUP(vdm_secret_release) = {0};
    if (!derive(kdf, passphrase, &key, err))
        return false;
    *right =
        crypto_aead_xchacha20poly1305_ietf_decrypt(plain->p, NULL, NULL, sealed.p, sealed.n,
                                                   associated.p, associated.n, nonce, key.p) == 0;
    plain->n = *right ? sealed.n - VDM_SEAL_EXTRA : 0;
    return true;
}
