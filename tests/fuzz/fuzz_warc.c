/* SPDX-License-Identifier: MIT */
/* A WARC, plain or compressed by us: what comes out of the reader is in its form, a member follows another, and what
 * is called a slice is these bytes of the file. What is plain gives the same members when it is compressed. */
#include "fuzz/told.h"

#include "base/file.h"
#include "bundle/stream.h"
#include "capture/warc.h"

#include <unistd.h>

#define INPUT_MAX (1u << 22)

static void check(struct vdm_bytes input, struct fuzz_told *t)
{
    static const struct vdm_container_format *const formats[] = {&vdm_warc_format, NULL};
    fuzz_told(t, formats, input, NULL);
    FUZZ_CHECK(t->abouts == 0);
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

/* Where a plain file is broken more of it can be read than of a compressed one: there one can go back. */
static void check_compressed(struct vdm_bytes input, const struct fuzz_told *plain,
                             enum vdm_stream_form form)
{
    struct vdm_buf packed VDM_CLEANUP(vdm_buf_release) = {0};
    struct fuzz_told t VDM_CLEANUP(fuzz_told_release);
    compress(input, form, &packed);
    check(vdm_buf_bytes(&packed), &t);
    if (plain->problems == 0 && plain->whole && t.whole)
        FUZZ_CHECK(vdm_bytes_equal(vdm_buf_bytes(&plain->all), vdm_buf_bytes(&t.all)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct vdm_bytes input = {data, n};
    struct fuzz_told plain VDM_CLEANUP(fuzz_told_release);
    check(input, &plain);
    if (n && n < INPUT_MAX && vdm_bytes_start_with(input, VDM_LIT("WARC/"))) {
        check_compressed(input, &plain, VDM_STREAM_GZIP);
        check_compressed(input, &plain, VDM_STREAM_ZSTD);
    }
    return 0;
}
