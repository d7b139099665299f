/* SPDX-License-Identifier: MIT */
#include "format/value.h"

#include "base/limits.h"
#include "unit/format/fixture.h"

#define T(s)                                                                                       \
    {                                                                                              \
        (const uint8_t *)("" s), sizeof(s) - 1                                                     \
    }

static const struct {
    struct vdm_bytes value, escaped;
} pairs[] = {
    {T("plain"), T("plain")},
    {T("a  b"), T("a  b")},
    {T(" "), T("\\x20")},
    {T("  "), T("\\x20\\x20")},
    {T("   "), T("\\x20 \\x20")},
    {T(" x"), T("\\x20x")},
    {T("x "), T("x\\x20")},
    {T("\\"), T("\\\\")},
    {T("\\n"), T("\\\\n")},
    {T("\n\r\t"), T("\\n\\r\\t")},
    {T("\0\x01\x08\x0b\x1f"), T("\\x00\\x01\\x08\\x0b\\x1f")},
    {T("\x7f"), T("\\x7f")},
    {T("\xC2\x80\xC2\x9F"), T("\\xc2\\x80\\xc2\\x9f")},
    {T("\xC2\xA0"), T("\xC2\xA0")},
    {T("\xE2\x80\xA8\xE2\x80\xA9"), T("\\xe2\\x80\\xa8\\xe2\\x80\\xa9")},
    {T("\xE2\x80\xAE"), T("\xE2\x80\xAE")}, /* kept; escaped where it is shown */
    {T("\xEF\xBB\xBF"), T("\xEF\xBB\xBF")},
    {T("r\xE9sum\xE9"), T("r\\xe9sum\\xe9")},
    {T("\xC3"), T("\\xc3")},
    {T("\xE2\x82"), T("\\xe2\\x82")},
    {T("\xED\xA0\x80"), T("\\xed\\xa0\\x80")},
    {T("\xC0\x80"), T("\\xc0\\x80")},
    {T("\xF0\x9F\x98\x80"), T("\xF0\x9F\x98\x80")},
    {T("\xC3\xA9"), T("\xC3\xA9")},
    {T("e\xCC\x81"), T("e\xCC\x81")}, /* not normalised */
};

static void test_the_one_form(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        struct vdm_buf out VDM_CLEANUP(vdm_buf_release) = {0};
        struct vdm_buf back VDM_CLEANUP(vdm_buf_release) = {0};
        vdm_value_append(&out, pairs[i].value);
        assert_true(vdm_bytes_equal(vdm_buf_bytes(&out), pairs[i].escaped));
        assert_true(vdm_value_valid(pairs[i].escaped));
        vdm_value_decode(pairs[i].escaped, &back);
        assert_true(vdm_bytes_equal(vdm_buf_bytes(&back), pairs[i].value));
    }
}

static void test_other_forms_are_refused(void **state)
{
    (void)state;
    static const struct vdm_bytes bad[] = {
        {NULL, 0},       T(""),          T(" "),
        T(" x"),         T("x "),        T("\\"),
        T("x\\"),        T("\\x"),       T("\\x2"),
        T("\\x2g"),      T("\\X20"),     T("\\xE9"),
        T("\\x41"),      T("a\\x20b"),   T("\\x5c"),
        T("\\x0a"),      T("\\x0d"),     T("\\x09"),
        T("\\xc3\\xa9"), T("\\xc3\xA9"), T("\xC3\\xa9"),
        T("\\q"),        T("\\0"),       T("\\'"),
        T("\x7f"),       T("\xC2\x85"),  T("\xE2\x80\xA8"),
        T("a\nb"),       T("a\tb"),      T("a\0b"),
        T("\xFF"),       T("\xC3"),      T("\\N"),
        T("\\u0041"),    T("x\\x20y "),  T("\\\\\\"),
        T("\\x20x "),    T(" \\x20"),    T("\\xe2\x80\\xa8"),
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (vdm_value_valid(bad[i]))
            fail_msg("taken: number %zu", i);
}

/* Whatever the bytes are: one form, it is text of one line, and it stands for them. */
static void test_any_bytes(void **state)
{
    (void)state;
    uint32_t seed = 1;
    for (unsigned turn = 0; turn < 20000; turn++) {
        static const uint8_t likely[] = {' ',  '\\', 'x',  '2',  '0',  0xC2,
                                         0x85, 0xE2, 0x80, 0xA8, '\n', 'a'};
        uint8_t raw[12];
        size_t n = 1 + turn % sizeof raw;
        for (size_t i = 0; i < n; i++) {
            seed = seed * 1664525 + 1013904223;
            raw[i] = seed >> 31 ? likely[(seed >> 16) % sizeof likely] : (uint8_t)(seed >> 20);
        }
        struct vdm_buf out VDM_CLEANUP(vdm_buf_release) = {0};
        struct vdm_buf back VDM_CLEANUP(vdm_buf_release) = {0};
        vdm_value_append(&out, (struct vdm_bytes){raw, n});
        struct vdm_bytes escaped = vdm_buf_bytes(&out);
        assert_true(vdm_utf8_valid(escaped));
        for (size_t i = 0; i < escaped.n; i++)
            assert_true(escaped.p[i] >= 0x20 && escaped.p[i] != 0x7F);
        assert_true(vdm_value_valid(escaped));
        vdm_value_decode(escaped, &back);
        assert_true(vdm_bytes_equal(vdm_buf_bytes(&back), (struct vdm_bytes){raw, n}));
    }
}

static bool value_again(void *ctx, struct vdm_bytes text, struct vdm_buf *again)
{
    (void)ctx;
    struct vdm_buf meant VDM_CLEANUP(vdm_buf_release) = {0};
    if (!vdm_value_valid(text))
        return false;
    vdm_value_decode(text, &meant);
    vdm_value_append(again, vdm_buf_bytes(&meant));
    return true;
}

static void test_attacked_value(void **state)
{
    (void)state;
    attack(VDM_LIT("\\x20A \xC3\xA9 \\\\ \\xe2\\x80\\xa8 \\n \\xff\\x20"), value_again, NULL);
}

/* --- taking fields --- */

static void test_takers_move_only_on_success(void **state)
{
    (void)state;
    static const char *const words[] = {"full", "partial", NULL};
    static const char *const bad[] = {
        "",
        "n",
        "n ",
        "n \n",
        "n",
        "n\n",
        "m 5\n",
        "N 5\n",
        "n 5",
        "n  5\n",
        "n 5 \n",
        "n\t5\n",
        "n 05\n",
        "n x\n",
        "n full \n",
        "n fulll\n",
        "n Full\n",
        " n 5\n",
        "nn 5\n",
        "n 2020-02-30T00:00:00Z\n",
        "n sha256:00\n",
        "n sha512:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\n",
        "n sha256:E3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\n",
        "n sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b8550\n",
        "n 5 AAAA\n",
        "n 05 47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n",
        "n 5  47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n",
        "n 47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n",
        "n 5 47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU\n",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct vdm_bytes rest = vdm_str(bad[i]), at = rest;
        uint64_t number = 99;
        struct vdm_digest d = {{99}};
        struct vdm_time t = {99};
        int index = 99;
        assert_false(vdm_take_number(&rest, "n", &number));
        assert_false(vdm_take_digest(&rest, "n", &d));
        assert_false(vdm_take_time(&rest, "n", &t));
        assert_false(vdm_take_word(&rest, "n", words, &index));
        assert_false(vdm_take_tree(&rest, "n", &number, &d));
        assert_true(rest.p == at.p && rest.n == at.n);
        assert_true(number == 99 && t.seconds == 99 && index == 99 && d.b[0] == 99);
    }
}

static void test_what_is_put_is_taken(void **state)
{
    (void)state;
    static const char *const words[] = {"full", "partial", NULL};
    struct vdm_buf b VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_digest d = {{1, 2, 3}}, got = {{0}};
    struct vdm_time t = {1577934306}, time_got;
    uint64_t n;
    int index;
    vdm_put_number(&b, "n", VDM_NUMBER_MAX);
    vdm_put_digest(&b, "d", d);
    vdm_put_time(&b, "t", t);
    vdm_put_tree(&b, "tree", 17, d);
    vdm_put_field(&b, "mode", VDM_LIT("partial"));
    vdm_put_field(&b, "v", VDM_LIT("a\\n"));
    vdm_put_field(&b, "v", VDM_LIT("a\\q"));
    struct vdm_bytes rest = vdm_buf_bytes(&b), value;
    assert_false(vdm_take_number(&rest, "d", &n));
    assert_true(vdm_take_number(&rest, "n", &n) && n == VDM_NUMBER_MAX);
    assert_true(vdm_take_digest(&rest, "d", &got) && vdm_digest_equal(d, got));
    assert_true(vdm_take_time(&rest, "t", &time_got) && time_got.seconds == t.seconds);
    got = (struct vdm_digest){{0}};
    assert_true(vdm_take_tree(&rest, "tree", &n, &got) && n == 17 && vdm_digest_equal(d, got));
    assert_true(vdm_take_word(&rest, "mode", words, &index) && index == 1);
    assert_true(vdm_take_value(&rest, "v", &value) && vdm_bytes_equal_str(value, "a\\n"));
    assert_false(vdm_take_value(&rest, "v", &value));
    assert_true(vdm_take_field(&rest, "v", &value) && vdm_bytes_equal_str(value, "a\\q"));
    assert_int_equal(rest.n, 0);
}

static void test_same_bytes(void **state)
{
    (void)state;
    struct vdm_buf b VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_err err = {0};
    vdm_buf_puts(&b, "text");
    assert_true(vdm_same_bytes(&b, VDM_LIT("text"), "it", &err));
    assert_false(vdm_same_bytes(&b, VDM_LIT("text "), "it", &err));
    assert_int_equal(err.kind, VDM_ERR_MALFORMED);
    b.failed = true;
    assert_false(vdm_same_bytes(&b, VDM_LIT("text"), "it", &err));
    assert_int_equal(err.kind, VDM_ERR_FAILED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_one_form),
        cmocka_unit_test(test_other_forms_are_refused),
        cmocka_unit_test(test_any_bytes),
        cmocka_unit_test(test_attacked_value),
        cmocka_unit_test(test_takers_move_only_on_success),
        cmocka_unit_test(test_what_is_put_is_taken),
        cmocka_unit_test(test_same_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
