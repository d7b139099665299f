/* SPDX-License-Identifier: MIT */
#include "ops/history.h"

#include <stdlib.h>

void vdm_history_release(struct vdm_history *h)
{
    free(h->n);
    *h = (struct vdm_history){0};
}

static bool add(struct vdm_history *h, uint64_t n, struct vdm_err *err)
{
    if (h->count == h->cap) {
        size_t cap = h->cap ? h->cap * 2 : 8;
        uint64_t *grown = reallocarray(h->n, cap, sizeof *grown);
        if (!grown)
            return vdm_fail_memory(err);
        h->n = grown;
        h->cap = cap;
    }
    h->n[h->count++] = n;
    return true;
}

static bool is_about(struct vdm_archive *a, struct vdm_bytes bytes, uint64_t capture)
{
    struct vdm_note note;
    struct vdm_entry e;
    bool either = vdm_bytes_start_with(bytes, VDM_LIT("vidimus/amendment/")) ||
                  vdm_bytes_start_with(bytes, VDM_LIT("vidimus/withdrawal/"));
    if (!either || !vdm_entry_open(a->crypto, bytes, &note, &e, NULL))
        return false;
    return (e.kind == VDM_ENTRY_AMENDMENT && e.capture.amends == capture) ||
           (e.kind == VDM_ENTRY_WITHDRAWAL && e.withdrawal.of == capture);
}

/* Behind which entry nothing about the capture stands. Without a catalog that reaches the newest
 * entry: behind the last. */
static bool where_it_ends(struct vdm_archive *a, uint64_t capture, uint64_t *end,
                          struct vdm_err *err)
{
    struct vdm_catalog_reach reach;
    struct vdm_catalog_fate fate = {UINT64_MAX, UINT64_MAX};
    bool usable, found = false;
    uint64_t size;
    if (!vdm_ledger_size(a->ledger, &size, err))
        return false;
    *end = size;
    if (!a->catalog)
        return true;
    if (!vdm_catalog_reached(a->catalog, &reach, err) ||
        !vdm_archive_catalog_fits(a, &reach, size, &usable, err) ||
        !vdm_catalog_fate(a->catalog, capture, &fate, &found, err))
        return false;
    if (!usable || !found || reach.entries < size)
        return true;
    uint64_t last = capture;
    if (fate.amended != UINT64_MAX)
        last = fate.amended;
    if (fate.withdrawn != UINT64_MAX && fate.withdrawn > last)
        last = fate.withdrawn;
    *end = last < size ? last + 1 : size;
    return true;
}

bool vdm_history_read(struct vdm_archive *a, uint64_t capture, struct vdm_history *out,
                      struct vdm_err *err)
{
    struct vdm_ledger_slice slice = {0};
    struct vdm_history h VDM_CLEANUP(vdm_history_release) = {0};
    uint64_t end;
    bool ok = where_it_ends(a, capture, &end, err);
    for (uint64_t at = capture + 1; ok && at < end; at = slice.to) {
        ok = vdm_ledger_read_slice(a->ledger, at, end, &slice, err);
        for (size_t i = 0; ok && i < slice.entries; i++)
            ok = !is_about(a, slice.entry[i].bytes, capture) || add(&h, slice.entry[i].n, err);
    }
    vdm_ledger_slice_release(&slice);
    if (!ok)
        return false;
    *out = h;
    h = (struct vdm_history){0};
    return true;
}

bool vdm_history_scopes(struct vdm_archive *a, uint64_t capture, struct vdm_history_scopes *out,
                        struct vdm_err *err)
{
    struct vdm_history h VDM_CLEANUP(vdm_history_release) = {0};
    struct vdm_buf bytes VDM_CLEANUP(vdm_buf_release) = {0};
    *out = (struct vdm_history_scopes){.last = UINT64_MAX};
    if (!vdm_history_read(a, capture, &h, err))
        return false;
    for (size_t i = 0; i < h.count; i++) {
        struct vdm_note note;
        struct vdm_entry e;
        if (!vdm_archive_entry(a, h.n[i], &bytes, &note, &e, err))
            return false;
        if (e.kind != VDM_ENTRY_WITHDRAWAL)
            continue;
        out->record = out->record || e.withdrawal.scope != VDM_SCOPE_DOCUMENT;
        out->document = out->document || e.withdrawal.scope != VDM_SCOPE_RECORD;
        out->last = e.n;
    }
    return true;
}
