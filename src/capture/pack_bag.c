/* SPDX-License-Identifier: MIT */
/* A bag in a tar or a zip: listed, summed and judged; and then, if it is valid, its files one by one. */
#include "capture/bag_text.h"
#include "capture/pack.h"

#include "base/limits.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FINDINGS_TOLD 20

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

static void put_info(struct vdm_members *to, struct vdm_bag_info info)
{
    struct vdm_buf line VDM_CLEANUP(vdm_buf_release) = {0};
    if (vdm_bag_same_label(info.label, VDM_LIT("Source-Organization"))) {
        vdm_members_line(to, VDM_FIELD_RECEIVED_FROM, info.value);
    } else if (vdm_bag_same_label(info.label, VDM_LIT("External-Identifier"))) {
        vdm_members_line(to, VDM_FIELD_RECORD_ID, info.value);
    } else if (info.value.n) {
        vdm_buf_put(&line, info.label);
        vdm_buf_puts(&line, ": ");
        vdm_buf_put(&line, info.value);
        if (!line.failed)
            vdm_members_line(to, VDM_FIELD_FIELD, vdm_buf_bytes(&line));
    }
}

void vdm_bag_lines(const struct vdm_bag *b, struct vdm_members *to)
{
    struct vdm_buf line VDM_CLEANUP(vdm_buf_release) = {0};
    vdm_buf_puts(&line, "bag: valid, ");
    vdm_bag_describe(b, &line);
    if (!line.failed)
        vdm_members_line(to, VDM_FIELD_FIELD, vdm_buf_bytes(&line));
    for (size_t i = 0; i < vdm_bag_infos(b); i++)
        put_info(to, vdm_bag_info(b, i));
}

static bool take_entry(void *ctx, struct vdm_packed *u)
{
    struct bagging *g = ctx;
    const struct vdm_packed_entry *e = vdm_packed_entry(u);
    struct vdm_bytes name;
    if (e->folder || !name_within(g, e, &name))
        return true;
    vdm_pack_begin(g->p, e);
    vdm_bag_lines(g->bag, g->p->to);
    vdm_pack_take(g->p, u);
    return true;
}

/* --- all of it --- */

static void tell_findings(struct bagging *g)
{
    size_t n = vdm_bag_findings(g->bag), told = n < FINDINGS_TOLD ? n : FINDINGS_TOLD;
    char more[100];
    vdm_members_problem(g->p->to, 0, "the bag is not valid: nothing of it was taken");
    for (size_t i = 0; i < told; i++)
        vdm_members_problem(g->p->to, 0, vdm_bag_finding(g->bag, i));
    if (n > told) {
        snprintf(more, sizeof more, "and %zu more findings in the bag", n - told);
        vdm_members_problem(g->p->to, 0, more);
    }
}

void vdm_pack_run_bag(struct vdm_pack *p, struct vdm_bytes prefix)
{
    struct bagging g = {.p = p, .prefix = prefix};
    bool whole;
    for (unsigned k = 0; k < VDM_SUM_KINDS; k++)
        g.sum[k].kind = VDM_SUM_KINDS;
    if (!judge(&g)) {
        if (vdm_members_wanted(p->to))
            vdm_members_problem(p->to, 0,
                                g.err.kind ? g.err.text : "the bag cannot be read to its end");
    } else if (vdm_bag_findings(g.bag)) {
        tell_findings(&g);
    } else {
        vdm_pack_each(p, take_entry, &g, &whole);
    }
    for (unsigned k = 0; k < VDM_SUM_KINDS; k++)
        vdm_sum_release(&g.sum[k]);
    vdm_buf_release(&g.text);
    vdm_bag_close(g.bag);
}
