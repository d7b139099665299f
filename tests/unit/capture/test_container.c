/* SPDX-License-Identifier: MIT */
/* What a format pushes in its worker is what the parent pulls, and no more. The format here is a toy: each
 * line of the file is one call. */
#include "unit/capture/scratch.h"

#include "base/limits.h"
#include "capture/container.h"
#include "capture/warc_head.h"

#include <signal.h>

static bool toy_may_be(struct vdm_bytes head)
{
    return vdm_bytes_start_with(head, VDM_LIT("TOY"));
}

static bool toy_is(struct vdm_span *s)
{
    return vdm_bytes_start_with(vdm_span_look(s, 4), VDM_LIT("TOY\n"));
}

static void many_bytes(struct vdm_members *to, const char *argument)
{
    static uint8_t piece[1000];
    char letter = 'x';
    unsigned long n = 0;
    sscanf(argument, "%lu %c", &n, &letter);
    memset(piece, letter, sizeof piece);
    for (; n > sizeof piece && vdm_members_wanted(to); n -= sizeof piece)
        vdm_members_bytes(to, (struct vdm_bytes){piece, sizeof piece});
    vdm_members_bytes(to, (struct vdm_bytes){piece, n});
}

static void toy_line(struct vdm_members *to, const char *line)
{
    const char *rest = line + (line[0] && line[1] ? 2 : 1);
    unsigned long a = 0, b = 0;
    int used = 0;
    switch (line[0]) {
    case 'a':
        vdm_members_about(to, VDM_FIELD_NOTE, vdm_str(rest));
        break;
    case 'b':
        vdm_members_begin(to, vdm_str(rest));
        break;
    case 'l':
        vdm_members_line(to, VDM_FIELD_TITLE, vdm_str(rest));
        break;
    case 'n':
        vdm_members_line(to, VDM_FIELD_NOTE, vdm_str(rest));
        break;
    case 'D':
        vdm_members_line(to, VDM_FIELD_DOCUMENT, vdm_str(rest));
        break;
    case 'p':
        sscanf(rest, "%lu %lu %n", &a, &b, &used);
        vdm_members_place(to, a, b, rest + used);
        break;
    case 'r':
        vdm_members_repeats(to, vdm_str(rest), VDM_LIT("https://a.example/"), VDM_LIT("2020"));
        break;
    case 'd':
        many_bytes(to, rest);
        break;
    case '+':
        sscanf(rest, "%lu", &a);
        vdm_members_passed(to, a);
        break;
    case 'e':
        vdm_members_done(to);
        break;
    case 'x':
        vdm_members_refuse(to, rest);
        break;
    case '!':
        sscanf(rest, "%lu %n", &a, &used);
        vdm_members_problem(to, a, rest + used);
        break;
    case 'k':
        abort();
    case 'c':
        raise(SIGXCPU); /* what comes of a limit that is reached, without the time that takes */
    }
}

static void toy_run(struct vdm_span *s, struct vdm_members *to)
{
    char line[200];
    size_t n = 0;
    struct vdm_bytes b;
    while ((b = vdm_span_look(s, 1)).n && vdm_members_wanted(to)) {
        if (b.p[0] != '\n' && n < sizeof line - 1)
            line[n++] = (char)b.p[0];
        if (b.p[0] == '\n') {
            line[n] = 0;
            n = 0;
            toy_line(to, line);
        }
        vdm_span_take(s, 1);
    }
}

static const struct vdm_container_format toy = {"toy", false, toy_may_be, toy_is, toy_run};
static const struct vdm_container_format *const formats[] = {&toy, NULL};

static bool open_with(struct vdm_container **c, const char *text,
                      const struct vdm_container_with *with, struct vdm_err *err)
{
    put_text("toy", text);
    int fd = open("toy", O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    bool ok = vdm_container_open_with(c, fd, formats, with, err);
    close(fd);
    return ok;
}

static struct vdm_container *open_toy(const char *text)
{
    struct vdm_container *c;
    struct vdm_err err = {0};
    if (!open_with(&c, text, &(struct vdm_container_with){0}, &err))
        fail_msg("%s", err.text);
    return c;
}

/* Everything that comes, in words. */
static void tell(struct vdm_container *c, struct vdm_buf *out, bool read)
{
    enum vdm_container_step step = VDM_CONTAINER_MEMBER;
    while (step != VDM_CONTAINER_END) {
        uint64_t offset, bytes = 0;
        uint8_t piece[777], last = '-';
        size_t got = 1;
        struct vdm_err err = {0};
        assert_true(vdm_container_next(c, &step, &err));
        if (step == VDM_CONTAINER_PROBLEM) {
            const char *reason = vdm_container_problem(c, &offset);
            vdm_buf_putf(out, "problem %u %s\n", (unsigned)offset, reason);
        }
        if (step != VDM_CONTAINER_MEMBER)
            continue;
        const struct vdm_member *m = vdm_container_member(c);
        vdm_buf_putf(out, "member %.*s", (int)m->name.n, m->name.p);
        bool ok = true;
        while (read && got && (ok = vdm_container_read(c, piece, sizeof piece, &got, &err))) {
            bytes += got;
            last = got ? piece[got - 1] : last;
        }
        for (size_t i = 0; i < m->lines; i++)
            vdm_buf_putf(out, " %s=%.*s", vdm_field_name(m->line[i].field), (int)m->line[i].value.n,
                         m->line[i].value.p);
        if (m->placed)
            vdm_buf_putf(out, " at %u+%u (%.*s)", (unsigned)m->offset, (unsigned)m->length,
                         (int)m->method.n, m->method.p);
        if (m->repeats)
            vdm_buf_putf(out, " repeats %.*s of %.*s", (int)m->of_record_id.n, m->of_record_id.p,
                         (int)m->of_captured.n, m->of_captured.p);
        if (!ok)
            vdm_buf_putf(out, " refused: %s", err.text);
        else if (read)
            vdm_buf_putf(out, " %u%c", (unsigned)bytes, last);
        vdm_buf_puts(out, "\n");
    }
}

static void expect(const char *text, bool read, const char *wanted)
{
    struct vdm_buf out = {0};
    struct vdm_container *c = open_toy(text);
    assert_non_null(c);
    tell(c, &out, read);
    vdm_buf_putc(&out, 0);
    assert_string_equal((const char *)out.p, wanted);
    vdm_buf_release(&out);
    vdm_container_close(c);
}

static void test_members(void **state)
{
    (void)state;
    expect("TOY\nb one\nl A title\nn x\nn y\np 3 4 slice\nd 5 o\ne\nb two\nd 200000 t\nn late\ne\n"
           "b three\nr id-1\ne\n",
           true,
           "member one title=A title note=x note=y at 3+4 (slice) 5o\n"
           "member two note=late 200000t\n"
           "member three repeats id-1 of 2020 0-\n");
}

/* Members that nobody reads are passed over; what is wrong with them is told all the same. */
static void test_unread(void **state)
{
    (void)state;
    expect("TOY\nb one\nd 300000 o\n! 7 torn\nd 1 o\ne\nb two\ne\n", false,
           "member one\nproblem 7 torn\nmember two\n");
}

static void test_refused(void **state)
{
    (void)state;
    expect("TOY\nb link\nx a link\nb half\nd 5 h\nx it breaks off\nb good\nd 1 g\ne\n", true,
           "member link refused: a link\nmember half refused: it breaks off\nmember good 1g\n");
}

static void test_problems(void **state)
{
    (void)state;
    expect("TOY\n! 4 before\nb one\n! 5 inside\nd 2 o\n! 6 inside too\ne\n! 7 after\n", true,
           "problem 4 before\nmember one 2o\nproblem 5 inside\nproblem 6 inside too\nproblem 7 "
           "after\n");
}

static void test_about(void **state)
{
    (void)state;
    size_t n;
    struct vdm_container *c = open_toy("TOY\na says this\na and that\nb one\ne\n");
    assert_non_null(c);
    assert_ptr_equal(vdm_container_format(c), &toy);
    const struct vdm_record_line *l = vdm_container_about(c, &n);
    assert_int_equal(n, 2);
    assert_bytes(l[1].value, "and that");
    vdm_container_close(c);
}

static void test_not_one(void **state)
{
    (void)state;
    assert_false(vdm_container_may_be(formats, VDM_LIT("TO")));
    assert_true(vdm_container_may_be(formats, VDM_LIT("TOYS")));
    assert_null(open_toy("TOYS\n"));
    assert_null(open_toy(""));
}

static void test_worker_dies(void **state)
{
    (void)state;
    expect("TOY\nb one\nd 100000 o\nk\n", true,
           "member one refused: the worker crashed (Aborted)\n"
           "problem 0 the worker crashed (Aborted)\n");
}

/* What was taken before stays. */
static void test_worker_works_too_long(void **state)
{
    (void)state;
    expect("TOY\nb one\nd 1000 o\ne\nb two\nd 100000 t\nc\n", true,
           "member one 1000o\n"
           "member two refused: the worker used up its 60 s of CPU time\n"
           "problem 0 the worker used up its 60 s of CPU time\n");
}

static bool ask(const void *ctx)
{
    int *left = *(int *const *)ctx;
    return (*left)-- <= 0;
}

/* Who asks to stop is heard while problems come, before the first member and behind it; and while bytes do. */
static void test_stopped(void **state)
{
    (void)state;
    struct vdm_buf problems = {0};
    struct vdm_err err = {0};
    for (int i = 0; i < 300000; i++)
        vdm_buf_puts(&problems, "! 7 x\n");
    vdm_buf_putc(&problems, 0);
    const char *text[] = {"TOY\n", "TOY\nb one\ne\n", "TOY\nb one\nd 90000000 o\ne\n"};
    for (int i = 0; i < 3; i++) {
        struct vdm_buf all = {0};
        struct vdm_container *c;
        enum vdm_container_step step = VDM_CONTAINER_MEMBER;
        int asked = 3, *left = &asked;
        uint8_t piece[1000];
        size_t got = 1;
        vdm_buf_puts(&all, text[i]);
        vdm_buf_put(&all, vdm_buf_bytes(&problems));
        const struct vdm_container_with with = {.stop = ask, .stop_ctx = &left};
        bool ok = open_with(&c, (const char *)all.p, &with, &err);
        assert_int_equal(ok, i > 0);
        if (ok)
            assert_true(vdm_container_next(c, &step, &err) && step == VDM_CONTAINER_MEMBER);
        while (ok && got && vdm_container_read(c, piece, sizeof piece, &got, &err))
            ;
        for (int steps = 0; ok && step != VDM_CONTAINER_END; steps++) {
            assert_true(vdm_container_next(c, &step, &err));
            assert_true(steps < 1002);
        }
        assert_true(i == 1 ||
                    (err.kind == VDM_ERR_REFUSED && strcmp(err.text, "interrupted") == 0));
        assert_true(!ok || vdm_container_stopped(c));
        assert_int_equal(asked, -1); /* not asked again */
        vdm_container_close(c);
        vdm_buf_release(&all);
    }
    vdm_buf_release(&problems);
}

/* From wherever one begins that is not behind the end, it is the same. */
static void test_head_end(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t end;
    } heads[] = {{"", 0},         {"\n", 1},         {"\r\n", 2},         {"\r", 0},
                 {"a\n\n", 3},    {"a\r\n\r\nb", 5}, {"a\n\r\nb\n\n", 4}, {"a\n\rb\n", 0},
                 {"a\nb\n\n", 5}, {"a\n\r", 0}};
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        struct vdm_bytes b = vdm_str(heads[i].text);
        assert_int_equal(vdm_head_end(b), heads[i].end);
        for (size_t from = 0; from + 3 <= heads[i].end; from++)
            assert_int_equal(vdm_head_end_from(b, from), heads[i].end);
        assert_int_equal(vdm_head_end_from(b, b.n + 7), 0);
    }
}

/* A worker that is in a stranger's hands can lie, but not more than lines and bytes. */
static void test_worker_lies(void **state)
{
    (void)state;
    static const char *const lies[] = {
        "TOY\ne\n", "TOY\nb one\nb two\ne\n", "TOY\nb one\nD sha256:00 0\ne\n",
        "TOY\na x\nb one\na y\ne\n", "TOY\nb one\np 18446744073709551615 1 slice\ne\n"};
    for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
        struct vdm_buf out = {0};
        struct vdm_container *c = open_toy(lies[i]);
        assert_non_null(c);
        tell(c, &out, true);
        vdm_buf_putc(&out, 0);
        assert_non_null(strstr((const char *)out.p, "says what it must not"));
        vdm_buf_release(&out);
        vdm_container_close(c);
    }
}

static void test_bombs(void **state)
{
    (void)state;
    expect(
        "TOY\nb one\n+ 9000000\nd 3 o\n+ 400000000\nd 1 o\ne\nb two\ne\n", true,
        "member one refused: it unpacks to more than a container of its size may\n"
        "problem 0 it unpacks to more than a container of its size may: the rest was not read\n");
}

/* More lines than a record has room for are left out, and that is told. */
static void test_many_lines(void **state)
{
    (void)state;
    struct vdm_buf text = {0};
    enum vdm_container_step step;
    vdm_buf_puts(&text, "TOY\nb one\n");
    for (int i = 0; i < 1000; i++)
        vdm_buf_puts(&text, "n more\n");
    vdm_buf_puts(&text, "e\n");
    vdm_buf_putc(&text, 0);
    struct vdm_container *c = open_toy((const char *)text.p);
    assert_true(vdm_container_next(c, &step, NULL) && step == VDM_CONTAINER_MEMBER);
    uint8_t piece[1];
    size_t got;
    assert_true(vdm_container_read(c, piece, 1, &got, NULL) && got == 0);
    const struct vdm_member *m = vdm_container_member(c);
    assert_int_equal(m->lines, VDM_MEMBER_LINES_MAX);
    assert_int_equal(m->line[m->lines - 1].field, VDM_FIELD_FIELD);
    vdm_container_close(c);
    vdm_buf_release(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(test_members),
        SCRATCH_TEST(test_unread),
        SCRATCH_TEST(test_refused),
        SCRATCH_TEST(test_problems),
        SCRATCH_TEST(test_about),
        SCRATCH_TEST(test_not_one),
        SCRATCH_TEST(test_worker_dies),
        SCRATCH_TEST(test_worker_lies),
        SCRATCH_TEST(test_bombs),
        SCRATCH_TEST(test_many_lines),
        SCRATCH_TEST(test_worker_works_too_long),
        SCRATCH_TEST(test_stopped),
        SCRATCH_TEST(test_head_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
