/* SPDX-License-Identifier: MIT */
#include "ledger/ledger.h"

#include "base/file.h"
#include "base/time.h"
#include "ledger/ledger_private.h"
#include "ledger/schema.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const sql[STATEMENTS] = {
    [STMT_SIZE] = "SELECT coalesce(max(size), 0) FROM checkpoint WHERE size > 0",
    [STMT_ENTRY] = "SELECT note FROM entry WHERE n = ?",
    [STMT_RECORD] = "SELECT text FROM record WHERE n = ?",
    [STMT_CHECKPOINT] = "SELECT note FROM checkpoint WHERE size = ?",
    [STMT_TILE] = "SELECT hashes FROM tile WHERE level = ? AND \"index\" = ?",
    [STMT_SLICE_ENTRIES] = "SELECT n, note FROM entry WHERE n >= ? AND n < ? ORDER BY n",
    [STMT_SLICE_RECORDS] = "SELECT n, text FROM record WHERE n >= ? AND n < ? ORDER BY n",
    [STMT_SLICE_CHECKPOINTS] =
        "SELECT size, note FROM checkpoint WHERE size > ? AND size <= ? ORDER BY size",
    [STMT_PUT_ENTRY] = "INSERT INTO entry(n, note) VALUES(?, ?)",
    [STMT_PUT_RECORD] = "INSERT INTO record(n, text) VALUES(?, ?)",
    [STMT_PUT_CHECKPOINT] = "INSERT INTO checkpoint(size, note) VALUES(?, ?)",
    [STMT_PUT_TILE] = "INSERT INTO tile(level, \"index\", hashes) VALUES(?, ?, ?)",
    [STMT_FIRST_ROW] = "SELECT n FROM entry WHERE n >= ?1 AND n < ?2 ORDER BY n LIMIT 1",
    [STMT_LAST_ROW] = "SELECT n FROM entry WHERE n >= ?1 AND n < ?2 ORDER BY n DESC LIMIT 1",
    [STMT_NEXT] = "SELECT n FROM entry WHERE n >= ?1 AND n < ?2 "
                  "AND substr(note, 1, length(?3)) = ?3 ORDER BY n LIMIT 1",
    [STMT_NEXT_OF_TWO] =
        "SELECT n FROM entry WHERE n >= ?1 AND n < ?2 AND (substr(note, 1, length(?3)) = ?3 OR "
        "substr(note, 1, length(?4)) = ?4) ORDER BY n LIMIT 1",
    [STMT_LAST] = "SELECT n FROM entry WHERE n >= ?1 AND n < ?2 "
                  "AND substr(note, 1, length(?3)) = ?3 ORDER BY n DESC LIMIT 1",
    [STMT_COUNT] = "SELECT count(*) FROM entry WHERE n >= ?1 AND n < ?2 "
                   "AND substr(note, 1, length(?3)) = ?3",
    [STMT_ERASE_RECORD] = "DELETE FROM record WHERE n = ?",
    [STMT_GROW_TILE] = "UPDATE tile SET hashes = ?3 WHERE level = ?1 AND \"index\" = ?2",
};

bool vdm_ledger_statement(struct vdm_ledger *l, enum vdm_ledger_statement which, sqlite3_stmt **out,
                          struct vdm_err *err)
{
    if (!l->statement[which] && !vdm_db_prepare(l->db, sql[which], &l->statement[which], err))
        return false;
    *out = l->statement[which];
    return true;
}

static bool is_one_of(const char *name, const char *const *names)
{
    for (; *names; names++)
        if (strcmp(name, *names) == 0)
            return true;
    return false;
}

/* After opening, a ledger is only ever read and appended to: whatever else a statement would do, from
 * here or slipped in, SQLite refuses to prepare it. */
static int authorize(void *write, int action, const char *a, const char *b, const char *database,
                     const char *trigger)
{
    static const char *const tables[] = {"entry", "checkpoint", "tile", "record", NULL};
    static const char *const functions[] = {"coalesce", "max",    "count",  "sum",
                                            "length",   "substr", "typeof", "quote",
                                            "instr",    "char",   NULL};
    (void)database;
    (void)trigger;
    switch (action) {
    case SQLITE_SELECT:
    case SQLITE_READ:
        return SQLITE_OK;
    case SQLITE_FUNCTION:
        return is_one_of(b, functions) ? SQLITE_OK : SQLITE_DENY;
    case SQLITE_TRANSACTION:
        return SQLITE_OK;
    case SQLITE_INSERT:
        return write && is_one_of(a, tables) ? SQLITE_OK : SQLITE_DENY;
    case SQLITE_UPDATE: /* tiles at the right edge grow */
        return write && strcmp(a, "tile") == 0 && strcmp(b, "hashes") == 0 ? SQLITE_OK
                                                                           : SQLITE_DENY;
    case SQLITE_DELETE: /* of what is withdrawn: a trigger looks */
        return write && strcmp(a, "record") == 0 ? SQLITE_OK : SQLITE_DENY;
    default:
        return SQLITE_DENY;
    }
}

#define NEW_FILE "ledger.db.new"

static const struct vdm_db_kind ledger_kind = {
    .file = "ledger.db",
    .application_id = VDM_LEDGER_APPLICATION_ID,
    .version = VDM_LEDGER_SCHEMA_VERSION,
    .schema = vdm_ledger_schema,
    .authorize = authorize,
    .page_size = 4096,
    .cache_kib = 4096,
};

/* Its tables are made under another name: a process that is killed meanwhile leaves no ledger that
 * cannot be opened. */
static bool make_new(const char *store, const struct vdm_db_kind *kind, struct vdm_err *err)
{
    char *path VDM_CLEANUP(vdm_free_string) = vdm_db_path(store, NEW_FILE);
    sqlite3 *db = NULL;
    if (!path)
        return vdm_fail_errno(err, "%s", store);
    if (!vdm_db_open(&db, kind, path, VDM_DB_CREATE, err))
        return false;
    sqlite3_close(db);
    return true;
}

static void remove_new(int folder)
{
    unlinkat(folder, NEW_FILE "-journal", 0);
    unlinkat(folder, NEW_FILE, 0);
}

bool vdm_ledger_create(const char *store, int page_size, struct vdm_err *err)
{
    struct vdm_db_kind kind = ledger_kind;
    int folder VDM_CLEANUP(vdm_fd_close) = -1;
    if (page_size)
        kind.page_size = page_size;
    if (!vdm_dir_open(AT_FDCWD, store, &folder, err))
        return false;
    remove_new(folder);
    bool ok = make_new(store, &kind, err) && vdm_file_link(folder, NEW_FILE, ledger_kind.file, err);
    remove_new(folder);
    return ok && vdm_fd_sync(folder, err);
}

bool vdm_ledger_open(struct vdm_ledger **out, const char *store, enum vdm_ledger_mode mode,
                     struct vdm_err *err)
{
    char *path VDM_CLEANUP(vdm_free_string) = vdm_db_path(store, ledger_kind.file);
    struct stat st;
    if (!path || stat(path, &st) != 0)
        return errno == ENOENT || errno == ENOTDIR
                   ? vdm_fail_as(err, VDM_ERR_NOT_FOUND, "no ledger at %s", store)
                   : vdm_fail_errno(err, "%s", store);
    struct vdm_ledger *l = calloc(1, sizeof *l);
    if (!l || !(l->cache = calloc(VDM_LEDGER_CACHED_TILES, sizeof *l->cache))) {
        free(l);
        return vdm_fail_memory(err);
    }
    l->folder = -1;
    l->path = path;
    path = NULL; /* the handle owns it */
    if (!vdm_dir_open(AT_FDCWD, store, &l->folder, err) ||
        !vdm_db_open(&l->db, &ledger_kind, l->path,
                     mode == VDM_LEDGER_WRITE ? VDM_DB_WRITE : VDM_DB_READ, err)) {
        vdm_ledger_close(l);
        return false;
    }
    *out = l;
    return true;
}

void vdm_ledger_close(struct vdm_ledger *l)
{
    if (!l)
        return;
    vdm_ledger_rollback(l);
    for (int i = 0; i < STATEMENTS; i++)
        sqlite3_finalize(l->statement[i]);
    sqlite3_close(l->db);
    vdm_fd_close(&l->folder); /* lets go of the lock as well */
    free(l->cache);
    free(l->path);
    free(l);
}

void vdm_ledger_cleanup(struct vdm_ledger **l)
{
    vdm_ledger_close(*l);
    *l = NULL;
}

bool vdm_ledger_check_schema(const char *store, struct vdm_buf *why, struct vdm_err *err)
{
    char *path VDM_CLEANUP(vdm_free_string) = vdm_db_path(store, ledger_kind.file);
    if (!path)
        return vdm_fail_errno(err, "%s", store);
    bool newer;
    if (!vdm_db_check_header(path, &ledger_kind, &newer, why, err))
        return false;
    if (newer)
        return vdm_db_check_newer(path, &ledger_kind, why, err);
    if (why->n)
        return true;
    struct vdm_ledger *l VDM_CLEANUP(vdm_ledger_cleanup) = NULL;
    return vdm_ledger_open(&l, store, VDM_LEDGER_READ, err) &&
           vdm_db_check_schema(l->db, &ledger_kind, why, err);
}

/* --- writing --- */

/* The lock is on the folder itself: no lock file to leave behind, and it goes with the process. */
bool vdm_ledger_begin(struct vdm_ledger *l, struct vdm_err *err)
{
    if (!vdm_db_exec(l->db, "BEGIN IMMEDIATE", err))
        return vdm_err_prefix(err, "ledger: begin");
    l->writing = true;
    return true;
}

static bool put(struct vdm_ledger *l, enum vdm_ledger_statement which, uint64_t n,
                struct vdm_bytes bytes, const char *what, struct vdm_err *err)
{
    sqlite3_stmt *s;
    if (!vdm_ledger_statement(l, which, &s, err))
        return false;
    vdm_db_bind_number(s, 1, n);
    vdm_db_bind_blob(s, 2, bytes);
    return vdm_db_run(s, err) || vdm_err_prefix(err, "ledger: %s", what);
}

bool vdm_ledger_put_entry(struct vdm_ledger *l, uint64_t n, struct vdm_bytes note,
                          struct vdm_err *err)
{
    return put(l, STMT_PUT_ENTRY, n, note, "entry", err);
}

bool vdm_ledger_put_record(struct vdm_ledger *l, uint64_t n, struct vdm_bytes text,
                           struct vdm_err *err)
{
    return put(l, STMT_PUT_RECORD, n, text, "record", err);
}

static bool run_tile(struct vdm_ledger *l, enum vdm_ledger_statement which, uint8_t level,
                     uint64_t index, struct vdm_bytes hashes, struct vdm_err *err)
{
    sqlite3_stmt *s;
    if (!vdm_ledger_statement(l, which, &s, err))
        return false;
    vdm_db_bind_number(s, 1, level);
    vdm_db_bind_number(s, 2, index);
    vdm_db_bind_blob(s, 3, hashes);
    return vdm_db_run(s, err);
}

/* One that is there grows; otherwise it is new. */
bool vdm_ledger_write_tile(void *ctx, uint8_t level, uint64_t index, unsigned width,
                           const struct vdm_digest *hashes, struct vdm_err *err)
{
    struct vdm_ledger *l = ctx;
    struct vdm_bytes bytes = {hashes[0].b, (size_t)width * sizeof *hashes};
    bool ok = run_tile(l, STMT_GROW_TILE, level, index, bytes, err);
    if (ok && sqlite3_changes(l->db) == 0)
        ok = run_tile(l, STMT_PUT_TILE, level, index, bytes, err);
    return ok || vdm_err_prefix(err, "ledger: tile");
}

bool vdm_ledger_put_checkpoint(struct vdm_ledger *l, uint64_t size, struct vdm_bytes note,
                               struct vdm_err *err)
{
    return put(l, STMT_PUT_CHECKPOINT, size, note, "checkpoint", err);
}

bool vdm_ledger_commit(struct vdm_ledger *l, uint64_t size, struct vdm_bytes checkpoint,
                       struct vdm_err *err)
{
    if (!vdm_ledger_put_checkpoint(l, size, checkpoint, err))
        return false;
    if (!vdm_db_exec(l->db, "COMMIT", err))
        return vdm_err_prefix(err, "ledger: commit");
    l->writing = false;
    return true;
}

static bool erase_all(struct vdm_ledger *l, const uint64_t *n, size_t count, struct vdm_err *err)
{
    for (size_t i = 0; i < count; i++) {
        sqlite3_stmt *s;
        if (!vdm_ledger_statement(l, STMT_ERASE_RECORD, &s, err))
            return false;
        vdm_db_bind_number(s, 1, n[i]);
        if (!vdm_db_run(s, err))
            return vdm_err_prefix(err, "record %llu", (unsigned long long)n[i]);
    }
    if (!vdm_db_exec(l->db, "COMMIT", err))
        return false;
    l->writing = false;
    return true;
}

bool vdm_ledger_erase_records(struct vdm_ledger *l, const uint64_t *n, size_t count,
                              struct vdm_err *err)
{
    if (!vdm_ledger_begin(l, err))
        return false;
    bool ok = erase_all(l, n, count, err);
    vdm_ledger_rollback(l);
    /* secure_delete overwrites a row where it lies, but not the copies of it that SQLite left in
     * unused parts of other pages when it moved rows about. */
    return (ok && vdm_db_rebuild(&ledger_kind, l->path, err)) ||
           vdm_err_prefix(err, "ledger: erase");
}

void vdm_ledger_rollback(struct vdm_ledger *l)
{
    if (l->writing) /* where SQLite has ended it already this fails, and nothing is lost */
        sqlite3_exec(l->db, "ROLLBACK", NULL, NULL, NULL);
    l->writing = false;
}
