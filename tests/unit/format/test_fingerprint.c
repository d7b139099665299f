/* SPDX-License-Identifier: MIT */
#include "format/fingerprint.h"

#include "unit/format/fixture.h"

#define HEX  "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define NAME "text-fingerprint: sha256:"
#define GOOD NAME HEX " 17 plain/1"
#define TEN  "abcdefghij"

static void test_there_and_back(void **state)
{
    static const char *const good[] = {
        GOOD,
        NAME HEX " 0 x",
        NAME HEX " 9007199254740991 html/1 gumbo/0.10.1",
        NAME HEX " 1 !~",
        NAME HEX " 1 a b c",
        NAME HEX " 1 " TEN TEN TEN TEN TEN TEN "abcd",
    };
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct vdm_fingerprint f;
        struct vdm_buf again VDM_CLEANUP(vdm_buf_release) = {0};
        assert_true(vdm_fingerprint_named(vdm_str(good[i])));
        if (!vdm_fingerprint_decode(vdm_str(good[i]), &f))
            fail_msg("refused: %s", good[i]);
        vdm_fingerprint_append(&again, &f);
        assert_true(vdm_bytes_equal_str(vdm_buf_bytes(&again), good[i]));
    }
}

static void test_refused(void **state)
{
    static const char *const bad[] = {
        "",
        "text-fingerprint:",
        "text-fingerprint: sha512:" HEX " 17 plain/1",
        "text-fingerprint:  sha256:" HEX " 17 plain/1",
        "other-fingerprint: sha256:" HEX " 17 plain/1",
        NAME HEX,
        NAME HEX " 17",
        NAME HEX " 17 ",
        NAME HEX "  17 plain/1",
        NAME HEX "0 17 plain/1",
        NAME "E3B0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 17 plain/1",
        NAME HEX " 017 plain/1",
        NAME HEX " -1 plain/1",
        NAME HEX " 9007199254740992 plain/1",
        NAME HEX " 17  plain/1",
        NAME HEX " 17 plain/1 ",
        NAME HEX " 17 a  b",
        NAME HEX " 17 a\\b",
        NAME HEX " 17 a\x1f",
        NAME HEX " 17 a\x7f",
        NAME HEX " 17 caf\xc3\xa9",
        NAME HEX " 17 " TEN TEN TEN TEN TEN TEN "abcde",
    };
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct vdm_fingerprint f;
        if (vdm_fingerprint_decode(vdm_str(bad[i]), &f))
            fail_msg("taken: %s", bad[i]);
    }
    /* Beginning like one is enough to have the name; the name with nothing after it is not. */
    assert_true(vdm_fingerprint_named(VDM_LIT("text-fingerprint:x")));
    assert_false(vdm_fingerprint_named(VDM_LIT("text-fingerprint")));
    assert_false(vdm_fingerprint_named(VDM_LIT("text: x")));
}

/* Each must stop where the extractor does, not read what lies behind. */
static void test_nothing_behind(void **state)
{
    struct vdm_fingerprint f;
    (void)state;
    assert_true(
        vdm_fingerprint_decode((struct vdm_bytes){(const uint8_t *)GOOD "\n", strlen(GOOD)}, &f));
    assert_true(vdm_bytes_equal_str(f.extractor, "plain/1"));
    assert_int_equal(f.bytes, 17);
}

static bool of_record(const char *const *field, size_t n, struct vdm_fingerprint *f)
{
    static const uint8_t secret[32];
    struct vdm_buf text VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_record_line line[4];
    struct vdm_record r;
    struct vdm_err err;
    for (size_t i = 0; i < n; i++)
        line[i] = (struct vdm_record_line){VDM_FIELD_FIELD, vdm_str(field[i])};
    assert_true(vdm_record_append(&text, secret, (struct vdm_digest){{0}}, 3, line, n, NULL, &err));
    assert_true(vdm_record_decode(vdm_buf_bytes(&text), &r, &err));
    bool found = vdm_record_fingerprint(&r, f);
    f->extractor = (struct vdm_bytes){0}; /* borrowed from the text */
    return found;
}

static void test_of_a_record(void **state)
{
    const char *const one[] = {"before: x", GOOD, "after: y"}, *const none[] = {"before: x"},
                      *const two[] = {GOOD, "between: x", GOOD},
                      *const bad[] = {"text-fingerprint: x"},
                      *const bad_then_good[] = {"text-fingerprint: x", GOOD},
                      *const good_then_bad[] = {GOOD, "text-fingerprint: x"};
    struct vdm_fingerprint f = {0};
    (void)state;
    assert_true(of_record(one, 3, &f));
    assert_int_equal(f.bytes, 17);
    assert_false(of_record(none, 1, &f));
    assert_false(of_record(none, 0, &f));
    assert_false(of_record(two, 3, &f));
    assert_false(of_record(bad, 1, &f));
    assert_false(of_record(bad_then_good, 2, &f));
    assert_false(of_record(good_then_bad, 2, &f));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_there_and_back),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_nothing_behind),
        cmocka_unit_test(test_of_a_record),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
