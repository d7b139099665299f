/* SPDX-License-Identifier: MIT */
/* What a database says, as anybody's SQLite reads it: quote() of every column of every table and of
 * sqlite_schema. Two files with the same dump hold the same. */
#ifndef VDM_TESTS_SUPPORT_DUMP_H
#define VDM_TESTS_SUPPORT_DUMP_H

#include "base/buf.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

static inline bool dump_query(sqlite3 *db, const char *query, int columns, struct vdm_buf *out)
{
    sqlite3_stmt *s = NULL;
    int code = sqlite3_prepare_v2(db, query, -1, &s, NULL);
    while (code == SQLITE_OK || code == SQLITE_ROW) {
        code = sqlite3_step(s);
        for (int i = 0; code == SQLITE_ROW && i < columns; i++) {
            const void *text = sqlite3_column_text(s, i);
            vdm_buf_put(out, (struct vdm_bytes){text, (size_t)sqlite3_column_bytes(s, i)});
            vdm_buf_putc(out, i + 1 < columns ? '|' : '\n');
        }
    }
    sqlite3_finalize(s);
    return code == SQLITE_DONE && !out->failed;
}

struct dump_query {
    const char *sql;
    int columns;
};

#define DUMP_SCHEMA                                                                                \
    {                                                                                              \
        "SELECT quote(type), quote(name), quote(tbl_name), quote(rootpage), quote(sql) "           \
        "FROM sqlite_schema",                                                                      \
            5                                                                                      \
    }

/* False where a part cannot be read. */
static inline bool dump_ledger(const char *path, struct vdm_buf *out)
{
    static const struct dump_query queries[] = {
        DUMP_SCHEMA,
        {"SELECT quote(n), quote(note) FROM entry", 2},
        {"SELECT quote(size), quote(note) FROM checkpoint", 2},
        {"SELECT quote(level), quote(\"index\"), quote(hashes) FROM tile", 3},
        {"SELECT quote(n), quote(text) FROM record", 2},
        {"SELECT quote(size), quote(name), quote(bytes) FROM evidence", 3},
        {"SELECT quote(\"commit\"), quote(id), quote(length) FROM pack", 3},
    };
    sqlite3 *db = NULL;
    bool ok = sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL) == SQLITE_OK;
    for (size_t i = 0; ok && i < sizeof queries / sizeof *queries; i++)
        ok = dump_query(db, queries[i].sql, queries[i].columns, out);
    sqlite3_close(db);
    return ok;
}

#endif
