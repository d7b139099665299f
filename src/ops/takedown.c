/* SPDX-License-Identifier: MIT */
#include "ops/takedown.h"

#include "base/list.h"
#include "base/text.h"
#include "format/value.h"
#include "keys/guard.h"
#include "keys/pub.h"

#include <stdlib.h>
#include <string.h>

void vdm_takedown_release(struct vdm_takedown *t)
{
    free(t->taken);
    free(t->record);
    free(t->part);
    *t = (struct vdm_takedown){0};
}

/* Where the capture stands in `taken`, or would. */
static size_t place(const struct vdm_takedown *t, uint64_t capture)
{
    return vdm_list_place(t->taken, t->takens, sizeof *t->taken, &capture, vdm_list_by_number);
}

static struct vdm_taken *find(const struct vdm_takedown *t, uint64_t capture)
{
    size_t at = place(t, capture);
    return at < t->takens && t->taken[at].capture == capture ? &t->taken[at] : NULL;
}

bool vdm_takedown_add(struct vdm_takedown *t, uint64_t capture, enum vdm_scope scope,
                      struct vdm_err *err)
{
    size_t at = place(t, capture);
    if (!find(t, capture)) {
        if (!vdm_list_grow(&t->taken, t->takens, &t->takens_cap, sizeof *t->taken, err))
            return false;
        memmove(t->taken + at + 1, t->taken + at, (t->takens++ - at) * sizeof *t->taken);
        t->taken[at] = (struct vdm_taken){.capture = capture, .kept_for = UINT64_MAX};
    }
    struct vdm_taken *there = &t->taken[at];
    there->record = there->record || scope != VDM_SCOPE_DOCUMENT;
    there->document = there->document || scope != VDM_SCOPE_RECORD;
    return true;
}

const struct vdm_taken *vdm_takedown_find(const struct vdm_takedown *t, uint64_t capture)
{
    return find(t, capture);
}

bool vdm_takedown_erases(const struct vdm_taken *t)
{
    return t->has_record && t->document && t->kept_for == UINT64_MAX;
}

bool vdm_takedown_orphans(const struct vdm_taken *t)
{
    return t->has_record && t->record && !t->document && t->kept_for == UINT64_MAX;
}

/* --- withdrawals --- */

/* The authority, as genesis names it: whoever else signs withdraws nothing. */
static bool read_authority(struct vdm_archive *a, struct vdm_vkey *authority, struct vdm_err *err)
{
    struct vdm_buf bytes VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_note note;
    struct vdm_entry genesis;
    if (!vdm_archive_entry(a, 0, &bytes, &note, &genesis, err))
        return false;
    if (genesis.kind != VDM_ENTRY_GENESIS)
        return vdm_fail_as(err, VDM_ERR_MALFORMED, "entry 0 is no genesis");
    *authority = genesis.genesis.authority;
    return true;
}

static bool good_withdrawal(struct vdm_archive *a, const struct vdm_vkey *authority,
                            const struct vdm_ledger_row *row, struct vdm_entry *e)
{
    struct vdm_note note;
    return vdm_bytes_start_with(row->bytes, VDM_LIT("vidimus/withdrawal/")) &&
           vdm_entry_open(a->crypto, row->bytes, &note, e, NULL) && e->n == row->n &&
           e->kind == VDM_ENTRY_WITHDRAWAL &&
           vdm_note_verify(&note, a->crypto, authority, NULL) == VDM_NOTE_GOOD;
}

/* --- the pass --- */

/* A capture that is taken, by its document. */
struct by_digest {
    struct vdm_digest digest;
    size_t taken;
};

struct pass {
    struct vdm_archive *a;
    struct vdm_takedown *t;
    struct by_digest *known; /* in order: millions of records are looked up in it */
    size_t knowns, knowns_cap;
    struct vdm_vkey authority;
    struct vdm_takedown withdrawn; /* all that the ledger withdraws */
    struct vdm_part *holder;       /* captures of a document that is taken: of = index in `taken` */
    size_t holders, holders_cap;
};

static void pass_release(struct pass *p)
{
    vdm_takedown_release(&p->withdrawn);
    free(p->known);
    free(p->holder);
}

static int compare_digests(const void *element, const void *wanted)
{
    const struct by_digest *a = element, *b = wanted;
    return memcmp(a->digest.b, b->digest.b, sizeof a->digest.b);
}

/* The captures that are taken, of this document: known[at], as long as it is_known_at. */
static size_t first_known(const struct pass *p, struct vdm_digest digest)
{
    const struct by_digest wanted = {.digest = digest};
    return vdm_list_place(p->known, p->knowns, sizeof wanted, &wanted, compare_digests);
}

static bool is_known_at(const struct pass *p, size_t at, struct vdm_digest digest)
{
    return at < p->knowns && vdm_digest_equal(p->known[at].digest, digest);
}

/* What the record of each capture that is taken says now. */
static bool read_taken(struct pass *p, struct vdm_err *err)
{
    struct vdm_buf text VDM_CLEANUP(vdm_buf_release) = {0};
    for (size_t i = 0; i < p->t->takens; i++) {
        struct vdm_taken *taken = &p->t->taken[i];
        struct vdm_record r;
        bool found;
        vdm_buf_clear(&text);
        if (!vdm_ledger_record(p->a->ledger, taken->capture, &text, &found, err))
            return false;
        taken->kept_for = UINT64_MAX;
        taken->has_record = found && vdm_record_decode(vdm_buf_bytes(&text), &r, NULL);
        if (!taken->has_record)
            continue;
        taken->digest = r.document;
        taken->size = r.document_size;
        if (!vdm_list_grow(&p->known, p->knowns, &p->knowns_cap, sizeof *p->known, err))
            return false;
        p->known[p->knowns++] = (struct by_digest){r.document, i};
    }
    if (p->knowns)
        qsort(p->known, p->knowns, sizeof *p->known, compare_digests);
    return true;
}

static bool note_part(struct vdm_part **list, size_t *n, size_t *cap, struct vdm_part part,
                      struct vdm_err *err)
{
    if (!vdm_list_grow(list, *n, cap, sizeof part, err))
        return false;
    (*list)[(*n)++] = part;
    return true;
}

/* What the record says of the documents that are taken: it is of one, or derived from some. */
static bool look_for_holder(struct pass *p, uint64_t capture, const struct vdm_record *r,
                            struct vdm_err *err)
{
    for (size_t at = first_known(p, r->document); is_known_at(p, at, r->document); at++)
        if (capture != p->t->taken[p->known[at].taken].capture &&
            !note_part(&p->holder, &p->holders, &p->holders_cap,
                       (struct vdm_part){capture, p->known[at].taken}, err))
            return false;
    return true;
}

/* `sha256:<hex> <offset> <length> <method>` */
static bool look_for_parts(struct pass *p, uint64_t capture, const struct vdm_record *r,
                           struct vdm_err *err)
{
    struct vdm_takedown *t = p->t;
    struct vdm_bytes value, from;
    struct vdm_digest named;
    for (size_t k = 0; (value = vdm_record_value(r, VDM_FIELD_DERIVED_FROM, k)).n; k++) {
        if (!vdm_cut(&value, ' ', &from) || !vdm_digest_decode(from, &named))
            continue;
        for (size_t at = first_known(p, named); is_known_at(p, at, named); at++)
            if (!note_part(&t->part, &t->parts, &t->parts_cap,
                           (struct vdm_part){capture, t->taken[p->known[at].taken].capture}, err))
                return false;
    }
    return true;
}

/* The record of `capture` or of an amendment of it, at entry n. */
static bool look_at_record(struct pass *p, uint64_t capture, const struct vdm_ledger_row *row,
                           struct vdm_err *err)
{
    struct vdm_takedown *t = p->t;
    struct vdm_record r;
    const struct vdm_taken *taken = find(t, capture);
    if (taken && taken->record) {
        if (!vdm_list_grow(&t->record, t->records, &t->records_cap, sizeof *t->record, err))
            return false;
        t->record[t->records++] = row->n;
    }
    if (!vdm_record_decode(row->bytes, &r, NULL))
        return true;
    return look_for_holder(p, capture, &r, err) && (taken || look_for_parts(p, capture, &r, err));
}

static bool look_at(struct pass *p, const struct vdm_ledger_row *entry,
                    const struct vdm_ledger_row *record, struct vdm_err *err)
{
    struct vdm_note note;
    struct vdm_entry e;
    if (good_withdrawal(p->a, &p->authority, entry, &e))
        return vdm_takedown_add(&p->withdrawn, e.withdrawal.of, e.withdrawal.scope, err);
    if (!record)
        return true;
    if (!vdm_entry_open(p->a->crypto, entry->bytes, &note, &e, err))
        return vdm_err_prefix(err, "entry %llu", (unsigned long long)entry->n);
    return look_at_record(p, e.kind == VDM_ENTRY_AMENDMENT ? e.capture.amends : entry->n, record,
                          err);
}

static bool look_at_slice(struct pass *p, const struct vdm_ledger_slice *s, struct vdm_err *err)
{
    size_t k = 0;
    for (size_t i = 0; i < s->entries; i++) {
        while (k < s->records && s->record[k].n < s->entry[i].n)
            k++;
        bool has = k < s->records && s->record[k].n == s->entry[i].n;
        if (!look_at(p, &s->entry[i], has ? &s->record[k] : NULL, err))
            return false;
    }
    return true;
}

/* A document stays while a capture of it does; else one that withdraws it is enough. */
static void settle_documents(struct pass *p)
{
    struct vdm_takedown *t = p->t;
    for (size_t i = 0; i < p->holders; i++) {
        const struct vdm_part *h = &p->holder[i];
        const struct vdm_taken *gone = find(&p->withdrawn, h->capture);
        const struct vdm_taken *goes = find(t, h->capture);
        if (!gone && !goes)
            t->taken[h->of].kept_for = h->capture;
        if ((gone && gone->document) || (goes && goes->document))
            t->taken[h->of].document = true;
    }
}

/* A part stands in the way only of a document that goes, and no more if its own record and document
 * are withdrawn. `parts` keeps each once. */
static void settle_parts(struct pass *p)
{
    struct vdm_takedown *t = p->t;
    size_t kept = 0;
    for (size_t i = 0; i < t->parts; i++) {
        const struct vdm_taken *gone = find(&p->withdrawn, t->part[i].capture);
        bool again = kept > 0 && t->part[kept - 1].capture == t->part[i].capture;
        bool stays = find(t, t->part[i].of)->kept_for != UINT64_MAX;
        if (!again && !stays && !(gone && gone->record && gone->document))
            t->part[kept++] = t->part[i];
    }
    t->parts = kept;
}

bool vdm_takedown_plan(struct vdm_archive *a, struct vdm_takedown *t, uint64_t size,
                       struct vdm_err *err)
{
    struct vdm_ledger_slice slice = {0};
    struct pass p VDM_CLEANUP(pass_release) = {.a = a, .t = t};
    t->records = t->parts = 0;
    bool ok = read_authority(a, &p.authority, err) && read_taken(&p, err);
    for (uint64_t n = 0; ok && n < size; n = slice.to)
        ok = vdm_ledger_read_slice(a->ledger, n, size, &slice, err) &&
             look_at_slice(&p, &slice, err);
    vdm_ledger_slice_release(&slice);
    if (!ok)
        return false;
    settle_documents(&p);
    settle_parts(&p);
    return true;
}

/* --- what the erasing rests on --- */

bool vdm_check_authority(struct vdm_archive *a, struct vdm_err *err)
{
    struct vdm_buf bytes VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_note note;
    struct vdm_entry genesis;
    struct vdm_vkey ours;
    struct vdm_err why = {0};
    if (!vdm_archive_entry(a, 0, &bytes, &note, &genesis, err))
        return false;
    if (genesis.kind != VDM_ENTRY_GENESIS ||
        vdm_note_verify(&note, a->crypto, &genesis.genesis.authority, NULL) != VDM_NOTE_GOOD)
        return vdm_fail_as(err, VDM_ERR_MALFORMED,
                           "entry 0 is no genesis that its authority signed");
    if (!vdm_pub_read(a->crypto, a->keys, "authority.pub", &ours, &why))
        return why.kind == VDM_ERR_NOT_FOUND ||
               vdm_fail_as(err, why.kind, "keys/authority.pub: %s", why.text);
    return vdm_vkey_equal(&ours, &genesis.genesis.authority) ||
           vdm_fail_as(err, VDM_ERR_MALFORMED,
                       "genesis names another authority than keys/authority.pub");
}

struct ground {
    struct vdm_archive *a;
    struct vdm_frontier tree;
    uint64_t guarded; /* 0: there is no guard */
    struct vdm_digest root;
};

static bool read_guard(struct ground *g, struct vdm_err *err)
{
    struct vdm_buf bytes VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_note note;
    struct vdm_checkpoint head;
    bool present;
    if (!vdm_guard_read(g->a->keys, &present, &bytes, err))
        return false;
    if (!present)
        return true;
    if (!vdm_checkpoint_open(vdm_buf_bytes(&bytes), &note, &head, err))
        return vdm_err_prefix(err, "keys/" VDM_GUARD_FILE);
    g->guarded = head.size;
    g->root = head.root;
    return true;
}

static bool check_root(struct ground *g, struct vdm_digest root, struct vdm_err *err)
{
    return vdm_digest_equal(vdm_frontier_root(&g->tree, g->a->crypto), root) ||
           vdm_fail_as(err, VDM_ERR_MALFORMED,
                       "the first %llu entries are not those that were signed",
                       (unsigned long long)g->tree.size);
}

/* A record that is another one would name another document. */
static bool check_record(struct ground *g, const struct vdm_ledger_row *entry,
                         const struct vdm_ledger_row *record, struct vdm_err *err)
{
    struct vdm_note note;
    struct vdm_entry e;
    struct vdm_record r;
    struct vdm_digest commitment;
    return (vdm_entry_open(g->a->crypto, entry->bytes, &note, &e, NULL) &&
            (e.kind == VDM_ENTRY_CAPTURE || e.kind == VDM_ENTRY_AMENDMENT) &&
            vdm_record_decode(record->bytes, &r, NULL) &&
            vdm_record_commit(g->a->crypto, &r, &commitment, NULL) &&
            vdm_digest_equal(commitment, e.capture.record)) ||
           vdm_fail_as(err, VDM_ERR_MALFORMED,
                       "the record of entry %llu is not the one that it commits to",
                       (unsigned long long)entry->n);
}

static bool check_slice(struct ground *g, const struct vdm_ledger_slice *s, struct vdm_err *err)
{
    size_t k = 0;
    for (size_t i = 0; i < s->entries; i++) {
        const struct vdm_ledger_row *entry = &s->entry[i];
        while (k < s->records && s->record[k].n < entry->n)
            k++;
        vdm_frontier_append(&g->tree, g->a->crypto, vdm_tlog_leaf(g->a->crypto, entry->bytes));
        if ((k < s->records && s->record[k].n == entry->n &&
             !check_record(g, entry, &s->record[k], err)) ||
            (g->tree.size == g->guarded && !check_root(g, g->root, err)))
            return false;
    }
    return true;
}

static bool check_entries(struct ground *g, uint64_t size, struct vdm_err *err)
{
    struct vdm_ledger_slice slice = {0};
    struct vdm_buf note VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_checkpoint head;
    bool ok = true;
    for (uint64_t n = 0; ok && n < size; n = slice.to)
        ok = vdm_ledger_read_slice(g->a->ledger, n, size, &slice, err) &&
             check_slice(g, &slice, err);
    vdm_ledger_slice_release(&slice);
    return ok && vdm_archive_head(g->a, &note, &head, err) && check_root(g, head.root, err);
}

/* The stored tree is not asked: who writes entries into the file need not touch it. */
static bool check_ground(struct vdm_archive *a, uint64_t size, struct vdm_err *err)
{
    struct ground g = {.a = a};
    return (read_guard(&g, err) && check_entries(&g, size, err) && vdm_check_authority(a, err)) ||
           vdm_err_prefix(err,
                          "nothing is erased that was withdrawn, since the ledger is not as it "
                          "was signed (`vidimus audit --repair-from` makes it good)");
}

/* --- the erasing --- */

bool vdm_takedown_collect(struct vdm_archive *a, uint64_t from, uint64_t size,
                          struct vdm_takedown *t, struct vdm_err *err)
{
    struct vdm_buf bytes VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_vkey authority;
    bool found = true;
    if (!read_authority(a, &authority, err))
        return false;
    for (uint64_t n = from; n < size; n++) {
        struct vdm_entry e;
        if (!vdm_ledger_next(a->ledger, VDM_LIT("vidimus/withdrawal/"), n, size, &n, &found, err))
            return false;
        if (!found)
            break;
        vdm_buf_clear(&bytes);
        if (!vdm_ledger_entry(a->ledger, n, &bytes, &found, err))
            return false;
        struct vdm_ledger_row row = {.n = n, .bytes = vdm_buf_bytes(&bytes)};
        if (good_withdrawal(a, &authority, &row, &e) &&
            !vdm_takedown_add(t, e.withdrawal.of, e.withdrawal.scope, err))
            return false;
    }
    return true;
}

static bool still_held(struct vdm_archive *a, const struct vdm_taken *t, bool *held,
                       struct vdm_err *err)
{
    struct vdm_err why = {0};
    *held = false;
    if (!vdm_takedown_erases(t) || vdm_store_holds(a->store, t->digest, held, &why))
        return true;
    *held = why.kind == VDM_ERR_REFUSED; /* what stands in its place may be its remains */
    return *held || vdm_fail_as(err, why.kind, "%s", why.text);
}

static bool erase_document(struct vdm_archive *a, const struct vdm_taken *t,
                           struct vdm_erased *erased, struct vdm_err *err)
{
    bool held;
    if (!still_held(a, t, &held, err))
        return false;
    erased->documents += held;
    return !vdm_takedown_erases(t) || vdm_store_erase(a->store, t->digest, t->size, err);
}

static bool takes_records(const struct vdm_takedown *t)
{
    for (size_t i = 0; i < t->takens; i++)
        if (t->taken[i].record)
            return true;
    return false;
}

/* Documents first, whose digests only the records know. */
static bool carry_out(struct vdm_archive *a, const struct vdm_takedown *t,
                      struct vdm_erased *erased, struct vdm_err *err)
{
    struct vdm_erased counted = {.records = t->records};
    bool ok = true;
    for (size_t i = 0; ok && i < t->takens; i++)
        ok = erase_document(a, &t->taken[i], &counted, err);
    ok = ok &&
         (!takes_records(t) || vdm_ledger_erase_records(a->ledger, t->record, t->records, err)) &&
         vdm_archive_empty_catalog(a, err); /* the caller fills it from what the ledger still has */
    if (ok && erased) {
        erased->documents += counted.documents;
        erased->records += counted.records;
    }
    return ok || vdm_err_prefix(err, "the withdrawal is recorded, but not all is erased yet (the "
                                     "next command that writes goes on with it)");
}

bool vdm_erase_withdrawn(struct vdm_archive *a, uint64_t from, uint64_t size,
                         struct vdm_erased *erased, struct vdm_err *err)
{
    struct vdm_takedown t VDM_CLEANUP(vdm_takedown_release) = {0};
    return vdm_takedown_collect(a, from, size, &t, err) &&
           (t.takens == 0 || (check_ground(a, size, err) && vdm_takedown_plan(a, &t, size, err) &&
                              carry_out(a, &t, erased, err)));
}

static bool is_left(struct vdm_archive *a, const struct vdm_takedown *t, bool *left,
                    struct vdm_err *err)
{
    *left = t->records > 0;
    for (size_t i = 0; !*left && i < t->takens; i++)
        if (!still_held(a, &t->taken[i], left, err))
            return false;
    return true;
}

/* Where everything is gone, as it mostly is, that is seen without reading the whole ledger. */
static bool may_be_left(struct vdm_archive *a, const struct vdm_takedown *t, bool *maybe,
                        struct vdm_err *err)
{
    struct vdm_buf text VDM_CLEANUP(vdm_buf_release) = {0};
    *maybe = false;
    for (size_t i = 0; !*maybe && i < t->takens; i++) {
        struct vdm_record r;
        bool found;
        vdm_buf_clear(&text);
        if (!vdm_ledger_record(a->ledger, t->taken[i].capture, &text, &found, err))
            return false;
        *maybe = found && t->taken[i].record;
        if (found && !*maybe && vdm_record_decode(vdm_buf_bytes(&text), &r, NULL) &&
            !vdm_store_holds(a->store, r.document, maybe, err))
            return false;
    }
    return true;
}

bool vdm_erase_left(struct vdm_archive *a, uint64_t size, struct vdm_erased *erased,
                    struct vdm_err *err)
{
    struct vdm_takedown t VDM_CLEANUP(vdm_takedown_release) = {0};
    bool left = false;
    return vdm_takedown_collect(a, 0, size, &t, err) &&
           (t.takens == 0 || (vdm_takedown_plan(a, &t, size, err) && is_left(a, &t, &left, err))) &&
           (!left || (check_ground(a, size, err) && carry_out(a, &t, erased, err)));
}

bool vdm_erase_is_pending(struct vdm_archive *a, uint64_t size, bool *yes, struct vdm_err *err)
{
    struct vdm_takedown t VDM_CLEANUP(vdm_takedown_release) = {0};
    *yes = false;
    if (!vdm_takedown_collect(a, 0, size, &t, err) || !may_be_left(a, &t, yes, err))
        return false;
    return !*yes || (vdm_takedown_plan(a, &t, size, err) && is_left(a, &t, yes, err));
}
