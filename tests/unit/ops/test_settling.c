/* SPDX-License-Identifier: MIT */
/* What a later entry settles: doubts by amendments, what is missing by withdrawals. Hostile ledgers
 * have very many of both, so it must not take the product of the two. */
#include "support/scratch.h"

#include "ops/verify_archive_state.h"

#include <stdlib.h>

#define MANY 300000

static uint64_t found(const struct vdm_report *r, enum vdm_finding_kind kind)
{
    return r->kinds[kind];
}

/* Capture i is in doubt; every second one is vouched for by entry MANY + i. In falling order, which
 * a search from the front likes least. */
static void doubts_and_amendments(void **state)
{
    struct vdm_report report;
    struct vdm_entry_check k;
    (void)state;
    vdm_report_init(&report);
    vdm_entry_check_init(&k, NULL, &report);
    assert_non_null(k.doubted = calloc(MANY, sizeof *k.doubted));
    for (uint64_t i = 0; i < MANY; i++)
        k.doubted[k.doubts++] = (struct vdm_doubted){i, i, MANY, i};
    for (uint64_t i = MANY; i-- > 0;) {
        struct vdm_entry e = {.n = 2 * MANY - i};
        e.capture.amends = i;
        assert_true(i % 2 || vdm_entry_check_vouch(&k, &e, NULL));
    }
    vdm_entry_check_end(&k);
    assert_int_equal(found(&report, VDM_RE_ATTESTED), MANY / 2);
    assert_int_equal(found(&report, VDM_SIGNER_UNAUTHORIZED), MANY / 2);
    vdm_entry_check_release(&k);
    vdm_report_release(&report);
}

/* Only what stands behind vouches, and only for its own capture; so does what takes the record away. */
static void what_vouches(void **state)
{
    static const struct {
        uint64_t amends, by;
        bool vouches;
        bool withdraws;
        enum vdm_scope scope;
    } cases[] = {{5, 9, true, false, 0},
                 {5, 6, false, false, 0},
                 {5, 7, false, false, 0},
                 {4, 9, false, false, 0},
                 {6, 9, false, false, 0},
                 {5, 9, true, true, VDM_SCOPE_BOTH},
                 {5, 9, true, true, VDM_SCOPE_RECORD},
                 {5, 9, false, true, VDM_SCOPE_DOCUMENT},
                 {5, 6, false, true, VDM_SCOPE_BOTH},
                 {6, 9, false, true, VDM_SCOPE_BOTH}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct vdm_report report;
        struct vdm_entry_check k;
        struct vdm_entry e = {.n = cases[i].by};
        vdm_report_init(&report);
        vdm_entry_check_init(&k, NULL, &report);
        assert_non_null(k.doubted = calloc(1, sizeof *k.doubted));
        k.doubted[k.doubts++] = (struct vdm_doubted){5, 7, 8, 6};
        if (cases[i].withdraws) {
            e.kind = VDM_ENTRY_WITHDRAWAL;
            e.withdrawal.of = cases[i].amends;
            e.withdrawal.scope = cases[i].scope;
        } else {
            e.kind = VDM_ENTRY_AMENDMENT;
            e.capture.amends = cases[i].amends;
        }
        assert_true(vdm_entry_check_vouch(&k, &e, NULL));
        vdm_entry_check_end(&k);
        assert_int_equal(found(&report, VDM_RE_ATTESTED), cases[i].vouches);
        assert_int_equal(found(&report, VDM_SIGNER_UNAUTHORIZED), !cases[i].vouches);
        vdm_entry_check_release(&k);
        vdm_report_release(&report);
    }
}

static void missing_and_withdrawals(void **state)
{
    struct vdm_report report;
    struct vdm_verify v = {.report = &report};
    (void)state;
    vdm_report_init(&report);
    assert_non_null(v.missing = calloc(MANY, sizeof *v.missing));
    assert_non_null(v.withdrawal = calloc(MANY, sizeof *v.withdrawal));
    for (uint64_t i = 0; i < MANY; i++) {
        /* All withdrawals of one capture, and all that is missing belongs to it. */
        v.missing[v.missings++] =
            (struct vdm_verify_missing){.capture = 1, .n = i + MANY / 2, .record = true};
        v.withdrawal[v.withdrawals++] =
            (struct vdm_verify_withdrawal){.capture = 1, .n = i, .record = true};
    }
    assert_true(vdm_verify_settle(&v, NULL));
    /* The last withdrawal is entry MANY - 1: what is missing from there on is not settled. */
    assert_int_equal(found(&report, VDM_RECORD_MISSING), MANY / 2 + 1);
    free(v.missing);
    free(v.withdrawal);
    vdm_report_release(&report);
}

/* What is missing of capture 1, and what its withdrawals at 4 and 6 account for. */
static void what_accounts(void **state)
{
    static const struct {
        uint64_t n;
        bool record;      /* its record is missing; else its document */
        bool first, last; /* the withdrawal is of the record; else of the document */
        uint64_t findings;
    } cases[] = {
        {1, true, false, true, 0}, {1, true, true, false, 0},  {1, true, false, false, 1},
        {1, false, true, true, 0}, {1, false, false, true, 0}, {5, true, true, false, 1},
        {5, true, false, true, 0}, {7, true, true, true, 1},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct vdm_report report;
        struct vdm_verify_missing missing = {
            .capture = 1, .n = cases[i].n, .record = cases[i].record, .document = !cases[i].record};
        struct vdm_verify_withdrawal list[] = {
            {.capture = 2, .n = 9, .record = true},
            {.capture = 1, .n = 4, .record = cases[i].first, .document = !cases[i].first},
            {.capture = 1, .n = 6, .record = cases[i].last, .document = !cases[i].last}};
        struct vdm_verify v = {.report = &report,
                               .missing = &missing,
                               .missings = 1,
                               .withdrawal = list,
                               .withdrawals = 3};
        vdm_report_init(&report);
        assert_true(vdm_verify_settle(&v, NULL));
        if (vdm_report_findings(&report) != cases[i].findings)
            fail_msg("case %zu", i);
        vdm_report_release(&report);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(doubts_and_amendments),
        cmocka_unit_test(what_vouches),
        cmocka_unit_test(missing_and_withdrawals),
        cmocka_unit_test(what_accounts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
