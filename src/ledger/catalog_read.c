/* SPDX-License-Identifier: MIT */
#include "ledger/catalog_private.h"

#include <string.h>

bool vdm_catalog_reached(struct vdm_catalog *c, struct vdm_catalog_reach *out, struct vdm_err *err)
{
    sqlite3_stmt *s VDM_CLEANUP(vdm_db_reset) = NULL;
    bool row;
    *out = (struct vdm_catalog_reach){0};
    if (!vdm_catalog_prepared(c, VDM_CATALOG_REACHED, &s, err))
        return false;
    if (!vdm_db_step(s, &row, err))
        return vdm_err_prefix(err, "catalog");
    struct vdm_bytes last = row ? vdm_db_column(s, 1) : (struct vdm_bytes){0};
    if (last.n == sizeof out->last.b) {
        out->entries = (uint64_t)sqlite3_column_int64(s, 0);
        memcpy(out->last.b, last.p, last.n);
    }
    return true;
}

bool vdm_catalog_hold(struct vdm_catalog *c, struct vdm_err *err)
{
    if (!vdm_db_exec(c->db, "BEGIN", err))
        return vdm_err_prefix(err, "catalog");
    c->writing = true; /* a transaction is open, to be ended in the same way */
    return true;
}

/* Of a statement that gives a number; NULL or no row: none. */
static bool ask_number(sqlite3_stmt *s, uint64_t *n, bool *found, struct vdm_err *err)
{
    bool row;
    if (!vdm_db_step(s, &row, err)) {
        vdm_db_reset(&s);
        return vdm_err_prefix(err, "catalog");
    }
    *found = row && sqlite3_column_type(s, 0) == SQLITE_INTEGER;
    *n = *found ? (uint64_t)sqlite3_column_int64(s, 0) : 0;
    vdm_db_reset(&s);
    return true;
}

bool vdm_catalog_version(struct vdm_catalog *c, uint64_t *out, struct vdm_err *err)
{
    sqlite3_stmt *s;
    bool found;
    return vdm_catalog_prepared(c, VDM_CATALOG_VERSION, &s, err) && ask_number(s, out, &found, err);
}

/* In a catalog of version 1 there is no such parameter, and SQLite takes none. */
static void bind_document_key(sqlite3_stmt *s, struct vdm_digest document)
{
    sqlite3_bind_int64(s, VDM_LEAD_KEY, vdm_lead_document(vdm_digest_bytes(&document)));
}

bool vdm_catalog_find_same(struct vdm_catalog *c, struct vdm_digest document,
                           struct vdm_bytes source, struct vdm_bytes captured, uint64_t *n,
                           bool *found, struct vdm_err *err)
{
    sqlite3_stmt *s;
    if (!vdm_catalog_prepared(c, VDM_CATALOG_FIND_SAME, &s, err))
        return false;
    vdm_db_bind_blob(s, 1, vdm_digest_bytes(&document));
    vdm_db_bind_text(s, 2, source);
    vdm_db_bind_text(s, 3, captured);
    bind_document_key(s, document);
    return ask_number(s, n, found, err);
}

bool vdm_catalog_next_same(struct vdm_catalog *c, struct vdm_digest document,
                           struct vdm_bytes source, struct vdm_bytes captured, uint64_t from,
                           uint64_t to, uint64_t *n, bool *found, struct vdm_err *err)
{
    sqlite3_stmt *s;
    if (!vdm_catalog_prepared(c, VDM_CATALOG_NEXT_SAME, &s, err))
        return false;
    vdm_db_bind_blob(s, 1, vdm_digest_bytes(&document));
    vdm_db_bind_text(s, 2, source);
    vdm_db_bind_text(s, 3, captured);
    vdm_db_bind_number(s, 4, from);
    vdm_db_bind_number(s, 5, to);
    bind_document_key(s, document);
    return ask_number(s, n, found, err);
}

bool vdm_catalog_last_of_source(struct vdm_catalog *c, struct vdm_bytes source, uint64_t *n,
                                bool *found, struct vdm_err *err)
{
    sqlite3_stmt *s;
    int64_t key;
    if (!vdm_catalog_prepared(c, VDM_CATALOG_LAST_OF_SOURCE, &s, err) ||
        !vdm_lead_source(c, source, &key, err))
        return false;
    vdm_db_bind_text(s, 1, source);
    sqlite3_bind_int64(s, VDM_LEAD_KEY, key);
    return ask_number(s, n, found, err);
}

bool vdm_catalog_has_document(struct vdm_catalog *c, struct vdm_digest document, bool *found,
                              struct vdm_err *err)
{
    sqlite3_stmt *s;
    uint64_t n;
    if (!vdm_catalog_prepared(c, VDM_CATALOG_HAS_DOCUMENT, &s, err))
        return false;
    vdm_db_bind_blob(s, 1, vdm_digest_bytes(&document));
    bind_document_key(s, document);
    return ask_number(s, &n, found, err);
}

/* Only the conditions that are asked for stand in the statement, so that their indexes serve. */
static void put_conditions(struct vdm_buf *out, const struct vdm_catalog_filter *f)
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
        {f->terms, "length(document) = 32 AND coalesce(amended, n) IN "
                   "(SELECT rowid FROM words WHERE words MATCH ?9)"},
    };
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (parts[i].asked)
            vdm_buf_putf(out, "%s AND ", parts[i].condition);
    vdm_buf_puts(out, f->newest_first ? "n < ?7" : "n > ?7");
}

static bool list_sql(struct vdm_buf *out, const struct vdm_catalog_filter *f, bool by_lead,
                     struct vdm_err *err)
{
    struct vdm_buf conditions VDM_CLEANUP(vdm_buf_release) = {0};
    put_conditions(&conditions, f);
    vdm_buf_putc(&conditions, 0);
    if (!vdm_buf_ok(&conditions, err))
        return false;
    const char *c = (const char *)conditions.p;
    if (by_lead)
        vdm_buf_putf(out, VDM_BY_LEAD("%s", ""), c, c, c);
    else
        vdm_buf_putf(out, "SELECT n FROM capture WHERE %s", c);
    vdm_buf_putf(out, " ORDER BY n%s LIMIT ?8", f->newest_first ? " DESC" : "");
    vdm_buf_putc(out, 0);
    return vdm_buf_ok(out, err);
}

/* Of what is asked for, a document has the fewest captures. */
static bool list_key(struct vdm_catalog *c, const struct vdm_catalog_filter *f, bool *by_lead,
                     int64_t *key, struct vdm_err *err)
{
    *by_lead = !c->old && (f->document || f->source.p);
    *key = f->document ? vdm_lead_document(vdm_digest_bytes(f->document)) : 0;
    return !*by_lead || f->document || vdm_lead_source(c, f->source, key, err);
}

/* Where nobody asks for terms there is no parameter 9, and SQLite takes none. */
static void bind_list(sqlite3_stmt *s, const struct vdm_catalog_filter *f, uint64_t after,
                      size_t cap, struct vdm_bytes match, int64_t key)
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
    vdm_db_bind_text(s, 9, match);
    sqlite3_bind_int64(s, VDM_LEAD_KEY, key);
}

bool vdm_catalog_list(struct vdm_catalog *c, const struct vdm_catalog_filter *f, uint64_t after,
                      uint64_t *n, size_t cap, size_t *count, struct vdm_err *err)
{
    struct vdm_buf text VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_buf match VDM_CLEANUP(vdm_buf_release) = {0};
    sqlite3_stmt *s VDM_CLEANUP(vdm_db_finalize) = NULL;
    bool by_lead, row, ok = true;
    size_t got = 0;
    int64_t key;
    if (!list_key(c, f, &by_lead, &key, err) || !list_sql(&text, f, by_lead, err) ||
        !vdm_catalog_match(f, &match, err))
        return false;
    if (!vdm_db_prepare(c->db, (const char *)text.p, &s, err))
        return vdm_err_prefix(err, "catalog");
    bind_list(s, f, after, cap, vdm_buf_bytes(&match), key);
    while (got < cap && (ok = vdm_db_step(s, &row, err)) && row)
        n[got++] = (uint64_t)sqlite3_column_int64(s, 0);
    *count = got;
    return ok || vdm_err_prefix(err, "catalog");
}

static uint64_t number_or_none(sqlite3_stmt *s, int i)
{
    return sqlite3_column_type(s, i) == SQLITE_INTEGER ? (uint64_t)sqlite3_column_int64(s, i)
                                                       : UINT64_MAX;
}

static struct vdm_catalog_fate fate_at(sqlite3_stmt *s, int i)
{
    return (struct vdm_catalog_fate){number_or_none(s, i), number_or_none(s, i + 1)};
}

bool vdm_catalog_fate(struct vdm_catalog *c, uint64_t n, struct vdm_catalog_fate *out, bool *found,
                      struct vdm_err *err)
{
    sqlite3_stmt *s VDM_CLEANUP(vdm_db_reset) = NULL;
    if (!vdm_catalog_prepared(c, VDM_CATALOG_FATE, &s, err))
        return false;
    vdm_db_bind_number(s, 1, n);
    if (!vdm_db_step(s, found, err))
        return vdm_err_prefix(err, "catalog");
    if (*found)
        *out = fate_at(s, 0);
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
    for (size_t i = 0; same && i < VDM_CATALOG_TEXTS; i++)
        same = same_text(s, 2 + (int)i,
                         r ? vdm_record_value(r, vdm_catalog_texts[i], 0) : (struct vdm_bytes){0});
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
    if (!vdm_catalog_prepared(c, VDM_CATALOG_ISSUERS, &s, err))
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

enum { AT_RECORDED = 2 + VDM_CATALOG_TEXTS, AT_FATE };

bool vdm_catalog_compare(struct vdm_catalog *c, uint64_t n, struct vdm_time recorded,
                         const struct vdm_record *r, struct vdm_catalog_compared *out,
                         struct vdm_err *err)
{
    sqlite3_stmt *s VDM_CLEANUP(vdm_db_reset) = NULL;
    char time[VDM_TIME_LEN + 1];
    *out = (struct vdm_catalog_compared){0};
    if (!vdm_catalog_prepared(c, VDM_CATALOG_ROW, &s, err))
        return false;
    vdm_db_bind_number(s, 1, n);
    if (!vdm_db_step(s, &out->found, err))
        return vdm_err_prefix(err, "catalog");
    if (!out->found)
        return true;
    vdm_time_encode(recorded, time);
    out->same_time = vdm_bytes_equal_str(vdm_db_column(s, AT_RECORDED), time);
    out->same_record = same_row(s, r);
    out->fate = fate_at(s, AT_FATE);
    return same_issuers(c, n, r, &out->same_record, err);
}

bool vdm_catalog_collections(struct vdm_catalog *c, vdm_catalog_collection_fn *tell, void *ctx,
                             struct vdm_err *err)
{
    sqlite3_stmt *s = NULL;
    bool row, ok = true, more = true;
    if (!vdm_db_prepare(c->db,
                        "SELECT collection, count(*) FROM capture WHERE collection IS NOT NULL "
                        "GROUP BY collection ORDER BY count(*) DESC, collection",
                        &s, err))
        return vdm_err_prefix(err, "catalog");
    while (more && (ok = vdm_db_step(s, &row, err)) && row)
        more = tell(ctx, vdm_db_column(s, 0), (uint64_t)sqlite3_column_int64(s, 1));
    sqlite3_finalize(s);
    return ok || vdm_err_prefix(err, "catalog");
}
