/* SPDX-License-Identifier: MIT */
#include "ops/bundle_item.h"

#include "base/text.h"
#include "format/disclosure.h"

/* The verifier has decoded the text before it hands it out; here the lines are only walked. */
static void disclosed_lines(struct vdm_bytes text, vdm_item_line_fn *told, void *ctx)
{
    struct vdm_bytes line;
    struct vdm_disclosed_line l;
    if (!vdm_cut_line(&text, &line) || !vdm_cut_line(&text, &line))
        return;
    while (vdm_disclosure_next(&text, &l))
        if (l.open)
            told(ctx, l.line.field, l.line.value);
}

void vdm_item_lines(const struct vdm_bundle_item *item, vdm_item_line_fn *told, void *ctx)
{
    struct vdm_record r;
    struct vdm_record_line l;
    if (item->text.n == 0)
        return;
    if (item->disclosure) {
        disclosed_lines(item->text, told, ctx);
        return;
    }
    if (!vdm_record_decode(item->text, &r, NULL))
        return;
    for (struct vdm_bytes rest = r.body; vdm_record_next(&rest, &l);)
        told(ctx, l.field, l.value);
}

struct first {
    enum vdm_field field;
    struct vdm_bytes value;
};

static void keep_first(void *ctx, enum vdm_field f, struct vdm_bytes value)
{
    struct first *first = ctx;
    if (f == first->field && first->value.n == 0)
        first->value = value;
}

struct vdm_bytes vdm_item_value(const struct vdm_bundle_item *item, enum vdm_field f)
{
    struct first first = {f, {NULL, 0}};
    vdm_item_lines(item, keep_first, &first);
    return first.value;
}
