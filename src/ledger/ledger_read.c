/* SPDX-License-Identifier: MIT */
#include "ledger/ledger.h"
#include "ledger/ledger_private.h"

#include <stdlib.h>
#include <string.h>

#define SLICE_ROWS  1000
#define SLICE_BYTES (1u << 20)

bool vdm_ledger_size(struct vdm_ledger *l, uint64_t *size, struct vdm_err *err)
{
    sqlite3_stmt *s VDM_CLEANUP(vdm_db_reset) = NULL;
    bool row;
    if (!vdm_ledger_statement(l, STMT_SIZE, &s, err) || !vdm_db_step(s, &row, err))
        return vdm_err_prefix(err, "ledger");
    *size = (uint64_t)sqlite3_column_int64(s, 0);
    return true;
}

static bool get(struct vdm_ledger *l, enum vdm_ledger_statement which, uint64_t n,
                struct vdm_buf *out, bool *found, struct vdm_err *err)
{
    sqlite3_stmt *s VDM_CLEANUP(vdm_db_reset) = NULL;
    if (!vdm_ledger_statement(l, which, &s, err))
        return vdm_err_prefix(err, "ledger");
    vdm_db_bind_number(s, 1, n);
    if (!vdm_db_step(s, found, err))
        return vdm_err_prefix(err, "ledger");
    if (*found)
        vdm_buf_put(out, vdm_db_column(s, 0));
    return vdm_buf_ok(out, err);
}

bool vdm_ledger_entry(struct vdm_ledger *l, uint64_t n, struct vdm_buf *out, bool *found,
                      struct vdm_err *err)
{
    return get(l, STMT_ENTRY, n, out, found, err);
}

bool vdm_ledger_record(struct vdm_ledger *l, uint64_t n, struct vdm_buf *out, bool *found,
                       struct vdm_err *err)
{
    return get(l, STMT_RECORD, n, out, found, err);
}

bool vdm_ledger_checkpoint(struct vdm_ledger *l, uint64_t size, struct vdm_buf *out, bool *found,
                           struct vdm_err *err)
{
    return get(l, STMT_CHECKPOINT, size, out, found, err);
}

/* A search through many rows is cut: who commits waits while one is under way. */
#define SEARCH_ROWS 20000

/* *out stays as it is without a row. */
static bool search(struct vdm_ledger *l, enum vdm_ledger_statement which,
                   const struct vdm_bytes *beginning, size_t beginnings, uint64_t from, uint64_t to,
                   uint64_t *out, bool *row, struct vdm_err *err)
{
    sqlite3_stmt *s VDM_CLEANUP(vdm_db_reset) = NULL;
    if (!vdm_ledger_statement(l, which, &s, err))
        return vdm_err_prefix(err, "ledger");
    vdm_db_bind_number(s, 1, from);
    vdm_db_bind_number(s, 2, to);
    for (size_t i = 0; i < beginnings; i++)
        vdm_db_bind_blob(s, 3 + (int)i, beginning[i]);
    if (!vdm_db_step(s, row, err))
        return vdm_err_prefix(err, "ledger");
    if (*row)
        *out = (uint64_t)sqlite3_column_int64(s, 0);
    return true;
}

/* The rows from *from on that one search goes through; *end is `from` where there is none. A checkpoint may claim any
 * number of entries: what is not there is passed over, not searched. */
static bool search_span(struct vdm_ledger *l, uint64_t *from, uint64_t to, uint64_t *end,
                        struct vdm_err *err)
{
    bool row;
    if (!search(l, STMT_FIRST_ROW, NULL, 0, *from, to, from, &row, err))
        return false;
    *end = !row ? *from : to - *from > SEARCH_ROWS ? *from + SEARCH_ROWS : to;
    return true;
}

static bool next(struct vdm_ledger *l, enum vdm_ledger_statement which,
                 const struct vdm_bytes *beginning, size_t beginnings, uint64_t from, uint64_t to,
                 uint64_t *n, bool *found, struct vdm_err *err)
{
    uint64_t end;
    *found = false;
    for (; !*found && from < to; from = end) {
        if (!search_span(l, &from, to, &end, err))
            return false;
        if (end == from)
            break;
        if (!search(l, which, beginning, beginnings, from, end, n, found, err))
            return false;
    }
    return true;
}

bool vdm_ledger_next(struct vdm_ledger *l, struct vdm_bytes beginning, uint64_t from, uint64_t to,
                     uint64_t *n, bool *found, struct vdm_err *err)
{
    return next(l, STMT_NEXT, &beginning, 1, from, to, n, found, err);
}

bool vdm_ledger_next_of_two(struct vdm_ledger *l, struct vdm_bytes beginning,
                            struct vdm_bytes other, uint64_t from, uint64_t to, uint64_t *n,
                            bool *found, struct vdm_err *err)
{
    const struct vdm_bytes beginnings[] = {beginning, other};
    return next(l, STMT_NEXT_OF_TWO, beginnings, 2, from, to, n, found, err);
}

bool vdm_ledger_last(struct vdm_ledger *l, struct vdm_bytes beginning, uint64_t before, uint64_t *n,
                     bool *found, struct vdm_err *err)
{
    uint64_t from, row = 0;
    bool any = true;
    *found = false;
    for (; !*found && before > 0; before = from) {
        if (!search(l, STMT_LAST_ROW, NULL, 0, 0, before, &row, &any, err))
            return false;
        if (!any)
            break;
        before = row + 1;
        from = before > SEARCH_ROWS ? before - SEARCH_ROWS : 0;
        if (!search(l, STMT_LAST, &beginning, 1, from, before, n, found, err))
            return false;
    }
    return true;
}

bool vdm_ledger_count(struct vdm_ledger *l, struct vdm_bytes beginning, uint64_t from, uint64_t to,
                      uint64_t *count, struct vdm_err *err)
{
    uint64_t some = 0, end;
    bool row;
    *count = 0;
    for (; from < to; from = end) {
        if (!search_span(l, &from, to, &end, err))
            return false;
        if (end == from)
            break;
        if (!search(l, STMT_COUNT, &beginning, 1, from, end, &some, &row, err))
            return false;
        *count += some;
    }
    return true;
}

/* --- tiles --- */

static bool load_tile(struct vdm_ledger *l, struct vdm_cached_tile *t, uint8_t level,
                      uint64_t index, struct vdm_err *err)
{
    sqlite3_stmt *s VDM_CLEANUP(vdm_db_reset) = NULL;
    bool row;
    if (!vdm_ledger_statement(l, STMT_TILE, &s, err))
        return false;
    vdm_db_bind_number(s, 1, level);
    vdm_db_bind_number(s, 2, index);
    if (!vdm_db_step(s, &row, err))
        return false;
    bool blob = row && sqlite3_column_type(s, 0) == SQLITE_BLOB;
    struct vdm_bytes hashes = blob ? vdm_db_column(s, 0) : (struct vdm_bytes){0};
    if (hashes.n > sizeof t->hashes || hashes.n % sizeof *t->hashes != 0)
        hashes.n = 0;
    if (hashes.n)
        memcpy(t->hashes, hashes.p, hashes.n);
    t->level = level;
    t->index = index;
    t->width = (unsigned)(hashes.n / sizeof *t->hashes);
    return true;
}

bool vdm_ledger_read_tile(void *ctx, uint8_t level, uint64_t index, unsigned width,
                          struct vdm_digest *hashes, struct vdm_err *err)
{
    struct vdm_ledger *l = ctx;
    struct vdm_cached_tile *t = &l->cache[(index + 5u * level) % VDM_LEDGER_CACHED_TILES];
    bool hit = t->level == level && t->index == index && t->width >= width;
    if (!hit && !load_tile(l, t, level, index, err))
        return vdm_err_prefix(err, "ledger: tile %u/%llu", level, (unsigned long long)index);
    if (t->width < width)
        return vdm_fail_as(err, VDM_ERR_MALFORMED, "ledger: tile %u/%llu has %u hashes, not %u",
                           level, (unsigned long long)index, t->width, width);
    memcpy(hashes, t->hashes, (size_t)width * sizeof *hashes);
    return true;
}

/* --- slices --- */

struct rows {
    struct vdm_ledger_row **row;
    size_t *count, *cap;
};

static bool add_row(struct rows r, struct vdm_buf *memory, sqlite3_stmt *s, struct vdm_err *err)
{
    if (*r.count == *r.cap) {
        size_t cap = *r.cap ? *r.cap * 2 : 64;
        struct vdm_ledger_row *grown = reallocarray(*r.row, cap, sizeof *grown);
        if (!grown)
            return vdm_fail_memory(err);
        *r.row = grown;
        *r.cap = cap;
    }
    struct vdm_bytes b = vdm_db_column(s, 1);
    bool odd = sqlite3_column_type(s, 0) != SQLITE_INTEGER ||
               sqlite3_column_type(s, 1) != SQLITE_BLOB || b.n == 0 || b.n > 65535;
    /* `memory` moves as it grows: only lengths are kept here, place_rows sets the pointers. */
    (*r.row)[(*r.count)++] = (struct vdm_ledger_row){
        .n = (uint64_t)sqlite3_column_int64(s, 0), .bytes = {NULL, odd ? 0 : b.n}, .odd = odd};
    if (!odd)
        vdm_buf_put(memory, b);
    return vdm_buf_ok(memory, err);
}

static bool read_rows(struct vdm_ledger *l, enum vdm_ledger_statement which, uint64_t from,
                      uint64_t to, size_t byte_limit, struct rows r, struct vdm_buf *memory,
                      struct vdm_err *err)
{
    sqlite3_stmt *s VDM_CLEANUP(vdm_db_reset) = NULL;
    bool row;
    size_t start = memory->n;
    *r.count = 0;
    if (!vdm_ledger_statement(l, which, &s, err))
        return false;
    vdm_db_bind_number(s, 1, from);
    vdm_db_bind_number(s, 2, to);
    while (memory->n - start < byte_limit) {
        if (!vdm_db_step(s, &row, err))
            return false;
        if (!row)
            break;
        if (!add_row(r, memory, s, err))
            return false;
    }
    return true;
}

static const uint8_t *place_rows(struct vdm_ledger_row *row, size_t count, const uint8_t *p)
{
    for (size_t i = 0; i < count; i++) {
        row[i].bytes.p = p;
        p += row[i].bytes.n;
    }
    return p;
}

/* Where the slice ends if rows were read until `wanted` or until the byte limit stopped them, which one
 * row alone does not reach. */
static uint64_t slice_end(const struct vdm_ledger_slice *s, const struct vdm_ledger_row *row,
                          size_t count, size_t start, uint64_t wanted)
{
    return s->memory.n - start < SLICE_BYTES ? wanted : row[count - 1].n + 1;
}

/* Where there is nothing at all, the slice reaches to the next entry. */
static bool pass_nothing(struct vdm_ledger *l, struct vdm_ledger_slice *s, uint64_t end,
                         struct vdm_err *err)
{
    bool row = false;
    if (s->entries || s->records || s->checkpoints || s->to >= end)
        return true;
    if (!search(l, STMT_FIRST_ROW, NULL, 0, s->to, end, &s->to, &row, err))
        return false;
    s->to = row ? s->to : end;
    return true;
}

bool vdm_ledger_read_slice(struct vdm_ledger *l, uint64_t from, uint64_t end,
                           struct vdm_ledger_slice *s, struct vdm_err *err)
{
    struct rows entries = {&s->entry, &s->entries, &s->cap[0]};
    struct rows records = {&s->record, &s->records, &s->cap[1]};
    struct rows checkpoints = {&s->checkpoint, &s->checkpoints, &s->cap[2]};
    uint64_t to = end - from > SLICE_ROWS ? from + SLICE_ROWS : end;
    vdm_buf_clear(&s->memory);
    s->from = from;
    if (!read_rows(l, STMT_SLICE_ENTRIES, from, to, SLICE_BYTES, entries, &s->memory, err))
        return vdm_err_prefix(err, "ledger: entries");
    s->to = slice_end(s, s->entry, s->entries, 0, to);
    size_t start = s->memory.n;
    if (!read_rows(l, STMT_SLICE_RECORDS, from, s->to, SLICE_BYTES, records, &s->memory, err))
        return vdm_err_prefix(err, "ledger: records");
    s->to = slice_end(s, s->record, s->records, start, s->to);
    if (!read_rows(l, STMT_SLICE_CHECKPOINTS, from, s->to, SIZE_MAX, checkpoints, &s->memory, err))
        return vdm_err_prefix(err, "ledger: checkpoints");
    const uint8_t *p = s->memory.p;
    p = place_rows(s->entry, s->entries, p);
    p = place_rows(s->record, s->records, p);
    place_rows(s->checkpoint, s->checkpoints, p);
    while (s->entries && s->entry[s->entries - 1].n >= s->to)
        s->entries--; /* entries whose records did not fit any more */
    return pass_nothing(l, s, end, err);
}

void vdm_ledger_slice_release(struct vdm_ledger_slice *s)
{
    free(s->entry);
    free(s->record);
    free(s->checkpoint);
    vdm_buf_release(&s->memory);
    *s = (struct vdm_ledger_slice){0};
}

static bool count_rows(struct vdm_ledger *l, const char *sql, uint64_t *out, struct vdm_err *err)
{
    sqlite3_stmt *s VDM_CLEANUP(vdm_db_finalize) = NULL;
    bool row;
    if (!vdm_db_prepare(l->db, sql, &s, err) || !vdm_db_step(s, &row, err))
        return vdm_err_prefix(err, "ledger");
    *out = (uint64_t)sqlite3_column_int64(s, 0);
    return true;
}

bool vdm_ledger_counts(struct vdm_ledger *l, struct vdm_ledger_counts *out, struct vdm_err *err)
{
    return count_rows(l, "SELECT count(*) FROM entry", &out->entries, err) &&
           count_rows(l, "SELECT count(*) FROM record", &out->records, err) &&
           count_rows(l, "SELECT count(*) FROM checkpoint", &out->checkpoints, err) &&
           count_rows(l, "SELECT count(*) FROM tile", &out->tiles, err) &&
           count_rows(l,
                      "SELECT coalesce(sum(length(hashes)), 0) / 32 FROM tile "
                      "WHERE typeof(level) = 'integer' AND typeof(\"index\") = 'integer' "
                      "AND typeof(hashes) = 'blob'",
                      &out->hashes, err) &&
           count_rows(l, "SELECT (SELECT count(*) FROM evidence) + (SELECT count(*) FROM pack)",
                      &out->others, err);
}
