/* SPDX-License-Identifier: MIT */
#include "fuzz/told.h"

#include "base/file.h"
#include "base/limits.h"
#include "base/text.h"

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

/* All messages, one behind another. False: there were more. */
static bool work(const struct vdm_container_format *const *formats, struct vdm_bytes input,
                 const void *context, struct vdm_buf *out)
{
    int fd VDM_CLEANUP(vdm_fd_close) = fuzz_file(input);
    int channel VDM_CLEANUP(vdm_fd_close) = memfd_create("told", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    FUZZ_CHECK(ftruncate(channel, TOLD_MAX) == 0 && fcntl(channel, F_ADD_SEALS, F_SEAL_GROW) == 0);
    const struct vdm_container_work todo = {formats, sums(), fd, input.n, context};
    vdm_container_work(&todo, channel);
    off_t n = lseek(channel, 0, SEEK_CUR);
    FUZZ_CHECK(n >= 0);
    uint8_t *p = n ? vdm_buf_grow(out, (size_t)n) : NULL;
    FUZZ_CHECK(!n || (p && pread(channel, p, (size_t)n, 0) == n));
    return n < (off_t)(TOLD_MAX - 2 * VDM_MESSAGE_MAX);
}

/* What is called a slice is these bytes of the file. */
static void check_place(const struct fuzz_told *t, struct vdm_bytes place, struct vdm_bytes input)
{
    uint64_t offset, length;
    FUZZ_CHECK(place.n > 16);
    memcpy(&offset, place.p, 8);
    memcpy(&length, place.p + 8, 8);
    FUZZ_CHECK(offset <= input.n);
    if (!vdm_bytes_start_with(vdm_bytes_skip(place, 16), VDM_LIT("slice")))
        return;
    FUZZ_CHECK(length <= input.n - offset && length == t->member.n);
    FUZZ_CHECK(!length || memcmp(input.p + offset, t->member.p, (size_t)length) == 0);
}

static bool is_of_member(enum vdm_item_kind kind)
{
    return (kind >= VDM_ITEM_LINE && kind <= VDM_ITEM_REFUSE);
}

static void check_order(const struct fuzz_told *t, enum vdm_item_kind kind)
{
    FUZZ_CHECK(kind >= VDM_ITEM_IS && kind <= VDM_ITEM_DONE && !t->ended);
    FUZZ_CHECK(t->is ? kind != VDM_ITEM_IS && kind != VDM_ITEM_NONE
                     : kind == VDM_ITEM_IS || kind == VDM_ITEM_NONE);
    FUZZ_CHECK(!is_of_member(kind) || t->inside);
    FUZZ_CHECK(kind != VDM_ITEM_BEGIN || !t->inside);
    FUZZ_CHECK(kind != VDM_ITEM_ABOUT || !t->members);
}

static void check_body(const struct fuzz_told *t, enum vdm_item_kind kind, unsigned argument,
                       struct vdm_bytes body, struct vdm_bytes input)
{
    if (kind == VDM_ITEM_LINE || kind == VDM_ITEM_ABOUT)
        FUZZ_CHECK(body.n && argument >= VDM_FIELD_COLLECTION && argument < VDM_FIELDS);
    if (kind == VDM_ITEM_BEGIN)
        FUZZ_CHECK(body.n <= VDM_MEMBER_NAME_MAX && !(body.n && memchr(body.p, 0, body.n)));
    if (kind == VDM_ITEM_PLACE)
        check_place(t, body, input);
}

static void note(struct fuzz_told *t, enum vdm_item_kind kind, unsigned argument,
                 struct vdm_bytes body)
{
    bool ends = kind == VDM_ITEM_END || kind == VDM_ITEM_REFUSE;
    if (kind == VDM_ITEM_IS) {
        t->is = true;
        t->format = argument;
    }
    if (kind == VDM_ITEM_ABOUT) {
        vdm_buf_put(&t->about, body);
        vdm_buf_putc(&t->about, '\n');
    }
    if (kind == VDM_ITEM_BYTES)
        vdm_buf_put(&t->member, body);
    if (kind == VDM_ITEM_END) {
        vdm_buf_putf(&t->all, "%zu:", t->member.n);
        vdm_buf_put(&t->all, vdm_buf_bytes(&t->member));
    }
    if (kind == VDM_ITEM_BEGIN || ends)
        vdm_buf_clear(&t->member);
    t->members += kind == VDM_ITEM_BEGIN;
    t->abouts += kind == VDM_ITEM_ABOUT;
    t->problems += kind == VDM_ITEM_PROBLEM;
    t->inside = (t->inside || kind == VDM_ITEM_BEGIN) && !ends;
    t->ended = kind == VDM_ITEM_DONE || kind == VDM_ITEM_NONE;
}

/* The next message off the front; false: the rest of it was not told. */
static bool next(struct vdm_bytes *rest, struct vdm_bytes *head, struct vdm_bytes *body)
{
    uint32_t length;
    if (rest->n < VDM_ITEM_HEAD)
        return false;
    memcpy(&length, rest->p + 2, sizeof length);
    if (length > rest->n - VDM_ITEM_HEAD)
        return false;
    *head = fuzz_take(rest, VDM_ITEM_HEAD);
    *body = fuzz_take(rest, length);
    return true;
}

void fuzz_told(struct fuzz_told *t, const struct vdm_container_format *const *formats,
               struct vdm_bytes input, const void *context)
{
    struct vdm_buf out VDM_CLEANUP(vdm_buf_release) = {0};
    *t = (struct fuzz_told){.whole = work(formats, input, context, &out)};
    struct vdm_bytes rest = vdm_buf_bytes(&out), head, body;
    while (next(&rest, &head, &body)) {
        enum vdm_item_kind kind = (enum vdm_item_kind)head.p[0];
        check_order(t, kind);
        check_body(t, kind, head.p[1], body, input);
        note(t, kind, head.p[1], body);
    }
    FUZZ_CHECK(!t->whole || (rest.n == 0 && t->ended && !t->inside));
}

void fuzz_told_release(struct fuzz_told *t)
{
    vdm_buf_release(&t->all);
    vdm_buf_release(&t->about);
    vdm_buf_release(&t->member);
}
