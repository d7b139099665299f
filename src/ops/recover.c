/* SPDX-License-Identifier: MIT */
#include "ops/recover.h"

#include "keys/guard.h"
#include "ops/doubt.h"
#include "store/store_folder.h"

#define LOCK_SECONDS 120

/* The capture that entry n is or amends. */
static bool capture_of(struct vdm_archive *a, uint64_t n, uint64_t *capture, struct vdm_err *err)
{
    struct vdm_buf bytes VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_note note;
    struct vdm_entry e;
    if (!vdm_archive_entry(a, n, &bytes, &note, &e, err))
        return false;
    *capture = e.kind == VDM_ENTRY_AMENDMENT ? e.capture.amends : n;
    return true;
}

/* Was what entry n captured withdrawn? */
static bool is_withdrawn(struct vdm_archive *a, uint64_t n, const struct vdm_takedown *withdrawn,
                         bool *yes, struct vdm_err *err)
{
    uint64_t capture;
    if (!capture_of(a, n, &capture, err))
        return false;
    *yes = vdm_takedown_find(withdrawn, capture);
    return true;
}

/* An entry that was committed has its document, or was withdrawn since. */
static bool check_document(struct vdm_archive *a, const struct vdm_ledger_row *row,
                           const struct vdm_takedown *gone, struct vdm_err *err)
{
    struct vdm_record r;
    enum vdm_store_state state;
    bool withdrawn = false;
    if (!vdm_record_decode(row->bytes, &r, err) ||
        !vdm_store_check(a->store, r.document, r.document_size, &state, err))
        return vdm_err_prefix(err, "entry %llu", (unsigned long long)row->n);
    if (state == VDM_STORE_MISSING && !is_withdrawn(a, row->n, gone, &withdrawn, err))
        return false;
    return state == VDM_STORE_GOOD || withdrawn ||
           vdm_fail(err, "entry %llu: its document is missing or damaged; run `vidimus verify`",
                    (unsigned long long)row->n);
}

static bool check_tail(struct vdm_archive *a, uint64_t from, uint64_t size, struct vdm_err *err)
{
    struct vdm_ledger_slice slice = {0};
    struct vdm_takedown gone VDM_CLEANUP(vdm_takedown_release) = {0};
    bool ok = vdm_takedown_collect(a, from, size, &gone, err);
    for (uint64_t n = from; ok && n < size; n = slice.to) {
        ok = vdm_ledger_read_slice(a->ledger, n, size, &slice, err);
        for (size_t i = 0; ok && i < slice.records; i++)
            ok = check_document(a, &slice.record[i], &gone, err);
    }
    vdm_ledger_slice_release(&slice);
    return ok;
}

/* I6: the guard takes up nothing that the ledger key has not signed. */
static bool is_ours(struct vdm_archive *a, struct vdm_bytes checkpoint, uint64_t size,
                    struct vdm_err *err)
{
    struct vdm_report nothing; /* what is wrong with key entries is for verify to tell */
    struct vdm_entry_check keys;
    struct vdm_note note;
    vdm_report_init(&nothing);
    vdm_entry_check_init(&keys, a->crypto, &nothing);
    bool ok = vdm_note_decode(checkpoint, &note, err) && vdm_archive_keyring(a, size, &keys, err);
    if (ok && !vdm_check_checkpoint_signature(&keys, &note, size, NULL))
        ok =
            vdm_fail(err, "the newest checkpoint is not signed by this ledger's key: somebody else "
                          "wrote to the ledger; run `vidimus verify`");
    vdm_entry_check_release(&keys);
    vdm_report_release(&nothing);
    return ok;
}

static bool advance_guard(struct vdm_archive *a, uint64_t from, uint64_t size,
                          struct vdm_erased *erased, struct vdm_err *err)
{
    struct vdm_buf note VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_checkpoint head;
    return vdm_archive_head(a, &note, &head, err) && is_ours(a, vdm_buf_bytes(&note), size, err) &&
           check_tail(a, from, size, err) && vdm_erase_withdrawn(a, from, size, erased, err) &&
           vdm_guard_recover(a->keys, err) &&
           (vdm_guard_replace(a->keys, vdm_buf_bytes(&note), err) || vdm_doubt_raise(a, err));
}

/* The guard and the ledger do not fit: nothing may be signed. */
static bool refuse(enum vdm_guard_state state, uint64_t size, uint64_t guarded, struct vdm_err *err)
{
    if (state == VDM_GUARD_AHEAD)
        return vdm_fail(
            err,
            "rolled-back: the ledger has %llu entries, but %llu were signed (keys/" VDM_GUARD_FILE
            "). It was put back to an older state: restore the newer store, or go on in a "
            "new archive",
            (unsigned long long)size, (unsigned long long)guarded);
    if (state == VDM_GUARD_FORKED)
        return vdm_fail(err,
                        "forked: the ledger's first %llu entries are not those that were signed "
                        "(keys/" VDM_GUARD_FILE
                        "). Two copies of this archive went on separately: keep the one "
                        "that others have seen (`vidimus verify` says how to prove it)",
                        (unsigned long long)guarded);
    return vdm_fail(err,
                    "keys/" VDM_GUARD_FILE " is missing: nothing is signed without it. If this "
                    "ledger is the newest there is, `vidimus recover` makes it anew");
}

static bool is_fit(enum vdm_guard_state state)
{
    return state == VDM_GUARD_CURRENT || state == VDM_GUARD_BEHIND;
}

bool vdm_guard_allows(struct vdm_archive *a, struct vdm_err *err)
{
    enum vdm_guard_state state;
    uint64_t size, guarded;
    if (!vdm_archive_guard_now(a, &size, &state, &guarded, err))
        return false;
    if (size == 0 && state == VDM_GUARD_MISSING) /* a ledger that is just being made */
        return true;
    return is_fit(state) || refuse(state, size, guarded, err);
}

bool vdm_recover_guard(struct vdm_archive *a, uint64_t size, struct vdm_recovered *out,
                       struct vdm_err *err)
{
    enum vdm_guard_state state;
    uint64_t guarded;
    if (!vdm_archive_guard(a, size, &state, &guarded, err))
        return false;
    if (size == 0 && state == VDM_GUARD_MISSING)
        return true;
    if (!is_fit(state))
        return refuse(state, size, guarded, err);
    if (state == VDM_GUARD_CURRENT)
        return true;
    if (out)
        out->entries = size - guarded;
    return advance_guard(a, guarded, size, out ? &out->erased : NULL, err);
}

static bool remake_guard(struct vdm_archive *a, uint64_t size, struct vdm_recovered *out,
                         struct vdm_err *err)
{
    enum vdm_guard_state state;
    uint64_t guarded;
    if (size == 0 || !vdm_archive_guard(a, size, &state, &guarded, err))
        return size == 0;
    if (state != VDM_GUARD_MISSING)
        return true;
    out->guard_made = true;
    return advance_guard(a, 0, size, &out->erased, err);
}

bool vdm_recover(struct vdm_archive *a, const struct vdm_progress *progress,
                 struct vdm_recovered *out, struct vdm_err *err)
{
    uint64_t size;
    *out = (struct vdm_recovered){0};
    if (!vdm_ledger_lock(a->ledger, LOCK_SECONDS, &a->wait, err))
        return false;
    bool ok = vdm_ledger_size(a->ledger, &size, err) &&
              (size > 0 || vdm_archive_fail_empty(a->keys, err)) &&
              vdm_store_recover_folder(a->store_path, &out->leftovers, err) &&
              remake_guard(a, size, out, err) && vdm_recover_guard(a, size, out, err) &&
              vdm_erase_left(a, size, &out->erased, err) &&
              vdm_archive_catch_up(a, size, progress, err);
    vdm_ledger_unlock(a->ledger);
    return ok;
}

bool vdm_reindex(struct vdm_archive *a, const struct vdm_progress *progress, struct vdm_err *err)
{
    uint64_t size;
    if (!vdm_ledger_lock(a->ledger, LOCK_SECONDS, &a->wait, err))
        return false;
    bool ok = vdm_ledger_size(a->ledger, &size, err) && vdm_store_reindex(a->store, err) &&
              vdm_archive_empty_catalog(a, err) && vdm_archive_catch_up(a, size, progress, err);
    vdm_ledger_unlock(a->ledger);
    return ok;
}
