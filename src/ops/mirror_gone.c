/* SPDX-License-Identifier: MIT */
#include "ops/mirror_gone.h"

#include "base/list.h"

#include <stdlib.h>
#include <string.h>

void vdm_gone_release(struct vdm_gone *g)
{
    free(g->list);
    free(g->record);
    *g = (struct vdm_gone){0};
}

static int by_digest(const void *element, const void *wanted)
{
    const struct vdm_gone_document *a = element;
    const struct vdm_digest *b = wanted;
    return memcmp(a->digest.b, b->b, sizeof b->b);
}

static size_t place(const struct vdm_gone *g, struct vdm_digest document)
{
    return vdm_list_place(g->list, g->n, sizeof *g->list, &document, by_digest);
}

static struct vdm_gone_document *find(const struct vdm_gone *g, struct vdm_digest document)
{
    size_t at = place(g, document);
    return at < g->n && vdm_digest_equal(g->list[at].digest, document) ? &g->list[at] : NULL;
}

static bool add(struct vdm_gone *g, struct vdm_digest document, bool withdrawn, struct vdm_err *err)
{
    struct vdm_gone_document *there = find(g, document);
    if (there) {
        there->withdrawn = there->withdrawn || withdrawn;
        return true;
    }
    size_t at = place(g, document);
    if (!vdm_list_grow(&g->list, g->n, &g->cap, sizeof *g->list, err))
        return false;
    memmove(g->list + at + 1, g->list + at, (g->n++ - at) * sizeof *g->list);
    g->list[at] = (struct vdm_gone_document){.digest = document, .withdrawn = withdrawn};
    return true;
}

/* *known is false where this ledger (NULL: none) has no record of entry n. *out borrows from `text`. */
static bool read_record(struct vdm_ledger *l, uint64_t n, struct vdm_buf *text,
                        struct vdm_record *out, bool *known, struct vdm_err *err)
{
    *known = false;
    vdm_buf_clear(text);
    if (!l)
        return true;
    if (!vdm_ledger_record(l, n, text, known, err))
        return false;
    *known = *known && vdm_record_decode(vdm_buf_bytes(text), out, NULL);
    return true;
}

static bool add_known(struct vdm_gone *g, struct vdm_ledger *l, const struct vdm_audit_withdrawn *w,
                      struct vdm_err *err)
{
    struct vdm_buf text VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_record r;
    bool known;
    return read_record(l, w->capture, &text, &r, &known, err) &&
           (!known || add(g, r.document, w->document, err));
}

bool vdm_gone_read(struct vdm_gone *g, const struct vdm_audit_run *r, struct vdm_err *err)
{
    for (size_t i = 0; i < r->withdrawns; i++)
        if (!add_known(g, g->old, &r->withdrawn[i], err) ||
            !add_known(g, r->a->ledger, &r->withdrawn[i], err))
            return false;
    return true;
}

bool vdm_gone_add_record(struct vdm_gone *g, uint64_t n, struct vdm_err *err)
{
    if (!vdm_list_grow(&g->record, g->records, &g->records_cap, sizeof *g->record, err))
        return false;
    g->record[g->records++] = n;
    return true;
}

void vdm_gone_keep(struct vdm_gone *g, struct vdm_digest document)
{
    struct vdm_gone_document *d = find(g, document);
    if (d)
        d->kept = true;
}

bool vdm_gone_keep_lost(struct vdm_gone *g, struct vdm_crypto *c, const struct vdm_entry *e,
                        struct vdm_err *err)
{
    struct vdm_buf text VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_digest commitment;
    struct vdm_record r;
    bool known;
    if (!read_record(g->old, e->n, &text, &r, &known, err))
        return false;
    known = known && vdm_record_commit(c, &r, &commitment, NULL) &&
            vdm_digest_equal(commitment, e->capture.record);
    if (known)
        vdm_gone_keep(g, r.document);
    g->unsure = g->unsure || !known;
    return true;
}

bool vdm_gone_erases(const struct vdm_gone *g, const struct vdm_gone_document *d)
{
    return d->withdrawn && !d->kept && !g->unsure;
}
