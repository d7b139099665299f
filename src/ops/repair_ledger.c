/* SPDX-License-Identifier: MIT */
#include "ops/repair_ledger.h"

#include "base/file.h"
#include "base/text.h"
#include "keys/guard.h"
#include "ops/audit_state.h"
#include "ops/takedown.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LOCK_SECONDS 120
#define LEDGER       "ledger.db"
#define ASIDE        "incoming"

struct rebuilding {
    struct vdm_archive *a;
    struct vdm_ledger *good; /* the other copy: nothing of it is believed */
    struct vdm_ledger *to;
    uint64_t size;        /* of the new ledger */
    struct vdm_buf guard; /* the checkpoint that was remembered here */
    struct vdm_checkpoint guarded;
    struct vdm_tile_writer *tree;
    struct vdm_buf bytes; /* of one row */
};

/* --- one row, from either side --- */

typedef bool read_fn(struct vdm_ledger *l, uint64_t n, struct vdm_buf *out, bool *found,
                     struct vdm_err *err);
typedef bool fits_fn(struct rebuilding *b, struct vdm_bytes bytes, const void *what);

/* What cannot be read is not there. */
static bool read_row(struct rebuilding *b, struct vdm_ledger *from, read_fn *read, uint64_t n,
                     bool *found, struct vdm_err *err)
{
    struct vdm_err why = {0};
    vdm_buf_clear(&b->bytes);
    if (read(from, n, &b->bytes, found, &why))
        return true;
    *found = false;
    return !vdm_err_is_memory(&why) || vdm_fail_memory(err);
}

static bool choose_row(struct rebuilding *b, read_fn *read, uint64_t n, fits_fn *fits,
                       const void *what, bool *found, struct vdm_err *err)
{
    struct vdm_ledger *const sides[] = {b->good, b->a->ledger};
    *found = false;
    for (size_t i = 0; i < 2 && !*found; i++) {
        if (!read_row(b, sides[i], read, n, found, err))
            return false;
        *found = *found && fits(b, vdm_buf_bytes(&b->bytes), what);
    }
    return true;
}

/* --- the new ledger, row by row --- */

static bool entry_fits(struct rebuilding *b, struct vdm_bytes bytes, const void *what)
{
    const uint64_t *n = what;
    struct vdm_note note;
    struct vdm_entry e;
    return vdm_entry_open(b->a->crypto, bytes, &note, &e, NULL) && e.n == *n;
}

static bool record_fits(struct rebuilding *b, struct vdm_bytes bytes, const void *what)
{
    const struct vdm_digest *wanted = what;
    struct vdm_digest commitment;
    struct vdm_record r;
    return vdm_record_decode(bytes, &r, NULL) &&
           vdm_record_commit(b->a->crypto, &r, &commitment, NULL) &&
           vdm_digest_equal(commitment, *wanted);
}

/* Who signed it is looked at once the keys are known. */
static bool checkpoint_fits(struct rebuilding *b, struct vdm_bytes bytes, const void *what)
{
    const uint64_t *size = what;
    struct vdm_note note;
    struct vdm_checkpoint head;
    return vdm_checkpoint_open(bytes, &note, &head, NULL) && head.size == *size &&
           vdm_digest_equal(head.root, vdm_tile_writer_root(b->tree));
}

static bool put_entry(struct rebuilding *b, uint64_t n, struct vdm_digest *record, bool *has_record,
                      struct vdm_err *err)
{
    struct vdm_note note;
    struct vdm_entry e;
    bool found;
    if (!choose_row(b, vdm_ledger_entry, n, entry_fits, &n, &found, err))
        return false;
    struct vdm_bytes bytes = vdm_buf_bytes(&b->bytes);
    if (!found)
        return vdm_fail_as(err, VDM_ERR_MALFORMED, "entry %llu can be read neither there nor here",
                           (unsigned long long)n);
    if (!vdm_entry_open(b->a->crypto, bytes, &note, &e, err))
        return false;
    *has_record = e.kind == VDM_ENTRY_CAPTURE || e.kind == VDM_ENTRY_AMENDMENT;
    if (*has_record)
        *record = e.capture.record;
    return vdm_ledger_put_entry(b->to, n, bytes, err) &&
           vdm_tile_writer_append(b->tree, vdm_tlog_leaf(b->a->crypto, bytes), err);
}

static bool put_record(struct rebuilding *b, uint64_t n, struct vdm_digest wanted,
                       struct vdm_err *err)
{
    bool found;
    return choose_row(b, vdm_ledger_record, n, record_fits, &wanted, &found, err) &&
           (!found || vdm_ledger_put_record(b->to, n, vdm_buf_bytes(&b->bytes), err));
}

static bool check_guarded(struct rebuilding *b, struct vdm_err *err)
{
    return vdm_digest_equal(b->guarded.root, vdm_tile_writer_root(b->tree)) ||
           vdm_fail(err, "it is not the ledger that was signed here (keys/" VDM_GUARD_FILE ")");
}

/* The last one ends the transaction. */
static bool put_checkpoint(struct rebuilding *b, uint64_t size, struct vdm_err *err)
{
    bool found;
    if (size == b->guarded.size && !check_guarded(b, err))
        return false;
    if (!choose_row(b, vdm_ledger_checkpoint, size, checkpoint_fits, &size, &found, err))
        return false;
    struct vdm_bytes bytes = vdm_buf_bytes(found ? &b->bytes : &b->guard);
    found = found || size == b->guarded.size;
    if (size < b->size)
        return !found || vdm_ledger_put_checkpoint(b->to, size, bytes, err);
    if (!found)
        return vdm_fail(err, "its newest checkpoint is not one of its entries");
    return vdm_tile_writer_flush(b->tree, err) && vdm_ledger_commit(b->to, size, bytes, err);
}

static bool put_rows(struct rebuilding *b, struct vdm_err *err)
{
    const struct vdm_tiles nothing = {b->a->crypto, NULL, NULL};
    if (!vdm_tile_writer_init(b->tree, &nothing, 0, vdm_ledger_write_tile, b->to, err) ||
        !vdm_ledger_begin(b->to, err))
        return false;
    for (uint64_t n = 0; n < b->size; n++) {
        struct vdm_digest record;
        bool has_record;
        if (!put_entry(b, n, &record, &has_record, err) ||
            (has_record && !put_record(b, n, record, err)) || !put_checkpoint(b, n + 1, err))
            return false;
    }
    return true;
}

/* --- is it good? --- */

/* The root says that the entries which the guard covers are those that were signed here, so a key that
 * was revoked since is no reason against them. */
static bool is_grave(const struct rebuilding *b, const struct vdm_finding *f)
{
    return f->kind != VDM_SIGNER_UNAUTHORIZED || f->entry >= b->guarded.size;
}

static bool check_findings(const struct rebuilding *b, const struct vdm_report *r,
                           struct vdm_err *err)
{
    const struct vdm_findings *f = &r->findings;
    if (r->no_memory)
        return vdm_fail_memory(err);
    for (size_t i = 0; i < f->count; i++)
        if (is_grave(b, &f->list[i]))
            return vdm_fail(err, "it is not as it was signed: %s", f->list[i].message);
    return f->total == f->count || vdm_fail(err, "it is not as it was signed");
}

static bool check_record_there(struct vdm_audit_run *r, const struct vdm_ledger_row *row,
                               bool has_record, struct vdm_err *err)
{
    struct vdm_note note;
    struct vdm_entry e;
    if (has_record || !vdm_entry_open(r->a->crypto, row->bytes, &note, &e, NULL) ||
        (e.kind != VDM_ENTRY_CAPTURE && e.kind != VDM_ENTRY_AMENDMENT))
        return true;
    uint64_t capture = e.kind == VDM_ENTRY_AMENDMENT ? e.capture.amends : e.n;
    const struct vdm_audit_withdrawn *w = vdm_audit_withdrawal(r, capture);
    return (w && w->record) ||
           vdm_fail(err, "the record of entry %llu is good neither there nor here",
                    (unsigned long long)e.n);
}

/* Only a withdrawal takes a record away. */
static bool check_records(struct vdm_audit_run *r, struct vdm_err *err)
{
    struct vdm_ledger_slice s = {0};
    bool ok = true;
    for (uint64_t n = 0; ok && n < r->size; n = s.to) {
        ok = vdm_ledger_read_slice(r->a->ledger, n, r->size, &s, err);
        for (size_t i = 0, k = 0; ok && i < s.entries; i++) {
            while (k < s.records && s.record[k].n < s.entry[i].n)
                k++;
            bool has_record = k < s.records && s.record[k].n == s.entry[i].n;
            ok = check_record_there(r, &s.entry[i], has_record, err);
        }
    }
    vdm_ledger_slice_release(&s);
    return ok;
}

/* As an audit does, but no earlier audit is believed: every entry's form, chain, key and signature, every
 * checkpoint, every tile. */
static bool check_all(struct rebuilding *b, struct vdm_err *err)
{
    struct vdm_archive copy = {.crypto = b->a->crypto, .keys = b->a->keys, .ledger = b->to};
    struct vdm_audit_done done = {0};
    struct vdm_audit_run r = {.a = &copy, .done = &done, .size = b->size};
    snprintf(copy.origin, sizeof copy.origin, "%.*s", (int)b->guarded.origin.n,
             (const char *)b->guarded.origin.p);
    done.root = vdm_tile_writer_root(b->tree);
    bool ok = vdm_audit_begin(&r, err) && vdm_audit_ledger(&r, err) &&
              check_findings(b, r.report, err) && vdm_check_authority(&copy, err) &&
              check_records(&r, err);
    vdm_audit_end(&r);
    vdm_audit_done_release(&done);
    return ok;
}

/* --- its file --- */

/* Last of all: the new one takes its place next. */
static bool keep_aside(int store, struct vdm_err *err)
{
    char hex[17], name[64];
    uint8_t random[8];
    vdm_random(random, sizeof random);
    vdm_hex_encode(random, sizeof random, hex);
    snprintf(name, sizeof name, LEDGER ".damaged-%s", hex);
    return vdm_file_link(store, LEDGER, name, err) && vdm_fd_sync(store, err);
}

/* In a store that a group shares it is the group's, too. */
static bool move_in(int aside, int store, struct vdm_err *err)
{
    int fd VDM_CLEANUP(vdm_fd_close) = -1;
    return vdm_file_open(aside, LEDGER, false, &fd, err) && vdm_fd_share(store, fd, 0660, err) &&
           keep_aside(store, err) && vdm_file_move(aside, LEDGER, store, LEDGER, err);
}

static void clear_aside(int store)
{
    unlinkat(store, ASIDE "/" LEDGER, 0);
    unlinkat(store, ASIDE "/" LEDGER "-journal", 0);
    unlinkat(store, ASIDE, AT_REMOVEDIR);
}

static bool build_aside(struct rebuilding *b, int store, struct vdm_err *err)
{
    char *aside VDM_CLEANUP(vdm_free_string) = NULL;
    if (asprintf(&aside, "%s/" ASIDE, b->a->store_path) < 0)
        return vdm_fail_memory(err);
    bool ok = vdm_dir_make(store, ASIDE, 0700, true, err) && vdm_ledger_create(aside, 0, err) &&
              vdm_ledger_open(&b->to, aside, VDM_LEDGER_WRITE, err) && put_rows(b, err) &&
              check_all(b, err);
    vdm_ledger_close(b->to);
    b->to = NULL;
    return ok;
}

static bool replace(struct rebuilding *b, struct vdm_err *err)
{
    int store VDM_CLEANUP(vdm_fd_close) = -1, aside VDM_CLEANUP(vdm_fd_close) = -1;
    if (!vdm_dir_open(AT_FDCWD, b->a->store_path, &store, err))
        return false;
    clear_aside(store);
    bool ok = build_aside(b, store, err) && vdm_dir_open(store, ASIDE, &aside, err) &&
              move_in(aside, store, err);
    clear_aside(store);
    return ok;
}

/* --- the whole --- */

static bool read_guard(struct rebuilding *b, struct vdm_err *err)
{
    struct vdm_note note;
    bool present;
    if (!vdm_guard_read(b->a->keys, &present, &b->guard, err))
        return false;
    if (!present)
        return vdm_fail(err, "keys/" VDM_GUARD_FILE
                             " is missing: nothing says which ledger was signed here");
    return vdm_checkpoint_open(vdm_buf_bytes(&b->guard), &note, &b->guarded, err);
}

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* What was committed here and not yet acknowledged is signed all the same. */
static bool own_size(struct rebuilding *b, uint64_t *size, struct vdm_err *err)
{
    struct vdm_err why = {0};
    struct vdm_note note;
    struct vdm_checkpoint head;
    uint64_t newest;
    bool found;
    *size = 0;
    if (!vdm_ledger_size(b->a->ledger, &newest, &why))
        return !vdm_err_is_memory(&why) || vdm_fail_memory(err);
    if (!read_row(b, b->a->ledger, vdm_ledger_checkpoint, newest, &found, err))
        return false;
    if (found && vdm_checkpoint_open(vdm_buf_bytes(&b->bytes), &note, &head, NULL) &&
        head.size == newest)
        *size = newest;
    return true;
}

static bool choose_size(struct rebuilding *b, struct vdm_err *err)
{
    uint64_t there, here;
    if (!vdm_ledger_size(b->good, &there, err) || !own_size(b, &here, err))
        return false;
    b->size = larger(b->guarded.size, larger(there, here));
    return true;
}

/* The handle is of the file that was. What the other copy still has though it was withdrawn goes. */
static bool open_anew(struct vdm_archive **a, struct vdm_err *err)
{
    struct vdm_archive *fresh = NULL;
    uint64_t size;
    if (!vdm_archive_open(&fresh, (*a)->crypto, (*a)->path, VDM_ARCHIVE_WRITE, err))
        return false;
    fresh->wait = (*a)->wait;
    vdm_audit_forget_file(fresh);
    vdm_archive_close(*a); /* and with it the lock */
    *a = fresh;
    if (!vdm_ledger_lock(fresh->ledger, LOCK_SECONDS, &fresh->wait, err))
        return false;
    bool ok = vdm_ledger_size(fresh->ledger, &size, err) && vdm_erase_left(fresh, size, NULL, err);
    vdm_ledger_unlock(fresh->ledger);
    return ok;
}

static bool rebuild(struct vdm_archive **a, struct rebuilding *b, const char *from_store,
                    struct vdm_err *err)
{
    if (!vdm_ledger_open(&b->good, from_store, VDM_LEDGER_READ, err) ||
        !vdm_ledger_lock((*a)->ledger, LOCK_SECONDS, &(*a)->wait, err))
        return false;
    bool ok = read_guard(b, err) && choose_size(b, err) && replace(b, err);
    if (!ok)
        vdm_ledger_unlock((*a)->ledger);
    return ok && open_anew(a, err);
}

bool vdm_repair_ledger(struct vdm_archive **a, const char *from_store, struct vdm_err *err)
{
    struct rebuilding b = {.a = *a, .tree = malloc(sizeof *b.tree)};
    if (!b.tree)
        return vdm_fail_memory(err);
    bool ok = rebuild(a, &b, from_store, err) || vdm_err_prefix(err, "repair of the ledger");
    vdm_ledger_close(b.good);
    vdm_buf_release(&b.guard);
    vdm_buf_release(&b.bytes);
    free(b.tree);
    return ok;
}
