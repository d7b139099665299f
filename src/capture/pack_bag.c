/* SPDX-License-Identifier: MIT */
/* A bag in a tar or a zip: listed, summed and judged; and then, if it is valid, its files one by one. */
#include "capture/bag_list.h"
#include "capture/pack.h"

#include "base/limits.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct bagging {
    struct vdm_pack *p;
    struct vdm_bytes prefix;
    struct vdm_bag *bag;
    struct vdm_err err; /* kind: why it cannot be judged */
    struct vdm_buf text;
    struct vdm_sum sum[VDM_SUM_KINDS];
    uint8_t values[VDM_SUM_KINDS][VDM_SUM_BYTES_MAX];
};

/* The name within the bag; false: it is none of its files. */
static bool name_within(const struct bagging *g, const struct vdm_packed_entry *e,
                        struct vdm_bytes *name)
{
    *name = vdm_bytes_skip(e->name, g->prefix.n);
    while (vdm_bytes_start_with(*name, VDM_LIT("./")))
        *name = vdm_bytes_skip(*name, 2);
    return name->n > 0;
}

/* --- its list --- */

static bool list_entry(void *ctx, struct vdm_packed *u)
{
    struct bagging *g = ctx;
    const struct vdm_packed_entry *e = vdm_packed_entry(u);
    struct vdm_bytes name;
    if (!name_within(g, e, &name))
        return true;
    if (e->refused)
        vdm_bag_fault(g->bag, "%.*s is %s", (int)name.n, name.p, e->refused);
    else if (e->folder &&
             (vdm_bytes_equal(name, VDM_LIT("data/")) || vdm_bytes_equal(name, VDM_LIT("data"))))
        vdm_bag_has_data(g->bag);
    else if (!e->folder)
        return vdm_bag_add(g->bag, name, e->size, &g->err);
    return true;
}

/* --- its sums --- */

static void begin_sums(struct bagging *g)
{
    for (unsigned k = 0; k < VDM_SUM_KINDS; k++)
        if (vdm_bag_sums(g->bag) >> k & 1)
            vdm_sum_begin(&g->sum[k], vdm_members_sums(g->p->to), (enum vdm_sum_kind)k);
}

static bool end_sums(struct bagging *g)
{
    bool all = true;
    for (unsigned k = 0; k < VDM_SUM_KINDS; k++)
        if (vdm_bag_sums(g->bag) >> k & 1)
            all = vdm_sum_end(&g->sum[k], g->values[k]) && all;
    return all || vdm_fail_memory(&g->err);
}

static bool read_entry(struct bagging *g, struct vdm_packed *u, bool text)
{
    struct vdm_bytes piece = {NULL, 1};
    while (piece.n && vdm_members_wanted(g->p->to)) {
        if (!vdm_packed_read(u, &piece))
            return vdm_fail_as(&g->err, VDM_ERR_REFUSED, "%s", vdm_packed_why(u));
        vdm_members_passed(g->p->to, piece.n);
        for (unsigned k = 0; k < VDM_SUM_KINDS; k++)
            vdm_sum_add(&g->sum[k], piece);
        if (text && g->text.n <= VDM_BAG_TEXT_MAX)
            vdm_buf_put(&g->text, piece);
    }
    return vdm_buf_ok(&g->text, &g->err);
}

static bool sum_entry(void *ctx, struct vdm_packed *u)
{
    struct bagging *g = ctx;
    const struct vdm_packed_entry *e = vdm_packed_entry(u);
    struct vdm_bytes name;
    if (e->folder || e->refused || !name_within(g, e, &name))
        return true;
    vdm_buf_clear(&g->text);
    begin_sums(g);
    return read_entry(g, u, vdm_bag_wants_text(g->bag, name)) && end_sums(g) &&
           vdm_bag_fill(g->bag, name, (const uint8_t(*)[VDM_SUM_BYTES_MAX])g->values,
                        vdm_buf_bytes(&g->text), &g->err);
}

static bool judge(struct bagging *g)
{
    bool whole;
    if (!vdm_bag_open(&g->bag, &g->err))
        return false;
    vdm_pack_each(g->p, list_entry, g, &whole);
    if (g->err.kind || !whole)
        return false;
    vdm_bag_listed(g->bag);
    vdm_pack_each(g->p, sum_entry, g, &whole);
    return !g->err.kind && whole && vdm_bag_judge(g->bag, &g->err);
}

/* --- its members --- */

static bool take_entry(void *ctx, struct vdm_packed *u)
{
    struct bagging *g = ctx;
    const struct vdm_packed_entry *e = vdm_packed_entry(u);
    struct vdm_bytes name;
    if (e->folder || !name_within(g, e, &name))
        return true;
    vdm_pack_begin(g->p, e);
    vdm_bag_lines(g->bag, g->p->to, vdm_members_line);
    vdm_pack_take(g->p, u);
    return true;
}

/* --- all of it --- */

void vdm_pack_run_bag(struct vdm_pack *p, struct vdm_bytes prefix)
{
    struct bagging g = {.p = p, .prefix = prefix};
    bool whole;
    for (unsigned k = 0; k < VDM_SUM_KINDS; k++)
        g.sum[k].kind = VDM_SUM_KINDS;
    if (!judge(&g)) {
        if (vdm_members_wanted(p->to))
            vdm_members_problem(p->to, VDM_OFFSET_NONE,
                                g.err.kind ? g.err.text : "the bag cannot be read to its end");
    } else if (vdm_bag_findings(g.bag)) {
        vdm_bag_tell_findings(g.bag, p->to);
    } else {
        vdm_pack_each(p, take_entry, &g, &whole);
    }
    for (unsigned k = 0; k < VDM_SUM_KINDS; k++)
        vdm_sum_release(&g.sum[k]);
    vdm_buf_release(&g.text);
    vdm_bag_close(g.bag);
}
