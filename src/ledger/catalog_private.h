/* SPDX-License-Identifier: MIT */
/* What the files of the catalog share. */
#ifndef VDM_LEDGER_CATALOG_PRIVATE_H
#define VDM_LEDGER_CATALOG_PRIVATE_H

#include "crypto/crypto.h"
#include "ledger/catalog.h"
#include "ledger/catalog_leads.h"
#include "ledger/db.h"

enum vdm_catalog_statement {
    VDM_CATALOG_VERSION,
    VDM_CATALOG_REACHED,
    VDM_CATALOG_SET_REACHED,
    VDM_CATALOG_INSERT,
    VDM_CATALOG_UPDATE,
    VDM_CATALOG_WITHDRAW,
    VDM_CATALOG_FORGET,
    VDM_CATALOG_ADD_WORDS,
    VDM_CATALOG_ADD_ISSUER,
    VDM_CATALOG_DROP_ISSUERS,
    VDM_CATALOG_ADD_LEAD,
    VDM_CATALOG_DROP_LEAD0,
    VDM_CATALOG_DROP_LEAD1,
    VDM_CATALOG_DROP_LEAD2,
    VDM_CATALOG_LEADS_OF,
    VDM_CATALOG_FIND_SAME,
    VDM_CATALOG_NEXT_SAME,
    VDM_CATALOG_LAST_OF_SOURCE,
    VDM_CATALOG_HAS_DOCUMENT,
    VDM_CATALOG_FATE,
    VDM_CATALOG_ROW,
    VDM_CATALOG_ISSUERS,
    VDM_CATALOG_TOTALS,
    VDM_CATALOG_REPEATED,
    VDM_CATALOG_ALL,
    VDM_CATALOG_ALL_LEADS,
    VDM_CATALOG_STATEMENTS
};

struct vdm_catalog {
    sqlite3 *db;
    bool writing;
    bool old; /* of version 1, to be read: it has indexes where now there are leads */
    uint64_t lead_rows;
    struct vdm_crypto *crypto; /* opened at its first use */
    sqlite3_stmt *statement[VDM_CATALOG_STATEMENTS];
};

/* Prepared at its first use. */
bool vdm_catalog_prepared(struct vdm_catalog *c, enum vdm_catalog_statement which,
                          sqlite3_stmt **out, struct vdm_err *err) VDM_MUST_CHECK;

/* SQL by leads: the captures that have one with key ?10 and fit `conditions` (of ?1 to ?9), then `order`,
 * which is by n. Each table gives them in that order already, so that only as many are looked at as are
 * asked for. */
#define VDM_BY_LEAD(conditions, order)                                                             \
    VDM_LEAD_ARM("0", conditions)                                                                  \
    " UNION ALL " VDM_LEAD_ARM("1", conditions) " UNION ALL " VDM_LEAD_ARM("2", conditions) order
#define VDM_LEAD_ARM(level, conditions)                                                            \
    "SELECT n FROM lead" level " CROSS JOIN capture USING(n) WHERE key = ?10 AND " conditions
#define VDM_LEAD_KEY 10 /* its parameter */

/* The fields that are columns of a capture's row, in their order. */
#define VDM_CATALOG_TEXTS 5
extern const enum vdm_field vdm_catalog_texts[VDM_CATALOG_TEXTS];

/* Take in the words of entry n's record. */
bool vdm_catalog_learn_words(struct vdm_catalog *c, uint64_t n, const struct vdm_record *r,
                             struct vdm_err *err) VDM_MUST_CHECK;
/* The FTS5 expression for all terms. One of them at least is not `absent`. */
bool vdm_catalog_match(const struct vdm_catalog_filter *f, struct vdm_buf *out,
                       struct vdm_err *err) VDM_MUST_CHECK;

#endif
