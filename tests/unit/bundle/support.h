/* SPDX-License-Identifier: MIT */
/* What the tests of this folder share: bytes as descriptors and back, one-call streams. */
#ifndef TESTS_BUNDLE_SUPPORT_H
#define TESTS_BUNDLE_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/file.h"
#include "bundle/stream.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A scratch file that holds these bytes, at its start. */
static inline int fd_of(struct vdm_bytes data)
{
    int fd = -1;
    assert_true(vdm_file_scratch(-1, &fd, NULL));
    assert_true(vdm_fd_write(fd, data, NULL));
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    return fd;
}

/* Everything in fd, from its start, appended. */
static inline void slurp(int fd, struct vdm_buf *out)
{
    off_t n = lseek(fd, 0, SEEK_END);
    assert_true(n >= 0);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    uint8_t *p = vdm_buf_grow(out, (size_t)n);
    size_t got = 0;
    assert_non_null(p);
    assert_true(vdm_fd_read(fd, p, (size_t)n, &got, NULL));
    assert_int_equal(got, n);
}

/* `data` in the given form, appended; written in pieces of `step` bytes. */
static inline void pack(enum vdm_stream_form form, int level, size_t step, struct vdm_bytes data,
                        struct vdm_buf *out)
{
    int fd VDM_CLEANUP(vdm_fd_close) = fd_of((struct vdm_bytes){0});
    struct vdm_stream_writer *w VDM_CLEANUP(vdm_stream_writer_cleanup) = NULL;
    assert_true(vdm_stream_writer_open(&w, fd, form, level, NULL));
    while (data.n) {
        size_t n = data.n < step ? data.n : step;
        assert_true(vdm_stream_write(w, (struct vdm_bytes){data.p, n}, NULL));
        data = vdm_bytes_skip(data, n);
    }
    assert_true(vdm_stream_writer_finish(w, NULL));
    slurp(fd, out);
}

struct unpacked {
    enum vdm_stream_form form;
    enum vdm_stream_state state;
    uint64_t raw_bytes;
    const char *reason;
};

/* Reads to the end in pieces of `step` bytes, appended. */
static inline struct unpacked unpack(struct vdm_bytes raw, size_t step, struct vdm_buf *out)
{
    int fd VDM_CLEANUP(vdm_fd_close) = fd_of(raw);
    struct vdm_stream_reader *s VDM_CLEANUP(vdm_stream_reader_cleanup) = NULL;
    enum vdm_stream_state state = VDM_STREAM_MORE;
    size_t start = out->n;
    assert_true(vdm_stream_reader_open(&s, fd, NULL));
    while (state == VDM_STREAM_MORE) {
        uint8_t *p = vdm_buf_grow(out, step);
        size_t got = 0;
        assert_non_null(p);
        assert_true(vdm_stream_read(s, p, step, &got, &state, NULL));
        out->n -= step - got;
        assert_true(got == step || state != VDM_STREAM_MORE);
    }
    assert_int_equal(vdm_stream_state(s), state);
    assert_int_equal(vdm_stream_bytes(s), out->n - start);
    return (struct unpacked){vdm_stream_form(s), state, vdm_stream_raw_bytes(s),
                             vdm_stream_reason(s)};
}

/* Text that compresses, but not to nothing; the same every time. */
static inline void fill_with_text(struct vdm_buf *out, size_t n)
{
    uint32_t x = 12345;
    uint8_t *p = vdm_buf_grow(out, n);
    assert_non_null(p);
    for (size_t i = 0; i < n; i++) {
        x = x * 1664525u + 1013904223u;
        p[i] = (uint8_t)("etaoin shrdlu"[(x >> 24) % 13]);
    }
}

/* A path below the folder with the normative vectors; NULL where there is none. Caller frees. */
static inline char *shared_path(const char *path)
{
    const char *root = getenv("VIDIMUS_SHARED");
    struct vdm_buf whole VDM_CLEANUP(vdm_buf_release) = {0};
    vdm_buf_putf(&whole, "%s/%s", root ? root : VDM_SOURCE_DIR "/../shared", path);
    char *s = vdm_bytes_dup(vdm_buf_bytes(&whole));
    assert_non_null(s);
    if (access(s, R_OK) != 0)
        vdm_free_string(&s);
    return s;
}

#endif
