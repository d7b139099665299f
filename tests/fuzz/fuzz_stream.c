/* SPDX-License-Identifier: MIT */
/* The outermost layer: read in large and in small pieces it gives the same bytes and the same end;
 * a clean end is the end of the input; and what we compress, reads as it was, cut off reads as cut
 * off, and with more behind it as that. */
#include "fuzz/fuzz.h"

#include "base/file.h"
#include "bundle/stream.h"

#include <unistd.h>

#define OUTPUT_MAX (1u << 18) /* a bomb is read up to here */

static enum vdm_stream_state decode(struct vdm_bytes input, size_t step, struct vdm_buf *out)
{
    int fd VDM_CLEANUP(vdm_fd_close) = fuzz_file(input);
    struct vdm_stream_reader *s VDM_CLEANUP(vdm_stream_reader_cleanup) = NULL;
    enum vdm_stream_state state = VDM_STREAM_MORE;
    uint8_t piece[4096];
    size_t got = 0;
    FUZZ_CHECK(vdm_stream_reader_open(&s, fd, NULL));
    do {
        FUZZ_CHECK(vdm_stream_read(s, piece, step, &got, &state, NULL));
        FUZZ_CHECK(got == step || state != VDM_STREAM_MORE);
        vdm_buf_put(out, (struct vdm_bytes){piece, got});
    } while (state == VDM_STREAM_MORE && out->n < OUTPUT_MAX);
    FUZZ_CHECK(!out->failed && vdm_stream_bytes(s) == out->n);
    FUZZ_CHECK(vdm_stream_raw_bytes(s) <= input.n);
    FUZZ_CHECK(state != VDM_STREAM_END || vdm_stream_raw_bytes(s) == input.n);
    FUZZ_CHECK(state != VDM_STREAM_TRAILING || vdm_stream_raw_bytes(s) < input.n);
    FUZZ_CHECK((vdm_stream_reason(s)[0] != 0) == (state > VDM_STREAM_END));
    return state;
}

static void check_raw(struct vdm_bytes input)
{
    struct vdm_buf large VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_buf small VDM_CLEANUP(vdm_buf_release) = {0};
    enum vdm_stream_state state = decode(input, 4096, &large);
    if (state == VDM_STREAM_MORE)
        return; /* the bound here was met, which stands elsewhere for the small pieces */
    FUZZ_CHECK(decode(input, 61, &small) == state);
    /* Before damage, how much comes out depends on how it is asked for. */
    if (state == VDM_STREAM_CORRUPT)
        return;
    FUZZ_CHECK(vdm_bytes_equal(vdm_buf_bytes(&large), vdm_buf_bytes(&small)));
}

static void compress(struct vdm_bytes data, enum vdm_stream_form form, struct vdm_buf *out)
{
    int fd VDM_CLEANUP(vdm_fd_close) = fuzz_file((struct vdm_bytes){NULL, 0});
    struct vdm_stream_writer *w VDM_CLEANUP(vdm_stream_writer_cleanup) = NULL;
    FUZZ_CHECK(vdm_stream_writer_open(&w, fd, form, 1, NULL));
    FUZZ_CHECK(vdm_stream_write(w, data, NULL) && vdm_stream_writer_finish(w, NULL));
    off_t n = lseek(fd, 0, SEEK_CUR);
    uint8_t *p = vdm_buf_grow(out, (size_t)n);
    FUZZ_CHECK(n > 0 && p && pread(fd, p, (size_t)n, 0) == n);
}

static void check_compressed(struct vdm_bytes data, enum vdm_stream_form form)
{
    struct vdm_buf file VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_buf whole VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_buf less VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_buf more VDM_CLEANUP(vdm_buf_release) = {0};
    uint64_t at = fuzz_number(&data, 2);
    compress(data, form, &file);
    struct vdm_bytes bytes = vdm_buf_bytes(&file);
    FUZZ_CHECK(decode(bytes, 4096, &whole) == VDM_STREAM_END);
    fuzz_same(&whole, data);
    at = 4 + at % (file.n - 4); /* with less than four bytes it may be taken for plain */
    FUZZ_CHECK(decode((struct vdm_bytes){bytes.p, at}, 4096, &less) == VDM_STREAM_CUT_OFF);
    vdm_buf_putc(&file, 0);
    FUZZ_CHECK(decode(vdm_buf_bytes(&file), 4096, &more) == VDM_STREAM_TRAILING);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct vdm_bytes input = {data, n};
    check_raw(input);
    if (n > OUTPUT_MAX / 2)
        return 0;
    check_compressed(input, VDM_STREAM_GZIP);
    check_compressed(input, VDM_STREAM_ZSTD);
    return 0;
}
