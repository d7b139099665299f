/* SPDX-License-Identifier: MIT */
#include "capture/container.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool vdm_span_init(struct vdm_span *s, int fd, uint64_t start, uint64_t end)
{
    *s = (struct vdm_span){.fd = fd, .start = start, .end = end, .at = start};
    s->p = malloc(VDM_SPAN_BYTES);
    s->failed = !s->p;
    return s->p;
}

void vdm_span_release(struct vdm_span *s)
{
    free(s->p);
    *s = (struct vdm_span){.fd = -1, .failed = true};
}

uint64_t vdm_span_at(const struct vdm_span *s)
{
    return s->at + s->from;
}

/* What was not taken moves to the front, and the rest of the buffer is filled. The descriptor's own offset is
 * the parent's, who may be reading the same file. */
static void fill(struct vdm_span *s)
{
    size_t left = s->n - s->from;
    memmove(s->p, s->p + s->from, left);
    s->at += s->from;
    s->from = 0;
    s->n = left;
    while (s->n < VDM_SPAN_BYTES && s->at + s->n < s->end && !s->failed) {
        uint64_t room = VDM_SPAN_BYTES - s->n, most = s->end - s->at - s->n;
        ssize_t k =
            pread(s->fd, s->p + s->n, (size_t)(room < most ? room : most), (off_t)(s->at + s->n));
        s->failed = k < 0 && errno != EINTR;
        if (k == 0)
            s->end = s->at + s->n; /* it became shorter */
        s->n += k > 0 ? (size_t)k : 0;
    }
}

struct vdm_bytes vdm_span_look(struct vdm_span *s, size_t want)
{
    if (s->failed)
        return (struct vdm_bytes){NULL, 0};
    if (s->n - s->from < want && s->at + s->n < s->end)
        fill(s);
    if (s->failed)
        return (struct vdm_bytes){NULL, 0};
    return (struct vdm_bytes){s->p + s->from, s->n - s->from};
}

void vdm_span_take(struct vdm_span *s, size_t n)
{
    s->from += n < s->n - s->from ? n : s->n - s->from;
}

void vdm_span_seek(struct vdm_span *s, uint64_t offset)
{
    if (offset < s->start)
        offset = s->start;
    if (offset > s->end)
        offset = s->end;
    if (offset >= s->at && offset <= s->at + s->n) {
        s->from = (size_t)(offset - s->at);
        return;
    }
    s->at = offset;
    s->from = s->n = 0;
}
