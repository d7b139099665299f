/* SPDX-License-Identifier: MIT */
/* Streams of our own making: forms, levels, headers, and a writer that stops when it must. */
#include "unit/bundle/support.h"

#include <fcntl.h>
#include <sys/stat.h>

static const enum vdm_stream_form all_forms[] = {VDM_STREAM_PLAIN, VDM_STREAM_GZIP,
                                                 VDM_STREAM_ZSTD};

/* What is written comes back, whatever the sizes of the pieces. */
static void round_trip(enum vdm_stream_form form, int level, size_t n, size_t in, size_t out)
{
    struct vdm_buf data VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_buf raw VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_buf back VDM_CLEANUP(vdm_buf_release) = {0};
    fill_with_text(&data, n);
    pack(form, level, in, vdm_buf_bytes(&data), &raw);
    struct unpacked u = unpack(vdm_buf_bytes(&raw), out, &back);
    assert_int_equal(u.form, form);
    assert_int_equal(u.state, VDM_STREAM_END);
    assert_string_equal(u.reason, "");
    assert_int_equal(u.raw_bytes, raw.n);
    assert_true(vdm_bytes_equal(vdm_buf_bytes(&back), vdm_buf_bytes(&data)));
}

static void test_round_trips(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 511, 512, 65535, 65536, 65537, 131072, 300000};
    for (size_t f = 0; f < 3; f++)
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
            round_trip(all_forms[f], 0, sizes[i], 1000, 4096);
            round_trip(all_forms[f], 0, sizes[i], 100000, 1 << 20);
        }
    round_trip(VDM_STREAM_GZIP, 1, 3000, 1, 1);
    round_trip(VDM_STREAM_GZIP, 9, 3000, 7, 13);
    round_trip(VDM_STREAM_ZSTD, 1, 3000, 1, 1);
    round_trip(VDM_STREAM_ZSTD, 19, 3000, 7, 13);
}

/* Bytes that do not compress come out longer than they went in. */
static void test_incompressible(void **state)
{
    (void)state;
    struct vdm_buf data VDM_CLEANUP(vdm_buf_release) = {0};
    uint64_t x = 88172645463325252u;
    for (size_t i = 0; i < 200000; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        vdm_buf_putc(&data, (char)(x & 0xFF));
    }
    for (size_t f = 0; f < 3; f++)
        for (size_t n = 65535; n <= data.n; n += 134465) {
            struct vdm_buf raw VDM_CLEANUP(vdm_buf_release) = {0};
            struct vdm_buf back VDM_CLEANUP(vdm_buf_release) = {0};
            struct vdm_bytes part = {data.p, n};
            pack(all_forms[f], 0, 4096, part, &raw);
            assert_true(f == 0 || raw.n > n);
            assert_int_equal(unpack(vdm_buf_bytes(&raw), 4096, &back).state, VDM_STREAM_END);
            assert_true(vdm_bytes_equal(vdm_buf_bytes(&back), part));
        }
}

static void test_output_does_not_depend_on_pieces(void **state)
{
    (void)state;
    struct vdm_buf data VDM_CLEANUP(vdm_buf_release) = {0};
    fill_with_text(&data, 5 << 20); /* for each thread of zstd something to do */
    for (size_t f = 0; f < 3; f++) {
        struct vdm_buf one VDM_CLEANUP(vdm_buf_release) = {0};
        struct vdm_buf many VDM_CLEANUP(vdm_buf_release) = {0};
        pack(all_forms[f], 0, data.n, vdm_buf_bytes(&data), &one);
        pack(all_forms[f], 0, 777, vdm_buf_bytes(&data), &many);
        assert_true(vdm_bytes_equal(vdm_buf_bytes(&one), vdm_buf_bytes(&many)));
    }
}

/* What the threads of zstd do side by side still looks back a little: what comes again every 20,000 bytes is packed once. */
static void test_zstd_threads_look_back(void **state)
{
    (void)state;
    struct vdm_buf data VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_buf once VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_buf often VDM_CLEANUP(vdm_buf_release) = {0};
    fill_with_text(&data, 20000);
    pack(VDM_STREAM_ZSTD, 0, 4096, vdm_buf_bytes(&data), &once);
    for (size_t i = 20000; i < 8 << 20; i++)
        vdm_buf_putc(&data, (char)data.p[i - 20000]);
    pack(VDM_STREAM_ZSTD, 0, 4096, vdm_buf_bytes(&data), &often);
    assert_true(often.n < 2 * once.n);
}

/* A higher level is another effort; level 0 is the one that the header names. */
static void test_levels_matter(void **state)
{
    (void)state;
    struct vdm_buf data VDM_CLEANUP(vdm_buf_release) = {0};
    fill_with_text(&data, 100000);
    for (size_t f = 1; f < 3; f++) {
        struct vdm_buf out[4] = {{0}};
        const int levels[] = {1, f == 1 ? 6 : 3, f == 1 ? 9 : 19, 0};
        for (size_t i = 0; i < 4; i++)
            pack(all_forms[f], levels[i], 4096, vdm_buf_bytes(&data), &out[i]);
        assert_false(vdm_bytes_equal(vdm_buf_bytes(&out[0]), vdm_buf_bytes(&out[1])));
        assert_false(vdm_bytes_equal(vdm_buf_bytes(&out[1]), vdm_buf_bytes(&out[2])));
        assert_true(vdm_bytes_equal(vdm_buf_bytes(&out[1]), vdm_buf_bytes(&out[3])));
        for (size_t i = 0; i < 4; i++)
            vdm_buf_release(&out[i]);
    }
}

static void test_gzip_header_is_fixed(void **state)
{
    (void)state;
    struct vdm_buf raw VDM_CLEANUP(vdm_buf_release) = {0};
    pack(VDM_STREAM_GZIP, 0, 1, VDM_LIT("x"), &raw);
    assert_true(raw.n > 18);
    assert_memory_equal(raw.p, "\x1f\x8b\x08\0\0\0\0\0\0\xff", 10);
}

static void test_zstd_header_has_checksum_and_small_window(void **state)
{
    (void)state;
    static const int levels[] = {0, 1, 19};
    struct vdm_buf data VDM_CLEANUP(vdm_buf_release) = {0};
    fill_with_text(&data, 100000);
    for (size_t i = 0; i < 3; i++) {
        struct vdm_buf raw VDM_CLEANUP(vdm_buf_release) = {0};
        struct vdm_buf small VDM_CLEANUP(vdm_buf_release) = {0};
        pack(VDM_STREAM_ZSTD, levels[i], 1000, vdm_buf_bytes(&data), &raw);
        assert_memory_equal(raw.p, "\x28\xb5\x2f\xfd", 4);
        assert_int_equal(raw.p[4] & 0x27, 0x04); /* a checksum, no single segment, no dictionary */
        assert_true((raw.p[5] >> 3) + 10 <= 23);
        pack(VDM_STREAM_ZSTD, levels[i], 10, VDM_LIT("small"), &small);
        assert_int_equal(small.p[4] & 0x07, 0x04);
    }
}

static void test_forms_by_ending(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        enum vdm_stream_form form;
    } good[] = {
        {"a.tar", VDM_STREAM_PLAIN},    {"a.tar.gz", VDM_STREAM_GZIP},
        {"x/y.tgz", VDM_STREAM_GZIP},   {"a.tar.zst", VDM_STREAM_ZSTD},
        {"a.gz.tar", VDM_STREAM_PLAIN}, {".tar", VDM_STREAM_PLAIN},
    };
    static const char *const bad[] = {"",      "tar",      "a.TAR",  "a.gz",
                                      "a.zst", "a.tar.xz", "a.tar.", "tgz"};
    enum vdm_stream_form form;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_true(vdm_stream_form_of_name(good[i].name, &form, NULL));
        assert_int_equal(form, good[i].form);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct vdm_err err = {0};
        assert_false(vdm_stream_form_of_name(bad[i], &form, &err));
        assert_int_equal(err.kind, VDM_ERR_USAGE);
    }
}

static void test_levels_are_bounded(void **state)
{
    (void)state;
    static const int highest[] = {0, 9, 19};
    struct vdm_stream_writer *w = NULL;
    for (size_t f = 0; f < 3; f++) {
        struct vdm_err err = {0};
        assert_false(vdm_stream_writer_open(&w, -1, all_forms[f], -1, &err));
        assert_int_equal(err.kind, VDM_ERR_USAGE);
        err = (struct vdm_err){0};
        assert_false(vdm_stream_writer_open(&w, -1, all_forms[f], highest[f] + 1, &err));
        assert_int_equal(err.kind, VDM_ERR_USAGE);
        assert_null(w);
    }
}

static void test_writer_stops_after_finish_and_failure(void **state)
{
    (void)state;
    int fd VDM_CLEANUP(vdm_fd_close) = fd_of((struct vdm_bytes){0});
    int read_only VDM_CLEANUP(vdm_fd_close) = open("/dev/null", O_RDONLY | O_CLOEXEC);
    for (size_t f = 0; f < 3; f++) {
        struct vdm_err err = {0};
        struct vdm_stream_writer *w VDM_CLEANUP(vdm_stream_writer_cleanup) = NULL;
        assert_true(vdm_stream_writer_open(&w, fd, all_forms[f], 0, NULL));
        assert_true(vdm_stream_writer_finish(w, NULL));
        assert_false(vdm_stream_write(w, VDM_LIT("x"), &err));
        assert_int_equal(err.kind, VDM_ERR_REFUSED);
        assert_false(vdm_stream_writer_finish(w, &err));

        struct vdm_stream_writer *broken VDM_CLEANUP(vdm_stream_writer_cleanup) = NULL;
        assert_true(vdm_stream_writer_open(&broken, read_only, all_forms[f], 0, NULL));
        assert_true(vdm_stream_write(broken, VDM_LIT("x"), NULL));
        assert_false(vdm_stream_writer_finish(broken, &err));
        assert_int_equal(err.kind, VDM_ERR_FAILED);
        assert_false(vdm_stream_writer_finish(broken, &err));
        assert_int_equal(err.kind, VDM_ERR_REFUSED);
    }
}

/* A write that fails half-way: what follows would leave a hole. */
static void test_writer_stops_after_failed_write(void **state)
{
    (void)state;
    struct vdm_buf data VDM_CLEANUP(vdm_buf_release) = {0};
    int read_only VDM_CLEANUP(vdm_fd_close) = open("/dev/null", O_RDONLY | O_CLOEXEC);
    fill_with_text(&data, 16 << 20); /* more than zstd keeps in hand */
    for (size_t f = 0; f < 3; f++) {
        struct vdm_err err = {0};
        struct vdm_stream_writer *w VDM_CLEANUP(vdm_stream_writer_cleanup) = NULL;
        assert_true(vdm_stream_writer_open(&w, read_only, all_forms[f], 0, NULL));
        assert_false(vdm_stream_write(w, vdm_buf_bytes(&data), &err));
        assert_int_equal(err.kind, VDM_ERR_FAILED);
        assert_false(vdm_stream_write(w, VDM_LIT("x"), &err));
        assert_int_equal(err.kind, VDM_ERR_REFUSED);
        assert_false(vdm_stream_writer_finish(w, &err));
        assert_int_equal(err.kind, VDM_ERR_REFUSED);
    }
}

static void test_unfinished_stream_is_cut_off(void **state)
{
    (void)state;
    for (size_t f = 1; f < 3; f++) {
        struct vdm_buf data VDM_CLEANUP(vdm_buf_release) = {0};
        struct vdm_buf raw VDM_CLEANUP(vdm_buf_release) = {0};
        struct vdm_buf back VDM_CLEANUP(vdm_buf_release) = {0};
        int fd VDM_CLEANUP(vdm_fd_close) = fd_of((struct vdm_bytes){0});
        struct vdm_stream_writer *w = NULL;
        fill_with_text(&data, 16 << 20);
        assert_true(vdm_stream_writer_open(&w, fd, all_forms[f], 0, NULL));
        assert_true(vdm_stream_write(w, vdm_buf_bytes(&data), NULL));
        vdm_stream_writer_close(w);
        slurp(fd, &raw);
        assert_int_equal(unpack(vdm_buf_bytes(&raw), 4096, &back).state, VDM_STREAM_CUT_OFF);
    }
}

/* --- the disk --- */

static uint64_t told;

bool __real_vdm_fd_write_behind(int fd, struct vdm_write_behind *b, size_t n, struct vdm_err *err);
bool __wrap_vdm_fd_write_behind(int fd, struct vdm_write_behind *b, size_t n, struct vdm_err *err);
bool __wrap_vdm_fd_write_behind(int fd, struct vdm_write_behind *b, size_t n, struct vdm_err *err)
{
    told += n;
    return __real_vdm_fd_write_behind(fd, b, n, err);
}

/* All that goes out is written behind, in each form; where there is no disk, that is no failure. */
static void test_disk_writes_along(void **state)
{
    (void)state;
    struct vdm_buf data VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_stream_writer *w = NULL;
    fill_with_text(&data, 40 << 20);
    for (int i = 0; i < 6; i++) {
        struct stat st;
        int fd VDM_CLEANUP(vdm_fd_close) =
            i < 3 ? fd_of((struct vdm_bytes){0}) : open("/dev/null", O_WRONLY | O_CLOEXEC);
        told = 0;
        assert_true(vdm_stream_writer_open(&w, fd, all_forms[i % 3], 0, NULL));
        assert_true(vdm_stream_write(w, vdm_buf_bytes(&data), NULL));
        assert_true(vdm_stream_writer_finish(w, NULL));
        vdm_stream_writer_close(w);
        assert_true(told > 0);
        assert_int_equal(fstat(fd, &st), 0);
        assert_true(i >= 3 || told == (uint64_t)st.st_size);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trips),
        cmocka_unit_test(test_incompressible),
        cmocka_unit_test(test_output_does_not_depend_on_pieces),
        cmocka_unit_test(test_zstd_threads_look_back),
        cmocka_unit_test(test_levels_matter),
        cmocka_unit_test(test_gzip_header_is_fixed),
        cmocka_unit_test(test_zstd_header_has_checksum_and_small_window),
        cmocka_unit_test(test_forms_by_ending),
        cmocka_unit_test(test_levels_are_bounded),
        cmocka_unit_test(test_writer_stops_after_finish_and_failure),
        cmocka_unit_test(test_writer_stops_after_failed_write),
        cmocka_unit_test(test_unfinished_stream_is_cut_off),
        cmocka_unit_test(test_disk_writes_along),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
