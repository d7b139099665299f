/* SPDX-License-Identifier: MIT */
/* Text in one form, and bytes of any encoding as text. tests/interop/test_text.py holds the same to a
 * second implementation, and here plain_slowly.h does. */
#include "base/text.h"
#include "plain_slowly.h"
#include "words/plain.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void expect(struct vdm_buf *got, const char *wanted)
{
    vdm_buf_putc(got, 0);
    assert_false(got->failed);
    assert_string_equal((const char *)got->p, wanted);
    vdm_buf_release(got);
}

static void plain(const char *text, const char *wanted)
{
    struct vdm_buf out = {0}, again = {0};
    assert_true(vdm_plain_append(&out, vdm_str(text), NULL));
    assert_true(vdm_plain_append(&again, vdm_buf_bytes(&out), NULL));
    assert_true(vdm_bytes_equal(vdm_buf_bytes(&out), vdm_buf_bytes(&again)));
    vdm_buf_release(&again);
    expect(&out, wanted);
}

static void test_one_form(void **state)
{
    (void)state;
    plain("", "");
    plain(" \n\t\r\n", "");
    plain("a", "a\n");
    plain(" a  b\t\n\n c\r\nd\re", "a b\nc\nd\ne\n");
    plain("a\u00a0\u3000b\u2028c\xc2\x85"
          "d\ve\ff",
          "a b\nc\nd\ne\nf\n");
    plain("so\u00adft\u200b\u2060\ufeff", "soft\n");
    plain("e\u0301 \u212b", "\u00e9 \u00c5\n");
    plain("e\u0301", "\u00e9\n"); /* two bytes are enough to need it */
    plain("a \n b", "a\nb\n");
    plain("a\n \u200b\nb", "a\nb\n");
    plain("a\u200d\u200eb", "a\u200d\u200eb\n"); /* these tell something */
}

/* --- quickly as slowly --- */

static void put_code(struct vdm_buf *b, uint32_t c)
{
    if (c < 0x80) {
        vdm_buf_putc(b, (char)c);
    } else if (c < 0x800) {
        vdm_buf_putc(b, (char)(0xC0 | c >> 6));
        vdm_buf_putc(b, (char)(0x80 | (c & 0x3F)));
    } else if (c < 0x10000) {
        vdm_buf_putc(b, (char)(0xE0 | c >> 12));
        vdm_buf_putc(b, (char)(0x80 | (c >> 6 & 0x3F)));
        vdm_buf_putc(b, (char)(0x80 | (c & 0x3F)));
    } else {
        vdm_buf_putc(b, (char)(0xF0 | c >> 18));
        vdm_buf_putc(b, (char)(0x80 | (c >> 12 & 0x3F)));
        vdm_buf_putc(b, (char)(0x80 | (c >> 6 & 0x3F)));
        vdm_buf_putc(b, (char)(0x80 | (c & 0x3F)));
    }
}

static void same_as_slowly(struct vdm_bytes text)
{
    struct vdm_buf quick = {0}, slow = {0}, bounded = {0};
    bool done;
    vdm_buf_putc(&quick, '<'); /* what stands before stays */
    vdm_buf_putc(&slow, '<');
    vdm_buf_putc(&bounded, '<');
    plain_slowly(&slow, text);
    assert_true(vdm_plain_append(&quick, text, NULL));
    assert_true(vdm_bytes_equal(vdm_buf_bytes(&quick), vdm_buf_bytes(&slow)));
    assert_true(vdm_plain_append_bounded(&bounded, text, &done, NULL));
    assert_true(done ? vdm_bytes_equal(vdm_buf_bytes(&bounded), vdm_buf_bytes(&slow))
                     : bounded.n == 1);
    vdm_buf_release(&quick);
    vdm_buf_release(&slow);
    vdm_buf_release(&bounded);
}

static uint32_t step(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + 1442695040888963407;
    return (uint32_t)(*state >> 33);
}

/* Every character (of planes without letters only some), between letters, spaces and lines. */
static void test_every_character(void **state)
{
    (void)state;
    struct vdm_buf text = {0};
    for (uint32_t c = 0; c <= 0x10FFFF; c += c < 0x3100 ? 1 : 13) {
        static const char around[] = "a \ne\tA";
        if (c >= 0xD800 && c <= 0xDFFF)
            continue;
        put_code(&text, c);
        vdm_buf_putc(&text, around[c % 7]);
        if (c % 11 == 0)
            put_code(&text, 0x301);
        if (text.n < 3000 && c + 13 <= 0x10FFFF)
            continue;
        same_as_slowly(vdm_buf_bytes(&text));
        vdm_buf_clear(&text);
    }
    vdm_buf_release(&text);
}

/* Every character far from any that is looked at closely, and before a mark that goes past other marks: what is
 * its own normal form, and apart from the one before, need not be looked at. */
static void test_far_apart(void **state)
{
    (void)state;
    struct vdm_buf text = {0};
    for (uint32_t c = 0x80; c <= 0xFFFF; c++) {
        if (c >= 0xD800 && c <= 0xDFFF)
            continue;
        vdm_buf_puts(&text, "letters enough a");
        put_code(&text, c);
        vdm_buf_puts(&text, "letters enough a");
        put_code(&text, c);
        put_code(&text, 0x323);
        if (text.n < 3000 && c < 0xFFFF)
            continue;
        same_as_slowly(vdm_buf_bytes(&text));
        vdm_buf_clear(&text);
    }
    vdm_buf_release(&text);
}

/* Eight bytes are looked at together: any three characters, at each place of eight, and each way to end. */
static void test_each_place(void **state)
{
    (void)state;
    static const uint32_t some[] = {'a', ' ',  '\n', '\t', '\r',   '\f',   '!',    0x05,
                                    0,   0xE9, 0xA0, 0xAD, 0x2019, 0x2028, 0x10400};
    const size_t kinds = sizeof some / sizeof *some;
    for (size_t i = 0; i < kinds * kinds * kinds; i++) {
        struct vdm_buf text = {0};
        for (size_t place = 0; place < 9; place++) {
            vdm_buf_clear(&text);
            vdm_buf_put(&text, (struct vdm_bytes){(const uint8_t *)"abc efgh ", place});
            put_code(&text, some[i % kinds]);
            put_code(&text, some[i / kinds % kinds]);
            put_code(&text, some[i / kinds / kinds]);
            same_as_slowly(vdm_buf_bytes(&text));
            vdm_buf_puts(&text, "ij lmnop r tuvwxyz"); /* more than two eights */
            for (size_t end = 0; end < 9; end++, text.n--)
                same_as_slowly(vdm_buf_bytes(&text));
        }
        vdm_buf_release(&text);
    }
}

/* Characters that do something to each other, in any order. */
static void test_random(void **state)
{
    (void)state;
    static const uint32_t some[] = {
        'a',    'b',    'e',    '.',     ' ',     ' ',    ' ',    '\n',   '\n',   '\r',
        '\t',   '\v',   0,      0x7F,    0xE9,    0xA0,   0x85,   0xAD,   0x300,  0x301,
        0x323,  0x327,  0x345,  0x390,   0x3B1,   0x410,  0x627,  0x653,  0x64E,  0x1100,
        0x1161, 0x11A8, 0xAC00, 0x1680,  0x17B4,  0x1E9B, 0x2000, 0x200B, 0x200D, 0x2019,
        0x2028, 0x2060, 0x212B, 0x226E,  0x338,   0x3000, 0x30AB, 0x3099, 0x4E00, 0xF900,
        0xFB2C, 0xFEFF, 0xFF21, 0x1D15E, 0x1D165, 0x1F600};
    uint64_t seed = 1;
    for (int i = 0; i < 400; i++) {
        struct vdm_buf text = {0};
        uint32_t length = step(&seed) % 1200, letters = step(&seed) % 8;
        while (text.n < length)
            put_code(&text, step(&seed) % 8 < letters
                                ? 'a' + step(&seed) % 26
                                : some[step(&seed) % (sizeof some / sizeof *some)]);
        same_as_slowly(vdm_buf_bytes(&text));
        vdm_buf_release(&text);
    }
}

/* Around the length of a piece; and more marks than one may hold: those are left to who has the time. */
static void test_many_marks(void **state)
{
    (void)state;
    for (size_t marks = 0; marks < 600; marks++) {
        struct vdm_buf text = {0}, out = {0};
        bool done;
        vdm_buf_puts(&text, "a word e");
        for (size_t i = 0; i < marks; i++)
            put_code(&text, i % 2 ? 0x301 : 0x323);
        vdm_buf_puts(&text, " and more");
        same_as_slowly(vdm_buf_bytes(&text));
        assert_true(vdm_plain_append_bounded(&out, vdm_buf_bytes(&text), &done, NULL));
        assert_true(marks <= 200 ? done : marks < 256 || !done);
        vdm_buf_release(&text);
        vdm_buf_release(&out);
    }
}

static void decodes(struct vdm_bytes bytes, const char *encoding, const char *wanted)
{
    struct vdm_buf out = {0};
    assert_true(vdm_plain_decode(&out, bytes, vdm_str(encoding), NULL));
    assert_true(vdm_utf8_valid(vdm_buf_bytes(&out)));
    expect(&out, wanted);
}

static void test_encodings(void **state)
{
    (void)state;
    decodes(VDM_LIT("caf\xc3\xa9"), "", "caf\u00e9");
    decodes(VDM_LIT("caf\xe9 \x80 \x81"), "", "caf\u00e9 \u20ac \xc2\x81");
    decodes(VDM_LIT("caf\xe9"), "UTF-8", "caf\u00e9"); /* the page is wrong about itself */
    decodes(VDM_LIT("caf\xc3\xa9"), "latin1", "caf\u00c3\u00a9");
    decodes(VDM_LIT("caf\xc3\xa9"), "utf-16le", "caf\u00e9");
    decodes(VDM_LIT("\xef\xbb\xbfx\xc3\xa9"), "windows-1251", "x\u00e9");
    decodes(VDM_LIT("\xff\xfe"
                    "a\0\x27\x06\0\xd8"),
            "", "a\u0627\ufffd");
    decodes(VDM_LIT("\xfe\xff\0a\x06\x27"), "", "a\u0627");
    decodes(VDM_LIT("\xc7\xcc"), "Windows-1256", "\u0627\u062c");
    decodes(VDM_LIT("\xc7\xcc"), "no-such-encoding", "\u00c7\u00cc");
    decodes(VDM_LIT(""), "windows-1256", "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_form),   cmocka_unit_test(test_every_character),
        cmocka_unit_test(test_each_place), cmocka_unit_test(test_far_apart),
        cmocka_unit_test(test_random),     cmocka_unit_test(test_many_marks),
        cmocka_unit_test(test_encodings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
