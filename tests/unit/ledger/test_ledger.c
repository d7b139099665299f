/* SPDX-License-Identifier: MIT */
/* What ledger.db keeps, and that nothing of it changes: attacks on I1, I2 and I4, by the API, through
 * its own connection, and with a connection that has none of our settings. */
#include "unit/ledger/ledger_kit.h"

#include "ledger/schema.h"

#include <errno.h>
#include <sys/file.h>

/* --- the triggers alone --- */

static void triggers_refuse(void **state)
{
    static const struct {
        const char *sql, *words;
    } attacks[] = {
        {"UPDATE entry SET note = x'00' WHERE n = 1", "never change"},
        {"UPDATE entry SET n = 9 WHERE n = 4", "never change"},
        {"UPDATE OR REPLACE entry SET n = 0 WHERE n = 4", "never change"},
        {"DELETE FROM entry", "never go away"},
        {"DELETE FROM entry WHERE n = 4", "never go away"},
        {"INSERT INTO entry VALUES(6, x'00')", "dense"},
        {"INSERT INTO entry VALUES(4, x'00')", "dense"},
        {"INSERT INTO entry VALUES(-1, x'00')", "dense"},
        {"INSERT INTO entry(note) VALUES(x'00')", "dense"},
        {"REPLACE INTO entry VALUES(1, x'00')", "dense"},
        {"INSERT OR REPLACE INTO entry VALUES(4, x'00')", "dense"},
        {"INSERT OR IGNORE INTO entry VALUES(4, x'00')", "dense"},
        {"INSERT INTO entry VALUES(4, x'00') ON CONFLICT DO UPDATE SET note = x'00'", "dense"},
        {"INSERT INTO entry VALUES(5, x'')", "CHECK"},
        {"INSERT INTO entry VALUES(5, zeroblob(65536))", "CHECK"},
        {"INSERT INTO entry VALUES(5, 'text')", "cannot store TEXT"},
        {"INSERT INTO entry VALUES(5, NULL)", "NOT NULL"},
        {"UPDATE checkpoint SET note = x'00'", "never change"},
        {"DELETE FROM checkpoint WHERE size = 3", "never go away"},
        {"INSERT INTO checkpoint VALUES(5, x'00')", "one checkpoint a size"},
        {"INSERT INTO checkpoint VALUES(4, x'00')", "one checkpoint a size"},
        {"INSERT INTO checkpoint VALUES(6, x'00')", "one checkpoint a size"},
        {"REPLACE INTO checkpoint VALUES(5, x'00')", "one checkpoint a size"},
        {"INSERT INTO tile VALUES(0, 0, zeroblob(32))", "there already"},
        {"REPLACE INTO tile VALUES(0, 0, zeroblob(32))", "there already"},
        {"UPDATE tile SET hashes = zeroblob(160)", "only grow"},
        {"UPDATE tile SET hashes = substr(hashes, 1, 128)", "only grow"},
        {"UPDATE tile SET \"index\" = 1", "only grow"},
        {"UPDATE OR REPLACE tile SET level = 1", "only grow"},
        {"UPDATE tile SET hashes = hashes || x'00'", "cannot store TEXT"},
        {"UPDATE tile SET hashes = CAST(hashes || x'00' AS BLOB)", "CHECK"},
        {"DELETE FROM tile", "never go away"},
        {"INSERT INTO tile VALUES(8, 0, zeroblob(32))", "CHECK"},
        {"INSERT INTO tile VALUES(1, 0, zeroblob(31))", "CHECK"},
        {"INSERT INTO tile VALUES(1, 0, zeroblob(8224))", "CHECK"},
        {"INSERT INTO record VALUES(4, x'00')", "belongs to one entry"},
        {"INSERT INTO record VALUES(5, x'00')", "belongs to one entry"},
        {"REPLACE INTO record VALUES(4, x'00')", "belongs to one entry"},
        {"UPDATE record SET text = x'00' WHERE n = 4", "never change"},
        {"UPDATE OR REPLACE record SET n = 0 WHERE n = 4", "never change"},
    };
    struct kit *k = *state;
    struct vdm_buf before VDM_CLEANUP(vdm_buf_release) = dump_of(k->path);
    sqlite3 *db = raw_open(k->path);
    for (size_t i = 0; i < sizeof attacks / sizeof *attacks; i++) {
        if (sqlite3_exec(db, attacks[i].sql, NULL, NULL, NULL) == SQLITE_OK)
            fail_msg("went through: %s", attacks[i].sql);
        if (!strstr(sqlite3_errmsg(db), attacks[i].words))
            fail_msg("%s: %s", attacks[i].sql, sqlite3_errmsg(db));
    }
    sqlite3_close(db);
    assert_same_dump(k->path, &before);
}

/* What triggers cannot forbid must at least be possible: growing a tile. */
static void what_is_meant_to_change(void **state)
{
    struct kit *k = *state;
    raw_run(k->path, "UPDATE tile SET hashes = CAST(hashes || zeroblob(32) AS BLOB)");
}

/* A record goes only where an entry behind it withdraws its capture, and not the document alone. */
static void what_may_be_erased(void **state)
{
    static const struct {
        const char *own, *last; /* entry 2, whose record is erased; the newest entry */
        bool goes;
    } cases[] = {
        {"vidimus/capture/v1\nentry 2", "vidimus/withdrawal/v1\nwithdraws 2\nscope record", true},
        {"vidimus/capture/v1\nentry 2", "vidimus/withdrawal/v1\nwithdraws 2\nscope both", true},
        {"vidimus/capture/v1\nentry 2", "vidimus/withdrawal/v1\nwithdraws 2\nscope document",
         false},
        {"vidimus/capture/v1\nentry 2", "vidimus/withdrawal/v1\nwithdraws 22\nscope both", false},
        {"vidimus/capture/v1\nentry 2", "vidimus/withdrawal/v2\nwithdraws 2\nscope both", false},
        {"vidimus/capture/v1\nentry 2", "vidimus/amendment/v1\nwithdraws 2\nscope both", false},
        {"vidimus/amendment/v1\namends 1", "vidimus/withdrawal/v1\nwithdraws 1\nscope both", true},
        {"vidimus/amendment/v1\namends 1", "vidimus/withdrawal/v1\nwithdraws 2\nscope both", false},
        {"vidimus/amendment/v1\namends 1", "vidimus/withdrawal/v1\nwithdraws 11\nscope both",
         false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        sqlite3 *db = NULL;
        char *insert = sqlite3_mprintf(
            "INSERT INTO entry VALUES(0, x'00'); INSERT INTO entry VALUES(1, x'00'); "
            "INSERT INTO entry VALUES(2, CAST(%Q || char(10) || 'record x' AS BLOB)); "
            "INSERT INTO record VALUES(2, x'00'); "
            "INSERT INTO entry VALUES(3, CAST(%Q || char(10) || 'decided-by x' AS BLOB)); "
            "INSERT INTO entry VALUES(4, x'00')",
            cases[i].own, cases[i].last);
        assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
        for (const char *const *s = vdm_ledger_schema; *s; s++)
            assert_int_equal(sqlite3_exec(db, *s, NULL, NULL, NULL), SQLITE_OK);
        assert_int_equal(sqlite3_exec(db, insert, NULL, NULL, NULL), SQLITE_OK);
        int code = sqlite3_exec(db, "DELETE FROM record", NULL, NULL, NULL);
        if ((code == SQLITE_OK) != cases[i].goes)
            fail_msg("%s, %s: %s", cases[i].own, cases[i].last, sqlite3_errmsg(db));
        sqlite3_free(insert);
        sqlite3_close(db);
    }
}

/* --- the authorizer: our own connection, misused --- */

static const char *const denied[] = {
    "UPDATE entry SET note = x'00'",
    "UPDATE checkpoint SET note = x'00'",
    "UPDATE record SET text = x'00'",
    "UPDATE tile SET level = 1",
    "UPDATE tile SET \"index\" = 1",
    "DELETE FROM entry",
    "DELETE FROM checkpoint",
    "DELETE FROM tile",
    "DELETE FROM record",
    "REPLACE INTO evidence VALUES(1, 'a', x'00')",
    "INSERT INTO pack VALUES(1, 1, 1)",
    "DROP TABLE entry",
    "DROP TRIGGER entry_keep_update",
    "ALTER TABLE entry RENAME TO e",
    "ALTER TABLE entry ADD COLUMN x",
    "CREATE TABLE x(a)",
    "CREATE TEMP TABLE entry(n, note)",
    "CREATE TEMP TRIGGER x AFTER INSERT ON main.entry BEGIN SELECT 1; END",
    "CREATE VIEW x AS SELECT 1",
    "CREATE INDEX x ON entry(note)",
    "CREATE VIRTUAL TABLE x USING fts5(a)",
    "REINDEX",
    "ANALYZE",
    "ATTACH ':memory:' AS other",
    "DETACH main",
    "VACUUM",
    "VACUUM INTO '/dev/shm/x'",
    "PRAGMA writable_schema=ON",
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=OFF",
    "PRAGMA recursive_triggers=OFF",
    "PRAGMA ignore_check_constraints=ON",
    "PRAGMA user_version=2",
    "PRAGMA integrity_check",
    "SAVEPOINT a",
    "INSERT INTO sqlite_schema VALUES('table', 'x', 'x', 0, '')",
    "UPDATE sqlite_schema SET sql = ''",
    "DELETE FROM sqlite_schema",
    "SELECT load_extension('x')",
    "SELECT randomblob(10)",
    "SELECT hex(note) FROM entry",
    "WITH RECURSIVE r(x) AS (SELECT 1 UNION ALL SELECT x FROM r) SELECT x FROM r",
};

static void is_denied(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *s = NULL;
    int code = sqlite3_prepare_v2(db, sql, -1, &s, NULL);
    if (code == SQLITE_OK) /* a few are stopped by other settings, when they run */
        code = sqlite3_step(s);
    sqlite3_finalize(s);
    if (code == SQLITE_DONE || code == SQLITE_ROW)
        fail_msg("went through: %s", sql);
}

static void authorizer_refuses(void **state)
{
    struct kit *k = *state;
    struct vdm_buf before VDM_CLEANUP(vdm_buf_release) = dump_of(k->path);
    for (size_t i = 0; i < sizeof denied / sizeof *denied; i++)
        is_denied(k->l->db, denied[i]);
    assert_same_dump(k->path, &before);
}

/* Before it can do anything. A table that is not ours is as well guarded. */
static void not_even_prepared(void **state)
{
    static const char *const writes[] = {"UPDATE tile SET level = 1", "UPDATE other SET hashes = 1",
                                         "DELETE FROM other", "INSERT INTO other VALUES(1)"};
    static const char *const reads[] = {"UPDATE tile SET hashes = x'00'", "DELETE FROM record",
                                        "INSERT INTO entry VALUES(5, x'00')"};
    struct kit *k = *state;
    sqlite3_stmt *s = NULL;
    raw_run(k->path, "CREATE TABLE other(hashes)");
    for (size_t i = 0; i < sizeof writes / sizeof *writes; i++)
        assert_int_equal(sqlite3_prepare_v2(k->l->db, writes[i], -1, &s, NULL), SQLITE_AUTH);
    kit_reopen(k, VDM_LEDGER_READ);
    for (size_t i = 0; i < sizeof reads / sizeof *reads; i++)
        assert_int_equal(sqlite3_prepare_v2(k->l->db, reads[i], -1, &s, NULL), SQLITE_AUTH);
}

static void reading_cannot_write(void **state)
{
    struct kit *k = *state;
    struct vdm_buf before VDM_CLEANUP(vdm_buf_release) = dump_of(k->path);
    kit_reopen(k, VDM_LEDGER_READ);
    for (size_t i = 0; i < sizeof denied / sizeof *denied; i++)
        is_denied(k->l->db, denied[i]);
    is_denied(k->l->db, "INSERT INTO entry VALUES(5, x'00')");
    is_denied(k->l->db, "INSERT INTO record VALUES(2, x'00')");
    is_denied(k->l->db, "UPDATE tile SET hashes = hashes");
    MUST_NOT(vdm_ledger_begin(k->l, &k->err), "begin");
    MUST_NOT(vdm_ledger_put_entry(k->l, 5, VDM_LIT("x"), &k->err), "not authorized");
    assert_same_dump(k->path, &before);
}

/* --- settings --- */

static void setting(struct kit *k, const char *name, const char *value)
{
    char sql[64];
    sqlite3_stmt *s = NULL;
    snprintf(sql, sizeof sql, "PRAGMA %s", name);
    assert_int_equal(sqlite3_prepare_v2(k->l->db, sql, -1, &s, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(s), SQLITE_ROW);
    assert_string_equal((const char *)sqlite3_column_text(s, 0), value);
    sqlite3_finalize(s);
}

static void config(struct kit *k, int what, int want)
{
    int now = -1;
    assert_int_equal(sqlite3_db_config(k->l->db, what, -1, &now), SQLITE_OK);
    assert_int_equal(now, want);
}

static void settings_hold(void **state)
{
    struct kit *k = *state;
    for (int writing = 1; writing >= 0; writing--) {
        kit_reopen(k, writing ? VDM_LEDGER_WRITE : VDM_LEDGER_READ);
        sqlite3_set_authorizer(k->l->db, NULL, NULL);
        if (writing) {
            setting(k, "journal_mode", "truncate");
            setting(k, "synchronous", "3");
            setting(k, "secure_delete", "1");
        }
        setting(k, "query_only", writing ? "0" : "1");
        setting(k, "trusted_schema", "0");
        setting(k, "cell_size_check", "1");
        setting(k, "recursive_triggers", "1");
        setting(k, "temp_store", "2");
        setting(k, "page_size", "4096");
        setting(k, "encoding", "UTF-8");
        setting(k, "auto_vacuum", "0");
        config(k, SQLITE_DBCONFIG_DEFENSIVE, 1);
        config(k, SQLITE_DBCONFIG_ENABLE_VIEW, 0);
        config(k, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0);
        config(k, SQLITE_DBCONFIG_DQS_DML, 0);
        config(k, SQLITE_DBCONFIG_ENABLE_TRIGGER, writing);
        assert_int_equal(sqlite3_limit(k->l->db, SQLITE_LIMIT_ATTACHED, -1), 0);
        assert_true(sqlite3_limit(k->l->db, SQLITE_LIMIT_LENGTH, -1) <= 2 << 20);
    }
}

/* --- opening --- */

static void opening(void **state)
{
    struct kit *k = *state;
    struct vdm_ledger *l = NULL;
    PATH(elsewhere, "%s/elsewhere", k->dir);
    PATH(linked, "%s/elsewhere/ledger.db", k->dir);
    MUST_NOT(vdm_ledger_create(k->dir, 0, &k->err), "File exists");
    assert_int_equal(mkdir(elsewhere, 0700), 0);
    MUST_NOT(vdm_ledger_open(&l, elsewhere, VDM_LEDGER_READ, &k->err), "no ledger");
    assert_int_equal(k->err.kind, VDM_ERR_NOT_FOUND);
    assert_int_equal(symlink(k->path, linked), 0);
    MUST_NOT(vdm_ledger_open(&l, elsewhere, VDM_LEDGER_READ, &k->err), "");
    MUST_NOT(vdm_ledger_create(elsewhere, 0, &k->err), "File exists");
    assert_null(l);
}

/* Where nobody can look there may be one. */
static void no_such_store(void **state)
{
    struct kit *k = *state;
    struct vdm_ledger *l = NULL;
    struct vdm_buf why VDM_CLEANUP(vdm_buf_release) = {0};
    PATH(loop, "%s/loop", k->dir);
    PATH(nowhere, "%s/nowhere", k->dir);
    assert_int_equal(symlink("loop", loop), 0);
    MUST_NOT(vdm_ledger_open(&l, loop, VDM_LEDGER_READ, &k->err), strerror(ELOOP));
    assert_int_equal(k->err.kind, VDM_ERR_FAILED);
    MUST_NOT(vdm_ledger_open(&l, k->path, VDM_LEDGER_READ, &k->err), "no ledger at");
    assert_int_equal(k->err.kind, VDM_ERR_NOT_FOUND);
    MUST_NOT(vdm_ledger_create(k->path, 0, &k->err), "no such folder");
    MUST_NOT(vdm_ledger_check_schema(nowhere, &why, &k->err), strerror(ENOENT));
    assert_int_equal(mkdir(nowhere, 0700), 0);
    MUST_NOT(vdm_ledger_check_schema(nowhere, &why, &k->err), "ledger.db: no such file");
}

/* The name of a new ledger may still be in memory only when the disk fails. */
static bool sync_fails;

bool __real_vdm_fd_sync(int fd, struct vdm_err *err);
bool __wrap_vdm_fd_sync(int fd, struct vdm_err *err);

bool __wrap_vdm_fd_sync(int fd, struct vdm_err *err)
{
    errno = EIO;
    return sync_fails ? vdm_fail_errno(err, "fsync") : __real_vdm_fd_sync(fd, err);
}

static void folder_is_not_synced(void **state)
{
    struct kit *k = *state;
    PATH(folder, "%s/unsynced", k->dir);
    assert_int_equal(mkdir(folder, 0700), 0);
    sync_fails = true;
    MUST_NOT(vdm_ledger_create(folder, 0, &k->err), strerror(EIO));
    sync_fails = false;
}

/* What a process that was killed left of a ledger is no hindrance, and none that is half made opens. */
static void creating_again(void **state)
{
    struct kit *k = *state;
    struct vdm_ledger *l VDM_CLEANUP(vdm_ledger_cleanup) = NULL;
    uint64_t size;
    PATH(folder, "%s/again", k->dir);
    PATH(left, "%s/again/ledger.db.new", k->dir);
    PATH(journal, "%s/again/ledger.db.new-journal", k->dir);
    PATH(file, "%s/again/ledger.db", k->dir);
    assert_int_equal(mkdir(folder, 0700), 0);
    file_write(left, VDM_LIT("half"));
    file_write(journal, VDM_LIT("of it"));
    MUST(vdm_ledger_create(folder, 0, &k->err));
    assert_int_equal(access(left, F_OK), -1);
    assert_int_equal(access(journal, F_OK), -1);
    /* Tables that are not there are an error, and no crash. */
    sqlite3 *db;
    assert_int_equal(sqlite3_open(file, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "DROP TABLE checkpoint", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    MUST(vdm_ledger_open(&l, folder, VDM_LEDGER_READ, &k->err));
    MUST_NOT(vdm_ledger_size(l, &size, &k->err), "no such table");
}

static void page_size(void **state)
{
    struct kit *k = *state;
    PATH(folder, "%s/small", k->dir);
    assert_int_equal(mkdir(folder, 0700), 0);
    MUST(vdm_ledger_create(folder, 512, &k->err));
    PATH(file, "%s/small/ledger.db", k->dir);
    struct vdm_buf b VDM_CLEANUP(vdm_buf_release) = file_content(file);
    assert_int_equal(b.p[16] << 8 | b.p[17], 512);
    struct vdm_ledger *l VDM_CLEANUP(vdm_ledger_cleanup) = NULL;
    MUST(vdm_ledger_open(&l, folder, VDM_LEDGER_WRITE, &k->err)); /* as good as another */
    PATH(odd, "%s/odd", k->dir);
    assert_int_equal(mkdir(odd, 0700), 0);
    MUST_NOT(vdm_ledger_create(odd, 513, &k->err), "page_size");
}

/* Other journal modes write beside the file, even when it is opened for reading. */
static void other_journal_modes_are_refused(void **state)
{
    struct kit *k = *state;
    struct vdm_ledger *l = NULL;
    PATH(wal, "%s/ledger.db-wal", k->dir);
    PATH(shm, "%s/ledger.db-shm", k->dir);
    vdm_ledger_close(k->l);
    k->l = NULL;
    raw_run(k->path, "PRAGMA journal_mode=WAL");
    for (int mode = 0; mode < 2; mode++) {
        MUST_NOT(vdm_ledger_open(&l, k->dir, mode ? VDM_LEDGER_WRITE : VDM_LEDGER_READ, &k->err),
                 "journal mode");
        assert_int_equal(k->err.kind, VDM_ERR_MALFORMED);
    }
    raw_run(k->path, "PRAGMA journal_mode=DELETE");
    file_write(wal, VDM_LIT("not even a real one"));
    for (int mode = 0; mode < 2; mode++)
        MUST_NOT(vdm_ledger_open(&l, k->dir, mode ? VDM_LEDGER_WRITE : VDM_LEDGER_READ, &k->err),
                 "journal mode");
    assert_int_equal(access(shm, F_OK), -1);
}

/* --- what was put is what comes back --- */

static void reading_back(void **state)
{
    struct kit *k = *state;
    struct vdm_buf b VDM_CLEANUP(vdm_buf_release) = {0};
    uint64_t size;
    bool found;
    kit_reopen(k, VDM_LEDGER_READ);
    MUST(vdm_ledger_size(k->l, &size, &k->err));
    assert_int_equal(size, 5);
    vdm_buf_puts(&b, "before ");
    MUST(vdm_ledger_entry(k->l, 4, &b, &found, &k->err));
    assert_true(found && vdm_bytes_equal_str(vdm_buf_bytes(&b), "before entry 4"));
    MUST(vdm_ledger_entry(k->l, 5, &b, &found, &k->err));
    assert_false(found);
    MUST(vdm_ledger_entry(k->l, UINT64_MAX, &b, &found, &k->err));
    assert_false(found);
    vdm_buf_clear(&b);
    MUST(vdm_ledger_record(k->l, 0, &b, &found, &k->err));
    assert_true(found && vdm_bytes_equal_str(vdm_buf_bytes(&b), "record"));
    vdm_buf_clear(&b);
    MUST(vdm_ledger_checkpoint(k->l, 3, &b, &found, &k->err));
    assert_true(found && vdm_bytes_equal_str(vdm_buf_bytes(&b), "checkpoint"));
    MUST(vdm_ledger_checkpoint(k->l, 4, &b, &found, &k->err));
    assert_false(found);
}

static void empty_ledger(void **state)
{
    struct kit *k = *state;
    uint64_t size = 7;
    MUST(vdm_ledger_size(k->l, &size, &k->err));
    assert_int_equal(size, 0);
    struct vdm_ledger_slice s = {0};
    MUST(vdm_ledger_read_slice(k->l, 0, 0, &s, &k->err));
    assert_int_equal(s.to, 0);
    vdm_ledger_slice_release(&s);
    /* I4: no checkpoint over nothing. */
    MUST(vdm_ledger_begin(k->l, &k->err));
    MUST_NOT(vdm_ledger_commit(k->l, 0, VDM_LIT("c"), &k->err), "one checkpoint a size");
    vdm_ledger_rollback(k->l);
}

/* --- tiles --- */

static void tiles(void **state)
{
    struct kit *k = *state;
    struct vdm_digest hashes[VDM_TILE_WIDTH];
    MUST(vdm_ledger_read_tile(k->l, 0, 0, 3, hashes, &k->err));
    assert_true(vdm_digest_equal(hashes[2], some_hash(2)));
    MUST(vdm_ledger_read_tile(k->l, 0, 0, 5, hashes, &k->err));
    assert_true(vdm_digest_equal(hashes[4], some_hash(4)));
    MUST_NOT(vdm_ledger_read_tile(k->l, 0, 0, 6, hashes, &k->err), "has 5 hashes, not 6");
    assert_int_equal(k->err.kind, VDM_ERR_MALFORMED);
    MUST_NOT(vdm_ledger_read_tile(k->l, 0, 1, 1, hashes, &k->err), "has 0 hashes");
    /* One that has grown since it was read is read again; one slot is shared by many. */
    struct vdm_ledger *other = NULL;
    MUST(vdm_ledger_open(&other, k->dir, VDM_LEDGER_READ, &k->err));
    MUST(vdm_ledger_read_tile(other, 0, 0, 5, hashes, &k->err));
    put_batch(k, 5, 9);
    MUST(vdm_ledger_read_tile(other, 0, 0, 9, hashes, &k->err));
    assert_true(vdm_digest_equal(hashes[8], some_hash(8)));
    MUST_NOT(vdm_ledger_read_tile(other, 0, VDM_LEDGER_CACHED_TILES, 1, hashes, &k->err), "has 0");
    MUST(vdm_ledger_read_tile(other, 0, 0, 9, hashes, &k->err));
    vdm_ledger_close(other);
}

static void tiles_grow_only(void **state)
{
    struct kit *k = *state;
    struct vdm_digest hashes[8] = {{{0}}};
    MUST(vdm_ledger_begin(k->l, &k->err));
    MUST_NOT(put_tile(k->l, 0, 0, 4, &k->err), "only grow");
    MUST_NOT(vdm_ledger_write_tile(k->l, 0, 0, 8, hashes, &k->err), "only grow");
    MUST(put_tile(k->l, 0, 0, 5, &k->err)); /* the same again is no change */
    MUST(put_tile(k->l, 0, 0, 6, &k->err));
    MUST(put_tile(k->l, 6, 0, VDM_TILE_WIDTH, &k->err));
    vdm_ledger_rollback(k->l);
}

/* A tile whose row is not what it should be is none, whatever its type. */
static void odd_tiles(void **state)
{
    static const char *const edits[] = {
        "UPDATE tile SET hashes = CAST(zeroblob(160) AS TEXT)",
        "UPDATE tile SET hashes = zeroblob(33)",
        "UPDATE tile SET hashes = zeroblob(8224)",
        "UPDATE tile SET hashes = NULL",
        "UPDATE tile SET hashes = 5",
    };
    struct kit *k = *state;
    struct vdm_digest hashes[VDM_TILE_WIDTH];
    for (size_t i = 0; i < sizeof edits / sizeof *edits; i++) {
        char sql[400];
        snprintf(sql, sizeof sql,
                 "PRAGMA ignore_check_constraints=ON; DROP TRIGGER IF EXISTS tile_grow;"
                 "PRAGMA writable_schema=ON;"
                 "UPDATE sqlite_schema SET sql = 'CREATE TABLE tile(level, \"index\", hashes, "
                 "PRIMARY KEY(level, \"index\")) WITHOUT ROWID' WHERE name = 'tile'");
        raw_run(k->path, sql);
        raw_run(k->path, edits[i]);
        kit_reopen(k, VDM_LEDGER_READ);
        MUST_NOT(vdm_ledger_read_tile(k->l, 0, 0, 1, hashes, &k->err), "has 0 hashes");
    }
}

/* --- writing --- */

static void order_is_enforced(void **state)
{
    struct kit *k = *state;
    struct vdm_buf before VDM_CLEANUP(vdm_buf_release) = dump_of(k->path);
    struct vdm_bytes b = VDM_LIT("x");
    MUST(vdm_ledger_begin(k->l, &k->err));
    MUST_NOT(vdm_ledger_put_entry(k->l, 6, b, &k->err), "dense");
    MUST_NOT(vdm_ledger_put_entry(k->l, 4, b, &k->err), "dense");
    MUST_NOT(vdm_ledger_put_entry(k->l, UINT64_MAX, b, &k->err), "dense");
    MUST_NOT(vdm_ledger_put_record(k->l, 5, b, &k->err), "belongs to one entry");
    MUST(vdm_ledger_put_entry(k->l, 5, b, &k->err));
    MUST(vdm_ledger_put_record(k->l, 5, b, &k->err));
    MUST_NOT(vdm_ledger_put_record(k->l, 5, b, &k->err), "belongs to one entry");
    MUST_NOT(vdm_ledger_put_entry(k->l, 6, (struct vdm_bytes){0}, &k->err), "CHECK");
    MUST_NOT(vdm_ledger_commit(k->l, 5, b, &k->err), "one checkpoint a size");
    MUST_NOT(vdm_ledger_commit(k->l, 7, b, &k->err), "one checkpoint a size");
    vdm_ledger_rollback(k->l);
    vdm_ledger_rollback(k->l);
    assert_same_dump(k->path, &before);
    /* Closing in the middle keeps nothing either. */
    MUST(vdm_ledger_begin(k->l, &k->err));
    MUST(vdm_ledger_put_entry(k->l, 5, b, &k->err));
    kit_reopen(k, VDM_LEDGER_WRITE);
    assert_same_dump(k->path, &before);
    /* A commit without an entry would be a second checkpoint of one size. */
    MUST(vdm_ledger_begin(k->l, &k->err));
    MUST_NOT(vdm_ledger_commit(k->l, 5, b, &k->err), "one checkpoint a size");
    vdm_ledger_rollback(k->l);
    assert_same_dump(k->path, &before);
}

/* --- slices --- */

static void put_large(struct kit *k, uint64_t from, uint64_t to, size_t note, size_t record)
{
    uint8_t *bytes = malloc(65536);
    assert_non_null(bytes);
    MUST(vdm_ledger_begin(k->l, &k->err));
    for (uint64_t n = from; n < to; n++) {
        memset(bytes, (int)(n & 0xFF), 65536);
        MUST(vdm_ledger_put_entry(k->l, n, (struct vdm_bytes){bytes, note}, &k->err));
        if (record)
            MUST(vdm_ledger_put_record(k->l, n, (struct vdm_bytes){bytes, record}, &k->err));
    }
    MUST(vdm_ledger_commit(k->l, to, VDM_LIT("c"), &k->err));
    free(bytes);
}

/* All slices together are everything, each once, and none is much above a MiB of each. */
static void walk_slices(struct kit *k, uint64_t end, size_t note, size_t record, uint64_t *slices)
{
    struct vdm_ledger_slice s = {0};
    uint64_t n = 0, checkpoints = 0;
    for (*slices = 0; n < end; ++*slices) {
        MUST(vdm_ledger_read_slice(k->l, n, end, &s, &k->err));
        assert_int_equal(s.from, n);
        assert_true(s.to > n && s.to <= end);
        assert_int_equal(s.entries, s.to - n);
        assert_int_equal(s.records, record ? s.to - n : 0);
        assert_true(s.memory.n <= 2 * ((1 << 20) + 65535) + 1000);
        for (size_t i = 0; i < s.entries; i++) {
            assert_int_equal(s.entry[i].n, n + i);
            assert_int_equal(s.entry[i].bytes.n, note);
            assert_int_equal(s.entry[i].bytes.p[note - 1], (n + i) & 0xFF);
            assert_false(s.entry[i].odd);
        }
        for (size_t i = 0; i < s.records; i++) {
            assert_int_equal(s.record[i].n, n + i);
            assert_int_equal(s.record[i].bytes.n, record);
            assert_int_equal(s.record[i].bytes.p[0], (n + i) & 0xFF);
        }
        for (size_t i = 0; i < s.checkpoints; i++, checkpoints++)
            assert_true(s.checkpoint[i].n > n && s.checkpoint[i].n <= s.to);
        n = s.to;
    }
    assert_int_equal(checkpoints, end > 30 ? 2 : 1);
    vdm_ledger_slice_release(&s);
}

static void slices_by_bytes(void **state)
{
    struct kit *k = *state;
    uint64_t slices;
    put_large(k, 0, 30, 600, 65535); /* records are what fills them */
    walk_slices(k, 30, 600, 65535, &slices);
    assert_int_equal(slices, 2);
    kit_teardown(state);
    empty_setup(state);
    k = *state;
    put_large(k, 0, 40, 65535, 0);
    put_large(k, 40, 41, 65535, 0);
    walk_slices(k, 41, 65535, 0, &slices);
    assert_int_equal(slices, 3);
}

static void slices_by_rows(void **state)
{
    struct kit *k = *state;
    struct vdm_ledger_slice s = {0};
    uint64_t slices;
    put_large(k, 0, 1000, 1, 1);
    put_large(k, 1000, 2001, 1, 1);
    walk_slices(k, 2001, 1, 1, &slices);
    assert_int_equal(slices, 3);
    /* Boundaries, and the same memory again. */
    MUST(vdm_ledger_read_slice(k->l, 999, 2000, &s, &k->err));
    assert_int_equal(s.to, 1999);
    assert_int_equal(s.checkpoints, 1);
    assert_int_equal(s.checkpoint[0].n, 1000);
    MUST(vdm_ledger_read_slice(k->l, 2000, 2001, &s, &k->err));
    assert_int_equal(s.entries, 1);
    assert_int_equal(s.checkpoint[0].n, 2001);
    MUST(vdm_ledger_read_slice(k->l, 2001, 3000, &s, &k->err));
    assert_int_equal(s.entries + s.records + s.checkpoints, 0);
    vdm_ledger_slice_release(&s);
}

/* --- rows that do not belong there --- */

static void counts(struct kit *k, struct vdm_ledger_counts want)
{
    struct vdm_ledger_counts got;
    MUST(vdm_ledger_counts(k->l, &got, &k->err));
    assert_int_equal(got.entries, want.entries);
    assert_int_equal(got.records, want.records);
    assert_int_equal(got.checkpoints, want.checkpoints);
    assert_int_equal(got.tiles, want.tiles);
    assert_int_equal(got.hashes, want.hashes);
    assert_int_equal(got.others, want.others);
}

static void rows_are_counted(void **state)
{
    struct kit *k = *state;
    struct vdm_ledger_counts want = {
        .entries = 5, .records = 5, .checkpoints = 2, .tiles = 1, .hashes = 5};
    counts(k, want);
    raw_run(k->path,
            "INSERT INTO evidence VALUES(3, 'a', x'00'); INSERT INTO pack VALUES(1, 1, 1)");
    want.others = 2;
    counts(k, want);
    raw_run(k->path, "INSERT INTO tile VALUES(3, 7, zeroblob(64))");
    want.tiles = 2;
    want.hashes = 7;
    counts(k, want);
    raw_run(k->path, "PRAGMA ignore_check_constraints=ON; DROP TRIGGER entry_append;"
                     "DROP TRIGGER checkpoint_append; DROP TRIGGER record_new;"
                     "INSERT INTO entry VALUES(-4, x'00'), (99, x'00');"
                     "INSERT INTO checkpoint VALUES(-4, x'00');"
                     "INSERT INTO record VALUES(-4, x'00')");
    want.entries += 2;
    want.checkpoints++;
    want.records++;
    kit_reopen(k, VDM_LEDGER_READ);
    counts(k, want);
}

/* --- taking turns --- */

static void two_writers_take_turns(void **state)
{
    struct kit *k = *state;
    struct vdm_ledger *other = NULL;
    MUST(vdm_ledger_open(&other, k->dir, VDM_LEDGER_WRITE, &k->err));
    MUST(vdm_ledger_lock(k->l, 0, NULL, &k->err));
    MUST_NOT(vdm_ledger_lock(other, 0, NULL, &k->err), "another program");
    put_batch(k, 5, 6);
    vdm_ledger_unlock(k->l);
    MUST(vdm_ledger_lock(other, 0, NULL, &k->err));
    MUST_NOT(vdm_ledger_lock(k->l, 0, NULL, &k->err), "another program");
    struct vdm_ledger *mine = k->l;
    k->l = other;
    put_batch(k, 6, 8);
    k->l = mine;
    vdm_ledger_close(other); /* gives the lock back as well */
    MUST(vdm_ledger_lock(k->l, 0, NULL, &k->err));
    uint64_t size;
    MUST(vdm_ledger_size(k->l, &size, &k->err));
    assert_int_equal(size, 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        KIT_TEST(triggers_refuse),
        KIT_TEST(what_is_meant_to_change),
        cmocka_unit_test(what_may_be_erased),
        KIT_TEST(authorizer_refuses),
        KIT_TEST(not_even_prepared),
        KIT_TEST(reading_cannot_write),
        KIT_TEST(settings_hold),
        KIT_TEST(opening),
        KIT_TEST(no_such_store),
        KIT_TEST(folder_is_not_synced),
        KIT_TEST(creating_again),
        KIT_TEST(page_size),
        KIT_TEST(other_journal_modes_are_refused),
        KIT_TEST(reading_back),
        cmocka_unit_test_setup_teardown(empty_ledger, empty_setup, kit_teardown),
        KIT_TEST(tiles),
        KIT_TEST(tiles_grow_only),
        KIT_TEST(odd_tiles),
        KIT_TEST(order_is_enforced),
        cmocka_unit_test_setup_teardown(slices_by_bytes, empty_setup, kit_teardown),
        cmocka_unit_test_setup_teardown(slices_by_rows, empty_setup, kit_teardown),
        KIT_TEST(rows_are_counted),
        KIT_TEST(two_writers_take_turns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
