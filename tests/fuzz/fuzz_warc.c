/* SPDX-License-Identifier: MIT */
/* A WARC, plain or compressed by us: what comes out of the reader is in its form, a member follows another, and what
 * is called a slice is these bytes of the file. What is plain gives the same members when it is compressed. */
#include "fuzz/fuzz.h"

#include "base/file.h"
#include "base/limits.h"
#include "bundle/stream.h"
#include "capture/container_members.h"
#include "capture/container_wire.h"
#include "capture/warc.h"

#include <string.h>
#include <unistd.h>

#define OUTPUT_MAX (1u << 22)

static struct vdm_sums *sums(void)
{
    static struct vdm_sums *s;
    FUZZ_CHECK(s || vdm_sums_open(&s, NULL));
    return s;
}

/* What the parent would be told, one message behind another. */
static void work(struct vdm_bytes input, struct vdm_buf *told)
{
    static const struct vdm_container_format *const formats[] = {&vdm_warc_format, NULL};
    int fd VDM_CLEANUP(vdm_fd_close) = fuzz_file(input);
    int channel VDM_CLEANUP(vdm_fd_close) = fuzz_file((struct vdm_bytes){NULL, 0});
    const struct vdm_container_work todo = {formats, sums(), fd, input.n, NULL};
    vdm_container_work(&todo, channel);
    off_t n = lseek(channel, 0, SEEK_CUR);
    FUZZ_CHECK(n >= 0);
    uint8_t *p = n ? vdm_buf_grow(told, (size_t)n) : NULL;
    FUZZ_CHECK(!n || (p && pread(channel, p, (size_t)n, 0) == n));
}

struct seen {
    struct vdm_buf bytes; /* of the member at hand */
    struct vdm_buf all;   /* lengths and bytes of all members that were good */
    bool inside, about, done;
    unsigned problems;
};

static void check_place(struct vdm_bytes item, struct vdm_bytes input, const struct seen *s)
{
    uint64_t offset, length;
    FUZZ_CHECK(item.n > 16);
    memcpy(&offset, item.p, 8);
    memcpy(&length, item.p + 8, 8);
    FUZZ_CHECK(offset <= input.n);
    if (!vdm_bytes_start_with(vdm_bytes_skip(item, 16), VDM_LIT("slice")))
        return;
    FUZZ_CHECK(length <= input.n - offset && length == s->bytes.n);
    FUZZ_CHECK(!length || memcmp(input.p + offset, s->bytes.p, (size_t)length) == 0);
}

static void check_item(struct vdm_bytes item, enum vdm_item_kind kind, unsigned argument,
                       struct vdm_bytes input, struct seen *s)
{
    FUZZ_CHECK(!s->done);
    bool of_member = kind == VDM_ITEM_LINE || kind == VDM_ITEM_PLACE || kind == VDM_ITEM_METHOD ||
                     kind == VDM_ITEM_REPEATS || kind == VDM_ITEM_BYTES || kind == VDM_ITEM_END ||
                     kind == VDM_ITEM_REFUSE;
    FUZZ_CHECK(!of_member || s->inside);
    FUZZ_CHECK(kind >= VDM_ITEM_IS && kind <= VDM_ITEM_DONE && kind != VDM_ITEM_ABOUT);
    FUZZ_CHECK(kind != VDM_ITEM_LINE ||
               (item.n && argument >= VDM_FIELD_COLLECTION && argument < VDM_FIELDS));
    if (kind == VDM_ITEM_BEGIN) {
        FUZZ_CHECK(!s->inside && item.n && item.n <= VDM_MEMBER_NAME_MAX &&
                   !memchr(item.p, 0, item.n));
        s->inside = true;
        vdm_buf_clear(&s->bytes);
    }
    if (kind == VDM_ITEM_BYTES)
        vdm_buf_put(&s->bytes, item);
    if (kind == VDM_ITEM_PLACE)
        check_place(item, input, s);
    if (kind == VDM_ITEM_END) {
        vdm_buf_putf(&s->all, "%zu:", s->bytes.n);
        vdm_buf_put(&s->all, vdm_buf_bytes(&s->bytes));
    }
    if (kind == VDM_ITEM_END || kind == VDM_ITEM_REFUSE)
        s->inside = false;
    s->problems += kind == VDM_ITEM_PROBLEM;
    s->done = kind == VDM_ITEM_DONE || kind == VDM_ITEM_NONE;
}

static void check(struct vdm_bytes input, struct seen *s)
{
    struct vdm_buf told VDM_CLEANUP(vdm_buf_release) = {0};
    work(input, &told);
    struct vdm_bytes rest = vdm_buf_bytes(&told);
    while (rest.n) {
        uint32_t length;
        FUZZ_CHECK(rest.n >= VDM_ITEM_HEAD);
        struct vdm_bytes head = fuzz_take(&rest, VDM_ITEM_HEAD);
        memcpy(&length, head.p + 2, sizeof length);
        FUZZ_CHECK(length <= rest.n);
        check_item(fuzz_take(&rest, length), (enum vdm_item_kind)head.p[0], head.p[1], input, s);
    }
    FUZZ_CHECK(s->done && !s->inside);
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

static void release(struct seen *s)
{
    vdm_buf_release(&s->bytes);
    vdm_buf_release(&s->all);
}

/* Where a plain file is broken more of it can be read than of a compressed one: there one can go back. */
static void check_compressed(struct vdm_bytes input, const struct seen *plain,
                             enum vdm_stream_form form)
{
    struct vdm_buf packed VDM_CLEANUP(vdm_buf_release) = {0};
    struct seen s VDM_CLEANUP(release) = {0};
    compress(input, form, &packed);
    check(vdm_buf_bytes(&packed), &s);
    if (plain->problems == 0)
        FUZZ_CHECK(vdm_bytes_equal(vdm_buf_bytes(&plain->all), vdm_buf_bytes(&s.all)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct vdm_bytes input = {data, n};
    struct seen plain VDM_CLEANUP(release) = {0};
    check(input, &plain);
    if (n && n < OUTPUT_MAX && vdm_bytes_start_with(input, VDM_LIT("WARC/"))) {
        check_compressed(input, &plain, VDM_STREAM_GZIP);
        check_compressed(input, &plain, VDM_STREAM_ZSTD);
    }
    return 0;
}
