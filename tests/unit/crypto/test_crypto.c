/* SPDX-License-Identifier: MIT */
#include "crypto/crypto.h"

#include "base/text.h"

#include <openssl/evp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Out of memory, for OpenSSL: the linker puts this in the place of its call. */
static bool no_memory;
int __real_EVP_DigestInit_ex2(EVP_MD_CTX *ctx, const EVP_MD *type, const OSSL_PARAM params[]);
int __wrap_EVP_DigestInit_ex2(EVP_MD_CTX *ctx, const EVP_MD *type, const OSSL_PARAM params[]);

int __wrap_EVP_DigestInit_ex2(EVP_MD_CTX *ctx, const EVP_MD *type, const OSSL_PARAM params[])
{
    return no_memory ? 0 : __real_EVP_DigestInit_ex2(ctx, type, params);
}

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

static void check_digest(struct vdm_digest d, const char *hex)
{
    char text[65];
    vdm_digest_hex(d, text);
    assert_string_equal(text, hex);
}

/* FIPS 180-2 examples and two lengths around the padding's edge. */
static void test_sha256_known_answers(void **state)
{
    struct vdm_crypto *c = *state;
    static const struct {
        const char *text, *hex;
    } known[] = {
        {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        check_digest(vdm_sha256(c, vdm_str(known[i].text)), known[i].hex);
    check_digest(vdm_sha256(c, (struct vdm_bytes){NULL, 0}), known[0].hex);
    check_digest(vdm_sha256_parts(c, NULL, 0), known[0].hex);

    struct vdm_hash *h VDM_CLEANUP(vdm_hash_cleanup) = NULL;
    struct vdm_err err;
    assert_true(vdm_hash_open(&h, c, &err));
    char thousand[1000];
    memset(thousand, 'a', sizeof thousand);
    for (int i = 0; i < 1000; i++)
        vdm_hash_update(h, (struct vdm_bytes){(const uint8_t *)thousand, sizeof thousand});
    check_digest(vdm_hash_end(h),
                 "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

static void test_parts_and_streams_equal_the_whole(void **state)
{
    struct vdm_crypto *c = *state;
    struct vdm_hash *h VDM_CLEANUP(vdm_hash_cleanup) = NULL,
                       *other VDM_CLEANUP(vdm_hash_cleanup) = NULL;
    struct vdm_err err;
    uint8_t data[300];
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(i * 17 + 3);
    assert_true(vdm_hash_open(&h, c, &err) && vdm_hash_open(&other, c, &err));
    for (size_t n = 0; n <= sizeof data; n += 7)
        for (size_t cut = 0; cut <= n; cut += 13) {
            struct vdm_digest whole = vdm_sha256(c, (struct vdm_bytes){data, n});
            struct vdm_bytes parts[] = {{data, cut}, {NULL, 0}, {data + cut, n - cut}};
            assert_true(vdm_digest_equal(whole, vdm_sha256_parts(c, parts, 3)));
            /* Two streams, and a one-shot hash between their pieces. */
            vdm_hash_update(h, parts[0]);
            vdm_hash_update(other, VDM_LIT("another"));
            vdm_sha256(c, VDM_LIT("between"));
            vdm_hash_update(h, parts[1]);
            vdm_hash_update(h, parts[2]);
            assert_true(vdm_digest_equal(whole, vdm_hash_end(h)));
            assert_true(vdm_digest_equal(vdm_sha256(c, VDM_LIT("another")), vdm_hash_end(other)));
        }
    check_digest(vdm_hash_end(h),
                 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

static void test_digest_hex_has_one_form(void **state)
{
    struct vdm_digest d = vdm_sha256(*state, VDM_LIT("abc")), back = {{0}}, untouched = {{7}};
    char hex[70];
    vdm_digest_hex(d, hex);
    assert_true(vdm_digest_from_hex(vdm_str(hex), &back));
    assert_true(vdm_digest_equal(d, back));
    back.b[31] ^= 1;
    assert_false(vdm_digest_equal(d, back));
    assert_true(vdm_digest_bytes(&d).p == d.b && vdm_digest_bytes(&d).n == 32);

    back = untouched;
    assert_false(vdm_digest_from_hex((struct vdm_bytes){(uint8_t *)hex, 63}, &back));
    strcat(hex, "0");
    assert_false(vdm_digest_from_hex(vdm_str(hex), &back));
    assert_false(vdm_digest_from_hex((struct vdm_bytes){NULL, 0}, &back));
    static const char wrong[] = "ABCDEFgG xX:-\n";
    for (const char *w = wrong; *w; w++)
        for (size_t at = 0; at < 64; at += 9) {
            char changed[65];
            memcpy(changed, hex, 64);
            changed[64] = 0;
            changed[at] = *w;
            assert_false(vdm_digest_from_hex(vdm_str(changed), &back));
        }
    assert_true(vdm_digest_equal(back, untouched));
}

static void test_base64_known_answers(void **state)
{
    (void)state;
    static const char *const known[][2] = {
        {"", ""},
        {"f", "Zg=="},
        {"fo", "Zm8="},
        {"foo", "Zm9v"},
        {"foob", "Zm9vYg=="},
        {"fooba", "Zm9vYmE="},
        {"foobar", "Zm9vYmFy"},
        {"\xFB\xFF\xBF", "+/+/"},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        struct vdm_buf text VDM_CLEANUP(vdm_buf_release) = {0};
        uint8_t back[8];
        size_t n = 99;
        vdm_base64_append(&text, vdm_str(known[i][0]));
        vdm_buf_putc(&text, '|'); /* nothing is left behind the text */
        assert_int_equal(text.n, strlen(known[i][1]) + 1);
        assert_memory_equal(text.p, known[i][1], text.n - 1);
        assert_true(vdm_base64_decode(vdm_str(known[i][1]), back, sizeof back, &n));
        assert_true(vdm_bytes_equal((struct vdm_bytes){back, n}, vdm_str(known[i][0])));
    }
}

static void test_base64_takes_one_form_only(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "Z",        "Zg",     "Zg=",          "Zg===", "Zg==\n",   " Zg==",      "Zg== ",
        "Z g==",    "Zm9v\n", "Zm9v\r\nZm9v", "Zh==",  "Zn==",     "Zm9=",       "Zm8=Zm8=",
        "Zg==Zg==", "=",      "====",         "=Zg=",  "Zg=A",     "Z===",       "AAA=AAAA",
        "Zm9-",     "Zm9_",   "Zm9*",         "Zm9vZ", "Zm9v====", "\xC3\xA9==", "Zm9\xFF",
    };
    uint8_t out[16];
    size_t n;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (vdm_base64_decode(vdm_str(bad[i]), out, sizeof out, &n))
            fail_msg("taken: %s", bad[i]);
    assert_false(vdm_base64_decode(VDM_LIT("Zm9\0"), out, sizeof out, &n));
    /* Every byte in every place of a quartet. */
    for (unsigned k = 0; k < 4 * 256; k++) {
        uint8_t t[4] = {'Z', 'm', '9', 'v'};
        t[k / 256] = (uint8_t)k;
        struct vdm_buf again VDM_CLEANUP(vdm_buf_release) = {0};
        if (!vdm_base64_decode((struct vdm_bytes){t, 4}, out, sizeof out, &n))
            continue;
        vdm_base64_append(&again, (struct vdm_bytes){out, n});
        assert_true(vdm_bytes_equal(vdm_buf_bytes(&again), (struct vdm_bytes){t, 4}));
    }
    /* Every text of four characters of these: taken only if it is what the bytes encode to. */
    static const char some[] = "AQgw/+=-\n";
    for (unsigned k = 0; k < 9 * 9 * 9 * 9; k++) {
        const uint8_t t[4] = {(uint8_t)some[k % 9], (uint8_t)some[k / 9 % 9],
                              (uint8_t)some[k / 81 % 9], (uint8_t)some[k / 729]};
        struct vdm_buf again VDM_CLEANUP(vdm_buf_release) = {0};
        if (!vdm_base64_decode((struct vdm_bytes){t, 4}, out, sizeof out, &n))
            continue;
        vdm_base64_append(&again, (struct vdm_bytes){out, n});
        assert_true(vdm_bytes_equal(vdm_buf_bytes(&again), (struct vdm_bytes){t, 4}));
    }
}

static void test_base64_respects_its_room(void **state)
{
    (void)state;
    for (size_t n = 0; n < 250; n++) {
        struct vdm_buf text VDM_CLEANUP(vdm_buf_release) = {0};
        uint8_t data[250], *exact = malloc(n + 1);
        size_t got = 0;
        vdm_random(data, sizeof data);
        vdm_base64_append(&text, (struct vdm_bytes){data, n});
        assert_true(vdm_base64_decode(vdm_buf_bytes(&text), exact, n, &got));
        assert_int_equal(got, n);
        assert_memory_equal(exact, data, n);
        assert_true(vdm_base64_valid(vdm_buf_bytes(&text)));
        if (n > 0)
            assert_false(vdm_base64_decode(vdm_buf_bytes(&text), exact, n - 1, &got));
        struct vdm_digest d;
        assert_int_equal(vdm_digest_from_base64(vdm_buf_bytes(&text), &d), n == 32);
        free(exact);
    }
}

static void test_random_and_description(void **state)
{
    (void)state;
    struct vdm_buf text VDM_CLEANUP(vdm_buf_release) = {0};
    uint8_t a[32] = {0}, b[32] = {0};
    vdm_random(a, sizeof a);
    vdm_random(b, sizeof b);
    assert_memory_not_equal(a, b, sizeof a);
    vdm_crypto_describe(&text);
    vdm_buf_putc(&text, 0);
    assert_memory_equal(text.p, "libsodium ", 10);
    assert_non_null(strstr((const char *)text.p, "SHA instructions: "));
}

static void test_closing_nothing_is_fine(void **state)
{
    (void)state;
    vdm_crypto_close(NULL);
    vdm_hash_close(NULL);
    struct vdm_crypto *c = NULL;
    vdm_crypto_cleanup(&c);
}

/* A digest needs no memory; it is the same with and without, and one begun with it goes on without. */
static void test_sha256_without_memory(void **state)
{
    struct vdm_hash *h VDM_CLEANUP(vdm_hash_cleanup) = NULL;
    struct vdm_err err;
    static const char abc[] = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert_true(vdm_hash_open(&h, *state, &err));
    for (int i = 0; i < 8; i++) {
        no_memory = i % 4 > 1;
        check_digest(vdm_sha256(*state, VDM_LIT("abc")), abc);
        vdm_hash_update(h, VDM_LIT("a"));
        vdm_hash_update(h, (struct vdm_bytes){NULL, 0});
        vdm_hash_update(h, VDM_LIT("bc"));
        check_digest(vdm_hash_end(h), abc);
    }
    no_memory = false;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sha256_known_answers),
        cmocka_unit_test(test_sha256_without_memory),
        cmocka_unit_test(test_parts_and_streams_equal_the_whole),
        cmocka_unit_test(test_digest_hex_has_one_form),
        cmocka_unit_test(test_base64_known_answers),
        cmocka_unit_test(test_base64_takes_one_form_only),
        cmocka_unit_test(test_base64_respects_its_room),
        cmocka_unit_test(test_random_and_description),
        cmocka_unit_test(test_closing_nothing_is_fine),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
