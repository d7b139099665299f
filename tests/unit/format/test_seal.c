/* SPDX-License-Identifier: MIT */
#include "format/seal.h"

#include "unit/format/fixture.h"

#define DIGEST    "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define ROOT      "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA="
#define LEDGER    "ledger " ORIGIN "\n"
#define CREATED   "created 2020-01-03T00:00:00Z\n"
#define TREE      "checkpoint 17 " ROOT "\n"
#define SELECTION "selection " DIGEST "\n"
#define TAGS      "tagmanifest " DIGEST "\n"
#define SEAL      "vidimus/seal/v1\n" LEDGER CREATED TREE SELECTION TAGS

static bool seal_again(void *ctx, struct vdm_bytes text, struct vdm_buf *again)
{
    (void)ctx;
    struct vdm_seal s;
    struct vdm_err err = {0};
    if (!vdm_seal_decode(text, &s, &err))
        return refused_by_a_rule(&err);
    vdm_seal_append(again, &s);
    return true;
}

static void test_what_is_one(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "vidimus/seal/v1\n",
        "vidimus/seal/v2\n" LEDGER CREATED TREE SELECTION TAGS,
        "vidimus/seal/v1\n" CREATED LEDGER TREE SELECTION TAGS,
        "vidimus/seal/v1\n" LEDGER TREE SELECTION TAGS,
        "vidimus/seal/v1\n" LEDGER CREATED SELECTION TREE TAGS,
        "vidimus/seal/v1\n" LEDGER CREATED TREE TAGS SELECTION,
        "vidimus/seal/v1\n" LEDGER CREATED TREE SELECTION,
        "vidimus/seal/v1\n" LEDGER CREATED TREE SELECTION SELECTION TAGS,
        SEAL "\n",
        SEAL "note x\n",
        "vidimus/seal/v1\nledger vidimus/x\n" CREATED TREE SELECTION TAGS,
        "vidimus/seal/v1\nledger a b\n" CREATED TREE SELECTION TAGS,
        "vidimus/seal/v1\n" LEDGER "created 2020-01-03\n" TREE SELECTION TAGS,
        "vidimus/seal/v1\n" LEDGER CREATED "checkpoint 017 " ROOT "\n" SELECTION TAGS,
        "vidimus/seal/v1\n" LEDGER CREATED "checkpoint 17\n" SELECTION TAGS,
        "vidimus/seal/v1\n" LEDGER CREATED TREE "selection 00\n" TAGS,
    };
    assert_true(roundtrip(VDM_LIT(SEAL), seal_again, NULL));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct vdm_seal s = {.size = 4711};
        struct vdm_err err = {0};
        if (vdm_seal_decode(vdm_str(bad[i]), &s, &err))
            fail_msg("taken: %s", bad[i]);
        refused_by_a_rule(&err);
        assert_int_equal(s.size, 4711);
    }
}

static void test_fields_arrive(void **state)
{
    (void)state;
    struct vdm_seal s;
    struct vdm_err err;
    assert_true(vdm_seal_decode(VDM_LIT(SEAL), &s, &err));
    assert_true(vdm_bytes_equal_str(s.ledger, ORIGIN));
    assert_int_equal(s.created.seconds, 1578009600);
    assert_int_equal(s.size, 17);
    assert_int_equal(s.root.b[31], 32);
    assert_int_equal(s.selection.b[0], 0xe3);
    assert_int_equal(s.tagmanifest.b[31], 0x55);
}

static void test_attacked_seal(void **state)
{
    (void)state;
    attack(VDM_LIT(SEAL), seal_again, NULL);
}

static bool opens(const struct vdm_buf *whole)
{
    struct vdm_note note = {.signatures = 4711};
    struct vdm_seal s = {.size = 4711};
    struct vdm_err err = {0};
    if (vdm_seal_open(vdm_buf_bytes(whole), &note, &s, &err))
        return true;
    assert_memory_equal(err.text, "seal: ", 6);
    assert_int_equal(err.kind, VDM_ERR_MALFORMED);
    assert_true(note.signatures == 4711 && s.size == 4711);
    return false;
}

static void test_one_signature_of_ours(void **state)
{
    struct signer a VDM_CLEANUP(signer_close) = signer_open(*state, "lena@x", 4);
    struct signer b VDM_CLEANUP(signer_close) = signer_open(*state, "tomas", 5);
    struct vdm_buf whole VDM_CLEANUP(vdm_buf_release) = {0};
    sign_note(&whole, VDM_LIT(SEAL), &a);
    assert_true(opens(&whole));
    put_signature(&whole, VDM_LIT(SEAL), &b);
    assert_false(opens(&whole));
    vdm_buf_clear(&whole);
    strcpy(a.vkey.name, "lena~x"); /* a note allows it, we do not */
    sign_note(&whole, VDM_LIT(SEAL), &a);
    assert_false(opens(&whole));
    vdm_buf_clear(&whole);
    vdm_buf_puts(&whole, SEAL "\n\xE2\x80\x94 lena@x AAAAAAA=\n");
    assert_false(opens(&whole));
    vdm_buf_clear(&whole);
    vdm_buf_puts(&whole, SEAL);
    assert_false(opens(&whole));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_one),
        cmocka_unit_test(test_fields_arrive),
        cmocka_unit_test(test_attacked_seal),
        cmocka_unit_test(test_one_signature_of_ours),
    };
    return cmocka_run_group_tests(tests, crypto_set_up, crypto_tear_down);
}
