/* SPDX-License-Identifier: MIT */
/* Reading what others made: cut off, trailing, damaged, greedy or unreadable input. */
#include "unit/bundle/support.h"

#include "base/limits.h"

#include <fcntl.h>
#include <zstd.h>

#define EMPTY_SKIPPABLE "\x50\x2a\x4d\x18\x03\0\0\0abc"

static const enum vdm_stream_form all_forms[] = {VDM_STREAM_PLAIN, VDM_STREAM_GZIP,
                                                 VDM_STREAM_ZSTD};

static void expect(struct vdm_bytes raw, enum vdm_stream_form form, enum vdm_stream_state state)
{
    struct vdm_buf back VDM_CLEANUP(vdm_buf_release) = {0};
    struct unpacked u = unpack(raw, 4096, &back);
    assert_int_equal(u.form, form);
    assert_int_equal(u.state, state);
    assert_int_equal(*u.reason == 0, state == VDM_STREAM_END);
}

static void test_form_is_told_by_magic(void **state)
{
    (void)state;
    expect(VDM_LIT(""), VDM_STREAM_PLAIN, VDM_STREAM_END);
    expect(VDM_LIT("\x1f"), VDM_STREAM_PLAIN, VDM_STREAM_END);
    expect(VDM_LIT("\x1f\x8b"), VDM_STREAM_GZIP, VDM_STREAM_CUT_OFF);
    expect(VDM_LIT("\x28\xb5\x2f"), VDM_STREAM_PLAIN, VDM_STREAM_END);
    expect(VDM_LIT("\x28\xb5\x2f\xfd"), VDM_STREAM_ZSTD, VDM_STREAM_CUT_OFF);
    expect(VDM_LIT("bagit.txt"), VDM_STREAM_PLAIN, VDM_STREAM_END);
    expect(VDM_LIT("Plain text"), VDM_STREAM_PLAIN, VDM_STREAM_END);
    expect(VDM_LIT("\x50\x2a\x4d"), VDM_STREAM_PLAIN, VDM_STREAM_END);
    expect(VDM_LIT("\x50\x2a\x4d\x18"), VDM_STREAM_ZSTD, VDM_STREAM_CORRUPT);
    expect(VDM_LIT("\x60\x2a\x4d\x18"), VDM_STREAM_PLAIN, VDM_STREAM_END);
    /* zlib without the gzip wrapping, xz: no forms of ours, so plain bytes. */
    expect(VDM_LIT("\x78\x9c\x03\0\0\0\0\1"), VDM_STREAM_PLAIN, VDM_STREAM_END);
    expect(VDM_LIT("\xfd"
                   "7zXZ\0"),
           VDM_STREAM_PLAIN, VDM_STREAM_END);
}

static void test_cut_off_at_every_byte(void **state)
{
    (void)state;
    struct vdm_buf data VDM_CLEANUP(vdm_buf_release) = {0};
    fill_with_text(&data, 600);
    for (size_t f = 1; f < 3; f++) {
        struct vdm_buf raw VDM_CLEANUP(vdm_buf_release) = {0};
        struct vdm_buf back VDM_CLEANUP(vdm_buf_release) = {0};
        pack(all_forms[f], 0, 600, vdm_buf_bytes(&data), &raw);
        for (size_t n = f == 1 ? 2 : 4; n < raw.n; n++) {
            vdm_buf_clear(&back);
            struct unpacked u = unpack((struct vdm_bytes){raw.p, n}, 100, &back);
            assert_int_equal(u.state, VDM_STREAM_CUT_OFF);
            assert_true(vdm_bytes_start_with(vdm_buf_bytes(&data), vdm_buf_bytes(&back)));
            /* What was decoded is given out, in however many pieces. */
            struct vdm_buf whole VDM_CLEANUP(vdm_buf_release) = {0};
            unpack((struct vdm_bytes){raw.p, n}, 4096, &whole);
            assert_true(vdm_bytes_equal(vdm_buf_bytes(&back), vdm_buf_bytes(&whole)));
        }
    }
}

static void expect_trailing(struct vdm_bytes first, struct vdm_bytes more)
{
    const char *form = first.p[0] == 0x1f ? "gzip" : "zstd";
    struct vdm_buf both VDM_CLEANUP(vdm_buf_release) = {0};
    vdm_buf_put(&both, first);
    vdm_buf_put(&both, more);
    /* Both when the output is full just where the data ends, and when it is not. */
    for (size_t step = 5; step <= 6; step++) {
        struct vdm_buf back VDM_CLEANUP(vdm_buf_release) = {0};
        struct unpacked u = unpack(vdm_buf_bytes(&both), step, &back);
        assert_int_equal(u.state, VDM_STREAM_TRAILING);
        assert_int_equal(u.raw_bytes, first.n);
        assert_true(vdm_bytes_equal_str(vdm_buf_bytes(&back), "first"));
        assert_non_null(strstr(u.reason, form));
    }
}

static void test_nothing_may_follow(void **state)
{
    (void)state;
    for (size_t f = 1; f < 3; f++) {
        struct vdm_buf first VDM_CLEANUP(vdm_buf_release) = {0};
        struct vdm_buf second VDM_CLEANUP(vdm_buf_release) = {0};
        struct vdm_buf empty VDM_CLEANUP(vdm_buf_release) = {0};
        pack(all_forms[f], 0, 5, VDM_LIT("first"), &first);
        pack(all_forms[f], 0, 6, VDM_LIT("second"), &second);
        pack(all_forms[f], 0, 1, VDM_LIT(""), &empty);
        expect_trailing(vdm_buf_bytes(&first), VDM_LIT("x"));
        expect_trailing(vdm_buf_bytes(&first), VDM_LIT("\0"));
        expect_trailing(vdm_buf_bytes(&first), vdm_buf_bytes(&second));
        expect_trailing(vdm_buf_bytes(&first), vdm_buf_bytes(&empty));
        expect_trailing(vdm_buf_bytes(&first), VDM_LIT(EMPTY_SKIPPABLE));
    }
}

/* The member ends just where the reader's buffer does, so the next byte takes another read. */
static void test_trailing_byte_beyond_a_full_buffer(void **state)
{
    (void)state;
    struct vdm_buf raw VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_buf plain VDM_CLEANUP(vdm_buf_release) = {0};
    pack(VDM_STREAM_GZIP, 0, 5, VDM_LIT("first"), &plain);
    vdm_buf_put(&raw, VDM_LIT("\x1f\x8b\x08\x08\0\0\0\0\0\xff")); /* 08: a name follows */
    memset(vdm_buf_grow(&raw, VDM_COPY_BYTES - plain.n - 1), 'n', VDM_COPY_BYTES - plain.n - 1);
    vdm_buf_putc(&raw, 0);
    vdm_buf_put(&raw, vdm_bytes_skip(vdm_buf_bytes(&plain), 10));
    assert_int_equal(raw.n, VDM_COPY_BYTES);
    expect(vdm_buf_bytes(&raw), VDM_STREAM_GZIP, VDM_STREAM_END);
    expect_trailing(vdm_buf_bytes(&raw), VDM_LIT("x"));
}

/* Input that is used up without giving a byte is not the end of it. */
static void test_header_longer_than_the_buffer(void **state)
{
    (void)state;
    struct vdm_buf raw VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_buf plain VDM_CLEANUP(vdm_buf_release) = {0};
    pack(VDM_STREAM_GZIP, 0, 5, VDM_LIT("first"), &plain);
    vdm_buf_put(&raw, VDM_LIT("\x1f\x8b\x08\x08\0\0\0\0\0\xff")); /* 08: a name follows */
    memset(vdm_buf_grow(&raw, VDM_COPY_BYTES + 99), 'n', VDM_COPY_BYTES + 99);
    vdm_buf_putc(&raw, 0);
    vdm_buf_put(&raw, vdm_bytes_skip(vdm_buf_bytes(&plain), 10));
    expect(vdm_buf_bytes(&raw), VDM_STREAM_GZIP, VDM_STREAM_END);
}

static void test_skippable_frame_in_front(void **state)
{
    (void)state;
    struct vdm_buf raw VDM_CLEANUP(vdm_buf_release) = {0};
    vdm_buf_put(&raw, VDM_LIT(EMPTY_SKIPPABLE));
    pack(VDM_STREAM_ZSTD, 0, 5, VDM_LIT("first"), &raw);
    for (unsigned nibble = 0; nibble < 16; nibble++) {
        raw.p[0] = (uint8_t)(0x50 | nibble);
        expect(vdm_buf_bytes(&raw), VDM_STREAM_ZSTD, VDM_STREAM_CORRUPT);
    }
}

/* A frame by hand: header, one raw block of n bytes, no checksum. `word` is in the reason. */
static void expect_frame(struct vdm_bytes header, size_t n, const char *word)
{
    struct vdm_buf raw VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_buf back VDM_CLEANUP(vdm_buf_release) = {0};
    vdm_buf_put(&raw, VDM_LIT("\x28\xb5\x2f\xfd"));
    vdm_buf_put(&raw, header);
    vdm_buf_putc(&raw, (char)((n << 3 | 1) & 0xFF));
    vdm_buf_putc(&raw, (char)(n >> 5 & 0xFF));
    vdm_buf_putc(&raw, 0);
    memset(vdm_buf_grow(&raw, n), 'x', n);
    struct unpacked u = unpack(vdm_buf_bytes(&raw), 4096, &back);
    assert_int_equal(u.form, VDM_STREAM_ZSTD);
    assert_int_equal(u.state, *word ? VDM_STREAM_CORRUPT : VDM_STREAM_END);
    assert_int_equal(back.n, *word ? 0 : n);
    assert_non_null(strstr(u.reason, word));
}

static void test_zstd_window_is_bounded(void **state)
{
    (void)state;
    expect_frame(VDM_LIT("\x00\x00"), 300, "");       /* 1 KiB */
    expect_frame(VDM_LIT("\x00\x68"), 300, "");       /* 8 MiB */
    expect_frame(VDM_LIT("\x00\x69"), 300, "window"); /* 9 MiB */
    expect_frame(VDM_LIT("\x00\x70"), 300, "window"); /* 16 MiB */
    expect_frame(VDM_LIT("\x00\xff"), 300, "window"); /* 3.75 TiB */
    /* With its content size, which lets libzstd decode at once and leave out its own check. */
    expect_frame(VDM_LIT("\x40\x68\x2c\0"), 300, "");
    expect_frame(VDM_LIT("\x40\x70\x2c\0"), 300, "window");
    /* Single segments: the content is the window. 8 MiB may be asked for, but are not there. */
    expect_frame(VDM_LIT("\x20\x05"), 5, "");
    expect_frame(VDM_LIT("\x60\x2c\0"), 300, "");
    expect_frame(VDM_LIT("\xa0\x00\x00\x80\x00"), 300, "does not decode");
    expect_frame(VDM_LIT("\xa0\x01\x00\x80\x00"), 300, "window");
    expect_frame(VDM_LIT("\xe0\0\0\0\0\0\0\0\x80"), 300, "window");
    expect_frame(VDM_LIT("\xa3\1\0\0\0\x01\x00\x80\x00"), 300, "window"); /* behind an id */
    /* A dictionary that nobody has; a reserved bit. */
    expect_frame(VDM_LIT("\x21\x07\x05"), 5, "does not decode");
    expect_frame(VDM_LIT("\x28\x05"), 5, "does not decode");
}

/* The window is told as soon as it stands there, and not by half of a number. */
static void test_zstd_header_alone(void **state)
{
    (void)state;
    const struct {
        struct vdm_bytes raw;
        enum vdm_stream_state state;
    } cases[] = {
        {VDM_LIT("\x28\xb5\x2f\xfd\x00"), VDM_STREAM_CUT_OFF},
        {VDM_LIT("\x28\xb5\x2f\xfd\x00\x68"), VDM_STREAM_CUT_OFF},
        {VDM_LIT("\x28\xb5\x2f\xfd\x00\x70"), VDM_STREAM_CORRUPT},
        {VDM_LIT("\x28\xb5\x2f\xfd\xa0\x01\x00\x80\x00"), VDM_STREAM_CORRUPT},
        {VDM_LIT("\x28\xb5\x2f\xfd\xe0\x01\x00\x80\x00"), VDM_STREAM_CUT_OFF},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct vdm_buf back VDM_CLEANUP(vdm_buf_release) = {0};
        struct unpacked u = unpack(cases[i].raw, 4096, &back);
        assert_int_equal(u.form, VDM_STREAM_ZSTD);
        assert_int_equal(u.state, cases[i].state);
        assert_int_equal(strstr(u.reason, "window") != NULL, u.state == VDM_STREAM_CORRUPT);
    }
}

/* A frame that says 63 bytes, with an empty last block in place of them: whether libzstd minds depends
 * on how much output is asked for at once. */
static void test_zstd_content_size_that_lies(void **state)
{
    (void)state;
    for (size_t step = 1; step <= 4096; step *= 8) {
        struct vdm_buf back VDM_CLEANUP(vdm_buf_release) = {0};
        struct unpacked u =
            unpack(VDM_LIT("\x28\xb5\x2f\xfd\x24\x3f\x01\0\0\x99\xe9\xd8\x51"), step, &back);
        assert_int_equal(u.state, VDM_STREAM_CORRUPT);
        assert_int_equal(back.n, 0);
    }
}

static void test_zstd_window_of_a_real_encoder(void **state)
{
    (void)state;
    for (int log = 23; log <= 24; log++) {
        uint8_t out[4096];
        ZSTD_CStream *z = ZSTD_createCStream();
        ZSTD_inBuffer in = {"some text", 9, 0}, none = {NULL, 0, 0};
        ZSTD_outBuffer to = {out, sizeof out, 0};
        ZSTD_CCtx_setParameter(z, ZSTD_c_windowLog, log);
        assert_false(ZSTD_isError(ZSTD_compressStream2(z, &to, &in, ZSTD_e_continue)));
        assert_int_equal(ZSTD_compressStream2(z, &to, &none, ZSTD_e_end), 0);
        ZSTD_freeCStream(z);
        expect((struct vdm_bytes){out, to.pos}, VDM_STREAM_ZSTD,
               log == 23 ? VDM_STREAM_END : VDM_STREAM_CORRUPT);
    }
}

/* No flipped bit gives other data and a clean end. */
static void test_damage_is_seen(void **state)
{
    (void)state;
    struct vdm_buf data VDM_CLEANUP(vdm_buf_release) = {0};
    fill_with_text(&data, 600);
    for (size_t f = 1; f < 3; f++) {
        struct vdm_buf raw VDM_CLEANUP(vdm_buf_release) = {0};
        struct vdm_buf back VDM_CLEANUP(vdm_buf_release) = {0};
        size_t corrupt = 0;
        pack(all_forms[f], 0, 600, vdm_buf_bytes(&data), &raw);
        for (size_t bit = 0; bit < raw.n * 8; bit++) {
            raw.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
            vdm_buf_clear(&back);
            struct unpacked u = unpack(vdm_buf_bytes(&raw), 4096, &back);
            raw.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
            corrupt += u.state == VDM_STREAM_CORRUPT;
            if (u.state == VDM_STREAM_END && u.form != VDM_STREAM_PLAIN)
                assert_true(vdm_bytes_equal(vdm_buf_bytes(&back), vdm_buf_bytes(&data)));
        }
        assert_true(corrupt > raw.n * 8 * 3 / 4);
    }
}

static void test_bomb_gives_only_what_is_asked_for(void **state)
{
    (void)state;
    struct vdm_buf zeros VDM_CLEANUP(vdm_buf_release) = {0};
    memset(vdm_buf_grow(&zeros, 16 << 20), 0, 16 << 20);
    for (size_t f = 1; f < 3; f++) {
        struct vdm_buf raw VDM_CLEANUP(vdm_buf_release) = {0};
        pack(all_forms[f], 1, zeros.n, vdm_buf_bytes(&zeros), &raw);
        assert_true(raw.n < 100000);
        int fd VDM_CLEANUP(vdm_fd_close) = fd_of(vdm_buf_bytes(&raw));
        struct vdm_stream_reader *s VDM_CLEANUP(vdm_stream_reader_cleanup) = NULL;
        enum vdm_stream_state now;
        uint8_t p[11];
        size_t got = 0;
        memset(p, 0xAA, sizeof p);
        assert_true(vdm_stream_reader_open(&s, fd, NULL));
        assert_true(vdm_stream_read(s, p, 10, &got, &now, NULL));
        assert_int_equal(got, 10);
        assert_int_equal(p[10], 0xAA);
        assert_int_equal(now, VDM_STREAM_MORE);
        assert_int_equal(vdm_stream_bytes(s), 10);
    }
}

/* "Could not look" is an error; it is never told as a state. */
static void test_unreadable_descriptor(void **state)
{
    (void)state;
    struct vdm_err err = {0};
    struct vdm_stream_reader *s = NULL;
    int folder VDM_CLEANUP(vdm_fd_close) = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_false(vdm_stream_reader_open(&s, folder, &err));
    assert_int_equal(err.kind, VDM_ERR_FAILED);
    assert_null(s);
}

static void test_descriptor_that_fails_later(void **state)
{
    (void)state;
    struct vdm_buf data VDM_CLEANUP(vdm_buf_release) = {0};
    fill_with_text(&data, 3 << 16);
    for (size_t f = 0; f < 3; f++) {
        struct vdm_buf raw VDM_CLEANUP(vdm_buf_release) = {0};
        struct vdm_stream_reader *s VDM_CLEANUP(vdm_stream_reader_cleanup) = NULL;
        struct vdm_err err = {0};
        enum vdm_stream_state now;
        size_t got = 0;
        pack(all_forms[f], 0, data.n, vdm_buf_bytes(&data), &raw);
        assert_true(raw.n > 1 << 16);
        int fd = fd_of(vdm_buf_bytes(&raw));
        assert_true(vdm_stream_reader_open(&s, fd, NULL));
        vdm_fd_close(&fd);
        assert_false(vdm_stream_read(s, data.p, data.n, &got, &now, &err));
        assert_int_equal(err.kind, VDM_ERR_FAILED);
    }
}

static void test_pipe(void **state)
{
    (void)state;
    struct vdm_buf raw VDM_CLEANUP(vdm_buf_release) = {0};
    int ends[2];
    pack(VDM_STREAM_ZSTD, 0, 5, VDM_LIT("first"), &raw);
    assert_int_equal(pipe(ends), 0);
    assert_true(vdm_fd_write(ends[1], vdm_buf_bytes(&raw), NULL));
    vdm_fd_close(&ends[1]);
    struct vdm_stream_reader *s VDM_CLEANUP(vdm_stream_reader_cleanup) = NULL;
    enum vdm_stream_state now;
    uint8_t p[16];
    size_t got = 0;
    assert_true(vdm_stream_reader_open(&s, ends[0], NULL));
    assert_true(vdm_stream_read(s, p, sizeof p, &got, &now, NULL));
    assert_int_equal(got, 5);
    assert_int_equal(now, VDM_STREAM_END);
    vdm_fd_close(&ends[0]);
}

/* A final state stays, and gives no more bytes. */
static void test_final_state_stays(void **state)
{
    (void)state;
    struct vdm_buf raw VDM_CLEANUP(vdm_buf_release) = {0};
    pack(VDM_STREAM_GZIP, 0, 5, VDM_LIT("first"), &raw);
    vdm_buf_putc(&raw, 'x');
    int fd VDM_CLEANUP(vdm_fd_close) = fd_of(vdm_buf_bytes(&raw));
    struct vdm_stream_reader *s VDM_CLEANUP(vdm_stream_reader_cleanup) = NULL;
    enum vdm_stream_state now;
    uint8_t p[16];
    size_t got = 0;
    assert_true(vdm_stream_reader_open(&s, fd, NULL));
    for (int i = 0; i < 3; i++) {
        assert_true(vdm_stream_read(s, p, sizeof p, &got, &now, NULL));
        assert_int_equal(got, i == 0 ? 5 : 0);
        assert_int_equal(now, VDM_STREAM_TRAILING);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_form_is_told_by_magic),
        cmocka_unit_test(test_cut_off_at_every_byte),
        cmocka_unit_test(test_nothing_may_follow),
        cmocka_unit_test(test_trailing_byte_beyond_a_full_buffer),
        cmocka_unit_test(test_header_longer_than_the_buffer),
        cmocka_unit_test(test_skippable_frame_in_front),
        cmocka_unit_test(test_zstd_window_is_bounded),
        cmocka_unit_test(test_zstd_header_alone),
        cmocka_unit_test(test_zstd_content_size_that_lies),
        cmocka_unit_test(test_zstd_window_of_a_real_encoder),
        cmocka_unit_test(test_damage_is_seen),
        cmocka_unit_test(test_bomb_gives_only_what_is_asked_for),
        cmocka_unit_test(test_unreadable_descriptor),
        cmocka_unit_test(test_descriptor_that_fails_later),
        cmocka_unit_test(test_pipe),
        cmocka_unit_test(test_final_state_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
