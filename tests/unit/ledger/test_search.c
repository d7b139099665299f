/* SPDX-License-Identifier: MIT */
/* Entries that begin with some bytes: the next one, the last one, how many; in a ledger of more rows than one search
 * goes through. */
#include "unit/ledger/ledger_kit.h"

#define ENTRIES 40010
#define MARK    VDM_LIT("vidimus/mark/")

static const uint64_t marked[] = {3, 7, 20003, 40005};

static bool is_marked(uint64_t n)
{
    for (size_t i = 0; i < sizeof marked / sizeof *marked; i++)
        if (marked[i] == n)
            return true;
    return false;
}

static int set_up(void **state)
{
    empty_setup(state);
    struct kit *k = *state;
    MUST(vdm_ledger_begin(k->l, &k->err));
    for (uint64_t n = 0; n < ENTRIES; n++)
        MUST(vdm_ledger_put_entry(k->l, n,
                                  is_marked(n)           ? VDM_LIT("vidimus/mark/v1\n")
                                  : n == 5 || n == 30000 ? VDM_LIT("vidimus/other/v1\n")
                                                         : VDM_LIT("vidimus/mar"),
                                  &k->err));
    MUST(vdm_ledger_commit(k->l, ENTRIES, VDM_LIT("checkpoint"), &k->err));
    kit_reopen(k, VDM_LEDGER_READ);
    return 0;
}

#define NONE UINT64_MAX

static void next(struct kit *k, uint64_t from, uint64_t to, uint64_t want)
{
    uint64_t n = NONE;
    bool found = true;
    MUST(vdm_ledger_next(k->l, MARK, from, to, &n, &found, &k->err));
    assert_int_equal(n, want);
    assert_int_equal(found, want != NONE);
}

static void the_next(void **state)
{
    struct kit *k = *state;
    next(k, 0, ENTRIES, 3);
    next(k, 3, ENTRIES, 3);
    next(k, 4, 7, NONE);
    next(k, 4, 8, 7);
    next(k, 7, 7, NONE);
    next(k, 8, 3, NONE);
    next(k, 8, ENTRIES, 20003);
    next(k, 20004, ENTRIES, 40005);
    next(k, 20005, 40005, NONE);
    next(k, 40006, ENTRIES, NONE);
    next(k, ENTRIES, 3 * ENTRIES, NONE);
}

static void next_of_two(struct kit *k, uint64_t from, uint64_t to, uint64_t want)
{
    const struct vdm_bytes two[] = {MARK, VDM_LIT("vidimus/other/")};
    for (unsigned i = 0; i < 2; i++) {
        uint64_t n = NONE;
        bool found = true;
        MUST(vdm_ledger_next_of_two(k->l, two[i], two[!i], from, to, &n, &found, &k->err));
        assert_int_equal(n, want);
        assert_int_equal(found, want != NONE);
    }
}

static void the_next_of_two(void **state)
{
    struct kit *k = *state;
    next_of_two(k, 0, ENTRIES, 3);
    next_of_two(k, 4, ENTRIES, 5);
    next_of_two(k, 5, 6, 5);
    next_of_two(k, 6, ENTRIES, 7);
    next_of_two(k, 20004, ENTRIES, 30000);
    next_of_two(k, 30001, ENTRIES, 40005);
    next_of_two(k, 30001, 40005, NONE);
}

static void last(struct kit *k, uint64_t before, uint64_t want)
{
    uint64_t n = NONE;
    bool found = true;
    MUST(vdm_ledger_last(k->l, MARK, before, &n, &found, &k->err));
    assert_int_equal(n, want);
    assert_int_equal(found, want != NONE);
}

static void the_last(void **state)
{
    struct kit *k = *state;
    last(k, ENTRIES, 40005);
    last(k, 40006, 40005);
    last(k, 40005, 20003);
    last(k, 20003, 7);
    last(k, 8, 7);
    last(k, 7, 3);
    last(k, 3, NONE);
    last(k, 0, NONE);
}

static void counted(struct kit *k, uint64_t from, uint64_t to, uint64_t want)
{
    uint64_t n = NONE;
    MUST(vdm_ledger_count(k->l, MARK, from, to, &n, &k->err));
    assert_int_equal(n, want);
}

/* Numbers at which there is nothing are no work. */
static void of_no_rows(void **state)
{
    struct kit *k = *state;
    const uint64_t beyond = UINT64_C(1) << 62;
    next(k, 40006, beyond, NONE);
    next(k, 20005, beyond, 40005);
    next_of_two(k, 40006, beyond, NONE);
    last(k, beyond, 40005);
    counted(k, 20004, beyond, 1);
    counted(k, ENTRIES, beyond, 0);
    struct vdm_ledger_slice s = {0};
    MUST(vdm_ledger_read_slice(k->l, ENTRIES - 1, beyond, &s, &k->err));
    assert_int_equal(s.to, ENTRIES + 999);
    MUST(vdm_ledger_read_slice(k->l, s.to, beyond, &s, &k->err));
    assert_int_equal(s.to, beyond);
    vdm_ledger_slice_release(&s);
}

static void how_many(void **state)
{
    struct kit *k = *state;
    counted(k, 0, ENTRIES, 4);
    counted(k, 3, 40005, 3);
    counted(k, 4, 20004, 2);
    counted(k, 8, 20003, 0);
    counted(k, 7, 7, 0);
    counted(k, 8, 3, 0);
}

static int count_run(unsigned kind, void *ctx, void *statement, void *text)
{
    (void)kind;
    (void)statement;
    (void)text;
    ++*(unsigned *)ctx;
    return 0;
}

/* So that nobody who commits waits for the whole of it. */
static void in_steps(void **state)
{
    struct kit *k = *state;
    unsigned runs = 0;
    sqlite3_trace_v2(k->l->db, SQLITE_TRACE_STMT, count_run, &runs);
    counted(k, 8, 20008, 1);
    assert_int_equal(runs, 2);
    counted(k, 8, 20009, 1);
    assert_int_equal(runs, 6);
    next(k, 8, ENTRIES, 20003);
    assert_int_equal(runs, 8);
    last(k, 40005, 20003);
    assert_int_equal(runs, 12);
    last(k, 3, NONE);
    assert_int_equal(runs, 14);
    sqlite3_trace_v2(k->l->db, 0, NULL, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_next), cmocka_unit_test(the_next_of_two), cmocka_unit_test(the_last),
        cmocka_unit_test(how_many), cmocka_unit_test(of_no_rows),      cmocka_unit_test(in_steps),
    };
    return cmocka_run_group_tests(tests, set_up, kit_teardown);
}
