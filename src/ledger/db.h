/* SPDX-License-Identifier: MIT */
/* SQLite as we use it: one way to open, every setting read back, prepared statements, one way to turn
 * a result code into a sentence. Private to src/ledger. */
#ifndef VDM_LEDGER_DB_H
#define VDM_LEDGER_DB_H

#include "base/buf.h"

#include <sqlite3.h>

enum vdm_db_mode {
    VDM_DB_CREATE, /* a new file; fails if it is there */
    VDM_DB_WRITE,
    VDM_DB_READ,
};

/* What a database is and what may be done to it. */
struct vdm_db_kind {
    const char *file; /* name below the store folder */
    int application_id;
    int version; /* those from 1 on are opened */
    const char *const *schema;
    /* SQLite's authorizer: may this happen after opening? */
    int (*authorize)(void *write, int action, const char *a, const char *b, const char *database,
                     const char *trigger);
    int page_size; /* of new files */
    int cache_kib; /* of pages, while it is open for writing */
};

/* Of a file in the store, absolute and without links: SQLite is told to follow none. To be freed; NULL:
 * errno says why. */
char *vdm_db_path(const char *store, const char *file);

/* `path` with a suffix, to be freed; NULL without memory. */
char *vdm_db_beside(const char *path, const char *suffix);

/* `path`: of the file, absolute and free of links. A journal that an interrupted write left is rolled
 * back when opened for writing; for reading that is VDM_ERR_RECOVER. A file whose header is not that
 * of its kind, or that has a write-ahead log, is VDM_ERR_MALFORMED. */
bool vdm_db_open(sqlite3 **out, const struct vdm_db_kind *kind, const char *path,
                 enum vdm_db_mode mode, struct vdm_err *err) VDM_MUST_CHECK;

/* Write the file anew, row by row (VACUUM), in place and in one transaction: nothing that was deleted
 * is left in it. Other connections may be open, but in no transaction. What is spooled meanwhile
 * holds only what stays. */
bool vdm_db_rebuild(const struct vdm_db_kind *kind, const char *path,
                    struct vdm_err *err) VDM_MUST_CHECK;

bool vdm_db_prepare(sqlite3 *db, const char *sql, sqlite3_stmt **out,
                    struct vdm_err *err) VDM_MUST_CHECK;
/* Step once; *row says whether there is a row. */
bool vdm_db_step(sqlite3_stmt *s, bool *row, struct vdm_err *err) VDM_MUST_CHECK;
/* Step a statement that gives no rows, then reset it. */
bool vdm_db_run(sqlite3_stmt *s, struct vdm_err *err) VDM_MUST_CHECK;
bool vdm_db_exec(sqlite3 *db, const char *sql, struct vdm_err *err) VDM_MUST_CHECK;
bool vdm_db_fail(sqlite3 *db, struct vdm_err *err); /* false */

void vdm_db_bind_number(sqlite3_stmt *s, int i, uint64_t n);
void vdm_db_bind_blob(sqlite3_stmt *s, int i, struct vdm_bytes b); /* borrowed until the reset */
void vdm_db_bind_text(sqlite3_stmt *s, int i, struct vdm_bytes b); /* p == NULL: SQL NULL */
struct vdm_bytes vdm_db_column(sqlite3_stmt *s, int i);            /* valid until the next step */

/* For VDM_CLEANUP: leaves the statement ready for its next use. */
void vdm_db_reset(sqlite3_stmt **s);

/* For VDM_CLEANUP, too: of one that is used once. */
void vdm_db_finalize(sqlite3_stmt **s);

/* Compare header and schema with what this version makes. *why is empty if they are the same. */
bool vdm_db_check_schema(sqlite3 *db, const struct vdm_db_kind *kind, struct vdm_buf *why,
                         struct vdm_err *err) VDM_MUST_CHECK;
/* The same for the file's header, without SQLite. *newer: it says that a later version made it, and
 * nothing else is wrong with it. */
bool vdm_db_check_header(const char *path, const struct vdm_db_kind *kind, bool *newer,
                         struct vdm_buf *why, struct vdm_err *err) VDM_MUST_CHECK;
/* For such a header, with *why. A later version has other tables: with those of this one the number was
 * changed, and *why says that. Else, or if they cannot be read, nothing can be said of the file:
 * VDM_ERR_FAILED with what *why said. */
bool vdm_db_check_newer(const char *path, const struct vdm_db_kind *kind, struct vdm_buf *why,
                        struct vdm_err *err) VDM_MUST_CHECK;

#endif
