/* SPDX-License-Identifier: MIT */
/* The one rule for valid signatures, over tables of odd ones. A table is a list of cases in JSON;
 * keys and signatures stand in hex. */
#include "base/text.h"
#include "crypto/crypto.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static int set_up(void **state)
{
    struct vdm_crypto *c = NULL;
    struct vdm_err err;
    if (!vdm_crypto_open(&c, &err))
        return -1;
    *state = c;
    return 0;
}

static int tear_down(void **state)
{
    vdm_crypto_close(*state);
    return 0;
}

/* The whole rule: what does not have the length of a key or signature is none. */
static bool accepts(struct vdm_crypto *c, const char *key_hex, struct vdm_bytes message,
                    const char *sig_hex)
{
    struct vdm_pubkey key;
    struct vdm_sig sig;
    return vdm_hex_decode(vdm_str(key_hex), key.b, sizeof key.b) &&
           vdm_hex_decode(vdm_str(sig_hex), sig.b, sizeof sig.b) && vdm_pubkey_valid(&key) &&
           vdm_signature_valid(c, &key, message, &sig);
}

static void from_hex(const char *hex, struct vdm_buf *out)
{
    size_t n = strlen(hex) / 2;
    uint8_t *p = vdm_buf_grow(out, n);
    assert_non_null(p);
    assert_true(vdm_hex_decode(vdm_str(hex), p, n));
}

static json_t *load(const char *path)
{
    json_error_t error;
    json_t *j = json_load_file(path, 0, &error);
    if (!j)
        fail_msg("%s: line %d: %s", path, error.line, error.text);
    return j;
}

static const char *text_of(const json_t *object, const char *key)
{
    const char *s = json_string_value(json_object_get(object, key));
    assert_non_null(s);
    return s;
}

/* The path of a table outside this tree; skips where it is not at hand. */
static void shared_path(char *path, size_t cap, const char *name)
{
    const char *root = getenv("VIDIMUS_SHARED");
    snprintf(path, cap, "%s/vectors/ed25519/%s", root ? root : VDM_SOURCE_DIR "/../shared", name);
    if (access(path, R_OK) != 0)
        skip();
}

/* Edge cases of C2SP/CCTV: the messages are plain text there. */
static void test_cctv_exactly_one(void **state)
{
    char path[4096];
    shared_path(path, sizeof path, "cctv-ed25519vectors.json");
    json_t *table = load(path), *one;
    size_t i, taken = 0;
    assert_int_equal(json_array_size(table), 914);
    json_array_foreach(table, i,
                       one) if (accepts(*state, text_of(one, "key"), vdm_str(text_of(one, "msg")),
                                        text_of(one, "sig")))
    {
        taken++;
        assert_int_equal(json_integer_value(json_object_get(one, "number")), 305);
    }
    assert_int_equal(taken, 1);
    json_decref(table);
}

static void test_wycheproof_exactly_the_valid(void **state)
{
    char path[4096];
    shared_path(path, sizeof path, "wycheproof-ed25519_test.json");
    json_t *table = load(path), *group, *one;
    size_t i, j, seen = 0;
    json_array_foreach(json_object_get(table, "testGroups"), i, group)
    {
        const char *key = text_of(json_object_get(group, "publicKey"), "pk");
        json_array_foreach(json_object_get(group, "tests"), j, one)
        {
            struct vdm_buf message VDM_CLEANUP(vdm_buf_release) = {0};
            from_hex(text_of(one, "msg"), &message);
            bool valid = strcmp(text_of(one, "result"), "valid") == 0;
            if (accepts(*state, key, vdm_buf_bytes(&message), text_of(one, "sig")) != valid)
                fail_msg("case %d", (int)json_integer_value(json_object_get(one, "tcId")));
            seen++;
        }
    }
    assert_int_equal(seen, 151);
    json_decref(table);
}

static void test_our_own_table(void **state)
{
    json_t *table = load(VDM_SOURCE_DIR "/tests/vectors/ed25519.json"), *one;
    size_t i, valid = 0;
    json_array_foreach(table, i, one)
    {
        struct vdm_buf message VDM_CLEANUP(vdm_buf_release) = {0};
        from_hex(text_of(one, "message"), &message);
        bool want = json_is_true(json_object_get(one, "valid"));
        if (accepts(*state, text_of(one, "public_key"), vdm_buf_bytes(&message),
                    text_of(one, "signature")) != want)
            fail_msg("%s: %s", text_of(one, "name"), want ? "refused" : "taken");
        valid += want;
    }
    assert_true(valid > 0 && valid < json_array_size(table));
    json_decref(table);
}

/* --- cases made here --- */

#define KEY   "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
#define SIG_R "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
#define SIG_S "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"

static void test_every_bit_counts(void **state)
{
    struct vdm_pubkey key;
    struct vdm_sig sig;
    struct vdm_bytes none = VDM_LIT("");
    assert_true(vdm_hex_decode(VDM_LIT(KEY), key.b, 32));
    assert_true(vdm_hex_decode(VDM_LIT(SIG_R SIG_S), sig.b, 64));
    assert_true(vdm_signature_valid(*state, &key, none, &sig));
    for (size_t bit = 0; bit < 512; bit++) {
        struct vdm_sig other = sig;
        other.b[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_false(vdm_signature_valid(*state, &key, none, &other));
    }
    for (size_t bit = 0; bit < 256; bit++) {
        struct vdm_pubkey other = key;
        other.b[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_false(vdm_pubkey_valid(&other) && vdm_signature_valid(*state, &other, none, &sig));
    }
}

/* S plus the group order satisfies the same equation. */
static void test_s_is_below_the_group_order(void **state)
{
    static const uint8_t order[32] = {0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58,
                                      0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
                                      0,    0,    0,    0,    0,    0,    0,    0,
                                      0,    0,    0,    0,    0,    0,    0,    0x10};
    struct vdm_pubkey key;
    struct vdm_sig sig;
    assert_true(vdm_hex_decode(VDM_LIT(KEY), key.b, 32));
    assert_true(vdm_hex_decode(VDM_LIT(SIG_R SIG_S), sig.b, 64));
    for (int times = 1; times <= 8; times++) {
        unsigned carry = 0;
        for (size_t i = 0; i < 32; i++) {
            carry += (unsigned)sig.b[32 + i] + order[i];
            sig.b[32 + i] = (uint8_t)carry;
            carry >>= 8;
        }
        assert_false(vdm_signature_valid(*state, &key, VDM_LIT(""), &sig));
    }
}

/* Points of small order, not canonical encodings, and what is no point at all. */
static void test_keys_that_are_none(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000080",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "0200000000000000000000000000000000000000000000000000000000000000",
        /* prime order plus a point of order 2, 4 or 8: mixed order */
        "cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d",
        "6f9b5cca9f2a1b1a5b0e0d3ad2c0ee9cfd9f7e9b1a9e2ec4b8a9f1e7c2d3e4f5",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct vdm_pubkey key;
        assert_true(vdm_hex_decode(vdm_str(bad[i]), key.b, 32));
        if (vdm_pubkey_valid(&key))
            fail_msg("taken: %s", bad[i]);
    }
    struct vdm_pubkey good, other;
    assert_true(vdm_hex_decode(VDM_LIT(KEY), good.b, 32));
    assert_true(vdm_pubkey_valid(&good));
    other = good;
    assert_true(vdm_pubkey_equal(good, other));
    other.b[31] ^= 0x80;
    assert_false(vdm_pubkey_equal(good, other));
}

/* Satisfies the equation only when it is multiplied by the cofactor. */
static void test_no_cofactor(void **state)
{
    assert_false(accepts(*state, "a1ac3326b0a45947e32545700ea6e3881fc76891112f4cc09d62e073b60b6da6",
                         VDM_LIT("vidimus"),
                         "5b522078dd8535e5e29a74fa42b26f451f9f562f56916f185846a1927c8be391"
                         "22cc11be4fd62bdc06b9cefc7e9d75133b62a5879a2b25adce4bf1c94906f901"));
    assert_true(accepts(*state, "ea4a6c63e29c520abef5507b132ec5f9954776aebebe7b92421eea691446d22c",
                        VDM_LIT("vidimus"),
                        "e13cd655a7bb1128ffd604899b71e6b73050b83a03d57d2473439ce77015933f"
                        "a5d24c3a427b29f78582c97eb1632f4d3a3788708e503bcff98350fb6f8fd00b"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cctv_exactly_one),
        cmocka_unit_test(test_wycheproof_exactly_the_valid),
        cmocka_unit_test(test_our_own_table),
        cmocka_unit_test(test_every_bit_counts),
        cmocka_unit_test(test_s_is_below_the_group_order),
        cmocka_unit_test(test_keys_that_are_none),
        cmocka_unit_test(test_no_cofactor),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
