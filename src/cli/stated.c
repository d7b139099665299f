/* SPDX-License-Identifier: MIT */
#include "cli/stated.h"

#include "ops/import_record.h"
#include "ops/query.h"

#include <string.h>

bool vdm_stated_check_several(const struct vdm_args *args, bool parts, struct vdm_err *err)
{
    for (int f = VDM_FIELD_COLLECTION; f < VDM_FIELDS; f++)
        if (vdm_of_one_document((enum vdm_field)f) && !(parts && f == VDM_FIELD_DERIVED_FROM) &&
            vdm_args_has(args, vdm_field_name((enum vdm_field)f)))
            return vdm_fail_as(err, VDM_ERR_USAGE,
                               "--%s can be true of one document only; several need a table "
                               "(--metadata)",
                               vdm_field_name((enum vdm_field)f));
    return true;
}

static bool add(struct vdm_stated *g, enum vdm_field f, struct vdm_bytes value, struct vdm_err *err)
{
    if (value.n == 0)
        return vdm_fail_as(err, VDM_ERR_USAGE, "--%s is empty", vdm_field_name(f));
    if (g->n == sizeof g->line / sizeof *g->line)
        return vdm_fail_as(err, VDM_ERR_USAGE, "too many options");
    g->line[g->n++] = (struct vdm_record_line){f, value};
    return true;
}

static bool add_plain(struct vdm_stated *g, const struct vdm_args *args, enum vdm_field f,
                      struct vdm_err *err)
{
    const char *value;
    for (size_t k = 0; (value = vdm_args_nth(args, vdm_field_name(f), k)); k++) {
        if (k == 1 && !vdm_field_repeats(f))
            return vdm_fail_as(err, VDM_ERR_USAGE, "--%s was given twice", vdm_field_name(f));
        if (!add(g, f, vdm_str(value), err))
            return false;
    }
    return true;
}

/* `K=V` becomes `K: V`. */
static bool add_field(struct vdm_stated *g, const char *value, struct vdm_err *err)
{
    const char *equals = strchr(value, '=');
    if (!equals || equals == value || !equals[1])
        return vdm_fail_as(err, VDM_ERR_USAGE, "--field wants NAME=VALUE: %s", value);
    if (g->fields == sizeof g->field / sizeof *g->field)
        return vdm_fail_as(err, VDM_ERR_USAGE, "too many --field options");
    struct vdm_buf *b = &g->field[g->fields++];
    vdm_buf_put(b, (struct vdm_bytes){(const uint8_t *)value, (size_t)(equals - value)});
    vdm_buf_puts(b, ": ");
    vdm_buf_puts(b, equals + 1);
    return vdm_buf_ok(b, err) && add(g, VDM_FIELD_FIELD, vdm_buf_bytes(b), err);
}

/* Of a capture: its document's digest; the whole of it. */
static bool add_derived(struct vdm_cli *cli, struct vdm_stated *g, const struct vdm_args *args,
                        struct vdm_err *err)
{
    const char *from = vdm_args_value(args, "derived-from");
    const char *method = vdm_args_value(args, "derived-method");
    if (g->parts || (!from && !method))
        return true;
    if (!from || !method)
        return vdm_fail_as(err, VDM_ERR_USAGE,
                           "--derived-from and --derived-method belong together");
    if (strcmp(from, "not-held") != 0) {
        struct vdm_view v VDM_CLEANUP(vdm_view_release) = {0};
        uint64_t n;
        char hex[65];
        if (!vdm_cli_number(from, "--derived-from", &n, err) ||
            !vdm_view_open(cli->archive, n, &v, err))
            return false;
        if (v.entry.kind != VDM_ENTRY_CAPTURE || !v.has_record)
            return vdm_fail_as(err, VDM_ERR_USAGE, "--derived-from %s is no capture with a record",
                               from);
        vdm_digest_hex(v.record.document, hex);
        vdm_buf_putf(&g->derived, "sha256:%s - - %s", hex, method);
    } else {
        vdm_buf_putf(&g->derived, "not-held - - %s", method);
    }
    return vdm_buf_ok(&g->derived, err) &&
           add(g, VDM_FIELD_DERIVED_FROM, vdm_buf_bytes(&g->derived), err);
}

bool vdm_stated_collect(struct vdm_cli *cli, const struct vdm_args *args, struct vdm_stated *g,
                        struct vdm_err *err)
{
    const char *value;
    for (int f = VDM_FIELD_COLLECTION; f < VDM_FIELDS; f++)
        if (f != VDM_FIELD_DERIVED_FROM && f != VDM_FIELD_FIELD &&
            !add_plain(g, args, (enum vdm_field)f, err))
            return false;
    for (size_t k = 0; (value = vdm_args_nth(args, "field", k)); k++)
        if (!add_field(g, value, err))
            return false;
    return add_derived(cli, g, args, err);
}

void vdm_stated_release(struct vdm_stated *s)
{
    vdm_buf_release(&s->derived);
    for (size_t i = 0; i < s->fields; i++)
        vdm_buf_release(&s->field[i]);
    *s = (struct vdm_stated){0};
}
