/* SPDX-License-Identifier: MIT */
/* Two texts word by word: what goes and what comes, wherever lines are broken. */
#include "words/compare.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct vdm_text_words words_of(const char *text)
{
    struct vdm_text_words w = {0};
    struct vdm_buf b = {0};
    vdm_buf_puts(&b, text);
    assert_true(vdm_text_words_split(&w, &b, NULL));
    assert_int_equal(b.n, 0);
    return w;
}

static void put_side(struct vdm_buf *out, const struct vdm_text_words *t, uint32_t at, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        vdm_buf_putc(out, ' ');
        vdm_buf_put(out, vdm_text_word(t, at + i));
    }
}

/* `- what went + what came` for each place. */
static void compares(const char *a, const char *b, const char *wanted)
{
    struct vdm_text_words wa VDM_CLEANUP(vdm_text_words_release) = words_of(a);
    struct vdm_text_words wb VDM_CLEANUP(vdm_text_words_release) = words_of(b);
    struct vdm_hunks h VDM_CLEANUP(vdm_hunks_release) = {0};
    struct vdm_buf out VDM_CLEANUP(vdm_buf_release) = {0};
    assert_true(vdm_text_words_compare(&h, &wa, &wb, NULL));
    for (size_t i = 0; i < h.n; i++) {
        vdm_buf_puts(&out, i ? " -" : "-");
        put_side(&out, &wa, h.h[i].a_at, h.h[i].a_n);
        vdm_buf_puts(&out, " +");
        put_side(&out, &wb, h.h[i].b_at, h.h[i].b_n);
    }
    vdm_buf_putc(&out, 0);
    assert_false(out.failed);
    assert_string_equal((const char *)out.p, wanted);
}

static void test_split(void **state)
{
    (void)state;
    struct vdm_text_words w VDM_CLEANUP(vdm_text_words_release) = words_of("one two\nthree\n");
    assert_int_equal(w.words, 3);
    assert_true(w.word[0].first && !w.word[1].first && w.word[2].first);
    assert_true(vdm_bytes_equal_str(vdm_text_word(&w, 2), "three"));
    struct vdm_text_words open VDM_CLEANUP(vdm_text_words_release) = words_of("no");
    assert_int_equal(open.words, 1); /* whoever extracted it may not end its last line */
    struct vdm_text_words none VDM_CLEANUP(vdm_text_words_release) = words_of("");
    assert_int_equal(none.words, 0);
}

/* Scripts without spaces: a word is a character with its marks, and what stands between such. */
static void test_without_spaces(void **state)
{
    (void)state;
    struct vdm_text_words w VDM_CLEANUP(vdm_text_words_release) =
        words_of("\xE5\x85\xAB\xE6\x9C\x88 7a\xE6\x9C\x88.\nb\n"); /* two of Han */
    static const char *const words[] = {
        "\xE5\x85\xAB", "\xE6\x9C\x88", "7a", "\xE6\x9C\x88", ".", "b"};
    static const bool joined[] = {false, true, false, true, true, false};
    assert_int_equal(w.words, 6);
    for (uint32_t i = 0; i < w.words; i++) {
        assert_true(vdm_bytes_equal_str(vdm_text_word(&w, i), words[i]));
        assert_int_equal(vdm_text_word_is_joined(&w, i), joined[i]);
        assert_int_equal(w.word[i].first, i == 0 || i == 5);
    }
    struct vdm_text_words thai VDM_CLEANUP(vdm_text_words_release) =
        words_of("\xE0\xB8\x81\xE0\xB8\xB3\xE0\xB8\x99\xE0\xB8\xB1\n");
    assert_int_equal(thai.words, 3); /* the last with a vowel above it */
    struct vdm_text_words broken VDM_CLEANUP(vdm_text_words_release) =
        words_of("a\xE6\xFF\x80 b\n");
    assert_int_equal(broken.words, 2);
    compares("\xE5\x85\xAB\xE6\x9C\x88\n", "\xE4\xB9\x9D\xE6\x9C\x88\n",
             "- \xE5\x85\xAB + \xE4\xB9\x9D");
}

static void test_words(void **state)
{
    (void)state;
    compares("", "", "");
    compares("a\n", "", "- a +");
    compares("", "a b\n", "- + a b");
    compares("a b c\n", "a b c\n", "");
    compares("a b c\n", "a x c\n", "- b + x");
    compares("a b\nc\n", "a\nb c\n", ""); /* other lines, same words */
    compares("one\na b c d\ntwo\n", "one\na c d e\ntwo\n", "- b + - + e");
    compares("one\ntwo\nthree\n", "one\nthree\n", "- two +");
    compares("one\nthree\n", "zero\none\ntwo\nthree\nfour\n", "- + zero - + two - + four");
    compares("a\n", "a\na\n", "- + a");
    compares("x y\nsame\np q\n", "x z\nsame\nr q\n", "- y + z - p + r");
}

/* Much that changed ends soon, and what is the same before and behind it is found. */
static void test_long(void **state)
{
    (void)state;
    struct vdm_buf a = {0}, b = {0};
    struct vdm_text_words wa VDM_CLEANUP(vdm_text_words_release) = {0};
    struct vdm_text_words wb VDM_CLEANUP(vdm_text_words_release) = {0};
    struct vdm_hunks h VDM_CLEANUP(vdm_hunks_release) = {0};
    vdm_buf_puts(&a, "head\n");
    vdm_buf_puts(&b, "head\n");
    for (int i = 0; i < 60000; i++) {
        vdm_buf_putf(&a, "a%d%c", i, i % 10 ? ' ' : '\n');
        vdm_buf_putf(&b, "b%d%c", i, i % 10 ? ' ' : '\n');
    }
    vdm_buf_puts(&a, "\ntail\n");
    vdm_buf_puts(&b, "\ntail\n");
    assert_true(vdm_text_words_split(&wa, &a, NULL) && vdm_text_words_split(&wb, &b, NULL));
    assert_true(vdm_text_words_compare(&h, &wa, &wb, NULL));
    assert_int_equal(h.n, 1);
    assert_int_equal(h.h[0].a_at, 1);
    assert_int_equal(h.h[0].a_n, 60000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_split),
        cmocka_unit_test(test_without_spaces),
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
