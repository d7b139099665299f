/* SPDX-License-Identifier: MIT */
#include "capture/warc_http.h"

#include <string.h>

/* `1a`, `1a;name=value`, with spaces around. */
static bool parse_size(struct vdm_bytes line, uint64_t *out)
{
    size_t i = 0, digits = 0;
    *out = 0;
    for (; i < line.n && line.p[i] == ' '; i++)
        ;
    for (; i < line.n && digits <= 15; i++, digits++) {
        uint8_t c = line.p[i],
                d = c >= '0' && c <= '9' ? (uint8_t)(c - '0') : (uint8_t)((c | 32) - 'a' + 10);
        if (!((c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'f')))
            break;
        *out = *out << 4 | d;
    }
    for (; i < line.n && (line.p[i] == ' ' || line.p[i] == '\t' || line.p[i] == '\r'); i++)
        ;
    return digits > 0 && digits <= 15 && (i == line.n || line.p[i] == ';');
}

static void end_of_line(struct vdm_chunks *c)
{
    struct vdm_bytes line = {c->line, c->n};
    bool empty = c->n == 0 || (c->n == 1 && c->line[0] == '\r');
    if (c->state == VDM_CHUNK_SIZE) {
        if (!parse_size(line, &c->left))
            c->state = VDM_CHUNK_BROKEN;
        else
            c->state = c->left ? VDM_CHUNK_DATA : VDM_CHUNK_TAIL;
        c->begun = c->begun || c->state != VDM_CHUNK_BROKEN;
    } else if (c->state == VDM_CHUNK_AFTER) {
        c->state = empty ? VDM_CHUNK_SIZE : VDM_CHUNK_BROKEN;
    } else if (empty) {
        c->state = VDM_CHUNK_END;
    }
    c->n = 0;
}

/* Of a line, up to its LF. Only lines behind the last chunk may be long. */
static size_t take_line(struct vdm_chunks *c, struct vdm_bytes in)
{
    size_t i = 0;
    while (i < in.n && in.p[i] != '\n') {
        if (c->n < sizeof c->line)
            c->line[c->n++] = in.p[i];
        else if (c->state != VDM_CHUNK_TAIL)
            break;
        i++;
    }
    if (i < in.n && in.p[i] == '\n') {
        end_of_line(c);
        return i + 1;
    }
    if (i < in.n)
        c->state = VDM_CHUNK_BROKEN;
    return i;
}

void vdm_chunks_take(struct vdm_chunks *c, struct vdm_bytes in, vdm_chunk_fn *give, void *ctx)
{
    while (in.n && c->state != VDM_CHUNK_END && c->state != VDM_CHUNK_BROKEN) {
        struct vdm_bytes before = {c->line, c->n}, all = in;
        uint8_t kept[sizeof c->line];
        size_t n = in.n;
        if (c->state == VDM_CHUNK_RAW) {
            give(ctx, in);
        } else if (c->state == VDM_CHUNK_DATA) {
            n = in.n < c->left ? in.n : (size_t)c->left;
            give(ctx, (struct vdm_bytes){in.p, n});
            c->left -= n;
            c->state = c->left ? VDM_CHUNK_DATA : VDM_CHUNK_AFTER;
        } else {
            memcpy(kept, before.p, before.n);
            n = take_line(c, in);
            if (c->state == VDM_CHUNK_BROKEN && !c->begun) {
                c->state = VDM_CHUNK_RAW;
                c->n = 0; /* nothing waits any more */
                if (before.n)
                    give(ctx, (struct vdm_bytes){kept, before.n});
                give(ctx, all);
                return;
            }
        }
        in = vdm_bytes_skip(in, n);
    }
}
