/* SPDX-License-Identifier: MIT */
/* Texts come from a worker: one that dies is started again, a bounded number of times, and whatever
 * happens to it, the caller goes on. */
#include "unit/capture/scratch.h"

#include "capture/page_text.h"
#include "capture/text_extract.h"
#include "words/plain.h"

#include <signal.h>

static bool extract(struct vdm_text *t, enum vdm_text_kind kind, struct vdm_bytes document,
                    const char *wanted)
{
    struct vdm_buf out VDM_CLEANUP(vdm_buf_release) = {0};
    const char *why = NULL;
    if (!vdm_text_extract(t, kind, document, &out, &why)) {
        assert_true(why && *why);
        return false;
    }
    vdm_buf_putc(&out, 0);
    assert_string_equal((const char *)out.p, wanted);
    return true;
}

static void test_kinds(void **state)
{
    (void)state;
    assert_int_equal(vdm_text_kind(VDM_LIT("text/html")), VDM_TEXT_HTML);
    assert_int_equal(vdm_text_kind(VDM_LIT("Text/HTML; charset=utf-8")), VDM_TEXT_HTML);
    assert_int_equal(vdm_text_kind(VDM_LIT("text/html ;x")), VDM_TEXT_HTML);
    assert_int_equal(vdm_text_kind(VDM_LIT("application/xhtml+xml")), VDM_TEXT_HTML);
    assert_int_equal(vdm_text_kind(VDM_LIT("text/html2")), VDM_TEXT_PLAIN);
    assert_int_equal(vdm_text_kind(VDM_LIT("TEXT/markdown")), VDM_TEXT_PLAIN);
    assert_int_equal(vdm_text_kind(VDM_LIT("text/")), VDM_TEXT_NONE);
    assert_int_equal(vdm_text_kind(VDM_LIT("application/pdf")), VDM_TEXT_NONE);
    assert_int_equal(vdm_text_kind((struct vdm_bytes){NULL, 0}), VDM_TEXT_NONE);
}

static void test_texts(void **state)
{
    (void)state;
    struct vdm_text *t VDM_CLEANUP(vdm_text_cleanup) = NULL;
    assert_true(vdm_text_open(&t, NULL));
    assert_true(extract(t, VDM_TEXT_PLAIN, (struct vdm_bytes){NULL, 0}, ""));
    assert_true(extract(t, VDM_TEXT_HTML, (struct vdm_bytes){NULL, 0}, ""));
    assert_true(extract(t, VDM_TEXT_PLAIN, VDM_LIT("<b>a</b>"), "<b>a</b>\n"));
    assert_true(extract(t, VDM_TEXT_HTML, VDM_LIT("<b>a</b><script>b</script>c"), "ac\n"));
    assert_true(extract(t, VDM_TEXT_HTML,
                        VDM_LIT("a<p hidden>b<p>c<p style='VISIBILITY:\thidden'>d"), "a\nc\n"));
    assert_true(extract(t, VDM_TEXT_HTML, VDM_LIT("a<p style='display:nonsense'>b"), "a\nb\n"));
    assert_true(
        extract(t, VDM_TEXT_HTML, VDM_LIT("<table><tr><td>1<td>2<tr><th>3</table>"), "1 2\n3\n"));
    assert_true(extract(t, VDM_TEXT_HTML, VDM_LIT("<p>a <table><p>b</table>"), "a\nb\n"));
}

/* Both ways in many messages. */
static void test_large(void **state)
{
    (void)state;
    struct vdm_text *t VDM_CLEANUP(vdm_text_cleanup) = NULL;
    struct vdm_buf document VDM_CLEANUP(vdm_buf_release) = {0};
    assert_true(vdm_text_open(&t, NULL));
    for (size_t n = 65535; n <= 65537; n++) { /* around the size of a message */
        vdm_buf_clear(&document);
        while (document.n < n)
            vdm_buf_putc(&document, 'x');
        struct vdm_buf out VDM_CLEANUP(vdm_buf_release) = {0};
        const char *why;
        assert_true(vdm_text_extract(t, VDM_TEXT_HTML, vdm_buf_bytes(&document), &out, &why));
        assert_int_equal(out.n, n + 1);
    }
    vdm_buf_clear(&document);
    vdm_buf_puts(&document, "\xC0 "); /* no UTF-8 */
    while (document.n < VDM_TEXT_DOCUMENT_MAX)
        vdm_buf_puts(&document, "many words ");
    document.n = VDM_TEXT_DOCUMENT_MAX;
    struct vdm_buf out VDM_CLEANUP(vdm_buf_release) = {0};
    const char *why;
    assert_true(vdm_text_extract(t, VDM_TEXT_PLAIN, vdm_buf_bytes(&document), &out, &why));
    vdm_buf_putc(&document, 'x');
    assert_false(extract(t, VDM_TEXT_PLAIN, vdm_buf_bytes(&document), ""));
}

static pid_t child(void)
{
    char path[64], text[64] = "";
    snprintf(path, sizeof path, "/proc/self/task/%d/children", gettid());
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_true(read(fd, text, sizeof text - 1) >= 0);
    close(fd);
    return atoi(text);
}

static void test_worker_dies(void **state)
{
    (void)state;
    struct vdm_text *t VDM_CLEANUP(vdm_text_cleanup) = NULL;
    assert_true(vdm_text_open(&t, NULL));
    assert_true(extract(t, VDM_TEXT_HTML, VDM_LIT("a"), "a\n"));
    for (int i = 0; i < 16; i++) {
        pid_t worker = child();
        if (worker)
            kill(worker, SIGKILL);
        assert_false(extract(t, VDM_TEXT_HTML, VDM_LIT("a"), ""));
        assert_int_equal(extract(t, VDM_TEXT_HTML, VDM_LIT("a"), "a\n"), i < 15);
    }
    assert_false(extract(t, VDM_TEXT_HTML, VDM_LIT("a"), ""));
    assert_int_equal(child(), 0);
}

/* Where there is nothing to parse no process is started; bytes in another encoding are parsed apart. */
static void test_plain_here(void **state)
{
    (void)state;
    struct vdm_text *t VDM_CLEANUP(vdm_text_cleanup) = NULL;
    struct vdm_buf marks VDM_CLEANUP(vdm_buf_release) = {0};
    assert_true(vdm_text_open(&t, NULL));
    assert_true(extract(t, VDM_TEXT_PLAIN,
                        VDM_LIT("\xEF\xBB\xBF"
                                "e\xCC\x81  a\r\n"),
                        "\xC3\xA9 a\n"));
    assert_int_equal(child(), 0);
    assert_true(extract(t, VDM_TEXT_PLAIN,
                        VDM_LIT("\xEF\xBB\xBF"
                                "caf\xC0"),
                        "caf\xC3\x80\n"));
    assert_int_not_equal(child(), 0);
    vdm_text_cleanup(&t);
    assert_true(vdm_text_open(&t, NULL));
    vdm_buf_putc(&marks, 'e');
    for (int i = 0; i < 300; i++)
        vdm_buf_puts(&marks, "\xCC\x81");
    struct vdm_buf out VDM_CLEANUP(vdm_buf_release) = {0};
    const char *why;
    assert_true(vdm_text_extract(t, VDM_TEXT_PLAIN, vdm_buf_bytes(&marks), &out, &why));
    assert_int_equal(out.n, marks.n); /* one mark less, an end of line, a letter of two bytes */
    assert_int_not_equal(child(), 0);
}

static void shows(struct vdm_bytes page, const char *seen)
{
    struct vdm_buf out VDM_CLEANUP(vdm_buf_release) = {0}, text VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_err err = {0};
    if (!vdm_page_text(&out, page, &err) || !vdm_plain_append(&text, vdm_buf_bytes(&out), &err))
        fail_msg("%s", err.text);
    vdm_buf_putc(&text, 0);
    assert_string_equal((const char *)text.p, seen);
}

/* Pages that are not as they should be: nothing that a reader sees is lost. */
static void test_broken_pages(void **state)
{
    (void)state;
    shows(VDM_LIT("<!DOCTYPE html><html><head><title>t</title><body>seen"), "seen\n");
    shows(VDM_LIT("<head><title>t</title><main>seen</main>"), "seen\n");
    shows(VDM_LIT("<title>t</title>seen<script>a < b && '</p>'</script>, too"), "seen, too\n");
    shows(VDM_LIT("a < b and 1<2 > c & d &amp; &lt;e&gt; &nosuch; &#x2014; &eacute;"),
          "a < b and 1<2 > c & d & <e> &nosuch; \u2014 \u00E9\n");
    shows(VDM_LIT("one\0two<p>three\0"), "onetwo\nthree\n");
    shows(VDM_LIT("<p>a<b>b<p>c</b>d</p></p>e"), "ab\ncd\ne\n");
    shows(VDM_LIT("<div hidden><p>no</div>seen</div></span><p>more"), "seen\nmore\n");
    shows(VDM_LIT("<a><b><i>x</a></b></i><!-- <p>no --> y<!-- open"), "x y\n");
    shows(VDM_LIT("<ul><li>one<li>two<ul><li hidden>no<li>three</ul></ul>"), "one\ntwo\nthree\n");
    shows(VDM_LIT("<select><option>no<option>no</select>seen<svg><text>no</text></svg>"), "seen\n");
    shows(VDM_LIT("<pre>\n a\n  b</pre> c\n d"), "a\nb\nc d\n");
    shows(VDM_LIT("<?xml version='1.0'?><html xmlns='x'><body/>a<br/>b<hr/>c</html>d"),
          "a\nb\nc\nd\n");
    shows(VDM_LIT("<p title='a > b' style=display:none>no</p>seen"), "seen\n");
    shows(VDM_LIT("<html><body><p>a</body></html><p>b<body>c"), "a\nb\nc\n");
    shows(VDM_LIT("<p"), "");
    shows(VDM_LIT("seen<"), "seen<\n");
}

/* Letters with two bytes among them, of which both are spaces or neither is; the parser hands on longer ones in
 * pieces of a thousand. */
static void with_two(struct vdm_buf *seen, size_t n, size_t first, size_t second, const char *two)
{
    struct vdm_buf page VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_err err = {0};
    vdm_buf_puts(&page, "<p>");
    for (size_t i = 0; i < n; i++)
        vdm_buf_putc(&page, i == first ? two[0] : i == second ? two[1] : (char)('a' + i % 26));
    vdm_buf_puts(&page, "<i>b"); /* and here a piece ends, too */
    vdm_buf_clear(seen);
    assert_true(vdm_page_text(seen, vdm_buf_bytes(&page), &err));
}

static void test_spaces(void **state)
{
    (void)state;
    static const char *const twos[] = {"\t\n", "\n\r", "\r\t", "\t\r", "\n\n"};
    static const size_t lengths[] = {3, 4, 9, 40, 1003, 2010};
    struct vdm_buf seen VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_buf wanted VDM_CLEANUP(vdm_buf_release) = {0};
    for (size_t l = 0; l < sizeof lengths / sizeof *lengths; l++)
        for (size_t i = 0; i < 5 * 40; i++) {
            size_t n = lengths[l], first = 1 + i / 5 * (n - 2) / 40, second = n - first;
            with_two(&seen, n, first, second, twos[i % 5]);
            with_two(&wanted, n, first, second, "  ");
            assert_true(vdm_bytes_equal(vdm_buf_bytes(&seen), vdm_buf_bytes(&wanted)));
        }
}

/* Elements in elements, and attributes without end, take no more memory than their bytes do. */
static void test_deep_page(void **state)
{
    (void)state;
    struct vdm_buf page VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_buf out VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_err err = {0};
    for (int i = 0; i < 200000; i++)
        vdm_buf_puts(&page, "<i>x");
    assert_true(vdm_page_text(&out, vdm_buf_bytes(&page), &err));
    assert_int_equal(out.n, 200000 + 2); /* the edges of the body */
}

static void test_encoding(void **state)
{
    (void)state;
    static const struct {
        const char *page, *name;
    } cases[] = {
        {"<meta charset=x>", "x"},
        {"<META CharSet = \"windows-1256\" >", "windows-1256"},
        {"<meta http-equiv=Content-Type content='text/html; charset=iso-8859-6'>", "iso-8859-6"},
        {"<meta name=a><meta charset='y'/>", "y"},
        {"<meta charset>", ""},
        {"<meta charset=", ""},
        {"<meta", ""},
        {"charset=x", ""},
        {"", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_true(vdm_bytes_equal_str(vdm_page_encoding(vdm_str(cases[i].page)), cases[i].name));
    struct vdm_buf far VDM_CLEANUP(vdm_buf_release) = {0};
    while (far.n < 1024)
        vdm_buf_putc(&far, ' ');
    vdm_buf_puts(&far, "<meta charset=x>");
    assert_int_equal(vdm_page_encoding(vdm_buf_bytes(&far)).n, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kinds),       cmocka_unit_test(test_texts),
        cmocka_unit_test(test_large),       cmocka_unit_test(test_plain_here),
        cmocka_unit_test(test_worker_dies), cmocka_unit_test(test_broken_pages),
        cmocka_unit_test(test_spaces),      cmocka_unit_test(test_deep_page),
        cmocka_unit_test(test_encoding),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
