/* SPDX-License-Identifier: MIT */
#include "ledger/catalog.h"

#include "base/file.h"
#include "ledger/db.h"
#include "ledger/schema.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum statement {
    STMT_REACHED,
    STMT_SET_REACHED,
    STMT_INSERT,
    STMT_UPDATE,
    STMT_WITHDRAW,
    STMT_FORGET,
    STMT_ADD_ISSUER,
    STMT_DROP_ISSUERS,
    STMT_FIND_SAME,
    STMT_LAST_OF_SOURCE,
    STMT_HAS_DOCUMENT,
    STMT_FATE,
    STMT_ROW,
    STMT_ISSUERS,
    STMT_RECORDED,
    STMT_TOTALS,
    STATEMENTS
};

static const char *const sql[STATEMENTS] = {
    [STMT_REACHED] = "SELECT entries, last FROM reached WHERE id = 0",
    [STMT_SET_REACHED] = "INSERT OR REPLACE INTO reached(id, entries, last) VALUES(0, ?, ?)",
    [STMT_INSERT] =
        "INSERT INTO capture(n, recorded, document, size, source, captured, collection, "
        "title, issued) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    [STMT_UPDATE] = "UPDATE capture SET amended = ?2, document = ?3, size = ?4, source = ?5, "
                    "captured = ?6, collection = ?7, title = ?8, issued = ?9 WHERE n = ?1",
    [STMT_WITHDRAW] = "UPDATE capture SET withdrawn = ?2 WHERE n = ?1",
    [STMT_FORGET] = "UPDATE capture SET document = x'', size = 0, source = NULL, captured = NULL, "
                    "collection = NULL, title = NULL, issued = NULL WHERE n = ?1",
    [STMT_ADD_ISSUER] = "INSERT OR IGNORE INTO issuer(name, n) VALUES(?2, ?1)",
    [STMT_DROP_ISSUERS] = "DELETE FROM issuer WHERE n = ?1",
    [STMT_FIND_SAME] = "SELECT max(n) FROM capture WHERE document = ?1 AND source IS ?2 "
                       "AND captured IS ?3 AND withdrawn IS NULL",
    [STMT_LAST_OF_SOURCE] = "SELECT max(n) FROM capture WHERE source = ?1",
    [STMT_HAS_DOCUMENT] = "SELECT min(n) FROM capture WHERE document = ?1",
    [STMT_FATE] = "SELECT amended, withdrawn FROM capture WHERE n = ?1",
    [STMT_ROW] = "SELECT document, size, source, captured, collection, title, issued FROM capture "
                 "WHERE n = ?1",
    [STMT_ISSUERS] = "SELECT name FROM issuer WHERE n = ?1",
    [STMT_RECORDED] = "SELECT recorded FROM capture WHERE n = ?1",
    [STMT_TOTALS] =
        "SELECT count(*), coalesce(sum(size), 0) FROM (SELECT document, max(size) AS size "
        "FROM capture WHERE length(document) = 32 GROUP BY document)",
};

struct vdm_catalog {
    sqlite3 *db;
    bool writing;
    sqlite3_stmt *statement[STATEMENTS];
};

/* Nothing here needs guarding against itself: it can be rebuilt. */
static int authorize(void *write, int action, const char *a, const char *b, const char *database,
                     const char *trigger)
{
    (void)write;
    (void)a;
    (void)b;
    (void)database;
    (void)trigger;
    return action == SQLITE_ATTACH || action == SQLITE_PRAGMA ? SQLITE_DENY : SQLITE_OK;
}

static const struct vdm_db_kind catalog_kind = {
    .file = "catalog.db",
    .application_id = VDM_CATALOG_APPLICATION_ID,
    .schema = vdm_catalog_schema,
    .authorize = authorize,
    .synchronous = "NORMAL",
    .page_size = 4096,
};

static bool prepared(struct vdm_catalog *c, enum statement which, sqlite3_stmt **out,
                     struct vdm_err *err)
{
    if (!c->statement[which] && !vdm_db_prepare(c->db, sql[which], &c->statement[which], err))
        return vdm_err_prefix(err, "catalog");
    *out = c->statement[which];
    return true;
}

static char *catalog_path(const char *store)
{
    char *folder VDM_CLEANUP(vdm_free_string) = realpath(store, NULL);
    char *path = NULL;
    if (!folder || asprintf(&path, "%s/%s", folder, catalog_kind.file) < 0)
        return NULL;
    return path;
}

static bool check(struct vdm_catalog *c, struct vdm_err *err)
{
    struct vdm_buf why VDM_CLEANUP(vdm_buf_release) = {0};
    if (!vdm_db_check_schema(c->db, &catalog_kind, &why, err))
        return vdm_err_prefix(err, "catalog.db");
    if (why.n)
        return vdm_fail_as(err, VDM_ERR_MALFORMED, "catalog.db: %.*s", (int)why.n, why.p);
    return true;
}

bool vdm_catalog_open(struct vdm_catalog **out, const char *store, enum vdm_ledger_mode mode,
                      struct vdm_err *err)
{
    char *path VDM_CLEANUP(vdm_free_string) = catalog_path(store);
    if (!path)
        return vdm_fail_errno(err, "%s", store);
    bool there = access(path, F_OK) == 0;
    if (!there && mode == VDM_LEDGER_READ)
        return vdm_fail_as(err, VDM_ERR_NOT_FOUND, "no catalog at %s", store);
    struct vdm_catalog *c = calloc(1, sizeof *c);
    if (!c)
        return vdm_fail_memory(err);
    enum vdm_db_mode how = mode == VDM_LEDGER_READ ? VDM_DB_READ : VDM_DB_WRITE;
    if (!vdm_db_open(&c->db, &catalog_kind, path, there ? how : VDM_DB_CREATE, err) ||
        (there && !check(c, err))) {
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
    for (int i = 0; i < STATEMENTS; i++)
        sqlite3_finalize(c->statement[i]);
    sqlite3_close(c->db);
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
    char *path VDM_CLEANUP(vdm_free_string) = catalog_path(store);
    if (!path)
        return vdm_fail_errno(err, "%s", store);
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
        char *file VDM_CLEANUP(vdm_free_string) = NULL;
        if (asprintf(&file, "%s%s", path, suffixes[i]) < 0)
            return vdm_fail_memory(err);
        if (unlink(file) != 0 && errno != ENOENT)
            return vdm_fail_errno(err, "remove catalog.db");
    }
    return true;
}

/* --- writing --- */

bool vdm_catalog_begin(struct vdm_catalog *c, struct vdm_err *err)
{
    if (!vdm_db_exec(c->db, "BEGIN IMMEDIATE", err))
        return vdm_err_prefix(err, "catalog");
    c->writing = true;
    return true;
}

static bool run_number(struct vdm_catalog *c, enum statement which, uint64_t n, struct vdm_err *err)
{
    sqlite3_stmt *s;
    if (!prepared(c, which, &s, err))
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
        if (!prepared(c, STMT_ADD_ISSUER, &s, err))
            return false;
        vdm_db_bind_number(s, 1, n);
        vdm_db_bind_text(s, 2, name);
        if (!vdm_db_run(s, err))
            return vdm_err_prefix(err, "catalog");
    }
    return true;
}

static const enum vdm_field text_columns[] = {
    VDM_FIELD_SOURCE, VDM_FIELD_CAPTURED, VDM_FIELD_COLLECTION, VDM_FIELD_TITLE, VDM_FIELD_ISSUED};
#define TEXT_COLUMNS (sizeof text_columns / sizeof *text_columns)

/* Statement parameters 3 and on: what the columns of a row are made from. */
static void bind_record(sqlite3_stmt *s, const struct vdm_record *r)
{
    vdm_db_bind_blob(s, 3, r ? vdm_digest_bytes(&r->document) : (struct vdm_bytes){0});
    vdm_db_bind_number(s, 4, r ? r->document_size : 0);
    for (size_t i = 0; i < TEXT_COLUMNS; i++)
        vdm_db_bind_text(s, 5 + (int)i,
                         r ? vdm_record_value(r, text_columns[i], 0) : (struct vdm_bytes){0});
}

static bool learn_capture(struct vdm_catalog *c, const struct vdm_entry *e,
                          const struct vdm_record *r, struct vdm_err *err)
{
    char recorded[VDM_TIME_LEN + 1];
    sqlite3_stmt *s;
    if (!prepared(c, STMT_INSERT, &s, err))
        return false;
    vdm_time_encode(e->recorded, recorded);
    vdm_db_bind_number(s, 1, e->n);
    vdm_db_bind_text(s, 2, vdm_str(recorded));
    bind_record(s, r);
    if (!vdm_db_run(s, err))
        return vdm_err_prefix(err, "catalog");
    return !r || put_issuers(c, e->n, r, err);
}

static bool learn_amendment(struct vdm_catalog *c, const struct vdm_entry *e,
                            const struct vdm_record *r, struct vdm_err *err)
{
    sqlite3_stmt *s;
    uint64_t n = e->capture.amends;
    if (!prepared(c, STMT_UPDATE, &s, err))
        return false;
    vdm_db_bind_number(s, 1, n);
    vdm_db_bind_number(s, 2, e->n);
    bind_record(s, r);
    if (!vdm_db_run(s, err))
        return vdm_err_prefix(err, "catalog");
    return run_number(c, STMT_DROP_ISSUERS, n, err) && (!r || put_issuers(c, n, r, err));
}

static bool learn_withdrawal(struct vdm_catalog *c, const struct vdm_entry *e, struct vdm_err *err)
{
    sqlite3_stmt *s;
    uint64_t n = e->withdrawal.of;
    if (!prepared(c, STMT_WITHDRAW, &s, err))
        return false;
    vdm_db_bind_number(s, 1, n);
    vdm_db_bind_number(s, 2, e->n);
    if (!vdm_db_run(s, err))
        return vdm_err_prefix(err, "catalog");
    if (e->withdrawal.scope == VDM_SCOPE_DOCUMENT)
        return true;
    return run_number(c, STMT_FORGET, n, err) && run_number(c, STMT_DROP_ISSUERS, n, err);
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
    if (!prepared(c, STMT_SET_REACHED, &s, err))
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
    if (c->writing && !sqlite3_get_autocommit(c->db))
        sqlite3_exec(c->db, "ROLLBACK", NULL, NULL, NULL);
    c->writing = false;
}

/* --- asking --- */

bool vdm_catalog_reached(struct vdm_catalog *c, struct vdm_catalog_reach *out, struct vdm_err *err)
{
    sqlite3_stmt *s VDM_CLEANUP(vdm_db_reset) = NULL;
    bool row;
    *out = (struct vdm_catalog_reach){0};
    if (!prepared(c, STMT_REACHED, &s, err) || !vdm_db_step(s, &row, err))
        return false;
    struct vdm_bytes last = row ? vdm_db_column(s, 1) : (struct vdm_bytes){0};
    if (last.n == sizeof out->last.b) {
        out->entries = (uint64_t)sqlite3_column_int64(s, 0);
        memcpy(out->last.b, last.p, last.n);
    }
    return true;
}

/* One number, or NULL for none. */
static bool ask_number(sqlite3_stmt *s, uint64_t *n, bool *found, struct vdm_err *err)
{
    bool row;
    bool ok = vdm_db_step(s, &row, err);
    *found = ok && row && sqlite3_column_type(s, 0) == SQLITE_INTEGER;
    if (*found)
        *n = (uint64_t)sqlite3_column_int64(s, 0);
    vdm_db_reset(&s);
    return ok || vdm_err_prefix(err, "catalog");
}

bool vdm_catalog_find_same(struct vdm_catalog *c, struct vdm_digest document,
                           struct vdm_bytes source, struct vdm_bytes captured, uint64_t *n,
                           bool *found, struct vdm_err *err)
{
    sqlite3_stmt *s;
    if (!prepared(c, STMT_FIND_SAME, &s, err))
        return false;
    vdm_db_bind_blob(s, 1, vdm_digest_bytes(&document));
    vdm_db_bind_text(s, 2, source);
    vdm_db_bind_text(s, 3, captured);
    return ask_number(s, n, found, err);
}

bool vdm_catalog_last_of_source(struct vdm_catalog *c, struct vdm_bytes source, uint64_t *n,
                                bool *found, struct vdm_err *err)
{
    sqlite3_stmt *s;
    if (!prepared(c, STMT_LAST_OF_SOURCE, &s, err))
        return false;
    vdm_db_bind_text(s, 1, source);
    return ask_number(s, n, found, err);
}

bool vdm_catalog_has_document(struct vdm_catalog *c, struct vdm_digest document, bool *found,
                              struct vdm_err *err)
{
    sqlite3_stmt *s;
    uint64_t n;
    if (!prepared(c, STMT_HAS_DOCUMENT, &s, err))
        return false;
    vdm_db_bind_blob(s, 1, vdm_digest_bytes(&document));
    return ask_number(s, &n, found, err);
}

/* Only the conditions that are asked for stand in the statement, so that their indexes serve. */
static void list_sql(struct vdm_buf *out, const struct vdm_catalog_filter *f)
{
    const struct {
        bool asked;
        const char *condition;
    } parts[] = {
        {f->source.p, "source = ?1"},
        {f->collection.p, "collection = ?2"},
        {f->issuer.p, "n IN (SELECT n FROM issuer WHERE name = ?3)"},
        {f->from.p, "recorded >= ?4"},
        {f->to.p, "recorded <= ?5"},
        {f->document, "document = ?6"},
    };
    vdm_buf_puts(out, "SELECT n FROM capture WHERE ");
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (parts[i].asked)
            vdm_buf_putf(out, "%s AND ", parts[i].condition);
    vdm_buf_puts(out, f->newest_first ? "n < ?7 ORDER BY n DESC LIMIT ?8"
                                      : "n > ?7 ORDER BY n LIMIT ?8");
    vdm_buf_putc(out, 0);
}

static void bind_list(sqlite3_stmt *s, const struct vdm_catalog_filter *f, uint64_t after,
                      size_t cap)
{
    const struct vdm_bytes texts[] = {f->source, f->collection, f->issuer, f->from, f->to};
    for (int i = 0; i < 5; i++)
        vdm_db_bind_text(s, i + 1, texts[i]);
    if (f->document)
        vdm_db_bind_blob(s, 6, vdm_digest_bytes(f->document));
    if (after == UINT64_MAX)
        sqlite3_bind_int64(s, 7, f->newest_first ? INT64_MAX : -1);
    else
        vdm_db_bind_number(s, 7, after);
    vdm_db_bind_number(s, 8, cap);
}

bool vdm_catalog_list(struct vdm_catalog *c, const struct vdm_catalog_filter *f, uint64_t after,
                      uint64_t *n, size_t cap, size_t *count, struct vdm_err *err)
{
    struct vdm_buf text VDM_CLEANUP(vdm_buf_release) = {0};
    sqlite3_stmt *s = NULL;
    bool row = true, ok;
    size_t got = 0;
    list_sql(&text, f);
    if (!vdm_buf_ok(&text, err))
        return false;
    ok = vdm_db_prepare(c->db, (const char *)text.p, &s, err);
    if (ok)
        bind_list(s, f, after, cap);
    while (ok && got < cap && (ok = vdm_db_step(s, &row, err)) && row)
        n[got++] = (uint64_t)sqlite3_column_int64(s, 0);
    sqlite3_finalize(s);
    *count = got;
    return ok || vdm_err_prefix(err, "catalog");
}

static uint64_t number_or_none(sqlite3_stmt *s, int i)
{
    return sqlite3_column_type(s, i) == SQLITE_INTEGER ? (uint64_t)sqlite3_column_int64(s, i)
                                                       : UINT64_MAX;
}

bool vdm_catalog_fate(struct vdm_catalog *c, uint64_t n, struct vdm_catalog_fate *out, bool *found,
                      struct vdm_err *err)
{
    sqlite3_stmt *s VDM_CLEANUP(vdm_db_reset) = NULL;
    if (!prepared(c, STMT_FATE, &s, err))
        return false;
    vdm_db_bind_number(s, 1, n);
    if (!vdm_db_step(s, found, err))
        return vdm_err_prefix(err, "catalog");
    if (*found)
        *out = (struct vdm_catalog_fate){number_or_none(s, 0), number_or_none(s, 1)};
    return true;
}

static bool same_text(sqlite3_stmt *s, int i, struct vdm_bytes want)
{
    bool null = sqlite3_column_type(s, i) == SQLITE_NULL;
    return null ? want.p == NULL : want.p != NULL && vdm_bytes_equal(vdm_db_column(s, i), want);
}

static bool same_row(sqlite3_stmt *s, const struct vdm_record *r)
{
    struct vdm_bytes document = r ? vdm_digest_bytes(&r->document) : (struct vdm_bytes){0};
    bool same = vdm_bytes_equal(vdm_db_column(s, 0), document) &&
                sqlite3_column_int64(s, 1) == (r ? (sqlite3_int64)r->document_size : 0);
    for (size_t i = 0; same && i < TEXT_COLUMNS; i++)
        same = same_text(s, 2 + (int)i,
                         r ? vdm_record_value(r, text_columns[i], 0) : (struct vdm_bytes){0});
    return same;
}

/* The issuers as sets: the catalog keeps each once, in its own order. */
static bool same_issuers(struct vdm_catalog *c, uint64_t n, const struct vdm_record *r, bool *same,
                         struct vdm_err *err)
{
    sqlite3_stmt *s VDM_CLEANUP(vdm_db_reset) = NULL;
    size_t listed = 0, distinct = 0;
    struct vdm_bytes name, other;
    bool row;
    for (size_t k = 0; r && (name = vdm_record_value(r, VDM_FIELD_ISSUER, k)).n; k++) {
        size_t first = 0;
        while (other = vdm_record_value(r, VDM_FIELD_ISSUER, first), !vdm_bytes_equal(other, name))
            first++;
        distinct += first == k;
    }
    if (!prepared(c, STMT_ISSUERS, &s, err))
        return false;
    vdm_db_bind_number(s, 1, n);
    while (*same) {
        if (!vdm_db_step(s, &row, err))
            return vdm_err_prefix(err, "catalog");
        if (!row)
            break;
        bool known = false;
        for (size_t k = 0; r && (name = vdm_record_value(r, VDM_FIELD_ISSUER, k)).n; k++)
            known = known || vdm_bytes_equal(vdm_db_column(s, 0), name);
        *same = known;
        listed++;
    }
    *same = *same && listed == distinct;
    return true;
}

bool vdm_catalog_same(struct vdm_catalog *c, uint64_t n, const struct vdm_record *r, bool *same,
                      struct vdm_err *err)
{
    sqlite3_stmt *s VDM_CLEANUP(vdm_db_reset) = NULL;
    bool row;
    if (!prepared(c, STMT_ROW, &s, err))
        return false;
    vdm_db_bind_number(s, 1, n);
    if (!vdm_db_step(s, &row, err))
        return vdm_err_prefix(err, "catalog");
    *same = row && same_row(s, r);
    return same_issuers(c, n, r, same, err);
}

bool vdm_catalog_same_time(struct vdm_catalog *c, uint64_t n, struct vdm_time recorded, bool *same,
                           struct vdm_err *err)
{
    sqlite3_stmt *s VDM_CLEANUP(vdm_db_reset) = NULL;
    char text[VDM_TIME_LEN + 1];
    bool row;
    if (!prepared(c, STMT_RECORDED, &s, err))
        return false;
    vdm_time_encode(recorded, text);
    vdm_db_bind_number(s, 1, n);
    if (!vdm_db_step(s, &row, err))
        return vdm_err_prefix(err, "catalog");
    *same = row && vdm_bytes_equal_str(vdm_db_column(s, 0), text);
    return true;
}

bool vdm_catalog_totals(struct vdm_catalog *c, struct vdm_catalog_totals *out, struct vdm_err *err)
{
    sqlite3_stmt *s = NULL, *captures = NULL;
    bool row, ok = prepared(c, STMT_TOTALS, &s, err) && vdm_db_step(s, &row, err);
    if (ok) {
        out->documents = (uint64_t)sqlite3_column_int64(s, 0);
        out->bytes = (uint64_t)sqlite3_column_int64(s, 1);
        vdm_db_reset(&s);
        ok = vdm_db_prepare(c->db, "SELECT count(*) FROM capture", &captures, err) &&
             vdm_db_step(captures, &row, err);
        out->captures = ok ? (uint64_t)sqlite3_column_int64(captures, 0) : 0;
    }
    sqlite3_finalize(captures);
    return ok || vdm_err_prefix(err, "catalog");
}
