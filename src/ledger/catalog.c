/* SPDX-License-Identifier: MIT */
#include "ledger/catalog.h"

#include "base/file.h"
#include "ledger/catalog_private.h"
#include "ledger/schema.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SAME "document = ?1 AND source IS ?2 AND captured IS ?3 AND withdrawn IS NULL"

static const char *const sql[VDM_CATALOG_STATEMENTS] = {
    [VDM_CATALOG_VERSION] = "PRAGMA data_version",
    [VDM_CATALOG_REACHED] = "SELECT entries, last FROM reached WHERE id = 0",
    [VDM_CATALOG_SET_REACHED] = "INSERT OR REPLACE INTO reached(id, entries, last) VALUES(0, ?, ?)",
    [VDM_CATALOG_INSERT] =
        "INSERT INTO capture(n, recorded, document, size, source, captured, collection, "
        "title, issued) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    [VDM_CATALOG_UPDATE] =
        "UPDATE capture SET amended = ?2, document = ?3, size = ?4, source = ?5, "
        "captured = ?6, collection = ?7, title = ?8, issued = ?9 WHERE n = ?1",
    [VDM_CATALOG_WITHDRAW] = "UPDATE capture SET withdrawn = ?2 WHERE n = ?1",
    [VDM_CATALOG_FORGET] =
        "UPDATE capture SET document = x'', size = 0, source = NULL, captured = NULL, "
        "collection = NULL, title = NULL, issued = NULL WHERE n = ?1",
    [VDM_CATALOG_ADD_WORDS] = "INSERT INTO words(rowid, text) VALUES(?1, ?2)",
    [VDM_CATALOG_ADD_ISSUER] = "INSERT OR IGNORE INTO issuer(name, n) VALUES(?2, ?1)",
    [VDM_CATALOG_DROP_ISSUERS] = "DELETE FROM issuer WHERE n = ?1",
    [VDM_CATALOG_ADD_LEAD] = "INSERT OR IGNORE INTO lead0(key, n) VALUES(?1, ?2)",
    [VDM_CATALOG_DROP_LEAD0] = "DELETE FROM lead0 WHERE key = ?1 AND n = ?2",
    [VDM_CATALOG_DROP_LEAD1] = "DELETE FROM lead1 WHERE key = ?1 AND n = ?2",
    [VDM_CATALOG_DROP_LEAD2] = "DELETE FROM lead2 WHERE key = ?1 AND n = ?2",
    [VDM_CATALOG_LEADS_OF] = "SELECT document, source FROM capture WHERE n = ?1",
    [VDM_CATALOG_FIND_SAME] = VDM_BY_LEAD(SAME, " ORDER BY n DESC LIMIT 1"),
    [VDM_CATALOG_NEXT_SAME] = VDM_BY_LEAD(SAME " AND n >= ?4 AND n < ?5", " ORDER BY n LIMIT 1"),
    [VDM_CATALOG_LAST_OF_SOURCE] = VDM_BY_LEAD("source = ?1", " ORDER BY n DESC LIMIT 1"),
    [VDM_CATALOG_HAS_DOCUMENT] = VDM_BY_LEAD("document = ?1", " ORDER BY n LIMIT 1"),
    [VDM_CATALOG_FATE] = "SELECT amended, withdrawn FROM capture WHERE n = ?1",
    [VDM_CATALOG_ROW] =
        "SELECT document, size, source, captured, collection, title, issued, recorded, amended, "
        "withdrawn FROM capture WHERE n = ?1",
    [VDM_CATALOG_ISSUERS] = "SELECT name FROM issuer WHERE n = ?1",
    [VDM_CATALOG_TOTALS] = "SELECT count(*), coalesce(sum(length(document) = 32), 0), "
                           "coalesce(sum(iif(length(document) = 32, size, 0)), 0) FROM capture",
    [VDM_CATALOG_REPEATED] = "SELECT key, n FROM lead0 WHERE key >= 0 UNION ALL "
                             "SELECT key, n FROM lead1 WHERE key >= 0 UNION ALL "
                             "SELECT key, n FROM lead2 WHERE key >= 0 ORDER BY key, n",
    [VDM_CATALOG_ALL] = "SELECT n, document, source FROM capture",
    [VDM_CATALOG_ALL_LEADS] = "SELECT key, n FROM lead0 UNION ALL SELECT key, n FROM lead1 "
                              "UNION ALL SELECT key, n FROM lead2",
};

/* Where there are indexes in place of leads. */
static const char *const sql_1[VDM_CATALOG_STATEMENTS] = {
    [VDM_CATALOG_FIND_SAME] = "SELECT max(n) FROM capture WHERE " SAME,
    [VDM_CATALOG_NEXT_SAME] = "SELECT min(n) FROM capture WHERE " SAME " AND n >= ?4 AND n < ?5",
    [VDM_CATALOG_LAST_OF_SOURCE] = "SELECT max(n) FROM capture WHERE source = ?1",
    [VDM_CATALOG_HAS_DOCUMENT] = "SELECT min(n) FROM capture WHERE document = ?1",
    [VDM_CATALOG_TOTALS] =
        "SELECT (SELECT count(*) FROM capture), count(*), coalesce(sum(size), 0) FROM "
        "(SELECT document, max(size) AS size FROM capture WHERE length(document) = 32 "
        "GROUP BY document)",
};

/* Nothing here needs guarding against itself: it can be rebuilt. Full text asks for data_version, too. */
static int authorize(void *write, int action, const char *a, const char *b, const char *database,
                     const char *trigger)
{
    (void)write;
    (void)b;
    (void)database;
    (void)trigger;
    if (action == SQLITE_PRAGMA)
        return strcmp(a, "data_version") == 0 ? SQLITE_OK : SQLITE_DENY;
    return action == SQLITE_ATTACH ? SQLITE_DENY : SQLITE_OK;
}

static const struct vdm_db_kind catalog_kind = {
    .file = "catalog.db",
    .application_id = VDM_CATALOG_APPLICATION_ID,
    .version = VDM_CATALOG_SCHEMA_VERSION,
    .schema = vdm_catalog_schema,
    .authorize = authorize,
    .page_size = 4096,
    .cache_kib = 16384, /* most of what leads to captures stands in lead0 and lead1 */
};

static const struct vdm_db_kind catalog_kind_1 = {
    .file = "catalog.db",
    .schema = vdm_catalog_schema_1,
};

bool vdm_catalog_prepared(struct vdm_catalog *c, enum vdm_catalog_statement which,
                          sqlite3_stmt **out, struct vdm_err *err)
{
    const char *text = c->old && sql_1[which] ? sql_1[which] : sql[which];
    if (!c->statement[which] && !vdm_db_prepare(c->db, text, &c->statement[which], err))
        return vdm_err_prefix(err, "catalog");
    *out = c->statement[which];
    return true;
}

/* One of version 1 is good to be read. */
static bool check(struct vdm_catalog *c, enum vdm_db_mode mode, struct vdm_err *err)
{
    struct vdm_buf why VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_buf why_not_1 VDM_CLEANUP(vdm_buf_release) = {0};
    if (!vdm_db_check_schema(c->db, &catalog_kind, &why, err) ||
        (why.n && mode == VDM_DB_READ &&
         !vdm_db_check_schema(c->db, &catalog_kind_1, &why_not_1, err)))
        return vdm_err_prefix(err, "catalog.db");
    c->old = why.n && mode == VDM_DB_READ && why_not_1.n == 0;
    if (why.n && !c->old)
        return vdm_fail_as(err, VDM_ERR_MALFORMED, "catalog.db: %.*s", (int)why.n, why.p);
    return true;
}

bool vdm_catalog_open(struct vdm_catalog **out, const char *store, enum vdm_ledger_mode mode,
                      struct vdm_err *err)
{
    char *path VDM_CLEANUP(vdm_free_string) = vdm_db_path(store, catalog_kind.file);
    if (!path)
        return vdm_fail_errno(err, "%s", store);
    bool there = access(path, F_OK) == 0;
    if (!there && mode == VDM_LEDGER_READ)
        return vdm_fail_as(err, VDM_ERR_NOT_FOUND, "no catalog at %s", store);
    struct vdm_catalog *c = calloc(1, sizeof *c);
    if (!c)
        return vdm_fail_memory(err);
    c->lead_rows = VDM_LEADS_ROWS;
    enum vdm_db_mode how = mode == VDM_LEDGER_READ ? VDM_DB_READ : VDM_DB_WRITE;
    if (!vdm_db_open(&c->db, &catalog_kind, path, there ? how : VDM_DB_CREATE, err) ||
        (there && !check(c, how, err))) {
        vdm_catalog_close(c);
        return false;
    }
    *out = c;
    return true;
}

void vdm_catalog_close(struct vdm_catalog *c)
{
    if (!c)
        return;
    vdm_catalog_rollback(c);
    for (int i = 0; i < VDM_CATALOG_STATEMENTS; i++)
        sqlite3_finalize(c->statement[i]);
    sqlite3_close(c->db);
    vdm_crypto_close(c->crypto);
    free(c);
}

void vdm_catalog_cleanup(struct vdm_catalog **c)
{
    vdm_catalog_close(*c);
    *c = NULL;
}

bool vdm_catalog_remove(const char *store, struct vdm_err *err)
{
    static const char *const suffixes[] = {"-journal", "-wal", "-shm", ""};
    char *path VDM_CLEANUP(vdm_free_string) = vdm_db_path(store, catalog_kind.file);
    if (!path)
        return vdm_fail_errno(err, "%s", store);
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
        char *file VDM_CLEANUP(vdm_free_string) = vdm_db_beside(path, suffixes[i]);
        if (!file)
            return vdm_fail_memory(err);
        struct vdm_err why = {0};
        bool gone = vdm_file_erase(AT_FDCWD, file, &why) || why.kind == VDM_ERR_NOT_FOUND;
        if (!gone && (why.kind != VDM_ERR_REFUSED || unlink(file) != 0)) /* no file: a link, say */
            return vdm_fail(err, "remove catalog.db: %s", why.text);
    }
    return true;
}

bool vdm_catalog_is_there(struct vdm_catalog *c)
{
    int moved = 1;
    sqlite3_file_control(c->db, "main", SQLITE_FCNTL_HAS_MOVED, &moved); /* not to be told: 1 */
    return !moved;
}

/* Every page is given free or emptied as a whole, and secure_delete overwrites it then. */
bool vdm_catalog_clear(struct vdm_catalog *c, struct vdm_err *err)
{
    vdm_catalog_rollback(c);
    if (!vdm_catalog_begin(c, err))
        return false;
    bool ok = vdm_db_exec(c->db,
                          "DELETE FROM reached; DELETE FROM capture; DELETE FROM issuer; "
                          "DELETE FROM lead0; DELETE FROM lead1; DELETE FROM lead2; "
                          "DELETE FROM lead_turn; "
                          "INSERT INTO words(words) VALUES('delete-all'); COMMIT",
                          err);
    vdm_catalog_rollback(c);
    return ok || vdm_err_prefix(err, "catalog");
}

/* --- writing --- */

bool vdm_catalog_begin(struct vdm_catalog *c, struct vdm_err *err)
{
    if (!vdm_db_exec(c->db, "BEGIN IMMEDIATE", err))
        return vdm_err_prefix(err, "catalog");
    c->writing = true;
    return true;
}

static bool run_number(struct vdm_catalog *c, enum vdm_catalog_statement which, uint64_t n,
                       struct vdm_err *err)
{
    sqlite3_stmt *s;
    if (!vdm_catalog_prepared(c, which, &s, err))
        return false;
    vdm_db_bind_number(s, 1, n);
    return vdm_db_run(s, err) || vdm_err_prefix(err, "catalog");
}

static bool put_issuers(struct vdm_catalog *c, uint64_t n, const struct vdm_record *r,
                        struct vdm_err *err)
{
    struct vdm_bytes name;
    for (size_t k = 0; (name = vdm_record_value(r, VDM_FIELD_ISSUER, k)).n; k++) {
        sqlite3_stmt *s;
        if (!vdm_catalog_prepared(c, VDM_CATALOG_ADD_ISSUER, &s, err))
            return false;
        vdm_db_bind_number(s, 1, n);
        vdm_db_bind_text(s, 2, name);
        if (!vdm_db_run(s, err))
            return vdm_err_prefix(err, "catalog");
    }
    return true;
}

const enum vdm_field vdm_catalog_texts[VDM_CATALOG_TEXTS] = {
    VDM_FIELD_SOURCE, VDM_FIELD_CAPTURED, VDM_FIELD_COLLECTION, VDM_FIELD_TITLE, VDM_FIELD_ISSUED};

/* Statement parameters 3 and on: what the columns of a row are made from. */
static void bind_record(sqlite3_stmt *s, const struct vdm_record *r)
{
    vdm_db_bind_blob(s, 3, r ? vdm_digest_bytes(&r->document) : (struct vdm_bytes){0});
    vdm_db_bind_number(s, 4, r ? r->document_size : 0);
    for (size_t i = 0; i < VDM_CATALOG_TEXTS; i++)
        vdm_db_bind_text(s, 5 + (int)i,
                         r ? vdm_record_value(r, vdm_catalog_texts[i], 0) : (struct vdm_bytes){0});
}

static bool learn_capture(struct vdm_catalog *c, const struct vdm_entry *e,
                          const struct vdm_record *r, struct vdm_err *err)
{
    char recorded[VDM_TIME_LEN + 1];
    sqlite3_stmt *s;
    if (!vdm_catalog_prepared(c, VDM_CATALOG_INSERT, &s, err))
        return false;
    vdm_time_encode(e->recorded, recorded);
    vdm_db_bind_number(s, 1, e->n);
    vdm_db_bind_text(s, 2, vdm_str(recorded));
    bind_record(s, r);
    if (!vdm_db_run(s, err))
        return vdm_err_prefix(err, "catalog");
    return !r || (vdm_leads_add(c, e->n, r, err) && put_issuers(c, e->n, r, err) &&
                  vdm_catalog_learn_words(c, e->n, r, err));
}

static bool learn_amendment(struct vdm_catalog *c, const struct vdm_entry *e,
                            const struct vdm_record *r, struct vdm_err *err)
{
    sqlite3_stmt *s;
    uint64_t n = e->capture.amends;
    if (!vdm_leads_change(c, n, r, err) || !vdm_catalog_prepared(c, VDM_CATALOG_UPDATE, &s, err))
        return false;
    vdm_db_bind_number(s, 1, n);
    vdm_db_bind_number(s, 2, e->n);
    bind_record(s, r);
    if (!vdm_db_run(s, err))
        return vdm_err_prefix(err, "catalog");
    return run_number(c, VDM_CATALOG_DROP_ISSUERS, n, err) &&
           (!r || (put_issuers(c, n, r, err) && vdm_catalog_learn_words(c, e->n, r, err)));
}

static bool learn_withdrawal(struct vdm_catalog *c, const struct vdm_entry *e, struct vdm_err *err)
{
    sqlite3_stmt *s;
    uint64_t n = e->withdrawal.of;
    if (!vdm_catalog_prepared(c, VDM_CATALOG_WITHDRAW, &s, err))
        return false;
    vdm_db_bind_number(s, 1, n);
    vdm_db_bind_number(s, 2, e->n);
    if (!vdm_db_run(s, err))
        return vdm_err_prefix(err, "catalog");
    if (e->withdrawal.scope == VDM_SCOPE_DOCUMENT)
        return true;
    return vdm_leads_change(c, n, NULL, err) && run_number(c, VDM_CATALOG_FORGET, n, err) &&
           run_number(c, VDM_CATALOG_DROP_ISSUERS, n, err);
}

bool vdm_catalog_learn(struct vdm_catalog *c, const struct vdm_entry *e, const struct vdm_record *r,
                       struct vdm_err *err)
{
    if (e->kind == VDM_ENTRY_CAPTURE)
        return learn_capture(c, e, r, err);
    if (e->kind == VDM_ENTRY_AMENDMENT)
        return learn_amendment(c, e, r, err);
    return e->kind != VDM_ENTRY_WITHDRAWAL || learn_withdrawal(c, e, err);
}

bool vdm_catalog_commit(struct vdm_catalog *c, struct vdm_catalog_reach reach, struct vdm_err *err)
{
    sqlite3_stmt *s;
    if (!vdm_leads_settle(c, err) || !vdm_catalog_prepared(c, VDM_CATALOG_SET_REACHED, &s, err))
        return false;
    vdm_db_bind_number(s, 1, reach.entries);
    vdm_db_bind_blob(s, 2, vdm_digest_bytes(&reach.last));
    if (!vdm_db_run(s, err) || !vdm_db_exec(c->db, "COMMIT", err))
        return vdm_err_prefix(err, "catalog");
    c->writing = false;
    return true;
}

void vdm_catalog_rollback(struct vdm_catalog *c)
{
    if (!c)
        return;
    if (c->writing) /* where SQLite has ended it already this fails, and nothing is lost */
        sqlite3_exec(c->db, "ROLLBACK", NULL, NULL, NULL);
    c->writing = false;
}
