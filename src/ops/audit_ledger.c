/* SPDX-License-Identifier: MIT */
#include "keys/guard.h"
#include "ops/audit_state.h"

#include <stdlib.h>
#include <string.h>

static struct vdm_seen at(enum vdm_finding_kind kind, uint64_t n)
{
    return (struct vdm_seen){.kind = kind, .entry = n};
}

/* --- the tree --- */

static bool compare_tile(void *ctx, uint8_t level, uint64_t index, unsigned width,
                         const struct vdm_digest *hashes, struct vdm_err *err)
{
    struct vdm_audit_run *r = ctx;
    struct vdm_digest stored[VDM_TILE_WIDTH];
    struct vdm_err why = {0};
    if (!vdm_ledger_read_tile(r->a->ledger, level, index, width, stored, &why)) {
        if (why.kind == VDM_ERR_FAILED)
            return vdm_fail(err, "%s", why.text);
        vdm_report_add(r->report, at(VDM_TREE_MISMATCH, VDM_NO_ENTRY), "%s", why.text);
        return true;
    }
    for (unsigned i = 0; i < width; i++)
        if (!vdm_digest_equal(stored[i], hashes[i]))
            vdm_report_add(r->report,
                           at(level ? VDM_TREE_MISMATCH : VDM_LEAF_MISMATCH,
                              level ? VDM_NO_ENTRY : index * VDM_TILE_WIDTH + i),
                           level ? "a stored hash of the tree is not that of the entries"
                                 : "the entry is not the one that the tree was built over");
    return true;
}

/* Told once: after one entry that is bad every root is. */
static void check_root(struct vdm_audit_run *r, uint64_t size, struct vdm_digest root,
                       const char *whose)
{
    if (r->root_differs || vdm_digest_equal(root, vdm_tile_writer_root(r->tree)))
        return;
    r->root_differs = true;
    vdm_report_add(r->report, at(VDM_TREE_MISMATCH, VDM_NO_ENTRY),
                   "the first %llu entries have not the root that %s, and so on",
                   (unsigned long long)size, whose);
}

/* Signatures of those before `since` were checked by an audit before; their bytes are not in the tree, so
 * the root is compared all the same. */
static void check_checkpoint(struct vdm_audit_run *r, const struct vdm_ledger_row *row)
{
    struct vdm_note note;
    struct vdm_checkpoint head;
    if (row->odd || !vdm_checkpoint_open(row->bytes, &note, &head, NULL) || head.size != row->n ||
        !vdm_bytes_equal_str(head.origin, r->check.keyring.origin)) {
        vdm_report_add(r->report, at(VDM_CHECKPOINT_INVALID, VDM_NO_ENTRY),
                       "the checkpoint of size %llu is malformed or of something else",
                       (unsigned long long)row->n);
        return;
    }
    if (row->n < r->done->since ||
        vdm_check_checkpoint_signature(&r->check, &note, head.size, NULL))
        check_root(r, head.size, head.root, "was signed");
}

/* --- withdrawals --- */

static bool note_withdrawal(struct vdm_audit_run *r, const struct vdm_ledger_row *row,
                            struct vdm_err *err)
{
    struct vdm_note note;
    struct vdm_entry e;
    if (!vdm_bytes_start_with(row->bytes, VDM_LIT("vidimus/withdrawal/")) ||
        !vdm_entry_open(r->a->crypto, row->bytes, &note, &e, NULL) ||
        e.kind != VDM_ENTRY_WITHDRAWAL || e.n != row->n)
        return true;
    const struct vdm_key_range *k = vdm_keyring_find(&r->check.keyring, e.signer, e.signer_id);
    if (!k || !vdm_keyring_is_authority(&r->check.keyring, &k->key) ||
        vdm_note_verify(&note, r->a->crypto, &k->key, NULL) != VDM_NOTE_GOOD)
        return true;
    if (!vdm_audit_room(&r->withdrawn, r->withdrawns, &r->withdrawns_cap, sizeof *r->withdrawn,
                        err))
        return false;
    r->withdrawn[r->withdrawns++] =
        (struct vdm_audit_withdrawn){e.withdrawal.of, e.withdrawal.scope != VDM_SCOPE_DOCUMENT,
                                     e.withdrawal.scope != VDM_SCOPE_RECORD};
    return true;
}

static int by_capture(const void *a, const void *b)
{
    const struct vdm_audit_withdrawn *x = a, *y = b;
    return (x->capture > y->capture) - (x->capture < y->capture);
}

/* In order, and each capture once. */
static void sort_withdrawals(struct vdm_audit_run *r)
{
    struct vdm_audit_withdrawn *w = r->withdrawn;
    size_t k = 0;
    if (r->withdrawns == 0)
        return;
    qsort(w, r->withdrawns, sizeof *w, by_capture);
    for (size_t i = 1; i < r->withdrawns; i++) {
        if (w[i].capture != w[k].capture) {
            w[++k] = w[i];
            continue;
        }
        w[k].record = w[k].record || w[i].record;
        w[k].document = w[k].document || w[i].document;
    }
    r->withdrawns = k + 1;
}

bool vdm_audit_withdrawals(struct vdm_audit_run *r, uint64_t from, uint64_t to, struct vdm_err *err)
{
    struct vdm_ledger_slice slice = {0};
    bool ok = true;
    for (uint64_t n = from; ok && n < to; n = slice.to) {
        ok = vdm_ledger_read_slice(r->a->ledger, n, to, &slice, err);
        for (size_t i = 0; ok && i < slice.entries; i++)
            ok = note_withdrawal(r, &slice.entry[i], err);
    }
    vdm_ledger_slice_release(&slice);
    sort_withdrawals(r);
    return ok;
}

const struct vdm_audit_withdrawn *vdm_audit_withdrawal(const struct vdm_audit_run *r,
                                                       uint64_t capture)
{
    const struct vdm_audit_withdrawn wanted = {.capture = capture};
    return r->withdrawns ? bsearch(&wanted, r->withdrawn, r->withdrawns, sizeof wanted, by_capture)
                         : NULL;
}

/* --- the pass --- */

/* Where ledger.db has changed and nobody wrote to it, records that this audit does not cover might be
 * what changed. */
static void check_record_too(struct vdm_audit_run *r, const struct vdm_ledger_row *row,
                             const struct vdm_ledger_row *record)
{
    struct vdm_note note;
    struct vdm_entry e;
    struct vdm_record rec;
    const char *problem;
    if (!record || !vdm_entry_open(r->a->crypto, row->bytes, &note, &e, NULL) ||
        (e.kind != VDM_ENTRY_CAPTURE && e.kind != VDM_ENTRY_AMENDMENT))
        return;
    if ((problem = vdm_audit_record_problem(r, &e, record, &rec)))
        vdm_report_add(r->report, at(VDM_RECORD_MISMATCH, row->n), "%s", problem);
}

static bool check_new(struct vdm_audit_run *r, const struct vdm_ledger_row *row,
                      struct vdm_err *err)
{
    struct vdm_checked_entry c;
    uint64_t before = vdm_report_findings(r->report);
    if (!vdm_entry_check_next(&r->check, row->n, row->bytes, &c, err))
        return false;
    bool vouches = c.decoded && c.entry.kind == VDM_ENTRY_AMENDMENT && c.signer_good &&
                   vdm_report_findings(r->report) == before;
    return !vouches || vdm_entry_check_vouch(&r->check, &c.entry, err);
}

static bool check_row(struct vdm_audit_run *r, const struct vdm_ledger_row *row,
                      const struct vdm_ledger_row *record, struct vdm_err *err)
{
    if (!vdm_tile_writer_append(r->tree, vdm_tlog_leaf(r->a->crypto, row->bytes), err))
        return false;
    if (r->file_differs)
        check_record_too(r, row, record);
    return (row->n < r->done->since || check_new(r, row, err)) && note_withdrawal(r, row, err);
}

static const struct vdm_ledger_row *record_of(const struct vdm_ledger_slice *s, size_t *k,
                                              uint64_t n)
{
    while (*k < s->records && s->record[*k].n < n)
        ++*k;
    return *k < s->records && s->record[*k].n == n ? &s->record[*k] : NULL;
}

/* What an audit before has signed of the entries below `since`. */
static void check_since(struct vdm_audit_run *r, uint64_t size)
{
    const struct vdm_audit_past *last = vdm_audit_last(&r->history);
    if (last && size == last->size)
        check_root(r, size, last->root, "the last audit saw");
}

static bool check_slice(struct vdm_audit_run *r, const struct vdm_ledger_slice *s, bool *gap,
                        struct vdm_err *err)
{
    size_t k = 0, p = 0;
    for (uint64_t n = s->from; n < s->to; n++) {
        size_t i = (size_t)(n - s->from);
        if (i >= s->entries || s->entry[i].n != n || s->entry[i].odd) {
            vdm_report_add(r->report, at(VDM_TRUNCATED, n),
                           "the ledger holds no entry of this number; nothing of it from here on "
                           "can be checked");
            *gap = true;
            return true;
        }
        if (!check_row(r, &s->entry[i], record_of(s, &k, n), err))
            return false;
        if (p < s->checkpoints && s->checkpoint[p].n == n + 1)
            check_checkpoint(r, &s->checkpoint[p++]);
        check_since(r, n + 1);
    }
    return true;
}

static bool pass(struct vdm_audit_run *r, struct vdm_err *err)
{
    struct vdm_ledger_slice slice = {0};
    bool ok = true, gap = false;
    for (uint64_t n = 0; ok && !gap && n < r->size; n = slice.to) {
        ok = vdm_ledger_read_slice(r->a->ledger, n, r->size, &slice, err) &&
             check_slice(r, &slice, &gap, err);
        vdm_progress_tell(r->progress, "the ledger", slice.to, r->size, 0);
        if (ok && vdm_progress_stop(r->progress))
            ok = vdm_fail_as(err, VDM_ERR_INTERRUPTED,
                             "interrupted before any document was looked at; nothing was recorded");
    }
    vdm_ledger_slice_release(&slice);
    if (ok && !gap)
        ok = vdm_tile_writer_flush(r->tree, err);
    if (ok && !gap)
        check_root(r, r->size, r->done->root, "was signed");
    return ok;
}

/* --- before it --- */

/* Below `since` all was verified by the last audit: the root that it signed says that these are the same
 * entries. A key entry since then may reach back, so then all is verified again. */
static bool find_since(struct vdm_audit_run *r, struct vdm_err *err)
{
    const struct vdm_audit_past *last = vdm_audit_last(&r->history);
    uint64_t n;
    bool found = false;
    if (!last || last->size == 0 || last->size > r->size)
        return true;
    if (!vdm_ledger_next(r->a->ledger, VDM_LIT("vidimus/key/"), last->size, r->size, &n, &found,
                         err))
        return false;
    r->done->since = found ? 0 : last->size;
    return true;
}

/* The chain goes on from the entry before. */
static bool begin_chain(struct vdm_audit_run *r, struct vdm_err *err)
{
    struct vdm_buf bytes VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_note note;
    struct vdm_entry e;
    struct vdm_err why = {0};
    if (r->done->since == 0)
        return true;
    if (!vdm_archive_entry(r->a, r->done->since - 1, &bytes, &note, &e, &why)) {
        r->done->since = 0; /* what is wrong with it is told by the pass */
        return why.kind == VDM_ERR_MALFORMED || vdm_fail_as(err, why.kind, "%s", why.text);
    }
    r->check.has_last = true;
    r->check.last_n = e.n;
    r->check.last_text = vdm_sha256(r->a->crypto, note.text);
    r->check.last_recorded = e.recorded;
    return true;
}

void vdm_audit_guard(struct vdm_audit_run *r)
{
    enum vdm_guard_state state;
    uint64_t size, guarded;
    struct vdm_err why = {0};
    if (!vdm_archive_guard_now(r->a, &size, &state, &guarded, &why))
        vdm_report_add(r->report, at(VDM_CHECKPOINT_INVALID, VDM_NO_ENTRY), "%s", why.text);
    else if (state == VDM_GUARD_AHEAD)
        vdm_report_add(r->report, at(VDM_ROLLED_BACK, VDM_NO_ENTRY),
                       "keys/" VDM_GUARD_FILE " covers %llu entries, the ledger only %llu: it was "
                       "put back to an older state. Restore the newer store",
                       (unsigned long long)guarded, (unsigned long long)size);
    else if (state == VDM_GUARD_FORKED)
        vdm_report_add(r->report, at(VDM_FORKED, VDM_NO_ENTRY),
                       "the first %llu entries are not those of keys/" VDM_GUARD_FILE
                       ": two histories were signed",
                       (unsigned long long)guarded);
    else if (state == VDM_GUARD_MISSING)
        vdm_report_add(r->report, at(VDM_CHECKPOINT_INVALID, VDM_NO_ENTRY),
                       "keys/" VDM_GUARD_FILE " is missing: `vidimus recover` makes it anew");
}

bool vdm_audit_ledger(struct vdm_audit_run *r, struct vdm_err *err)
{
    struct vdm_tiles nothing = {r->a->crypto, NULL, NULL};
    if (!find_since(r, err) || !vdm_archive_keyring(r->a, r->size, &r->check, err) ||
        !begin_chain(r, err) || !vdm_tile_writer_init(r->tree, &nothing, 0, compare_tile, r, err) ||
        !pass(r, err))
        return false;
    vdm_entry_check_end(&r->check);
    sort_withdrawals(r);
    return true;
}
