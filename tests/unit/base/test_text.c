/* SPDX-License-Identifier: MIT */
#include "base/text.h"

#include "base/limits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* A UTF-8 writer of our own, so that the reader is not tested against itself. */
static size_t utf8_write(uint32_t u, uint8_t *p)
{
    size_t n = u < 0x80 ? 1 : u < 0x800 ? 2 : u < 0x10000 ? 3 : 4;
    for (size_t i = n; i-- > 1; u >>= 6)
        p[i] = (uint8_t)(0x80 | (u & 0x3F));
    static const uint8_t lead[5] = {0, 0, 0xC0, 0xE0, 0xF0};
    p[0] = (uint8_t)(lead[n] | u);
    return n;
}

static void test_utf8_takes_every_character(void **state)
{
    (void)state;
    uint8_t p[8];
    uint32_t code;
    for (uint32_t u = 0; u <= 0x10FFFF; u++) {
        size_t n = utf8_write(u, p);
        bool surrogate = u >= 0xD800 && u <= 0xDFFF;
        code = 0xFFFFFFFF;
        assert_int_equal(vdm_utf8_next((struct vdm_bytes){p, n}, &code), surrogate ? 0 : n);
        assert_int_equal(code, surrogate ? 0xFFFFFFFF : u);
        /* Cut off anywhere, it is none. */
        for (size_t cut = 0; cut < n; cut++)
            assert_int_equal(vdm_utf8_next((struct vdm_bytes){p, cut}, &code), 0);
    }
}

static void test_utf8_refuses(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "\x80",
        "\xBF",
        "\xC0\x80",
        "\xC0\xAF",
        "\xC1\xBF",
        "\xE0\x80\x80",
        "\xE0\x9F\xBF",
        "\xF0\x80\x80\x80",
        "\xF0\x8F\xBF\xBF",
        "\xED\xA0\x80",
        "\xED\xBF\xBF",
        "\xF4\x90\x80\x80",
        "\xF5\x80\x80\x80",
        "\xF7\xBF\xBF\xBF",
        "\xF8\x88\x80\x80",
        "\xFC\x84\x80\x80",
        "\xFE",
        "\xFF",
        "\xC2",
        "\xC2\x41",
        "\xE2\x82",
        "\xE2\x28\xA1",
        "\xE2\x82\x28",
        "\xF0\x28\x8C\xBC",
        "\xF0\x90\x28\xBC",
        "\xF0\x28\x8C\x28",
        "\xE2\x82\xC3",
        "\xF0\x9F\x98",
    };
    uint32_t code = 7;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(vdm_utf8_next(vdm_str(bad[i]), &code), 0);
        assert_false(vdm_utf8_valid(vdm_str(bad[i])));
    }
    assert_int_equal(code, 7);
    assert_true(vdm_utf8_valid((struct vdm_bytes){NULL, 0}));
    assert_true(vdm_utf8_valid(VDM_LIT("na\xC3\xAFve \xE2\x82\xAC \xF0\x9F\x98\x80\0 end")));
    assert_false(vdm_utf8_valid(VDM_LIT("fine until here \xE2\x82")));
}

/* Plain text is passed over in strides: what is no character must be seen anywhere in and behind them. */
static void test_utf8_sees_each_byte_of_a_text(void **state)
{
    (void)state;
    enum { MOST = 40 };
    char s[MOST + 4];
    for (size_t n = 1; n <= MOST; n++)
        for (size_t at = 0; at < n; at++)
            for (unsigned c = 0; c < 256; c++) {
                memset(s, 'a', n);
                s[at] = (char)c;
                assert_int_equal(vdm_utf8_valid((struct vdm_bytes){(uint8_t *)s, n}), c < 0x80);
                memset(s, 'a', n + 1);
                memcpy(s + at, "\xC3\xA9", 2); /* an e with an accent, cut off and whole */
                assert_int_equal(vdm_utf8_valid((struct vdm_bytes){(uint8_t *)s, n}), at + 1 < n);
                assert_true(vdm_utf8_valid((struct vdm_bytes){(uint8_t *)s, n + 1}));
            }
    assert_true(vdm_utf8_valid((struct vdm_bytes){NULL, 0}));
}

static void test_hex_takes_its_digits_only(void **state)
{
    (void)state;
    char text[8];
    uint8_t out[4];
    for (size_t at = 0; at < sizeof text; at++)
        for (unsigned c = 0; c < 256; c++) {
            memset(text, '0', sizeof text);
            text[at] = (char)c;
            bool digit = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
            bool taken = vdm_hex_decode((struct vdm_bytes){(uint8_t *)text, 8}, out, 4);
            assert_int_equal(taken, digit);
            unsigned value = c <= '9' ? c - '0' : c - 'a' + 10;
            if (taken)
                assert_int_equal(out[at / 2], at % 2 ? value : value << 4);
        }
}

static void test_hex(void **state)
{
    (void)state;
    uint8_t all[256], back[256];
    char text[513];
    for (unsigned i = 0; i < 256; i++)
        all[i] = (uint8_t)i;
    vdm_hex_encode(all, sizeof all, text);
    assert_int_equal(strlen(text), 512);
    assert_memory_equal(text + 2 * 0x1F, "1f", 2);
    assert_memory_equal(text + 2 * 0xA0, "a0", 2);
    assert_true(vdm_hex_decode(vdm_str(text), back, sizeof back));
    assert_memory_equal(all, back, sizeof all);

    static const char *const bad[] = {"0",  "000", "0A", "A0", "0g",      "g0",
                                      " 0", "0 ",  "+1", "0x", "\xC3\xA9"};
    uint8_t b = 99;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(vdm_hex_decode(vdm_str(bad[i]), &b, 1));
    assert_false(vdm_hex_decode(VDM_LIT("0000"), &b, 1));
    assert_false(vdm_hex_decode(VDM_LIT("0\0"), &b, 1));
    assert_int_equal(b, 99);
    assert_true(vdm_hex_decode(VDM_LIT("ff"), &b, 1));
    assert_int_equal(b, 0xFF);
    assert_true(vdm_hex_decode(VDM_LIT(""), NULL, 0));
}

static void test_numbers(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t value;
    } good[] = {{"0", 0},
                {"1", 1},
                {"9", 9},
                {"10", 10},
                {"65535", 65535},
                {"4294967296", UINT64_C(4294967296)},
                {"9007199254740991", VDM_NUMBER_MAX}};
    static const char *const bad[] = {"",
                                      "00",
                                      "01",
                                      "+1",
                                      "-1",
                                      "-0",
                                      " 1",
                                      "1 ",
                                      "1.",
                                      "1e3",
                                      "0x1",
                                      "1,0",
                                      "\xD9\xA1",
                                      "a",
                                      "1a",
                                      "9007199254740992",
                                      "9999999999999999",
                                      "10000000000000000",
                                      "18446744073709551616",
                                      "18446744073709551617",
                                      "99999999999999999999",
                                      "00000000000000000001"};
    uint64_t value;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_true(vdm_number_decode(vdm_str(good[i].text), &value));
        assert_true(value == good[i].value);
    }
    value = 77;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(vdm_number_decode(vdm_str(bad[i]), &value));
    assert_false(vdm_number_decode(VDM_LIT("1\0"), &value));
    assert_int_equal(value, 77);
}

static void test_cutting(void **state)
{
    (void)state;
    struct vdm_bytes rest = VDM_LIT("one\n\ntwo"), line, none = {NULL, 0};
    assert_true(vdm_cut_line(&rest, &line));
    assert_true(vdm_bytes_equal_str(line, "one"));
    assert_true(vdm_cut_line(&rest, &line));
    assert_int_equal(line.n, 0);
    assert_false(vdm_cut_line(&rest, &line));
    assert_true(vdm_bytes_equal_str(rest, "two"));
    assert_false(vdm_cut(&none, ' ', &line));
    rest = VDM_LIT("k\0v\0");
    assert_true(vdm_cut(&rest, 0, &line));
    assert_true(vdm_cut(&rest, 0, &line));
    assert_true(vdm_bytes_equal_str(line, "v"));
    assert_int_equal(rest.n, 0);
}

/* --- what a person reads --- */

/* Braces alone: a constant. */
#define T(s)                                                                                       \
    {                                                                                              \
        (const uint8_t *)("" s), sizeof(s) - 1                                                     \
    }

static const struct vdm_bytes hostile[] = {
    T("\0"),
    T("nul \0 inside"),
    T("\a\b\t\n\v\f\r"),
    T("line\r\nbreak"),
    T("\x1b[31mred\x1b[0m"),
    T("\x1b]0;window title\a"),
    T("\x1b]8;;http://example.org\x1b\\link\x1b]8;;\x1b\\"),
    T("\x1b[2J\x1b[H"),
    T("\x1bP$q\"p\x1b\\"),
    T("\x1b[6n"),
    T("\x7f\x7f\x7f"),
    T("\xC2\x80"),
    T("\xC2\x9B"
      "31m C1 introducer"),
    T("\xC2\x85 next line"),
    T("\xC2\x9D"
      "0;title\xC2\x9C"),
    T("\x9B"
      "31m raw C1"),
    T("\x85"),
    T("soft\xC2\xADhyphen"),
    T("\xD8\x9C arabic letter mark"),
    T("\xE1\xA0\x8E vowel separator"),
    T("zero\xE2\x80\x8Bwidth"),
    T("zero\xE2\x80\x8Cwidth"),
    T("zero\xE2\x80\x8Dwidth"),
    T("\xE2\x80\x8E mark"),
    T("\xE2\x80\x8F mark"),
    T("\xE2\x80\xA8 line separator"),
    T("\xE2\x80\xA9 paragraph separator"),
    T("\xE2\x80\xAA embedding"),
    T("\xE2\x80\xAB embedding"),
    T("\xE2\x80\xAC pop"),
    T("\xE2\x80\xAD override"),
    T("invoice\xE2\x80\xAEgpj.exe"),
    T("\xE2\x81\xA0 joiner"),
    T("\xE2\x81\xA1 function application"),
    T("\xE2\x81\xA4 invisible plus"),
    T("\xE2\x81\xA6 isolate"),
    T("\xE2\x81\xA7 isolate"),
    T("\xE2\x81\xA8 isolate"),
    T("\xE2\x81\xA9 pop"),
    T("\xE2\x81\xAA old"),
    T("\xE2\x81\xAF old"),
    T("\xEF\xBB\xBF byte order mark"),
    T("\xEF\xBF\xB9 annotation \xEF\xBF\xBB"),
    T("\xF3\xA0\x80\x81 tag"),
    T("\xF3\xA0\x81\xA1\xF3\xA0\x81\xBF tags"),
    T("\xC0\xAF overlong"),
    T("\xE0\x80\xAF"),
    T("\xED\xA0\x80 surrogate"),
    T("\xF4\x90\x80\x80"),
    T("\xFF\xFE"),
    T("cut \xE2\x80"),
    T("cut \xF0\x9F\x98"),
    T("\xC2"),
    T("latin r\xE9sum\xE9"),
    T("\\x41 is not A"),
    T("\\"),
    T("\\\\x1b"),
    T("back\\slash \\n"),
    T("\xE2\x1b[0m\x80\x8B"),
    T("\xC2\x1b"),
    T("good \xD8\xA8\xD9\x8A\xD8\xA7\xD9\x86 \xE5\xA3\xB0\xE6\x98\x8E \xF0\x9F\x98\x80"),
};

/* The one thing an escape may be read as. Fails on anything else, so a stray backslash is seen. */
static void unescape(struct vdm_bytes s, struct vdm_buf *out)
{
    uint8_t byte;
    while (s.n) {
        if (s.p[0] != '\\') {
            vdm_buf_putc(out, (char)s.p[0]);
            s = vdm_bytes_skip(s, 1);
            continue;
        }
        assert_true(s.n >= 2);
        if (s.p[1] == '\\') {
            vdm_buf_putc(out, '\\');
            s = vdm_bytes_skip(s, 2);
            continue;
        }
        assert_true(s.n >= 4 && s.p[1] == 'x');
        assert_true(vdm_hex_decode((struct vdm_bytes){s.p + 2, 2}, &byte, 1));
        vdm_buf_putc(out, (char)byte);
        s = vdm_bytes_skip(s, 4);
    }
}

/* What may stand on a terminal, said anew: no control, nothing that is invisible or turns text. */
static bool harmless(uint32_t u)
{
    static const uint32_t not_these[][2] = {
        {0, 0x1F},        {0x7F, 0x9F},       {0xAD, 0xAD},     {0x61C, 0x61C},   {0x180E, 0x180E},
        {0x200B, 0x200F}, {0x2028, 0x202E},   {0x2060, 0x206F}, {0xFEFF, 0xFEFF}, {0xFFF9, 0xFFFB},
        {0xD800, 0xDFFF}, {0xE0000, 0xE0FFF}, {0x34F, 0x34F},   {0x115F, 0x1160}, {0x17B4, 0x17B5},
        {0x3164, 0x3164}, {0xFFA0, 0xFFA0},
    };
    for (size_t i = 0; i < sizeof not_these / sizeof *not_these; i++)
        if (u >= not_these[i][0] && u <= not_these[i][1])
            return false;
    return true;
}

static void check_printable(struct vdm_bytes title)
{
    struct vdm_buf shown VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_buf back VDM_CLEANUP(vdm_buf_release) = {0};
    vdm_printable_append(&shown, title);
    uint32_t code;
    size_t n;
    for (struct vdm_bytes s = vdm_buf_bytes(&shown); s.n; s = vdm_bytes_skip(s, n)) {
        n = vdm_utf8_next(s, &code);
        assert_int_not_equal(n, 0);
        assert_true(harmless(code));
    }
    unescape(vdm_buf_bytes(&shown), &back);
    assert_true(vdm_bytes_equal(vdm_buf_bytes(&back), title));
}

static void test_hostile_titles_are_harmless_and_recoverable(void **state)
{
    (void)state;
    assert_true(sizeof hostile / sizeof *hostile >= 60);
    for (size_t i = 0; i < sizeof hostile / sizeof *hostile; i++)
        check_printable(hostile[i]);
    /* Every pair of bytes. */
    for (unsigned i = 0; i < 65536; i++) {
        const uint8_t pair[2] = {(uint8_t)(i >> 8), (uint8_t)i};
        check_printable((struct vdm_bytes){pair, 2});
    }
}

static void test_unprintable_is_exactly_that(void **state)
{
    (void)state;
    for (uint32_t u = 0; u <= 0x10FFFF; u++)
        if (u < 0xD800 || u > 0xDFFF)
            assert_int_equal(vdm_is_unprintable(u), !harmless(u));
}

static void test_good_text_stands_as_it_is(void **state)
{
    (void)state;
    struct vdm_buf shown VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_bytes text =
        VDM_LIT("Kr\xC3\xB6te: \xE2\x80\x9Cquoted\xE2\x80\x9D <b>&'\" \xD8\xA8");
    vdm_printable_append(&shown, text);
    assert_true(vdm_bytes_equal(vdm_buf_bytes(&shown), text));
    vdm_buf_clear(&shown);
    vdm_printable_append(&shown, VDM_LIT("a\x1b\\\xE2\x80\xAE"));
    assert_true(vdm_bytes_equal_str(vdm_buf_bytes(&shown), "a\\x1b\\\\\\xe2\\x80\\xae"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_utf8_takes_every_character),
        cmocka_unit_test(test_utf8_refuses),
        cmocka_unit_test(test_utf8_sees_each_byte_of_a_text),
        cmocka_unit_test(test_hex_takes_its_digits_only),
        cmocka_unit_test(test_hex),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_cutting),
        cmocka_unit_test(test_hostile_titles_are_harmless_and_recoverable),
        cmocka_unit_test(test_unprintable_is_exactly_that),
        cmocka_unit_test(test_good_text_stands_as_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
