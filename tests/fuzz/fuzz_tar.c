/* SPDX-License-Identifier: MIT */
/* The tar of a bundle: a header has one form, and so has the whole. What is read to a clean end,
 * written again member by member, is byte for byte what was read. */
#include "fuzz/fuzz.h"

#include "base/file.h"
#include "base/limits.h"
#include "bundle/tar.h"

#include <string.h>

static void check_header(struct vdm_bytes input)
{
    uint8_t again[VDM_TAR_BLOCK];
    struct vdm_tar_member m;
    const char *reason = NULL;
    if (input.n < VDM_TAR_BLOCK)
        return;
    if (!vdm_tar_header_decode(input.p, &m, &reason)) {
        FUZZ_CHECK(reason && reason[0]);
        return;
    }
    FUZZ_CHECK(m.size <= VDM_NUMBER_MAX && m.mtime <= VDM_TAR_OCTAL_MAX);
    FUZZ_CHECK(vdm_tar_header_encode(&m, again, NULL));
    FUZZ_CHECK(memcmp(again, input.p, sizeof again) == 0);
}

static void put_zeros(struct vdm_buf *out, size_t n)
{
    static const uint8_t zeros[2 * VDM_TAR_BLOCK];
    vdm_buf_put(out, (struct vdm_bytes){zeros, n});
}

/* Content in pieces of an odd size. */
static void copy_content(struct vdm_tar_reader *r, struct vdm_buf *out)
{
    uint8_t piece[97];
    size_t got = 1;
    enum vdm_tar_status status = VDM_TAR_OK;
    while (got > 0 && status == VDM_TAR_OK) {
        FUZZ_CHECK(vdm_tar_reader_read(r, piece, sizeof piece, &got, &status, NULL));
        vdm_buf_put(out, (struct vdm_bytes){piece, got});
    }
}

static enum vdm_tar_status list(struct vdm_bytes input, bool read, size_t *members,
                                struct vdm_buf *again)
{
    int fd VDM_CLEANUP(vdm_fd_close) = fuzz_file(input);
    struct vdm_stream_reader *s VDM_CLEANUP(vdm_stream_reader_cleanup) = NULL;
    struct vdm_tar_reader r;
    struct vdm_tar_member m;
    enum vdm_tar_status status = VDM_TAR_OK;
    FUZZ_CHECK(vdm_stream_reader_open(&s, fd, NULL));
    vdm_tar_reader_init(&r, s);
    while (vdm_tar_reader_next(&r, &status, &m, NULL) && status == VDM_TAR_OK) {
        FUZZ_CHECK(++*members <= input.n / VDM_TAR_BLOCK || vdm_stream_form(s));
        uint8_t header[VDM_TAR_BLOCK];
        FUZZ_CHECK(vdm_tar_header_encode(&m, header, NULL));
        if (!read)
            continue;
        vdm_buf_put(again, (struct vdm_bytes){header, sizeof header});
        copy_content(&r, again);
        put_zeros(again, -m.size % VDM_TAR_BLOCK);
    }
    put_zeros(again, 2 * VDM_TAR_BLOCK);
    FUZZ_CHECK(status == VDM_TAR_END || r.reason[0]);
    FUZZ_CHECK(status != VDM_TAR_END || vdm_stream_raw_bytes(s) == input.n);
    if (vdm_stream_form(s) != VDM_STREAM_PLAIN)
        again->failed = true; /* nothing to compare: the bytes are not those of the input */
    return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct vdm_buf again VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_buf none VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_bytes input = {data, n};
    size_t read = 0, passed = 0;
    check_header(input);
    enum vdm_tar_status status = list(input, true, &read, &again);
    FUZZ_CHECK(list(input, false, &passed, &none) == status && read == passed);
    if (status == VDM_TAR_END && !again.failed)
        fuzz_same(&again, input);
    return 0;
}
