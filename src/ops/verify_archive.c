/* SPDX-License-Identifier: MIT */
#include "keys/guard.h"
#include "ops/trust_check.h"
#include "ops/verify_archive_state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- the tree --- */

/* The tile writer gives each tile of the rebuilt tree; compare it with the stored one. */
static bool compare_tile(void *ctx, uint8_t level, uint64_t index, unsigned width,
                         const struct vdm_digest *hashes, struct vdm_err *err)
{
    struct vdm_verify *v = ctx;
    struct vdm_digest stored[VDM_TILE_WIDTH];
    struct vdm_err why = {0};
    v->met.tiles++;
    v->met.hashes += width;
    if (!vdm_ledger_read_tile(v->a->ledger, level, index, width, stored, &why)) {
        if (why.kind == VDM_ERR_FAILED)
            return vdm_fail(err, "%s", why.text);
        vdm_report_add(v->report, vdm_seen_at(VDM_TREE_MISMATCH, VDM_NO_ENTRY), "%s", why.text);
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

/* `kept`: it was signed elsewhere; else it is one that the ledger itself holds. */
static void root_differs(struct vdm_verify *v, const struct vdm_checkpoint *head,
                         const struct vdm_verify_kept *kept)
{
    struct vdm_buf want VDM_CLEANUP(vdm_buf_release) = {0}, got VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_digest root = vdm_tile_writer_root(v->tree);
    vdm_base64_append(&want, vdm_digest_bytes(&head->root));
    vdm_base64_append(&got, vdm_digest_bytes(&root));
    vdm_buf_putc(&want, 0);
    vdm_buf_putc(&got, 0);
    struct vdm_seen s = {.kind = kept ? VDM_FORKED : VDM_TREE_MISMATCH,
                         .entry = VDM_NO_ENTRY,
                         .expected = want.failed ? NULL : (char *)want.p,
                         .found = got.failed ? NULL : (char *)got.p};
    if (kept)
        vdm_report_add(v->report, s,
                       "the first %llu entries are not those of %s: two histories were signed. To "
                       "prove it: vidimus fork-proof %s %s%s%s -o FILE.fork-proof",
                       (unsigned long long)head->size, kept->whose, v->a->path,
                       kept->is_guard ? v->a->path : "", kept->is_guard ? "/" : "", kept->whose);
    else
        vdm_report_add(v->report, s, "the first %llu entries have not the root that was signed",
                       (unsigned long long)head->size);
}

/* --- checkpoints --- */

static void check_stored_checkpoint(struct vdm_verify *v, const struct vdm_ledger_row *row)
{
    struct vdm_note note;
    struct vdm_checkpoint head;
    struct vdm_err why = {0};
    struct vdm_seen s = vdm_seen_at(VDM_CHECKPOINT_INVALID, VDM_NO_ENTRY);
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
static bool keep(struct vdm_verify *v, struct vdm_bytes bytes, const char *whose, bool is_guard,
                 struct vdm_err *err)
{
    struct vdm_note note;
    struct vdm_checkpoint head;
    if (!vdm_checkpoint_open(bytes, &note, &head, err))
        return vdm_err_prefix(err, "%s", whose);
    /* Without a genesis to be read there is no name; that is found by the pass. */
    if (v->a->origin[0] && !vdm_bytes_equal_str(head.origin, v->a->origin)) {
        if (!is_guard) /* a mistake of who named it */
            return vdm_fail(err, "%s is of another ledger: %.*s", whose, (int)head.origin.n,
                            (const char *)head.origin.p);
        vdm_report_add(
            v->report, vdm_seen_at(VDM_CHECKPOINT_INVALID, VDM_NO_ENTRY),
            "%s is of another ledger, %.*s: the store of another archive stands here. Put "
            "the right one back",
            whose, (int)head.origin.n, (const char *)head.origin.p);
        return true;
    }
    if (head.size > v->size)
        vdm_report_add(v->report, vdm_seen_at(VDM_ROLLED_BACK, VDM_NO_ENTRY),
                       "%s covers %llu entries, the ledger only %llu: it was put back to an older "
                       "state. Restore the newer store",
                       whose, (unsigned long long)head.size, (unsigned long long)v->size);
    if (head.size == 0)
        vdm_report_add(v->report, vdm_seen_at(VDM_CHECKPOINT_INVALID, VDM_NO_ENTRY),
                       "%s covers no entry: it can prove nothing", whose);
    v->kept[v->kepts++] = (struct vdm_verify_kept){bytes, head.size, whose, is_guard};
    return true;
}

/* The pass has just reached this size. A kept checkpoint must be by a ledger key to count. */
static bool compare_kept(struct vdm_verify *v, const struct vdm_verify_kept *kept,
                         struct vdm_err *err)
{
    struct vdm_note note;
    struct vdm_checkpoint head;
    const struct vdm_key_range *before;
    const struct vdm_key_range *key =
        vdm_keyring_ledger_key(&v->check.keyring, kept->size, &before);
    if (!vdm_checkpoint_open(kept->bytes, &note, &head, err))
        return false;
    if (!key || vdm_note_verify(&note, v->a->crypto, &key->key, NULL) != VDM_NOTE_GOOD)
        vdm_report_add(v->report, vdm_seen_at(VDM_CHECKPOINT_INVALID, VDM_NO_ENTRY),
                       "%s is not signed by this ledger's key", kept->whose);
    else if (!vdm_digest_equal(head.root, vdm_tile_writer_root(v->tree)))
        root_differs(v, &head, kept);
    else if (!kept->is_guard)
        v->report->extended++;
    return true;
}

static bool compare_all_kept(struct vdm_verify *v, uint64_t size, struct vdm_err *err)
{
    for (size_t i = 0; i < v->kepts; i++)
        if (v->kept[i].size == size && !compare_kept(v, &v->kept[i], err))
            return false;
    return true;
}

/* --- the pass over all entries --- */

static const struct vdm_ledger_row *record_of(const struct vdm_ledger_slice *s, size_t *k,
                                              uint64_t n)
{
    while (*k < s->records && s->record[*k].n < n)
        ++*k;
    return *k < s->records && s->record[*k].n == n ? &s->record[*k] : NULL;
}

static bool check_entry(struct vdm_verify *v, const struct vdm_ledger_row *row,
                        const struct vdm_ledger_row *record, struct vdm_err *err)
{
    struct vdm_checked_entry c;
    struct vdm_digest leaf =
        v->fact->has_leaf ? v->fact->leaf : vdm_tlog_leaf(v->a->crypto, row->bytes);
    uint64_t before = vdm_report_findings(v->report);
    v->met.entries++;
    v->met.records += record != NULL;
    if (!vdm_tile_writer_append(v->tree, leaf, err) ||
        !vdm_entry_check_next_known(&v->check, row->n, row->bytes, &v->fact->entry, &c, err))
        return false;
    if (!c.decoded || c.entry.n != row->n)
        return true;
    if (!vdm_verify_item(v, &c, record, err))
        return false;
    bool vouches = (c.entry.kind == VDM_ENTRY_AMENDMENT || c.entry.kind == VDM_ENTRY_WITHDRAWAL) &&
                   c.signer_good && vdm_report_findings(v->report) == before;
    return !vouches || vdm_entry_check_vouch(&v->check, &c.entry, err);
}

/* Entries must be dense; a gap ends the pass, since what follows has no place in the tree. */
static bool check_rows(struct vdm_verify *v, const struct vdm_verify_batch *b, struct vdm_err *err)
{
    const struct vdm_ledger_slice *s = &b->slice;
    size_t k = 0, p = 0;
    for (uint64_t n = s->from; n < s->to; n++) {
        size_t i = (size_t)(n - s->from);
        if (i >= s->entries || s->entry[i].n != n || s->entry[i].odd) {
            vdm_report_add(
                v->report,
                vdm_seen_at(
                    i < s->entries && s->entry[i].n == n ? VDM_ENTRY_MALFORMED : VDM_TRUNCATED, n),
                "the ledger holds no entry of this number; nothing from here on can be checked");
            v->gap = true;
            return true;
        }
        v->fact = &b->fact[i];
        if (!check_entry(v, &s->entry[i], record_of(s, &k, n), err))
            return false;
        if (p < s->checkpoints && s->checkpoint[p].n == n + 1) {
            check_stored_checkpoint(v, &s->checkpoint[p++]);
            v->met.checkpoints++;
        }
        vdm_verify_compare_since(v, n + 1);
        if (!compare_all_kept(v, n + 1, err))
            return false;
    }
    return true;
}

static bool check_batch(struct vdm_verify *v, const struct vdm_verify_batch *b, struct vdm_err *err)
{
    v->trouble = &b->trouble;
    vdm_verify_catalog_hold(v);
    bool ok = check_rows(v, b, err);
    v->fact = NULL;
    v->trouble = NULL;
    vdm_verify_catalog_let_go(v);
    vdm_progress_tell(v->progress, "verifying", b->slice.to, v->size, v->report->bytes);
    if (ok && vdm_progress_stop(v->progress))
        ok = vdm_fail_as(err, VDM_ERR_INTERRUPTED, "interrupted after %llu of %llu entries",
                         (unsigned long long)b->slice.to, (unsigned long long)v->size);
    return ok;
}

#define BATCHES 3 /* one is checked, one looked at, one read */

struct flow {
    struct vdm_verify_batch batch[BATCHES];
    uint64_t next; /* to be read */
    bool cut;      /* it could not be read, for the reason given */
    struct vdm_err why;
};

/* An empty one behind the last, and where they could not be read: what is checked before may end the pass. */
static void read_on(struct vdm_verify *v, struct flow *f, struct vdm_verify_batch *b)
{
    struct vdm_ledger_slice *s = &b->slice;
    s->to = 0;
    if (f->cut || f->next >= v->size)
        return;
    f->cut = !vdm_ledger_read_slice(v->a->ledger, f->next, v->size, s, &f->why);
    if (f->cut)
        s->to = 0;
    else
        f->next = s->to;
}

static bool look_ahead(struct vdm_verify *v, struct vdm_verify_batch *b, struct vdm_err *err)
{
    return b->slice.to == 0 || vdm_verify_ahead_start(v->ahead, b, err);
}

/* While one batch is checked, in order, the next is looked at on all processors, and the one behind it is there
 * already: nobody waits until it is read. */
static bool check_all(struct vdm_verify *v, struct flow *f, struct vdm_err *err)
{
    read_on(v, f, &f->batch[0]);
    if (!look_ahead(v, &f->batch[0], err))
        return false;
    read_on(v, f, &f->batch[1]);
    for (unsigned i = 0; !v->gap && f->batch[i].slice.to > 0; i = (i + 1) % BATCHES) {
        vdm_verify_ahead_finish(v->ahead);
        if (!look_ahead(v, &f->batch[(i + 1) % BATCHES], err))
            return false;
        read_on(v, f, &f->batch[(i + 2) % BATCHES]);
        if (!check_batch(v, &f->batch[i], err))
            return false;
    }
    return v->gap || !f->cut || vdm_fail_as(err, f->why.kind, "%s", f->why.text);
}

static bool pass(struct vdm_verify *v, struct vdm_err *err)
{
    struct flow f = {0};
    bool ok = check_all(v, &f, err);
    vdm_verify_ahead_finish(v->ahead);
    for (unsigned i = 0; i < BATCHES; i++)
        vdm_verify_batch_release(&f.batch[i]);
    return ok && (v->gap || vdm_tile_writer_flush(v->tree, err));
}

/* --- before and after the pass --- */

/* The keys first: a revocation reaches back to entries before it. */
static bool load_keyring(struct vdm_verify *v, struct vdm_err *err)
{
    struct vdm_buf entry VDM_CLEANUP(vdm_buf_release) = {0};
    bool found = true, ok = true;
    for (uint64_t n = 0; ok && found; n++) {
        vdm_buf_clear(&entry);
        ok = vdm_ledger_next_of_two(v->a->ledger, VDM_LIT("vidimus/key/"),
                                    VDM_LIT("vidimus/genesis/"), n, v->size, &n, &found, err) &&
             (!found || vdm_ledger_entry(v->a->ledger, n, &entry, &found, err));
        if (ok && found)
            ok = vdm_entry_check_feed(&v->check, vdm_buf_bytes(&entry), n, err);
    }
    return ok;
}

static bool start(struct vdm_verify *v, struct vdm_err *err)
{
    struct vdm_buf note VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_checkpoint head = {0};
    struct vdm_err why = {0};
    struct vdm_tiles nothing = {v->a->crypto, NULL, NULL};
    bool present;
    /* The guard first: who writes meanwhile takes the ledger along before it. */
    if (!vdm_guard_read(v->a->keys, &present, &v->guard, err) ||
        !vdm_ledger_size(v->a->ledger, &v->size, err) ||
        !vdm_tile_writer_init(v->tree, &nothing, 0, compare_tile, v, err))
        return false;
    if (vdm_archive_head(v->a, &note, &head, &why)) {
        v->size = head.size;
        v->root = head.root;
    } else if (why.kind == VDM_ERR_MALFORMED) {
        vdm_report_add(v->report, vdm_seen_at(VDM_CHECKPOINT_INVALID, VDM_NO_ENTRY), "%s",
                       why.text);
    } else {
        return vdm_fail_as(err, why.kind, "%s", why.text);
    }
    memcpy(v->report->origin, v->a->origin, sizeof v->a->origin);
    v->report->size = v->size;
    v->report->root = v->root;
    return load_keyring(v, err);
}

static bool read_kept(struct vdm_verify *v, struct vdm_err *err)
{
    if (v->guard.n > 0 && !keep(v, vdm_buf_bytes(&v->guard), "keys/" VDM_GUARD_FILE, true, err))
        return false;
    for (size_t i = 0; i < v->o->kepts; i++)
        if (!keep(v, v->o->kept[i].note, v->o->kept[i].name, false, err))
            return false;
    if (v->o->kepts == 0 && !v->o->since)
        vdm_report_add(
            v->report, vdm_seen_at(VDM_FRESHNESS_UNKNOWN, VDM_NO_ENTRY),
            "no checkpoint kept elsewhere was given (--checkpoint): a newer state that was "
            "taken away together with keys/" VDM_GUARD_FILE " would not be noticed");
    return true;
}

static void count_rows(struct vdm_verify *v, const struct vdm_ledger_counts *s)
{
    const struct vdm_ledger_counts *met = &v->met;
    if (s->entries != met->entries)
        vdm_report_add(v->report, vdm_seen_at(VDM_TREE_MISMATCH, v->size),
                       "%llu entries are stored, the newest checkpoint covers %llu",
                       (unsigned long long)s->entries, (unsigned long long)met->entries);
    if (s->records > met->records) /* one that is gone since was withdrawn just before we began */
        vdm_report_add(v->report, vdm_seen_at(VDM_RECORD_MISMATCH, VDM_NO_ENTRY),
                       "%llu records are stored, but entries have %llu",
                       (unsigned long long)s->records, (unsigned long long)met->records);
    if (s->checkpoints != met->checkpoints)
        vdm_report_add(v->report, vdm_seen_at(VDM_CHECKPOINT_INVALID, VDM_NO_ENTRY),
                       "%llu checkpoints are stored, %llu of them of possible sizes",
                       (unsigned long long)s->checkpoints, (unsigned long long)met->checkpoints);
    if (s->tiles != met->tiles || s->hashes != met->hashes)
        vdm_report_add(v->report, vdm_seen_at(VDM_TREE_MISMATCH, VDM_NO_ENTRY),
                       "the tree is stored as %llu hashes in %llu tiles instead of %llu in %llu",
                       (unsigned long long)s->hashes, (unsigned long long)s->tiles,
                       (unsigned long long)met->hashes, (unsigned long long)met->tiles);
}

/* The pass looked rows up by their numbers; here, whether there are others. */
static bool check_counts(struct vdm_verify *v, struct vdm_err *err)
{
    struct vdm_ledger_counts stored;
    uint64_t size;
    if (!vdm_ledger_counts(v->a->ledger, &stored, err) ||
        !vdm_ledger_size(v->a->ledger, &size, err))
        return false;
    if (size != v->size) /* somebody went on writing meanwhile: the surplus is theirs */
        return true;
    if (stored.others)
        vdm_report_add(v->report, vdm_seen_at(VDM_LEDGER_SCHEMA, VDM_NO_ENTRY),
                       "%llu rows in tables that this version leaves empty",
                       (unsigned long long)stored.others);
    if (v->gap)
        return true;
    count_rows(v, &stored);
    vdm_verify_count_catalog(v);
    return true;
}

static void note_time(struct vdm_verify *v)
{
    if (!v->check.has_last || v->check.last_n + 1 != v->size)
        return;
    v->report->has_time = true;
    v->report->time = v->check.last_recorded;
}

static bool run(struct vdm_verify *v, struct vdm_err *err)
{
    if (!start(v, err) || !vdm_verify_start_since(v, err) || !read_kept(v, err))
        return false;
    if (!vdm_verify_start_catalog(v, err) || !vdm_verify_ahead_open(&v->ahead, v, err) ||
        !pass(v, err))
        return false;
    vdm_entry_check_end(&v->check);
    if (!vdm_verify_meanwhile(v, err) || !vdm_verify_settle(v, err))
        return false;
    note_time(v);
    if (v->size == 0)
        vdm_report_add(v->report, vdm_seen_at(VDM_TRUNCATED, VDM_NO_ENTRY), "the ledger is empty");
    if (!check_counts(v, err) || !vdm_verify_orphans(v, err))
        return false;
    struct vdm_buf newest VDM_CLEANUP(vdm_buf_release) = {0};
    bool found;
    if (!vdm_ledger_checkpoint(v->a->ledger, v->size, &newest, &found, err))
        return false;
    struct vdm_trust trust = {v->o->trust, v->o->trusts, v->o->policy};
    vdm_check_trust(&v->check, &trust, vdm_buf_bytes(&newest), (struct vdm_bytes){0});
    return true;
}

/* Before anything is opened and believed: is it the database that this version makes? */
static bool check_schema(const char *path, struct vdm_report *report, bool *ours,
                         struct vdm_err *err)
{
    struct vdm_buf why VDM_CLEANUP(vdm_buf_release) = {0};
    char *store VDM_CLEANUP(vdm_free_string) = NULL;
    struct vdm_err problem = {0};
    if (asprintf(&store, "%s/store", path) < 0)
        return vdm_fail_memory(err);
    if (!vdm_ledger_check_schema(store, &why, &problem)) {
        if (problem.kind == VDM_ERR_MALFORMED)
            vdm_buf_puts(&why, problem.text);
        else if (problem.kind == VDM_ERR_FAILED)
            return vdm_fail(err, "%s", problem.text);
    } /* that there is none, or one to be recovered, is better said by opening it */
    *ours = why.n == 0;
    if (why.n)
        vdm_report_add(report, vdm_seen_at(VDM_LEDGER_SCHEMA, VDM_NO_ENTRY),
                       "ledger.db: %.*s; nothing in it was looked at", (int)why.n,
                       (const char *)why.p);
    return true;
}

static bool verify_open(struct vdm_verify *v, struct vdm_err *err)
{
    vdm_entry_check_init(&v->check, v->a->crypto, v->report);
    v->tree = malloc(sizeof *v->tree);
    v->kept = calloc(v->o->kepts + 1, sizeof *v->kept);
    if (!v->tree || !v->kept)
        return vdm_fail_memory(err);
    if (!vdm_store_met_open(&v->documents, err))
        return false;
    vdm_store_pass_over(v->a->store, v->documents);
    return true;
}

static void verify_release(struct vdm_verify *v)
{
    vdm_verify_ahead_close(v->ahead);
    vdm_store_pass_over(v->a->store, NULL);
    vdm_store_met_close(v->documents);
    vdm_entry_check_release(&v->check);
    vdm_buf_release(&v->guard);
    free(v->findings);
    free(v->kept);
    free(v->tree);
    free(v->missing);
    free(v->withdrawal);
    free(v->late);
    vdm_takedown_release(&v->held);
}

bool vdm_verify_archive(struct vdm_crypto *c, const char *path, const struct vdm_verify_options *o,
                        const struct vdm_progress *progress, struct vdm_report *report,
                        struct vdm_err *err)
{
    struct vdm_archive *a VDM_CLEANUP(vdm_archive_cleanup) = NULL;
    bool ours = false;
    if (!check_schema(path, report, &ours, err))
        return false;
    if (!ours)
        return true;
    if (!vdm_archive_open(&a, c, path, VDM_ARCHIVE_READ, err))
        return false;
    struct vdm_verify v = {.a = a, .o = o, .progress = progress, .report = report};
    bool ok = verify_open(&v, err) && run(&v, err);
    verify_release(&v);
    return ok;
}
