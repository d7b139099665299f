/* SPDX-License-Identifier: MIT */
/* Digests of others: known answers, names in any form, and nothing where there is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/text.h"
#include "crypto/sum.h"

static struct vdm_sums *sums;

static int setup(void **state)
{
    (void)state;
    return vdm_sums_open(&sums, NULL) ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    vdm_sums_close(sums);
    vdm_sums_close(NULL);
    return 0;
}

/* Of "abc", as in RFC 1321, FIPS 180-4, FIPS 202 and RFC 7693. */
static void test_known_answers(void **state)
{
    (void)state;
    static const char *const abc[VDM_SUM_KINDS] = {
        [VDM_SUM_MD5] = "900150983cd24fb0d6963f7d28e17f72",
        [VDM_SUM_SHA1] = "a9993e364706816aba3e25717850c26c9cd0d89d",
        [VDM_SUM_SHA224] = "23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7",
        [VDM_SUM_SHA256] = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        [VDM_SUM_SHA384] = "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed"
                           "8086072ba1e7cc2358baeca134c825a7",
        [VDM_SUM_SHA512] = "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
                           "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
        [VDM_SUM_SHA3_256] = "3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532",
        [VDM_SUM_SHA3_512] = "b751850b1a57168a5693cd924b6b096e08f621827444f70d884f5d0240d2712e"
                             "10e116e9192af3c91a7ec57647e3934057340b4cf408d5a56592f8274eec53f0",
        [VDM_SUM_BLAKE2B] = "ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b74b12bb6fdbffa2d1"
                            "7d87c5392aab792dc252d5de4533cc9518d38aa8dbf1925ab92386edd4009923",
    };
    for (int k = 0; k < VDM_SUM_KINDS; k++) {
        struct vdm_sum s = {VDM_SUM_KINDS, NULL};
        uint8_t made[VDM_SUM_BYTES_MAX];
        char hex[2 * VDM_SUM_BYTES_MAX + 1];
        for (int twice = 0; twice < 2; twice++) { /* beginning again forgets what was added */
            vdm_sum_begin(&s, sums, (enum vdm_sum_kind)k);
            vdm_sum_add(&s, VDM_LIT("a"));
            if (twice)
                vdm_sum_add(&s, VDM_LIT("bc"));
        }
        assert_true(vdm_sum_end(&s, made));
        vdm_hex_encode(made, vdm_sum_bytes((enum vdm_sum_kind)k), hex);
        assert_string_equal(hex, abc[k]);
        assert_false(vdm_sum_end(&s, made));
    }
}

static void test_none(void **state)
{
    (void)state;
    struct vdm_sum s = {VDM_SUM_KINDS, NULL};
    uint8_t made[VDM_SUM_BYTES_MAX];
    vdm_sum_begin(&s, sums, VDM_SUM_KINDS);
    vdm_sum_add(&s, VDM_LIT("abc"));
    assert_false(vdm_sum_end(&s, made));
    vdm_sum_release(&s);
}

static void test_names(void **state)
{
    (void)state;
    enum vdm_sum_kind k;
    static const char *const good[] = {"sha1", "SHA-1", "Sha1"}, *const bad[] = {"", "sha", "sha11",
                                                                                 "blake3"};
    for (size_t i = 0; i < 3; i++)
        assert_true(vdm_sum_kind_from_name(vdm_str(good[i]), &k) && k == VDM_SUM_SHA1);
    for (size_t i = 0; i < 4; i++)
        assert_false(vdm_sum_kind_from_name(vdm_str(bad[i]), &k));
    assert_true(vdm_sum_kind_from_name(VDM_LIT("sha-512"), &k));
    assert_string_equal(vdm_sum_name(k), "sha512");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_answers),
        cmocka_unit_test(test_none),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
