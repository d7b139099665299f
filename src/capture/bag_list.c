/* SPDX-License-Identifier: MIT */
#include "capture/bag_list.h"

#include "base/limits.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAGIC         "vidimus bag list\n"
#define FINDINGS_TOLD 20

struct head {
    uint8_t kind; /* 'D' there is a folder data/, 'X' a finding, 'F' a file */
    uint32_t name, kinds;
    uint64_t size, text;
};

/* --- written by the parent --- */

static void put_head(struct vdm_buf *out, struct head h)
{
    struct head clean;
    memset(&clean, 0, sizeof clean);
    clean.kind = h.kind;
    clean.name = h.name;
    clean.kinds = h.kinds;
    clean.size = h.size;
    clean.text = h.text;
    vdm_buf_put(out, (struct vdm_bytes){(const uint8_t *)&clean, sizeof clean});
}

void vdm_bag_list_begin(struct vdm_buf *out, bool has_data)
{
    vdm_buf_puts(out, MAGIC);
    if (has_data)
        put_head(out, (struct head){.kind = 'D'});
}

void vdm_bag_list_fault(struct vdm_buf *out, struct vdm_bytes fault)
{
    put_head(out, (struct head){.kind = 'X', .name = (uint32_t)fault.n});
    vdm_buf_put(out, fault);
}

void vdm_bag_list_file(struct vdm_buf *out, struct vdm_bytes name, uint64_t size, unsigned kinds,
                       const uint8_t sums[VDM_SUM_KINDS][VDM_SUM_BYTES_MAX], struct vdm_bytes text)
{
    put_head(out, (struct head){'F', (uint32_t)name.n, kinds, size, text.n});
    vdm_buf_put(out, name);
    for (unsigned k = 0; k < VDM_SUM_KINDS; k++)
        if (kinds >> k & 1)
            vdm_buf_put(out, (struct vdm_bytes){sums[k], vdm_sum_bytes((enum vdm_sum_kind)k)});
    vdm_buf_put(out, text);
}

/* --- read in the worker --- */

static bool may_be(struct vdm_bytes head)
{
    return vdm_bytes_start_with(head, VDM_LIT(MAGIC));
}

static bool is(struct vdm_span *s)
{
    return may_be(vdm_span_look(s, sizeof MAGIC));
}

static bool take(struct vdm_span *s, void *to, size_t n)
{
    uint8_t *p = to;
    while (n) {
        struct vdm_bytes b = vdm_span_look(s, 1);
        size_t k = b.n < n ? b.n : n;
        if (k == 0)
            return false;
        memcpy(p, b.p, k);
        vdm_span_take(s, k);
        p += k;
        n -= k;
    }
    return true;
}

struct item {
    struct head head;
    uint8_t name[2 * VDM_PATH_MAX_BYTES];
    uint8_t sums[VDM_SUM_KINDS][VDM_SUM_BYTES_MAX];
};

static bool take_item(struct vdm_span *s, struct item *i)
{
    if (!take(s, &i->head, sizeof i->head) || i->head.name > sizeof i->name ||
        i->head.kinds >> VDM_SUM_KINDS || i->head.text > VDM_BAG_TEXT_MAX + VDM_COPY_BYTES ||
        !take(s, i->name, i->head.name))
        return false;
    for (unsigned k = 0; k < VDM_SUM_KINDS; k++)
        if (i->head.kinds >> k & 1 && !take(s, i->sums[k], vdm_sum_bytes((enum vdm_sum_kind)k)))
            return false;
    return true;
}

typedef bool each_fn(struct vdm_bag *b, struct vdm_span *s, const struct item *i,
                     struct vdm_err *err);

static bool each(struct vdm_bag *b, struct vdm_span *s, each_fn *see, struct vdm_err *err)
{
    struct item *i = malloc(sizeof *i);
    bool ok = i || vdm_fail_memory(err);
    vdm_span_seek(s, sizeof MAGIC - 1);
    while (ok && vdm_span_look(s, 1).n)
        ok = (take_item(s, i) || vdm_fail(err, "the list of the bag is broken")) &&
             see(b, s, i, err);
    free(i);
    return ok;
}

static bool add(struct vdm_bag *b, struct vdm_span *s, const struct item *i, struct vdm_err *err)
{
    struct vdm_bytes name = {i->name, i->head.name};
    vdm_span_seek(s, vdm_span_at(s) + i->head.text);
    if (i->head.kind == 'D')
        vdm_bag_has_data(b);
    else if (i->head.kind == 'X')
        vdm_bag_fault(b, "%.*s", (int)name.n, name.p);
    return i->head.kind != 'F' || vdm_bag_add(b, name, i->head.size, err);
}

static bool fill(struct vdm_bag *b, struct vdm_span *s, const struct item *i, struct vdm_err *err)
{
    struct vdm_buf text VDM_CLEANUP(vdm_buf_release) = {0};
    uint8_t *p = vdm_buf_grow(&text, i->head.text);
    if (!vdm_buf_ok(&text, err))
        return false;
    if (!take(s, p, i->head.text))
        return vdm_fail(err, "the list of the bag is broken");
    return i->head.kind != 'F' || vdm_bag_fill(b, (struct vdm_bytes){i->name, i->head.name},
                                               i->sums, vdm_buf_bytes(&text), err);
}

static void run(struct vdm_span *s, struct vdm_members *to)
{
    struct vdm_bag *b VDM_CLEANUP(vdm_bag_cleanup) = NULL;
    struct vdm_err err = {0};
    bool ok = vdm_bag_open(&b, &err) && each(b, s, add, &err);
    if (ok)
        vdm_bag_listed(b);
    ok = ok && each(b, s, fill, &err) && vdm_bag_judge(b, &err);
    if (!ok)
        vdm_members_problem(to, VDM_OFFSET_NONE, err.text);
    else if (vdm_bag_findings(b))
        vdm_bag_tell_findings(b, to);
    else {
        vdm_bag_lines(b, to, vdm_members_about);
        vdm_members_about_done(to);
    }
}

const struct vdm_container_format vdm_bag_list_format = {"bag", false, may_be, is, run};

/* --- what is told of a bag --- */

static void put_info(struct vdm_members *to, vdm_bag_put_fn *put, struct vdm_bag_element info)
{
    struct vdm_buf line VDM_CLEANUP(vdm_buf_release) = {0};
    if (vdm_bag_same_label(info.label, VDM_LIT("Source-Organization"))) {
        put(to, VDM_FIELD_RECEIVED_FROM, info.value);
    } else if (vdm_bag_same_label(info.label, VDM_LIT("External-Identifier"))) {
        put(to, VDM_FIELD_RECORD_ID, info.value);
    } else if (info.value.n) {
        vdm_buf_put(&line, info.label);
        vdm_buf_puts(&line, ": ");
        vdm_buf_put(&line, info.value);
        if (!line.failed)
            put(to, VDM_FIELD_FIELD, vdm_buf_bytes(&line));
    }
}

void vdm_bag_lines(const struct vdm_bag *b, struct vdm_members *to, vdm_bag_put_fn *put)
{
    struct vdm_buf line VDM_CLEANUP(vdm_buf_release) = {0};
    vdm_buf_puts(&line, "bag: valid, ");
    vdm_bag_describe(b, &line);
    if (!line.failed)
        put(to, VDM_FIELD_FIELD, vdm_buf_bytes(&line));
    for (size_t i = 0; i < vdm_bag_elements(b); i++)
        put_info(to, put, vdm_bag_element(b, i));
}

/* One of another version may well be valid; it was not looked at. */
static void tell_refused(const struct vdm_bag *b, struct vdm_members *to)
{
    char other[120];
    snprintf(
        other, sizeof other,
        "a bag of BagIt %u.%u is not taken, only of 0.97 and 1.0: it was not judged, and nothing "
        "of it was taken",
        b->major, b->minor);
    vdm_members_problem(to, VDM_OFFSET_REFUSED,
                        b->version_unknown ? other
                                           : "the bag is not valid: nothing of it was taken");
}

void vdm_bag_tell_findings(const struct vdm_bag *b, struct vdm_members *to)
{
    size_t n = vdm_bag_findings(b), told = n < FINDINGS_TOLD ? n : FINDINGS_TOLD;
    char more[100];
    tell_refused(b, to);
    for (size_t i = 0; i < told; i++)
        vdm_members_problem(to, VDM_OFFSET_NONE, vdm_bag_finding(b, i));
    if (n > told) {
        snprintf(more, sizeof more, "and %zu more findings in the bag", n - told);
        vdm_members_problem(to, VDM_OFFSET_NONE, more);
    }
}
