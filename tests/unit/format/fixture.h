/* SPDX-License-Identifier: MIT */
/* What the tests of this folder share: keys from small numbers, signed notes, and an attacker that
 * changes a good text byte by byte. */
#ifndef VDM_TESTS_FORMAT_FIXTURE_H
#define VDM_TESTS_FORMAT_FIXTURE_H

#include "base/text.h"
#include "crypto/sign.h"
#include "format/note.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ORIGIN "archive.example.net/statements"

static inline int crypto_set_up(void **state)
{
    struct vdm_crypto *c = NULL;
    struct vdm_err err;
    if (!vdm_crypto_open(&c, &err))
        return -1;
    *state = c;
    return 0;
}

static inline int crypto_tear_down(void **state)
{
    vdm_crypto_close(*state);
    return 0;
}

struct signer {
    struct vdm_vkey vkey;
    struct vdm_signing_key *key;
};

static inline void signer_close(struct signer *s)
{
    vdm_signing_key_close(s->key);
}

/* The key whose seed is 32 times this byte. */
static inline struct signer signer_open(struct vdm_crypto *c, const char *name, uint8_t seed_byte)
{
    struct signer s = {.key = NULL};
    struct vdm_secret seed VDM_CLEANUP(vdm_secret_release) = {0};
    struct vdm_err err;
    assert_true(vdm_secret_open(&seed, 32, &err));
    memset(seed.p, seed_byte, 32);
    seed.n = 32;
    assert_true(vdm_signing_key_from_seed(&s.key, &seed, &err));
    struct vdm_pubkey public_key = vdm_signing_key_public(s.key);
    assert_true(vdm_vkey_make(c, vdm_str(name), &public_key, &s.vkey, &err));
    return s;
}

static inline void put_signature(struct vdm_buf *out, struct vdm_bytes text, const struct signer *s)
{
    struct vdm_sig sig = vdm_sign(s->key, text);
    vdm_note_put_signature(out, vdm_str(s->vkey.name), s->vkey.id, &sig);
}

/* A whole note with one signature. */
static inline void sign_note(struct vdm_buf *out, struct vdm_bytes text, const struct signer *s)
{
    vdm_buf_put(out, text);
    vdm_buf_putc(out, '\n');
    put_signature(out, text, s);
}

/* `text` with the first `from` in it replaced by `to`. */
static inline void replaced(struct vdm_buf *out, struct vdm_bytes text, struct vdm_bytes from,
                            struct vdm_bytes to)
{
    const uint8_t *at = memmem(text.p, text.n, from.p, from.n);
    assert_non_null(at);
    size_t before = (size_t)(at - text.p);
    vdm_buf_clear(out);
    vdm_buf_put(out, (struct vdm_bytes){text.p, before});
    vdm_buf_put(out, to);
    vdm_buf_put(out, vdm_bytes_skip(text, before + from.n));
}

/* A decoder last compares what it understood with what it read. That is for our own slips: whatever
 * is wrong with a text, a rule has refused it before. */
static inline bool refused_by_a_rule(const struct vdm_err *err)
{
    assert_int_equal(err->kind, VDM_ERR_MALFORMED);
    assert_null(strstr(err->text, "not in its one form"));
    return false;
}

/* Decodes `text`; if it is taken, writes again what was understood and returns true. */
typedef bool roundtrip_fn(void *ctx, struct vdm_bytes text, struct vdm_buf *again);

/* On memory of exactly its length, so that a sanitizer sees a step too far. Returns whether it was
 * taken; what is taken must come out as it went in. */
static inline bool roundtrip(struct vdm_bytes text, roundtrip_fn *f, void *ctx)
{
    struct vdm_buf again VDM_CLEANUP(vdm_buf_release) = {0};
    uint8_t *exact = malloc(text.n ? text.n : 1);
    assert_non_null(exact);
    if (text.n)
        memcpy(exact, text.p, text.n);
    bool taken = f(ctx, (struct vdm_bytes){exact, text.n}, &again);
    if (taken)
        assert_true(vdm_bytes_equal(vdm_buf_bytes(&again), text));
    free(exact);
    return taken;
}

/* Every line of a good text taken out, and doubled. */
static inline void attack_lines(struct vdm_bytes good, roundtrip_fn *f, void *ctx)
{
    struct vdm_buf bad VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_bytes rest = good, line;
    while (vdm_cut_line(&rest, &line)) {
        struct vdm_bytes before = {good.p, (size_t)(line.p - good.p)};
        vdm_buf_clear(&bad);
        vdm_buf_put(&bad, before);
        vdm_buf_put(&bad, rest);
        roundtrip(vdm_buf_bytes(&bad), f, ctx);
        vdm_buf_clear(&bad);
        vdm_buf_put(&bad, (struct vdm_bytes){good.p, good.n - rest.n});
        vdm_buf_put(&bad, vdm_bytes_skip(good, before.n));
        roundtrip(vdm_buf_bytes(&bad), f, ctx);
    }
}

/* Every byte of a good text flipped in several ways, deleted, doubled, others put before it; the
 * text cut off at every length; and its lines. */
static inline void attack(struct vdm_bytes good, roundtrip_fn *f, void *ctx)
{
    static const uint8_t others[] = {0, '\n', ' ', '0', '\\', 0xC3};
    static const uint8_t flips[] = {0x01, 0x02, 0x10, 0x20, 0x80};
    struct vdm_buf bad VDM_CLEANUP(vdm_buf_release) = {0};
    assert_true(roundtrip(good, f, ctx));
    attack_lines(good, f, ctx);
    for (size_t i = 0; i < good.n; i++) {
        struct vdm_bytes before = {good.p, i}, after = vdm_bytes_skip(good, i + 1);
        roundtrip(before, f, ctx);
        vdm_buf_clear(&bad);
        vdm_buf_put(&bad, before);
        vdm_buf_put(&bad, after);
        roundtrip(vdm_buf_bytes(&bad), f, ctx);
        for (size_t k = 0; k < sizeof flips; k++) {
            vdm_buf_clear(&bad);
            vdm_buf_put(&bad, good);
            bad.p[i] ^= flips[k];
            roundtrip(vdm_buf_bytes(&bad), f, ctx);
        }
        for (size_t k = 0; k <= sizeof others; k++) {
            vdm_buf_clear(&bad);
            vdm_buf_put(&bad, before);
            vdm_buf_putc(&bad, (char)(k < sizeof others ? others[k] : good.p[i]));
            vdm_buf_put(&bad, vdm_bytes_skip(good, i));
            roundtrip(vdm_buf_bytes(&bad), f, ctx);
        }
    }
}

#endif
