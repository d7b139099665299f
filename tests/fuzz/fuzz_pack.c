/* SPDX-License-Identifier: MIT */
/* A tar or a zip, and the bag or the WACZ in it: what the reader tells is in its form, a member follows another, and
 * what is called a slice is these bytes of the file. */
#include "fuzz/fuzz.h"

#include "capture/container_members.h"
#include "capture/container_wire.h"
#include "capture/pack.h"
#include "capture/wacz.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define TOLD_MAX (1u << 22) /* the channel takes no more: as if the parent had gone */

static struct vdm_sums *sums(void)
{
    static struct vdm_sums *s;
    FUZZ_CHECK(s || vdm_sums_open(&s, NULL));
    return s;
}

/* What the parent would be told, one message behind another; false: more than is looked at. */
static bool work(struct vdm_bytes input, struct vdm_buf *told)
{
    static const struct vdm_container_format *const formats[] = {&vdm_tar_format, &vdm_wacz_format,
                                                                 &vdm_zip_format, NULL};
    int fd VDM_CLEANUP(vdm_fd_close) = fuzz_file(input);
    int channel VDM_CLEANUP(vdm_fd_close) = memfd_create("told", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    FUZZ_CHECK(ftruncate(channel, TOLD_MAX) == 0 && fcntl(channel, F_ADD_SEALS, F_SEAL_GROW) == 0);
    const struct vdm_container_work todo = {formats, sums(), fd, input.n, NULL};
    vdm_container_work(&todo, channel);
    off_t n = lseek(channel, 0, SEEK_CUR);
    FUZZ_CHECK(n >= 0);
    uint8_t *p = n ? vdm_buf_grow(told, (size_t)n) : NULL;
    FUZZ_CHECK(!n || (p && pread(channel, p, (size_t)n, 0) == n));
    return n < (off_t)(TOLD_MAX - 2 * VDM_MESSAGE_MAX);
}

struct seen {
    struct vdm_buf bytes; /* of the member at hand */
    bool inside, done;
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
    bool begins = kind == VDM_ITEM_BEGIN, ends = kind == VDM_ITEM_END || kind == VDM_ITEM_REFUSE;
    FUZZ_CHECK(!s->done && kind >= VDM_ITEM_IS && kind <= VDM_ITEM_DONE);
    FUZZ_CHECK(!begins || (!s->inside && !(item.n && memchr(item.p, 0, item.n))));
    FUZZ_CHECK(s->inside || (kind != VDM_ITEM_LINE && kind != VDM_ITEM_BYTES && !ends));
    FUZZ_CHECK(kind != VDM_ITEM_LINE ||
               (item.n && argument >= VDM_FIELD_COLLECTION && argument < VDM_FIELDS));
    if (kind == VDM_ITEM_BYTES)
        vdm_buf_put(&s->bytes, item);
    if (kind == VDM_ITEM_PLACE)
        check_place(item, input, s);
    if (begins || ends)
        vdm_buf_clear(&s->bytes);
    s->inside = (s->inside || begins) && !ends;
    s->done = kind == VDM_ITEM_DONE;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct vdm_buf told VDM_CLEANUP(vdm_buf_release) = {0};
    struct seen s = {0};
    vdm_packed_prepare();
    bool all = work((struct vdm_bytes){data, n}, &told);
    struct vdm_bytes rest = vdm_buf_bytes(&told);
    while (rest.n) {
        uint32_t length;
        if (rest.n < VDM_ITEM_HEAD)
            break;
        memcpy(&length, rest.p + 2, sizeof length);
        if (length > rest.n - VDM_ITEM_HEAD)
            break;
        check_item((struct vdm_bytes){rest.p + VDM_ITEM_HEAD, length},
                   (enum vdm_item_kind)rest.p[0], rest.p[1], (struct vdm_bytes){data, n}, &s);
        rest = vdm_bytes_skip(rest, VDM_ITEM_HEAD + length);
    }
    FUZZ_CHECK(!all || (rest.n == 0 && !s.inside));
    vdm_buf_release(&s.bytes);
    return 0;
}
