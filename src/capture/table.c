/* SPDX-License-Identifier: MIT */
/* A table is read twice: once from beginning to end when it is opened, and then row by row as files
 * are met, in any order. Between the two stands the index: 16 bytes a row and its slots. */
#include "capture/table.h"

#include "base/file.h"
#include "capture/index.h"
#include "capture/path.h"
#include "capture/row.h"
#include "capture/stamp.h"
#include "crypto/crypto.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

enum table_kind { TABLE_CSV, TABLE_JSON, TABLE_LINES };

struct vdm_table {
    enum table_kind kind;
    int fd;
    struct vdm_stamp stamp;
    struct vdm_fields fields;
    bool of_files;
    struct vdm_buf path;
    char *folder; /* canonical */
    struct vdm_path_cache cache;

    struct vdm_crypto *crypto;
    uint8_t seed[16]; /* so that nobody can make a table whose rows all share a hash */
    struct vdm_row_index index;

    struct vdm_input in;
    struct vdm_header header;
    struct vdm_csv_record record; /* the record, line and row at hand */
    struct vdm_buf line;
    struct vdm_table_row row;
    struct vdm_buf row_path;
    json_t *json;
};

void vdm_table_close(struct vdm_table *t)
{
    if (!t)
        return;
    vdm_fd_close(&t->fd);
    vdm_buf_release(&t->path);
    free(t->folder);
    vdm_path_cache_release(&t->cache);
    vdm_crypto_close(t->crypto);
    vdm_row_index_release(&t->index);
    vdm_input_release(&t->in);
    vdm_header_release(&t->header);
    vdm_csv_record_release(&t->record);
    vdm_buf_release(&t->line);
    vdm_table_row_release(&t->row);
    vdm_buf_release(&t->row_path);
    json_decref(t->json);
    free(t);
}

void vdm_table_cleanup(struct vdm_table **t)
{
    vdm_table_close(*t);
    *t = NULL;
}

struct vdm_bytes vdm_table_path(const struct vdm_table *t)
{
    return vdm_buf_bytes(&t->path);
}

size_t vdm_table_rows(const struct vdm_table *t)
{
    return t->index.n;
}

static bool kind_of(const char *path, enum table_kind *kind, struct vdm_err *err)
{
    static const struct {
        const char *ending;
        enum table_kind kind;
    } kinds[] = {{".csv", TABLE_CSV},
                 {".json", TABLE_JSON},
                 {".jsonl", TABLE_LINES},
                 {".ndjson", TABLE_LINES}};
    size_t n = strlen(path);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        size_t k = strlen(kinds[i].ending);
        if (n > k && strcasecmp(path + n - k, kinds[i].ending) == 0) {
            *kind = kinds[i].kind;
            return true;
        }
    }
    return vdm_fail_as(err, VDM_ERR_USAGE, "a table's name ends in .csv, .json, .jsonl or .ndjson");
}

static bool unchanged(const struct vdm_table *t, struct vdm_err *err)
{
    return vdm_stamp_same(t->fd, &t->stamp) ||
           vdm_fail_as(err, VDM_ERR_REFUSED, "the table changed while it was used");
}

/* "line 7: ", or for .json, of which no lines are known, "row 7: ". */
static bool at_row(const struct vdm_table *t, uint64_t line, struct vdm_err *err)
{
    return vdm_err_prefix(err, "%s %llu", t->kind == TABLE_JSON ? "row" : "line",
                          (unsigned long long)line);
}

static json_t *parse_json(struct vdm_bytes text, bool lines, struct vdm_err *err)
{
    json_error_t error;
    json_t *value = json_loadb((const char *)text.p, text.n, JSON_REJECT_DUPLICATES, &error);
    if (!value && lines)
        vdm_fail_as(err, VDM_ERR_MALFORMED, "%s", error.text);
    else if (!value)
        vdm_fail_as(err, VDM_ERR_MALFORMED, "line %d: %s", error.line, error.text);
    return value;
}

static void decref(json_t **value)
{
    json_decref(*value);
}

/* The row where `in` stands, to t->row. */
static bool next_csv(struct vdm_table *t, bool *more, struct vdm_err *err)
{
    if (!vdm_csv_read(&t->in, &t->record, more, err))
        return false;
    if (!*more)
        return true;
    return vdm_row_from_csv(&t->row, &t->header, &t->record, err) || at_row(t, t->row.line, err);
}

static bool next_line(struct vdm_table *t, bool *more, struct vdm_err *err)
{
    if (!vdm_input_line(&t->in, VDM_TABLE_ROW_MAX, &t->line, more, err))
        return at_row(t, t->row.line, err);
    if (!*more)
        return true;
    struct vdm_bytes text = vdm_buf_bytes(&t->line);
    if (text.n == 0 || vdm_bytes_equal(text, VDM_LIT("\r"))) {
        vdm_fail_as(err, VDM_ERR_MALFORMED, "an empty line");
        return at_row(t, t->row.line, err);
    }
    json_t *object VDM_CLEANUP(decref) = parse_json(text, true, err);
    if (!object || !vdm_row_from_json(&t->row, t->fields, object, err))
        return at_row(t, t->row.line, err);
    return true;
}

static bool next_item(struct vdm_table *t, bool *more, struct vdm_err *err)
{
    size_t i = (size_t)t->in.offset;
    *more = i < json_array_size(t->json);
    if (!*more)
        return true;
    t->in.offset++;
    t->in.line++;
    return vdm_row_from_json(&t->row, t->fields, json_array_get(t->json, i), err) ||
           at_row(t, t->row.line, err);
}

static bool next_row(struct vdm_table *t, bool *more, struct vdm_err *err)
{
    t->row.line = t->in.line;
    switch (t->kind) {
    case TABLE_CSV:
        return next_csv(t, more, err);
    case TABLE_JSON:
        return next_item(t, more, err);
    case TABLE_LINES:
        return next_line(t, more, err);
    }
    return vdm_fail(err, "no such kind of table");
}

/* Canonical path of the file that t->row is about (or what else it is about), to t->row_path. */
static bool locate(struct vdm_table *t, struct vdm_err *err)
{
    vdm_buf_clear(&t->row_path);
    if (!t->of_files || vdm_bytes_equal(t->row.file, VDM_LIT("-"))) {
        vdm_buf_put(&t->row_path, t->row.file);
        return vdm_buf_ok(&t->row_path, err);
    }
    if (vdm_path_canonical(&t->cache, t->folder, t->row.file, &t->row_path, err))
        return true;
    vdm_err_prefix(err, "file");
    return at_row(t, t->row.line, err);
}

static uint32_t hash_of(struct vdm_table *t, struct vdm_bytes path)
{
    struct vdm_bytes parts[] = {{t->seed, sizeof t->seed}, path};
    struct vdm_digest digest = vdm_sha256_parts(t->crypto, parts, 2);
    uint32_t hash;
    memcpy(&hash, digest.b, sizeof hash);
    return hash;
}

/* Read a row again. It was well-formed, so what goes wrong now is that the table changed. */
static bool row_at(struct vdm_table *t, const struct vdm_row_place *place, struct vdm_err *err)
{
    bool more = false;
    vdm_input_seek(&t->in, place->offset, place->line);
    bool ok = next_row(t, &more, err) && (!more || locate(t, err));
    if (!unchanged(t, err))
        return false;
    return ok && (more || vdm_fail(err, "a row is gone"));
}

/* Look up `path`: leaves the row in t->row, or *place NULL. */
static bool lookup(struct vdm_table *t, struct vdm_bytes path, uint32_t hash,
                   struct vdm_row_place **place, struct vdm_err *err)
{
    size_t probe = 0;
    struct vdm_row_place *candidate;
    while ((candidate = vdm_row_index_next(&t->index, hash, &probe)) != NULL) {
        if (!row_at(t, candidate, err))
            return false;
        if (vdm_bytes_equal(vdm_buf_bytes(&t->row_path), path))
            break;
    }
    *place = candidate;
    return true;
}

/* t->row is new: it goes into the index, unless its file has a row. */
static bool index_row(struct vdm_table *t, uint64_t offset, struct vdm_err *err)
{
    struct vdm_buf path VDM_CLEANUP(vdm_buf_release) = {0};
    vdm_buf_put(&path, vdm_buf_bytes(&t->row_path));
    uint64_t line = t->row.line, next = t->in.offset, next_line_number = t->in.line;
    uint32_t hash = hash_of(t, vdm_buf_bytes(&t->row_path));
    struct vdm_row_place *other = NULL;
    if (!vdm_buf_ok(&path, err) || !lookup(t, vdm_buf_bytes(&path), hash, &other, err))
        return false;
    if (other) {
        vdm_fail_as(err, VDM_ERR_MALFORMED, "the same %s as in %s %llu: %.*s", t->fields.about,
                    t->kind == TABLE_JSON ? "row" : "line", (unsigned long long)other->line,
                    (int)(t->row.file.n < 256 ? t->row.file.n : 256), (const char *)t->row.file.p);
        return at_row(t, line, err);
    }
    vdm_input_seek(&t->in, next, next_line_number);
    if (line > UINT32_MAX)
        return vdm_fail_as(err, VDM_ERR_MALFORMED, "more than %u lines", UINT32_MAX);
    struct vdm_row_place place = {
        .offset = offset & (UINT64_MAX >> 1), .line = (uint32_t)line, .hash = hash};
    return vdm_row_index_add(&t->index, place, err);
}

static bool read_all(struct vdm_table *t, struct vdm_err *err)
{
    for (;;) {
        uint64_t offset = t->in.offset;
        bool more = false;
        if (!next_row(t, &more, err))
            return false;
        if (!more)
            return true;
        if (!locate(t, err) || !index_row(t, offset, err))
            return false;
    }
}

static bool read_header(struct vdm_table *t, struct vdm_err *err)
{
    bool more = false;
    if (!vdm_csv_read(&t->in, &t->record, &more, err))
        return false;
    if (!more)
        return vdm_fail_as(err, VDM_ERR_MALFORMED, "empty: a CSV begins with a header row");
    return vdm_header_from_csv(&t->header, t->fields, &t->record, err) ||
           vdm_err_prefix(err, "line 1");
}

/* Length of the byte order mark that some programs put before UTF-8. */
static size_t mark_of(struct vdm_bytes head)
{
    return vdm_bytes_start_with(head, VDM_LIT("\xEF\xBB\xBF")) ? 3 : 0;
}

static bool load_json(struct vdm_table *t, struct vdm_err *err)
{
    if (t->stamp.size_bytes > VDM_TABLE_JSON_MAX)
        return vdm_fail_as(err, VDM_ERR_MALFORMED,
                           "larger than 16 MiB: use JSON Lines (.jsonl), which may have any size");
    struct vdm_buf text VDM_CLEANUP(vdm_buf_release) = {0};
    size_t size = (size_t)t->stamp.size_bytes, got = 0;
    uint8_t *p = vdm_buf_grow(&text, size);
    if (!p)
        return vdm_fail_memory(err);
    if (!vdm_fd_read(t->fd, p, size, &got, err))
        return false;
    struct vdm_bytes json = {p, got};
    t->json = parse_json(vdm_bytes_skip(json, mark_of(json)), false, err);
    if (!t->json)
        return false;
    return json_is_array(t->json) || vdm_fail_as(err, VDM_ERR_MALFORMED, "not a list of objects");
}

static bool load_rows(struct vdm_table *t, struct vdm_err *err)
{
    uint8_t head[3];
    ssize_t n = pread(t->fd, head, sizeof head, 0);
    if (n < 0)
        return vdm_fail_errno(err, "read");
    vdm_input_seek(&t->in, mark_of((struct vdm_bytes){head, (size_t)n}), 1);
    return t->kind != TABLE_CSV || read_header(t, err);
}

static bool open_file(struct vdm_table *t, const char *path, struct vdm_err *err)
{
    if (!vdm_file_open(AT_FDCWD, path, true, &t->fd, err))
        return false;
    if (!vdm_stamp_take(t->fd, &t->stamp))
        return vdm_fail_errno(err, "read");
    if (!vdm_path_canonical(&t->cache, NULL, vdm_str(path), &t->path, err))
        return false;
    size_t name_bytes = vdm_path_name(vdm_buf_bytes(&t->path)).n;
    t->folder = vdm_bytes_dup((struct vdm_bytes){t->path.p, t->path.n - name_bytes});
    return t->folder || vdm_fail_memory(err);
}

static bool load(struct vdm_table *t, struct vdm_err *err)
{
    vdm_random(t->seed, sizeof t->seed);
    if (!vdm_crypto_open(&t->crypto, err) || !vdm_input_init(&t->in, t->fd, err))
        return false;
    bool ok = t->kind == TABLE_JSON ? load_json(t, err) : load_rows(t, err);
    return ok && read_all(t, err) && unchanged(t, err);
}

static bool open_table(struct vdm_table **out, const char *path, bool of_files,
                       struct vdm_fields fields, struct vdm_err *err)
{
    struct vdm_table *t VDM_CLEANUP(vdm_table_cleanup) = calloc(1, sizeof *t);
    if (!t)
        return vdm_fail_memory(err);
    t->fd = -1;
    t->fields = fields;
    t->of_files = of_files;
    if (!kind_of(path, &t->kind, err) || !open_file(t, path, err) || !load(t, err))
        return false;
    *out = t;
    t = NULL;
    return true;
}

bool vdm_table_open(struct vdm_table **out, const char *path, const struct vdm_table_field *fields,
                    size_t n, struct vdm_err *err)
{
    return open_table(out, path, true, (struct vdm_fields){"file", fields, n}, err);
}

bool vdm_table_open_about(struct vdm_table **out, const char *path, const char *about,
                          const struct vdm_table_field *fields, size_t n, struct vdm_err *err)
{
    return open_table(out, path, false, (struct vdm_fields){about, fields, n}, err);
}

bool vdm_table_find(struct vdm_table *t, struct vdm_bytes path, struct vdm_table_row *row,
                    bool *found, struct vdm_err *err)
{
    struct vdm_row_place *place = NULL;
    if (!lookup(t, path, hash_of(t, path), &place, err))
        return false;
    *found = place != NULL;
    if (place) {
        place->used = 1;
        struct vdm_table_row given = *row;
        *row = t->row;
        t->row = given;
    }
    return true;
}

bool vdm_table_each_unused(struct vdm_table *t, vdm_table_unused_fn *tell, void *ctx,
                           struct vdm_err *err)
{
    for (size_t i = 0; i < t->index.n; i++) {
        const struct vdm_row_place *place = &t->index.rows[i];
        if (!place->used && (!row_at(t, place, err) || !tell(ctx, &t->row, err)))
            return false;
    }
    return true;
}
