/* SPDX-License-Identifier: MIT */
/* Parts of a document that is held: each a document of its own, cut out of the whole, with a `derived-from` that can
 * be checked. */
#include "base/text.h"
#include "format/value.h"
#include "ops/import_state.h"
#include "ops/query.h"
#include "ops/slice.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct cutting {
    struct vdm_importing *m;
    struct vdm_view view;            /* the whole's capture */
    struct vdm_record_line line[64]; /* what it says that goes for its parts, plain */
    struct vdm_buf text[64];
    size_t lines;
    uint64_t below;
    /* The part at hand. */
    struct vdm_store_reader reader;
    uint64_t left;
};

static void release(struct cutting *c)
{
    vdm_store_reader_close(&c->reader);
    for (size_t i = 0; i < c->lines; i++)
        vdm_buf_release(&c->text[i]);
    vdm_view_release(&c->view);
}

/* --- what is stated by hand --- */

bool vdm_import_check_slices(struct vdm_importing *m, const struct vdm_pending *p,
                             struct vdm_err *err)
{
    for (size_t i = 0; i < p->lines.n; i++)
        if (p->lines.line[i].field == VDM_FIELD_DERIVED_FROM &&
            !vdm_slice_refuse_wrong(m->a, p->lines.line[i].value, p->digest, p->size, err))
            return false;
    return true;
}

/* --- the whole --- */

static bool collect_lines(struct cutting *c, struct vdm_err *err)
{
    struct vdm_bytes rest = c->view.record.body;
    struct vdm_record_line l;
    while (c->lines < sizeof c->line / sizeof *c->line && vdm_record_next(&rest, &l)) {
        if (!vdm_goes_for_parts(l.field))
            continue;
        vdm_value_decode(l.value, &c->text[c->lines]);
        if (!vdm_buf_ok(&c->text[c->lines], err))
            return false;
        c->line[c->lines] = (struct vdm_record_line){l.field, vdm_buf_bytes(&c->text[c->lines])};
        c->lines++;
    }
    return true;
}

/* It is read once before anything is cut out: what a part vouches for must be the whole that was recorded. */
static bool open_whole(struct cutting *c, struct vdm_err *err)
{
    struct vdm_archive *a = c->m->a;
    uint64_t n = c->m->r->part_of;
    enum vdm_store_state state;
    if (!vdm_view_open(a, n, &c->view, err))
        return false;
    if (c->view.entry.kind != VDM_ENTRY_CAPTURE || !c->view.has_record)
        return vdm_fail_as(err, VDM_ERR_USAGE, "entry %llu is no capture with a record",
                           (unsigned long long)n);
    if (!vdm_store_check(a->store, c->view.record.document, c->view.record.document_size, &state,
                         err))
        return false;
    if (state != VDM_STORE_GOOD)
        return vdm_fail(
            err, "the document of entry %llu is missing or damaged: nothing is cut out of it",
            (unsigned long long)n);
    return collect_lines(c, err) && vdm_ledger_size(a->ledger, &c->below, err);
}

/* --- one part --- */

static bool read_part(void *ctx, uint8_t *p, size_t cap, size_t *got, struct vdm_err *err)
{
    struct cutting *c = ctx;
    if (!c->reader.read(&c->reader, p, c->left < cap ? (size_t)c->left : cap, got, err))
        return false;
    c->left -= *got;
    return *got > 0 || c->left == 0 || vdm_fail(err, "the whole became shorter");
}

/* A piece of a page is read as the page is: by its own first bytes it may be any text. */
static void guess_by_whole(const struct cutting *c, char type[VDM_MEDIA_TYPE_MAX + 1])
{
    struct vdm_bytes whole = vdm_record_value(&c->view.record, VDM_FIELD_MEDIA_TYPE, 0);
    if (vdm_text_kind(vdm_str(type)) != VDM_TEXT_PLAIN || vdm_text_kind(whole) != VDM_TEXT_HTML ||
        whole.n > VDM_MEDIA_TYPE_MAX)
        return;
    memcpy(type, whole.p, whole.n);
    type[whole.n] = 0;
}

static bool guess_type(struct cutting *c, uint64_t offset, uint64_t length,
                       char type[VDM_MEDIA_TYPE_MAX + 1], struct vdm_err *err)
{
    struct vdm_buf head VDM_CLEANUP(vdm_buf_release) = {0};
    size_t want = length < VDM_MEDIA_LOOK_BYTES ? (size_t)length : VDM_MEDIA_LOOK_BYTES, got = 1;
    uint8_t *p = vdm_buf_grow(&head, want);
    if (!p)
        return vdm_fail_memory(err);
    if (!vdm_store_get(c->m->a->store, c->view.record.document, &c->reader, err) ||
        !vdm_store_reader_skip(&c->reader, offset, err))
        return false;
    head.n = 0;
    while (head.n < want && got > 0) {
        if (!c->reader.read(&c->reader, p + head.n, want - head.n, &got, err))
            return false;
        head.n += got;
    }
    vdm_store_reader_close(&c->reader);
    vdm_media_guess(c->m->media, vdm_buf_bytes(&head), type);
    guess_by_whole(c, type);
    return true;
}

static bool store_part(struct cutting *c, struct vdm_pending *p, uint64_t offset, uint64_t length,
                       struct vdm_err *err)
{
    c->left = length;
    bool ok = vdm_store_get(c->m->a->store, c->view.record.document, &c->reader, err) &&
              vdm_store_reader_skip(&c->reader, offset, err) &&
              vdm_import_store(c->m, read_part, c, length, p, err) &&
              vdm_import_text_end(c->m->text, &p->lines, p->digest, err);
    vdm_store_reader_close(&c->reader);
    return ok;
}

static bool parse_range(struct vdm_bytes text, uint64_t size, uint64_t *offset, uint64_t *length,
                        struct vdm_err *err)
{
    struct vdm_bytes rest = text, first;
    if (!vdm_cut(&rest, ',', &first) || !vdm_number_decode(first, offset) ||
        !vdm_number_decode(rest, length) || *length == 0)
        return vdm_fail_as(err, VDM_ERR_REFUSED,
                           "a range is OFFSET,LENGTH in bytes, such as 120,3400");
    if (*offset > size || *length > size - *offset)
        return vdm_fail_as(err, VDM_ERR_REFUSED, "the document has only %llu bytes",
                           (unsigned long long)size);
    return true;
}

static bool cut_part(struct cutting *c, struct vdm_bytes range, const struct vdm_table_row *row,
                     struct vdm_pending *p, struct vdm_err *err)
{
    struct vdm_buf from VDM_CLEANUP(vdm_buf_release) = {0};
    char type[VDM_MEDIA_TYPE_MAX + 1];
    const char *method = c->m->r->part_method;
    uint64_t offset, length;
    if (!parse_range(range, c->view.record.document_size, &offset, &length, err) ||
        !guess_type(c, offset, length, type, err))
        return false;
    vdm_digest_append(&from, c->view.record.document);
    vdm_buf_putf(&from, " %llu %llu slice%s%s", (unsigned long long)offset,
                 (unsigned long long)length, method ? ": " : "", method ? method : "");
    const struct vdm_source_facts facts = {.media_type = vdm_str(type)};
    const struct vdm_import_known known = {.row = row,
                                           .facts = &facts,
                                           .line = c->line,
                                           .lines = c->lines,
                                           .derived_from = vdm_buf_bytes(&from)};
    return vdm_buf_ok(&from, err) && vdm_import_collect(&p->lines, c->m->r, &known, err) &&
           store_part(c, p, offset, length, err);
}

static bool take_part(struct cutting *c, struct vdm_bytes range, const struct vdm_table_row *row,
                      struct vdm_err *err)
{
    struct vdm_pending p = {.part = ++c->m->containers, .below = c->below};
    struct vdm_err why = {0};
    char shown[120];
    int n = snprintf(shown, sizeof shown, "entry %llu, %.*s", (unsigned long long)c->view.n,
                     (int)(range.n < 60 ? range.n : 60), (const char *)range.p);
    struct vdm_bytes path = {(const uint8_t *)shown, (size_t)n};
    c->m->seen++;
    if (!vdm_import_room(c->m, path, 0, err))
        return false;
    if (!cut_part(c, range, row, &p, &why)) {
        vdm_import_lines_release(&p.lines);
        if (why.kind != VDM_ERR_REFUSED)
            return vdm_fail_as(err, why.kind, "import %s: %s", shown, why.text);
        vdm_import_refuse(c->m, path, why.text);
        return true;
    }
    p.path_n = path.n;
    if (!(p.path = vdm_bytes_dup(path))) {
        vdm_import_lines_release(&p.lines);
        return vdm_fail_memory(err);
    }
    return vdm_batch_add(c->m, &p, err);
}

/* --- all of them --- */

static bool take_row(void *ctx, const struct vdm_table_row *row, struct vdm_err *err)
{
    struct cutting *c = ctx;
    if (vdm_progress_stop(c->m->progress))
        return vdm_batch_finish(c->m, err) && vdm_fail_as(err, VDM_ERR_INTERRUPTED, "interrupted");
    return take_part(c, row->file, row, err);
}

bool vdm_import_parts(struct vdm_importing *m, struct vdm_err *err)
{
    struct cutting *c = calloc(1, sizeof *c);
    if (!c)
        return vdm_fail_memory(err);
    c->m = m;
    m->total = m->r->ranges;
    bool ok = open_whole(c, err);
    for (size_t i = 0; ok && i < m->r->ranges; i++)
        ok = take_part(c, vdm_str(m->r->range[i]), NULL, err);
    ok = ok && (!m->table || vdm_table_each_unused(m->table, take_row, c, err));
    ok = ok && vdm_batch_finish(m, err);
    release(c);
    free(c);
    return ok;
}
