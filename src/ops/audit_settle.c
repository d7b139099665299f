/* SPDX-License-Identifier: MIT */
/* What was bad: repaired, excused, or a finding. */
#include "ops/audit_repair.h"
#include "ops/audit_state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct vdm_audit_piece *piece_of(struct vdm_audit_run *r, uint64_t n)
{
    struct vdm_audit_done *d = r->done;
    for (size_t i = d->pieces; i-- > 0;)
        if (d->piece[i].from <= n && n < d->piece[i].to)
            return &d->piece[i];
    return NULL;
}

/* Withdrawn is good. The erasing overwrites a document before it removes it, and may end in between. */
static bool is_excused(struct vdm_audit_run *r, const struct vdm_audit_bad *b)
{
    const struct vdm_audit_withdrawn *w = vdm_audit_withdrawal(r, b->capture);
    if (!w)
        return false;
    if (b->record)
        return w->record;
    return w->document || (w->record && b->state == VDM_INSPECTED_MISSING);
}

/* Whose document stands there instead? */
static bool find_owner(struct vdm_audit_run *r, struct vdm_digest found, uint64_t *owner)
{
    const struct vdm_catalog_filter f = {.document = &found};
    size_t count = 0;
    return r->a->catalog &&
           vdm_catalog_list(r->a->catalog, &f, UINT64_MAX, owner, 1, &count, NULL) && count == 1;
}

static void describe(struct vdm_audit_run *r, const struct vdm_audit_bad *b, char *out, size_t cap)
{
    uint64_t owner;
    const char *what = b->findings ? "the findings that it kept" : "its document";
    switch (b->state) {
    case VDM_INSPECTED_MISSING:
        snprintf(out, cap, "the store does not hold %s", b->record ? "its record" : what);
        return;
    case VDM_INSPECTED_UNREADABLE:
        snprintf(out, cap, "%s cannot be read: %s", what, b->problem ? b->problem : "");
        return;
    case VDM_INSPECTED_UNSTEADY:
        snprintf(
            out, cap,
            "%s was read with other bytes, then, read again, as it should be: memory, cable or "
            "controller are failing, not what is stored",
            what);
        return;
    case VDM_INSPECTED_NOT_A_FILE:
        snprintf(out, cap, "something that is not a file stands in the place of %s", what);
        return;
    case VDM_INSPECTED_GOOD:
    case VDM_INSPECTED_BUSY:
    case VDM_INSPECTED_CHANGED:
        break;
    }
    if (find_owner(r, b->found, &owner))
        snprintf(out, cap, "in the place of %s stands the document of entry %llu", what,
                 (unsigned long long)owner);
    else
        snprintf(out, cap, "%s has other bytes than were recorded, read twice", what);
}

static enum vdm_finding_kind kind_of(const struct vdm_audit_bad *b)
{
    if (b->record)
        return VDM_RECORD_MISSING;
    return b->state == VDM_INSPECTED_MISSING      ? VDM_DOCUMENT_MISSING
           : b->state == VDM_INSPECTED_UNREADABLE ? VDM_DOCUMENT_UNREADABLE
           : b->state == VDM_INSPECTED_UNSTEADY   ? VDM_READ_UNSTEADY
                                                  : VDM_DOCUMENT_CORRUPT;
}

static void count(struct vdm_audit_run *r, const struct vdm_audit_bad *b, bool repaired)
{
    struct vdm_audit_piece none = {0}, *p = piece_of(r, b->n);
    bool missing = kind_of(b) == VDM_DOCUMENT_MISSING;
    bool corrupt = kind_of(b) == VDM_DOCUMENT_CORRUPT || kind_of(b) == VDM_DOCUMENT_UNREADABLE;
    p = p ? p : &none;
    p->missing += missing;
    p->corrupt += corrupt;
    p->repaired += repaired;
    r->done->missing += missing;
    r->done->corrupt += corrupt;
    r->done->repaired += repaired;
}

static bool is_repairable(const struct vdm_audit_bad *b)
{
    return !b->record && b->state != VDM_INSPECTED_UNSTEADY;
}

/* A source that has to be read as a whole is told first what is wanted. */
static bool prepare(struct vdm_audit_run *r, struct vdm_err *err)
{
    size_t n = 0;
    if (!r->o->repair)
        return true;
    struct vdm_digest *wanted = calloc(r->bads, sizeof *wanted);
    if (!wanted)
        return vdm_fail_memory(err);
    for (size_t i = 0; i < r->bads; i++)
        if (is_repairable(&r->bad[i]) && !is_excused(r, &r->bad[i]))
            wanted[n++] = r->bad[i].digest;
    bool ok = vdm_repair_prepare(r->o->repair, wanted, n, r->progress, err);
    free(wanted);
    return ok;
}

static bool settle(struct vdm_audit_run *r, const struct vdm_audit_bad *b, struct vdm_err *err)
{
    char text[400], hex[65], found[65];
    bool repaired = false;
    struct vdm_err why = {0};
    if (is_excused(r, b)) {
        r->done->withdrawn++;
        return true;
    }
    describe(r, b, text, sizeof text);
    if (r->o->repair && is_repairable(b) &&
        !vdm_repair_document(r->o->repair, r->a->store, b->digest,
                             b->state == VDM_INSPECTED_UNREADABLE, &repaired, &why)) {
        if (why.kind == VDM_ERR_INTERRUPTED || vdm_err_is_memory(&why))
            return vdm_fail_as(err, why.kind, "%s", why.text);
        size_t n = strlen(text);
        snprintf(text + n, sizeof text - n, "; it could not be repaired: %.200s", why.text);
    }
    count(r, b, repaired);
    vdm_digest_hex(b->digest, hex);
    vdm_digest_hex(b->found, found);
    bool changed = !b->record && b->state == VDM_INSPECTED_CHANGED;
    vdm_report_add(r->report,
                   (struct vdm_seen){.kind = kind_of(b),
                                     .entry = b->n,
                                     .document = b->record ? NULL : hex,
                                     .expected = changed ? hex : NULL,
                                     .found = changed ? found : NULL,
                                     .repaired = repaired},
                   "%s", text);
    return true;
}

static bool is_missing(const struct vdm_audit_bad *b)
{
    return !b->record && b->state == VDM_INSPECTED_MISSING;
}

/* Those that are there after all are taken off the list. */
static bool take_off_found(struct vdm_audit_run *r, size_t *found, struct vdm_err *err)
{
    size_t left = 0;
    for (size_t i = 0; i < r->bads; i++) {
        struct vdm_audit_bad *b = &r->bad[i];
        enum vdm_store_state state = VDM_STORE_MISSING;
        if (is_missing(b) && !vdm_store_check(r->a->store, b->digest, b->size, &state, err))
            return false;
        if (state == VDM_STORE_GOOD)
            free(b->problem);
        else
            r->bad[left++] = *b;
    }
    *found = r->bads - left;
    r->bads = left;
    return true;
}

/* Before anything is called missing in an entry that is signed: perhaps only the way to it is lost. */
static bool look_behind_index(struct vdm_audit_run *r, struct vdm_err *err)
{
    bool any = false;
    size_t found = 0;
    struct vdm_err why = {0};
    for (size_t i = 0; i < r->bads; i++)
        any = any || is_missing(&r->bad[i]);
    if (!any || !vdm_store_reindex(r->a->store, &why))
        return true; /* it cannot be made anew: the documents cannot be found */
    if (!take_off_found(r, &found, err))
        return false;
    if (found)
        vdm_report_add(r->report,
                       (struct vdm_seen){.kind = VDM_CATALOG_MISMATCH, .entry = VDM_NO_ENTRY},
                       "store/packs/index did not lead to %zu of the documents, which are there; "
                       "it was made anew",
                       found);
    return true;
}

bool vdm_audit_settle(struct vdm_audit_run *r, struct vdm_err *err)
{
    uint64_t size;
    if (!look_behind_index(r, err))
        return false;
    if (r->bads == 0)
        return true;
    /* Who takes down captures meanwhile erases what this audit has yet to read. */
    if (!vdm_ledger_size(r->a->ledger, &size, err) ||
        !vdm_audit_withdrawals(r, r->size, size, err) || !prepare(r, err))
        return false;
    for (size_t i = 0; i < r->bads; i++)
        if (!settle(r, &r->bad[i], err))
            return false;
    return r->done->repaired == 0 || vdm_store_sync(r->a->store, err);
}
