/* SPDX-License-Identifier: MIT */
#include "ops/bundle_make.h"

#include "base/list.h"

#include <inttypes.h>
#include <stdlib.h>

void vdm_selected_release(struct vdm_selected *s)
{
    free(s->n);
    free(s->fields);
    free(s->follower);
}

static bool add(struct vdm_selected *s, uint64_t n, struct vdm_err *err)
{
    if (!vdm_list_grow(&s->n, s->count, &s->cap, sizeof *s->n, err))
        return false;
    s->n[s->count++] = n;
    return true;
}

/* --- which captures --- */

static bool interrupted(const struct vdm_progress *progress, struct vdm_err *err)
{
    return vdm_progress_stop(progress) &&
           (vdm_fail_as(err, VDM_ERR_INTERRUPTED, "interrupted"), true);
}

typedef bool row_fn(void *ctx, const struct vdm_ledger_row *row, struct vdm_err *err);

/* Entries from <= n < to. */
static bool each_row(struct vdm_archive *a, uint64_t from, uint64_t to,
                     const struct vdm_progress *progress, row_fn *visit, void *ctx,
                     struct vdm_err *err)
{
    struct vdm_ledger_slice slice = {0};
    bool ok = true;
    for (uint64_t n = from; ok && n < to; n = slice.to) {
        ok = !interrupted(progress, err) && vdm_ledger_read_slice(a->ledger, n, to, &slice, err);
        for (size_t i = 0; ok && i < slice.entries; i++)
            ok = visit(ctx, &slice.entry[i], err);
        vdm_progress_tell(progress, "selecting", ok ? slice.to : n, to, 0);
    }
    vdm_ledger_slice_release(&slice);
    return ok;
}

static bool add_capture_row(void *ctx, const struct vdm_ledger_row *row, struct vdm_err *err)
{
    return !vdm_bytes_start_with(row->bytes, VDM_LIT("vidimus/capture/v1\n")) ||
           add(ctx, row->n, err);
}

static bool add_named(struct vdm_archive *a, const struct vdm_bundle_request *r, uint64_t size,
                      struct vdm_selected *out, struct vdm_err *err)
{
    struct vdm_rows rows VDM_CLEANUP(vdm_rows_release) = {
        .crypto = a->crypto, .ledger = a->ledger, .end = size};
    struct vdm_buf bytes VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_note note;
    struct vdm_entry e;
    for (size_t i = 0; i < r->entries; i++) {
        uint64_t n = r->entry[i];
        if (i > 0 && n <= r->entry[i - 1])
            return vdm_fail_as(err, VDM_ERR_USAGE, "the selected entries are not in rising order");
        if (n >= size)
            return vdm_fail_as(err, VDM_ERR_USAGE,
                               "there is no entry %" PRIu64 ": the ledger has %" PRIu64
                               " entries, 0 to %" PRIu64,
                               n, size, size - 1);
        if ((vdm_rows_dense(r->entry, r->entries, i) && !vdm_rows_ahead(&rows, n, err)) ||
            !vdm_rows_entry(&rows, n, &bytes, &note, &e, err))
            return false;
        if (e.kind != VDM_ENTRY_CAPTURE)
            return vdm_fail_as(err, VDM_ERR_USAGE,
                               "entry %" PRIu64 " is no capture (it is %.*s); amendments and "
                               "withdrawals come with their capture",
                               n, (int)e.type.n, e.type.p);
        if (!add(out, n, err))
            return false;
    }
    return true;
}

/* The catalog is derived and can lag behind or be another ledger's: what it leaves out would be
 * missing without a word. */
static bool catalog_reaches(struct vdm_archive *a, uint64_t size, bool *yes, struct vdm_err *err)
{
    struct vdm_buf bytes VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_catalog_reach reach;
    bool found = false;
    *yes = false;
    if (!a->catalog)
        return true;
    if (!vdm_catalog_reached(a->catalog, &reach, err))
        return false;
    if (reach.entries < size)
        return true;
    if (!vdm_ledger_entry(a->ledger, reach.entries - 1, &bytes, &found, err))
        return false;
    *yes = found && vdm_digest_equal(reach.last, vdm_sha256(a->crypto, vdm_buf_bytes(&bytes)));
    return true;
}

static bool add_found(struct vdm_archive *a, const struct vdm_catalog_filter *wanted, uint64_t size,
                      const struct vdm_progress *progress, struct vdm_selected *out,
                      struct vdm_err *err)
{
    struct vdm_catalog_filter filter = *wanted;
    uint64_t n[256], after = UINT64_MAX;
    size_t count = 0;
    filter.newest_first = false;
    do {
        if (interrupted(progress, err) ||
            !vdm_catalog_list(a->catalog, &filter, after, n, sizeof n / sizeof *n, &count, err))
            return false;
        for (size_t i = 0; i < count; i++)
            if (n[i] < size && !add(out, n[i], err))
                return false;
        if (count)
            after = n[count - 1];
    } while (count > 0);
    return true;
}

/* --- their amendments and withdrawals --- */

bool vdm_selected_find(const struct vdm_selected *s, uint64_t n, size_t *at)
{
    *at = vdm_list_place(s->n, s->count, sizeof *s->n, &n, vdm_list_by_number);
    return *at < s->count && s->n[*at] == n;
}

struct follow {
    struct vdm_archive *a;
    struct vdm_selected *s;
};

static bool add_follower(struct vdm_selected *s, const struct vdm_follower *f, struct vdm_err *err)
{
    if (!vdm_list_grow(&s->follower, s->followers, &s->followers_cap, sizeof *f, err))
        return false;
    s->follower[s->followers++] = *f;
    return true;
}

static bool follow_row(void *ctx, const struct vdm_ledger_row *row, struct vdm_err *err)
{
    struct follow *f = ctx;
    struct vdm_note note;
    struct vdm_entry e;
    bool amendment = vdm_bytes_start_with(row->bytes, VDM_LIT("vidimus/amendment/v1\n"));
    if (!amendment && !vdm_bytes_start_with(row->bytes, VDM_LIT("vidimus/withdrawal/v1\n")))
        return true;
    if (!vdm_entry_open(f->a->crypto, row->bytes, &note, &e, err))
        return vdm_err_prefix(err, "entry %" PRIu64, row->n);
    struct vdm_follower found = {.capture = amendment ? e.capture.amends : e.withdrawal.of,
                                 .n = row->n,
                                 .amendment = amendment,
                                 .scope = amendment ? VDM_SCOPE_DOCUMENT : e.withdrawal.scope};
    size_t at;
    return !vdm_selected_find(f->s, found.capture, &at) || add_follower(f->s, &found, err);
}

static int compare_followers(const void *a, const void *b)
{
    const struct vdm_follower *x = a, *y = b;
    return x->capture != y->capture ? (x->capture < y->capture ? -1 : 1)
                                    : (x->n > y->n) - (x->n < y->n);
}

/* Where followers of the selection can stand: from <= n < to. */
struct span {
    uint64_t from, to;
};

/* The catalog knows the newest amendment and withdrawal of each capture: mostly there are none. */
static bool narrow_held(struct vdm_archive *a, const struct vdm_selected *s, struct span *where,
                        struct vdm_err *err)
{
    uint64_t size = where->to;
    struct span span = {UINT64_MAX, 0};
    for (size_t i = 0; i < s->count; i++) {
        struct vdm_catalog_fate fate = {UINT64_MAX, UINT64_MAX};
        bool found;
        if (!vdm_catalog_fate(a->catalog, s->n[i], &fate, &found, err))
            return false;
        if (!found) /* a catalog that does not know a capture is no help */
            return true;
        const uint64_t newest[2] = {fate.amended, fate.withdrawn};
        for (size_t k = 0; k < 2; k++) {
            if (newest[k] == UINT64_MAX)
                continue;
            if (span.from == UINT64_MAX)
                span.from = s->n[i] + 1;
            if (newest[k] >= span.to)
                span.to = newest[k] + 1;
        }
    }
    if (span.to > size)
        span.to = size;
    *where = span;
    return true;
}

/* Held as one state: that is a matter of milliseconds. */
static bool narrow(struct vdm_archive *a, const struct vdm_selected *s, struct span *where,
                   struct vdm_err *err)
{
    bool ok = vdm_catalog_hold(a->catalog, err) && narrow_held(a, s, where, err);
    vdm_catalog_rollback(a->catalog);
    return ok;
}

static bool add_followers(struct vdm_archive *a, struct vdm_selected *s, uint64_t size,
                          bool catalog, const struct vdm_progress *progress, struct vdm_err *err)
{
    struct span where = {s->n[0] + 1, size};
    struct follow f = {a, s};
    /* Where much of the ledger is selected, reading it once is less work than to ask for each. */
    bool ask = catalog && s->count < size / 16;
    if ((ask && !narrow(a, s, &where, err)) ||
        !each_row(a, where.from, where.to, progress, follow_row, &f, err))
        return false;
    if (s->followers)
        qsort(s->follower, s->followers, sizeof *s->follower, compare_followers);
    return true;
}

bool vdm_bundle_select(struct vdm_archive *a, const struct vdm_bundle_request *r, uint64_t size,
                       const struct vdm_progress *progress, struct vdm_selected *out,
                       struct vdm_err *err)
{
    bool catalog;
    if (!catalog_reaches(a, size, &catalog, err))
        return false;
    if (r->entry) {
        if (!add_named(a, r, size, out, err))
            return false;
    } else if (r->filter) {
        if (!catalog)
            return vdm_fail(err, "the catalog does not reach the newest entry: run `vidimus "
                                 "reindex`, or name the entries");
        if (!add_found(a, r->filter, size, progress, out, err))
            return false;
    } else if (!each_row(a, 0, size, progress, add_capture_row, out, err)) {
        return false;
    }
    if (out->count == 0)
        return vdm_fail_as(err, VDM_ERR_USAGE, "nothing is selected: no capture fits");
    return add_followers(a, out, size, catalog, progress, err);
}
