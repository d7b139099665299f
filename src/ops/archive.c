/* SPDX-License-Identifier: MIT */
#include "ops/archive.h"

#include "base/file.h"
#include "keys/guard.h"
#include "ops/fate.h"
#include "store/store_folder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Only to read: who writes may make it and throw it away, and must hold the ledger's lock for that. What
 * needs it says so where there is none; the rest works without. */
static void open_catalog(struct vdm_archive *a)
{
    struct vdm_err why = {0};
    if (!vdm_catalog_open(&a->catalog, a->store_path, VDM_LEDGER_READ, &why))
        snprintf(a->catalog_problem, sizeof a->catalog_problem, "%.190s", why.text);
}

static bool read_origin(struct vdm_archive *a, struct vdm_err *err)
{
    struct vdm_buf bytes VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_note note;
    struct vdm_entry genesis;
    struct vdm_err why = {0};
    if (vdm_archive_entry(a, 0, &bytes, &note, &genesis, &why))
        memcpy(a->origin, genesis.ledger.p, genesis.ledger.n);
    else if (why.kind != VDM_ERR_MALFORMED && why.kind != VDM_ERR_NOT_FOUND)
        return vdm_fail_as(err, why.kind, "%s", why.text);
    return true;
}

/* Asked before the first write, so that it is not told as the trouble of some file. */
static bool check_writable(const char *store, const char *path, struct vdm_err *err)
{
    if (faccessat(AT_FDCWD, store, W_OK, AT_EACCESS) == 0 || (errno != EROFS && errno != EACCES))
        return true;
    return vdm_fail(err, "the archive %s is read-only here: %s/store cannot be written (%s)", path,
                    path, strerror(errno));
}

static bool open_parts(struct vdm_archive *a, const char *path, enum vdm_archive_mode mode,
                       struct vdm_err *err)
{
    char *keys VDM_CLEANUP(vdm_free_string) = NULL;
    if (!(a->path = strdup(path)) || asprintf(&a->store_path, "%s/store", path) < 0 ||
        asprintf(&keys, "%s/keys", path) < 0)
        return vdm_fail_memory(err);
    enum vdm_ledger_mode ledger = mode == VDM_ARCHIVE_WRITE ? VDM_LEDGER_WRITE : VDM_LEDGER_READ;
    if (!vdm_dir_open(AT_FDCWD, keys, &a->keys, err) ||
        (mode == VDM_ARCHIVE_WRITE && (!check_writable(a->store_path, path, err) ||
                                       !vdm_store_check_local(a->store_path, err))) ||
        !vdm_ledger_open(&a->ledger, a->store_path, ledger, err)) {
        if (err && err->kind == VDM_ERR_NOT_FOUND)
            vdm_fail_as(err, VDM_ERR_NOT_FOUND,
                        "no archive at %s (name one with -C, or make one with `vidimus init`)",
                        path);
        return false;
    }
    open_catalog(a);
    return vdm_store_open_folder(&a->store, a->crypto, a->store_path, mode == VDM_ARCHIVE_WRITE,
                                 err) &&
           read_origin(a, err);
}

static void fail_interrupted(const char *path, struct vdm_err *err)
{
    char *store VDM_CLEANUP(vdm_free_string) = NULL;
    bool writable = asprintf(&store, "%s/store", path) >= 0 && access(store, W_OK) == 0;
    vdm_fail_as(
        err, VDM_ERR_RECOVER,
        "an import was interrupted here; run `vidimus recover` first%s (nothing acknowledged "
        "is lost)",
        writable ? "" : ", in a copy of the archive, since this place cannot be written");
}

bool vdm_archive_open(struct vdm_archive **out, struct vdm_crypto *c, const char *path,
                      enum vdm_archive_mode mode, struct vdm_err *err)
{
    struct vdm_archive *a = calloc(1, sizeof *a);
    if (!a)
        return vdm_fail_memory(err);
    a->crypto = c;
    a->keys = -1;
    if (!open_parts(a, path, mode, err)) {
        vdm_archive_close(a);
        if (err && err->kind == VDM_ERR_RECOVER)
            fail_interrupted(path, err);
        return false;
    }
    *out = a;
    return true;
}

void vdm_archive_close(struct vdm_archive *a)
{
    if (!a)
        return;
    vdm_fate_forget(a->fates);
    vdm_catalog_close(a->catalog);
    vdm_ledger_close(a->ledger);
    vdm_store_close(a->store);
    vdm_fd_close(&a->keys);
    free(a->path);
    free(a->store_path);
    free(a);
}

void vdm_archive_cleanup(struct vdm_archive **a)
{
    vdm_archive_close(*a);
    *a = NULL;
}

bool vdm_archive_head(struct vdm_archive *a, struct vdm_buf *note, struct vdm_checkpoint *head,
                      struct vdm_err *err)
{
    uint64_t size;
    bool found;
    struct vdm_note parsed;
    if (!vdm_ledger_size(a->ledger, &size, err) ||
        !vdm_ledger_checkpoint(a->ledger, size, note, &found, err))
        return false;
    if (!found)
        return vdm_fail_as(err, VDM_ERR_MALFORMED, "the ledger has no checkpoint");
    if (!vdm_checkpoint_open(vdm_buf_bytes(note), &parsed, head, err))
        return false;
    return head->size == size || vdm_fail_as(err, VDM_ERR_MALFORMED,
                                             "the newest checkpoint is stored under another size");
}

bool vdm_archive_entry(struct vdm_archive *a, uint64_t n, struct vdm_buf *bytes,
                       struct vdm_note *note, struct vdm_entry *out, struct vdm_err *err)
{
    bool found;
    vdm_buf_clear(bytes);
    if (!vdm_ledger_entry(a->ledger, n, bytes, &found, err))
        return false;
    if (!found)
        return vdm_fail_as(err, VDM_ERR_NOT_FOUND, "there is no entry %llu", (unsigned long long)n);
    if (!vdm_entry_open(a->crypto, vdm_buf_bytes(bytes), note, out, err))
        return vdm_err_prefix(err, "entry %llu", (unsigned long long)n);
    return true;
}

struct vdm_tiles vdm_archive_tiles(struct vdm_archive *a)
{
    return (struct vdm_tiles){a->crypto, vdm_ledger_read_tile, a->ledger};
}

bool vdm_archive_fail_empty(int keys, struct vdm_err *err)
{
    struct vdm_buf note VDM_CLEANUP(vdm_buf_release) = {0};
    bool signed_before;
    if (!vdm_guard_read(keys, &signed_before, &note, err))
        return false;
    if (signed_before)
        return vdm_fail_as(err, VDM_ERR_MALFORMED,
                           "rolled-back: the ledger is empty, but entries were signed "
                           "(keys/" VDM_GUARD_FILE "): restore the newer store");
    return vdm_fail_as(err, VDM_ERR_MALFORMED,
                       "the ledger is empty, as an interrupted `init` leaves it: remove keys/ and "
                       "store/, then run `vidimus init` again");
}

/* --- keyring --- */

/* The numbers of all genesis and key entries, newest first, by following `keyring` back. */
static bool key_entry_numbers(struct vdm_archive *a, uint64_t size, struct vdm_buf *numbers,
                              struct vdm_err *err)
{
    struct vdm_buf bytes VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_note note;
    struct vdm_entry e;
    uint64_t n = size - 1;
    for (unsigned i = 0; i <= VDM_KEY_ENTRIES_MAX + 1; i++) {
        if (!vdm_archive_entry(a, n, &bytes, &note, &e, err))
            return false;
        if (vdm_entry_is_key_entry(&e))
            vdm_buf_put(numbers, (struct vdm_bytes){(const uint8_t *)&n, sizeof n});
        if (n == 0)
            return vdm_buf_ok(numbers, err);
        if (e.keyring >= n)
            break;
        n = e.keyring;
    }
    return vdm_fail_as(err, VDM_ERR_MALFORMED, "the ledger's `keyring` numbers lead nowhere");
}

bool vdm_archive_keyring(struct vdm_archive *a, uint64_t size, struct vdm_entry_check *check,
                         struct vdm_err *err)
{
    struct vdm_buf numbers VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_buf bytes VDM_CLEANUP(vdm_buf_release) = {0};
    bool found;
    if (size == 0)
        return vdm_archive_fail_empty(a->keys, err);
    if (!key_entry_numbers(a, size, &numbers, err))
        return false;
    for (size_t i = numbers.n / sizeof(uint64_t); i-- > 0;) {
        uint64_t n;
        memcpy(&n, numbers.p + i * sizeof n, sizeof n);
        vdm_buf_clear(&bytes);
        if (!vdm_ledger_entry(a->ledger, n, &bytes, &found, err) ||
            !vdm_entry_check_feed(check, vdm_buf_bytes(&bytes), n, err))
            return false;
    }
    return check->has_genesis ||
           vdm_fail_as(err, VDM_ERR_MALFORMED, "the ledger has no valid genesis");
}

bool vdm_archive_ring(struct vdm_archive *a, struct vdm_keyring *out, uint64_t *size,
                      struct vdm_err *err)
{
    struct vdm_report nothing;
    struct vdm_entry_check check;
    vdm_report_init(&nothing);
    vdm_entry_check_init(&check, a->crypto, &nothing);
    bool ok = vdm_ledger_size(a->ledger, size, err) && vdm_archive_keyring(a, *size, &check, err);
    if (ok) {
        *out = check.keyring;
        vdm_keyring_init(&check.keyring);
    }
    vdm_entry_check_release(&check);
    vdm_report_release(&nothing);
    return ok;
}

/* --- guard --- */

bool vdm_archive_extends(struct vdm_archive *a, uint64_t size, const struct vdm_checkpoint *old,
                         enum vdm_guard_state *state, struct vdm_err *err)
{
    struct vdm_tiles tiles = vdm_archive_tiles(a);
    struct vdm_digest root;
    if (old->size > size) {
        *state = VDM_GUARD_AHEAD;
        return true;
    }
    if (!vdm_tiles_root(&tiles, old->size, &root, err))
        return false;
    *state = !vdm_digest_equal(root, old->root) ? VDM_GUARD_FORKED
             : old->size == size                ? VDM_GUARD_CURRENT
                                                : VDM_GUARD_BEHIND;
    return true;
}

bool vdm_archive_guard(struct vdm_archive *a, uint64_t size, enum vdm_guard_state *state,
                       uint64_t *guarded, struct vdm_err *err)
{
    struct vdm_buf bytes VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_note note;
    struct vdm_checkpoint old;
    bool present;
    *guarded = 0;
    if (!vdm_guard_read(a->keys, &present, &bytes, err))
        return false;
    if (!present) {
        *state = VDM_GUARD_MISSING;
        return true;
    }
    if (!vdm_checkpoint_open(vdm_buf_bytes(&bytes), &note, &old, err))
        return vdm_err_prefix(err, "keys/" VDM_GUARD_FILE);
    *guarded = old.size;
    if (!vdm_bytes_equal_str(old.origin, a->origin))
        return vdm_fail(err,
                        "keys/" VDM_GUARD_FILE " is of %.*s, but the ledger in store/ is %s: the "
                        "store of another archive stands here. Put the right one back",
                        (int)old.origin.n, (const char *)old.origin.p, a->origin);
    return vdm_archive_extends(a, size, &old, state, err);
}

bool vdm_archive_guard_now(struct vdm_archive *a, uint64_t *size, enum vdm_guard_state *state,
                           uint64_t *guarded, struct vdm_err *err)
{
    uint64_t after;
    if (!vdm_ledger_size(a->ledger, &after, err))
        return false;
    do {
        *size = after;
        if (!vdm_archive_guard(a, *size, state, guarded, err) ||
            !vdm_ledger_size(a->ledger, &after, err))
            return false;
    } while (*state == VDM_GUARD_AHEAD && after != *size);
    return true;
}

/* --- catalog --- */

static bool last_note_digest(struct vdm_archive *a, uint64_t size, struct vdm_digest *out,
                             struct vdm_err *err)
{
    struct vdm_buf bytes VDM_CLEANUP(vdm_buf_release) = {0};
    bool found = true;
    if (size > 0 && !vdm_ledger_entry(a->ledger, size - 1, &bytes, &found, err))
        return false;
    *out = vdm_sha256(a->crypto, vdm_buf_bytes(&bytes));
    return true;
}

bool vdm_archive_catalog_fits(struct vdm_archive *a, const struct vdm_catalog_reach *reach,
                              uint64_t size, bool *yes, struct vdm_err *err)
{
    struct vdm_digest last;
    *yes = reach->entries == 0;
    if (reach->entries == 0 || reach->entries > size)
        return true;
    if (!last_note_digest(a, reach->entries, &last, err))
        return false;
    *yes = vdm_digest_equal(last, reach->last);
    return true;
}

static bool learn_slice(struct vdm_archive *a, const struct vdm_ledger_slice *slice,
                        struct vdm_err *err)
{
    struct vdm_note note;
    struct vdm_entry e;
    struct vdm_record r;
    size_t k = 0;
    for (size_t i = 0; i < slice->entries; i++) {
        const struct vdm_ledger_row *row = &slice->entry[i];
        while (k < slice->records && slice->record[k].n < row->n)
            k++;
        /* What does not decode is for verify to report; the catalog passes over it. */
        if (!vdm_entry_open(a->crypto, row->bytes, &note, &e, NULL) || e.n != row->n)
            continue;
        bool has = k < slice->records && slice->record[k].n == row->n &&
                   vdm_record_decode(slice->record[k].bytes, &r, NULL);
        if (!vdm_catalog_learn(a->catalog, &e, has ? &r : NULL, err))
            return false;
    }
    return true;
}

static bool learn_all(struct vdm_archive *a, uint64_t from, uint64_t size,
                      struct vdm_ledger_slice *slice, const struct vdm_progress *progress,
                      struct vdm_err *err)
{
    for (uint64_t n = from; n < size; n = slice->to) {
        struct vdm_catalog_reach reach;
        if (!vdm_ledger_read_slice(a->ledger, n, size, slice, err) ||
            !vdm_catalog_begin(a->catalog, err) || !learn_slice(a, slice, err) ||
            !last_note_digest(a, slice->to, &reach.last, err))
            return false;
        reach.entries = slice->to;
        if (!vdm_catalog_commit(a->catalog, reach, err))
            return false;
        vdm_progress_tell(progress, "reindexing", slice->to, size, 0);
        if (vdm_progress_stop(progress))
            return vdm_fail_as(err, VDM_ERR_INTERRUPTED, "interrupted");
    }
    return true;
}

static void close_catalog(struct vdm_archive *a)
{
    vdm_catalog_close(a->catalog);
    a->catalog = NULL;
    a->catalog_writes = false;
}

static bool make_catalog(struct vdm_archive *a, struct vdm_err *err)
{
    close_catalog(a);
    a->catalog_writes = vdm_catalog_remove(a->store_path, err) &&
                        vdm_catalog_open(&a->catalog, a->store_path, VDM_LEDGER_WRITE, err);
    return a->catalog_writes;
}

/* The catalog, open for writing: the one that is there now. */
static bool use_catalog(struct vdm_archive *a, struct vdm_err *err)
{
    struct vdm_err why = {0};
    if (a->catalog_writes && vdm_catalog_is_there(a->catalog))
        return true;
    close_catalog(a);
    a->catalog_writes = vdm_catalog_open(&a->catalog, a->store_path, VDM_LEDGER_WRITE, &why);
    if (a->catalog_writes)
        return true;
    return why.kind == VDM_ERR_MALFORMED ? make_catalog(a, err) : vdm_fail(err, "%s", why.text);
}

bool vdm_archive_empty_catalog(struct vdm_archive *a, struct vdm_err *err)
{
    return (use_catalog(a, NULL) && vdm_catalog_clear(a->catalog, NULL)) || make_catalog(a, err);
}

/* How far the catalog goes, or *ours is false: it cannot be read, or is of another ledger. */
static bool find_reach(struct vdm_archive *a, uint64_t size, struct vdm_catalog_reach *reach,
                       bool *ours, struct vdm_err *err)
{
    struct vdm_err why = {0};
    *ours = false;
    if (vdm_catalog_reached(a->catalog, reach, &why))
        return vdm_archive_catalog_fits(a, reach, size, ours, err);
    return why.kind == VDM_ERR_MALFORMED || vdm_fail_as(err, why.kind, "%s", why.text);
}

bool vdm_archive_catch_up(struct vdm_archive *a, uint64_t size, const struct vdm_progress *progress,
                          struct vdm_err *err)
{
    struct vdm_catalog_reach reach;
    bool ours;
    if (!use_catalog(a, err) || !find_reach(a, size, &reach, &ours, err))
        return false;
    if (!ours) {
        if (!vdm_archive_empty_catalog(a, err))
            return false;
        reach.entries = 0;
    }
    struct vdm_ledger_slice slice = {0};
    bool ok = learn_all(a, reach.entries, size, &slice, progress, err);
    vdm_ledger_slice_release(&slice);
    return ok || vdm_err_prefix(err, "catalog");
}

bool vdm_catalog_lies(uint64_t n, struct vdm_err *err)
{
    return vdm_fail(err,
                    "the catalog does not say of entry %llu what its record says; run `vidimus "
                    "verify`, then `vidimus reindex`",
                    (unsigned long long)n);
}
