/* SPDX-License-Identifier: MIT */
/* What catalog.c and catalog_read.c share. */
#ifndef VDM_LEDGER_CATALOG_PRIVATE_H
#define VDM_LEDGER_CATALOG_PRIVATE_H

#include "ledger/catalog.h"
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
    VDM_CATALOG_FIND_SAME,
    VDM_CATALOG_NEXT_SAME,
    VDM_CATALOG_LAST_OF_SOURCE,
    VDM_CATALOG_HAS_DOCUMENT,
    VDM_CATALOG_FATE,
    VDM_CATALOG_ROW,
    VDM_CATALOG_ISSUERS,
    VDM_CATALOG_RECORDED,
    VDM_CATALOG_TOTALS,
    VDM_CATALOG_STATEMENTS
};

struct vdm_catalog {
    sqlite3 *db;
    bool writing;
    sqlite3_stmt *statement[VDM_CATALOG_STATEMENTS];
};

/* Prepared at its first use. */
bool vdm_catalog_prepared(struct vdm_catalog *c, enum vdm_catalog_statement which,
                          sqlite3_stmt **out, struct vdm_err *err) VDM_MUST_CHECK;

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
