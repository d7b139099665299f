/* SPDX-License-Identifier: MIT */
/* What is asked of all rows together. None of it is kept in memory: there may be many millions. */
#include "ledger/catalog_private.h"

#include <string.h>

/* --- totals --- */

/* A document that was seen under the key at hand. Two of them share a key by chance or by ill will only. */
struct seen {
    struct vdm_digest document;
    uint64_t size;
};

/* Runs of leads with the same key, in order. */
struct tally {
    struct vdm_catalog_totals *totals;
    int64_t key;
    uint64_t n;          /* the first of the run */
    bool any, looked;    /* was there one at all; was the first one looked at? */
    struct vdm_buf seen; /* struct seen */
};

/* One more capture of a document that was counted already counts no more; of two sizes the greater. */
static bool count_repeated(struct tally *t, struct vdm_bytes document, uint64_t size,
                           struct vdm_err *err)
{
    struct seen one = {.size = size};
    if (document.n != sizeof one.document.b)
        return true;
    memcpy(one.document.b, document.p, document.n);
    struct seen *s = (struct seen *)(void *)t->seen.p;
    for (size_t i = 0; i < t->seen.n / sizeof *s; i++)
        if (vdm_digest_equal(s[i].document, one.document)) {
            t->totals->documents--;
            t->totals->bytes -= size < s[i].size ? size : s[i].size;
            s[i].size = size > s[i].size ? size : s[i].size;
            return true;
        }
    vdm_buf_put(&t->seen, (struct vdm_bytes){(const uint8_t *)&one, sizeof one});
    return vdm_buf_ok(&t->seen, err);
}

static bool look_at(struct vdm_catalog *c, struct tally *t, uint64_t n, struct vdm_err *err)
{
    sqlite3_stmt *s VDM_CLEANUP(vdm_db_reset) = NULL;
    bool row;
    if (!vdm_catalog_prepared(c, VDM_CATALOG_ROW, &s, err))
        return false;
    vdm_db_bind_number(s, 1, n);
    return vdm_db_step(s, &row, err) &&
           (!row ||
            count_repeated(t, vdm_db_column(s, 0), (uint64_t)sqlite3_column_int64(s, 1), err));
}

/* Only where a key comes again the rows are looked at, which lie anywhere. */
static bool take_lead(struct vdm_catalog *c, struct tally *t, int64_t key, uint64_t n,
                      struct vdm_err *err)
{
    if (!t->any || key != t->key) {
        t->any = true;
        t->looked = false;
        t->key = key;
        t->n = n;
        vdm_buf_clear(&t->seen);
        return true;
    }
    if (!t->looked && !look_at(c, t, t->n, err))
        return false;
    t->looked = true;
    return look_at(c, t, n, err);
}

static bool take_off_repeated(struct vdm_catalog *c, struct vdm_catalog_totals *totals,
                              struct vdm_err *err)
{
    struct tally t = {.totals = totals};
    sqlite3_stmt *s VDM_CLEANUP(vdm_db_reset) = NULL;
    bool row = true, ok = vdm_catalog_prepared(c, VDM_CATALOG_REPEATED, &s, err);
    while (ok && (ok = vdm_db_step(s, &row, err)) && row)
        ok =
            take_lead(c, &t, sqlite3_column_int64(s, 0), (uint64_t)sqlite3_column_int64(s, 1), err);
    vdm_buf_release(&t.seen);
    return ok;
}

bool vdm_catalog_totals(struct vdm_catalog *c, struct vdm_catalog_totals *out, struct vdm_err *err)
{
    sqlite3_stmt *s VDM_CLEANUP(vdm_db_reset) = NULL;
    bool row;
    if (!vdm_catalog_prepared(c, VDM_CATALOG_TOTALS, &s, err))
        return false;
    if (!vdm_db_step(s, &row, err))
        return vdm_err_prefix(err, "catalog");
    out->captures = (uint64_t)sqlite3_column_int64(s, 0);
    out->documents = (uint64_t)sqlite3_column_int64(s, 1);
    out->bytes = (uint64_t)sqlite3_column_int64(s, 2);
    return c->old || take_off_repeated(c, out, err) || vdm_err_prefix(err, "catalog");
}

/* --- do the leads fit the rows? --- */

static uint64_t mixed(uint64_t x)
{
    x = (x ^ x >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    x = (x ^ x >> 27) * UINT64_C(0x94D049BB133111EB);
    return x ^ x >> 31;
}

/* Of many leads the sum, which does not depend on their order: another set of them has another one. */
static uint64_t of_lead(int64_t key, uint64_t n)
{
    return mixed(mixed((uint64_t)key + UINT64_C(0x9E3779B97F4A7C15)) + n);
}

static bool sum_rows(struct vdm_catalog *c, uint64_t *rows, uint64_t *sum, struct vdm_err *err)
{
    sqlite3_stmt *s VDM_CLEANUP(vdm_db_reset) = NULL;
    bool row = true, ok = vdm_catalog_prepared(c, VDM_CATALOG_ALL, &s, err);
    while (ok && (ok = vdm_db_step(s, &row, err)) && row) {
        uint64_t n = (uint64_t)sqlite3_column_int64(s, 0);
        struct vdm_bytes document = vdm_db_column(s, 1), source = vdm_db_column(s, 2);
        int64_t key = 0;
        ++*rows;
        if (document.n)
            *sum += of_lead(vdm_lead_document(document), n);
        if (source.n && (ok = c->old || vdm_lead_source(c, source, &key, err)))
            *sum += of_lead(key, n);
    }
    return ok;
}

static bool sum_leads(struct vdm_catalog *c, uint64_t *sum, struct vdm_err *err)
{
    sqlite3_stmt *s VDM_CLEANUP(vdm_db_reset) = NULL;
    bool row = true, ok = vdm_catalog_prepared(c, VDM_CATALOG_ALL_LEADS, &s, err);
    while (ok && (ok = vdm_db_step(s, &row, err)) && row)
        *sum += of_lead(sqlite3_column_int64(s, 0), (uint64_t)sqlite3_column_int64(s, 1));
    return ok;
}

bool vdm_catalog_count(struct vdm_catalog *c, uint64_t *captures, bool *found, struct vdm_err *err)
{
    uint64_t of_rows = 0, of_leads = 0;
    *captures = 0;
    if (!sum_rows(c, captures, &of_rows, err) || (!c->old && !sum_leads(c, &of_leads, err)))
        return vdm_err_prefix(err, "catalog");
    *found = c->old || of_rows == of_leads;
    return true;
}
