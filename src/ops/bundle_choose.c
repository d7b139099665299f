/* SPDX-License-Identifier: MIT */
#include "base/text.h"
#include "capture/table.h"
#include "ops/bundle_make.h"

#include <stdlib.h>

static bool read_choice(const struct vdm_table_row *row, uint64_t *fields, struct vdm_err *err)
{
    *fields = 0;
    if (row->n == 0)
        return vdm_fail_as(err, VDM_ERR_USAGE, "`disclose` is empty: name fields, or `all`");
    return vdm_bytes_equal_str(row->cells[0].value, "all") ||
           vdm_fields_decode(row->cells[0].value, fields, err);
}

static bool apply_row(void *ctx, const struct vdm_table_row *row, struct vdm_err *err)
{
    struct vdm_selected *s = ctx;
    struct vdm_err why = {0};
    uint64_t n;
    size_t at;
    bool ok = (vdm_number_decode(row->file, &n) && vdm_selected_find(s, n, &at)) ||
              vdm_fail(&why, "no capture that is selected");
    ok = ok && read_choice(row, &s->fields[at], &why);
    return ok || vdm_fail_as(err, VDM_ERR_USAGE, "entry %.*s: %s",
                             (int)(row->file.n < 64 ? row->file.n : 64), (const char *)row->file.p,
                             why.text);
}

bool vdm_bundle_choose(const struct vdm_bundle_request *r, struct vdm_selected *s,
                       struct vdm_err *err)
{
    static const struct vdm_table_field columns[] = {{"disclose", false}};
    struct vdm_table *table VDM_CLEANUP(vdm_table_cleanup) = NULL;
    s->fields = calloc(s->count, sizeof *s->fields);
    if (!s->fields)
        return vdm_fail_memory(err);
    for (size_t i = 0; i < s->count; i++)
        s->fields[i] = r->fields;
    if (!r->table)
        return true;
    return (vdm_table_open_about(&table, r->table, "entry", columns, 1, err) &&
            vdm_table_each_unused(table, apply_row, s, err)) ||
           vdm_err_prefix(err, "%s", r->table);
}
