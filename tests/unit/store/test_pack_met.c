/* SPDX-License-Identifier: MIT */
/* The runs of what was met, beside a table that says it of every member. */
#include "store/pack_met.h"
#include "store/store_packs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PACKS   3
#define MEMBERS 6000 /* of a pack */

static struct vdm_store_met *met;
static uint64_t at[MEMBERS + 1]; /* of each member, in each pack */
static bool is_met[PACKS][MEMBERS];

static int start(void **state)
{
    (void)state;
    for (size_t i = 0; i < MEMBERS; i++)
        at[i + 1] = at[i] + vdm_pack_span((uint64_t)(i * 7919 % 5000));
    memset(is_met, 0, sizeof is_met);
    return vdm_store_met_open(&met, NULL) ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    vdm_store_met_close(met);
    return 0;
}

static void add(unsigned pack, size_t i)
{
    vdm_pack_met_add(met, pack, at[i], at[i + 1] - at[i]);
    is_met[pack][i] = true;
}

/* From member to member, as the packs are read; inside of them nothing is said. The result: those that were met and are
 * read again. */
static size_t compare(void)
{
    size_t lost = 0, next;
    for (unsigned p = 0; p < PACKS; p++) {
        for (size_t i = 0; i < MEMBERS; i = next) {
            uint64_t past = vdm_pack_met_past(met, p, at[i]);
            assert_int_equal(vdm_pack_met_past(met, p, at[i] + 1), at[i] + 1);
            next = i + 1;
            if (!is_met[p][i] || past == at[i]) {
                assert_int_equal(past, at[i]);
                lost += is_met[p][i];
                continue;
            }
            while (next < MEMBERS && is_met[p][next] && at[next] < past)
                next++;
            assert_int_equal(past, at[next]);
        }
    }
    return lost;
}

static void in_any_order(void **state)
{
    (void)state;
    uint32_t r = 1;
    assert_int_equal(compare(), 0);
    for (size_t i = 0; i < 2u * PACKS * MEMBERS; i++) {
        r = r * 1103515245 + 12345;
        size_t k = (r >> 16) % (PACKS * 3000); /* with what was met before */
        add((unsigned)(k / 3000), k % 3000);
        if (i % 4001 == 0)
            assert_int_equal(compare(), 0);
    }
    assert_int_equal(compare(), 0);
}

/* From the middle outwards, and over gaps that are filled at the end: one run is left. */
static void grow_together(void **state)
{
    (void)state;
    for (size_t i = 0; i < MEMBERS / 2; i++) {
        add(1, MEMBERS / 2 + i);
        add(1, MEMBERS / 2 - 1 - i);
    }
    for (size_t i = 0; i < MEMBERS; i += 2)
        add(2, i);
    assert_int_equal(compare(), 0);
    for (size_t i = 1; i < MEMBERS; i += 2)
        add(2, i);
    assert_int_equal(compare(), 0);
    assert_int_equal(vdm_pack_met_past(met, 1, 0), at[MEMBERS]);
    assert_int_equal(vdm_pack_met_past(met, 2, 0), at[MEMBERS]);
}

/* No more runs than there is room for; those that are there still grow. */
static void too_many(void **state)
{
    (void)state;
    for (size_t i = 0; i < MEMBERS; i += 2) {
        add(0, i);
        add(2, i);
    }
    assert_int_equal(compare(), MEMBERS - VDM_PACK_RUNS_MAX);
    add(0, 1);
    assert_int_equal(vdm_pack_met_past(met, 0, 0), at[3]);
    assert_int_equal(compare(), MEMBERS - VDM_PACK_RUNS_MAX);
}

/* What a forged index leads to in the middle of a member, and which reaches over others, hides none of them, whichever of
 * them is met first. */
static void forged(void **state)
{
    (void)state;
    for (unsigned order = 0; order < 6; order++) {
        unsigned pack = order % PACKS;
        uint64_t middle = at[11] + 512 + (order < 3 ? 0 : 1024);
        vdm_store_met_close(met);
        assert_true(vdm_store_met_open(&met, NULL));
        memset(is_met, 0, sizeof is_met);
        if (order % 2)
            vdm_pack_met_add(met, pack, middle, at[13] + 512 - middle);
        add(pack, 10);
        add(pack, 11);
        if (order % 2 == 0)
            vdm_pack_met_add(met, pack, middle, at[13] + 512 - middle);
        add(pack, 9);
        assert_int_equal(vdm_pack_met_past(met, pack, at[9]), at[12]);
        assert_int_equal(vdm_pack_met_past(met, pack, at[12]), at[12]);
        assert_int_equal(vdm_pack_met_past(met, pack, at[13]), at[13]);
    }
}

/* Up to where a pack may reach, which is where the next begins. */
static void at_the_end_of_a_pack(void **state)
{
    (void)state;
    vdm_pack_met_add(met, 1, VDM_PACK_MOST - 512, 512);
    vdm_pack_met_add(met, 2, 0, 512);
    assert_true(vdm_pack_met_past(met, 1, VDM_PACK_MOST - 512) >= VDM_PACK_MOST);
    assert_int_equal(vdm_pack_met_past(met, 2, 0), 512);
    assert_int_equal(vdm_pack_met_past(met, 1, 0), 0);
    assert_int_equal(vdm_pack_met_past(met, 2, 512), 512);
    assert_int_equal(vdm_pack_met_past(NULL, 2, 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(in_any_order, start, end),
        cmocka_unit_test_setup_teardown(grow_together, start, end),
        cmocka_unit_test_setup_teardown(too_many, start, end),
        cmocka_unit_test_setup_teardown(forged, start, end),
        cmocka_unit_test_setup_teardown(at_the_end_of_a_pack, start, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
