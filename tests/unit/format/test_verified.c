/* SPDX-License-Identifier: MIT */
#include "unit/format/fixture.h"

#include "format/verified.h"

static const char good[] = "vidimus/verified/v1\n"
                           "ledger fixture.example/log\n"
                           "authority %s\n"
                           "checkpoint 12 90sYIu+CenfOOFyO0VgGhKQ7wlGjvKalAS8synEZWg8=\n"
                           "verified 2026-11-27T02:31:12Z\n";

static struct vdm_crypto *crypto;
static char text[600];

static int setup(void **state)
{
    (void)state;
    struct vdm_buf key VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_pubkey point = {{0}};
    struct vdm_vkey made;
    assert_true(vdm_crypto_open(&crypto, NULL));
    assert_true(vdm_hex_decode(
        VDM_LIT("ea4a6c63e29c520abef5507b132ec5f9954776aebebe7b92421eea691446d22c"), point.b, 32));
    assert_true(vdm_vkey_make(crypto, VDM_LIT("fixture.example/authority"), &point, &made, NULL));
    vdm_vkey_append(&key, &made);
    vdm_buf_putc(&key, 0);
    assert_true(snprintf(text, sizeof text, good, (char *)key.p) < (int)sizeof text);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    vdm_crypto_close(crypto);
    return 0;
}

static void test_there_and_back(void **state)
{
    struct vdm_verified v;
    struct vdm_buf again VDM_CLEANUP(vdm_buf_release) = {0};
    (void)state;
    assert_true(vdm_verified_decode(crypto, vdm_str(text), &v, NULL));
    assert_string_equal(v.ledger, "fixture.example/log");
    assert_string_equal(v.authority.name, "fixture.example/authority");
    assert_int_equal(v.size, 12);
    vdm_verified_append(&again, &v);
    assert_true(vdm_bytes_equal_str(vdm_buf_bytes(&again), text));
}

static bool verified_again(void *ctx, struct vdm_bytes b, struct vdm_buf *again)
{
    struct vdm_verified v;
    struct vdm_err err = {0};
    (void)ctx;
    if (!vdm_verified_decode(crypto, b, &v, &err))
        return refused_by_a_rule(&err);
    vdm_verified_append(again, &v);
    return true;
}

static void test_attacked(void **state)
{
    (void)state;
    attack(vdm_str(text), verified_again, NULL);
}

static void refuse(const char *old, const char *new)
{
    char changed[700];
    const char *at = strstr(text, old);
    struct vdm_verified v;
    struct vdm_err err = {0};
    assert_non_null(at);
    snprintf(changed, sizeof changed, "%.*s%s%s", (int)(at - text), text, new, at + strlen(old));
    assert_false(vdm_verified_decode(crypto, vdm_str(changed), &v, &err));
    refused_by_a_rule(&err);
}

static void test_refused(void **state)
{
    (void)state;
    refuse("verified/v1", "verified/v2");
    refuse("checkpoint 12", "checkpoint 0");
    refuse("checkpoint 12", "checkpoint 012");
    refuse("fixture.example/log", "vidimus/log");
    refuse("fixture.example/log", "");
    refuse("2026-11-27", "2026-11-31");
    refuse("12Z\n", "12Z");
    refuse("12Z\n", "12Z\n\n");
    refuse("\nledger", "\r\nledger");
    refuse("authority fixture", "authority other");
    /* Sixty-five bytes, of which no more than the first were written anywhere. */
    refuse("fixture.example/log",
           "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
}

/* A witness's key signs for no archive. */
static void test_no_witness(void **state)
{
    struct vdm_buf witness VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_verified v;
    struct vdm_vkey key;
    (void)state;
    assert_true(vdm_verified_decode(crypto, vdm_str(text), &v, NULL));
    key = v.authority;
    v.authority.type = VDM_KEY_COSIGNATURE;
    v.authority.id = vdm_key_id(crypto, vdm_str(key.name), VDM_KEY_COSIGNATURE, &v.authority.key);
    vdm_verified_append(&witness, &v);
    assert_false(roundtrip(vdm_buf_bytes(&witness), verified_again, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_there_and_back),
        cmocka_unit_test(test_attacked),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_no_witness),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
