/* SPDX-License-Identifier: MIT */
#include "base/err.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_layers_read_as_one_sentence(void **state)
{
    (void)state;
    struct vdm_err err = {0};
    errno = ENOSPC;
    assert_false(vdm_fail_errno(&err, "write %d", 7));
    assert_false(vdm_err_prefix(&err, "store"));
    assert_false(vdm_err_prefix(&err, "import %s", "deed.pdf"));
    assert_string_equal(err.text, "import deed.pdf: store: write 7: No space left on device");
    assert_int_equal(err.kind, VDM_ERR_FAILED);
}

static void test_prefix_keeps_the_kind(void **state)
{
    (void)state;
    struct vdm_err err = {0};
    assert_false(vdm_fail_as(&err, VDM_ERR_MALFORMED, "bad"));
    assert_false(vdm_err_prefix(&err, "entry %d", 3));
    assert_int_equal(err.kind, VDM_ERR_MALFORMED);
    assert_false(vdm_fail(&err, "again"));
    assert_int_equal(err.kind, VDM_ERR_FAILED);
    assert_string_equal(err.text, "again");
    assert_false(vdm_fail_memory(&err));
    assert_string_equal(err.text, "out of memory");
}

static void test_long_texts_are_cut_and_ended(void **state)
{
    (void)state;
    char text[3000];
    struct vdm_err err;
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = 0;
    memset(&err, 'y', sizeof err);
    assert_false(vdm_fail(&err, "%s", text));
    assert_int_equal(strlen(err.text), sizeof err.text - 1);
    assert_false(vdm_err_prefix(&err, "%s", text));
    assert_int_equal(strlen(err.text), sizeof err.text - 1);
    assert_false(vdm_err_prefix(&err, "front"));
    assert_memory_equal(err.text, "front: xxx", 10);
    errno = EIO;
    assert_false(vdm_fail_errno(&err, "%s", text));
    assert_int_equal(strlen(err.text), sizeof err.text - 1);
}

static void test_nobody_needs_to_listen(void **state)
{
    (void)state;
    assert_false(vdm_fail(NULL, "x"));
    assert_false(vdm_fail_as(NULL, VDM_ERR_USAGE, "x"));
    assert_false(vdm_fail_errno(NULL, "x"));
    assert_false(vdm_fail_memory(NULL));
    assert_false(vdm_err_prefix(NULL, "x"));
}

static void test_memory_is_known_again(void **state)
{
    (void)state;
    struct vdm_err err = {0};
    assert_false(vdm_err_is_memory(&err));
    assert_false(vdm_fail_memory(&err));
    assert_int_equal(err.kind, VDM_ERR_FAILED);
    assert_true(vdm_err_is_memory(&err));
    vdm_err_prefix(&err, "bundle.tar");
    assert_true(vdm_err_is_memory(&err));
    vdm_fail(&err, "out of memory is what the file says");
    assert_false(vdm_err_is_memory(&err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_memory_is_known_again),
        cmocka_unit_test(test_layers_read_as_one_sentence),
        cmocka_unit_test(test_prefix_keeps_the_kind),
        cmocka_unit_test(test_long_texts_are_cut_and_ended),
        cmocka_unit_test(test_nobody_needs_to_listen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
