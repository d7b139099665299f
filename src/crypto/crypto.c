/* SPDX-License-Identifier: MIT */
#include "crypto/crypto.h"

#include "base/text.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

struct vdm_hash {
    EVP_MD_CTX *ctx;
    crypto_hash_sha256_state plain;
    bool is_plain; /* this time libsodium does the work */
};

struct vdm_crypto {
    EVP_MD *sha256;
    struct vdm_hash once;
    /* Newer libsodiums check the equation with the cofactor. They accept an R of mixed order, which
     * the format refuses; then R needs a check of its own. */
    bool must_check_r;
};

/* After their beginning, OpenSSL's digest calls neither allocate nor fail. Should one fail all the same,
 * no answer may be given: a wrong digest would be a wrong verdict. */
static void must(int ok)
{
    if (ok != 1)
        abort();
}

/* OpenSSL 3 allocates for each digest. Where memory has run out, libsodium's slower one takes its
 * place: it needs none. */
static void hash_begin(struct vdm_hash *h)
{
    h->is_plain = EVP_DigestInit_ex2(h->ctx, NULL, NULL) != 1;
    if (h->is_plain)
        crypto_hash_sha256_init(&h->plain);
}

static bool hash_init(struct vdm_hash *h, struct vdm_crypto *c)
{
    h->ctx = EVP_MD_CTX_new();
    return h->ctx && EVP_DigestInit_ex2(h->ctx, c->sha256, NULL) == 1;
}

static const struct {
    const char *pubkey, *sig;
} known_good = {"ea4a6c63e29c520abef5507b132ec5f9954776aebebe7b92421eea691446d22c",
                "e13cd655a7bb1128ffd604899b71e6b73050b83a03d57d2473439ce77015933f"
                "a5d24c3a427b29f78582c97eb1632f4d3a3788708e503bcff98350fb6f8fd00b"},
  /* R = rB + a point of order 8: satisfies the equation only when multiplied by the cofactor. */
    mixed_order_r = {"a1ac3326b0a45947e32545700ea6e3881fc76891112f4cc09d62e073b60b6da6",
                     "5b522078dd8535e5e29a74fa42b26f451f9f562f56916f185846a1927c8be391"
                     "22cc11be4fd62bdc06b9cefc7e9d75133b62a5879a2b25adce4bf1c94906f901"};

static bool library_accepts(const char *pubkey_hex, const char *sig_hex)
{
    uint8_t key[32], sig[64];
    sodium_hex2bin(key, sizeof key, pubkey_hex, 64, NULL, NULL, NULL);
    sodium_hex2bin(sig, sizeof sig, sig_hex, 128, NULL, NULL, NULL);
    return crypto_sign_verify_detached(sig, (const uint8_t *)"vidimus", 7, key) == 0;
}

static bool self_test(struct vdm_crypto *c, struct vdm_err *err)
{
    char hex[65];
    vdm_digest_hex(vdm_sha256(c, VDM_LIT("abc")), hex);
    if (strcmp(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad") != 0)
        return vdm_fail(err, "self-test: SHA-256 gives a wrong answer");
    if (!library_accepts(known_good.pubkey, known_good.sig))
        return vdm_fail(err, "self-test: Ed25519 refuses a good signature");
    c->must_check_r = library_accepts(mixed_order_r.pubkey, mixed_order_r.sig);
    return true;
}

bool vdm_crypto_open(struct vdm_crypto **out, struct vdm_err *err)
{
    if (sodium_init() < 0)
        return vdm_fail(err, "libsodium does not start");
    struct vdm_crypto *c = calloc(1, sizeof *c);
    if (!c)
        return vdm_fail_memory(err);
    c->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    bool ok = c->sha256 && hash_init(&c->once, c);
    if (!ok)
        vdm_fail(err, "libcrypto gives no SHA-256");
    if (!ok || !self_test(c, err)) {
        vdm_crypto_close(c);
        return false;
    }
    *out = c;
    return true;
}

void vdm_crypto_close(struct vdm_crypto *c)
{
    if (!c)
        return;
    EVP_MD_CTX_free(c->once.ctx);
    EVP_MD_free(c->sha256);
    free(c);
}

void vdm_crypto_cleanup(struct vdm_crypto **c)
{
    vdm_crypto_close(*c);
    *c = NULL;
}

struct vdm_digest vdm_sha256(struct vdm_crypto *c, struct vdm_bytes data)
{
    return vdm_sha256_parts(c, &data, 1);
}

struct vdm_digest vdm_sha256_parts(struct vdm_crypto *c, const struct vdm_bytes *parts, size_t n)
{
    for (size_t i = 0; i < n; i++)
        vdm_hash_update(&c->once, parts[i]);
    return vdm_hash_end(&c->once);
}

bool vdm_hash_open(struct vdm_hash **out, struct vdm_crypto *c, struct vdm_err *err)
{
    struct vdm_hash *h = calloc(1, sizeof *h);
    if (!h || !hash_init(h, c)) {
        vdm_hash_close(h);
        return vdm_fail_memory(err);
    }
    *out = h;
    return true;
}

void vdm_hash_close(struct vdm_hash *h)
{
    if (!h)
        return;
    EVP_MD_CTX_free(h->ctx);
    free(h);
}

void vdm_hash_cleanup(struct vdm_hash **h)
{
    vdm_hash_close(*h);
    *h = NULL;
}

void vdm_hash_update(struct vdm_hash *h, struct vdm_bytes data)
{
    if (!h->is_plain)
        must(EVP_DigestUpdate(h->ctx, data.p, data.n));
    else if (data.n)
        crypto_hash_sha256_update(&h->plain, data.p, data.n);
}

struct vdm_digest vdm_hash_end(struct vdm_hash *h)
{
    struct vdm_digest d;
    if (h->is_plain)
        crypto_hash_sha256_final(&h->plain, d.b);
    else
        must(EVP_DigestFinal_ex(h->ctx, d.b, NULL));
    hash_begin(h);
    return d;
}

bool vdm_digest_equal(struct vdm_digest a, struct vdm_digest b)
{
    return memcmp(a.b, b.b, sizeof a.b) == 0;
}

struct vdm_bytes vdm_digest_bytes(const struct vdm_digest *d)
{
    return (struct vdm_bytes){d->b, sizeof d->b};
}

void vdm_digest_hex(struct vdm_digest d, char *out)
{
    vdm_hex_encode(d.b, sizeof d.b, out);
}

bool vdm_digest_from_hex(struct vdm_bytes hex, struct vdm_digest *out)
{
    return vdm_hex_decode(hex, out->b, sizeof out->b);
}

bool vdm_pubkey_valid(const struct vdm_pubkey *key)
{
    return crypto_core_ed25519_is_valid_point(key->b) == 1;
}

bool vdm_pubkey_equal(struct vdm_pubkey a, struct vdm_pubkey b)
{
    return memcmp(a.b, b.b, sizeof a.b) == 0;
}

bool vdm_signature_valid(struct vdm_crypto *c, const struct vdm_pubkey *key,
                         struct vdm_bytes message, const struct vdm_sig *sig)
{
    if (c->must_check_r && crypto_core_ed25519_is_valid_point(sig->b) != 1)
        return false;
    return crypto_sign_verify_detached(sig->b, message.p, message.n, key->b) == 0;
}

#define BASE64_PIECE ((size_t)256) /* characters; a multiple of four */

void vdm_base64_append(struct vdm_buf *out, struct vdm_bytes data)
{
    uint8_t *p = vdm_buf_grow(out, (data.n + 2) / 3 * 4 + 1);
    if (!p)
        return;
    (void)EVP_EncodeBlock(p, data.p, (int)data.n);
    out->n--; /* its NUL */
}

/* At most BASE64_PIECE characters. libcrypto passes over blanks and takes loose trailing bits: the one form is what
 * it makes itself of the bytes. */
static bool decode_piece(struct vdm_bytes text, uint8_t raw[BASE64_PIECE / 4 * 3], size_t *n)
{
    uint8_t again[BASE64_PIECE + 1];
    size_t padding = 0;
    while (padding < 2 && text.p[text.n - 1 - padding] == '=')
        padding++;
    if (EVP_DecodeBlock(raw, text.p, (int)text.n) != (int)(text.n / 4 * 3))
        return false;
    *n = text.n / 4 * 3 - padding;
    return EVP_EncodeBlock(again, raw, (int)*n) == (int)text.n &&
           memcmp(again, text.p, text.n) == 0;
}

bool vdm_base64_decode(struct vdm_bytes text, uint8_t *out, size_t cap, size_t *n)
{
    uint8_t raw[BASE64_PIECE / 4 * 3];
    *n = 0;
    if (text.n % 4 != 0)
        return false;
    for (size_t at = 0, k; at < text.n; at += BASE64_PIECE) {
        struct vdm_bytes piece = vdm_bytes_skip(text, at);
        bool last = piece.n <= BASE64_PIECE;
        piece.n = last ? piece.n : BASE64_PIECE;
        if (!decode_piece(piece, raw, &k) || (!last && k < sizeof raw) || (out && cap - *n < k)) {
            *n = 0;
            return false;
        }
        if (out)
            memcpy(out + *n, raw, k);
        *n += k;
    }
    return true;
}

bool vdm_base64_valid(struct vdm_bytes text)
{
    size_t n;
    return vdm_base64_decode(text, NULL, 0, &n);
}

bool vdm_digest_from_base64(struct vdm_bytes text, struct vdm_digest *out)
{
    struct vdm_digest d;
    size_t n = 0;
    if (!vdm_base64_decode(text, d.b, sizeof d.b, &n) || n != sizeof d.b)
        return false;
    *out = d;
    return true;
}

void vdm_random(uint8_t *p, size_t n)
{
    randombytes_buf(p, n);
}

static bool cpu_has_sha(void)
{
#if defined(__x86_64__)
    unsigned a, b, c, d;
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b >> 29 & 1);
#else
    return false;
#endif
}

void vdm_crypto_describe(struct vdm_buf *out)
{
    vdm_buf_putf(out, "libsodium %s, OpenSSL %s (SHA instructions: %s)", sodium_version_string(),
                 OpenSSL_version(OPENSSL_VERSION_STRING), cpu_has_sha() ? "yes" : "not seen");
}
