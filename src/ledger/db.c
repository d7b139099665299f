/* SPDX-License-Identifier: MIT */
#include "ledger/db.h"

#include "base/file.h"
#include "ledger/schema.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEAP_LIMIT     (64 << 20)
#define READ_CACHE_KIB 4096

/* SQLite calls a database damaged that the disk does not read: the one is bad, of the other nothing is
 * known. */
static int read_error(sqlite3 *db)
{
    int e = 0;
    sqlite3_file_control(db, "main", SQLITE_FCNTL_LAST_ERRNO, &e);
    return e == EIO || e == ENXIO || e == ERANGE ? e : 0;
}

bool vdm_db_fail(sqlite3 *db, struct vdm_err *err)
{
    int code = sqlite3_extended_errcode(db);
    if (code == SQLITE_NOMEM || code == SQLITE_IOERR_NOMEM)
        return vdm_fail_memory(err);
    if (code == SQLITE_READONLY_ROLLBACK || code == SQLITE_READONLY_RECOVERY)
        return vdm_fail_as(err, VDM_ERR_RECOVER, "a write was interrupted here");
    if ((code & 0xFF) == SQLITE_READONLY)
        return vdm_fail(err, "it is read-only and cannot be written");
    if ((code & 0xFF) == SQLITE_CORRUPT || (code & 0xFF) == SQLITE_NOTADB) {
        int e = read_error(db);
        return e ? vdm_fail(err, "cannot be read: %s", strerror(e))
                 : vdm_fail_as(err, VDM_ERR_MALFORMED, "%s", sqlite3_errmsg(db));
    }
    if ((code & 0xFF) == SQLITE_BUSY)
        return vdm_fail(err, "locked by another program");
    if ((code & 0xFF) == SQLITE_FULL)
        return vdm_fail(err, "No space left on device");
    int system = sqlite3_system_errno(db);
    if ((code & 0xFF) == SQLITE_IOERR && system)
        return vdm_fail(err, "%s: %s", sqlite3_errmsg(db), strerror(system));
    return vdm_fail(err, "%s", sqlite3_errmsg(db));
}

bool vdm_db_prepare(sqlite3 *db, const char *sql, sqlite3_stmt **out, struct vdm_err *err)
{
    return sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, out, NULL) == SQLITE_OK ||
           vdm_db_fail(db, err);
}

bool vdm_db_step(sqlite3_stmt *s, bool *row, struct vdm_err *err)
{
    int code = sqlite3_step(s);
    *row = code == SQLITE_ROW;
    return code == SQLITE_ROW || code == SQLITE_DONE || vdm_db_fail(sqlite3_db_handle(s), err);
}

bool vdm_db_run(sqlite3_stmt *s, struct vdm_err *err)
{
    bool row;
    bool ok = vdm_db_step(s, &row, err);
    vdm_db_reset(&s);
    return ok;
}

bool vdm_db_exec(sqlite3 *db, const char *sql, struct vdm_err *err)
{
    return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK || vdm_db_fail(db, err);
}

void vdm_db_bind_number(sqlite3_stmt *s, int i, uint64_t n)
{
    sqlite3_bind_int64(s, i, (sqlite3_int64)n);
}

void vdm_db_bind_blob(sqlite3_stmt *s, int i, struct vdm_bytes b)
{
    sqlite3_bind_blob64(s, i, b.n ? (const void *)b.p : "", b.n, SQLITE_STATIC);
}

void vdm_db_bind_text(sqlite3_stmt *s, int i, struct vdm_bytes b)
{
    sqlite3_bind_text64(s, i, (const char *)b.p, b.n, SQLITE_STATIC, SQLITE_UTF8);
}

struct vdm_bytes vdm_db_column(sqlite3_stmt *s, int i)
{
    const uint8_t *p = sqlite3_column_blob(s, i);
    return (struct vdm_bytes){p, p ? (size_t)sqlite3_column_bytes(s, i) : 0};
}

void vdm_db_reset(sqlite3_stmt **s)
{
    if (!*s) /* it could not be prepared */
        return;
    sqlite3_reset(*s);
    sqlite3_clear_bindings(*s);
}

void vdm_db_finalize(sqlite3_stmt **s)
{
    sqlite3_finalize(*s);
}

/* --- opening --- */

char *vdm_db_path(const char *store, const char *file)
{
    char *folder VDM_CLEANUP(vdm_free_string) = realpath(store, NULL);
    size_t n = folder ? strlen(folder) + strlen(file) + 2 : 0;
    char *path = folder ? malloc(n) : NULL;
    if (path)
        snprintf(path, n, "%s/%s", folder, file);
    return path;
}

char *vdm_db_beside(const char *path, const char *suffix)
{
    size_t n = strlen(path) + strlen(suffix) + 1;
    char *beside = malloc(n);
    if (beside)
        snprintf(beside, n, "%s%s", path, suffix);
    return beside;
}

static void set_limits(sqlite3 *db)
{
    static const struct {
        int what, most;
    } limits[] = {
        {SQLITE_LIMIT_LENGTH, 2 << 20},
        {SQLITE_LIMIT_SQL_LENGTH, 16384},
        {SQLITE_LIMIT_COLUMN, 32},
        {SQLITE_LIMIT_EXPR_DEPTH, 50},
        {SQLITE_LIMIT_COMPOUND_SELECT, 3},
        {SQLITE_LIMIT_VDBE_OP, 25000},
        {SQLITE_LIMIT_FUNCTION_ARG, 8},
        {SQLITE_LIMIT_ATTACHED, 0},
        {SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 50},
        {SQLITE_LIMIT_VARIABLE_NUMBER, 32},
        {SQLITE_LIMIT_TRIGGER_DEPTH, 2},
        {SQLITE_LIMIT_WORKER_THREADS, 0},
    };
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++)
        sqlite3_limit(db, limits[i].what, limits[i].most);
}

static bool set_config(sqlite3 *db, enum vdm_db_mode mode, struct vdm_err *err)
{
    const struct {
        int what, on;
    } config[] = {
        {SQLITE_DBCONFIG_DEFENSIVE, 1},
        {SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0},
        {SQLITE_DBCONFIG_ENABLE_VIEW, 0},
        {SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0},
        {SQLITE_DBCONFIG_DQS_DML, 0},
        {SQLITE_DBCONFIG_DQS_DDL, 0},
        {SQLITE_DBCONFIG_ENABLE_TRIGGER, mode != VDM_DB_READ},
    };
    for (size_t i = 0; i < sizeof config / sizeof *config; i++) {
        int now = -1;
        if (sqlite3_db_config(db, config[i].what, config[i].on, &now) != SQLITE_OK ||
            now != config[i].on)
            return vdm_fail(err, "SQLite refuses setting %d", config[i].what);
    }
    return true;
}

/* Run a pragma and compare what it then answers: a setting that was not taken is an error. */
static bool pragma(sqlite3 *db, const char *name, const char *value, const char *answer,
                   struct vdm_err *err)
{
    char sql[96];
    sqlite3_snprintf(sizeof sql, sql, "PRAGMA %s=%s", name, value);
    if (!vdm_db_exec(db, sql, err))
        return false;
    sqlite3_stmt *s VDM_CLEANUP(vdm_db_finalize) = NULL;
    bool row;
    sqlite3_snprintf(sizeof sql, sql, "PRAGMA %s", name);
    if (!vdm_db_prepare(db, sql, &s, err) || !vdm_db_step(s, &row, err))
        return false;
    const unsigned char *got = row ? sqlite3_column_text(s, 0) : NULL;
    if (got && sqlite3_stricmp((const char *)got, answer) == 0)
        return true;
    return sqlite3_errcode(db) == SQLITE_NOMEM ? vdm_fail_memory(err)
                                               : vdm_fail(err, "SQLite refuses %s=%s", name, value);
}

/* EXTRA: the power may fail right after a commit returns. For the catalog too: with NORMAL a journal is
 * synced once, with its header, and a page of it that is torn may pass for whole, since its checksum
 * looks at every 200th byte only. */
static bool set_pragmas(sqlite3 *db, const struct vdm_db_kind *kind, enum vdm_db_mode mode,
                        struct vdm_err *err)
{
    char cache[16];
    sqlite3_snprintf(sizeof cache, cache, "-%d",
                     mode == VDM_DB_READ ? READ_CACHE_KIB : kind->cache_kib);
    bool ok = pragma(db, "trusted_schema", "OFF", "0", err) &&
              pragma(db, "cell_size_check", "ON", "1", err) &&
              vdm_db_exec(db, "PRAGMA mmap_size=0", err) &&
              pragma(db, "recursive_triggers", "ON", "1", err) &&
              pragma(db, "temp_store", "MEMORY", "2", err) &&
              pragma(db, "cache_size", cache, cache, err);
    if (mode == VDM_DB_READ)
        return ok && pragma(db, "query_only", "ON", "1", err);
    return ok && pragma(db, "secure_delete", "ON", "1", err) &&
           pragma(db, "journal_mode", "TRUNCATE", "truncate", err) &&
           pragma(db, "synchronous", "EXTRA", "3", err);
}

static bool make_schema(sqlite3 *db, const struct vdm_db_kind *kind, struct vdm_err *err)
{
    char sql[96];
    sqlite3_snprintf(sizeof sql, sql, "PRAGMA application_id=%d; PRAGMA user_version=%d",
                     kind->application_id, kind->version);
    if (!vdm_db_exec(db, "BEGIN IMMEDIATE", err) || !vdm_db_exec(db, sql, err))
        return false;
    for (const char *const *s = kind->schema; *s; s++)
        if (!vdm_db_exec(db, *s, err))
            return false;
    return vdm_db_exec(db, "COMMIT", err);
}

static bool prepare_new(sqlite3 *db, const struct vdm_db_kind *kind, struct vdm_err *err)
{
    char size[16];
    sqlite3_snprintf(sizeof size, size, "%d", kind->page_size);
    return pragma(db, "page_size", size, size, err) &&
           pragma(db, "encoding", "'UTF-8'", "UTF-8", err) &&
           pragma(db, "auto_vacuum", "NONE", "0", err);
}

static bool set_up(sqlite3 *db, const struct vdm_db_kind *kind, enum vdm_db_mode mode,
                   struct vdm_err *err)
{
    sqlite3_extended_result_codes(db, 1);
    sqlite3_busy_timeout(db, 30000);
    sqlite3_hard_heap_limit64(HEAP_LIMIT);
    set_limits(db);
    if (!set_config(db, mode, err) || (mode == VDM_DB_CREATE && !prepare_new(db, kind, err)) ||
        !set_pragmas(db, kind, mode, err) || (mode == VDM_DB_CREATE && !make_schema(db, kind, err)))
        return false;
    sqlite3_set_authorizer(db, kind->authorize, mode == VDM_DB_READ ? NULL : db);
    return true;
}

/* SQLite gives its journals the mode that the database has. */
static bool share(const char *path, int fd, struct vdm_err *err)
{
    int folder VDM_CLEANUP(vdm_fd_close) = -1;
    struct vdm_bytes before = {(const uint8_t *)path, (size_t)(strrchr(path, '/') - path)};
    char *parent VDM_CLEANUP(vdm_free_string) = vdm_bytes_dup(before);
    if (!parent)
        return vdm_fail_memory(err);
    return vdm_dir_open(AT_FDCWD, parent, &folder, err) && vdm_fd_share(folder, fd, 0660, err);
}

/* O_EXCL says whether it is new, which SQLite's own flag does not. */
static bool make_file(const struct vdm_db_kind *kind, const char *path, struct vdm_err *err)
{
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return vdm_fail_errno(err, "create %s", kind->file);
    bool ok = share(path, fd, err);
    close(fd);
    return ok;
}

/* Before SQLite touches it: in another journal mode even reading writes, and writing would change the
 * mode and take in what stands beside the file. */
static bool is_ours(const struct vdm_db_kind *kind, const char *path, struct vdm_err *err)
{
    struct vdm_buf why VDM_CLEANUP(vdm_buf_release) = {0};
    bool newer;
    if (!vdm_db_check_header(path, kind, &newer, &why, err))
        return false;
    return why.n == 0 || vdm_fail_as(err, VDM_ERR_MALFORMED, "%s: %.*s", kind->file, (int)why.n,
                                     (const char *)why.p);
}

static bool open_file(sqlite3 **out, const struct vdm_db_kind *kind, const char *path,
                      enum vdm_db_mode mode, struct vdm_err *err)
{
    int flags = SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_PRIVATECACHE | SQLITE_OPEN_EXRESCODE |
                SQLITE_OPEN_NOMUTEX |
                (mode == VDM_DB_READ ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE);
    sqlite3 *db = NULL;
    if (sqlite3_open_v2(path, &db, flags, NULL) != SQLITE_OK) {
        vdm_db_fail(db, err); /* without a handle SQLite says that it has no memory */
        sqlite3_close(db);
        return vdm_err_prefix(err, "%s", kind->file);
    }
    if (!set_up(db, kind, mode, err)) {
        sqlite3_close(db);
        return vdm_err_prefix(err, "%s", kind->file);
    }
    *out = db;
    return true;
}

bool vdm_db_open(sqlite3 **out, const struct vdm_db_kind *kind, const char *path,
                 enum vdm_db_mode mode, struct vdm_err *err)
{
    return (mode == VDM_DB_CREATE ? make_file(kind, path, err) : is_ours(kind, path, err)) &&
           open_file(out, kind, path, mode, err);
}

/* VACUUM attaches a scratch database and writes the schema, which no other connection may do. */
static bool vacuum(sqlite3 *db, struct vdm_err *err)
{
    sqlite3_set_authorizer(db, NULL, NULL);
    sqlite3_limit(db, SQLITE_LIMIT_ATTACHED, 1);
    return pragma(db, "temp_store", "FILE", "1", err) &&
           pragma(db, "synchronous", "EXTRA", "3", err) && vdm_db_exec(db, "VACUUM", err);
}

bool vdm_db_rebuild(const struct vdm_db_kind *kind, const char *path, struct vdm_err *err)
{
    sqlite3 *db = NULL;
    if (!vdm_db_open(&db, kind, path, VDM_DB_WRITE, err))
        return false;
    bool ok = vacuum(db, err) || vdm_err_prefix(err, "%s", kind->file);
    sqlite3_close(db);
    return ok;
}

/* --- is it ours, unchanged? --- */

/* What SQLite finds beside a database. */
struct beside {
    bool
        odd_journal; /* it is opened to see whether a write was interrupted: a FIFO would hold that up */
    bool wal;        /* read whatever the header says; and one more file is written */
};

static bool look_beside(const char *path, struct beside *out, struct vdm_err *err)
{
    char *journal VDM_CLEANUP(vdm_free_string) = vdm_db_beside(path, "-journal");
    char *wal VDM_CLEANUP(vdm_free_string) = vdm_db_beside(path, "-wal");
    struct stat st;
    if (!journal || !wal)
        return vdm_fail_memory(err);
    out->odd_journal = lstat(journal, &st) == 0 && !S_ISREG(st.st_mode);
    out->wal = lstat(wal, &st) == 0;
    return true;
}

bool vdm_db_check_header(const char *path, const struct vdm_db_kind *kind, bool *newer,
                         struct vdm_buf *why, struct vdm_err *err)
{
    int fd VDM_CLEANUP(vdm_fd_close) = -1;
    uint8_t h[100] = {0};
    size_t got = 0;
    struct beside beside = {false, false};
    *newer = false;
    if (!vdm_file_open(AT_FDCWD, path, false, &fd, err) ||
        !vdm_fd_read(fd, h, sizeof h, &got, err) || !look_beside(path, &beside, err))
        return vdm_err_prefix(err, "%s", kind->file);
    static const uint8_t utf8[4] = {0, 0, 0, 1};
    uint8_t id[4] = {(uint8_t)(kind->application_id >> 24), (uint8_t)(kind->application_id >> 16),
                     (uint8_t)(kind->application_id >> 8), (uint8_t)kind->application_id};
    uint32_t version = (uint32_t)h[60] << 24 | (uint32_t)h[61] << 16 | (uint32_t)h[62] << 8 | h[63];
    if (got < sizeof h || memcmp(h, "SQLite format 3", 16) != 0)
        vdm_buf_puts(why, "not an SQLite database");
    else if (beside.odd_journal)
        vdm_buf_puts(why, "its journal is not a file");
    else if (h[18] != 1 || h[19] != 1 || beside.wal)
        vdm_buf_puts(why, "another journal mode");
    else if (memcmp(h + 56, utf8, 4) != 0 || memcmp(h + 68, id, 4) != 0)
        vdm_buf_puts(why, "another kind of database");
    else if ((*newer = version > (uint32_t)kind->version))
        vdm_buf_putf(why,
                     "made by a newer vidimus (version %u of the database, this program knows %d): "
                     "use that one",
                     version, kind->version);
    else if (version == 0)
        vdm_buf_putf(why, "version %u of the database, which is none", version);
    return vdm_buf_ok(why, err);
}

/* Every column by quote(): a value that changed its type looks the same otherwise. Where a table
 * begins may differ, but not two tables at one page. */
static bool dump_schema(sqlite3 *db, struct vdm_buf *out, struct vdm_err *err)
{
    sqlite3_stmt *s VDM_CLEANUP(vdm_db_finalize) = NULL;
    bool row, ok;
    if (!vdm_db_prepare(db,
                        "SELECT quote(type), quote(name), quote(tbl_name), quote(sql), "
                        "CASE WHEN rootpage > 0 THEN typeof(rootpage) "
                        "ELSE quote(rootpage) END, "
                        "(SELECT count(*) FROM sqlite_schema AS other "
                        "WHERE other.rootpage = s.rootpage AND s.rootpage <> 0) "
                        "FROM sqlite_schema AS s ORDER BY rowid",
                        &s, err))
        return false;
    while ((ok = vdm_db_step(s, &row, err)) && row)
        for (int i = 0; i < 6; i++) {
            vdm_buf_put(out, vdm_db_column(s, i));
            vdm_buf_putc(out, '|');
        }
    return ok && vdm_buf_ok(out, err);
}

static bool dump_pristine(const struct vdm_db_kind *kind, struct vdm_buf *out, struct vdm_err *err)
{
    sqlite3 *db = NULL;
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_MEMORY;
    bool ok =
        (sqlite3_open_v2(":memory:", &db, flags, NULL) == SQLITE_OK || vdm_db_fail(db, err)) &&
        make_schema(db, kind, err) && dump_schema(db, out, err);
    sqlite3_close(db);
    return ok;
}

static bool is_schema(sqlite3 *db, const struct vdm_db_kind *kind, bool *same, struct vdm_err *err)
{
    struct vdm_buf ours VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_buf theirs VDM_CLEANUP(vdm_buf_release) = {0};
    bool ok = dump_pristine(kind, &ours, err) && dump_schema(db, &theirs, err);
    *same = ok && vdm_bytes_equal(vdm_buf_bytes(&ours), vdm_buf_bytes(&theirs));
    return ok;
}

bool vdm_db_check_schema(sqlite3 *db, const struct vdm_db_kind *kind, struct vdm_buf *why,
                         struct vdm_err *err)
{
    bool same;
    if (!is_schema(db, kind, &same, err))
        return false;
    if (!same)
        vdm_buf_puts(why, "its tables, indexes or triggers are not those that vidimus makes");
    return vdm_buf_ok(why, err);
}

bool vdm_db_check_newer(const char *path, const struct vdm_db_kind *kind, struct vdm_buf *why,
                        struct vdm_err *err)
{
    sqlite3 *db = NULL;
    struct vdm_err problem = {0};
    bool ours = false;
    bool looked =
        open_file(&db, kind, path, VDM_DB_READ, &problem) && is_schema(db, kind, &ours, &problem);
    sqlite3_close(db);
    if (!ours)
        return vdm_fail(err, "%s: %.*s%s%s", kind->file, (int)why->n, (const char *)why->p,
                        looked ? "" : "; its tables could not be read: ", problem.text);
    vdm_buf_clear(why);
    vdm_buf_putf(why,
                 "it says that a newer vidimus made it, but its tables are those of version %d",
                 kind->version);
    return vdm_buf_ok(why, err);
}
