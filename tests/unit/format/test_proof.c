/* SPDX-License-Identifier: MIT */
#include "format/proof.h"

#include "unit/format/fixture.h"

#define HASH  "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=\n"
#define MAGIC "c2sp.org/tlog-proof@v1\n"
#define NOTE  "whatever stands here\n"

static bool inclusion_again(void *ctx, struct vdm_bytes text, struct vdm_buf *again)
{
    (void)ctx;
    struct vdm_inclusion_proof p;
    if (!vdm_inclusion_proof_decode(text, &p, NULL))
        return false;
    vdm_inclusion_proof_append(again, &p);
    return true;
}

static bool consistency_again(void *ctx, struct vdm_bytes text, struct vdm_buf *again)
{
    (void)ctx;
    struct vdm_consistency_proof p;
    if (!vdm_consistency_proof_decode(text, &p, NULL))
        return false;
    vdm_consistency_proof_append(again, &p);
    return true;
}

static void test_inclusion(void **state)
{
    (void)state;
    static const char *const good[] = {
        MAGIC "index 0\n\n" NOTE,
        MAGIC "index 9007199254740991\n" HASH HASH "\n" NOTE,
        MAGIC "extra AAAA\nindex 4\n" HASH "\n" NOTE,
        MAGIC "extra AA==\nindex 4\n\n" NOTE,
        MAGIC "index 4\n\n\n",
    };
    static const char *const bad[] = {
        "",
        MAGIC,
        "index 4\n\n" NOTE,
        "c2sp.org/tlog-proof@v2\nindex 4\n\n" NOTE,
        "c2sp.org/tlog-proof@v1 \nindex 4\n\n" NOTE,
        MAGIC "index 4\n",
        MAGIC "index 4\n\n",
        MAGIC "index 4\n" HASH,
        MAGIC "index 4\n" HASH NOTE,
        MAGIC "index 04\n\n" NOTE,
        MAGIC "index 9007199254740992\n\n" NOTE,
        MAGIC "index \n\n" NOTE,
        MAGIC "\n" NOTE,
        MAGIC "extra \nindex 4\n\n" NOTE,
        MAGIC "extra\nindex 4\n\n" NOTE,
        MAGIC "extra AAA\nindex 4\n\n" NOTE,
        MAGIC "extra AAB=\nindex 4\n\n" NOTE,
        MAGIC "extra AA AA\nindex 4\n\n" NOTE,
        MAGIC "extra AAAA\nextra AAAA\nindex 4\n\n" NOTE,
        MAGIC "index 4\nextra AAAA\n\n" NOTE,
        MAGIC "index 4\nAQID\n\n" NOTE,
        MAGIC "index 4\nAQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHw==\n\n" NOTE,
        MAGIC "index 4\nAQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyAh\n\n" NOTE,
        MAGIC "index 4\nindex 5\n\n" NOTE,
    };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        if (!roundtrip(vdm_str(good[i]), inclusion_again, NULL))
            fail_msg("refused: %s", good[i]);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct vdm_inclusion_proof p = {.index = 4711};
        struct vdm_err err = {0};
        if (vdm_inclusion_proof_decode(vdm_str(bad[i]), &p, &err))
            fail_msg("taken: %s", bad[i]);
        assert_int_equal(err.kind, VDM_ERR_MALFORMED);
        assert_true(p.index == 4711 && p.hashes == 0 && p.extra.n == 0);
    }
}

static void test_consistency(void **state)
{
    (void)state;
    static const char *const good[] = {
        "old 0\n\n" NOTE,
        "old 6\n" HASH HASH HASH "\n" NOTE,
    };
    static const char *const bad[] = {
        "",
        "old 6\n",
        "old 6\n\n",
        "old 06\n\n" NOTE,
        "old\n\n" NOTE,
        "new 6\n\n" NOTE,
        "old 6\n" HASH NOTE,
        "old 6\n" HASH,
        "old 6\nAQID\n\n" NOTE,
        MAGIC "old 6\n\n" NOTE,
    };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        if (!roundtrip(vdm_str(good[i]), consistency_again, NULL))
            fail_msg("refused: %s", good[i]);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct vdm_consistency_proof p = {.old_size = 4711};
        struct vdm_err err = {0};
        if (vdm_consistency_proof_decode(vdm_str(bad[i]), &p, &err))
            fail_msg("taken: %s", bad[i]);
        assert_int_equal(err.kind, VDM_ERR_MALFORMED);
        assert_int_equal(p.old_size, 4711);
    }
}

static void test_fields_arrive(void **state)
{
    (void)state;
    struct vdm_inclusion_proof p;
    struct vdm_consistency_proof q;
    struct vdm_err err;
    assert_true(vdm_inclusion_proof_decode(
        VDM_LIT(MAGIC "extra AAAA\nindex 4\n" HASH HASH "\n" NOTE), &p, &err));
    assert_true(p.index == 4 && p.hashes == 2 && p.hash[1].b[31] == 32);
    assert_true(vdm_bytes_equal_str(p.extra, "AAAA"));
    assert_true(vdm_bytes_equal_str(p.checkpoint, NOTE));
    assert_true(vdm_consistency_proof_decode(VDM_LIT("old 6\n" HASH "\n" NOTE), &q, &err));
    assert_true(q.old_size == 6 && q.hashes == 1 && q.hash[0].b[0] == 1);
    assert_true(vdm_bytes_equal_str(q.checkpoint, NOTE));
}

static void test_limits(void **state)
{
    (void)state;
    for (size_t hashes = VDM_PROOF_HASHES_MAX - 1; hashes <= VDM_PROOF_HASHES_MAX + 1; hashes++) {
        struct vdm_buf a VDM_CLEANUP(vdm_buf_release) = {0};
        struct vdm_buf b VDM_CLEANUP(vdm_buf_release) = {0};
        vdm_buf_puts(&a, MAGIC "index 0\n");
        vdm_buf_puts(&b, "old 0\n");
        for (size_t i = 0; i < hashes; i++) {
            vdm_buf_puts(&a, HASH);
            vdm_buf_puts(&b, HASH);
        }
        vdm_buf_puts(&a, "\n" NOTE);
        vdm_buf_puts(&b, "\n" NOTE);
        bool fits = hashes <= VDM_PROOF_HASHES_MAX;
        assert_int_equal(roundtrip(vdm_buf_bytes(&a), inclusion_again, NULL), fits);
        assert_int_equal(roundtrip(vdm_buf_bytes(&b), consistency_again, NULL), fits);
    }
    struct vdm_buf a VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_buf b VDM_CLEANUP(vdm_buf_release) = {0};
    vdm_buf_puts(&a, MAGIC "index 0\n\n");
    vdm_buf_puts(&b, "old 0\n\n");
    while (a.n < VDM_NOTE_MAX)
        vdm_buf_putc(&a, 'n');
    while (b.n < VDM_NOTE_MAX)
        vdm_buf_putc(&b, 'n');
    assert_true(roundtrip(vdm_buf_bytes(&a), inclusion_again, NULL));
    assert_true(roundtrip(vdm_buf_bytes(&b), consistency_again, NULL));
    vdm_buf_putc(&a, 'n');
    vdm_buf_putc(&b, 'n');
    assert_false(roundtrip(vdm_buf_bytes(&a), inclusion_again, NULL));
    assert_false(roundtrip(vdm_buf_bytes(&b), consistency_again, NULL));
}

static void test_attacked_proofs(void **state)
{
    (void)state;
    attack(VDM_LIT(MAGIC "extra AAA=\nindex 40\n" HASH HASH "\n" NOTE), inclusion_again, NULL);
    attack(VDM_LIT("old 10\n" HASH "\n" NOTE), consistency_again, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_inclusion),       cmocka_unit_test(test_consistency),
        cmocka_unit_test(test_fields_arrive),   cmocka_unit_test(test_limits),
        cmocka_unit_test(test_attacked_proofs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
