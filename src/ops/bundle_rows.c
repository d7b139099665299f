/* SPDX-License-Identifier: MIT */
#include "ops/bundle_make.h"

void vdm_rows_release(struct vdm_rows *r)
{
    vdm_ledger_slice_release(&r->slice);
}

bool vdm_rows_dense(const uint64_t *number, size_t count, size_t i)
{
    enum { NEIGHBOURS = 16, GAP = 4 };
    size_t last = count - i > NEIGHBOURS ? i + NEIGHBOURS : count - 1;
    return last > i && number[last] - number[i] <= (last - i) * GAP;
}

bool vdm_rows_ahead(struct vdm_rows *r, uint64_t n, struct vdm_err *err)
{
    bool here = n >= r->slice.from && n < r->slice.to;
    return here || n >= r->end || vdm_ledger_read_slice(r->ledger, n, r->end, &r->slice, err);
}

static const struct vdm_ledger_row *find(const struct vdm_ledger_row *row, size_t count, uint64_t n)
{
    size_t low = 0, high = count;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (row[mid].n < n)
            low = mid + 1;
        else
            high = mid;
    }
    return low < count && row[low].n == n && !row[low].odd ? &row[low] : NULL;
}

bool vdm_rows_entry(struct vdm_rows *r, uint64_t n, struct vdm_buf *bytes, struct vdm_note *note,
                    struct vdm_entry *out, struct vdm_err *err)
{
    const struct vdm_ledger_row *row = find(r->slice.entry, r->slice.entries, n);
    bool found = true;
    vdm_buf_clear(bytes);
    if (row)
        vdm_buf_put(bytes, row->bytes);
    else if (!vdm_ledger_entry(r->ledger, n, bytes, &found, err))
        return false;
    if (!found)
        return vdm_fail_as(err, VDM_ERR_NOT_FOUND, "there is no entry %llu", (unsigned long long)n);
    return vdm_buf_ok(bytes, err) &&
           (vdm_entry_open(r->crypto, vdm_buf_bytes(bytes), note, out, err) ||
            vdm_err_prefix(err, "entry %llu", (unsigned long long)n));
}

bool vdm_rows_record(struct vdm_rows *r, uint64_t n, struct vdm_buf *out, bool *found,
                     struct vdm_err *err)
{
    const struct vdm_ledger_row *row = find(r->slice.record, r->slice.records, n);
    if (!row)
        return vdm_ledger_record(r->ledger, n, out, found, err);
    *found = true;
    vdm_buf_put(out, row->bytes);
    return vdm_buf_ok(out, err);
}
