/* SPDX-License-Identifier: MIT */
#include "capture/input.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Small, because rows are also read again one by one in any order. */
#define VDM_INPUT_BYTES ((size_t)1 << 14)

bool vdm_input_init(struct vdm_input *in, int fd, struct vdm_err *err)
{
    uint8_t *p = malloc(VDM_INPUT_BYTES);
    if (!p)
        return vdm_fail_memory(err);
    *in = (struct vdm_input){.fd = fd, .line = 1, .p = p};
    return true;
}

void vdm_input_release(struct vdm_input *in)
{
    free(in->p);
    *in = (struct vdm_input){.fd = -1};
}

void vdm_input_seek(struct vdm_input *in, uint64_t offset, uint64_t line)
{
    in->offset = offset;
    in->line = line;
}

static bool fill(struct vdm_input *in)
{
    ssize_t k;
    do
        k = pread(in->fd, in->p, VDM_INPUT_BYTES, (off_t)in->offset);
    while (k < 0 && errno == EINTR);
    if (k < 0)
        in->error = errno;
    in->start = in->offset;
    in->n = k > 0 ? (size_t)k : 0;
    return k > 0;
}

int vdm_input_peek(struct vdm_input *in)
{
    if (in->error)
        return VDM_INPUT_END;
    bool here = in->offset >= in->start && in->offset - in->start < in->n;
    if (!here && !fill(in))
        return VDM_INPUT_END;
    return in->p[in->offset - in->start];
}

int vdm_input_take(struct vdm_input *in)
{
    int c = vdm_input_peek(in);
    if (c == VDM_INPUT_END)
        return c;
    in->offset++;
    in->line += c == '\n';
    return c;
}

bool vdm_input_ok(const struct vdm_input *in, struct vdm_err *err)
{
    return !in->error || vdm_fail(err, "read: %s", strerror(in->error));
}

bool vdm_input_line(struct vdm_input *in, size_t limit, struct vdm_buf *out, bool *more,
                    struct vdm_err *err)
{
    vdm_buf_clear(out);
    bool any = vdm_input_peek(in) != VDM_INPUT_END;
    int c = VDM_INPUT_END;
    while ((c = vdm_input_take(in)) != VDM_INPUT_END && c != '\n') {
        if (out->n == limit)
            return vdm_fail_as(err, VDM_ERR_MALFORMED, "a line of more than %zu bytes", limit);
        vdm_buf_putc(out, (char)c);
    }
    if (!vdm_input_ok(in, err) || !vdm_buf_ok(out, err))
        return false;
    *more = any;
    return true;
}
