/* SPDX-License-Identifier: MIT */
/* Values on the command line: numbers, ranges, field names, filters. */
#include "base/file.h"
#include "base/text.h"
#include "cli/cli.h"
#include "ops/query.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

bool vdm_cli_number(const char *text, const char *what, uint64_t *out, struct vdm_err *err)
{
    return vdm_number_decode(vdm_str(text), out) ||
           vdm_fail_as(err, VDM_ERR_USAGE, "%s is no number: %s", what, text);
}

static int by_number(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static bool add_range(struct vdm_bytes item, struct vdm_buf *out)
{
    struct vdm_bytes to = item, from;
    uint64_t a, b;
    bool pair = vdm_cut(&to, '-', &from);
    if (!vdm_number_decode(pair ? from : item, &a))
        return false;
    b = a;
    if ((pair && !vdm_number_decode(to, &b)) || b < a || b - a > 10000000)
        return false;
    for (; a <= b; a++)
        vdm_buf_put(out, (struct vdm_bytes){(const uint8_t *)&a, sizeof a});
    return true;
}

bool vdm_cli_ranges(const char *text, struct vdm_buf *out, struct vdm_err *err)
{
    struct vdm_bytes rest = vdm_str(text), item;
    for (bool more = true; more;) {
        more = vdm_cut(&rest, ',', &item);
        if (!add_range(more ? item : rest, out))
            return vdm_fail_as(err, VDM_ERR_USAGE, "not a list of entries like 3,7-9: %s", text);
    }
    if (!vdm_buf_ok(out, err))
        return false;
    uint64_t *n = (uint64_t *)(void *)out->p;
    size_t count = out->n / sizeof *n, kept = 0;
    qsort(n, count, sizeof *n, by_number);
    for (size_t i = 0; i < count; i++)
        if (kept == 0 || n[kept - 1] != n[i])
            n[kept++] = n[i];
    out->n = kept * sizeof *n;
    return true;
}

bool vdm_cli_fields(const char *text, uint64_t *out, struct vdm_err *err)
{
    struct vdm_err why = {0};
    return vdm_fields_decode(vdm_str(text), out, &why) ||
           vdm_fail_as(err, VDM_ERR_USAGE, "%s", why.text);
}

bool vdm_cli_escape(struct vdm_buf *out, const char *value, struct vdm_err *err)
{
    if (!*value)
        return vdm_fail_as(err, VDM_ERR_USAGE, "an empty value matches nothing");
    vdm_value_append(out, vdm_str(value));
    return vdm_buf_ok(out, err);
}

static bool escape_into(struct vdm_buf *memory, const char *value, struct vdm_bytes *out,
                        struct vdm_err *err)
{
    if (!value)
        return true;
    if (!vdm_cli_escape(memory, value, err))
        return false;
    *out = vdm_buf_bytes(memory);
    return true;
}

/* 2026, 2026-11, 2026-11-21 or a whole time; what is left out is filled up to the earliest or the
 * latest second that it can mean. */
static bool time_into(struct vdm_buf *memory, const char *value, bool latest, const char *option,
                      struct vdm_bytes *out, struct vdm_err *err)
{
    static const char first[] = "0000-01-01T00:00:00Z", last[] = "9999-12-31T23:59:59Z";
    static const char *const last_days[] = {"31", "30", "29", "28"};
    struct vdm_time t;
    if (!value)
        return true;
    size_t n = strlen(value);
    bool good = n == 4 || n == 7 || n == 10 || n == VDM_TIME_LEN;
    char text[VDM_TIME_LEN + 1] = "";
    if (good)
        snprintf(text, sizeof text, "%s%s", value, (latest ? last : first) + n);
    for (int i = 0; latest && n == 7 && i < 4 && !vdm_time_decode(vdm_str(text), &t); i++)
        memcpy(text + 8, last_days[i], 2);
    if (!vdm_time_decode(vdm_str(text), &t))
        return vdm_fail_as(err, VDM_ERR_USAGE,
                           "--%s is no time like 2026-11-21 or 2026-11-21T14:05:00Z: %s", option,
                           value);
    vdm_buf_puts(memory, text);
    *out = vdm_buf_bytes(memory);
    return vdm_buf_ok(memory, err);
}

bool vdm_cli_filter(const struct vdm_args *args, struct vdm_cli_filter *out, struct vdm_err *err)
{
    struct vdm_catalog_filter *f = &out->filter;
    return escape_into(&out->memory[0], vdm_args_value(args, "source"), &f->source, err) &&
           escape_into(&out->memory[1], vdm_args_value(args, "collection"), &f->collection, err) &&
           escape_into(&out->memory[2], vdm_args_value(args, "issuer"), &f->issuer, err) &&
           time_into(&out->memory[3], vdm_args_value(args, "from"), false, "from", &f->from, err) &&
           time_into(&out->memory[4], vdm_args_value(args, "to"), true, "to", &f->to, err);
}

void vdm_cli_filter_release(struct vdm_cli_filter *f)
{
    for (size_t i = 0; i < 5; i++)
        vdm_buf_release(&f->memory[i]);
}

bool vdm_cli_write_file(const char *path, struct vdm_bytes data, struct vdm_err *err)
{
    if (strcmp(path, "-") == 0)
        return fwrite(data.p, 1, data.n, stdout) == data.n || vdm_fail_errno(err, "write");
    return vdm_file_publish(AT_FDCWD, path, 0644, false, data, err);
}

void vdm_cli_say(const struct vdm_cli *cli, const char *format, ...)
{
    va_list args;
    if (cli->quiet)
        return;
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
}
