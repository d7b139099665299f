/* SPDX-License-Identifier: MIT */
#include "base/list.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

struct pair {
    uint64_t key, value;
};

static void grows_and_keeps(void **state)
{
    struct pair *list = NULL;
    size_t cap = 0;
    (void)state;
    for (uint64_t n = 0; n < 1000; n++) {
        assert_true(vdm_list_grow(&list, n, &cap, sizeof *list, NULL));
        assert_true(cap > n);
        list[n] = (struct pair){n, n * n};
    }
    for (uint64_t n = 0; n < 1000; n++)
        assert_true(list[n].key == n && list[n].value == n * n);
    free(list);
}

static void more_than_there_is(void **state)
{
    struct vdm_err err = {0};
    struct pair *list = NULL;
    size_t cap = SIZE_MAX / 2 + 1;
    (void)state;
    assert_false(vdm_list_grow(&list, cap, &cap, sizeof *list, &err));
    assert_true(vdm_err_is_memory(&err));
    assert_null(list);
}

/* Every set of the numbers 0 to 11, in order, searched for every number. */
static void finds_the_place(void **state)
{
    (void)state;
    for (unsigned set = 0; set < 1U << 12; set++) {
        struct pair list[12];
        size_t n = 0;
        for (uint64_t bit = 0; bit < 12; bit++)
            if (set >> bit & 1)
                list[n++] = (struct pair){bit, 0};
        for (uint64_t wanted = 0; wanted <= 12; wanted++) {
            size_t before = 0;
            while (before < n && list[before].key < wanted)
                before++;
            assert_int_equal(vdm_list_place(list, n, sizeof *list, &wanted, vdm_list_by_number),
                             before);
        }
    }
}

static void the_first_of_equals(void **state)
{
    const uint64_t list[] = {1, 5, 5, 5, UINT64_MAX, UINT64_MAX}, five = 5, most = UINT64_MAX;
    (void)state;
    assert_int_equal(vdm_list_place(list, 6, sizeof *list, &five, vdm_list_by_number), 1);
    assert_int_equal(vdm_list_place(list, 6, sizeof *list, &most, vdm_list_by_number), 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grows_and_keeps),
        cmocka_unit_test(more_than_there_is),
        cmocka_unit_test(finds_the_place),
        cmocka_unit_test(the_first_of_equals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
