/* SPDX-License-Identifier: MIT */
#include "capture/csv.h"

#include "capture/table.h"

#include <string.h>

void vdm_csv_record_release(struct vdm_csv_record *record)
{
    vdm_buf_release(&record->text);
    vdm_buf_release(&record->ends);
}

size_t vdm_csv_cells(const struct vdm_csv_record *record)
{
    return record->ends.n / sizeof(size_t);
}

static size_t end_of(const struct vdm_csv_record *record, size_t i)
{
    size_t end;
    memcpy(&end, record->ends.p + i * sizeof end, sizeof end);
    return end;
}

struct vdm_bytes vdm_csv_cell(const struct vdm_csv_record *record, size_t i)
{
    size_t start = i ? end_of(record, i - 1) : 0, n = end_of(record, i) - start;
    return vdm_bytes_skip((struct vdm_bytes){record->text.p, start + n}, start);
}

static bool malformed(uint64_t line, const char *what, struct vdm_err *err)
{
    return vdm_fail_as(err, VDM_ERR_MALFORMED, "line %llu: %s", (unsigned long long)line, what);
}

static bool put(struct vdm_csv_record *record, int c, uint64_t line, struct vdm_err *err)
{
    if (c == 0)
        return malformed(line, "a NUL (is it UTF-16? UTF-8 is needed)", err);
    if (record->text.n == VDM_TABLE_ROW_MAX)
        return malformed(line, "a row of more than 1 MiB (is a quote never closed?)", err);
    vdm_buf_putc(&record->text, (char)c);
    return true;
}

/* What stands between quotes; the first is taken already. */
static bool read_quoted(struct vdm_input *in, struct vdm_csv_record *record, struct vdm_err *err)
{
    uint64_t opened = in->line;
    for (;;) {
        int c = vdm_input_take(in);
        if (c == VDM_INPUT_END)
            return vdm_input_ok(in, err) && malformed(opened, "a quote that is never closed", err);
        if (c == '"' && vdm_input_peek(in) != '"')
            return true;
        if (c == '"')
            (void)vdm_input_take(in);
        if (!put(record, c, opened, err))
            return false;
    }
}

static bool read_cell(struct vdm_input *in, struct vdm_csv_record *record, struct vdm_err *err)
{
    if (vdm_input_peek(in) == '"') {
        (void)vdm_input_take(in);
        if (!read_quoted(in, record, err))
            return false;
    } else {
        int c;
        while ((c = vdm_input_peek(in)) != VDM_INPUT_END && c != ',' && c != '\r' && c != '\n') {
            if (c == '"')
                return malformed(in->line, "a quote inside a cell that does not begin with one",
                                 err);
            if (!put(record, c, in->line, err))
                return false;
            (void)vdm_input_take(in);
        }
    }
    if (vdm_csv_cells(record) == VDM_TABLE_COLUMNS_MAX)
        return malformed(in->line, "too many columns", err);
    size_t end = record->text.n;
    vdm_buf_put(&record->ends, (struct vdm_bytes){(const uint8_t *)&end, sizeof end});
    return true;
}

bool vdm_csv_read(struct vdm_input *in, struct vdm_csv_record *record, bool *more,
                  struct vdm_err *err)
{
    vdm_buf_clear(&record->text);
    vdm_buf_clear(&record->ends);
    bool any = vdm_input_peek(in) != VDM_INPUT_END;
    int c = ',';
    while (any && c == ',') {
        if (!read_cell(in, record, err))
            return false;
        uint64_t line = in->line;
        c = vdm_input_take(in);
        if (c == '\r' && vdm_input_take(in) != '\n')
            return malformed(line, "a CR that no LF follows", err);
        if (c != ',' && c != '\r' && c != '\n' && c != VDM_INPUT_END)
            return malformed(line, "text after a closing quote", err);
    }
    if (!vdm_input_ok(in, err) || !vdm_buf_ok(&record->text, err) ||
        !vdm_buf_ok(&record->ends, err))
        return false;
    *more = any;
    return true;
}
