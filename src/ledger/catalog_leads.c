/* SPDX-License-Identifier: MIT */
#include "ledger/catalog_leads.h"

#include "base/file.h"
#include "ledger/catalog_private.h"

/* What moving takes at most, in an archive of a hundred million captures: pages of the journal and of the
 * file. Where there is less room they stay where they are, and all is found as well. */
#define ROOM (UINT64_C(128) << 20)

/* --- keys --- */

int64_t vdm_lead_document(struct vdm_bytes digest)
{
    return digest.n < 8 ? 0 : (int64_t)(vdm_be64(digest.p) >> 1);
}

bool vdm_lead_source(struct vdm_catalog *c, struct vdm_bytes source, int64_t *key,
                     struct vdm_err *err)
{
    if (!c->crypto && !vdm_crypto_open(&c->crypto, err))
        return vdm_err_prefix(err, "catalog");
    struct vdm_digest d = vdm_sha256(c->crypto, source);
    *key = -1 - (int64_t)(vdm_be64(d.b) >> 1);
    return true;
}

/* --- what the rows of captures lead to --- */

static bool run_lead(struct vdm_catalog *c, enum vdm_catalog_statement which, int64_t key,
                     uint64_t n, struct vdm_err *err)
{
    sqlite3_stmt *s;
    if (!vdm_catalog_prepared(c, which, &s, err))
        return false;
    sqlite3_bind_int64(s, 1, key);
    vdm_db_bind_number(s, 2, n);
    return vdm_db_run(s, err) || vdm_err_prefix(err, "catalog");
}

static bool drop(struct vdm_catalog *c, int64_t key, uint64_t n, struct vdm_err *err)
{
    return run_lead(c, VDM_CATALOG_DROP_LEAD0, key, n, err) &&
           run_lead(c, VDM_CATALOG_DROP_LEAD1, key, n, err) &&
           run_lead(c, VDM_CATALOG_DROP_LEAD2, key, n, err);
}

/* What a capture is or was of. */
struct of {
    struct vdm_bytes document, source;
};

static struct of of_record(const struct vdm_record *r)
{
    return r ? (struct of){vdm_digest_bytes(&r->document), vdm_record_value(r, VDM_FIELD_SOURCE, 0)}
             : (struct of){0};
}

static bool change_document(struct vdm_catalog *c, uint64_t n, struct vdm_bytes was,
                            struct vdm_bytes is, struct vdm_err *err)
{
    return vdm_bytes_equal(was, is) ||
           ((!was.n || drop(c, vdm_lead_document(was), n, err)) &&
            (!is.n || run_lead(c, VDM_CATALOG_ADD_LEAD, vdm_lead_document(is), n, err)));
}

static bool change_source(struct vdm_catalog *c, uint64_t n, struct vdm_bytes was,
                          struct vdm_bytes is, struct vdm_err *err)
{
    int64_t key;
    return vdm_bytes_equal(was, is) ||
           ((!was.n || (vdm_lead_source(c, was, &key, err) && drop(c, key, n, err))) &&
            (!is.n || (vdm_lead_source(c, is, &key, err) &&
                       run_lead(c, VDM_CATALOG_ADD_LEAD, key, n, err))));
}

static bool change(struct vdm_catalog *c, uint64_t n, struct of was, struct of is,
                   struct vdm_err *err)
{
    return change_document(c, n, was.document, is.document, err) &&
           change_source(c, n, was.source, is.source, err);
}

bool vdm_leads_add(struct vdm_catalog *c, uint64_t n, const struct vdm_record *r,
                   struct vdm_err *err)
{
    return change(c, n, (struct of){0}, of_record(r), err);
}

bool vdm_leads_change(struct vdm_catalog *c, uint64_t n, const struct vdm_record *r,
                      struct vdm_err *err)
{
    sqlite3_stmt *s VDM_CLEANUP(vdm_db_reset) = NULL;
    bool row;
    if (!vdm_catalog_prepared(c, VDM_CATALOG_LEADS_OF, &s, err))
        return false;
    vdm_db_bind_number(s, 1, n);
    if (!vdm_db_step(s, &row, err))
        return vdm_err_prefix(err, "catalog");
    return !row ||
           change(c, n, (struct of){vdm_db_column(s, 0), vdm_db_column(s, 1)}, of_record(r), err);
}

/* --- moving --- */

static bool number(struct vdm_catalog *c, const char *sql, int64_t a, int64_t b, int64_t otherwise,
                   int64_t *out, struct vdm_err *err)
{
    sqlite3_stmt *s VDM_CLEANUP(vdm_db_finalize) = NULL;
    bool row;
    if (!vdm_db_prepare(c->db, sql, &s, err))
        return false;
    sqlite3_bind_int64(s, 1, a);
    sqlite3_bind_int64(s, 2, b);
    if (!vdm_db_step(s, &row, err))
        return false;
    *out = row ? sqlite3_column_int64(s, 0) : otherwise;
    return true;
}

static bool run(struct vdm_catalog *c, const char *sql, int64_t a, int64_t b, struct vdm_err *err)
{
    int64_t none;
    return number(c, sql, a, b, 0, &none, err);
}

/* `rows` of lead1, from where the last ones ended; behind the last key it goes on at the first. */
static bool move_range(struct vdm_catalog *c, int64_t rows, struct vdm_err *err)
{
    int64_t from, to;
    return number(c, "SELECT key FROM lead_turn", 0, 0, INT64_MIN, &from, err) &&
           number(c, "SELECT key FROM lead1 WHERE key >= ?1 ORDER BY key LIMIT 1 OFFSET ?2", from,
                  rows, INT64_MAX, &to, err) &&
           run(c,
               "INSERT OR IGNORE INTO lead2 SELECT key, n FROM lead1 WHERE key BETWEEN ?1 AND ?2 "
               "ORDER BY key, n",
               from, to, err) &&
           run(c, "DELETE FROM lead1 WHERE key BETWEEN ?1 AND ?2", from, to, err) &&
           run(c, "INSERT OR REPLACE INTO lead_turn(id, key) VALUES(0, ?1)",
               to == INT64_MAX ? INT64_MIN : to + 1, 0, err);
}

static bool move(struct vdm_catalog *c, struct vdm_err *err)
{
    int64_t rows, most = (int64_t)c->lead_rows * VDM_LEADS_AGE;
    if (!vdm_db_exec(c->db,
                     "INSERT OR IGNORE INTO lead1 SELECT key, n FROM lead0 ORDER BY key, n; "
                     "DELETE FROM lead0",
                     err) ||
        !number(c, "SELECT count(*) FROM lead1", 0, 0, 0, &rows, err))
        return false;
    return rows <= most || move_range(c, rows - most, err);
}

bool vdm_leads_settle(struct vdm_catalog *c, struct vdm_err *err)
{
    int64_t rows;
    uint64_t room;
    if (!number(c, "SELECT count(*) FROM lead0", 0, 0, 0, &rows, err))
        return vdm_err_prefix(err, "catalog");
    if (rows < (int64_t)c->lead_rows ||
        (vdm_path_free(sqlite3_db_filename(c->db, "main"), &room, NULL) && room < ROOM))
        return true;
    return move(c, err) || vdm_err_prefix(err, "catalog");
}

void vdm_leads_limit(struct vdm_catalog *c, uint64_t rows)
{
    c->lead_rows = rows;
}
