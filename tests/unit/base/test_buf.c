/* SPDX-License-Identifier: MIT */
#include "base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_compare_orders_unsigned_bytes(void **state)
{
    (void)state;
    /* Rising: each is before all that follow. */
    const struct vdm_bytes sorted[] = {
        {NULL, 0},        VDM_LIT("\0"),    VDM_LIT("\0\0"), VDM_LIT("a"),
        VDM_LIT("a\x7f"), VDM_LIT("a\x80"), VDM_LIT("b"),    VDM_LIT("\xff"),
    };
    size_t n = sizeof sorted / sizeof *sorted;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++) {
            int order = vdm_bytes_compare(sorted[i], sorted[j]);
            assert_int_equal((order > 0) - (order < 0), (i > j) - (i < j));
            assert_int_equal(vdm_bytes_equal(sorted[i], sorted[j]), i == j);
        }
}

static void test_bytes_pieces(void **state)
{
    (void)state;
    struct vdm_bytes s = VDM_LIT("capture"), none = {NULL, 0};
    assert_true(vdm_bytes_start_with(s, VDM_LIT("cap")));
    assert_true(vdm_bytes_start_with(s, none));
    assert_true(vdm_bytes_start_with(s, s));
    assert_false(vdm_bytes_start_with(s, VDM_LIT("captures")));
    assert_false(vdm_bytes_start_with(none, s));
    assert_true(vdm_bytes_equal_str(s, "capture"));
    assert_false(vdm_bytes_equal_str(s, "captur"));
    assert_true(vdm_bytes_equal_str(none, ""));
    assert_true(vdm_bytes_equal_str(vdm_bytes_skip(s, 3), "ture"));
    assert_ptr_equal(vdm_bytes_skip(s, 99).p, s.p + s.n);
    assert_int_equal(vdm_bytes_skip(s, 99).n, 0);
    assert_int_equal(vdm_bytes_skip(none, 5).n, 0);
    uint8_t taken[4] = {0};
    assert_int_equal(vdm_bytes_take(&s, taken, sizeof taken), 4);
    assert_memory_equal(taken, "capt", 4);
    assert_int_equal(vdm_bytes_take(&s, taken, sizeof taken), 3);
    assert_memory_equal(taken, "uret", 4);
    assert_int_equal(vdm_bytes_take(&s, taken, sizeof taken), 0);
    assert_int_equal(vdm_bytes_take(&none, taken, sizeof taken), 0);
    assert_int_equal(VDM_LIT("a\0b").n, 3);
    assert_int_equal(vdm_str("a\0b").n, 1);
}

static void test_appending(void **state)
{
    (void)state;
    struct vdm_buf b VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_err err;
    vdm_buf_put(&b, (struct vdm_bytes){NULL, 0});
    vdm_buf_putc(&b, 0);
    vdm_buf_puts(&b, "ab");
    vdm_buf_put(&b, VDM_LIT("\0c"));
    vdm_buf_putf(&b, "%d-%s", 42, "x");
    assert_true(vdm_buf_ok(&b, &err));
    assert_true(vdm_bytes_equal(vdm_buf_bytes(&b), VDM_LIT("\0ab\0c42-x")));
    struct vdm_buf numbers VDM_CLEANUP(vdm_buf_release) = {0};
    static const uint64_t number[] = {0, 9, 10, 18446744073709551615u};
    for (size_t i = 0; i < 4; i++)
        vdm_buf_putn(&numbers, number[i]), vdm_buf_putc(&numbers, ' ');
    assert_true(vdm_bytes_equal_str(vdm_buf_bytes(&numbers), "0 9 10 18446744073709551615 "));
    uint8_t *room = vdm_buf_grow(&b, 3);
    assert_non_null(room);
    memcpy(room, "end", 3);
    assert_true(vdm_bytes_equal(vdm_buf_bytes(&b), VDM_LIT("\0ab\0c42-xend")));
    vdm_buf_clear(&b);
    assert_int_equal(b.n, 0);
    assert_true(b.cap > 0);
}

static void test_growing_keeps_the_bytes(void **state)
{
    (void)state;
    struct vdm_buf b VDM_CLEANUP(vdm_buf_release) = {0};
    for (unsigned i = 0; i < 100000; i++)
        vdm_buf_putc(&b, (char)(i * 7));
    assert_int_equal(b.n, 100000);
    for (unsigned i = 0; i < 100000; i++)
        assert_int_equal(b.p[i], (uint8_t)(i * 7));
    /* putf at each fill level: its NUL needs a byte behind the end. */
    for (size_t n = 0; n < 300; n++) {
        struct vdm_buf f VDM_CLEANUP(vdm_buf_release) = {0};
        vdm_buf_putf(&f, "%*s", (int)n, "");
        vdm_buf_putf(&f, "%s", "tail");
        assert_int_equal(f.n, n + 4);
        assert_memory_equal(f.p + n, "tail", 4);
    }
}

static void test_no_memory_shows_once_at_the_end(void **state)
{
    (void)state;
    struct vdm_buf b VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_err err = {0};
    vdm_buf_puts(&b, "kept");
    assert_null(vdm_buf_grow(&b, SIZE_MAX - 2));
    assert_null(vdm_buf_grow(&b, SIZE_MAX));
    vdm_buf_puts(&b, "no");
    vdm_buf_putc(&b, 'n');
    vdm_buf_putf(&b, "%d", 1);
    assert_null(vdm_buf_grow(&b, 1));
    assert_true(vdm_bytes_equal_str(vdm_buf_bytes(&b), "kept"));
    assert_false(vdm_buf_ok(&b, &err));
    assert_string_equal(err.text, "out of memory");
    vdm_buf_clear(&b);
    vdm_buf_puts(&b, "new");
    assert_true(vdm_buf_ok(&b, &err));
    vdm_buf_release(&b);
    assert_null(b.p);
    assert_int_equal(b.cap, 0);
}

static void test_dup_ends_with_nul(void **state)
{
    (void)state;
    char *s VDM_CLEANUP(vdm_free_string) = vdm_bytes_dup(VDM_LIT("name"));
    char *empty VDM_CLEANUP(vdm_free_string) = vdm_bytes_dup((struct vdm_bytes){NULL, 0});
    assert_string_equal(s, "name");
    assert_string_equal(empty, "");
    vdm_free_string(&s);
    assert_null(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_compare_orders_unsigned_bytes),
        cmocka_unit_test(test_bytes_pieces),
        cmocka_unit_test(test_appending),
        cmocka_unit_test(test_growing_keeps_the_bytes),
        cmocka_unit_test(test_no_memory_shows_once_at_the_end),
        cmocka_unit_test(test_dup_ends_with_nul),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
