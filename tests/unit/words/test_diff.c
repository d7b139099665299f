/* SPDX-License-Identifier: MIT */
/* A script of changes makes one sequence of the other, and none is shorter. */
#include "words/diff.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MOST 40

/* Between hunks both sequences are the same, and hunks rise and do not touch. */
static uint32_t check(const uint32_t *a, uint32_t a_n, const uint32_t *b, uint32_t b_n,
                      const struct vdm_hunks *h)
{
    uint32_t x = 0, y = 0, changes = 0;
    for (size_t i = 0; i <= h->n; i++) {
        struct vdm_hunk one = i < h->n ? h->h[i] : (struct vdm_hunk){a_n, 0, b_n, 0};
        assert_true(one.a_at >= x && one.a_at - x == one.b_at - y);
        assert_true(i == 0 || i == h->n || one.a_at > x);
        for (; x < one.a_at; x++, y++)
            assert_int_equal(a[x], b[y]);
        x += one.a_n;
        y += one.b_n;
        changes += one.a_n + one.b_n;
        assert_true(i == h->n || one.a_n + one.b_n > 0);
    }
    assert_int_equal(x, a_n);
    assert_int_equal(y, b_n);
    return changes;
}

/* By the table that everybody knows. */
static uint32_t fewest(const uint32_t *a, uint32_t a_n, const uint32_t *b, uint32_t b_n)
{
    uint32_t t[MOST + 1][MOST + 1];
    for (uint32_t i = 0; i <= a_n; i++)
        for (uint32_t j = 0; j <= b_n; j++) {
            if (i == 0 || j == 0)
                t[i][j] = i + j;
            else if (a[i - 1] == b[j - 1])
                t[i][j] = t[i - 1][j - 1];
            else
                t[i][j] = 1 + (t[i - 1][j] < t[i][j - 1] ? t[i - 1][j] : t[i][j - 1]);
        }
    return t[a_n][b_n];
}

static void test_shortest(void **state)
{
    (void)state;
    uint32_t a[MOST], b[MOST], seed = 1;
    for (int round = 0; round < 3000; round++) {
        struct vdm_hunks h VDM_CLEANUP(vdm_hunks_release) = {0};
        uint32_t letters = 1 + (uint32_t)round % 6;
        uint32_t a_n = (seed = seed * 1103515245 + 12345) >> 16 & 31;
        uint32_t b_n = (seed = seed * 1103515245 + 12345) >> 16 & 31;
        for (uint32_t i = 0; i < a_n; i++)
            a[i] = ((seed = seed * 1103515245 + 12345) >> 16) % letters;
        for (uint32_t i = 0; i < b_n; i++)
            b[i] = ((seed = seed * 1103515245 + 12345) >> 16) % letters;
        assert_true(vdm_diff(&h, a, a_n, 0, b, b_n, 0, NULL));
        assert_int_equal(check(a, a_n, b, b_n, &h), fewest(a, a_n, b, b_n));
    }
}

/* Too many changes: what lies between the common ends is one. */
static void test_many(void **state)
{
    (void)state;
    enum { N = 3000 };
    static uint32_t a[N + 2], b[N + 2];
    struct vdm_hunks h VDM_CLEANUP(vdm_hunks_release) = {0};
    for (uint32_t i = 0; i < N + 2; i++) {
        a[i] = 2 * i;
        b[i] = 2 * i + 1;
    }
    b[0] = a[0];
    b[N + 1] = a[N + 1];
    b[N / 2] = a[N / 2];
    assert_true(vdm_diff(&h, a, N + 2, 7, b, N + 2, 9, NULL));
    assert_int_equal(h.n, 1);
    assert_int_equal(h.h[0].a_at, 8);
    assert_int_equal(h.h[0].b_at, 10);
    assert_int_equal(h.h[0].a_n, N);
    assert_int_equal(h.h[0].b_n, N);
    vdm_hunks_release(&h);
    assert_true(vdm_diff(&h, a, 900, 0, b, 900, 0, NULL)); /* few enough */
    check(a, 900, b, 900, &h);
    assert_int_equal(h.n, 1);
}

static void test_joined(void **state)
{
    (void)state;
    struct vdm_hunks h VDM_CLEANUP(vdm_hunks_release) = {0};
    assert_true(vdm_hunks_add(&h, (struct vdm_hunk){0, 0, 0, 0}, NULL));
    assert_int_equal(h.n, 0);
    assert_true(vdm_hunks_add(&h, (struct vdm_hunk){3, 1, 4, 0}, NULL));
    assert_true(vdm_hunks_add(&h, (struct vdm_hunk){4, 0, 4, 2}, NULL));
    assert_int_equal(h.n, 1);
    assert_memory_equal(&h.h[0], (&(struct vdm_hunk){3, 1, 4, 2}), sizeof h.h[0]);
    assert_true(vdm_hunks_add(&h, (struct vdm_hunk){5, 1, 7, 0}, NULL));
    assert_int_equal(h.n, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shortest),
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_joined),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
