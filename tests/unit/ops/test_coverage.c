/* SPDX-License-Identifier: MIT */
/* Coverage against a table with one place for each entry, which cannot be wrong. */
#include "ops/coverage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SIZE  300
#define TURNS 2000

struct table {
    uint64_t seen[SIZE * 2];
    uint64_t size;
};

static void must_be_same(const struct vdm_coverage *c, const struct table *t)
{
    uint64_t at = 0;
    for (size_t i = 0; i < c->n; i++) {
        assert_int_equal(c->span[i].from, at);
        assert_true(c->span[i].from < c->span[i].to);
        for (; at < c->span[i].to; at++) {
            assert_true(t->seen[at] == c->span[i].seen);
            assert_true(vdm_coverage_seen(c, at) == t->seen[at]);
        }
    }
    assert_int_equal(at, t->size);
    assert_true(vdm_coverage_seen(c, t->size) == VDM_NEVER);
}

static void test_against_a_table(void **state)
{
    (void)state;
    struct vdm_coverage c VDM_CLEANUP(vdm_coverage_release) = {0};
    static struct table t;
    unsigned chance = 5;
    for (unsigned turn = 0; turn < TURNS; turn++) {
        chance = chance * 1103515245u + 12345u;
        uint64_t from = (chance >> 8) % SIZE, to = from + (chance >> 20) % 60;
        if (turn % 7 == 0 && t.size < SIZE * 2 - 10) {
            memset(t.seen + t.size, 0xff, 9 * sizeof *t.seen);
            t.size += turn % 9;
            assert_true(vdm_coverage_grow(&c, t.size, NULL));
        }
        assert_true(vdm_coverage_mark(&c, from, to, turn, NULL));
        for (uint64_t n = from; n < to && n < t.size; n++)
            t.seen[n] = turn;
        must_be_same(&c, &t);
    }
    assert_int_equal(t.size > SIZE, 1);
}

/* What was seen longest ago comes first; what no audit saw counts from where it stands. */
static void test_order(void **state)
{
    (void)state;
    struct vdm_coverage c VDM_CLEANUP(vdm_coverage_release) = {0};
    assert_true(vdm_coverage_grow(&c, 100, NULL));
    assert_true(vdm_coverage_mark(&c, 0, 30, 100, NULL));
    assert_true(vdm_coverage_grow(&c, 200, NULL));
    assert_true(vdm_coverage_mark(&c, 30, 60, 150, NULL));
    struct vdm_span *s = vdm_coverage_by_age(&c, NULL);
    static const uint64_t from[] = {60, 0, 100, 30};
    assert_int_equal(c.n, 4);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(s[i].from, from[i]);
    free(s);
}

static void test_ranges(void **state)
{
    (void)state;
    struct vdm_bytes rest = VDM_LIT("0,5-9,100");
    uint64_t from, to;
    assert_true(vdm_ranges_next(&rest, &from, &to) && from == 0 && to == 1);
    assert_true(vdm_ranges_next(&rest, &from, &to) && from == 5 && to == 10);
    assert_true(vdm_ranges_next(&rest, &from, &to) && from == 100 && to == 101);
    assert_false(vdm_ranges_next(&rest, &from, &to));
    rest = VDM_LIT("x");
    assert_false(vdm_ranges_next(&rest, &from, &to));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_against_a_table),
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_ranges),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
