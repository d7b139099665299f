/* SPDX-License-Identifier: MIT */
#include "format/disclosure.h"

#include "format/value.h"
#include "unit/format/fixture.h"

#define DIGEST "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define HEX    "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define START  "vidimus/disclosure/v1\nlines "
#define DOC    "0 open " HEX " document " DIGEST " 0\n"
#define RECORD                                                                                     \
    "vidimus/record/v1\nsecret " HEX "\ndocument " DIGEST " 0\ntitle A \\\\ title\nauthor One\n"   \
    "author Two\nunknown issued\nnote Last\n"

/* Writes a decoded disclosure anew. */
static bool disclosure_again(void *c, struct vdm_bytes text, struct vdm_buf *again)
{
    struct vdm_disclosure d;
    struct vdm_disclosed_line l;
    if (!vdm_disclosure_decode(c, text, &d, NULL))
        return false;
    uint64_t n = 0, hidden = 0;
    for (struct vdm_bytes rest = d.body; vdm_disclosure_next(&rest, &l); n++) {
        assert_true(l.i == n);
        hidden += !l.open;
    }
    assert_true(n == d.lines && hidden == d.hidden);
    vdm_buf_putf(again, START "%llu\n", (unsigned long long)d.lines);
    vdm_buf_put(again, d.body);
    return true;
}

static bool taken(struct vdm_crypto *c, const char *text)
{
    return roundtrip(vdm_str(text), disclosure_again, c);
}

static void decode_record(struct vdm_crypto *c, struct vdm_record *r, struct vdm_digest *commitment)
{
    struct vdm_err err;
    assert_true(vdm_record_decode(VDM_LIT(RECORD), r, &err));
    assert_true(vdm_record_commit(c, r, commitment, &err));
}

/* Whatever is shown and whatever is hidden: the commitment is the record's. */
static void test_every_choice_keeps_the_commitment(void **state)
{
    static const enum vdm_field fields[] = {VDM_FIELD_DOCUMENT, VDM_FIELD_TITLE, VDM_FIELD_AUTHOR,
                                            VDM_FIELD_UNKNOWN, VDM_FIELD_NOTE};
    static const unsigned lines_of[] = {1, 1, 2, 1, 1};
    struct vdm_record r;
    struct vdm_digest commitment;
    struct vdm_err err;
    decode_record(*state, &r, &commitment);
    for (unsigned choice = 0; choice < 32; choice++) {
        struct vdm_buf text VDM_CLEANUP(vdm_buf_release) = {0};
        struct vdm_disclosure d;
        uint64_t shown = 0, open = 0;
        for (unsigned k = 0; k < 5; k++)
            if (choice >> k & 1) {
                shown |= UINT64_C(1) << fields[k];
                open += lines_of[k];
            }
        assert_true(vdm_disclosure_append(&text, *state, &r, shown, &err));
        assert_true(roundtrip(vdm_buf_bytes(&text), disclosure_again, *state));
        assert_true(vdm_disclosure_decode(*state, vdm_buf_bytes(&text), &d, &err));
        assert_true(vdm_digest_equal(d.commitment, commitment));
        assert_int_equal(d.lines, 6);
        assert_int_equal(d.hidden, 6 - open);
        assert_int_equal(d.has_document, choice & 1);
        if (d.has_document)
            assert_true(vdm_digest_equal(d.document, r.document) && d.document_size == 0);
        /* What is hidden does not show. */
        struct vdm_bytes whole = vdm_buf_bytes(&text);
        assert_int_equal(memmem(whole.p, whole.n, "title", 5) != NULL, choice >> 1 & 1);
        assert_int_equal(memmem(whole.p, whole.n, "Two", 3) != NULL, choice >> 2 & 1);
        assert_null(memmem(whole.p, whole.n, "secret", 6));
    }
}

static void test_lines_arrive(void **state)
{
    struct vdm_record r;
    struct vdm_digest commitment;
    struct vdm_err err;
    struct vdm_buf text VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_disclosure d;
    struct vdm_disclosed_line l;
    decode_record(*state, &r, &commitment);
    assert_true(vdm_disclosure_append(&text, *state, &r, UINT64_C(1) << VDM_FIELD_TITLE, &err));
    assert_true(vdm_disclosure_decode(*state, vdm_buf_bytes(&text), &d, &err));
    struct vdm_bytes rest = d.body;
    assert_true(vdm_disclosure_next(&rest, &l) && !l.open && l.i == 0);
    assert_true(vdm_disclosure_next(&rest, &l) && l.open && l.i == 1);
    assert_int_equal(l.line.field, VDM_FIELD_TITLE);
    assert_true(vdm_bytes_equal_str(l.line.value, "A \\\\ title"));
    for (int i = 2; i < 6; i++)
        assert_true(vdm_disclosure_next(&rest, &l) && !l.open);
    assert_false(vdm_disclosure_next(&rest, &l));
}

/* What is no decoded body ends the walk; nothing is made up. */
static void test_next_on_other_text(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",         "0",         "0\n",           "x hidden\n",          "x hidden 00\n",
        "0 open\n", "0 open \n", "0 open salt\n", "0 open salt title\n", "0 open salt tittle x\n"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct vdm_bytes rest = vdm_str(bad[i]);
        struct vdm_disclosed_line l;
        if (vdm_disclosure_next(&rest, &l))
            fail_msg("taken: %s", bad[i]);
    }
}

/* A line that is opened with another text, or another salt, is not of this record. */
static void test_a_changed_line_changes_the_commitment(void **state)
{
    struct vdm_record r;
    struct vdm_digest commitment;
    struct vdm_err err;
    struct vdm_buf text VDM_CLEANUP(vdm_buf_release) = {0};
    decode_record(*state, &r, &commitment);
    assert_true(vdm_disclosure_append(&text, *state, &r, UINT64_MAX, &err));
    size_t differ = 0;
    for (size_t i = 0; i < text.n; i++) {
        struct vdm_disclosure d;
        text.p[i] ^= 1;
        if (vdm_disclosure_decode(*state, vdm_buf_bytes(&text), &d, NULL)) {
            assert_false(vdm_digest_equal(d.commitment, commitment));
            differ++;
        }
        text.p[i] ^= 1;
    }
    assert_true(differ > 300); /* salts and words */
}

static void test_what_is_one(void **state)
{
    static const char *const good[] = {
        START "1\n" DOC,
        START "1\n0 hidden " HEX "\n",
        START "3\n" DOC "1 hidden " HEX "\n2 open " HEX " note x\n",
        START "2\n0 hidden " HEX "\n1 open " HEX " title x\n",
        START "3\n" DOC "1 open " HEX " author a\n2 open " HEX " author b\n",
    };
    static const char *const bad[] = {
        "",
        "lines 1\n" DOC,
        START,
        START "0\n",
        START "1\n",
        START "01\n" DOC,
        START "2\n" DOC,
        START "1\n" DOC "1 hidden " HEX "\n",
        "vidimus/disclosure/v2\nlines 1\n" DOC,
        "vidimus/record/v1\nlines 1\n" DOC,
        START "1\n1 hidden " HEX "\n",
        START "2\n" DOC "0 hidden " HEX "\n",
        START "2\n" DOC "2 hidden " HEX "\n",
        START "2\n" DOC "01 hidden " HEX "\n",
        START "1\n0 shown " HEX "\n",
        START "1\n0 hidden " HEX " x\n",
        START "1\n0 hidden " HEX "0\n",
        START "1\n0 hidden 00\n",
        START "1\n0 hidden\n",
        START "1\n0 Hidden " HEX "\n",
        START "1\n0 open " HEX "\n",
        START "1\n0 open " HEX " \n",
        START "1\n0 open 00 document " DIGEST " 0\n",
        START "1\n0 open " HEX " title x\n",
        START "1\n0 open " HEX " document " DIGEST "\n",
        START "2\n" DOC "1 open " HEX " document " DIGEST " 0\n",
        START "2\n0 hidden " HEX "\n1 open " HEX " document " DIGEST " 0\n",
        START "3\n" DOC "1 open " HEX " note x\n2 open " HEX " title x\n",
        START "3\n" DOC "1 open " HEX " title x\n2 open " HEX " title x\n",
        START "3\n" DOC "1 open " HEX " title x\n2 open " HEX " unknown title\n",
        START "3\n" DOC "1 open " HEX " inferred note x\n2 open " HEX " note x\n",
        START "2\n" DOC "1 open " HEX " secret " HEX "\n",
        START "2\n" DOC "1 open " HEX " title \\x41\n",
        START "2\n0 hidden " HEX "\n1 open " HEX " unknown document\n",
        START "2\n0 hidden " HEX "\n1 open " HEX " inferred document x\n",
        START "2\n" DOC "1 hidden " HEX,
        START "2\n" DOC "1 hidden " HEX "\n\n",
        START "9007199254740991\n" DOC,
    };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        if (!taken(*state, good[i]))
            fail_msg("refused: %s", good[i]);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (taken(*state, bad[i]))
            fail_msg("taken: %s", bad[i]);
}

static void test_attacked_disclosure(void **state)
{
    attack(VDM_LIT(START "3\n" DOC "1 hidden " HEX "\n2 open " HEX " note a\\nb\n"),
           disclosure_again, *state);
}

/* Lines of a disclosure are longer than the record's: what does not fit is refused in writing. */
static void test_size_limit(void **state)
{
    struct vdm_buf record VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_err err = {0};
    vdm_buf_puts(&record, "vidimus/record/v1\nsecret " HEX "\ndocument " DIGEST " 0\n");
    size_t written = 0;
    for (unsigned n = 1; n < 1200; n++) {
        struct vdm_buf text VDM_CLEANUP(vdm_buf_release) = {0};
        struct vdm_record r;
        struct vdm_disclosure d;
        vdm_buf_puts(&record, "note x\n");
        if (n < 800)
            continue;
        assert_true(vdm_record_decode(vdm_buf_bytes(&record), &r, &err));
        vdm_buf_puts(&text, "before");
        if (!vdm_disclosure_append(&text, *state, &r, 0, &err)) {
            assert_int_equal(err.kind, VDM_ERR_REFUSED);
            assert_int_equal(text.n, 6);
            break;
        }
        written = text.n - 6;
        struct vdm_bytes made = vdm_bytes_skip(vdm_buf_bytes(&text), 6);
        if (written > VDM_NOTE_MAX - 200)
            assert_true(vdm_disclosure_decode(*state, made, &d, &err));
    }
    assert_true(written > VDM_NOTE_MAX - 100 && written <= VDM_NOTE_MAX);

    struct vdm_buf text VDM_CLEANUP(vdm_buf_release) = {0};
    vdm_buf_puts(&text, START "2\n" DOC "1 open " HEX " note ");
    while (text.n < VDM_NOTE_MAX - 1)
        vdm_buf_putc(&text, 'n');
    vdm_buf_putc(&text, '\n');
    assert_true(roundtrip(vdm_buf_bytes(&text), disclosure_again, *state));
    text.p[text.n - 1] = 'n';
    vdm_buf_putc(&text, '\n');
    assert_false(roundtrip(vdm_buf_bytes(&text), disclosure_again, *state));
}

/* A record with a title of n bytes, to be shown, and many notes, to be hidden. */
static bool title_fits(struct vdm_crypto *c, size_t n, struct vdm_buf *out)
{
    struct vdm_buf record VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_record r;
    struct vdm_err err = {0};
    vdm_buf_puts(&record, "vidimus/record/v1\nsecret " HEX "\ndocument " DIGEST " 0\ntitle ");
    for (size_t i = 0; i < n; i++)
        vdm_buf_putc(&record, 't');
    vdm_buf_putc(&record, '\n');
    for (size_t i = 0; i < 800; i++)
        vdm_buf_puts(&record, "note x\n");
    vdm_buf_clear(out);
    assert_true(vdm_record_decode(vdm_buf_bytes(&record), &r, &err));
    return vdm_disclosure_append(out, c, &r, UINT64_C(1) << VDM_FIELD_TITLE, &err);
}

static void test_exactly_the_limit(void **state)
{
    struct vdm_buf text VDM_CLEANUP(vdm_buf_release) = {0};
    assert_true(title_fits(*state, 1, &text));
    size_t room = VDM_NOTE_MAX - text.n;
    assert_true(title_fits(*state, 1 + room, &text));
    assert_int_equal(text.n, VDM_NOTE_MAX);
    assert_true(roundtrip(vdm_buf_bytes(&text), disclosure_again, *state));
    assert_false(title_fits(*state, 2 + room, &text));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_choice_keeps_the_commitment),
        cmocka_unit_test(test_lines_arrive),
        cmocka_unit_test(test_next_on_other_text),
        cmocka_unit_test(test_a_changed_line_changes_the_commitment),
        cmocka_unit_test(test_what_is_one),
        cmocka_unit_test(test_attacked_disclosure),
        cmocka_unit_test(test_size_limit),
        cmocka_unit_test(test_exactly_the_limit),
    };
    return cmocka_run_group_tests(tests, crypto_set_up, crypto_tear_down);
}
