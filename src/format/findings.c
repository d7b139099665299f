/* SPDX-License-Identifier: MIT */
#include "format/findings.h"

#include "base/text.h"
#include "format/value.h"
#include "format/vkey.h"

void vdm_findings_append_head(struct vdm_buf *out, const struct vdm_findings_file *f)
{
    vdm_buf_puts(out, "vidimus/findings/v1\n");
    vdm_put_field(out, "ledger", f->ledger);
    vdm_put_tree(out, "checkpoint", f->size, f->root);
    vdm_put_time(out, "begun", f->begun);
    vdm_put_time(out, "ended", f->ended);
}

void vdm_findings_append_line(struct vdm_buf *out, const struct vdm_findings_line *line)
{
    vdm_buf_puts(out, "finding ");
    vdm_buf_put(out, line->kind);
    if (line->entry == VDM_FINDINGS_NO_ENTRY)
        vdm_buf_puts(out, " -");
    else
        vdm_buf_putf(out, " %llu", (unsigned long long)line->entry);
    vdm_buf_puts(out, line->repaired ? " repaired " : " open ");
    vdm_buf_put(out, line->text);
    vdm_buf_putc(out, '\n');
}

void vdm_findings_append_end(struct vdm_buf *out, uint64_t more)
{
    if (more)
        vdm_put_number(out, "more", more);
}

/* Not empty: no value begins with a space. */
static bool kind_valid(struct vdm_bytes kind)
{
    for (size_t i = 0; i < kind.n; i++)
        if ((kind.p[i] < 'a' || kind.p[i] > 'z') && (kind.p[i] != '-' || i == 0))
            return false;
    return kind.n <= 64;
}

bool vdm_findings_next(struct vdm_bytes *rest, struct vdm_findings_line *out)
{
    struct vdm_bytes at = *rest, value, entry, state;
    if (!vdm_take_value(&at, "finding", &value) || !vdm_cut(&value, ' ', &out->kind) ||
        !vdm_cut(&value, ' ', &entry) || !vdm_cut(&value, ' ', &state) || !kind_valid(out->kind) ||
        !vdm_value_valid(value))
        return false;
    out->entry = VDM_FINDINGS_NO_ENTRY;
    if (!vdm_bytes_equal_str(entry, "-") && !vdm_number_decode(entry, &out->entry))
        return false;
    out->repaired = vdm_bytes_equal_str(state, "repaired");
    if (!out->repaired && !vdm_bytes_equal_str(state, "open"))
        return false;
    out->text = value;
    *rest = at;
    return true;
}

/* Written again: head, every line, the end. */
static bool is_same(const struct vdm_findings_file *f, struct vdm_bytes text, struct vdm_err *err)
{
    struct vdm_buf again VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_bytes rest = f->lines;
    struct vdm_findings_line line;
    vdm_findings_append_head(&again, f);
    while (vdm_findings_next(&rest, &line))
        vdm_findings_append_line(&again, &line);
    vdm_findings_append_end(&again, f->more);
    return vdm_same_bytes(&again, text, "the findings of an audit", err);
}

static bool take_head(struct vdm_bytes *rest, struct vdm_findings_file *f)
{
    return vdm_take_literal(rest, "vidimus/findings/v1\n") &&
           vdm_take_field(rest, "ledger", &f->ledger) && vdm_origin_valid(f->ledger) &&
           vdm_take_tree(rest, "checkpoint", &f->size, &f->root) &&
           vdm_take_time(rest, "begun", &f->begun) && vdm_take_time(rest, "ended", &f->ended);
}

/* All lines; at least one. */
static bool take_lines(struct vdm_bytes *rest, struct vdm_findings_file *f)
{
    struct vdm_findings_line line;
    f->lines = *rest;
    while (vdm_findings_next(rest, &line))
        ;
    f->lines.n -= rest->n;
    return f->lines.n > 0;
}

bool vdm_findings_decode(struct vdm_bytes text, struct vdm_findings_file *out, struct vdm_err *err)
{
    struct vdm_bytes rest = text;
    struct vdm_findings_file f = {0};
    if (text.n > VDM_FINDINGS_FILE_MAX || !take_head(&rest, &f) || !take_lines(&rest, &f) ||
        (rest.n > 0 && (!vdm_take_number(&rest, "more", &f.more) || f.more == 0)) || rest.n > 0)
        return vdm_fail_as(err, VDM_ERR_MALFORMED, "malformed findings of an audit");
    if (!is_same(&f, text, err))
        return false;
    *out = f;
    return true;
}
