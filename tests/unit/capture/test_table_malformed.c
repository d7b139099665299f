/* SPDX-License-Identifier: MIT */
/* What a metadata table may not be. */
#include "unit/capture/scratch.h"

#include "capture/table.h"

static const struct vdm_table_field fields[] = {
    {"title", false}, {"source", false}, {"author", true}, {"note", true}};
#define FIELDS (sizeof fields / sizeof *fields)

static void expect_malformed(const char *name, struct vdm_bytes data, const char *wanted)
{
    struct vdm_table *t = NULL;
    struct vdm_err err = {0};
    put_bytes(name, data);
    if (vdm_table_open(&t, name, fields, FIELDS, &err))
        fail_msg("accepted; wanted: %s", wanted);
    assert_null(t);
    assert_int_equal(err.kind, VDM_ERR_MALFORMED);
    assert_string_equal(err.text, wanted);
}

static void expect_accepted(const char *name)
{
    struct vdm_table *t = NULL;
    struct vdm_err err;
    assert_true(vdm_table_open(&t, name, fields, FIELDS, &err));
    vdm_table_close(t);
}

static void test_malformed_csv(void **state)
{
    (void)state;
    const struct {
        struct vdm_bytes csv;
        const char *wanted;
    } bad[] = {
        {VDM_LIT(""), "empty: a CSV begins with a header row"},
        {VDM_LIT("\n"), "line 1: unknown column \"\"; known are file, title, source, author, note"},
        {VDM_LIT("title\nx\n"), "line 1: no column \"file\""},
        {VDM_LIT("file,titel\n"),
         "line 1: unknown column \"titel\"; known are file, title, source, author, note"},
        {VDM_LIT("file,Title\n"),
         "line 1: unknown column \"Title\"; known are file, title, source, author, note"},
        {VDM_LIT("file,title ,note\n"),
         "line 1: unknown column \"title \"; known are file, title, source, author, note"},
        {VDM_LIT("file,secret\n"),
         "line 1: unknown column \"secret\"; known are file, title, source, author, note"},
        {VDM_LIT("file,title,title\n"), "line 1: two columns \"title\""},
        {VDM_LIT("file,title,file\n"), "line 1: two columns \"file\""},
        {VDM_LIT("file,title\na,b\nc\n"), "line 3: 1 column, the header has 2"},
        {VDM_LIT("file,title\n\"a\nb\",x\nc,d,e\n"), "line 4: 3 columns, the header has 2"},
        {VDM_LIT("file,title\na,b\n\nc,d\n"), "line 3: an empty line"},
        {VDM_LIT("file,title\na,b\n,d\n"), "line 3: no file is named"},
        {VDM_LIT("file\na\n\n"), "line 3: no file is named"},
        {VDM_LIT("file\na/\n"), "line 2: file: not the path of a file"},
        {VDM_LIT("file\n..\n"), "line 2: file: not the path of a file"},
        {VDM_LIT("file,title\na,b\"c\n"),
         "line 2: a quote inside a cell that does not begin with one"},
        {VDM_LIT("file,title\na,b\n\"c"), "line 3: a quote that is never closed"},
        {VDM_LIT("file,title\na,b\nc,\0\n"), "line 3: a NUL (is it UTF-16? UTF-8 is needed)"},
        {VDM_LIT("\xff\xfe"
                 "f\0i\0l\0e\0"),
         "line 1: a NUL (is it UTF-16? UTF-8 is needed)"},
        {VDM_LIT("file,title\na,1\n\"x\ny\",2\n./a,3\n"), "line 5: the same file as in line 2: a"},
        {VDM_LIT("file\n-\n-\n"), "line 3: the same file as in line 2: -"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        expect_malformed("m.csv", bad[i].csv, bad[i].wanted);
}

static void test_malformed_json(void **state)
{
    (void)state;
    const struct {
        struct vdm_bytes json;
        const char *wanted;
    } bad[] = {
        {VDM_LIT("{\"file\":\"a\"}"), "not a list of objects"},
        {VDM_LIT("[{\"file\":\"a\"},3]"), "row 2: not an object"},
        {VDM_LIT("[{\"title\":\"a\"}]"), "row 1: no file is named"},
        {VDM_LIT("[{\"file\":\"\"}]"), "row 1: no file is named"},
        {VDM_LIT("[{\"file\":null}]"), "row 1: \"file\": not a string"},
        {VDM_LIT("[{\"file\":[\"a\"]}]"), "row 1: \"file\": not a string"},
        {VDM_LIT("[{\"file\":\"a\",\"title\":3}]"), "row 1: \"title\": not a string"},
        {VDM_LIT("[{\"file\":\"a\",\"title\":true}]"), "row 1: \"title\": not a string"},
        {VDM_LIT("[{\"file\":\"a\",\"title\":{}}]"), "row 1: \"title\": not a string"},
        {VDM_LIT("[{\"file\":\"a\",\"note\":[\"b\",1]}]"), "row 1: \"note\": not a string"},
        {VDM_LIT("[{\"file\":\"a\",\"note\":[[\"b\"]]}]"), "row 1: \"note\": not a string"},
        {VDM_LIT("[{\"file\":\"a\",\"title\":[\"b\"]}]"),
         "row 1: \"title\": a list, but it may stand only once"},
        {VDM_LIT("[{\"file\":\"a\"},{\"file\":\"b\",\"x\":\"\"}]"),
         "row 2: unknown column \"x\"; known are file, title, source, author, note"},
        {VDM_LIT("[{\"file\":\"a\"},{\"file\":\"b\"},{\"file\":\"./a\"}]"),
         "row 3: the same file as in row 1: a"},
        {VDM_LIT("[{\"file\":\"a\",\n\"file\":\"b\"}]"),
         "line 2: duplicate object key near '\"file\"'"},
        {VDM_LIT("[{\"file\":\"a\\u0000b\"}]"),
         "line 1: \\u0000 is not allowed without JSON_ALLOW_NUL near '\"a\\u0000b\"'"},
        {VDM_LIT("[] x"), "line 1: end of file expected near 'x'"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        expect_malformed("m.json", bad[i].json, bad[i].wanted);
}

static void test_malformed_json_lines(void **state)
{
    (void)state;
    const struct {
        struct vdm_bytes json;
        const char *wanted;
    } bad[] = {
        {VDM_LIT("{\"file\":\"a\"}\n[]\n"), "line 2: not an object"},
        {VDM_LIT("{\"file\":\"a\"}\n\n{\"file\":\"b\"}\n"), "line 2: an empty line"},
        {VDM_LIT("{\"file\":\"a\"}\r\n\r\n"), "line 2: an empty line"},
        {VDM_LIT("{\"file\":\"a\"}\n{\"file\":\"b\"} {}\n"),
         "line 2: end of file expected near '{'"},
        {VDM_LIT("{\"file\":\"a\"}\n{\"title\":\"x\"}\n"), "line 2: no file is named"},
        {VDM_LIT("{\"file\":\"a\"}\n{\"file\":\"b\",\"note\":{}}"),
         "line 2: \"note\": not a string"},
        {VDM_LIT("{\"file\":\"a\",\"title\":\"1\",\"title\":\"2\"}"),
         "line 1: duplicate object key near '\"title\"'"},
        {VDM_LIT("{\"file\":\"a\"}\n{\"file\":\"b\"}\n{\"file\":\"a\"}\n"),
         "line 3: the same file as in line 1: a"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        expect_malformed("m.jsonl", bad[i].json, bad[i].wanted);
}

static void test_limits(void **state)
{
    (void)state;
    struct vdm_buf b = {0};
    vdm_buf_puts(&b, "[]");
    memset(vdm_buf_grow(&b, VDM_TABLE_JSON_MAX - 2), ' ', VDM_TABLE_JSON_MAX - 2);
    put_bytes("m.json", vdm_buf_bytes(&b));
    expect_accepted("m.json");
    vdm_buf_putc(&b, ' ');
    expect_malformed("m.json", vdm_buf_bytes(&b),
                     "larger than 16 MiB: use JSON Lines (.jsonl), which may have any size");

    vdm_buf_clear(&b);
    vdm_buf_puts(&b, "{\"file\":\"a\"}\n{\"file\":\"b\"}");
    memset(vdm_buf_grow(&b, VDM_TABLE_ROW_MAX - 12), ' ', VDM_TABLE_ROW_MAX - 12);
    put_bytes("m.jsonl", vdm_buf_bytes(&b));
    expect_accepted("m.jsonl");
    vdm_buf_putc(&b, ' ');
    expect_malformed("m.jsonl", vdm_buf_bytes(&b), "line 2: a line of more than 1048576 bytes");

    vdm_buf_clear(&b);
    vdm_buf_puts(&b, "[{\"file\":\"a\",\"note\":[\"x\"");
    for (int i = 0; i < VDM_TABLE_COLUMNS_MAX; i++)
        vdm_buf_puts(&b, ",\"x\"");
    vdm_buf_puts(&b, "]}]");
    expect_malformed("m.json", vdm_buf_bytes(&b), "row 1: too many values");
    vdm_buf_release(&b);
}

static void test_not_a_table(void **state)
{
    (void)state;
    struct vdm_table *t = NULL;
    struct vdm_err err;
    put_text("m.txt", "file\n");
    assert_int_equal(mkdir("d.csv", 0755) | mkfifo("f.csv", 0644), 0);
    static const struct {
        const char *path, *reason;
        enum vdm_err_kind kind;
    } bad[] = {
        {"m.txt", "a table's name ends in .csv, .json, .jsonl or .ndjson", VDM_ERR_USAGE},
        {".csv", "a table's name ends in .csv, .json, .jsonl or .ndjson", VDM_ERR_USAGE},
        {"none.csv", "no such file", VDM_ERR_NOT_FOUND},
        {"d.csv", "not a file", VDM_ERR_REFUSED},
        {"f.csv", "not a file", VDM_ERR_REFUSED},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_false(vdm_table_open(&t, bad[i].path, fields, FIELDS, &err));
        assert_null(t);
        assert_int_equal(err.kind, bad[i].kind);
        assert_string_equal(err.text, bad[i].reason);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(test_malformed_csv),        SCRATCH_TEST(test_malformed_json),
        SCRATCH_TEST(test_malformed_json_lines), SCRATCH_TEST(test_limits),
        SCRATCH_TEST(test_not_a_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
