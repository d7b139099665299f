/* SPDX-License-Identifier: MIT */
/* What is told without libmagic is what libmagic would say; what is not evidently text or a page is left
 * to it. */
#include "unit/capture/scratch.h"

#include "capture/plain.h"

#include <magic.h>

#define PROSE "The council met on Thursday, and the hall was full. "

static magic_t cookie;

static int setup(void **state)
{
    (void)state;
    cookie = magic_open(MAGIC_MIME_TYPE);
    return cookie && magic_load(cookie, NULL) == 0 ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    magic_close(cookie);
    return 0;
}

static void expect(struct vdm_bytes head, const char *wanted)
{
    const char *found = vdm_plain_type(head);
    if (!wanted != !found || (wanted && strcmp(found, wanted) != 0))
        fail_msg("%.*s: %s", (int)head.n, (const char *)head.p, found ? found : "not told");
    if (wanted)
        assert_string_equal(magic_buffer(cookie, head.p, head.n), wanted);
}

static void test_prose(void **state)
{
    (void)state;
    expect(VDM_LIT(PROSE), "text/plain");
    expect(VDM_LIT(PROSE "\r\n\r\nIt rained.\r\n"), "text/plain");
    expect(VDM_LIT("\"We were full\", said the mayor. She left at 9:30 for the (old) hall.\n"),
           "text/plain");
    expect(VDM_LIT("\xd8\xa7\xd8\xac\xd8\xaa\xd9\x85\xd8\xb9 \xd8\xa7\xd9\x84\xd9\x85\xd8\xac "
                   "\xd9\x81\xd9\x8a \xd9\x8a\xd9\x88\xd9\x85 \xd8\xa7\xd9\x84\xd8\xae.\n"),
           "text/plain");
    expect(VDM_LIT(PROSE "See https://council.example/notices/4 or write to a@b.example.\n"),
           "text/plain");
}

static void test_pages(void **state)
{
    (void)state;
    expect(VDM_LIT("<!DOCTYPE html>\n<html></html>\n"), "text/html");
    expect(VDM_LIT("<!doctype HTML PUBLIC \"-//W3C//DTD HTML 4.01//EN\">\n<html>\n"), "text/html");
    expect(VDM_LIT("<!doctype html"), NULL);
    expect(VDM_LIT("<!doctype htmlx>"), NULL);
    expect(VDM_LIT("<!doctype html>\n<p>\x01"), NULL);
    expect(VDM_LIT("<?xml version=\"1.0\"?>\n<!DOCTYPE html>\n"), NULL);
    expect(VDM_LIT("<html><body>x</body></html>"), NULL);
}

/* Each of these libmagic knows better. */
static void test_left_to_libmagic(void **state)
{
    static const char *const texts[] = {
        "From: a@b.example\nTo: c@d.example\nSubject: hello\n\n" PROSE,
        "Received: from here by there\n\n" PROSE,
        "BEGIN:VCARD\nVERSION:3.0\nFN:A. B.\nEND:VCARD\n" PROSE,
        "name,year,place\nana,1990,the old hall.\nbob,1991,the new hall. \n",
        ".TH VIDIMUS 1\n.SH NAME\n" PROSE,
        "#!/bin/sh\n# " PROSE,
        "{\\rtf1 " PROSE "}",
        "{\"title\": \"" PROSE "\"}",
        "-----BEGIN CERTIFICATE-----\n" PROSE,
        "%PDF-1.4\n" PROSE,
        "P2\n# made by hand. It has a few grey points.\n24 7\n15\n",
        "int main(void) { return 0; } /* a b c d. */\n",
        "x = {1: 2}\nfor i in x: print(i). \n",
        "1 2 3 4 5 6 7 8. 9 10 11 12 13 14. ",
        "solid a\n facet normal 0.0 0.5 0.5\n  outer loop\n   vertex 1.0 2.0 3.5\n",
        "",
    };
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        expect(vdm_str(texts[i]), NULL);
    expect(VDM_LIT(PROSE "\0" PROSE), NULL);
    expect(VDM_LIT(PROSE "\x01"), NULL);
    expect(VDM_LIT(PROSE "\xff\xfe"), NULL);
    expect(VDM_LIT(PROSE "\xe9t\xe9"), NULL); /* Latin-1 */
}

/* What is looked at ends anywhere in a character; what follows does not count. */
static void test_cut(void **state)
{
    uint8_t text[VDM_PLAIN_LOOK_BYTES + 8];
    (void)state;
    for (size_t shift = 0; shift < 4; shift++) {
        size_t at = 0;
        while (at + sizeof PROSE < VDM_PLAIN_LOOK_BYTES - 40) {
            memcpy(text + at, PROSE, sizeof PROSE - 1);
            at += sizeof PROSE - 1;
        }
        memset(text + at, 'a', shift);
        for (at += shift; at + 4 <= sizeof text; at += 4)
            memcpy(text + at, "\xf0\x9f\x9f\xa0", 4);
        expect((struct vdm_bytes){text, at}, "text/plain");
    }
    text[VDM_PLAIN_LOOK_BYTES] = 0;
    assert_non_null(vdm_plain_type((struct vdm_bytes){text, sizeof text}));
    text[VDM_PLAIN_LOOK_BYTES - 40] = 0;
    assert_null(vdm_plain_type((struct vdm_bytes){text, sizeof text}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_prose),
        cmocka_unit_test(test_pages),
        cmocka_unit_test(test_left_to_libmagic),
        cmocka_unit_test(test_cut),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
