/* SPDX-License-Identifier: MIT */
#include "format/record.h"

#include "format/value.h"
#include "unit/format/fixture.h"

#define SECRET "secret 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n"
#define HEX    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define DIGEST "sha256:" HEX
#define START  "vidimus/record/v1\n" SECRET
#define RECORD START "document " DIGEST " 0\n"

/* Writes a decoded record with no help from the code under test. */
static bool record_again(void *ctx, struct vdm_bytes text, struct vdm_buf *again)
{
    (void)ctx;
    struct vdm_record r;
    struct vdm_record_line l;
    char hex[65];
    if (!vdm_record_decode(text, &r, NULL))
        return false;
    vdm_hex_encode(r.secret, 32, hex);
    vdm_buf_putf(again, "vidimus/record/v1\nsecret %s\n", hex);
    uint64_t lines = 0;
    for (struct vdm_bytes rest = r.body; vdm_record_next(&rest, &l); lines++) {
        struct vdm_buf meant VDM_CLEANUP(vdm_buf_release) = {0};
        vdm_value_decode(l.value, &meant);
        vdm_buf_putf(again, "%s ", vdm_field_name(l.field));
        vdm_value_append(again, vdm_buf_bytes(&meant));
        vdm_buf_putc(again, '\n');
    }
    assert_true(lines == r.lines);
    return true;
}

static bool taken(const char *text)
{
    return roundtrip(vdm_str(text), record_again, NULL);
}

/* Every field of the format page in its order, the repeating ones twice. */
static const struct {
    const char *name;
    bool repeats;
    const char *value;
} page[] = {
    {"document", false, DIGEST " 0"},
    {"follows", false, "3"},
    {"collection", false, "Notices"},
    {"file-name", false, "a b.txt"},
    {"media-type", false, "text/plain"},
    {"source", false, "https://council.example/12"},
    {"captured", false, "2019-11-28T10:00Z"},
    {"captured-by", false, "A person"},
    {"method", false, "by hand"},
    {"received-from", true, "a reader"},
    {"record-id", true, "<urn:uuid:0>"},
    {"derived-from", true, "not-held - - translated by hand"},
    {"title", false, "A title"},
    {"author", true, "An author"},
    {"issuer", true, "An office"},
    {"publisher", true, "A gazette"},
    {"issued", false, "2019-11-28"},
    {"issued-as-written", true, "28/11/2019"},
    {"reference", true, "No. 12"},
    {"language", true, "en"},
    {"rights", true, "public domain"},
    {"unknown", true, NULL},
    {"inferred", true, NULL},
    {"note", true, "A note"},
    {"header", true, "Content-Type: text/html"},
    {"field", true, "shelf: 12"},
};

static void test_the_page_of_fields(void **state)
{
    (void)state;
    enum vdm_field f;
    assert_int_equal(sizeof page / sizeof *page, VDM_FIELDS);
    for (size_t i = 0; i < VDM_FIELDS; i++) {
        assert_string_equal(vdm_field_name((enum vdm_field)i), page[i].name);
        assert_int_equal(vdm_field_repeats((enum vdm_field)i), page[i].repeats);
        assert_true(vdm_field_from_name(vdm_str(page[i].name), &f) && f == (enum vdm_field)i);
    }
    assert_false(vdm_field_from_name(VDM_LIT("secret"), &f));
    assert_false(vdm_field_from_name(VDM_LIT("Title"), &f));
    assert_false(vdm_field_from_name(VDM_LIT(""), &f));
    assert_false(vdm_field_from_name(VDM_LIT("titl"), &f));
    uint64_t bits = 0;
    struct vdm_err err = {0};
    assert_true(vdm_fields_decode(VDM_LIT("title,document,title"), &bits, NULL));
    assert_int_equal(bits, 1u << VDM_FIELD_TITLE | 1u << VDM_FIELD_DOCUMENT);
    assert_true(vdm_fields_decode(VDM_LIT("field"), &bits, NULL));
    assert_int_equal(bits, 1u << VDM_FIELD_FIELD);
    const char *const bad[] = {"", "titel", "title,", ",title", "title, note", "title;note"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_false(vdm_fields_decode(vdm_str(bad[i]), &bits, &err));
        assert_int_equal(err.kind, VDM_ERR_REFUSED);
    }
}

/* What is no decoded body ends the walk. */
static void test_next_on_other_text(void **state)
{
    (void)state;
    static const char *const bad[] = {"", "title x", "title\n", "tittle x\n", " x\n"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct vdm_bytes rest = vdm_str(bad[i]);
        struct vdm_record_line l;
        if (vdm_record_next(&rest, &l))
            fail_msg("taken: %s", bad[i]);
    }
}

/* A record of line 0 and these two lines. */
static bool pair_taken(const char *a, const char *a_value, const char *b, const char *b_value)
{
    struct vdm_buf text VDM_CLEANUP(vdm_buf_release) = {0};
    vdm_buf_putf(&text, RECORD "%s %s\n%s %s\n", a, a_value, b, b_value);
    return roundtrip(vdm_buf_bytes(&text), record_again, NULL);
}

static void test_order_and_repeats(void **state)
{
    (void)state;
    for (size_t i = 0; i < VDM_FIELDS; i++)
        for (size_t j = 0; j < VDM_FIELDS; j++) {
            if (!page[i].value || !page[j].value)
                continue;
            bool may = i > 0 && j > 0 && (i < j || (i == j && page[i].repeats));
            if (pair_taken(page[i].name, page[i].value, page[j].name, page[j].value) != may)
                fail_msg("%s before %s", page[i].name, page[j].name);
        }
    assert_false(taken(RECORD "title a\nauthor b\ntitle a\n"));
}

static void test_unknown_and_inferred(void **state)
{
    (void)state;
    for (size_t i = 0; i < VDM_FIELDS; i++) {
        char line[200];
        snprintf(line, sizeof line, "%s x", page[i].name);
        bool own = i == VDM_FIELD_UNKNOWN;
        assert_int_equal(pair_taken("unknown", page[i].name, "note", "n"),
                         i > 0 && !own && i != VDM_FIELD_NOTE);
        own = i == VDM_FIELD_INFERRED;
        assert_int_equal(pair_taken("inferred", line, "note", "n"),
                         i > 0 && !own && i != VDM_FIELD_NOTE);
        if (!page[i].value || i == 0)
            continue;
        /* Its own line stands before (or after) the line that names it. */
        bool first = i < VDM_FIELD_UNKNOWN;
        assert_false(first ? pair_taken(page[i].name, page[i].value, "unknown", page[i].name)
                           : pair_taken("unknown", page[i].name, page[i].name, page[i].value));
        assert_false(first ? pair_taken(page[i].name, page[i].value, "inferred", line)
                           : pair_taken("inferred", line, page[i].name, page[i].value));
    }
    assert_true(taken(RECORD "unknown author\nunknown title\n"));
    assert_true(taken(RECORD "inferred issued 2019-11\ninferred issuer The council\n"));
    assert_false(taken(RECORD "unknown nothing\n"));
    assert_false(taken(RECORD "unknown secret\n"));
    assert_false(taken(RECORD "unknown title x\n"));
    assert_false(taken(RECORD "unknown \n"));
    assert_false(taken(RECORD "inferred title\n"));
    assert_false(taken(RECORD "inferred title \n"));
    assert_false(taken(RECORD "inferred nothing x\n"));
}

static void test_start_and_end(void **state)
{
    (void)state;
    assert_true(taken(RECORD));
    assert_false(taken(""));
    assert_false(taken("vidimus/record/v1\n"));
    assert_false(taken(SECRET "document " DIGEST " 0\n"));
    assert_false(taken("vidimus/record/v2\n" SECRET "document " DIGEST " 0\n"));
    assert_false(taken(START));
    assert_false(taken("vidimus/record/v1\ndocument " DIGEST " 0\n" SECRET));
    assert_false(taken("vidimus/record/v1\nsecret 00\ndocument " DIGEST " 0\n"));
    assert_false(taken(START "title x\n"));
    assert_false(taken(START "title " DIGEST " 0\n"));
    assert_false(taken(START "title x\ndocument " DIGEST " 0\n"));
    assert_false(taken(START "document " DIGEST "\n"));
    assert_false(taken(START "document " DIGEST " 00\n"));
    assert_false(taken(START "document " DIGEST " 9007199254740992\n"));
    assert_false(taken(START "document " DIGEST " 0 \n"));
    assert_false(taken(START "document md5:00 0\n"));
    assert_false(taken(START "document " HEX " 0\n"));
    assert_false(taken(START "document " DIGEST " 0"));
    assert_false(taken(RECORD "title x"));
    assert_false(taken(RECORD "\n"));
    assert_false(taken(RECORD "title \n"));
    assert_false(taken(RECORD "title\n"));
    assert_false(taken(RECORD "Title x\n"));
    assert_false(taken(RECORD "other x\n"));
}

static void test_structured_values(void **state)
{
    (void)state;
    static const char *const fine[] = {
        "derived-from " DIGEST " 0 12 cut out\n",
        "derived-from " DIGEST " - - scanned\n",
        "derived-from not-held 5 9007199254740991 x\n",
        "header Server: x\n",
        "header a: b: c\n",
        "field a b: c\n",
        "follows 0\n",
        "title \\x20x\n",
    };
    static const char *const wrong[] = {
        "derived-from " DIGEST " 0 - cut\n",
        "derived-from " DIGEST " - 0 cut\n",
        "derived-from " DIGEST " - -\n",
        "derived-from " DIGEST " - - \n",
        "derived-from " DIGEST " 00 1 x\n",
        "derived-from held - - x\n",
        "derived-from sha256:00 - - x\n",
        "derived-from " DIGEST "  - - x\n",
        "header Server\n",
        "header Server:\n",
        "header Server: \n",
        "header Server:xy\n",
        "header : x\n",
        "field :x: y\n",
        "follows -1\n",
        "follows 01\n",
        "follows x\n",
        "title  x\n",
        "title x \n",
        "title \\x41\n",
        "title \xC2\x85\n",
        "title a\tb\n",
        "title \xFF\n",
    };
    for (size_t i = 0; i < sizeof fine / sizeof *fine; i++) {
        char text[400];
        snprintf(text, sizeof text, RECORD "%s", fine[i]);
        if (!taken(text))
            fail_msg("refused: %s", fine[i]);
    }
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char text[400];
        snprintf(text, sizeof text, RECORD "%s", wrong[i]);
        if (taken(text))
            fail_msg("taken: %s", wrong[i]);
    }
}

static void test_attacked_record(void **state)
{
    (void)state;
    attack(VDM_LIT(RECORD
                   "follows 3\nderived-from not-held 0 5 x\ntitle a\\nb\nauthor A\nauthor B\n"
                   "unknown issuer\ninferred language en\nheader H: v\n"),
           record_again, NULL);
}

static void test_values_by_number(void **state)
{
    (void)state;
    struct vdm_record r;
    struct vdm_err err;
    assert_true(vdm_record_decode(VDM_LIT(RECORD "author A\nauthor B\nnote N\n"), &r, &err));
    assert_true(vdm_bytes_equal_str(vdm_record_value(&r, VDM_FIELD_AUTHOR, 0), "A"));
    assert_true(vdm_bytes_equal_str(vdm_record_value(&r, VDM_FIELD_AUTHOR, 1), "B"));
    assert_int_equal(vdm_record_value(&r, VDM_FIELD_AUTHOR, 2).n, 0);
    assert_int_equal(vdm_record_value(&r, VDM_FIELD_TITLE, 0).n, 0);
    assert_int_equal(r.lines, 4);
    assert_int_equal(r.document.b[0], 0xe3);
    assert_int_equal(r.secret[31], 0x1f);
}

/* --- writing --- */

static const uint8_t secret[32] = {0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15,
                                   16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31};

static void test_append_sorts_and_escapes(void **state)
{
    struct vdm_digest empty = vdm_sha256(*state, VDM_LIT(""));
    const struct vdm_record_line lines[] = {
        {VDM_FIELD_NOTE, VDM_LIT("first\nnote")}, {VDM_FIELD_TITLE, VDM_LIT(" T")},
        {VDM_FIELD_NOTE, VDM_LIT("second")},      {VDM_FIELD_AUTHOR, VDM_LIT("r\xE9")},
        {VDM_FIELD_FOLLOWS, VDM_LIT("3")},
    };
    struct vdm_buf out VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_err err;
    vdm_buf_puts(&out, "before");
    assert_true(vdm_record_append(&out, secret, empty, 0, lines, 5, NULL, &err));
    assert_true(vdm_bytes_equal_str(vdm_buf_bytes(&out),
                                    "before" RECORD "follows 3\ntitle \\x20T\nauthor r\\xe9\n"
                                    "note first\\nnote\nnote second\n"));
}

static void expect_append_fails(enum vdm_field f, struct vdm_bytes value, const char *named)
{
    const struct vdm_record_line lines[] = {{VDM_FIELD_TITLE, VDM_LIT("T")}, {f, value}};
    struct vdm_buf out VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_digest d = {{0}};
    struct vdm_err err = {0};
    vdm_buf_puts(&out, "before");
    assert_false(vdm_record_append(&out, secret, d, 0, lines, 2, NULL, &err));
    assert_non_null(strstr(err.text, named));
    assert_true(vdm_bytes_equal_str(vdm_buf_bytes(&out), "before"));
}

static void test_append_names_the_field_that_is_wrong(void **state)
{
    (void)state;
    expect_append_fails(VDM_FIELD_TITLE, VDM_LIT("again"), "title");
    expect_append_fails(VDM_FIELD_AUTHOR, VDM_LIT(""), "author");
    expect_append_fails(VDM_FIELD_FOLLOWS, VDM_LIT("three"), "follows");
    expect_append_fails(VDM_FIELD_UNKNOWN, VDM_LIT("title"), "title");
    expect_append_fails(VDM_FIELD_UNKNOWN, VDM_LIT("shelf"), "unknown");
    expect_append_fails(VDM_FIELD_HEADER, VDM_LIT("no colon"), "header");
    expect_append_fails(VDM_FIELD_DOCUMENT, VDM_LIT(DIGEST " 0"), "document");
    struct vdm_buf out VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_digest d = {{0}};
    struct vdm_err err = {0};
    assert_false(vdm_record_append(&out, secret, d, VDM_NUMBER_MAX + 1, NULL, 0, NULL, &err));
    assert_non_null(strstr(err.text, "document"));
}

static void test_size_limit(void **state)
{
    (void)state;
    struct vdm_buf text VDM_CLEANUP(vdm_buf_release) = {0};
    vdm_buf_puts(&text, RECORD "note ");
    while (text.n < VDM_NOTE_MAX - 1)
        vdm_buf_putc(&text, 'n');
    vdm_buf_putc(&text, '\n');
    assert_true(roundtrip(vdm_buf_bytes(&text), record_again, NULL));
    text.p[text.n - 1] = 'n';
    vdm_buf_putc(&text, '\n');
    assert_false(roundtrip(vdm_buf_bytes(&text), record_again, NULL));
}

/* --- the commitment, by the formula of the format page and nothing else --- */

static struct vdm_digest commitment_by_hand(struct vdm_crypto *c, const char *const *line,
                                            uint64_t m)
{
    struct vdm_buf all VDM_CLEANUP(vdm_buf_release) = {0};
    vdm_buf_puts(&all, "vidimus/record/v1\n");
    for (int shift = 56; shift >= 0; shift -= 8)
        vdm_buf_putc(&all, (char)(m >> shift));
    for (uint64_t i = 0; i < m; i++) {
        struct vdm_buf one VDM_CLEANUP(vdm_buf_release) = {0};
        vdm_buf_put(&one, (struct vdm_bytes){secret, 32});
        for (int shift = 56; shift >= 0; shift -= 8)
            vdm_buf_putc(&one, (char)(i >> shift));
        struct vdm_digest salt = vdm_sha256(c, vdm_buf_bytes(&one));
        vdm_buf_clear(&one);
        vdm_buf_put(&one, vdm_digest_bytes(&salt));
        vdm_buf_puts(&one, line[i]);
        struct vdm_digest h = vdm_sha256(c, vdm_buf_bytes(&one));
        vdm_buf_put(&all, vdm_digest_bytes(&h));
    }
    return vdm_sha256(c, vdm_buf_bytes(&all));
}

static void test_commitment(void **state)
{
    static const char *const lines[] = {"document " DIGEST " 0", "title a\\nb", "author A",
                                        "author B"};
    struct vdm_buf text VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_err err;
    vdm_buf_puts(&text, START);
    for (uint64_t m = 1; m <= 4; m++) {
        struct vdm_record r;
        struct vdm_digest d;
        vdm_buf_putf(&text, "%s\n", lines[m - 1]);
        assert_true(vdm_record_decode(vdm_buf_bytes(&text), &r, &err));
        assert_true(vdm_record_commit(*state, &r, &d, &err));
        assert_true(vdm_digest_equal(d, commitment_by_hand(*state, lines, m)));
        r.secret[0] ^= 1;
        assert_true(vdm_record_commit(*state, &r, &d, &err));
        assert_false(vdm_digest_equal(d, commitment_by_hand(*state, lines, m)));
    }
}

static uint64_t differences(const char *a, const char *b)
{
    static const char head[] =
        "vidimus/record/v1\nsecret "
        "0000000000000000000000000000000000000000000000000000000000000000\n"
        "document sha256:"
        "0000000000000000000000000000000000000000000000000000000000000000 5\n";
    struct vdm_buf x VDM_CLEANUP(vdm_buf_release) = {0}, y VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_record r, s;
    vdm_buf_puts(&x, head);
    vdm_buf_puts(&x, a);
    vdm_buf_puts(&y, head);
    vdm_buf_puts(&y, b);
    assert_true(vdm_record_decode(vdm_buf_bytes(&x), &r, NULL));
    assert_true(vdm_record_decode(vdm_buf_bytes(&y), &s, NULL));
    uint64_t differ = vdm_record_differences(&r, &s);
    assert_int_equal(differ, vdm_record_differences(&s, &r));
    return differ;
}

static void test_differences(void **state)
{
    const uint64_t title = 1u << VDM_FIELD_TITLE, note = 1u << VDM_FIELD_NOTE;
    const uint64_t author = 1u << VDM_FIELD_AUTHOR;
    (void)state;
    assert_int_equal(differences("", ""), 0);
    assert_int_equal(differences("title a\nnote b\n", "title a\nnote b\n"), 0);
    assert_int_equal(differences("title a\n", "title b\n"), title);
    assert_int_equal(differences("title a\n", ""), title);
    assert_int_equal(differences("title a\nnote b\n", "author c\n"), title | note | author);
    assert_int_equal(differences("note a\nnote b\n", "note a\n"), note);
    assert_int_equal(differences("note a\nnote b\n", "note b\nnote a\n"), note);
    assert_int_equal(differences("title a\nauthor c\nnote b\n", "title a\nauthor d\nnote b\n"),
                     author);
}

static void test_slices(void **state)
{
    static const char *const bad[] = {
        "",
        "slice",
        DIGEST,
        DIGEST " 5",
        DIGEST " 5 7",
        DIGEST " 5 7 ",
        DIGEST " 5 7 slices",
        DIGEST " 5 7 slice:x",
        DIGEST " 5 7 a slice",
        DIGEST " - - slice",
        DIGEST " 5 - slice",
        DIGEST " - 7 slice",
        DIGEST " 05 7 slice",
        "not-held 5 7 slice",
        "sha256:00 5 7 slice",
    };
    (void)state;
    struct vdm_slice s;
    assert_true(vdm_slice_decode(VDM_LIT(DIGEST " 5 7 slice"), &s));
    assert_true(s.offset == 5 && s.length == 7 && s.of.b[0] == 0xe3 && s.of.b[31] == 0x55);
    assert_true(vdm_slice_decode(VDM_LIT(DIGEST " 0 9007199254740991 slice: of a page"), &s));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (vdm_slice_decode(vdm_str(bad[i]), &s))
            fail_msg("taken: %s", bad[i]);
}

/* The same words in another field are no less a difference. */
static void test_differences_of_equal_values(void **state)
{
    const uint64_t collection = UINT64_C(1) << VDM_FIELD_COLLECTION;
    const uint64_t title = UINT64_C(1) << VDM_FIELD_TITLE;
    (void)state;
    assert_int_equal(differences("title A\n", "collection A\n"), collection | title);
    assert_int_equal(differences("collection A\n", "title A\n"), collection | title);
    assert_int_equal(differences("collection A\ntitle A\n", "collection A\n"), title);
    assert_int_equal(differences("collection A\n", "collection A\ntitle A\n"), title);
    assert_int_equal(differences("", "title A\n"), title);
    assert_int_equal(differences("title A\n", ""), title);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_page_of_fields),
        cmocka_unit_test(test_next_on_other_text),
        cmocka_unit_test(test_order_and_repeats),
        cmocka_unit_test(test_unknown_and_inferred),
        cmocka_unit_test(test_start_and_end),
        cmocka_unit_test(test_structured_values),
        cmocka_unit_test(test_attacked_record),
        cmocka_unit_test(test_values_by_number),
        cmocka_unit_test(test_append_sorts_and_escapes),
        cmocka_unit_test(test_append_names_the_field_that_is_wrong),
        cmocka_unit_test(test_size_limit),
        cmocka_unit_test(test_commitment),
        cmocka_unit_test(test_differences),
        cmocka_unit_test(test_differences_of_equal_values),
        cmocka_unit_test(test_slices),
    };
    return cmocka_run_group_tests(tests, crypto_set_up, crypto_tear_down);
}
