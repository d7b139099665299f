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

/* Of "abc", as in RFC 1321 and FIPS 180-2. */
static void test_known_answers(void **state)
{
    (void)state;
    static const char *const abc[VDM_SUM_KINDS] = {
        "900150983cd24fb0d6963f7d28e17f72", "a9993e364706816aba3e25717850c26c9cd0d89d",
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        ("ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
         "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f")};
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
