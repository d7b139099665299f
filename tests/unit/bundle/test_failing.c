/* SPDX-License-Identifier: MIT */
/* Bundles over zlib, libzstd and descriptors that fail, and memory that runs out: each call of them, one
 * after the other. Nobody goes on as if it had worked, and what was opened is closed. */
#include "support/scarce.h"

#include "unit/bundle/support.h"

#include "base/limits.h"
#include "bundle/layout.h"
#include "bundle/tar.h"

#define ZLIB_CONST
#include <stdio.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#define ZSTD_NO_MEMORY ((size_t) - (int)ZSTD_error_memory_allocation)

static int open_coders; /* opened and not closed yet */

/* --- zlib --- */

int __real_inflateInit2_(z_stream *s, int bits, const char *version, int size);
int __wrap_inflateInit2_(z_stream *s, int bits, const char *version, int size);
int __real_inflate(z_stream *s, int flush);
int __wrap_inflate(z_stream *s, int flush);
int __real_inflateEnd(z_stream *s);
int __wrap_inflateEnd(z_stream *s);
int __real_deflateInit2_(z_stream *s, int level, int method, int bits, int memory, int strategy,
                         const char *version, int size);
int __wrap_deflateInit2_(z_stream *s, int level, int method, int bits, int memory, int strategy,
                         const char *version, int size);
int __real_deflateSetHeader(z_stream *s, gz_header *header);
int __wrap_deflateSetHeader(z_stream *s, gz_header *header);
int __real_deflate(z_stream *s, int flush);
int __wrap_deflate(z_stream *s, int flush);
int __real_deflateEnd(z_stream *s);
int __wrap_deflateEnd(z_stream *s);

int __wrap_inflateInit2_(z_stream *s, int bits, const char *version, int size)
{
    if (scarce_refuses())
        return Z_MEM_ERROR;
    open_coders++;
    return __real_inflateInit2_(s, bits, version, size);
}

int __wrap_inflate(z_stream *s, int flush)
{
    return scarce_refuses() ? Z_MEM_ERROR : __real_inflate(s, flush);
}

int __wrap_inflateEnd(z_stream *s)
{
    open_coders--;
    return __real_inflateEnd(s);
}

int __wrap_deflateInit2_(z_stream *s, int level, int method, int bits, int memory, int strategy,
                         const char *version, int size)
{
    if (scarce_refuses())
        return Z_MEM_ERROR;
    open_coders++;
    return __real_deflateInit2_(s, level, method, bits, memory, strategy, version, size);
}

int __wrap_deflateSetHeader(z_stream *s, gz_header *header)
{
    return scarce_refuses() ? Z_STREAM_ERROR : __real_deflateSetHeader(s, header);
}

int __wrap_deflate(z_stream *s, int flush)
{
    return scarce_refuses() ? Z_STREAM_ERROR : __real_deflate(s, flush);
}

int __wrap_deflateEnd(z_stream *s)
{
    open_coders--;
    return __real_deflateEnd(s);
}

/* --- libzstd --- */

ZSTD_DStream *__real_ZSTD_createDStream(void);
ZSTD_DStream *__wrap_ZSTD_createDStream(void);
size_t __real_ZSTD_freeDStream(ZSTD_DStream *z);
size_t __wrap_ZSTD_freeDStream(ZSTD_DStream *z);
size_t __real_ZSTD_DCtx_setParameter(ZSTD_DCtx *z, ZSTD_dParameter what, int value);
size_t __wrap_ZSTD_DCtx_setParameter(ZSTD_DCtx *z, ZSTD_dParameter what, int value);
size_t __real_ZSTD_decompressStream(ZSTD_DStream *z, ZSTD_outBuffer *out, ZSTD_inBuffer *in);
size_t __wrap_ZSTD_decompressStream(ZSTD_DStream *z, ZSTD_outBuffer *out, ZSTD_inBuffer *in);
ZSTD_CStream *__real_ZSTD_createCStream(void);
ZSTD_CStream *__wrap_ZSTD_createCStream(void);
size_t __real_ZSTD_freeCStream(ZSTD_CStream *z);
size_t __wrap_ZSTD_freeCStream(ZSTD_CStream *z);
size_t __real_ZSTD_CCtx_setParameter(ZSTD_CCtx *z, ZSTD_cParameter what, int value);
size_t __wrap_ZSTD_CCtx_setParameter(ZSTD_CCtx *z, ZSTD_cParameter what, int value);
size_t __real_ZSTD_compressStream2(ZSTD_CCtx *z, ZSTD_outBuffer *out, ZSTD_inBuffer *in,
                                   ZSTD_EndDirective end);
size_t __wrap_ZSTD_compressStream2(ZSTD_CCtx *z, ZSTD_outBuffer *out, ZSTD_inBuffer *in,
                                   ZSTD_EndDirective end);

ZSTD_DStream *__wrap_ZSTD_createDStream(void)
{
    if (scarce_refuses())
        return NULL;
    open_coders++;
    return __real_ZSTD_createDStream();
}

size_t __wrap_ZSTD_freeDStream(ZSTD_DStream *z)
{
    open_coders -= z != NULL;
    return __real_ZSTD_freeDStream(z);
}

size_t __wrap_ZSTD_DCtx_setParameter(ZSTD_DCtx *z, ZSTD_dParameter what, int value)
{
    return scarce_refuses() ? ZSTD_NO_MEMORY : __real_ZSTD_DCtx_setParameter(z, what, value);
}

static bool end_is_late; /* the end of a frame is told in a call of its own */
static bool end_is_near;

size_t __wrap_ZSTD_decompressStream(ZSTD_DStream *z, ZSTD_outBuffer *out, ZSTD_inBuffer *in)
{
    if (scarce_refuses())
        return ZSTD_NO_MEMORY;
    if (end_is_near) {
        end_is_near = false;
        return 0;
    }
    size_t left = __real_ZSTD_decompressStream(z, out, in);
    end_is_near = end_is_late && left == 0;
    return end_is_near ? 1 : left;
}

ZSTD_CStream *__wrap_ZSTD_createCStream(void)
{
    if (scarce_refuses())
        return NULL;
    open_coders++;
    return __real_ZSTD_createCStream();
}

size_t __wrap_ZSTD_freeCStream(ZSTD_CStream *z)
{
    open_coders -= z != NULL;
    return __real_ZSTD_freeCStream(z);
}

/* Threads are a wish only: without them the work is done alone. */
size_t __wrap_ZSTD_CCtx_setParameter(ZSTD_CCtx *z, ZSTD_cParameter what, int value)
{
    bool wish = what == ZSTD_c_nbWorkers || what == ZSTD_c_jobSize || what == ZSTD_c_overlapLog;
    return !wish && scarce_refuses() ? ZSTD_NO_MEMORY
                                     : __real_ZSTD_CCtx_setParameter(z, what, value);
}

static bool takes_little; /* not all that it is given, as an encoder may */

size_t __wrap_ZSTD_compressStream2(ZSTD_CCtx *z, ZSTD_outBuffer *out, ZSTD_inBuffer *in,
                                   ZSTD_EndDirective end)
{
    if (scarce_refuses())
        return ZSTD_NO_MEMORY;
    if (!takes_little || end != ZSTD_e_continue || in->size - in->pos <= 1000)
        return __real_ZSTD_compressStream2(z, out, in, end);
    ZSTD_inBuffer some = {in->src, in->pos + 1000, in->pos};
    size_t left = __real_ZSTD_compressStream2(z, out, &some, end);
    in->pos = some.pos;
    return left;
}

/* --- descriptors --- */

bool __real_vdm_fd_read(int fd, uint8_t *p, size_t n, size_t *got, struct vdm_err *err);
bool __wrap_vdm_fd_read(int fd, uint8_t *p, size_t n, size_t *got, struct vdm_err *err);
bool __real_vdm_fd_write(int fd, struct vdm_bytes data, struct vdm_err *err);
bool __wrap_vdm_fd_write(int fd, struct vdm_bytes data, struct vdm_err *err);

bool __wrap_vdm_fd_read(int fd, uint8_t *p, size_t n, size_t *got, struct vdm_err *err)
{
    return scarce_refuses() ? vdm_fail(err, "planted failure")
                            : __real_vdm_fd_read(fd, p, n, got, err);
}

bool __wrap_vdm_fd_write(int fd, struct vdm_bytes data, struct vdm_err *err)
{
    return scarce_refuses() ? vdm_fail(err, "planted failure") : __real_vdm_fd_write(fd, data, err);
}

/* --- a tar, written and read --- */

struct work {
    enum vdm_stream_form form;
    int fd;
    struct vdm_buf content; /* what members begin with */
};

static struct vdm_bytes first(const struct work *w, size_t n)
{
    assert_true(n <= w->content.n);
    return (struct vdm_bytes){w->content.p, n};
}

/* The encoder is called when VDM_COPY_BYTES are there: in a header, in padding, in content, in the end. */
static bool write_tar(void *ctx, struct vdm_err *err)
{
    struct work *w = ctx;
    struct vdm_stream_writer *out VDM_CLEANUP(vdm_stream_writer_cleanup) = NULL;
    struct vdm_tar_writer tar;
    assert_int_equal(ftruncate(w->fd, 0), 0);
    assert_int_equal(lseek(w->fd, 0, SEEK_SET), 0);
    return vdm_stream_writer_open(&out, w->fd, w->form, 0, err) &&
           vdm_tar_writer_init(&tar, out, "bag", 7, err) &&
           vdm_tar_writer_add(&tar, "small", VDM_LIT("hello"), err) &&
           vdm_tar_writer_add(&tar, "fill", first(w, VDM_COPY_BYTES - 2048), err) &&
           vdm_tar_writer_add(&tar, "in-header", first(w, VDM_COPY_BYTES - 100), err) &&
           vdm_tar_writer_add(&tar, "large", first(w, VDM_COPY_BYTES), err) &&
           vdm_tar_writer_add(&tar, "passed", first(w, VDM_COPY_BYTES - 2048), err) &&
           vdm_tar_writer_finish(&tar, err) && vdm_stream_writer_finish(out, err);
}

static bool read_member(struct work *w, struct vdm_tar_reader *r, uint64_t size,
                        struct vdm_err *err)
{
    enum vdm_tar_status status;
    size_t got = 0, n = 0;
    for (n = 0; n < size; n += got) {
        uint8_t piece[4096];
        if (!vdm_tar_reader_read(r, piece, sizeof piece, &got, &status, err))
            return false;
        assert_int_equal(status, VDM_TAR_OK);
        assert_true(got > 0 && memcmp(piece, w->content.p + n, got) == 0);
    }
    return true;
}

/* The last member is passed over. */
static bool read_tar(void *ctx, struct vdm_err *err)
{
    struct work *w = ctx;
    struct vdm_stream_reader *in VDM_CLEANUP(vdm_stream_reader_cleanup) = NULL;
    struct vdm_tar_reader r;
    struct vdm_tar_member m;
    enum vdm_tar_status status = VDM_TAR_OK;
    assert_int_equal(lseek(w->fd, 0, SEEK_SET), 0);
    if (!vdm_stream_reader_open(&in, w->fd, err))
        return false;
    vdm_tar_reader_init(&r, in);
    while (status == VDM_TAR_OK) {
        if (!vdm_tar_reader_next(&r, &status, &m, err))
            return false;
        if (status == VDM_TAR_OK && strcmp(m.name, "bag/large") == 0 &&
            !read_member(w, &r, m.size, err))
            return false;
    }
    assert_int_equal(status, VDM_TAR_END);
    return true;
}

/* As scarce_sweep(), for errors of any text. */
static void sweep(scarce_fn *f, struct work *w)
{
    for (unsigned n = 1;; n++) {
        struct vdm_err err = {0};
        long held = scarce_held;
        scarce_failed = false;
        scarce_left = n;
        bool ok = f(w, &err);
        scarce_left = 0;
        assert_int_equal(open_coders, 0);
        assert_int_equal(scarce_held, held);
        if (ok == scarce_failed)
            fail_msg("request %u failed, and nothing is said of it", n);
        if (ok)
            return;
        assert_int_equal(err.kind, VDM_ERR_FAILED);
    }
}

static void every_call(void **state)
{
    static const enum vdm_stream_form forms[] = {VDM_STREAM_PLAIN, VDM_STREAM_GZIP,
                                                 VDM_STREAM_ZSTD};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct work w = {.form = forms[i], .fd = fd_of((struct vdm_bytes){0})};
        fill_with_text(&w.content, VDM_COPY_BYTES);
        sweep(write_tar, &w);
        sweep(read_tar, &w);
        vdm_fd_close(&w.fd);
        vdm_buf_release(&w.content);
    }
}

static bool read_first(void *ctx, struct vdm_err *err)
{
    struct work *w = ctx;
    struct vdm_stream_reader *in VDM_CLEANUP(vdm_stream_reader_cleanup) = NULL;
    enum vdm_stream_state state;
    static uint8_t p[2 * VDM_COPY_BYTES];
    size_t got = 0;
    assert_int_equal(lseek(w->fd, 0, SEEK_SET), 0);
    if (!vdm_stream_reader_open(&in, w->fd, err) ||
        !vdm_stream_read(in, p, sizeof p, &got, &state, err))
        return false;
    assert_int_equal(got, w->form == VDM_STREAM_GZIP ? 5 : VDM_COPY_BYTES - 9);
    assert_int_equal(state, VDM_STREAM_END);
    return true;
}

/* The member ends where the reader's buffer does: whether something follows takes another read. */
static void look_behind_the_end(void **state)
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
    struct work w = {.form = VDM_STREAM_GZIP, .fd = fd_of(vdm_buf_bytes(&raw))};
    sweep(read_first, &w);
    vdm_fd_close(&w.fd);
    vdm_buf_clear(&raw); /* a frame with one raw block of 0xfff7 bytes, the last */
    vdm_buf_put(&raw, VDM_LIT("\x28\xb5\x2f\xfd\x00\x68\xb9\xff\x07"));
    memset(vdm_buf_grow(&raw, VDM_COPY_BYTES - 9), 'x', VDM_COPY_BYTES - 9);
    w = (struct work){.form = VDM_STREAM_ZSTD, .fd = fd_of(vdm_buf_bytes(&raw))};
    sweep(read_first, &w);
    vdm_fd_close(&w.fd);
}

static void late_end(void **state)
{
    (void)state;
    struct vdm_buf raw VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_buf back VDM_CLEANUP(vdm_buf_release) = {0};
    pack(VDM_STREAM_ZSTD, 0, 5, VDM_LIT("first"), &raw);
    end_is_late = true;
    struct unpacked u = unpack(vdm_buf_bytes(&raw), 4096, &back);
    end_is_late = false;
    assert_int_equal(u.state, VDM_STREAM_END);
    assert_true(vdm_bytes_equal_str(vdm_buf_bytes(&back), "first"));
}

static void slow_encoder(void **state)
{
    (void)state;
    struct vdm_buf data VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_buf raw VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_buf back VDM_CLEANUP(vdm_buf_release) = {0};
    fill_with_text(&data, 2 * VDM_COPY_BYTES);
    takes_little = true;
    pack(VDM_STREAM_ZSTD, 0, data.n, vdm_buf_bytes(&data), &raw);
    takes_little = false;
    assert_int_equal(unpack(vdm_buf_bytes(&raw), 4096, &back).state, VDM_STREAM_END);
    assert_true(vdm_bytes_equal(vdm_buf_bytes(&back), vdm_buf_bytes(&data)));
}

/* --- small texts --- */

static bool bag_info(void *ctx, struct vdm_err *err)
{
    struct vdm_buf out VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_bag_info info = {.origin = "a.example", .date = "2026-01-01", .agent = "x"};
    (void)ctx;
    return vdm_bag_info_encode(&info, &out, err);
}

static void texts_without_memory(void **state)
{
    (void)state;
    assert_true(scarce_sweep(bag_info, NULL) > 0);
    /* A key's text takes none: for want of it a good key must not be called bad. */
    struct vdm_pubkey k = {{7}}, back;
    uint8_t pem[VDM_KEY_PEM_BYTES];
    scarce_left = 1;
    vdm_key_pem_encode(&k, pem);
    assert_true(vdm_key_pem_decode((struct vdm_bytes){pem, sizeof pem}, &back));
    scarce_left = 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_call),
        cmocka_unit_test(look_behind_the_end),
        cmocka_unit_test(late_end),
        cmocka_unit_test(slow_encoder),
        cmocka_unit_test(texts_without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
