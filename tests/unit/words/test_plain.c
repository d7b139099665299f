/* SPDX-License-Identifier: MIT */
/* Text in one form, and bytes of any encoding as text. tests/interop/test_text.py holds the same to a
 * second implementation. */
#include "base/text.h"
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
        cmocka_unit_test(test_one_form),
        cmocka_unit_test(test_encodings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
