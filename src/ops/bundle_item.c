/* SPDX-License-Identifier: MIT */
#include "ops/bundle_item.h"

#include "base/text.h"
#include "format/disclosure.h"

/* The verifier has decoded the text before it hands it out; here the lines are only walked. Behind
 * the two lines of its head. */
static struct vdm_bytes disclosure_body(struct vdm_bytes text)
{
    struct vdm_bytes line;
    bool has_body = vdm_cut_line(&text, &line) && vdm_cut_line(&text, &line);
    return has_body ? text : (struct vdm_bytes){NULL, 0};
}

static void disclosed_lines(struct vdm_bytes text, vdm_item_line_fn *told, void *ctx)
{
    struct vdm_disclosed_line l;
    for (struct vdm_bytes rest = disclosure_body(text); vdm_disclosure_next(&rest, &l);)
        if (l.open)
            told(ctx, l.line.field, l.line.value);
}

struct vdm_bytes vdm_item_disclosure(const struct vdm_bundle_item *item)
{
    return item->disclosure ? disclosure_body(item->text) : (struct vdm_bytes){NULL, 0};
}

bool vdm_item_next_hidden(struct vdm_bytes *rest, uint64_t *number)
{
    struct vdm_disclosed_line l;
    while (vdm_disclosure_next(rest, &l)) {
        *number = l.i;
        if (!l.open)
            return true;
    }
    return false;
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
