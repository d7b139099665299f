/* SPDX-License-Identifier: MIT */
#include "ops/bundle_item.h"

#include "base/text.h"
#include "format/disclosure.h"

/* The verifier has decoded the text before it hands it out; here the lines are only walked. */
static struct vdm_bytes disclosed_value(struct vdm_bytes text, enum vdm_field f)
{
    struct vdm_bytes line;
    struct vdm_disclosed_line l;
    if (!vdm_cut_line(&text, &line) || !vdm_cut_line(&text, &line))
        return (struct vdm_bytes){NULL, 0};
    while (vdm_disclosure_next(&text, &l))
        if (l.open && l.line.field == f)
            return l.line.value;
    return (struct vdm_bytes){NULL, 0};
}

struct vdm_bytes vdm_item_value(const struct vdm_bundle_item *item, enum vdm_field f)
{
    struct vdm_record r;
    if (item->text.n == 0)
        return (struct vdm_bytes){NULL, 0};
    if (item->disclosure)
        return disclosed_value(item->text, f);
    return vdm_record_decode(item->text, &r, NULL) ? vdm_record_value(&r, f, 0)
                                                   : (struct vdm_bytes){NULL, 0};
}
