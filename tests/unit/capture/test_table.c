/* SPDX-License-Identifier: MIT */
#include "unit/capture/scratch.h"

#include "capture/table.h"
#include "capture/walk.h"

#include <malloc.h>
#include <time.h>

static const struct vdm_table_field fields[] = {
    {"title", false}, {"source", false}, {"author", true}, {"note", true}};
#define FIELDS (sizeof fields / sizeof *fields)

static struct vdm_table *open_table(const char *path)
{
    struct vdm_table *t = NULL;
    struct vdm_err err = {0};
    if (!vdm_table_open(&t, path, fields, FIELDS, &err))
        fail_msg("%s: %s", path, err.text);
    return t;
}

/* The row of a file below the current folder as text: `file:key=value|...`, or "-" without one. */
static char *find(struct vdm_table *t, const char *name)
{
    char here[4096], path[8192];
    struct vdm_table_row row = {0};
    struct vdm_err err;
    struct vdm_buf b = {0};
    bool found = false;
    assert_non_null(getcwd(here, sizeof here));
    snprintf(path, sizeof path, "%s/%s", here, name);
    assert_true(
        vdm_table_find(t, vdm_str(strcmp(name, "-") == 0 ? name : path), &row, &found, &err));
    if (!found)
        vdm_buf_puts(&b, "-");
    else
        vdm_buf_put(&b, row.file);
    if (found)
        vdm_buf_puts(&b, ":");
    for (size_t i = 0; i < row.n; i++) {
        vdm_buf_putf(&b, "%s=", row.cells[i].key);
        vdm_buf_put(&b, row.cells[i].value);
        vdm_buf_puts(&b, "|");
    }
    vdm_table_row_release(&row);
    char *text = vdm_bytes_dup(vdm_buf_bytes(&b));
    vdm_buf_release(&b);
    return text;
}

static void expect_row(struct vdm_table *t, const char *name, const char *wanted)
{
    char *text = find(t, name);
    assert_string_equal(text, wanted);
    free(text);
}

static bool tell_unused(void *ctx, const struct vdm_table_row *row, struct vdm_err *err)
{
    (void)err;
    vdm_buf_putf(ctx, "%llu:", (unsigned long long)row->line);
    vdm_buf_put(ctx, row->file);
    vdm_buf_puts(ctx, "|");
    return true;
}

static void expect_unused(struct vdm_table *t, const char *wanted)
{
    struct vdm_buf b = {0};
    struct vdm_err err;
    assert_true(vdm_table_each_unused(t, tell_unused, &b, &err));
    assert_bytes(vdm_buf_bytes(&b), wanted);
    vdm_buf_release(&b);
}

/* The same four rows in every form. */
static void expect_four(struct vdm_table *t, const char *a_title)
{
    char wanted[256];
    snprintf(wanted, sizeof wanted, "a.txt:title=%s|author=A|author=B|", a_title);
    assert_int_equal(vdm_table_rows(t), 4);
    expect_row(t, "sub/b.txt", "./sub//b.txt:source=https://x/|");
    expect_row(t, "a.txt", wanted);
    expect_row(t, "-", "-:note=n|");
    expect_row(t, "none.txt", "-");
    expect_row(t, "a.txt", wanted);
}

static void test_csv(void **state)
{
    (void)state;
    put_text("m.csv", "title,file,author,source,author,note\r\n"
                      "\"T, \"\"1\"\"\r\nT2\",a.txt,A,,B,\r\n"
                      ",./sub//b.txt,,https://x/,,\r\n"
                      "\"\",\"-\",,,,n\r\n"
                      "x,unused,,,,\r\n");
    struct vdm_table *t VDM_CLEANUP(vdm_table_cleanup) = open_table("m.csv");
    expect_four(t, "T, \"1\"\r\nT2");
    expect_unused(t, "6:unused|");
}

static void test_csv_lf_and_mark(void **state)
{
    (void)state;
    put_text("m.CSV", "\xEF\xBB\xBF"
                      "title,file,author,source,author,note\n"
                      "\xd8\xb9 \xff\xfe,a.txt,A,,B,\n"
                      ",./sub//b.txt,,https://x/,,\n"
                      ",-,,,,n\n"
                      "x,unused,,,,");
    struct vdm_table *t VDM_CLEANUP(vdm_table_cleanup) = open_table("m.CSV");
    expect_four(t, "\xd8\xb9 \xff\xfe"); /* bytes stay as they are */
    expect_unused(t, "5:unused|");
}

static void test_json(void **state)
{
    (void)state;
    put_text("m.json",
             "[{\"title\":\"T\",\"file\":\"a.txt\",\"author\":[\"A\",null,\"\",\"B\"]},\n\n"
             "{\"file\":\"./sub//b.txt\",\"source\":\"https://x/\",\"title\":null,\"note\":[]},"
             "{\"note\":\"n\",\"file\":\"-\",\"title\":\"\"},{\"file\":\"unused\"}]");
    struct vdm_table *t VDM_CLEANUP(vdm_table_cleanup) = open_table("m.json");
    expect_four(t, "T");
    expect_unused(t, "4:unused|");
}

static void test_json_lines(void **state)
{
    (void)state;
    static const char *const names[] = {"m.jsonl", "m.ndjson"};
    for (size_t i = 0; i < 2; i++) {
        put_text(
            names[i],
            "\xEF\xBB\xBF{\"title\":\"T\\u00e9\",\"file\":\"a.txt\",\"author\":[\"A\",\"B\"]}\r\n"
            "{\"file\":\"./sub//b.txt\",\"source\":\"https://x/\",\"title\":null}\n"
            "{\"note\":\"n\",\"file\":\"-\"}\n"
            " {\"file\":\"unused\"}");
        struct vdm_table *t = open_table(names[i]);
        expect_four(t, "T\xc3\xa9");
        expect_unused(t, "4:unused|");
        vdm_table_close(t);
    }
    vdm_table_close(NULL);
}

static void test_no_rows(void **state)
{
    (void)state;
    put_text("m.csv", "file,title\n");
    put_text("m.json", " [ ] ");
    put_text("m.jsonl", "");
    static const char *const names[] = {"m.csv", "m.json", "m.jsonl"};
    for (size_t i = 0; i < 3; i++) {
        struct vdm_table *t = open_table(names[i]);
        assert_int_equal(vdm_table_rows(t), 0);
        expect_row(t, "a.txt", "-");
        expect_unused(t, "");
        vdm_table_close(t);
    }
}

/* `file` is relative to the folder of the table, wherever we are; and links do not matter. */
static void test_where_files_are(void **state)
{
    const char *here = *state;
    struct vdm_buf b = {0};
    char path[4096];
    assert_int_equal(mkdir("t", 0755) | mkdir("f", 0755) | mkdir("f/sub", 0755), 0);
    assert_int_equal(symlink("f", "way"), 0);
    vdm_buf_putf(&b, "file\n../f/a\n%s/f/b\n../way/sub/c\nno/such/../d\n./-\n", here);
    put_bytes("t/m.csv", vdm_buf_bytes(&b));
    struct vdm_table *t VDM_CLEANUP(vdm_table_cleanup) = open_table("t/m.csv");
    snprintf(path, sizeof path, "%s/t/m.csv", here);
    assert_bytes(vdm_table_path(t), path);
    expect_row(t, "f/a", "../f/a:");
    snprintf(path, sizeof path, "%s/f/b:", here);
    expect_row(t, "f/b", path);
    expect_row(t, "f/sub/c", "../way/sub/c:");
    expect_row(t, "t/no/d", "no/such/../d:");
    expect_row(t, "-", "-"); /* ./- is a file of that name, not standard input */
    expect_unused(t, "6:./-|");
    expect_row(t, "t/-", "./-:");
    expect_unused(t, "");
    vdm_buf_release(&b);
}

/* What the walk says and what the table says is the same, links in the way or not. */
static void test_agrees_with_walk(void **state)
{
    (void)state;
    assert_int_equal(mkdir("f", 0755) | mkdir("f/sub", 0755), 0);
    put_text("f/sub/a\nb", "");
    put_text("f/\xff,\"", "");
    assert_int_equal(symlink("f", "way"), 0);
    put_text("f/m.csv", "file\n\"sub/a\nb\"\n\"\xff,\"\"\"\nm.csv\n");
    static const char *const arguments[] = {"f", "way", "way/", ".//f/../f"};
    for (size_t i = 0; i < 4; i++) {
        struct vdm_table *t VDM_CLEANUP(vdm_table_cleanup) =
            open_table(i & 1 ? "f/m.csv" : "way/m.csv");
        struct vdm_walk *w VDM_CLEANUP(vdm_walk_cleanup) = NULL;
        struct vdm_table_row row = {0};
        struct vdm_walk_item item;
        struct vdm_err err;
        bool more, found;
        assert_true(vdm_walk_open(&w, &arguments[i], 1, &err));
        while (vdm_walk_next(w, &item, &more, &err) && more) {
            assert_true(vdm_table_find(t, item.path, &row, &found, &err));
            assert_true(found);
        }
        expect_unused(t, "");
        vdm_table_row_release(&row);
    }
}

/* On a change the rows that are left are not told from the wrong bytes. */
static void expect_changed(const char *name, const char *text, const char *changed, bool replace)
{
    put_text(name, text);
    usleep(12000);
    struct vdm_table *t VDM_CLEANUP(vdm_table_cleanup) = open_table(name);
    struct vdm_table_row row = {0};
    struct vdm_err err;
    struct vdm_buf b = {0};
    bool found = false;
    char path[4096];
    assert_non_null(getcwd(path, sizeof path - 10));
    strcat(path, "/a");
    put_text(replace ? "new" : name, changed);
    if (replace)
        assert_int_equal(rename("new", name), 0);
    assert_false(vdm_table_find(t, vdm_str(path), &row, &found, &err));
    assert_int_equal(err.kind, VDM_ERR_REFUSED);
    assert_string_equal(err.text, "the table changed while it was used");
    assert_false(found);
    assert_null(row.cells);
    assert_false(vdm_table_each_unused(t, tell_unused, &b, &err));
    assert_int_equal(err.kind, VDM_ERR_REFUSED);
    vdm_buf_release(&b);
}

static void test_changed(void **state)
{
    (void)state;
    expect_changed("m.csv", "file,title\na,b\n", "file,title\na,c\n", false);
    expect_changed("m.csv", "file,title\na,b\n", "file,title\n\"a,c", false);
    expect_changed("m.csv", "file,title\na,b\n", "", false);
    expect_changed("m.csv", "file,title\na,b\n", "file,title\na,b\n", true);
    expect_changed("m.jsonl", "{\"file\":\"a\"}\n", "{\"file\":\"b\"}\n", false);
    expect_changed("m.json", "[{\"file\":\"a\"}]", "[{\"file\":\"b\"}]", false);
}

static bool stop_there(void *ctx, const struct vdm_table_row *row, struct vdm_err *err)
{
    ++*(int *)ctx;
    return row->line != 3 || vdm_fail(err, "enough");
}

static void test_unused_stops(void **state)
{
    (void)state;
    struct vdm_err err;
    int told = 0;
    put_text("m.csv", "file\na\nb\nc\n");
    struct vdm_table *t VDM_CLEANUP(vdm_table_cleanup) = open_table("m.csv");
    assert_false(vdm_table_each_unused(t, stop_there, &told, &err));
    assert_string_equal(err.text, "enough");
    assert_int_equal(told, 2);
    expect_row(t, "b", "b:");
    expect_unused(t, "2:a|4:c|");
}

/* The row handed out is the caller's: it outlives later finds. */
static void test_rows_are_owned(void **state)
{
    const char *here = *state;
    struct vdm_table_row a = {0}, b = {0};
    struct vdm_err err;
    bool found;
    char path[4096];
    put_text("m.csv", "file,title\na,first\nb,second\n");
    struct vdm_table *t = open_table("m.csv");
    snprintf(path, sizeof path, "%s/a", here);
    assert_true(vdm_table_find(t, vdm_str(path), &a, &found, &err) && found);
    snprintf(path, sizeof path, "%s/b", here);
    assert_true(vdm_table_find(t, vdm_str(path), &b, &found, &err) && found);
    vdm_table_close(t);
    assert_bytes(a.cells[0].value, "first");
    assert_ptr_equal(a.cells[0].key, fields[0].name);
    assert_int_equal(a.line, 2);
    assert_bytes(b.cells[0].value, "second");
    vdm_table_row_release(&a);
    vdm_table_row_release(&b);
}

enum { MANY = 100000 };

static void put_many(const char *name)
{
    struct vdm_buf b = {0};
    vdm_buf_puts(&b, "file,title\n");
    for (int i = 0; i < MANY; i++)
        vdm_buf_putf(&b, "f/%07d.txt,%07d of many\n", i, i);
    put_bytes(name, vdm_buf_bytes(&b));
    vdm_buf_release(&b);
}

static void expect_many(const char *name, const char *here)
{
    size_t before = mallinfo2().uordblks + mallinfo2().hblkhd;
    clock_t start = clock(); /* of this process: others may keep the machine busy */
    struct vdm_table *t VDM_CLEANUP(vdm_table_cleanup) = open_table(name);
    size_t used = mallinfo2().uordblks + mallinfo2().hblkhd - before;
    assert_int_equal(vdm_table_rows(t), MANY);
    /* Under the sanitizers there is nothing to count. */
    assert_true(used < 200000 + (size_t)MANY * VDM_TABLE_ROW_BYTES);
    struct vdm_table_row row = {0};
    struct vdm_err err;
    bool found;
    char path[4096], title[64];
    for (int i = 0; i < MANY; i++) {
        int k = (int)((uint64_t)i * 7919 % MANY); /* in no order */
        snprintf(path, sizeof path, "%s/f/%07d.txt", here, k);
        snprintf(title, sizeof title, "%07d of many", k);
        assert_true(vdm_table_find(t, vdm_str(path), &row, &found, &err));
        assert_true(found && row.n == 1);
        assert_bytes(row.cells[0].value, title);
    }
    snprintf(path, sizeof path, "%s/f/x.txt", here);
    assert_true(vdm_table_find(t, vdm_str(path), &row, &found, &err));
    assert_false(found);
    assert_true(clock() - start < 5 * CLOCKS_PER_SEC);
    vdm_table_row_release(&row);
    expect_unused(t, "");
}

static void test_many_rows(void **state)
{
    put_many("m.csv");
    expect_many("m.csv", *state);
}

/* --- tables that are not about files --- */

static bool put_about(void *ctx, const struct vdm_table_row *row, struct vdm_err *err)
{
    struct vdm_buf *out = ctx;
    vdm_buf_put(out, row->file);
    for (size_t i = 0; i < row->n; i++) {
        vdm_buf_putf(out, ":%s=", row->cells[i].key);
        vdm_buf_put(out, row->cells[i].value);
    }
    vdm_buf_putc(out, ' ');
    return vdm_buf_ok(out, err);
}

static void test_about_numbers(void **state)
{
    static const struct {
        const char *name, *text, *rows; /* rows == NULL: refused */
    } cases[] = {
        {"a.csv", "entry,title\n7,x\n../7,\n", "7:title=x ../7 "},
        {"a.jsonl", "{\"entry\": 7, \"title\": \"x\"}\n{\"entry\": \"8\"}\n", "7:title=x 8 "},
        {"b.csv", "entry,title\n7,x\n7,y\n", NULL},
        {"c.csv", "file,title\n7,x\n", NULL},
        {"d.csv", "title\nx\n", NULL},
        {"b.jsonl", "{\"entry\": 7.5}\n", NULL},
        {"c.jsonl", "{\"title\": \"x\"}\n", NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct vdm_table *t VDM_CLEANUP(vdm_table_cleanup) = NULL;
        struct vdm_buf rows VDM_CLEANUP(vdm_buf_release) = {0};
        struct vdm_err err = {0};
        put_text(cases[i].name, cases[i].text);
        bool opened = vdm_table_open_about(&t, cases[i].name, "entry", fields, FIELDS, &err);
        if (opened != (cases[i].rows != NULL))
            fail_msg("%s: %s", cases[i].name, err.text);
        if (!opened)
            continue;
        assert_true(vdm_table_each_unused(t, put_about, &rows, &err));
        vdm_buf_putc(&rows, 0);
        assert_string_equal((char *)rows.p, cases[i].rows);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(test_csv),
        SCRATCH_TEST(test_csv_lf_and_mark),
        SCRATCH_TEST(test_json),
        SCRATCH_TEST(test_json_lines),
        SCRATCH_TEST(test_no_rows),
        SCRATCH_TEST(test_where_files_are),
        SCRATCH_TEST(test_agrees_with_walk),
        SCRATCH_TEST(test_changed),
        SCRATCH_TEST(test_unused_stops),
        SCRATCH_TEST(test_about_numbers),
        SCRATCH_TEST(test_rows_are_owned),
        SCRATCH_TEST(test_many_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
