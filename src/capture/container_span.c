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

bool vdm_span_init_flow(struct vdm_span *s, const struct vdm_flow *flow, uint64_t size)
{
    bool ok = vdm_span_init(s, -1, 0, size);
    s->flow = flow;
    return ok;
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

/* More bytes behind those in the buffer; 0: there are none. The descriptor's own offset is the parent's, who may be
 * reading the same file. */
static size_t read_more(struct vdm_span *s, size_t most)
{
    if (s->flow)
        return s->flow->read(s->flow->ctx, s->p + s->n, most);
    ssize_t k;
    do
        k = pread(s->fd, s->p + s->n, most, (off_t)(s->at + s->n));
    while (k < 0 && errno == EINTR);
    s->failed = k < 0;
    return k > 0 ? (size_t)k : 0;
}

/* What was not taken moves to the front, and the rest of the buffer is filled. */
static void fill(struct vdm_span *s)
{
    size_t left = s->n - s->from;
    memmove(s->p, s->p + s->from, left);
    s->at += s->from;
    s->from = 0;
    s->n = left;
    while (s->n < VDM_SPAN_BYTES && s->at + s->n < s->end && !s->failed) {
        uint64_t room = VDM_SPAN_BYTES - s->n, most = s->end - s->at - s->n;
        size_t k = read_more(s, (size_t)(room < most ? room : most));
        if (k == 0)
            s->end = s->at + s->n; /* it became shorter */
        s->n += k;
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

/* A flow reads what it passes over. */
static void flow_to(struct vdm_span *s, uint64_t offset)
{
    if (offset < s->at) {
        s->failed = s->failed || !s->flow->again(s->flow->ctx);
        s->at = s->from = s->n = 0;
    }
    while (!s->failed && s->at + s->n < offset && s->at + s->n < s->end) {
        s->from = s->n;
        fill(s);
    }
    s->from = s->failed ? s->n : (size_t)((offset < s->end ? offset : s->end) - s->at);
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
    if (s->flow) {
        flow_to(s, offset);
        return;
    }
    s->at = offset;
    s->from = s->n = 0;
}

bool vdm_span_zeros(struct vdm_span *s, uint64_t from)
{
    struct vdm_bytes b;
    for (vdm_span_seek(s, from); (b = vdm_span_look(s, 1)).n; vdm_span_take(s, b.n))
        for (size_t i = 0; i < b.n; i++)
            if (b.p[i])
                return false;
    return true;
}
