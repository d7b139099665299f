/* SPDX-License-Identifier: MIT */
#include "unit/capture/scratch.h"

#include "capture/csv.h"
#include "capture/table.h"

/* All records as text: cells in <>, a record ends in `;`. An error is `!` and its text. */
static char *parse(struct vdm_bytes csv)
{
    struct vdm_input in;
    struct vdm_csv_record record = {0};
    struct vdm_buf b = {0};
    struct vdm_err err;
    bool more = true;
    put_bytes("x.csv", csv);
    int fd = open("x.csv", O_RDONLY | O_CLOEXEC);
    assert_true(vdm_input_init(&in, fd, &err));
    while (more) {
        if (!vdm_csv_read(&in, &record, &more, &err)) {
            assert_int_equal(err.kind, VDM_ERR_MALFORMED);
            vdm_buf_putf(&b, "!%s", err.text);
            break;
        }
        if (!more)
            break;
        for (size_t i = 0; i < vdm_csv_cells(&record); i++) {
            vdm_buf_putc(&b, '<');
            vdm_buf_put(&b, vdm_csv_cell(&record, i));
            vdm_buf_putc(&b, '>');
        }
        vdm_buf_putc(&b, ';');
    }
    char *text = vdm_bytes_dup(vdm_buf_bytes(&b));
    vdm_buf_release(&b);
    vdm_csv_record_release(&record);
    vdm_input_release(&in);
    close(fd);
    return text;
}

struct sample {
    struct vdm_bytes csv;
    const char *wanted;
};

static void expect_all(const struct sample *samples, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char *text = parse(samples[i].csv);
        assert_string_equal(text, samples[i].wanted);
        free(text);
    }
}

#define EXPECT_ALL(...)                                                                            \
    do {                                                                                           \
        const struct sample samples_[] = {__VA_ARGS__};                                            \
        expect_all(samples_, sizeof samples_ / sizeof *samples_);                                  \
    } while (0)

/* The examples of RFC 4180 section 2, in its order. */
static void test_rfc_4180(void **state)
{
    (void)state;
    EXPECT_ALL(
        {VDM_LIT("aaa,bbb,ccc\r\nzzz,yyy,xxx\r\n"), "<aaa><bbb><ccc>;<zzz><yyy><xxx>;"},
        {VDM_LIT("aaa,bbb,ccc\r\nzzz,yyy,xxx"), "<aaa><bbb><ccc>;<zzz><yyy><xxx>;"},
        {VDM_LIT("field_name,field_name,field_name\r\naaa,bbb,ccc\r\nzzz,yyy,xxx\r\n"),
         "<field_name><field_name><field_name>;<aaa><bbb><ccc>;<zzz><yyy><xxx>;"},
        {VDM_LIT("aaa,bbb,ccc"), "<aaa><bbb><ccc>;"},
        {VDM_LIT("\"aaa\",\"bbb\",\"ccc\"\r\nzzz,yyy,xxx"), "<aaa><bbb><ccc>;<zzz><yyy><xxx>;"},
        {VDM_LIT("\"aaa\",\"b\r\nbb\",\"ccc\"\r\nzzz,yyy,xxx"),
         "<aaa><b\r\nbb><ccc>;<zzz><yyy><xxx>;"},
        {VDM_LIT("\"aaa\",\"b\"\"bb\",\"ccc\""), "<aaa><b\"bb><ccc>;"});
}

static void test_edges(void **state)
{
    (void)state;
    EXPECT_ALL({VDM_LIT(""), ""}, {VDM_LIT("\n"), "<>;"}, {VDM_LIT("\r\n\n"), "<>;<>;"},
               {VDM_LIT(",\n"), "<><>;"}, {VDM_LIT("a,"), "<a><>;"}, {VDM_LIT("\"\""), "<>;"},
               {VDM_LIT("\"\"\"\""), "<\">;"}, {VDM_LIT("\"\"\"\"\"\",x\n"), "<\"\"><x>;"},
               {VDM_LIT("\"a\nb\"\nc"), "<a\nb>;<c>;"}, {VDM_LIT("\"a\rb,c\",d"), "<a\rb,c><d>;"},
               {VDM_LIT(" a , b \n"), "< a >< b >;"}, /* spaces are part of a cell */
               {VDM_LIT("\xff\xfe,\xd8\xa7\n"), "<\xff\xfe><\xd8\xa7>;"});
}

static void test_malformed(void **state)
{
    (void)state;
    EXPECT_ALL({VDM_LIT("a,b\nc,d\"e\n"),
                "<a><b>;!line 2: a quote inside a cell that does not begin with one"},
               {VDM_LIT("a, \"b\""), "!line 1: a quote inside a cell that does not begin with one"},
               {VDM_LIT("a\n\"b\"c\n"), "<a>;!line 2: text after a closing quote"},
               {VDM_LIT("\"b\" ,c\n"), "!line 1: text after a closing quote"},
               {VDM_LIT("a\n\"b\nc\nd"), "<a>;!line 2: a quote that is never closed"},
               {VDM_LIT("\"a\"\""), "!line 1: a quote that is never closed"},
               {VDM_LIT("\""), "!line 1: a quote that is never closed"},
               {VDM_LIT("a\rb"), "!line 1: a CR that no LF follows"},
               {VDM_LIT("\"x\ny\"\r"), "!line 2: a CR that no LF follows"},
               {VDM_LIT("a\nb\0c"), "<a>;!line 2: a NUL (is it UTF-16? UTF-8 is needed)"},
               {VDM_LIT("\"a\nb\0c\""), "!line 1: a NUL (is it UTF-16? UTF-8 is needed)"});
}

static void expect_long(char fill, size_t n, const char *quote, bool good, const char *reason)
{
    struct vdm_buf b = {0};
    vdm_buf_puts(&b, quote);
    memset(vdm_buf_grow(&b, n), fill, n);
    vdm_buf_puts(&b, quote);
    char *text = parse(vdm_buf_bytes(&b));
    assert_int_equal(text[0] == '<', good);
    if (!good)
        assert_string_equal(text, reason);
    free(text);
    vdm_buf_release(&b);
}

static void test_limits(void **state)
{
    (void)state;
    const char *row = "!line 1: a row of more than 1 MiB (is a quote never closed?)";
    expect_long('x', VDM_TABLE_ROW_MAX, "", true, NULL);
    expect_long('x', VDM_TABLE_ROW_MAX + 1, "", false, row);
    expect_long('x', VDM_TABLE_ROW_MAX, "\"", true, NULL);
    expect_long('x', VDM_TABLE_ROW_MAX + 1, "\"", false, row);
    expect_long(',', VDM_TABLE_COLUMNS_MAX - 1, "", true, NULL);
    expect_long(',', VDM_TABLE_COLUMNS_MAX, "", false, "!line 1: too many columns");
}

/* Cells of every length around the size of the buffer. */
static void test_buffer_edges(void **state)
{
    (void)state;
    for (size_t n = (1 << 14) - 6; n < (1 << 14) + 3; n++) {
        struct vdm_buf b = {0}, wanted = {0};
        memset(vdm_buf_grow(&b, n), 'x', n);
        vdm_buf_puts(&b, ",\"a\"\"b\"\r\nc,d\r\n");
        vdm_buf_putc(&wanted, '<');
        memset(vdm_buf_grow(&wanted, n), 'x', n);
        vdm_buf_puts(&wanted, "><a\"b>;<c><d>;");
        vdm_buf_putc(&wanted, 0);
        char *text = parse(vdm_buf_bytes(&b));
        assert_string_equal(text, (const char *)wanted.p);
        free(text);
        vdm_buf_release(&b);
        vdm_buf_release(&wanted);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(test_rfc_4180), SCRATCH_TEST(test_edges),        SCRATCH_TEST(test_malformed),
        SCRATCH_TEST(test_limits),   SCRATCH_TEST(test_buffer_edges),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
