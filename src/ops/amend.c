/* SPDX-License-Identifier: MIT */
#include "ops/amend.h"

#include "base/text.h"
#include "ops/amend_record.h"
#include "ops/query.h"
#include "ops/slice.h"
#include "ops/writer.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A commit ends with this many. */
#define BATCH 1000

/* An amendment that is made and waits for its commit. */
struct pending {
    char what[24];
    uint64_t capture, entry;
    struct vdm_buf before, after; /* record texts */
};

struct amend {
    struct vdm_archive *a;
    const struct vdm_amend_request *r;
    const struct vdm_signers *signers;
    const struct vdm_progress *progress;
    vdm_amend_tell_fn *tell;
    void *ctx;
    struct vdm_amend_done *done;
    struct vdm_table *table;
    struct vdm_table_field columns[VDM_IMPORT_COLUMNS + 1]; /* and `clear` */
    struct vdm_writer *writer;
    bool begun;
    struct pending *batch;
    size_t batched;
    uint64_t seen, total;
};

/* --- the batch --- */

static void drop_batch(struct amend *m)
{
    for (size_t i = 0; i < m->batched; i++) {
        vdm_buf_release(&m->batch[i].before);
        vdm_buf_release(&m->batch[i].after);
    }
    m->batched = 0;
}

static bool acknowledge(struct amend *m, struct vdm_err *err)
{
    for (size_t i = 0; i < m->batched; i++) {
        struct pending *p = &m->batch[i];
        struct vdm_record before, after;
        if (!vdm_record_decode(vdm_buf_bytes(&p->before), &before, err) ||
            !vdm_record_decode(vdm_buf_bytes(&p->after), &after, err))
            return false;
        m->done->amended++;
        m->tell(m->ctx,
                &(struct vdm_amended){.status = m->r->dry_run ? VDM_WOULD_AMEND : VDM_AMENDED,
                                      .what = vdm_str(p->what),
                                      .capture = p->capture,
                                      .entry = p->entry,
                                      .before = &before,
                                      .after = &after});
    }
    return true;
}

static bool finish_batch(struct amend *m, struct vdm_err *err)
{
    bool ok = !m->begun || vdm_writer_commit(m->writer, err);
    m->begun = false;
    ok = ok && acknowledge(m, err);
    drop_batch(m);
    return ok;
}

static bool begin(struct amend *m, struct vdm_err *err)
{
    if (m->begun || m->r->dry_run)
        return true;
    m->begun = vdm_writer_begin(m->writer, err);
    return m->begun && vdm_writer_may_capture(m->writer, m->signers->signer, err);
}

/* --- one amendment --- */

static bool no_capture(uint64_t n, const struct vdm_entry *e, struct vdm_err *err)
{
    if (e->kind == VDM_ENTRY_AMENDMENT)
        return vdm_fail_as(err, VDM_ERR_REFUSED,
                           "entry %" PRIu64 " is an amendment itself: amend %" PRIu64, n,
                           e->capture.amends);
    return vdm_fail_as(err, VDM_ERR_REFUSED, "entry %" PRIu64 " is no capture but a %s", n,
                       vdm_entry_kind_name(e->kind));
}

/* The newest amendment, if there is one, as the catalog leads to it: is it what it should be? */
static bool newest_entry(struct amend *m, uint64_t n, uint64_t at, struct vdm_digest *record,
                         struct vdm_err *err)
{
    struct vdm_buf bytes VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_note note;
    struct vdm_entry e;
    if (!vdm_archive_entry(m->a, at, &bytes, &note, &e, err))
        return false;
    if (at != n && (e.kind != VDM_ENTRY_AMENDMENT || e.capture.amends != n))
        return vdm_catalog_lies(n, err);
    *record = e.capture.record;
    return true;
}

/* The newest record of capture n, as its entry commits to it. */
static bool read_before(struct amend *m, uint64_t n, struct vdm_buf *text, struct vdm_record *r,
                        struct vdm_err *err)
{
    struct vdm_view v VDM_CLEANUP(vdm_view_release) = {0};
    struct vdm_digest committed, found;
    if (!vdm_view_open(m->a, n, &v, err))
        return false;
    if (v.entry.kind != VDM_ENTRY_CAPTURE)
        return no_capture(n, &v.entry, err);
    if (v.fate.withdrawn != UINT64_MAX)
        return vdm_fail_as(err, VDM_ERR_REFUSED,
                           "entry %" PRIu64 " was withdrawn by entry %" PRIu64, n,
                           v.fate.withdrawn);
    uint64_t at = v.fate.amended != UINT64_MAX ? v.fate.amended : n;
    if (!newest_entry(m, n, at, &committed, err))
        return false;
    if (!v.has_record || !vdm_record_commit(m->a->crypto, &v.record, &found, err) ||
        !vdm_digest_equal(committed, found))
        return vdm_fail_as(err, VDM_ERR_REFUSED,
                           "the record of entry %" PRIu64
                           " is missing or not the one that was signed: run `vidimus verify`",
                           at);
    vdm_buf_put(text, vdm_buf_bytes(&v.record_text));
    return vdm_buf_ok(text, err) && vdm_record_decode(vdm_buf_bytes(text), r, err);
}

static bool write_after(const struct vdm_record *before, const struct vdm_import_lines *given,
                        uint64_t cleared, struct vdm_buf *text, struct vdm_record *r,
                        struct vdm_err *err)
{
    struct vdm_import_lines lines VDM_CLEANUP(vdm_import_lines_release) = {0};
    struct vdm_err why = {0};
    uint8_t secret[32];
    vdm_random(secret, sizeof secret);
    if (!vdm_amend_lines(&lines, before, given, cleared, err))
        return false;
    if (vdm_record_append(text, secret, before->document, before->document_size, lines.line,
                          lines.n, r, &why))
        return true;
    if (why.kind != VDM_ERR_MALFORMED)
        return vdm_fail_as(err, why.kind, "%s", why.text);
    return vdm_fail_as(err, VDM_ERR_REFUSED, "%s", why.text);
}

/* What the record said before is not asked again: that would stop every other correction of it. */
static bool check_slices(struct amend *m, const struct vdm_record *before,
                         const struct vdm_import_lines *given, struct vdm_err *err)
{
    for (size_t i = 0; i < given->n; i++)
        if (given->line[i].field == VDM_FIELD_DERIVED_FROM &&
            !vdm_slice_refuse_wrong(m->a, given->line[i].value, before->document,
                                    before->document_size, err))
            return false;
    return true;
}

static bool append(struct amend *m, struct pending *p, const struct vdm_record *after,
                   struct vdm_err *err)
{
    struct vdm_entry e = {.kind = VDM_ENTRY_AMENDMENT, .recorded = vdm_time_now()};
    e.capture.amends = p->capture;
    if (m->r->dry_run)
        return true;
    if (!vdm_record_commit(m->a->crypto, after, &e.capture.record, err) ||
        !vdm_writer_append(m->writer, &e, m->signers->signer, vdm_buf_bytes(&p->after), err))
        return false;
    p->entry = e.n;
    return true;
}

static bool make(struct amend *m, struct pending *p, const struct vdm_import_lines *given,
                 uint64_t cleared, struct vdm_err *err)
{
    struct vdm_record before, after;
    if (!read_before(m, p->capture, &p->before, &before, err) ||
        !check_slices(m, &before, given, err) ||
        !write_after(&before, given, cleared, &p->after, &after, err))
        return false;
    if (!m->r->vouch && vdm_record_differences(&before, &after) == 0)
        return vdm_fail_as(err, VDM_ERR_REFUSED,
                           "nothing to amend: entry %" PRIu64
                           " says this already (--vouch signs it once more)",
                           p->capture);
    return append(m, p, &after, err);
}

static void refuse(struct amend *m, struct vdm_bytes what, const char *reason)
{
    m->done->refused++;
    m->tell(m->ctx,
            &(struct vdm_amended){.status = VDM_AMEND_REFUSED, .what = what, .reason = reason});
}

static bool is_own_fault(const struct vdm_err *why)
{
    return why->kind == VDM_ERR_REFUSED || why->kind == VDM_ERR_NOT_FOUND;
}

static bool amend_one(struct amend *m, uint64_t n, const struct vdm_import_lines *given,
                      uint64_t cleared, struct vdm_err *err)
{
    struct pending p = {.capture = n};
    struct vdm_err why = {0};
    snprintf(p.what, sizeof p.what, "%" PRIu64, n);
    if (!begin(m, err))
        return false;
    if (make(m, &p, given, cleared, &why)) {
        m->batch[m->batched++] = p;
    } else {
        vdm_buf_release(&p.before);
        vdm_buf_release(&p.after);
        if (!is_own_fault(&why))
            return vdm_fail_as(err, why.kind, "amend %" PRIu64 ": %s", n, why.text);
        refuse(m, vdm_str(p.what), why.text);
    }
    vdm_progress_tell(m->progress, "amending", ++m->seen, m->total, 0);
    if (m->batched == BATCH && !finish_batch(m, err))
        return false;
    return !vdm_progress_stop(m->progress) ||
           (finish_batch(m, err) && vdm_fail_as(err, VDM_ERR_INTERRUPTED, "interrupted"));
}

/* --- which captures --- */

static bool amend_named(struct amend *m, struct vdm_err *err)
{
    struct vdm_import_lines given VDM_CLEANUP(vdm_import_lines_release) = {0};
    m->total = m->r->entries;
    if (!vdm_import_state(&given, m->r->given, m->r->givens, NULL, err))
        return false;
    for (size_t i = 0; i < m->r->entries; i++)
        if (!amend_one(m, m->r->entry[i], &given, m->r->cleared, err))
            return false;
    return true;
}

/* `clear` is this command's own column: out of the row, into bits. */
static bool take_clear(const struct vdm_table_row *row, struct vdm_table_cell *cells,
                       struct vdm_table_row *rest, uint64_t *cleared, struct vdm_err *err)
{
    *rest = (struct vdm_table_row){.line = row->line, .file = row->file, .cells = cells};
    for (size_t i = 0; i < row->n; i++) {
        uint64_t fields;
        if (strcmp(row->cells[i].key, "clear") != 0) {
            cells[rest->n++] = row->cells[i];
            continue;
        }
        if (!vdm_fields_decode(row->cells[i].value, &fields, err))
            return vdm_err_prefix(err, "clear");
        *cleared |= fields;
    }
    return true;
}

static bool amend_row_with(struct amend *m, const struct vdm_table_row *row,
                           struct vdm_table_cell *cells, struct vdm_err *err)
{
    struct vdm_import_lines given VDM_CLEANUP(vdm_import_lines_release) = {0};
    struct vdm_table_row rest;
    uint64_t n, cleared = m->r->cleared;
    struct vdm_err why = {0};
    bool ok = vdm_number_decode(row->file, &n) ||
              vdm_fail_as(&why, VDM_ERR_REFUSED, "no number of an entry");
    if (ok && take_clear(row, cells, &rest, &cleared, &why) &&
        vdm_import_state(&given, m->r->given, m->r->givens, &rest, &why))
        return amend_one(m, n, &given, cleared, err);
    if (!is_own_fault(&why))
        return vdm_fail_as(err, why.kind, "%s", why.text);
    refuse(m, row->file, why.text);
    return true;
}

static bool amend_row(void *ctx, const struct vdm_table_row *row, struct vdm_err *err)
{
    struct vdm_table_cell *cells = calloc(row->n + 1, sizeof *cells);
    if (!cells)
        return vdm_fail_memory(err);
    bool ok = amend_row_with(ctx, row, cells, err);
    free(cells);
    return ok;
}

static bool amend_table(struct amend *m, struct vdm_err *err)
{
    vdm_import_columns(m->columns);
    m->columns[VDM_IMPORT_COLUMNS] = (struct vdm_table_field){"clear", true};
    if (!vdm_table_open_about(&m->table, m->r->table, "entry", m->columns, VDM_IMPORT_COLUMNS + 1,
                              err))
        return vdm_err_prefix(err, "%s", m->r->table);
    m->total = vdm_table_rows(m->table);
    return vdm_table_each_unused(m->table, amend_row, m, err);
}

/* Writing brings the catalog up to date itself; a dry run must find it so. */
static bool check_catalog(struct amend *m, struct vdm_err *err)
{
    uint64_t behind;
    if (!m->r->dry_run)
        return true;
    if (!vdm_query_catalog(m->a, &behind, err))
        return false;
    return behind == 0 ||
           vdm_fail(err,
                    "the catalog lacks the newest %" PRIu64 " entries: run `vidimus reindex` "
                    "first",
                    behind);
}

bool vdm_amend(struct vdm_archive *a, const struct vdm_amend_request *r,
               const struct vdm_signers *signers, const struct vdm_progress *progress,
               vdm_amend_tell_fn *tell, void *ctx, struct vdm_amend_done *done, struct vdm_err *err)
{
    struct amend m = {.a = a,
                      .r = r,
                      .signers = signers,
                      .progress = progress,
                      .tell = tell,
                      .ctx = ctx,
                      .done = done};
    *done = (struct vdm_amend_done){0};
    bool ok = ((m.batch = calloc(BATCH, sizeof *m.batch)) || vdm_fail_memory(err)) &&
              check_catalog(&m, err) &&
              (r->dry_run || vdm_writer_open(&m.writer, a, signers->ledger, err)) &&
              (r->table ? amend_table(&m, err) : amend_named(&m, err)) && finish_batch(&m, err);
    if (m.writer && done->amended > 0) {
        vdm_buf_put(&done->checkpoint, vdm_writer_checkpoint(m.writer));
        ok = ok && vdm_buf_ok(&done->checkpoint, err); /* recorded, but the user would not see it */
    }
    drop_batch(&m);
    free(m.batch);
    vdm_writer_close(m.writer);
    vdm_table_close(m.table);
    return ok;
}
