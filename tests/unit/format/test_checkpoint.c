/* SPDX-License-Identifier: MIT */
#include "format/checkpoint.h"

#include "unit/format/fixture.h"

#define ROOT  "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA="
#define EMPTY "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="

static bool checkpoint_again(void *ctx, struct vdm_bytes text, struct vdm_buf *again)
{
    (void)ctx;
    struct vdm_checkpoint c;
    if (!vdm_checkpoint_decode(text, &c, NULL))
        return false;
    vdm_checkpoint_append(again, &c);
    return true;
}

static void test_what_is_one(void **state)
{
    (void)state;
    static const char *const good[] = {
        ORIGIN "\n17\n" ROOT "\n", ORIGIN "\n9007199254740991\n" ROOT "\n",
        ORIGIN "\n0\n" EMPTY "\n",
        "go.sum database tree\n1\n" ROOT "\n", /* origins of others may be any text */
    };
    static const char *const bad[] = {
        "",
        "\n",
        "\n17\n" ROOT "\n",
        ORIGIN "\n",
        ORIGIN "\n17\n",
        ORIGIN "\n17\n" ROOT,
        ORIGIN "\n17\n" ROOT "\n\n",
        ORIGIN "\n17\n" ROOT "\nextension\n",
        ORIGIN "\n017\n" ROOT "\n",
        ORIGIN "\n+17\n" ROOT "\n",
        ORIGIN "\n 17\n" ROOT "\n",
        ORIGIN "\n\n" ROOT "\n",
        ORIGIN "\n9007199254740992\n" ROOT "\n",
        ORIGIN "\n17\nAQID\n",
        ORIGIN "\n17\nAQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHw==\n",
        ORIGIN "\n17\nAQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyB=\n",
        ORIGIN "\n17\nAQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyAh\n",
        ORIGIN "\n0\n" ROOT "\n",
    };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        if (!roundtrip(vdm_str(good[i]), checkpoint_again, NULL))
            fail_msg("refused: %s", good[i]);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct vdm_checkpoint c = {.size = 4711};
        struct vdm_err err = {0};
        if (vdm_checkpoint_decode(vdm_str(bad[i]), &c, &err))
            fail_msg("taken: %s", bad[i]);
        assert_int_equal(err.kind, VDM_ERR_MALFORMED);
        assert_int_equal(c.size, 4711);
    }
}

static void test_attacked_checkpoint(void **state)
{
    (void)state;
    attack(VDM_LIT(ORIGIN "\n17\n" ROOT "\n"), checkpoint_again, NULL);
    attack(VDM_LIT("x\n0\n" EMPTY "\n"), checkpoint_again, NULL);
}

static void test_fields_arrive(void **state)
{
    (void)state;
    struct vdm_checkpoint c;
    struct vdm_err err;
    assert_true(vdm_checkpoint_decode(VDM_LIT(ORIGIN "\n17\n" ROOT "\n"), &c, &err));
    assert_true(vdm_bytes_equal_str(c.origin, ORIGIN));
    assert_int_equal(c.size, 17);
    for (uint8_t i = 0; i < 32; i++)
        assert_int_equal(c.root.b[i], i + 1);
}

static void test_whole_notes(void **state)
{
    struct signer a VDM_CLEANUP(signer_close) = signer_open(*state, ORIGIN, 2);
    struct signer b VDM_CLEANUP(signer_close) = signer_open(*state, ORIGIN, 3);
    struct vdm_buf whole VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_bytes text = VDM_LIT(ORIGIN "\n17\n" ROOT "\n");
    struct vdm_note note = {.signatures = 4711};
    struct vdm_checkpoint c = {.size = 4711};
    struct vdm_err err = {0};
    assert_false(vdm_checkpoint_open(text, &note, &c, &err)); /* unsigned */
    assert_memory_equal(err.text, "checkpoint: ", 12);
    sign_note(&whole, VDM_LIT(ORIGIN "\n17\n"), &a);
    assert_false(vdm_checkpoint_open(vdm_buf_bytes(&whole), &note, &c, &err));
    assert_int_equal(err.kind, VDM_ERR_MALFORMED);
    assert_int_equal(note.signatures, 4711);
    assert_int_equal(c.size, 4711);
    vdm_buf_clear(&whole);
    sign_note(&whole, text, &a);
    put_signature(&whole, text, &b);
    assert_true(vdm_checkpoint_open(vdm_buf_bytes(&whole), &note, &c, &err));
    assert_int_equal(note.signatures, 2);
    assert_int_equal(c.size, 17);
    assert_int_equal(vdm_note_verify(&note, *state, &b.vkey, NULL), VDM_NOTE_GOOD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_one),
        cmocka_unit_test(test_attacked_checkpoint),
        cmocka_unit_test(test_fields_arrive),
        cmocka_unit_test(test_whole_notes),
    };
    return cmocka_run_group_tests(tests, crypto_set_up, crypto_tear_down);
}
