/* SPDX-License-Identifier: MIT */
#include "format/findings.h"

#include "unit/format/fixture.h"

#define ROOT  "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA="
#define HEAD  "vidimus/findings/v1\nledger " ORIGIN "\n" TREE TIMES
#define TREE  "checkpoint 17 " ROOT "\n"
#define TIMES "begun 2020-01-03T00:00:00Z\nended 2020-01-03T01:00:00Z\n"
#define LINE  "finding document-corrupt 5 open it has other bytes\n"

static bool findings_again(void *ctx, struct vdm_bytes text, struct vdm_buf *again)
{
    (void)ctx;
    struct vdm_findings_file f;
    struct vdm_findings_line line;
    struct vdm_err err = {0};
    if (!vdm_findings_decode(text, &f, &err))
        return refused_by_a_rule(&err);
    vdm_findings_append_head(again, &f);
    while (vdm_findings_next(&f.lines, &line))
        vdm_findings_append_line(again, &line);
    vdm_findings_append_end(again, f.more);
    return true;
}

static void test_what_is_one(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        HEAD,
        HEAD "more 1\n",
        HEAD LINE "more 0\n",
        HEAD LINE "more 01\n",
        HEAD LINE "more 1\nmore 1\n",
        HEAD LINE "more 1\n" LINE,
        HEAD LINE "\n",
        HEAD LINE "note x\n",
        "vidimus/findings/v2\nledger " ORIGIN "\n" TREE TIMES LINE,
        "vidimus/findings/v1\nledger vidimus/x\n" TREE TIMES LINE,
        "vidimus/findings/v1\nledger " ORIGIN "\n" TIMES TREE LINE,
        HEAD "finding document-corrupt 5 open \n",
        HEAD "finding document-corrupt 5 open\n",
        HEAD "finding document-corrupt 05 open x\n",
        HEAD "finding document-corrupt -5 open x\n",
        HEAD "finding document-corrupt 5 shut x\n",
        HEAD "finding Document 5 open x\n",
        HEAD "finding -x 5 open x\n",
        HEAD "finding  5 open x\n",
        HEAD "finding document-corrupt 5 open a\tb\n",
        HEAD "finding document-corrupt 5 open x ",
        HEAD "finding document-corrupt 9007199254740992 open x\n",
    };
    assert_true(roundtrip(VDM_LIT(HEAD LINE), findings_again, NULL));
    assert_true(roundtrip(VDM_LIT(HEAD LINE LINE "more 7\n"), findings_again, NULL));
    assert_true(roundtrip(VDM_LIT(HEAD "finding z-a 1 open x\n"), findings_again, NULL));
    assert_true(roundtrip(
        VDM_LIT(HEAD "finding abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijkl "
                     "1 open x\n"),
        findings_again, NULL));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct vdm_findings_file f = {.size = 4711};
        struct vdm_err err = {0};
        if (vdm_findings_decode(vdm_str(bad[i]), &f, &err))
            fail_msg("taken: %s", bad[i]);
        refused_by_a_rule(&err);
        assert_int_equal(f.size, 4711);
    }
}

/* What a text says of its own form: too long, no UTF-8, words of a wrong length. */
static void test_odd_bytes(void **state)
{
    (void)state;
    static char large[VDM_FINDINGS_FILE_MAX + 2];
    struct vdm_findings_file f;
    struct vdm_err err = {0};
    memset(large, 'x', sizeof large - 1);
    memcpy(large, HEAD "finding a 1 open ", strlen(HEAD "finding a 1 open "));
    large[sizeof large - 2] = '\n';
    assert_false(vdm_findings_decode(vdm_str(large), &f, &err));
    large[VDM_FINDINGS_FILE_MAX - 1] = '\n';
    large[VDM_FINDINGS_FILE_MAX] = 0;
    assert_true(vdm_findings_decode(vdm_str(large), &f, &err));
    static const char *const bad[] = {
        HEAD "finding a 1 open \xff\n",
        HEAD "finding a 1 open\n",
        HEAD "finding a 1\n",
        HEAD "finding a\n",
        HEAD "finding abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijklm 1 open x\n",
        HEAD "finding a{ 1 open x\n",
        HEAD "finding a- 1 open x\nfinding a 1 open  x\n",
        "vidimus/findings/v1\nledger " ORIGIN "\n" TREE "begun 2020-01-03T00:00:00Z\n" LINE,
        "vidimus/findings/v1\nledger " ORIGIN "\n" TREE LINE,
        "vidimus/findings/v1\n" TREE TIMES LINE,
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (vdm_findings_decode(vdm_str(bad[i]), &f, &err))
            fail_msg("taken: %s", bad[i]);
}

static void test_fields_arrive(void **state)
{
    (void)state;
    struct vdm_findings_file f;
    struct vdm_findings_line line;
    assert_true(vdm_findings_decode(
        VDM_LIT(HEAD LINE "finding slack-rot - repaired a \\t b\nmore 7\n"), &f, NULL));
    assert_true(vdm_bytes_equal_str(f.ledger, ORIGIN));
    assert_int_equal(f.ended.seconds - f.begun.seconds, 3600);
    assert_int_equal(f.size, 17);
    assert_int_equal(f.root.b[31], 32);
    assert_int_equal(f.more, 7);
    assert_true(vdm_findings_next(&f.lines, &line));
    assert_true(vdm_bytes_equal_str(line.kind, "document-corrupt"));
    assert_true(line.entry == 5 && !line.repaired);
    assert_true(vdm_bytes_equal_str(line.text, "it has other bytes"));
    assert_true(vdm_findings_next(&f.lines, &line));
    assert_true(line.entry == VDM_FINDINGS_NO_ENTRY && line.repaired);
    assert_false(vdm_findings_next(&f.lines, &line));
}

static void test_attacked(void **state)
{
    (void)state;
    attack(VDM_LIT(HEAD LINE "more 7\n"), findings_again, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_one),
        cmocka_unit_test(test_odd_bytes),
        cmocka_unit_test(test_fields_arrive),
        cmocka_unit_test(test_attacked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
