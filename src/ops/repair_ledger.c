/* SPDX-License-Identifier: MIT */
#include "ops/repair_ledger.h"

#include "base/file.h"
#include "base/text.h"
#include "keys/guard.h"
#include "ops/audit.h"
#include "ops/takedown.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOCK_SECONDS 120

struct rebuilding {
    struct vdm_archive *a;
    uint64_t has;     /* entries that the good ledger has */
    uint64_t guarded; /* entries that the guard covers, and their root */
    struct vdm_digest root;
    struct vdm_tile_writer *tree;
};

/* --- what the good ledger lacks --- */

static bool put_row(struct rebuilding *b, struct vdm_ledger *to, const struct vdm_ledger_row *row,
                    const struct vdm_ledger_row *record, struct vdm_err *err)
{
    if (row->odd)
        return vdm_fail_as(err, VDM_ERR_MALFORMED, "entry %llu is no entry",
                           (unsigned long long)row->n);
    return vdm_ledger_put_entry(to, row->n, row->bytes, err) &&
           (!record || record->odd || vdm_ledger_put_record(to, row->n, record->bytes, err)) &&
           vdm_tile_writer_append(b->tree, vdm_tlog_leaf(b->a->crypto, row->bytes), err);
}

static bool put_slice(struct rebuilding *b, struct vdm_ledger *to, const struct vdm_ledger_slice *s,
                      bool *open, struct vdm_err *err)
{
    size_t k = 0, p = 0;
    for (size_t i = 0; i < s->entries; i++) {
        const struct vdm_ledger_row *row = &s->entry[i];
        while (k < s->records && s->record[k].n < row->n)
            k++;
        while (p < s->checkpoints && s->checkpoint[p].n < row->n + 1)
            p++;
        if (!*open && !vdm_ledger_begin(to, err))
            return false;
        *open = true;
        if (!put_row(b, to, row, k < s->records && s->record[k].n == row->n ? &s->record[k] : NULL,
                     err))
            return false;
        if (p == s->checkpoints || s->checkpoint[p].n != row->n + 1)
            continue;
        if (!vdm_tile_writer_flush(b->tree, err) ||
            !vdm_ledger_commit(to, row->n + 1, s->checkpoint[p].bytes, err))
            return false;
        *open = false;
    }
    return true;
}

static bool append_rest(struct rebuilding *b, struct vdm_ledger *to, struct vdm_err *err)
{
    struct vdm_ledger_slice s = {0};
    bool ok = true, open = false;
    for (uint64_t n = b->has; ok && n < b->guarded; n = s.to)
        ok = vdm_ledger_read_slice(b->a->ledger, n, b->guarded, &s, err) &&
             put_slice(b, to, &s, &open, err);
    vdm_ledger_slice_release(&s);
    if (!ok)
        return vdm_err_prefix(err,
                              "the good ledger has %llu entries, %llu were signed, and those in "
                              "between cannot be read here",
                              (unsigned long long)b->has, (unsigned long long)b->guarded);
    return true;
}

/* The root alone says whether it is the ledger that was signed here. */
static bool check_root(struct rebuilding *b, struct vdm_ledger *l, struct vdm_err *err)
{
    struct vdm_tiles tiles = {b->a->crypto, vdm_ledger_read_tile, l};
    struct vdm_digest root;
    uint64_t size;
    if (!vdm_ledger_size(l, &size, err))
        return false;
    if (size < b->guarded)
        return vdm_fail(err,
                        "it has only %llu of the %llu entries that were signed here, and the rest "
                        "cannot be read",
                        (unsigned long long)size, (unsigned long long)b->guarded);
    return vdm_tiles_root(&tiles, b->guarded, &root, err) &&
           (vdm_digest_equal(root, b->root) ||
            vdm_fail(err, "it is not the ledger that was signed here (keys/" VDM_GUARD_FILE ")"));
}

/* Last of all: the copy takes its place next. */
static bool keep_aside(struct vdm_archive *a, struct vdm_err *err)
{
    int store VDM_CLEANUP(vdm_fd_close) = -1;
    char hex[17], name[64];
    uint8_t random[8];
    vdm_random(random, sizeof random);
    vdm_hex_encode(random, sizeof random, hex);
    snprintf(name, sizeof name, "ledger.db.damaged-%s", hex);
    return vdm_dir_open(AT_FDCWD, a->store_path, &store, err) &&
           vdm_file_link(store, "ledger.db", name, err) && vdm_fd_sync(store, err);
}

static bool complete(void *ctx, const char *aside, struct vdm_err *err)
{
    struct rebuilding *b = ctx;
    struct vdm_ledger *to VDM_CLEANUP(vdm_ledger_cleanup) = NULL;
    if (!vdm_ledger_open(&to, aside, VDM_LEDGER_WRITE, err) || !vdm_ledger_size(to, &b->has, err))
        return false;
    struct vdm_tiles tiles = {b->a->crypto, vdm_ledger_read_tile, to};
    return vdm_tile_writer_init(b->tree, &tiles, b->has, vdm_ledger_write_tile, to, err) &&
           append_rest(b, to, err) && check_root(b, to, err) && keep_aside(b->a, err);
}

/* --- the whole --- */

static bool read_guard(struct rebuilding *b, struct vdm_err *err)
{
    struct vdm_buf bytes VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_note note;
    struct vdm_checkpoint head;
    bool present;
    if (!vdm_guard_read(b->a->keys, &present, &bytes, err))
        return false;
    if (!present)
        return vdm_fail(err, "keys/" VDM_GUARD_FILE
                             " is missing: nothing says which ledger was signed here");
    if (!vdm_checkpoint_open(vdm_buf_bytes(&bytes), &note, &head, err))
        return false;
    b->guarded = head.size;
    b->root = head.root;
    return true;
}

/* The handle is of the file that was; what was withdrawn here after the other copy was made goes. */
static bool open_anew(struct vdm_archive **a, uint64_t from, struct vdm_err *err)
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
    bool ok = vdm_ledger_size(fresh->ledger, &size, err) &&
              (from >= size || vdm_erase_withdrawn(fresh, from, size, NULL, err));
    vdm_ledger_unlock(fresh->ledger);
    return ok;
}

static bool rebuild(struct vdm_archive **a, struct rebuilding *b, const char *from_store,
                    struct vdm_err *err)
{
    struct vdm_ledger *good VDM_CLEANUP(vdm_ledger_cleanup) = NULL;
    if (!vdm_ledger_open(&good, from_store, VDM_LEDGER_READ, err) ||
        !vdm_ledger_lock((*a)->ledger, LOCK_SECONDS, &(*a)->wait, err))
        return false;
    bool ok = read_guard(b, err) && vdm_ledger_copy(good, (*a)->store_path, complete, b, err);
    if (!ok)
        vdm_ledger_unlock((*a)->ledger);
    return ok && open_anew(a, b->has, err);
}

bool vdm_repair_ledger(struct vdm_archive **a, const char *from_store, struct vdm_err *err)
{
    struct rebuilding b = {.a = *a, .tree = malloc(sizeof *b.tree)};
    if (!b.tree)
        return vdm_fail_memory(err);
    bool ok = rebuild(a, &b, from_store, err) || vdm_err_prefix(err, "repair of the ledger");
    free(b.tree);
    return ok;
}
