/* SPDX-License-Identifier: MIT */
#include "capture/container.h"

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

/* What was not taken moves to the front, and the rest of the buffer is filled. The descriptor's offset is
 * shared with other spans on it, so it is set each time. */
static void fill(struct vdm_span *s)
{
    size_t left = s->n - s->from, got = 0;
    memmove(s->p, s->p + s->from, left);
    s->at += s->from;
    s->from = 0;
    s->n = left;
    uint64_t next = s->at + left, room = VDM_SPAN_BYTES - left;
    if (room > s->end - next)
        room = s->end - next;
    if (lseek(s->fd, (off_t)next, SEEK_SET) < 0 ||
        !vdm_fd_read(s->fd, s->p + left, (size_t)room, &got, NULL))
        s->failed = true;
    s->n += got;
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
