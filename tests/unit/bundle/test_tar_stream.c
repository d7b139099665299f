/* SPDX-License-Identifier: MIT */
/* Whole tars: the writer's order of calls, and everything that the one-pass reader must refuse. */
#include "unit/bundle/support.h"

#include "bundle/tar.h"

#include <stdio.h>

#define MTIME 1577935282

static const uint8_t zeros[2 * VDM_TAR_BLOCK];

struct written { /* a tar being written to a scratch file */
    int fd;
    struct vdm_stream_writer *out;
    struct vdm_tar_writer tar;
};

static void begin(struct written *w)
{
    *w = (struct written){.fd = fd_of((struct vdm_bytes){0})};
    assert_true(vdm_stream_writer_open(&w->out, w->fd, VDM_STREAM_PLAIN, 0, NULL));
    assert_true(vdm_tar_writer_init(&w->tar, w->out, "bag", MTIME, NULL));
}

static void release(struct written *w)
{
    vdm_stream_writer_close(w->out);
    vdm_fd_close(&w->fd);
}

static void finish(struct written *w, struct vdm_buf *raw)
{
    size_t start = raw->n;
    assert_true(vdm_tar_writer_finish(&w->tar, NULL));
    assert_true(vdm_stream_writer_finish(w->out, NULL));
    slurp(w->fd, raw);
    assert_int_equal(raw->n - start, w->tar.bytes);
}

/* bag/a (5 bytes), bag/b (empty), bag/c (512 bytes). */
static void small_tar(struct vdm_buf *raw)
{
    struct written w VDM_CLEANUP(release) = {.fd = -1};
    uint8_t block[VDM_TAR_BLOCK];
    memset(block, 'c', sizeof block);
    begin(&w);
    assert_true(vdm_tar_writer_add(&w.tar, "a", VDM_LIT("hello"), NULL));
    assert_true(vdm_tar_writer_add(&w.tar, "b", VDM_LIT(""), NULL));
    assert_true(vdm_tar_writer_add(&w.tar, "c", (struct vdm_bytes){block, sizeof block}, NULL));
    finish(&w, raw);
    assert_int_equal(w.tar.bytes, (2 + 1 + 2 + 2) * VDM_TAR_BLOCK);
}

struct seen {
    enum vdm_tar_status status;
    size_t members;
    uint64_t offset;
    const char *reason;
    struct vdm_tar_member last;
};

/* Reads everything; content is appended to `content`, or passed over where that is NULL. */
static struct seen read_all(struct vdm_bytes raw, size_t step, struct vdm_buf *content)
{
    int fd VDM_CLEANUP(vdm_fd_close) = fd_of(raw);
    struct vdm_stream_reader *in VDM_CLEANUP(vdm_stream_reader_cleanup) = NULL;
    struct vdm_tar_reader r;
    struct seen seen = {0};
    assert_true(vdm_stream_reader_open(&in, fd, NULL));
    vdm_tar_reader_init(&r, in);
    for (;;) {
        size_t got = 1;
        assert_true(vdm_tar_reader_next(&r, &seen.status, &seen.last, NULL));
        if (seen.status != VDM_TAR_OK)
            break;
        seen.members++;
        while (content && got > 0) {
            uint8_t *p = vdm_buf_grow(content, step);
            assert_non_null(p);
            assert_true(vdm_tar_reader_read(&r, p, step, &got, &seen.status, NULL));
            content->n -= step - got;
            assert_true(got == step || r.left == 0 || seen.status != VDM_TAR_OK);
        }
    }
    /* Final is final. */
    enum vdm_tar_status again;
    struct vdm_tar_member m;
    uint8_t byte;
    size_t got = 1;
    assert_true(vdm_tar_reader_next(&r, &again, &m, NULL));
    assert_int_equal(again, seen.status);
    assert_true(vdm_tar_reader_read(&r, &byte, 1, &got, &again, NULL));
    assert_int_equal(again, seen.status);
    assert_int_equal(got, 0);
    seen.offset = r.offset;
    seen.reason = r.reason;
    assert_int_equal(*r.reason == 0, seen.status == VDM_TAR_END);
    return seen;
}

static void expect(const struct vdm_buf *raw, enum vdm_tar_status status, size_t members,
                   uint64_t offset, const char *word)
{
    static const size_t steps[] = {1, 7, 4096};
    for (size_t i = 0; i < 4; i++) {
        struct vdm_buf content VDM_CLEANUP(vdm_buf_release) = {0};
        struct seen s = i < 3 ? read_all(vdm_buf_bytes(raw), steps[i], &content)
                              : read_all(vdm_buf_bytes(raw), 0, NULL);
        if (s.status != status || s.members != members || s.offset != offset ||
            !strstr(s.reason, word))
            fail_msg("status %d, %zu members, offset %zu: %s", (int)s.status, s.members,
                     (size_t)s.offset, s.reason);
    }
}

static void test_sizes_around_blocks(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 511, 512, 513, 1023, 1024, 70000};
    for (size_t f = 0; f < 3; f++) {
        struct vdm_buf data VDM_CLEANUP(vdm_buf_release) = {0};
        struct vdm_buf tar VDM_CLEANUP(vdm_buf_release) = {0};
        struct vdm_buf raw VDM_CLEANUP(vdm_buf_release) = {0};
        struct vdm_buf want VDM_CLEANUP(vdm_buf_release) = {0};
        struct vdm_buf content VDM_CLEANUP(vdm_buf_release) = {0};
        struct written w VDM_CLEANUP(release) = {.fd = -1};
        fill_with_text(&data, 70000);
        begin(&w);
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
            struct vdm_bytes part = {data.p, sizes[i]};
            char path[32];
            snprintf(path, sizeof path, "f/%zu", sizes[i]);
            assert_true(vdm_tar_writer_add(&w.tar, path, part, NULL));
            vdm_buf_put(&want, part);
        }
        finish(&w, &tar);
        pack((enum vdm_stream_form)f, 0, 1000, vdm_buf_bytes(&tar), &raw);
        struct seen s = read_all(vdm_buf_bytes(&raw), 1000, &content);
        assert_int_equal(s.status, VDM_TAR_END);
        assert_int_equal(s.members, sizeof sizes / sizeof *sizes);
        assert_int_equal(s.offset, tar.n);
        assert_string_equal(s.last.name, "bag/f/70000");
        assert_int_equal(s.last.mtime, MTIME);
        assert_true(vdm_bytes_equal(vdm_buf_bytes(&content), vdm_buf_bytes(&want)));
    }
}

static void test_content_in_pieces(void **state)
{
    (void)state;
    struct vdm_buf raw VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_buf content VDM_CLEANUP(vdm_buf_release) = {0};
    struct written w VDM_CLEANUP(release) = {.fd = -1};
    begin(&w);
    assert_true(vdm_tar_writer_begin(&w.tar, "x", 5, NULL));
    assert_true(vdm_tar_writer_write(&w.tar, VDM_LIT("he"), NULL));
    assert_true(vdm_tar_writer_write(&w.tar, VDM_LIT(""), NULL));
    assert_true(vdm_tar_writer_write(&w.tar, VDM_LIT("llo"), NULL));
    assert_true(vdm_tar_writer_end(&w.tar, NULL));
    finish(&w, &raw);
    assert_int_equal(read_all(vdm_buf_bytes(&raw), 3, &content).status, VDM_TAR_END);
    assert_true(vdm_bytes_equal_str(vdm_buf_bytes(&content), "hello"));
}

static void test_no_members(void **state)
{
    (void)state;
    struct vdm_buf raw VDM_CLEANUP(vdm_buf_release) = {0};
    struct written w VDM_CLEANUP(release) = {.fd = -1};
    begin(&w);
    finish(&w, &raw);
    assert_int_equal(raw.n, 1024);
    expect(&raw, VDM_TAR_END, 0, 1024, "");
}

/* 8 GiB and more: header only, the content does not follow. */
static void test_large_member_header(void **state)
{
    (void)state;
    static const uint64_t size = (UINT64_C(8) << 30) + 3;
    struct vdm_buf raw VDM_CLEANUP(vdm_buf_release) = {0};
    struct written w VDM_CLEANUP(release) = {.fd = -1};
    begin(&w);
    assert_true(vdm_tar_writer_begin(&w.tar, "large", size, NULL));
    assert_int_equal(w.tar.left, size);
    assert_int_equal(w.tar.padding, 509);
    assert_false(vdm_tar_writer_end(&w.tar, NULL));
    assert_true(vdm_stream_writer_finish(w.out, NULL));
    slurp(w.fd, &raw);
    struct seen s = read_all(vdm_buf_bytes(&raw), 100, NULL);
    assert_int_equal(s.status, VDM_TAR_CUT_OFF);
    assert_int_equal(s.members, 1);
    assert_int_equal(s.last.size, size);
    assert_int_equal(s.offset, 512);
}

/* --- the writer's promises --- */

static void expect_over(struct written *w)
{
    struct vdm_err err = {0};
    assert_false(vdm_tar_writer_begin(&w->tar, "y", 1, &err));
    assert_int_equal(err.kind, VDM_ERR_REFUSED);
    assert_false(vdm_tar_writer_write(&w->tar, VDM_LIT("y"), NULL));
    assert_false(vdm_tar_writer_end(&w->tar, NULL));
    assert_false(vdm_tar_writer_finish(&w->tar, NULL));
}

static void test_writer_order_of_calls(void **state)
{
    (void)state;
    for (int i = 0; i < 11; i++) {
        struct written w VDM_CLEANUP(release) = {.fd = -1};
        struct vdm_err err = {0};
        begin(&w);
        bool inside = i < 6;
        assert_true(!inside || vdm_tar_writer_begin(&w.tar, "x", 3, NULL));
        assert_true(!inside || vdm_tar_writer_write(&w.tar, VDM_LIT("ab"), NULL));
        bool ok = i == 0   ? vdm_tar_writer_begin(&w.tar, "y", 1, &err)
                  : i == 1 ? vdm_tar_writer_write(&w.tar, VDM_LIT("cd"), &err)
                  : i == 2 ? vdm_tar_writer_end(&w.tar, &err)
                  : i == 3 ? vdm_tar_writer_finish(&w.tar, &err)
                  : i == 4 ? vdm_tar_writer_add(&w.tar, "y", VDM_LIT("y"), &err)
                  : i == 5 ? vdm_tar_writer_write(&w.tar, VDM_LIT("c"), &err) &&
                                 vdm_tar_writer_finish(&w.tar, &err)
                  : i == 6 ? vdm_tar_writer_write(&w.tar, VDM_LIT("y"), &err)
                  : i == 7 ? vdm_tar_writer_end(&w.tar, &err)
                  : i == 8 ? vdm_tar_writer_write(&w.tar, VDM_LIT(""), &err)
                  : i == 9
                      ? vdm_tar_writer_begin(&w.tar, "../y", 1, &err)
                      : vdm_tar_writer_finish(&w.tar, NULL) && vdm_tar_writer_finish(&w.tar, &err);
        assert_false(ok);
        assert_int_equal(err.kind, VDM_ERR_REFUSED);
        expect_over(&w);
    }
}

static void test_writer_names_and_times(void **state)
{
    (void)state;
    struct vdm_tar_writer w = {0};
    struct vdm_err err = {0};
    assert_false(vdm_tar_writer_finish(&w, NULL)); /* without init */
    assert_false(vdm_tar_writer_init(&w, NULL, "a/b", MTIME, &err));
    assert_int_equal(err.kind, VDM_ERR_REFUSED);
    assert_false(vdm_tar_writer_init(&w, NULL, "", MTIME, NULL));
    assert_false(vdm_tar_writer_init(&w, NULL, "bag", VDM_TAR_OCTAL_MAX + 1, NULL));
    assert_true(vdm_tar_writer_init(&w, NULL, "bag", VDM_TAR_OCTAL_MAX, NULL));

    char path[VDM_TAR_NAME_MAX + 1] = {0};
    memset(path, 'p', VDM_TAR_NAME_MAX);
    for (size_t n = 96; n <= 97; n++) { /* with `bag/` 100 and 101 */
        struct written at VDM_CLEANUP(release) = {.fd = -1};
        begin(&at);
        path[n] = 0;
        assert_int_equal(vdm_tar_writer_add(&at.tar, path, VDM_LIT("x"), &err), n == 96);
        path[n] = 'p';
    }
}

static void test_writer_stops_with_its_stream(void **state)
{
    (void)state;
    struct written w VDM_CLEANUP(release) = {.fd = -1};
    struct vdm_buf data VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_err err = {0};
    fill_with_text(&data, 1 << 17);
    begin(&w);
    assert_true(vdm_tar_writer_begin(&w.tar, "x", data.n, NULL));
    vdm_fd_close(&w.fd); /* the stream still holds the number */
    assert_false(vdm_tar_writer_write(&w.tar, vdm_buf_bytes(&data), &err));
    assert_int_equal(err.kind, VDM_ERR_FAILED);
    expect_over(&w);
}

/* --- what the reader refuses --- */

static void test_cut_off_at_every_byte(void **state)
{
    (void)state;
    struct vdm_buf tar VDM_CLEANUP(vdm_buf_release) = {0};
    small_tar(&tar);
    for (size_t f = 0; f < 3; f++) {
        struct vdm_buf raw VDM_CLEANUP(vdm_buf_release) = {0};
        pack((enum vdm_stream_form)f, 0, 4096, vdm_buf_bytes(&tar), &raw);
        for (size_t n = 0; n < raw.n; n++) {
            struct seen s = read_all((struct vdm_bytes){raw.p, n}, 0, NULL);
            assert_int_equal(s.status, VDM_TAR_CUT_OFF);
            assert_true(f > 0 || s.offset == n);
        }
        assert_int_equal(read_all(vdm_buf_bytes(&raw), 0, NULL).status, VDM_TAR_END);
    }
}

static void test_compressed_but_cut_off_before(void **state)
{
    (void)state;
    struct vdm_buf tar VDM_CLEANUP(vdm_buf_release) = {0};
    small_tar(&tar);
    for (size_t f = 1; f < 3; f++) {
        struct vdm_buf raw VDM_CLEANUP(vdm_buf_release) = {0};
        pack((enum vdm_stream_form)f, 0, 4096, (struct vdm_bytes){tar.p, tar.n - 512}, &raw);
        expect(&raw, VDM_TAR_CUT_OFF, 3, tar.n - 512, "end marker");
    }
}

static void test_bytes_after_the_end(void **state)
{
    (void)state;
    static const size_t counts[] = {1, 511, 512, 513, 7168};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        struct vdm_buf raw VDM_CLEANUP(vdm_buf_release) = {0};
        small_tar(&raw);
        size_t n = raw.n;
        memset(vdm_buf_grow(&raw, counts[i]), 0, counts[i]);
        expect(&raw, VDM_TAR_MALFORMED, 3, n, "after the end marker");
    }
    struct vdm_buf twice VDM_CLEANUP(vdm_buf_release) = {0};
    small_tar(&twice);
    size_t n = twice.n;
    small_tar(&twice);
    expect(&twice, VDM_TAR_MALFORMED, 3, n, "after the end marker");
}

static void test_end_marker(void **state)
{
    (void)state;
    struct vdm_buf raw VDM_CLEANUP(vdm_buf_release) = {0};
    small_tar(&raw);
    raw.p[raw.n - 1] = 1;
    expect(&raw, VDM_TAR_MALFORMED, 3, raw.n - 1, "end marker");
    raw.p[raw.n - 1] = 0;
    raw.p[raw.n - 513] = 1; /* then the first of the two is a header, and a bad one */
    expect(&raw, VDM_TAR_MALFORMED, 3, raw.n - 1024, "checksum is wrong");

    struct vdm_buf one VDM_CLEANUP(vdm_buf_release) = {0}; /* a zero block between members */
    small_tar(&one);
    one.n -= 1024;
    size_t n = one.n;
    vdm_buf_put(&one, (struct vdm_bytes){zeros, 512});
    small_tar(&one);
    expect(&one, VDM_TAR_MALFORMED, 3, n + 512, "one zero block");
}

static void test_padding(void **state)
{
    (void)state;
    struct vdm_buf raw VDM_CLEANUP(vdm_buf_release) = {0};
    small_tar(&raw);
    for (size_t at = 512 + 5; at < 1024; at++) {
        raw.p[at] = 1;
        struct seen s = read_all(vdm_buf_bytes(&raw), 0, NULL);
        assert_int_equal(s.status, VDM_TAR_MALFORMED);
        assert_int_equal(s.offset, at);
        raw.p[at] = 0;
    }
    raw.p[1000] = 1;
    expect(&raw, VDM_TAR_MALFORMED, 1, 1000, "padding");
}

static void test_one_folder(void **state)
{
    (void)state;
    struct vdm_buf raw VDM_CLEANUP(vdm_buf_release) = {0};
    static const char *const others[] = {"bah/x", "ba/x", "bagg/x", "Bag/x"};
    struct vdm_tar_member m = {.mtime = MTIME};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        uint8_t block[VDM_TAR_BLOCK];
        vdm_buf_clear(&raw);
        small_tar(&raw);
        raw.n -= 1024;
        size_t n = raw.n;
        memcpy(m.name, others[i], strlen(others[i]) + 1);
        assert_true(vdm_tar_header_encode(&m, block, NULL));
        vdm_buf_put(&raw, (struct vdm_bytes){block, sizeof block});
        vdm_buf_put(&raw, (struct vdm_bytes){zeros, 1024});
        expect(&raw, VDM_TAR_MALFORMED, 3, n, "another top folder");
    }
}

/* The reader goes from one state to the next; a flipped bit is content, or it is refused. */
static void test_every_byte_flipped(void **state)
{
    (void)state;
    struct vdm_buf raw VDM_CLEANUP(vdm_buf_release) = {0};
    small_tar(&raw);
    for (size_t at = 0; at < raw.n; at++) {
        bool content = (at >= 512 && at < 517) || (at >= 2048 && at < 2560);
        raw.p[at] ^= 0x41;
        struct seen s = read_all(vdm_buf_bytes(&raw), 0, NULL);
        raw.p[at] ^= 0x41;
        assert_int_equal(s.status, content ? VDM_TAR_END : VDM_TAR_MALFORMED);
    }
}

static void test_trouble_of_the_stream(void **state)
{
    (void)state;
    struct vdm_buf tar VDM_CLEANUP(vdm_buf_release) = {0};
    small_tar(&tar);
    for (size_t f = 1; f < 3; f++) {
        struct vdm_buf raw VDM_CLEANUP(vdm_buf_release) = {0};
        struct vdm_buf empty VDM_CLEANUP(vdm_buf_release) = {0};
        pack((enum vdm_stream_form)f, 0, 4096, vdm_buf_bytes(&tar), &raw);
        size_t n = raw.n;
        vdm_buf_putc(&raw, 0);
        expect(&raw, VDM_TAR_MALFORMED, 3, tar.n, "bytes after the end of the");
        raw.n = n;
        pack((enum vdm_stream_form)f, 0, 1, VDM_LIT(""), &empty);
        vdm_buf_put(&raw, vdm_buf_bytes(&empty));
        expect(&raw, VDM_TAR_MALFORMED, 3, tar.n, "bytes after the end of the");
        raw.n = n;
        raw.p[n - (f == 1 ? 8 : 1)] ^= 1; /* the checksum, behind a whole tar */
        struct seen s = read_all(vdm_buf_bytes(&raw), 0, NULL);
        assert_int_equal(s.status, VDM_TAR_DAMAGED);
        assert_non_null(strstr(s.reason, "does not decode"));
    }
}

static void expect_begin(struct vdm_bytes raw, const char *want, size_t n)
{
    int fd VDM_CLEANUP(vdm_fd_close) = fd_of(raw);
    struct vdm_stream_reader *in VDM_CLEANUP(vdm_stream_reader_cleanup) = NULL;
    struct vdm_tar_reader r;
    struct vdm_tar_member m;
    enum vdm_tar_status status = VDM_TAR_OK;
    assert_true(vdm_stream_reader_open(&in, fd, NULL));
    vdm_tar_reader_init(&r, in);
    while (status == VDM_TAR_OK) {
        assert_true(vdm_tar_reader_next(&r, &status, &m, NULL));
        assert_int_equal(r.begin_n, n);
        assert_memory_equal(r.begin, want, n);
    }
}

/* What it begins with is kept, whatever that is, and whatever follows. */
static void test_what_it_begins_with(void **state)
{
    (void)state;
    struct vdm_buf raw VDM_CLEANUP(vdm_buf_release) = {0};
    char begin[VDM_TAR_BEGIN] = "bag/a";
    small_tar(&raw);
    expect_begin(vdm_buf_bytes(&raw), begin, VDM_TAR_BEGIN);
    expect_begin(VDM_LIT("no tar"), "no tar", 6);
    expect_begin(VDM_LIT("thirty-two bytes of no tar at all"), "thirty-two bytes of no tar at all",
                 VDM_TAR_BEGIN);
    expect_begin(VDM_LIT(""), "", 0);
}

static void test_tar_in_two_members(void **state)
{
    (void)state;
    struct vdm_buf tar VDM_CLEANUP(vdm_buf_release) = {0};
    small_tar(&tar);
    for (size_t f = 1; f < 3; f++) {
        struct vdm_buf raw VDM_CLEANUP(vdm_buf_release) = {0};
        pack((enum vdm_stream_form)f, 0, 4096, (struct vdm_bytes){tar.p, 1024}, &raw);
        pack((enum vdm_stream_form)f, 0, 4096, vdm_bytes_skip(vdm_buf_bytes(&tar), 1024), &raw);
        expect(&raw, VDM_TAR_MALFORMED, 1, 1024, "bytes after the end of the");
    }
}

static void test_descriptor_that_fails(void **state)
{
    (void)state;
    struct vdm_buf raw VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_buf data VDM_CLEANUP(vdm_buf_release) = {0};
    struct written w VDM_CLEANUP(release) = {.fd = -1};
    fill_with_text(&data, 1 << 17);
    begin(&w);
    assert_true(vdm_tar_writer_add(&w.tar, "x", vdm_buf_bytes(&data), NULL));
    finish(&w, &raw);
    int fd = fd_of(vdm_buf_bytes(&raw));
    struct vdm_stream_reader *in VDM_CLEANUP(vdm_stream_reader_cleanup) = NULL;
    struct vdm_tar_reader r;
    struct vdm_tar_member m;
    enum vdm_tar_status status;
    struct vdm_err err = {0};
    assert_true(vdm_stream_reader_open(&in, fd, NULL));
    vdm_fd_close(&fd);
    vdm_tar_reader_init(&r, in);
    assert_true(vdm_tar_reader_next(&r, &status, &m, NULL));
    assert_false(vdm_tar_reader_next(&r, &status, &m, &err));
    assert_int_equal(err.kind, VDM_ERR_FAILED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sizes_around_blocks),
        cmocka_unit_test(test_content_in_pieces),
        cmocka_unit_test(test_no_members),
        cmocka_unit_test(test_large_member_header),
        cmocka_unit_test(test_writer_order_of_calls),
        cmocka_unit_test(test_writer_names_and_times),
        cmocka_unit_test(test_writer_stops_with_its_stream),
        cmocka_unit_test(test_cut_off_at_every_byte),
        cmocka_unit_test(test_compressed_but_cut_off_before),
        cmocka_unit_test(test_bytes_after_the_end),
        cmocka_unit_test(test_end_marker),
        cmocka_unit_test(test_padding),
        cmocka_unit_test(test_one_folder),
        cmocka_unit_test(test_every_byte_flipped),
        cmocka_unit_test(test_trouble_of_the_stream),
        cmocka_unit_test(test_what_it_begins_with),
        cmocka_unit_test(test_tar_in_two_members),
        cmocka_unit_test(test_descriptor_that_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
