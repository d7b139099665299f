/* SPDX-License-Identifier: MIT */
/* A metadata table: what somebody knows about files, one row a file. By the ending of its name:
 *
 * - .csv: RFC 4180, with a header row. Lines end in CRLF or LF, a byte order mark is passed over.
 *   Cells are bytes. A quote that stands bare, a number of columns other than the header's, a CR
 *   alone, an empty line, a NUL are errors. A column may be repeated where its field may.
 * - .json: one array of objects, at most VDM_TABLE_JSON_MAX bytes.
 * - .jsonl, .ndjson: one object a line (JSON Lines).
 *
 * Column (or key) `file` says which file the row is about: relative to the table's folder, or
 * absolute, or `-` for standard input; the others are the caller's. A table can be about something
 * else: then another column says what, and its value is taken as it stands (in JSON it may be a number). In JSON a value is a string, or
 * for a field that may repeat an array of strings. An empty cell, an empty string and null: not
 * stated. Nothing is trimmed or converted.
 *
 * Opening checks every row; the first thing wrong is the error (VDM_ERR_MALFORMED) and names its line
 * (for .json: its row, counted from 1). Of CSV and JSON Lines only an index is kept, VDM_TABLE_ROW_BYTES
 * or less a row; a row is read again when it is wanted, and a table that has changed meanwhile is
 * VDM_ERR_REFUSED. */
#ifndef VDM_CAPTURE_TABLE_H
#define VDM_CAPTURE_TABLE_H

#include "base/buf.h"

#define VDM_TABLE_JSON_MAX    (1u << 24) /* bytes of a .json table; it is held in memory */
#define VDM_TABLE_ROW_MAX     (1u << 20) /* bytes of one row of a .csv or line of a .jsonl */
#define VDM_TABLE_COLUMNS_MAX 4096       /* columns of a .csv, values of a row of JSON */
#define VDM_TABLE_ROWS_MAX    (1u << 30)
#define VDM_TABLE_ROW_BYTES   64 /* bound on memory for the index of CSV and JSON Lines */

/* A field that a table may state. The column that says what a row is about is not listed. */
struct vdm_table_field {
    const char *name;
    bool repeats;
};

struct vdm_table_cell {
    const char *key;        /* the caller's own vdm_table_field.name */
    struct vdm_bytes value; /* never empty, no NUL; borrowed from the row */
};

/* What a row states, in its order. Zero-initialise, use for any number of rows, release. */
struct vdm_table_row {
    uint64_t line;         /* where it begins, from 1; for .json its place in the array */
    struct vdm_bytes file; /* as written; or what else the row is about */
    const struct vdm_table_cell *cells;
    size_t n;
    struct vdm_buf text, list; /* behind file and cells */
};
void vdm_table_row_release(struct vdm_table_row *row);

struct vdm_table;

/* `fields` (n of them, with their names) must outlive the table and its rows. Two rows for the same
 * file are an error. */
bool vdm_table_open(struct vdm_table **out, const char *path, const struct vdm_table_field *fields,
                    size_t n, struct vdm_err *err) VDM_MUST_CHECK;
/* The same for a table whose column `about` says what a row is about: no file, and its value is not
 * looked into. Rows come by vdm_table_each_unused. */
bool vdm_table_open_about(struct vdm_table **out, const char *path, const char *about,
                          const struct vdm_table_field *fields, size_t n,
                          struct vdm_err *err) VDM_MUST_CHECK;
void vdm_table_close(struct vdm_table *t);    /* NULL is fine */
void vdm_table_cleanup(struct vdm_table **t); /* for VDM_CLEANUP */

/* The canonical path (capture/path.h) of the table itself: who imports its folder can tell it. */
struct vdm_bytes vdm_table_path(const struct vdm_table *t);
size_t vdm_table_rows(const struct vdm_table *t);

/* The row about the file with this canonical path (vdm_walk_item.path), which is used from now on.
 * Not there: *found is false and the row untouched. */
bool vdm_table_find(struct vdm_table *t, struct vdm_bytes path, struct vdm_table_row *row,
                    bool *found, struct vdm_err *err) VDM_MUST_CHECK;

/* Tells the rows that were never found, in the table's order. The row is borrowed; returning false
 * ends it with that error. */
typedef bool vdm_table_unused_fn(void *ctx, const struct vdm_table_row *row, struct vdm_err *err);
bool vdm_table_each_unused(struct vdm_table *t, vdm_table_unused_fn *tell, void *ctx,
                           struct vdm_err *err) VDM_MUST_CHECK;

#endif
