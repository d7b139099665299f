/* SPDX-License-Identifier: MIT */
/* A WARC that is packed in the WACZ is read while it is unpacked. */
#include "capture/wacz_private.h"
#include "capture/warc.h"

#include <string.h>

struct unpacking {
    struct vdm_wacz *w;
    const struct vdm_wacz_file *f;
    struct vdm_packed *u;   /* where the bytes come from now */
    struct vdm_packed *own; /* begun again; what we were given goes on for others */
    struct vdm_span span;   /* of `own` */
    struct vdm_bytes rest;  /* of the piece at hand */
};

/* Each byte counts, and each again: to go back again and again ends at the bounds. */
static size_t read_on(void *ctx, uint8_t *p, size_t cap)
{
    struct unpacking *x = ctx;
    if (!vdm_members_wanted(x->w->to) || (x->rest.n == 0 && !vdm_packed_read(x->u, &x->rest)))
        return 0;
    size_t n = x->rest.n < cap ? x->rest.n : cap;
    if (n)
        memcpy(p, x->rest.p, n);
    x->rest = vdm_bytes_skip(x->rest, n);
    vdm_members_passed(x->w->to, n);
    return n;
}

/* To the file again, counted from the front: its name may be there twice. */
static bool find(struct unpacking *x)
{
    for (size_t files = 0; vdm_packed_next(x->own) == VDM_PACKED_ENTRY;) {
        vdm_members_passed(x->w->to, 512);
        if (!vdm_members_wanted(x->w->to))
            return false;
        if (!vdm_packed_entry(x->own)->folder && files++ == x->f->nth)
            return true;
    }
    return false;
}

static bool begin_again(void *ctx)
{
    struct unpacking *x = ctx;
    const struct vdm_span *whole = x->w->p->s;
    vdm_packed_cleanup(&x->own);
    x->rest = (struct vdm_bytes){NULL, 0};
    if (!x->span.p && !vdm_span_init(&x->span, whole->fd, whole->start, whole->end))
        return false;
    x->own = x->u = vdm_packed_open(&x->span, VDM_PACKED_ZIP);
    return x->own && find(x);
}

void vdm_wacz_take_packed(struct vdm_wacz *w, const struct vdm_wacz_file *f, struct vdm_packed *u)
{
    struct unpacking x = {.w = w, .f = f, .u = u, .span = {.fd = -1}};
    const struct vdm_flow flow = {f->path, read_on, begin_again, &x};
    struct vdm_span s;
    if (f->again || strlen(f->path) > VDM_WARC_WITHIN_MAX) {
        vdm_wacz_refuse(w, f,
                        f->again ? "is packed, and another has its name"
                                 : "is packed, and its name is too long");
        return;
    }
    if (vdm_span_init_flow(&s, &flow, f->size) && vdm_warc_is(&s)) {
        vdm_span_seek(&s, 0);
        vdm_warc_read(&s, w->to);
    } else {
        vdm_wacz_refuse(w, f, "is no WARC");
    }
    vdm_span_release(&s);
    vdm_span_release(&x.span);
    vdm_packed_cleanup(&x.own);
}
