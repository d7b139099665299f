/* SPDX-License-Identifier: MIT */
#include "ops/verify_archive.h"

#include "keys/guard.h"
#include "ops/trust_check.h"

#include <stdlib.h>
#include <string.h>

#define RECENT_DOCUMENTS 16384 /* digests remembered as good, so that repeats are not read again */

/* A record or document that is not there: withdrawn, if a withdrawal follows. */
struct missing {
    uint64_t n;
    bool record, document; /* which of them */
    struct vdm_digest digest;
};

/* A checkpoint that the archive must extend. */
struct kept {
    struct vdm_bytes bytes;
    uint64_t size;
    const char *whose;
};

struct verify {
    struct vdm_archive *a;
    const struct vdm_verify_options *o;
    const struct vdm_progress *progress;
    struct vdm_report *report;
    struct vdm_entry_check check;
    uint64_t size; /* entries that the newest checkpoint covers */
    struct vdm_digest root;
    struct vdm_tile_writer *tree; /* built anew from the entries */
    uint64_t tiles;               /* that it has given so far */
    struct vdm_digest *recent;
    struct missing *missing;
    size_t missings, missings_cap;
    uint64_t catalog_reach;
    struct kept *kept;
    size_t kepts;
    struct vdm_buf guard;
};

static struct vdm_seen seen(enum vdm_finding_kind kind, uint64_t n)
{
    return (struct vdm_seen){.kind = kind, .entry = n};
}

/* --- the tree --- */

/* The tile writer gives each tile of the rebuilt tree; compare it with the stored one. */
static bool compare_tile(void *ctx, uint8_t level, uint64_t index, unsigned width,
                         const struct vdm_digest *hashes, struct vdm_err *err)
{
    struct verify *v = ctx;
    struct vdm_digest stored[VDM_TILE_WIDTH];
    struct vdm_err why = {0};
    (void)err;
    v->tiles++;
    if (!vdm_ledger_read_tile(v->a->ledger, level, index, width, stored, &why)) {
        vdm_report_add(v->report, seen(VDM_TREE_MISMATCH, VDM_NO_ENTRY), "%s", why.text);
        return true;
    }
    for (unsigned i = 0; i < width; i++) {
        if (vdm_digest_equal(stored[i], hashes[i]))
            continue;
        char want[65], got[65];
        vdm_digest_hex(stored[i], want);
        vdm_digest_hex(hashes[i], got);
        struct vdm_seen s = {.kind = level ? VDM_TREE_MISMATCH : VDM_LEAF_MISMATCH,
                             .entry = level ? VDM_NO_ENTRY : index * VDM_TILE_WIDTH + i,
                             .expected = want,
                             .found = got};
        if (level)
            vdm_report_add(v->report, s,
                           "stored hash %u of tile %u/%llu is not that of the entries", i, level,
                           (unsigned long long)index);
        else
            vdm_report_add(v->report, s, "the entry is not the one that the tree was built over");
    }
    return true;
}

static void root_differs(struct verify *v, const struct vdm_checkpoint *head, const char *whose)
{
    struct vdm_buf want VDM_CLEANUP(vdm_buf_release) = {0}, got VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_digest root = vdm_tile_writer_root(v->tree);
    vdm_base64_append(&want, vdm_digest_bytes(&head->root));
    vdm_base64_append(&got, vdm_digest_bytes(&root));
    vdm_buf_putc(&want, 0);
    vdm_buf_putc(&got, 0);
    struct vdm_seen s = {.kind = whose ? VDM_FORKED : VDM_TREE_MISMATCH,
                         .entry = VDM_NO_ENTRY,
                         .expected = want.failed ? NULL : (char *)want.p,
                         .found = got.failed ? NULL : (char *)got.p};
    if (whose)
        vdm_report_add(v->report, s, "the first %llu entries are not those of %s",
                       (unsigned long long)head->size, whose);
    else
        vdm_report_add(v->report, s, "the first %llu entries have not the root that was signed",
                       (unsigned long long)head->size);
}

/* --- checkpoints --- */

static void check_stored_checkpoint(struct verify *v, const struct vdm_ledger_row *row)
{
    struct vdm_note note;
    struct vdm_checkpoint head;
    struct vdm_err why = {0};
    struct vdm_seen s = seen(VDM_CHECKPOINT_INVALID, VDM_NO_ENTRY);
    if (row->odd || !vdm_checkpoint_open(row->bytes, &note, &head, &why)) {
        vdm_report_add(v->report, s, "the checkpoint of size %llu is malformed",
                       (unsigned long long)row->n);
        return;
    }
    if (head.size != row->n || !vdm_bytes_equal_str(head.origin, v->check.keyring.origin))
        vdm_report_add(v->report, s,
                       "the checkpoint stored for size %llu is for another size or ledger",
                       (unsigned long long)row->n);
    else if (vdm_check_checkpoint_signature(&v->check, &note, head.size, NULL) &&
             !vdm_digest_equal(head.root, vdm_tile_writer_root(v->tree)))
        root_differs(v, &head, NULL);
}

/* What can be said of a kept checkpoint at once; the rest when the pass reaches its size. */
static bool keep(struct verify *v, struct vdm_bytes bytes, const char *whose, struct vdm_err *err)
{
    struct vdm_note note;
    struct vdm_checkpoint head;
    if (!vdm_checkpoint_open(bytes, &note, &head, err))
        return vdm_err_prefix(err, "%s", whose);
    if (!vdm_bytes_equal_str(head.origin, v->a->origin))
        return vdm_fail(err, "%s is of another ledger: %.*s", whose, (int)head.origin.n,
                        (const char *)head.origin.p);
    if (head.size > v->size)
        vdm_report_add(v->report, seen(VDM_ROLLED_BACK, VDM_NO_ENTRY),
                       "%s covers %llu entries, the ledger only %llu", whose,
                       (unsigned long long)head.size, (unsigned long long)v->size);
    v->kept[v->kepts++] = (struct kept){bytes, head.size, whose};
    return true;
}

/* The pass has just reached this size. A kept checkpoint must be by a ledger key to count. */
static bool compare_kept(struct verify *v, const struct kept *kept, struct vdm_err *err)
{
    struct vdm_note note;
    struct vdm_checkpoint head;
    const struct vdm_key_range *before;
    const struct vdm_key_range *key =
        vdm_keyring_ledger_key(&v->check.keyring, kept->size, &before);
    if (!vdm_checkpoint_open(kept->bytes, &note, &head, err))
        return false;
    if (!key || vdm_note_verify(&note, v->a->crypto, &key->key, NULL) != VDM_NOTE_GOOD)
        vdm_report_add(v->report, seen(VDM_CHECKPOINT_INVALID, VDM_NO_ENTRY),
                       "%s is not signed by this ledger's key", kept->whose);
    else if (!vdm_digest_equal(head.root, vdm_tile_writer_root(v->tree)))
        root_differs(v, &head, kept->whose);
    return true;
}

static bool compare_all_kept(struct verify *v, uint64_t size, struct vdm_err *err)
{
    for (size_t i = 0; i < v->kepts; i++)
        if (v->kept[i].size == size && !compare_kept(v, &v->kept[i], err))
            return false;
    return true;
}

/* --- records and documents --- */

static bool note_missing(struct verify *v, struct missing m, struct vdm_err *err)
{
    if (v->missings == v->missings_cap) {
        size_t cap = v->missings_cap ? v->missings_cap * 2 : 64;
        struct missing *grown = reallocarray(v->missing, cap, sizeof *grown);
        if (!grown)
            return vdm_fail_memory(err);
        v->missing = grown;
        v->missings_cap = cap;
    }
    v->missing[v->missings++] = m;
    return true;
}

/* A digest that was found good lately need not be read again: the digests compare whole. */
static bool recently_good(struct verify *v, struct vdm_digest d, bool remember)
{
    size_t slot = ((size_t)d.b[0] << 8 | d.b[1]) % RECENT_DOCUMENTS;
    if (remember)
        v->recent[slot] = d;
    return vdm_digest_equal(v->recent[slot], d);
}

static bool check_document(struct verify *v, uint64_t n, const struct vdm_record *r,
                           struct vdm_err *err)
{
    enum vdm_store_state state;
    char hex[65];
    if (v->o->without_documents || recently_good(v, r->document, false))
        return true;
    if (!vdm_store_check(v->a->store, r->document, r->document_size, &state, err))
        return false;
    vdm_digest_hex(r->document, hex);
    struct vdm_seen s = {
        .kind = VDM_DOCUMENT_CORRUPT, .entry = n, .document = hex, .expected = hex};
    switch (state) {
    case VDM_STORE_GOOD:
        recently_good(v, r->document, true);
        v->report->documents++;
        v->report->bytes += r->document_size;
        return true;
    case VDM_STORE_MISSING:
        return note_missing(v, (struct missing){n, false, true, r->document}, err);
    case VDM_STORE_DAMAGED:
        vdm_report_add(v->report, s, "the stored document has other bytes than were captured");
        return true;
    case VDM_STORE_NOT_A_FILE:
        vdm_report_add(v->report, s, "something that is not a file stands in the document's place");
        return true;
    }
    return true;
}

static bool check_catalog(struct verify *v, uint64_t n, uint64_t amendment,
                          const struct vdm_record *r, struct vdm_err *err)
{
    struct vdm_catalog_fate fate = {UINT64_MAX, UINT64_MAX};
    bool found, same = true;
    if (!v->a->catalog || amendment >= v->catalog_reach)
        return true;
    if (!vdm_catalog_fate(v->a->catalog, n, &fate, &found, err))
        return false;
    bool amended = amendment != n;
    if (!found || (amended && (fate.amended == UINT64_MAX || fate.amended < amendment)))
        same = false;
    else if (fate.withdrawn == UINT64_MAX &&
             (amended ? fate.amended == amendment : fate.amended == UINT64_MAX) &&
             !vdm_catalog_same(v->a->catalog, n, r, &same, err))
        return false;
    if (!same)
        vdm_report_add(v->report, seen(VDM_CATALOG_MISMATCH, n),
                       "the catalog does not say of it what its record says (`vidimus reindex`)");
    return true;
}

/* The record of a capture or amendment: there, as committed to, of the right document. */
static bool check_record(struct verify *v, const struct vdm_entry *e,
                         const struct vdm_ledger_row *row, struct vdm_err *err)
{
    bool amendment = e->kind == VDM_ENTRY_AMENDMENT;
    uint64_t capture = amendment ? e->capture.amends : e->n;
    struct vdm_record r;
    struct vdm_digest commitment;
    struct vdm_err why = {0};
    if (!row)
        return note_missing(v, (struct missing){e->n, true, !amendment, {{0}}}, err) &&
               (amendment || check_catalog(v, capture, e->n, NULL, err));
    if (row->odd || !vdm_record_decode(row->bytes, &r, &why)) {
        vdm_report_add(v->report, seen(VDM_RECORD_MISMATCH, e->n), "its record is malformed: %s",
                       row->odd ? "not text" : why.text);
        return true;
    }
    if (!vdm_record_commit(v->a->crypto, &r, &commitment, err))
        return false;
    if (!vdm_digest_equal(commitment, e->capture.record)) {
        vdm_report_add(v->report, seen(VDM_RECORD_MISMATCH, e->n),
                       "its record is not the one that the entry commits to");
        return true;
    }
    if (!check_catalog(v, capture, e->n, &r, err))
        return false;
    return amendment || check_document(v, e->n, &r, err);
}

/* What an amendment or withdrawal names must be a capture before it. */
static bool check_target(struct verify *v, uint64_t n, uint64_t of, struct vdm_err *err)
{
    struct vdm_buf bytes VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_note note;
    struct vdm_entry e;
    struct vdm_err why = {0};
    bool good = of < n && vdm_archive_entry(v->a, of, &bytes, &note, &e, &why) &&
                e.kind == VDM_ENTRY_CAPTURE;
    if (!good && why.kind == VDM_ERR_FAILED)
        return vdm_fail(err, "%s", why.text);
    if (!good)
        vdm_report_add(v->report, seen(VDM_ENTRY_MALFORMED, n),
                       "it is about entry %llu, which is no capture before it",
                       (unsigned long long)of);
    return true;
}

/* A withdrawal accounts for what is missing of its capture and of the capture's amendments. */
static bool settle_withdrawal(struct verify *v, const struct vdm_withdrawal *w, struct vdm_err *err)
{
    struct vdm_buf bytes VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_note note;
    struct vdm_entry e;
    size_t kept = 0;
    for (size_t i = 0; i < v->missings; i++) {
        struct missing m = v->missing[i];
        bool about = m.n == w->of;
        if (!about && m.record) {
            if (!vdm_archive_entry(v->a, m.n, &bytes, &note, &e, err))
                return false;
            about = e.kind == VDM_ENTRY_AMENDMENT && e.capture.amends == w->of;
        }
        if (about && w->scope != VDM_SCOPE_DOCUMENT)
            m.record = m.document = false; /* without the record nobody knows the document */
        else if (about && w->scope != VDM_SCOPE_RECORD && !m.record)
            m.document = false;
        if (m.record || m.document)
            v->missing[kept++] = m;
    }
    v->missings = kept;
    v->report->withdrawn++;
    return true;
}

static void report_missing(struct verify *v)
{
    char hex[65];
    for (size_t i = 0; i < v->missings; i++) {
        const struct missing *m = &v->missing[i];
        vdm_digest_hex(m->digest, hex);
        if (m->record)
            vdm_report_add(v->report, seen(VDM_RECORD_MISSING, m->n),
                           "its record is not in the ledger");
        else
            vdm_report_add(
                v->report,
                (struct vdm_seen){
                    .kind = VDM_DOCUMENT_MISSING, .entry = m->n, .document = hex, .expected = hex},
                "the store does not hold its document");
    }
}

/* --- the pass over all entries --- */

static const struct vdm_ledger_row *record_of(const struct vdm_ledger_slice *s, size_t *k,
                                              uint64_t n)
{
    while (*k < s->records && s->record[*k].n < n)
        ++*k;
    return *k < s->records && s->record[*k].n == n ? &s->record[*k] : NULL;
}

static bool check_kind(struct verify *v, const struct vdm_checked_entry *c,
                       const struct vdm_ledger_row *record, struct vdm_err *err)
{
    const struct vdm_entry *e = &c->entry;
    bool has_record = e->kind == VDM_ENTRY_CAPTURE || e->kind == VDM_ENTRY_AMENDMENT;
    if (record && !has_record && e->kind != VDM_ENTRY_UNKNOWN)
        vdm_report_add(v->report, seen(VDM_RECORD_MISMATCH, e->n),
                       "a record stands beside an entry that has none");
    if (e->kind == VDM_ENTRY_CAPTURE)
        v->report->captures++;
    if (e->kind == VDM_ENTRY_AMENDMENT && !check_target(v, e->n, e->capture.amends, err))
        return false;
    if (e->kind == VDM_ENTRY_WITHDRAWAL)
        return check_target(v, e->n, e->withdrawal.of, err) &&
               (!c->signer_good || settle_withdrawal(v, &e->withdrawal, err));
    return !has_record || check_record(v, e, record, err);
}

static bool check_entry(struct verify *v, const struct vdm_ledger_row *row,
                        const struct vdm_ledger_row *record, struct vdm_err *err)
{
    struct vdm_checked_entry c;
    struct vdm_digest leaf = vdm_tlog_leaf(v->a->crypto, row->bytes);
    if (!vdm_tile_writer_append(v->tree, leaf, err) ||
        !vdm_entry_check_next(&v->check, row->n, row->bytes, &c, err))
        return false;
    return !c.decoded || c.entry.n != row->n || check_kind(v, &c, record, err);
}

/* Entries must be dense; a gap ends the pass, since what follows has no place in the tree. */
static bool check_slice(struct verify *v, const struct vdm_ledger_slice *s, bool *gap,
                        struct vdm_err *err)
{
    size_t k = 0, p = 0;
    *gap = false;
    for (uint64_t n = s->from; n < s->to; n++) {
        size_t i = (size_t)(n - s->from);
        if (i >= s->entries || s->entry[i].n != n || s->entry[i].odd) {
            vdm_report_add(
                v->report,
                seen(i < s->entries && s->entry[i].n == n ? VDM_ENTRY_MALFORMED : VDM_TRUNCATED, n),
                "the ledger holds no entry of this number; nothing from here on can be checked");
            *gap = true;
            return true;
        }
        if (!check_entry(v, &s->entry[i], record_of(s, &k, n), err))
            return false;
        for (; p < s->checkpoints && s->checkpoint[p].n == n + 1; p++)
            check_stored_checkpoint(v, &s->checkpoint[p]);
        if (!compare_all_kept(v, n + 1, err))
            return false;
    }
    return true;
}

static bool pass(struct verify *v, struct vdm_err *err)
{
    struct vdm_ledger_slice slice = {0};
    bool ok = true, gap = false;
    for (uint64_t n = 0; ok && !gap && n < v->size; n = slice.to) {
        ok = vdm_ledger_read_slice(v->a->ledger, n, v->size, &slice, err) &&
             check_slice(v, &slice, &gap, err);
        vdm_progress_tell(v->progress, "verifying", slice.to, v->size, v->report->bytes);
        if (ok && vdm_progress_stop(v->progress))
            ok = vdm_fail_as(err, VDM_ERR_INTERRUPTED, "interrupted after %llu of %llu entries",
                             (unsigned long long)slice.to, (unsigned long long)v->size);
    }
    vdm_ledger_slice_release(&slice);
    return ok && (gap || vdm_tile_writer_flush(v->tree, err));
}

/* --- before and after the pass --- */

/* The keys first: a revocation reaches back to entries before it. */
static bool load_keyring(struct verify *v, struct vdm_err *err)
{
    struct vdm_ledger_slice slice = {0};
    bool ok = true;
    for (uint64_t n = 0; ok && n < v->size; n = slice.to) {
        ok = vdm_ledger_read_slice(v->a->ledger, n, v->size, &slice, err);
        for (size_t i = 0; ok && i < slice.entries; i++) {
            struct vdm_bytes b = slice.entry[i].bytes;
            if (vdm_bytes_start_with(b, VDM_LIT("vidimus/key/")) ||
                vdm_bytes_start_with(b, VDM_LIT("vidimus/genesis/")))
                ok = vdm_entry_check_feed(&v->check, b, slice.entry[i].n, err);
        }
    }
    vdm_ledger_slice_release(&slice);
    return ok;
}

static bool start(struct verify *v, struct vdm_err *err)
{
    struct vdm_buf note VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_checkpoint head = {0};
    struct vdm_err why = {0};
    struct vdm_tiles nothing = {v->a->crypto, NULL, NULL};
    if (!vdm_ledger_size(v->a->ledger, &v->size, err) ||
        !vdm_tile_writer_init(v->tree, &nothing, 0, compare_tile, v, err))
        return false;
    if (vdm_archive_head(v->a, &note, &head, &why))
        v->root = head.root;
    else if (why.kind == VDM_ERR_MALFORMED)
        vdm_report_add(v->report, seen(VDM_CHECKPOINT_INVALID, VDM_NO_ENTRY), "%s", why.text);
    else
        return vdm_fail_as(err, why.kind, "%s", why.text);
    memcpy(v->report->origin, v->a->origin, sizeof v->a->origin);
    v->report->size = v->size;
    v->report->root = v->root;
    return load_keyring(v, err);
}

static bool read_kept(struct verify *v, struct vdm_err *err)
{
    bool present;
    if (!vdm_guard_read(v->a->keys, &present, &v->guard, err) ||
        (present && !keep(v, vdm_buf_bytes(&v->guard), "keys/" VDM_GUARD_FILE, err)))
        return false;
    for (size_t i = 0; i < v->o->kepts; i++)
        if (!keep(v, v->o->kept[i], "the checkpoint that was kept", err))
            return false;
    if (v->o->kepts == 0)
        vdm_report_add(
            v->report, seen(VDM_FRESHNESS_UNKNOWN, VDM_NO_ENTRY),
            "no checkpoint kept elsewhere was given (--checkpoint): a newer state that was "
            "taken away together with keys/" VDM_GUARD_FILE " would not be noticed");
    return true;
}

static bool start_catalog(struct verify *v, struct vdm_err *err)
{
    struct vdm_catalog_reach reach;
    if (!v->a->catalog) {
        vdm_report_add(v->report, seen(VDM_CATALOG_BEHIND, VDM_NO_ENTRY),
                       "there is no usable catalog (`vidimus reindex` makes it): %s",
                       v->a->catalog_problem);
        return true;
    }
    if (!vdm_catalog_reached(v->a->catalog, &reach, err))
        return false;
    v->catalog_reach = reach.entries;
    if (reach.entries < v->size)
        vdm_report_add(v->report, seen(VDM_CATALOG_BEHIND, VDM_NO_ENTRY),
                       "the catalog reaches %llu of %llu entries",
                       (unsigned long long)reach.entries, (unsigned long long)v->size);
    return true;
}

/* How many tiles a tree of this size has. */
static uint64_t tiles_of(uint64_t size)
{
    uint64_t tiles = 0;
    for (uint64_t hashes = size; hashes > 0; hashes /= VDM_TILE_WIDTH)
        tiles += (hashes + VDM_TILE_WIDTH - 1) / VDM_TILE_WIDTH;
    return tiles;
}

static bool check_surplus(struct verify *v, struct vdm_err *err)
{
    struct vdm_ledger_surplus s;
    uint64_t size;
    if (!vdm_ledger_surplus(v->a->ledger, v->size, &s, err) ||
        !vdm_ledger_size(v->a->ledger, &size, err))
        return false;
    if (size != v->size) /* somebody went on writing meanwhile: the surplus is theirs */
        return true;
    if (s.entries)
        vdm_report_add(v->report, seen(VDM_TREE_MISMATCH, v->size),
                       "%llu entries that no checkpoint covers", (unsigned long long)s.entries);
    if (s.records)
        vdm_report_add(v->report, seen(VDM_RECORD_MISMATCH, v->size),
                       "%llu records that belong to no entry", (unsigned long long)s.records);
    if (s.checkpoints)
        vdm_report_add(v->report, seen(VDM_CHECKPOINT_INVALID, VDM_NO_ENTRY),
                       "%llu checkpoints of impossible sizes", (unsigned long long)s.checkpoints);
    if (s.tiles != tiles_of(v->size))
        vdm_report_add(v->report, seen(VDM_TREE_MISMATCH, VDM_NO_ENTRY),
                       "the tree is stored in %llu tiles instead of %llu",
                       (unsigned long long)s.tiles, (unsigned long long)tiles_of(v->size));
    if (s.others)
        vdm_report_add(v->report, seen(VDM_LEDGER_SCHEMA, VDM_NO_ENTRY),
                       "%llu rows in tables that this version leaves empty",
                       (unsigned long long)s.others);
    return true;
}

static bool visit_object(void *ctx, const struct vdm_store_item *item, bool *stop,
                         struct vdm_err *err)
{
    struct verify *v = ctx;
    bool known;
    char hex[65];
    if (item->stranger) {
        vdm_report_add(v->report, seen(VDM_ORPHAN_DOCUMENT, VDM_NO_ENTRY),
                       "store/%s does not belong there", item->stranger);
        return true;
    }
    if (!vdm_catalog_has_document(v->a->catalog, item->id, &known, err))
        return false;
    *stop = vdm_progress_stop(v->progress);
    if (known)
        return true;
    vdm_digest_hex(item->id, hex);
    vdm_report_add(
        v->report,
        (struct vdm_seen){.kind = VDM_ORPHAN_DOCUMENT, .entry = VDM_NO_ENTRY, .document = hex},
        "stored, but no capture is of it (an import that was interrupted leaves such)");
    return true;
}

/* Orphans are found by way of the catalog, so only where it is complete. */
static bool check_orphans(struct verify *v, struct vdm_err *err)
{
    if (!v->a->catalog || v->catalog_reach < v->size || v->o->without_documents)
        return true;
    return vdm_store_each(v->a->store, visit_object, v, err);
}

static void note_time(struct verify *v)
{
    if (!v->check.has_last || v->check.last_n + 1 != v->size)
        return;
    v->report->has_time = true;
    v->report->time = v->check.last_recorded;
}

static bool run(struct verify *v, struct vdm_err *err)
{
    if (!start(v, err) || !read_kept(v, err) || !start_catalog(v, err) || !pass(v, err))
        return false;
    vdm_entry_check_end(&v->check);
    report_missing(v);
    note_time(v);
    if (v->size == 0)
        vdm_report_add(v->report, seen(VDM_TRUNCATED, VDM_NO_ENTRY), "the ledger is empty");
    if (!check_surplus(v, err) || !check_orphans(v, err))
        return false;
    struct vdm_buf newest VDM_CLEANUP(vdm_buf_release) = {0};
    bool found;
    if (!vdm_ledger_checkpoint(v->a->ledger, v->size, &newest, &found, err))
        return false;
    struct vdm_trust trust = {v->o->trust, v->o->trusts, v->o->policy};
    vdm_check_trust(&v->check, &trust, vdm_buf_bytes(&newest), (struct vdm_bytes){0});
    return true;
}

/* Before anything is believed: is it the database that this version makes? */
static bool check_schema(struct vdm_archive *a, struct vdm_report *report, struct vdm_err *err)
{
    struct vdm_buf why VDM_CLEANUP(vdm_buf_release) = {0};
    if (!vdm_ledger_check_schema(a->store_path, &why, err))
        return false;
    if (why.n)
        vdm_report_add(report, seen(VDM_LEDGER_SCHEMA, VDM_NO_ENTRY), "ledger.db: %.*s", (int)why.n,
                       why.p);
    return true;
}

bool vdm_verify_archive(struct vdm_crypto *c, const char *path, const struct vdm_verify_options *o,
                        const struct vdm_progress *progress, struct vdm_report *report,
                        struct vdm_err *err)
{
    struct vdm_archive *a VDM_CLEANUP(vdm_archive_cleanup) = NULL;
    if (!vdm_archive_open(&a, c, path, VDM_ARCHIVE_READ, err))
        return false;
    struct verify v = {.a = a, .o = o, .progress = progress, .report = report};
    vdm_entry_check_init(&v.check, c, report);
    v.tree = malloc(sizeof *v.tree);
    v.recent = calloc(RECENT_DOCUMENTS, sizeof *v.recent);
    v.kept = calloc(o->kepts + 1, sizeof *v.kept);
    bool ok = v.tree && v.recent && v.kept ? check_schema(a, report, err) && run(&v, err)
                                           : vdm_fail_memory(err);
    vdm_entry_check_release(&v.check);
    vdm_buf_release(&v.guard);
    free(v.kept);
    free(v.tree);
    free(v.recent);
    free(v.missing);
    return ok;
}
