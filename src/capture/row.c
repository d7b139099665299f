/* SPDX-License-Identifier: MIT */
#include "capture/row.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void vdm_table_row_release(struct vdm_table_row *row)
{
    vdm_buf_release(&row->text);
    vdm_buf_release(&row->list);
    *row = (struct vdm_table_row){0};
}

/* How much of a cell is worth showing in an error. */
static int shown(struct vdm_bytes text)
{
    return (int)(text.n < 64 ? text.n : 64);
}

static const struct vdm_table_field *find_field(struct vdm_fields fields, struct vdm_bytes name)
{
    for (size_t i = 0; i < fields.n; i++) {
        if (vdm_bytes_equal_str(name, fields.p[i].name))
            return &fields.p[i];
    }
    return NULL;
}

static bool unknown(struct vdm_fields fields, struct vdm_bytes name, struct vdm_err *err)
{
    struct vdm_buf known VDM_CLEANUP(vdm_buf_release) = {0};
    vdm_buf_puts(&known, fields.about);
    for (size_t i = 0; i < fields.n; i++)
        vdm_buf_putf(&known, ", %s", fields.p[i].name);
    if (!vdm_buf_ok(&known, err))
        return false;
    return vdm_fail_as(err, VDM_ERR_MALFORMED, "unknown column \"%.*s\"; known are %.*s",
                       shown(name), (const char *)name.p, (int)known.n, (const char *)known.p);
}

/* Values are put one after another; where they lie is known once the row has stopped growing. */
static void row_begin(struct vdm_table_row *row)
{
    vdm_buf_clear(&row->text);
    vdm_buf_clear(&row->list);
    row->n = 0;
}

static void row_add(struct vdm_table_row *row, const struct vdm_table_field *field,
                    struct vdm_bytes value)
{
    if (value.n == 0)
        return;
    struct vdm_table_cell cell = {field->name, {NULL, value.n}};
    vdm_buf_put(&row->text, value);
    vdm_buf_put(&row->list, (struct vdm_bytes){(const uint8_t *)&cell, sizeof cell});
    row->n++;
}

static bool row_end(struct vdm_table_row *row, struct vdm_bytes about, const char *column,
                    struct vdm_err *err)
{
    if (about.n == 0)
        return vdm_fail_as(err, VDM_ERR_MALFORMED, "no %s is named", column);
    vdm_buf_put(&row->text, about);
    if (!vdm_buf_ok(&row->text, err) || !vdm_buf_ok(&row->list, err))
        return false;
    struct vdm_table_cell *cells = (struct vdm_table_cell *)(void *)row->list.p;
    struct vdm_bytes rest = vdm_buf_bytes(&row->text);
    for (size_t i = 0; i < row->n; i++) {
        cells[i].value.p = rest.p;
        rest = vdm_bytes_skip(rest, cells[i].value.n);
    }
    row->cells = cells;
    row->file = rest;
    return true;
}

void vdm_header_release(struct vdm_header *header)
{
    free(header->columns);
    *header = (struct vdm_header){0};
}

static bool column_add(struct vdm_header *header, struct vdm_fields fields, struct vdm_bytes name,
                       struct vdm_err *err)
{
    bool is_about = vdm_bytes_equal_str(name, fields.about);
    const struct vdm_table_field *field = find_field(fields, name);
    if (!is_about && !field)
        return unknown(fields, name, err);
    for (size_t i = 0; i < header->n; i++) {
        if (header->columns[i] == field && (is_about || !field->repeats))
            return vdm_fail_as(err, VDM_ERR_MALFORMED, "two columns \"%s\"",
                               is_about ? fields.about : field->name);
    }
    header->columns[header->n++] = field;
    return true;
}

bool vdm_header_from_csv(struct vdm_header *out, struct vdm_fields fields,
                         const struct vdm_csv_record *record, struct vdm_err *err)
{
    size_t n = vdm_csv_cells(record);
    struct vdm_header header VDM_CLEANUP(vdm_header_release) = {0};
    header.columns = calloc(n ? n : 1, sizeof *header.columns);
    if (!header.columns)
        return vdm_fail_memory(err);
    bool has_about = false;
    for (size_t i = 0; i < n; i++) {
        if (!column_add(&header, fields, vdm_csv_cell(record, i), err))
            return false;
        has_about |= !header.columns[i];
    }
    if (!has_about)
        return vdm_fail_as(err, VDM_ERR_MALFORMED, "no column \"%s\"", fields.about);
    header.about = fields.about;
    *out = header;
    header = (struct vdm_header){0};
    return true;
}

bool vdm_row_from_csv(struct vdm_table_row *row, const struct vdm_header *header,
                      const struct vdm_csv_record *record, struct vdm_err *err)
{
    size_t n = vdm_csv_cells(record);
    if (n == 1 && header->n > 1 && vdm_csv_cell(record, 0).n == 0)
        return vdm_fail_as(err, VDM_ERR_MALFORMED, "an empty line");
    if (n != header->n)
        return vdm_fail_as(err, VDM_ERR_MALFORMED, "%zu column%s, the header has %zu", n,
                           n == 1 ? "" : "s", header->n);
    struct vdm_bytes about = {NULL, 0};
    row_begin(row);
    for (size_t i = 0; i < n; i++) {
        if (header->columns[i])
            row_add(row, header->columns[i], vdm_csv_cell(record, i));
        else
            about = vdm_csv_cell(record, i);
    }
    return row_end(row, about, header->about, err);
}

static struct vdm_bytes string_of(const json_t *value)
{
    return (struct vdm_bytes){(const uint8_t *)json_string_value(value), json_string_length(value)};
}

/* A string, or null, which states nothing. */
static bool add_string(struct vdm_table_row *row, const struct vdm_table_field *field,
                       const json_t *value, struct vdm_err *err)
{
    if (!json_is_null(value) && !json_is_string(value))
        return vdm_fail_as(err, VDM_ERR_MALFORMED, "\"%s\": not a string", field->name);
    if (row->n == VDM_TABLE_COLUMNS_MAX)
        return vdm_fail_as(err, VDM_ERR_MALFORMED, "too many values");
    if (json_is_string(value))
        row_add(row, field, string_of(value));
    return true;
}

static bool add_value(struct vdm_table_row *row, const struct vdm_table_field *field,
                      const json_t *value, struct vdm_err *err)
{
    if (!json_is_array(value))
        return add_string(row, field, value, err);
    if (!field->repeats)
        return vdm_fail_as(err, VDM_ERR_MALFORMED, "\"%s\": a list, but it may stand only once",
                           field->name);
    for (size_t i = 0; i < json_array_size(value); i++) {
        if (!add_string(row, field, json_array_get(value, i), err))
            return false;
    }
    return true;
}

/* A string; of a table that is not about files also a number, written into `number`. */
static bool about_of(const json_t *value, const char *column, char number[24],
                     struct vdm_bytes *out, struct vdm_err *err)
{
    *out = (struct vdm_bytes){NULL, 0};
    if (value && json_is_integer(value) && strcmp(column, "file") != 0) {
        snprintf(number, 24, "%lld", (long long)json_integer_value(value));
        *out = vdm_str(number);
    } else if (value && !json_is_string(value)) {
        return vdm_fail_as(err, VDM_ERR_MALFORMED, "\"%s\": not a string", column);
    } else if (value) {
        *out = string_of(value);
    }
    return true;
}

bool vdm_row_from_json(struct vdm_table_row *row, struct vdm_fields fields, json_t *object,
                       struct vdm_err *err)
{
    if (!json_is_object(object))
        return vdm_fail_as(err, VDM_ERR_MALFORMED, "not an object");
    struct vdm_bytes about;
    char number[24];
    if (!about_of(json_object_get(object, fields.about), fields.about, number, &about, err))
        return false;
    const char *key;
    json_t *value;
    row_begin(row);
    json_object_foreach(object, key, value)
    {
        if (strcmp(key, fields.about) == 0)
            continue;
        const struct vdm_table_field *field = find_field(fields, vdm_str(key));
        if (!field)
            return unknown(fields, vdm_str(key), err);
        if (!add_value(row, field, value, err))
            return false;
    }
    return row_end(row, about, fields.about, err);
}
