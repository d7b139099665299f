/* SPDX-License-Identifier: MIT */
#include "base/list.h"
#include "ops/verify_archive_state.h"
#include "store/store_inspect.h"

#include <stdlib.h>

/* --- records and documents --- */

static bool note_missing(struct vdm_verify *v, struct vdm_verify_missing m, struct vdm_err *err)
{
    if (!vdm_list_grow(&v->missing, v->missings, &v->missings_cap, sizeof m, err))
        return false;
    v->missing[v->missings++] = m;
    return true;
}

static bool look_at_document(struct vdm_verify *v, const struct vdm_record *r,
                             enum vdm_store_state *state, struct vdm_err *err)
{
    if (v->fact && v->fact->unread)
        return vdm_fail_as(err, v->trouble->kind, "%s", v->trouble->text);
    if (!v->fact || !v->fact->has_document)
        return vdm_store_check(v->a->store, r->document, r->document_size, state, err);
    *state = v->fact->document;
    return true;
}

/* The record and its commitment. *ok false: it is none, and `why` says so. */
static bool open_record(struct vdm_verify *v, const struct vdm_ledger_row *row,
                        struct vdm_record *r, struct vdm_digest *commitment, bool *ok,
                        struct vdm_err *why, struct vdm_err *err)
{
    *ok = true;
    if (v->fact && v->fact->has_commitment) {
        *r = v->fact->record;
        *commitment = v->fact->commitment;
        return true;
    }
    *ok = !row->odd && vdm_record_decode(row->bytes, r, why);
    return !*ok || vdm_record_commit(v->a->crypto, r, commitment, err);
}

static bool check_document(struct vdm_verify *v, uint64_t n, const struct vdm_record *r,
                           struct vdm_err *err)
{
    enum vdm_store_state state;
    char hex[65];
    if (v->o->without_documents || vdm_verify_recently_good(v->ahead, r))
        return true;
    if (!look_at_document(v, r, &state, err))
        return false;
    vdm_digest_hex(r->document, hex);
    struct vdm_seen s = {
        .kind = VDM_DOCUMENT_CORRUPT, .entry = n, .document = hex, .expected = hex};
    switch (state) {
    case VDM_STORE_GOOD:
        vdm_verify_remember_good(v->ahead, r);
        v->report->documents++;
        v->report->bytes += r->document_size;
        return true;
    case VDM_STORE_MISSING:
        return note_missing(v, (struct vdm_verify_missing){n, n, false, true, r->document, false},
                            err);
    case VDM_STORE_DAMAGED:
        return note_missing(v, (struct vdm_verify_missing){n, n, false, true, r->document, true},
                            err);
    case VDM_STORE_NOT_A_FILE:
        vdm_report_add(v->report, s, "something that is not a file stands in the document's place");
        return true;
    }
    return true;
}

/* --- what belongs to an entry --- */

static bool check_capture(struct vdm_verify *v, const struct vdm_entry *e,
                          const struct vdm_record *r, struct vdm_err *err)
{
    return check_document(v, e->n, r, err);
}

/* The record of an amendment is of the same document as the capture's, where that is there. */
static bool check_same_document(struct vdm_verify *v, const struct vdm_entry *e,
                                const struct vdm_record *r, struct vdm_err *err)
{
    struct vdm_buf text VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_record first;
    bool found;
    if (!vdm_ledger_record(v->a->ledger, e->capture.amends, &text, &found, err))
        return false;
    if (found && vdm_record_decode(vdm_buf_bytes(&text), &first, NULL) &&
        (!vdm_digest_equal(first.document, r->document) || first.document_size != r->document_size))
        vdm_report_add(v->report, vdm_seen_at(VDM_RECORD_MISMATCH, e->n),
                       "its record is of another document than the capture's");
    return true;
}

/* The record of capture n or of an amendment of it: there, as committed to, of the right document. */
static bool check_record(struct vdm_verify *v, const struct vdm_entry *e, uint64_t n,
                         const struct vdm_ledger_row *row, struct vdm_err *err)
{
    bool ok, amendment = e->kind == VDM_ENTRY_AMENDMENT;
    struct vdm_record r;
    struct vdm_digest commitment;
    struct vdm_err why = {0};
    if (!row) {
        vdm_verify_catalog(v, e, n, NULL);
        return note_missing(v, (struct vdm_verify_missing){n, e->n, true, !amendment, {{0}}, false},
                            err);
    }
    if (!open_record(v, row, &r, &commitment, &ok, &why, err))
        return false;
    if (!ok) {
        vdm_report_add(v->report, vdm_seen_at(VDM_RECORD_MISMATCH, e->n),
                       "its record is malformed: %s", row->odd ? "not text" : why.text);
        return true;
    }
    if (!vdm_digest_equal(commitment, e->capture.record)) {
        vdm_report_add(v->report, vdm_seen_at(VDM_RECORD_MISMATCH, e->n),
                       "its record is not the one that the entry commits to");
        return true;
    }
    vdm_verify_catalog(v, e, n, &r);
    return (amendment ? check_same_document : check_capture)(v, e, &r, err) &&
           vdm_verify_slices(v, e->n, &r, err);
}

/* What an amendment or withdrawal names must be a capture before it. */
static bool check_target(struct vdm_verify *v, uint64_t n, uint64_t of, bool *good,
                         struct vdm_err *err)
{
    struct vdm_buf bytes VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_note note;
    struct vdm_entry e;
    struct vdm_err why = {0};
    *good = of < n && vdm_archive_entry(v->a, of, &bytes, &note, &e, &why) &&
            e.kind == VDM_ENTRY_CAPTURE;
    if (!*good && why.kind == VDM_ERR_FAILED)
        return vdm_fail(err, "%s", why.text);
    if (!*good)
        vdm_report_add(v->report, vdm_seen_at(VDM_ENTRY_MALFORMED, n),
                       "it is about entry %llu, which is no capture before it",
                       (unsigned long long)of);
    return true;
}

/* --- withdrawals --- */

static bool note_withdrawal(struct vdm_verify *v, uint64_t n, const struct vdm_withdrawal *w,
                            struct vdm_err *err)
{
    struct vdm_verify_withdrawal noted = {w->of, n, w->scope != VDM_SCOPE_DOCUMENT,
                                          w->scope != VDM_SCOPE_RECORD};
    if (!vdm_list_grow(&v->withdrawal, v->withdrawals, &v->withdrawals_cap, sizeof noted, err))
        return false;
    v->withdrawal[v->withdrawals++] = noted;
    v->report->withdrawn++;
    return true;
}

static bool by_authority(struct vdm_verify *v, const struct vdm_note *note,
                         const struct vdm_entry *e)
{
    const struct vdm_key_range *r = vdm_keyring_find(&v->check.keyring, e->signer, e->signer_id);
    return r && vdm_keyring_is_authority(&v->check.keyring, &r->key) &&
           vdm_note_verify(note, v->a->crypto, &r->key, NULL) == VDM_NOTE_GOOD;
}

static bool note_if_withdrawal(struct vdm_verify *v, const struct vdm_ledger_row *row,
                               struct vdm_err *err)
{
    struct vdm_note note;
    struct vdm_entry e;
    if (!vdm_bytes_start_with(row->bytes, VDM_LIT("vidimus/withdrawal/")) ||
        !vdm_entry_open(v->a->crypto, row->bytes, &note, &e, NULL))
        return true;
    return e.kind != VDM_ENTRY_WITHDRAWAL || e.withdrawal.of >= v->size ||
           !by_authority(v, &note, &e) || note_withdrawal(v, row->n, &e.withdrawal, err);
}

bool vdm_verify_meanwhile(struct vdm_verify *v, struct vdm_err *err)
{
    struct vdm_ledger_slice slice = {0};
    uint64_t size;
    if (v->missings == 0)
        return true;
    bool ok = vdm_ledger_size(v->a->ledger, &size, err);
    for (uint64_t n = v->size; ok && n < size; n = slice.to) {
        ok = vdm_ledger_read_slice(v->a->ledger, n, size, &slice, err);
        for (size_t i = 0; ok && i < slice.entries; i++)
            ok = note_if_withdrawal(v, &slice.entry[i], err);
    }
    vdm_ledger_slice_release(&slice);
    return ok;
}

static bool note_late(struct vdm_verify *v, const struct vdm_entry *e, struct vdm_err *err)
{
    if (v->withdrawals == 0)
        return true;
    if (!vdm_list_grow(&v->late, v->lates, &v->lates_cap, sizeof *v->late, err))
        return false;
    v->late[v->lates++] = (struct vdm_verify_late){e->capture.amends, e->n};
    return true;
}

static int by_capture(const void *a, const void *b)
{
    const struct vdm_verify_withdrawal *x = a, *y = b;
    return x->capture != y->capture ? (x->capture < y->capture ? -1 : 1)
                                    : (x->n > y->n) - (x->n < y->n);
}

/* By capture, then by number; each then says what it and all behind it withdraw. */
static void sort_withdrawals(struct vdm_verify *v)
{
    struct vdm_verify_withdrawal *w = v->withdrawal;
    if (v->withdrawals)
        qsort(w, v->withdrawals, sizeof *w, by_capture);
    for (size_t i = v->withdrawals; i-- > 1;)
        if (w[i - 1].capture == w[i].capture) {
            w[i - 1].record = w[i - 1].record || w[i].record;
            w[i - 1].document = w[i - 1].document || w[i].document;
        }
}

/* The first withdrawal of the capture from entry `from` on, or NULL. */
static const struct vdm_verify_withdrawal *withdrawal_of(const struct vdm_verify *v,
                                                         uint64_t capture, uint64_t from)
{
    const struct vdm_verify_withdrawal wanted = {.capture = capture, .n = from};
    size_t at = vdm_list_place(v->withdrawal, v->withdrawals, sizeof wanted, &wanted, by_capture);
    bool found = at < v->withdrawals && v->withdrawal[at].capture == capture;
    return found ? &v->withdrawal[at] : NULL;
}

/* A document that stands there with other bytes is half erased, if its captures are withdrawn so far
 * that it goes; while another keeps it, that one is told. Without the record nobody knows the document:
 * who withdraws the record accounts for both. */
static bool is_accounted_for(struct vdm_verify *v, const struct vdm_verify_missing *m)
{
    const struct vdm_verify_withdrawal *w = withdrawal_of(v, m->capture, m->n + 1);
    const struct vdm_taken *held = vdm_takedown_find(&v->held, m->capture);
    if (m->damaged)
        return w && held && !vdm_takedown_orphans(held);
    return w && (w->record || (w->document && !m->record));
}

/* What stands there instead, for those findings that are listed. The check has only told that it is another. */
static bool other_bytes(struct vdm_verify *v, const struct vdm_verify_missing *m, char hex[65])
{
    struct vdm_inspection seen;
    if (!m->damaged || v->report->findings.count == VDM_FINDINGS_MAX)
        return false;
    if (!vdm_store_inspect(v->a->store, m->digest, VDM_SIZE_UNKNOWN, 0, NULL, NULL, &seen, NULL)) {
        v->report->no_memory = true;
        return false;
    }
    if (seen.state == VDM_INSPECTED_CHANGED)
        vdm_digest_hex(seen.found, hex);
    return seen.state == VDM_INSPECTED_CHANGED;
}

static void report_missing(struct vdm_verify *v, const struct vdm_verify_missing *m)
{
    char hex[65], found[65];
    if (is_accounted_for(v, m))
        return;
    vdm_digest_hex(m->digest, hex);
    struct vdm_seen s = {.kind = m->damaged ? VDM_DOCUMENT_CORRUPT : VDM_DOCUMENT_MISSING,
                         .entry = m->n,
                         .document = hex,
                         .expected = hex,
                         .found = other_bytes(v, m, found) ? found : NULL};
    if (m->record)
        vdm_report_add(v->report, vdm_seen_at(VDM_RECORD_MISSING, m->n),
                       "its record is not in the ledger");
    else
        vdm_report_add(v->report, s,
                       m->damaged ? "the stored document has other bytes than were captured"
                                  : "the store does not hold its document");
}

static void report_late(struct vdm_verify *v, const struct vdm_verify_late *l)
{
    const struct vdm_verify_withdrawal *w = withdrawal_of(v, l->capture, 0);
    if (w && w->n < l->n)
        vdm_report_add(v->report, vdm_seen_at(VDM_ENTRY_MALFORMED, l->n),
                       "it amends entry %llu, which entry %llu had withdrawn",
                       (unsigned long long)l->capture, (unsigned long long)w->n);
}

/* A crash leaves a withdrawal that is committed and not carried out: told, and no finding. */
static void report_pending(struct vdm_verify *v, uint64_t n, uint64_t capture, const char *what)
{
    vdm_report_add(v->report, vdm_seen_at(VDM_ERASURE_PENDING, n),
                   "it withdraws the %s of entry %llu, which is still stored: the erasing was "
                   "interrupted (`vidimus recover` goes on with it)",
                   what, (unsigned long long)capture);
}

static enum vdm_scope scope_of(const struct vdm_verify_withdrawal *w)
{
    if (w->record && w->document)
        return VDM_SCOPE_BOTH;
    return w->record ? VDM_SCOPE_RECORD : VDM_SCOPE_DOCUMENT;
}

/* Of what is withdrawn and is still there, or half: does it go, or does another capture keep it? */
static bool plan_held(struct vdm_verify *v, struct vdm_err *err)
{
    uint64_t size;
    for (size_t i = 0; i < v->missings; i++) {
        const struct vdm_verify_missing *m = &v->missing[i];
        const struct vdm_verify_withdrawal *w = withdrawal_of(v, m->capture, m->n + 1);
        if (m->damaged && w && !vdm_takedown_add(&v->held, m->capture, scope_of(w), err))
            return false;
    }
    return v->held.takens == 0 || (vdm_ledger_size(v->a->ledger, &size, err) &&
                                   vdm_takedown_plan(v->a, &v->held, size, err));
}

/* Where the record goes too, that has been told. */
static void report_held(struct vdm_verify *v, const struct vdm_taken *t)
{
    const struct vdm_verify_withdrawal *w = withdrawal_of(v, t->capture, 0);
    if (w && vdm_takedown_erases(t) && !t->record)
        report_pending(v, w->n, t->capture, "document");
}

bool vdm_verify_settle(struct vdm_verify *v, struct vdm_err *err)
{
    sort_withdrawals(v);
    if (!plan_held(v, err))
        return false;
    for (size_t i = 0; i < v->missings; i++)
        report_missing(v, &v->missing[i]);
    for (size_t i = 0; i < v->lates; i++)
        report_late(v, &v->late[i]);
    for (size_t i = 0; i < v->held.takens; i++)
        report_held(v, &v->held.taken[i]);
    return true;
}

/* Is all gone that it withdraws? Whether its document has to go is seen at the end. */
static bool check_erased(struct vdm_verify *v, uint64_t n, const struct vdm_withdrawal *w,
                         struct vdm_err *err)
{
    struct vdm_buf text VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_record r;
    bool found, held;
    if (!vdm_ledger_record(v->a->ledger, w->of, &text, &found, err))
        return false;
    if (found && w->scope != VDM_SCOPE_DOCUMENT)
        report_pending(v, n, w->of, "record");
    if (!found || w->scope != VDM_SCOPE_DOCUMENT || v->o->without_documents ||
        !vdm_record_decode(vdm_buf_bytes(&text), &r, NULL))
        return true;
    return vdm_store_holds(v->a->store, r.document, &held, err) &&
           (!held || vdm_takedown_add(&v->held, w->of, w->scope, err));
}

static bool check_withdrawal(struct vdm_verify *v, const struct vdm_checked_entry *c,
                             struct vdm_err *err)
{
    const struct vdm_withdrawal *w = &c->entry.withdrawal;
    bool good;
    if (!check_target(v, c->entry.n, w->of, &good, err))
        return false;
    if (good)
        vdm_verify_catalog(v, &c->entry, w->of, NULL);
    return !good || !c->signer_good ||
           (note_withdrawal(v, c->entry.n, w, err) && check_erased(v, c->entry.n, w, err));
}

bool vdm_verify_item(struct vdm_verify *v, const struct vdm_checked_entry *c,
                     const struct vdm_ledger_row *record, struct vdm_err *err)
{
    const struct vdm_entry *e = &c->entry;
    bool good, has_record = e->kind == VDM_ENTRY_CAPTURE || e->kind == VDM_ENTRY_AMENDMENT;
    if (record && !has_record && e->kind != VDM_ENTRY_UNKNOWN)
        vdm_report_add(v->report, vdm_seen_at(VDM_RECORD_MISMATCH, e->n),
                       "a record stands beside an entry that has none");
    if (e->kind == VDM_ENTRY_WITHDRAWAL)
        return check_withdrawal(v, c, err);
    if (e->kind == VDM_ENTRY_AUDIT)
        return vdm_verify_audit(v, e, err);
    if (e->kind == VDM_ENTRY_CAPTURE) {
        v->report->captures++;
        return check_record(v, e, e->n, record, err);
    }
    if (e->kind != VDM_ENTRY_AMENDMENT)
        return true;
    return note_late(v, e, err) && check_target(v, e->n, e->capture.amends, &good, err) &&
           (!good || check_record(v, e, e->capture.amends, record, err));
}
