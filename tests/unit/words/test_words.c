/* SPDX-License-Identifier: MIT */
/* What a reader takes for the same word folds alike, in each script that is promised; what is another
 * word does not. */
#include "words/words.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void folds(const char *text, const char *words)
{
    struct vdm_buf out VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_err err = {0};
    if (!vdm_words_append(&out, vdm_str(text), &err))
        fail_msg("%s: %s", text, err.text);
    vdm_buf_putc(&out, 0);
    assert_true(vdm_buf_ok(&out, &err));
    assert_string_equal((const char *)out.p, words);
}

static void test_latin_greek_cyrillic(void **state)
{
    (void)state;
    folds("The Council met.", "the council met");
    folds("  --  ", "");
    folds("", "");
    folds("Crème brûlée", "creme brulee");
    folds("cre\u0300me", "creme"); /* decomposed */
    folds("STRASSE Straße", "strasse strasse");
    folds("No. 12/2019", "no 12 2019");
    folds("https://council.example/r/12", "https council example r 12");
    folds("ΑΘΗΝΑ Αθήνα", "αθηνα αθηνα");
    folds("ОТЧЁТ отчет", "отчет отчет");
    folds("ＡＢＣ ﬁn ²", "abc fin 2"); /* compatibility forms */
    folds("it’s a\u00ADb", "it s ab"); /* a soft hyphen is no end of a word */
    folds("a\u200Bb", "ab");
}

static void test_arabic_hebrew(void **state)
{
    (void)state;
    folds("المجلسُ", "المجلس");
    folds("إعادة افتتاح", "اعاده افتتاح");
    folds("أحمد احمد آحمد", "احمد احمد احمد");
    folds("الـمـجـلـس", "المجلس"); /* drawn out */
    folds("مستشفى مستشفي", "مستشفي مستشفي");
    folds("کتاب كتاب", "كتاب كتاب");
    folds("١٤٤١ ۱۴۴۱", "١٤٤١ ۱۴۴۱");
    folds("שָׁלוֹם", "שלום");
}

static void test_scripts_without_spaces(void **state)
{
    (void)state;
    folds("委员会", "委 员 会");
    folds("第12号公告", "第 12 号 公 告");
    folds("东京 Tokyo東京", "东 京 tokyo 東 京");
    folds("がか", "が か"); /* another sound is another word */
    folds("ガ", "ガ");
    folds("한국어 문서", "한국어 문서"); /* Korean writes spaces */
    folds("สภา", "ส ภ า");
    folds("नमस्ते", "नमसत");
}

static void test_goes_on_and_parts(void **state)
{
    (void)state;
    struct vdm_buf out VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_err err;
    assert_true(vdm_words_append(&out, VDM_LIT("one two"), &err));
    assert_true(vdm_words_append(&out, VDM_LIT("..."), &err));
    assert_true(vdm_words_append(&out, VDM_LIT("three"), &err));
    assert_true(vdm_bytes_equal_str(vdm_buf_bytes(&out), "one two three"));
    folds("good\xff\xfe"
          "bad \xc3",
          "good bad");
    folds("\xed\xa0\x80x", "x"); /* a surrogate */
    folds("a\uE000b", "a b");    /* private use is no letter */
    folds("😀 smile", "smile");
}

static void test_long_text(void **state)
{
    (void)state;
    size_t n = 65535;
    char *text = malloc(n + 1);
    assert_non_null(text);
    for (size_t i = 0; i < n; i++)
        text[i] = i % 2 ? ' ' : 'A';
    text[n] = 0;
    struct vdm_buf out VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_err err;
    assert_true(vdm_words_append(&out, vdm_str(text), &err));
    assert_int_equal(out.n, n);
    free(text);
    /* One character that becomes eighteen. */
    folds("\uFDFA", "صلي الله عليه وسلم");
}

/* ASCII goes another way; that it comes out the same is seen beside a letter that is none. */
static void test_ascii_as_the_rest(void **state)
{
    (void)state;
    uint32_t random = 1;
    for (int i = 0; i < 5000; i++) {
        char text[40], with[60], words[60];
        struct vdm_buf out VDM_CLEANUP(vdm_buf_release) = {0};
        struct vdm_err err = {0};
        size_t n = 0;
        while (n < sizeof text - 1 && ((random = random * 1664525 + 1013904223) >> 28 || n == 0))
            text[n++] =
                (char)(random >> 16 & 1 ? 1 + (random >> 20) % 127 : 'A' + (random >> 20) % 58);
        text[n] = 0;
        snprintf(with, sizeof with, "%s \u00DF", text);
        assert_true(vdm_words_append(&out, vdm_str(text), &err));
        snprintf(words, sizeof words, "%.*s%sss", (int)out.n, (const char *)out.p,
                 out.n ? " " : "");
        folds(with, words);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_latin_greek_cyrillic),
        cmocka_unit_test(test_arabic_hebrew),
        cmocka_unit_test(test_scripts_without_spaces),
        cmocka_unit_test(test_goes_on_and_parts),
        cmocka_unit_test(test_long_text),
        cmocka_unit_test(test_ascii_as_the_rest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
