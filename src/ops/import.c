/* SPDX-License-Identifier: MIT */
#include "ops/import.h"

#include "base/file.h"
#include "format/value.h"
#include "ops/doubt.h"
#include "ops/import_record.h"
#include "ops/import_text.h"
#include "ops/query.h"
#include "ops/writer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A batch ends with whichever comes first. */
#define BATCH_DOCUMENTS 10000
#define BATCH_BYTES     (UINT64_C(64) << 20)
#define BATCH_MS        1000

/* Kept free on the store's disk for what a batch writes beside the documents: a fixed part, and for each
 * document its place in a folder, its entry, record and catalog rows, and the pages that the journals
 * save before they are changed. */
#define RESERVE_BYTES          (UINT64_C(64) << 10)
#define RESERVE_DOCUMENT_BYTES (UINT64_C(16) << 10)

const enum vdm_field vdm_counted_fields[] = {VDM_FIELD_SOURCE,      VDM_FIELD_CAPTURED,
                                             VDM_FIELD_CAPTURED_BY, VDM_FIELD_TITLE,
                                             VDM_FIELD_ISSUER,      VDM_FIELD_ISSUED};
const size_t vdm_counted_fields_n = sizeof vdm_counted_fields / sizeof *vdm_counted_fields;

/* An input that is read and stored, and waits for its entry. */
struct pending {
    char *path; /* as shown, path_n bytes */
    size_t path_n;
    struct vdm_digest digest;
    uint64_t size;
    struct vdm_import_lines lines;
    struct vdm_input result;
};

struct import {
    struct vdm_archive *a;
    const struct vdm_import_request *r;
    const struct vdm_signers *signers;
    const struct vdm_progress *progress;
    vdm_import_tell_fn *tell;
    void *ctx;
    struct vdm_import_done *done;
    struct vdm_media *media;
    struct vdm_import_text *text; /* NULL: no fingerprints are made */
    struct vdm_table_field columns[VDM_IMPORT_COLUMNS];
    struct vdm_table *table;
    struct vdm_table_row row;
    struct vdm_hash *hash; /* dry run */
    struct vdm_writer *writer;
    char *own[2]; /* canonical paths of the archive's own keys/ and store/ */
    struct pending *batch;
    size_t batched;
    uint64_t batch_bytes, batch_started, seen, total, bytes;
};

static void refuse(struct import *m, struct vdm_bytes path, const char *reason)
{
    m->done->refused++;
    m->tell(m->ctx,
            &(struct vdm_input){.status = VDM_INPUT_REFUSED, .path = path, .reason = reason});
}

/* --- the batch --- */

static void drop_batch(struct import *m)
{
    for (size_t i = 0; i < m->batched; i++) {
        free(m->batch[i].path);
        vdm_import_lines_release(&m->batch[i].lines);
    }
    m->batched = 0;
    m->batch_bytes = 0;
}

/* What the ledger says now of a capture: its newest amendment's record, or its own. */
static bool recorded_now(struct import *m, uint64_t n, struct vdm_buf *text, struct vdm_record *r,
                         bool *found, struct vdm_err *err)
{
    struct vdm_catalog_fate fate;
    if (!vdm_catalog_fate(m->a->catalog, n, &fate, found, err))
        return false;
    uint64_t at = *found && fate.amended != UINT64_MAX ? fate.amended : n;
    if (!vdm_ledger_record(m->a->ledger, at, text, found, err))
        return false;
    return !*found || vdm_record_decode(vdm_buf_bytes(text), r, err);
}

static struct vdm_bytes escaped(struct vdm_buf *out, struct vdm_bytes value)
{
    vdm_buf_clear(out);
    if (!value.p)
        return value;
    vdm_value_append(out, value);
    return vdm_buf_bytes(out);
}

static bool says(const struct vdm_record *r, enum vdm_field f, struct vdm_bytes value)
{
    return vdm_bytes_equal(vdm_record_value(r, f, 0), value);
}

/* Are the same document, source and captured time recorded already? The catalog leads to the entry,
 * its record decides: a catalog that was edited must not make a new document pass for a known one. */
static bool find_known(struct import *m, struct pending *p, bool *known, struct vdm_err *err)
{
    struct vdm_buf source VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_buf captured VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_buf text VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_record r;
    bool found;
    struct vdm_bytes s = escaped(&source, vdm_import_value(&p->lines, VDM_FIELD_SOURCE));
    struct vdm_bytes c = escaped(&captured, vdm_import_value(&p->lines, VDM_FIELD_CAPTURED));
    if (!vdm_buf_ok(&source, err) || !vdm_buf_ok(&captured, err) ||
        !vdm_catalog_find_same(m->a->catalog, p->digest, s, c, &p->result.entry, known, err))
        return false;
    if (!*known)
        return true;
    if (!recorded_now(m, p->result.entry, &text, &r, &found, err))
        return false;
    if (!found || !vdm_digest_equal(r.document, p->digest) || r.document_size != p->size ||
        !says(&r, VDM_FIELD_SOURCE, s) || !says(&r, VDM_FIELD_CAPTURED, c))
        return vdm_catalog_lies(p->result.entry, err);
    return vdm_import_differences(&p->lines, &r, &p->result.differs, err);
}

static bool add_follows(struct import *m, struct pending *p, struct vdm_err *err)
{
    struct vdm_buf source VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_buf number VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_buf text VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_bytes value = vdm_import_value(&p->lines, VDM_FIELD_SOURCE);
    struct vdm_record before;
    uint64_t n;
    bool found;
    if (!value.p)
        return true;
    value = escaped(&source, value);
    if (!vdm_buf_ok(&source, err) ||
        !vdm_catalog_last_of_source(m->a->catalog, value, &n, &found, err))
        return false;
    if (!found)
        return true;
    if (!recorded_now(m, n, &text, &before, &found, err))
        return false;
    if (!found || !says(&before, VDM_FIELD_SOURCE, value))
        return vdm_catalog_lies(n, err);
    vdm_buf_putf(&number, "%llu", (unsigned long long)n);
    return vdm_buf_ok(&number, err) &&
           vdm_import_add(&p->lines, VDM_FIELD_FOLLOWS, vdm_buf_bytes(&number), err);
}

static bool append(struct import *m, struct pending *p, struct vdm_err *err)
{
    struct vdm_buf text VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_entry e = {.kind = VDM_ENTRY_CAPTURE, .recorded = vdm_time_now()};
    struct vdm_record r;
    uint8_t secret[32];
    bool there;
    /* It was put before the lock was taken: a withdrawal may have erased it since. */
    if (!vdm_store_holds(m->a->store, p->digest, &there, err))
        return false;
    if (!there)
        return vdm_fail(err, "its document was withdrawn while it was imported; nothing of this "
                             "batch was recorded");
    vdm_random(secret, sizeof secret);
    if (!add_follows(m, p, err) ||
        !vdm_record_append(&text, secret, p->digest, p->size, p->lines.line, p->lines.n, err) ||
        !vdm_record_decode(vdm_buf_bytes(&text), &r, err) ||
        !vdm_record_commit(m->a->crypto, &r, &e.capture.record, err) ||
        !vdm_writer_append(m->writer, &e, m->signers->signer, vdm_buf_bytes(&text), err))
        return false;
    p->result.status = VDM_INPUT_RECORDED;
    p->result.entry = e.n;
    return true;
}

static bool decide(struct import *m, struct pending *p, struct vdm_err *err)
{
    bool known = false;
    if (!m->r->again && !find_known(m, p, &known, err))
        return false;
    if (known) {
        p->result.status = VDM_INPUT_KNOWN;
        return true;
    }
    if (!m->r->dry_run)
        return append(m, p, err);
    p->result.status = VDM_INPUT_WOULD_RECORD;
    return true;
}

/* Everything is durable: now it may be told. */
static void acknowledge(struct import *m)
{
    struct vdm_import_done *d = m->done;
    for (size_t i = 0; i < m->batched; i++) {
        struct pending *p = &m->batch[i];
        p->result.path = (struct vdm_bytes){(uint8_t *)p->path, p->path_n};
        p->result.digest = p->digest;
        p->result.size = p->size;
        if (p->result.status == VDM_INPUT_KNOWN) {
            d->known++;
        } else {
            d->first = d->imported ? d->first : p->result.entry;
            d->last = p->result.entry;
            d->imported++;
            d->bytes += p->size;
            for (size_t k = 0; k < vdm_counted_fields_n; k++)
                d->not_stated[vdm_counted_fields[k]] +=
                    !(p->lines.stated >> vdm_counted_fields[k] & 1);
        }
        m->tell(m->ctx, &p->result);
    }
}

static bool write_batch(struct import *m, struct vdm_err *err)
{
    if (!vdm_store_sync(m->a->store, err))
        return vdm_doubt_raise(m->a, err);
    if (!vdm_writer_begin(m->writer, err))
        return false;
    if (!vdm_writer_may_capture(m->writer, m->signers->signer, err)) {
        vdm_writer_abort(m->writer);
        return false;
    }
    for (size_t i = 0; i < m->batched; i++)
        if (!decide(m, &m->batch[i], err)) {
            vdm_writer_abort(m->writer);
            return vdm_err_prefix(err, "import %.*s", (int)m->batch[i].path_n, m->batch[i].path);
        }
    return vdm_writer_commit(m->writer, err);
}

static bool finish_batch(struct import *m, struct vdm_err *err)
{
    bool ok = true;
    if (m->batched == 0)
        return true;
    if (!m->r->dry_run)
        ok = write_batch(m, err);
    for (size_t i = 0; ok && m->r->dry_run && i < m->batched; i++)
        ok = decide(m, &m->batch[i], err);
    if (ok)
        acknowledge(m);
    drop_batch(m);
    return ok;
}

static bool batch_full(const struct import *m)
{
    return m->batched == BATCH_DOCUMENTS || m->batch_bytes >= BATCH_BYTES ||
           vdm_clock_ms() - m->batch_started >= BATCH_MS;
}

/* --- one input --- */

struct reading {
    struct import *m;
    struct vdm_source *source;
    uint64_t read;
};

/* The source is asked at its end whether it changed, while the store can still drop what it took. */
static bool read_source(void *ctx, uint8_t *p, size_t cap, size_t *got, struct vdm_err *err)
{
    struct reading *r = ctx;
    if (!vdm_source_read(r->source, p, cap, got, err))
        return false;
    r->read += *got;
    vdm_import_text_take(r->m->text, (struct vdm_bytes){p, *got});
    vdm_progress_tell(r->m->progress, "importing", r->m->seen, r->m->total, r->m->bytes + r->read);
    return *got > 0 || vdm_source_finish(r->source, err);
}

static bool hash_only(struct import *m, struct reading *r, struct pending *p, struct vdm_err *err)
{
    uint8_t piece[VDM_COPY_BYTES];
    size_t got;
    do {
        if (!read_source(r, piece, sizeof piece, &got, err)) {
            vdm_hash_end(m->hash);
            return false;
        }
        vdm_hash_update(m->hash, (struct vdm_bytes){piece, got});
    } while (got > 0);
    p->digest = vdm_hash_end(m->hash);
    p->size = r->read;
    return true;
}

static bool store_document(struct import *m, struct vdm_source *source, struct pending *p,
                           struct vdm_err *err)
{
    struct reading r = {m, source, 0};
    struct vdm_stored stored;
    const struct vdm_source_facts *facts = vdm_source_facts(source);
    if (m->r->dry_run)
        return hash_only(m, &r, p, err);
    vdm_import_text_begin(m->text, &p->lines);
    if (!vdm_store_put(m->a->store, read_source, &r,
                       facts->has_size ? facts->size_bytes : VDM_SIZE_UNKNOWN, &stored, err))
        return false;
    m->done->repaired += stored.repaired;
    p->digest = stored.id;
    p->size = stored.size_bytes;
    return vdm_import_text_end(m->text, &p->lines, err);
}

/* Is there room for one more document, with all that the batch will then write? *free says how much. */
static bool has_room(struct import *m, uint64_t size, uint64_t *needed, uint64_t *free_bytes,
                     struct vdm_err *err)
{
    *needed = size + RESERVE_BYTES + (m->batched + 1) * RESERVE_DOCUMENT_BYTES;
    return vdm_path_free(m->a->store_path, free_bytes, err);
}

/* Asked before a byte is stored: what was taken so far is recorded first, with the room that was kept for
 * it, so that no batch is left half done. The sizes of all inputs together say nothing: what is known
 * already takes no room for long. */
static bool check_room(struct import *m, const struct vdm_walk_item *item, struct vdm_err *err)
{
    uint64_t needed, there;
    if (m->r->dry_run)
        return true;
    if (!has_room(m, item->size_bytes, &needed, &there, err))
        return false;
    if (needed <= there)
        return true;
    if (!finish_batch(m, err) || !has_room(m, item->size_bytes, &needed, &there, err))
        return false;
    return needed <= there ||
           vdm_fail(
               err,
               "import %.*s: the disk is full: %llu bytes are needed, for it and for the ledger, "
               "and %llu are free",
               (int)item->shown.n, (const char *)item->shown.p, (unsigned long long)needed,
               (unsigned long long)there);
}

static bool read_input(struct import *m, const struct vdm_walk_item *item, struct pending *p,
                       bool has_row, struct vdm_err *err)
{
    struct vdm_source *source VDM_CLEANUP(vdm_source_cleanup) = NULL;
    return vdm_source_open(&source, item, m->media, err) &&
           vdm_import_collect(&p->lines, m->r, has_row ? &m->row : NULL, vdm_source_facts(source),
                              err) &&
           store_document(m, source, p, err);
}

static bool take_input(struct import *m, const struct vdm_walk_item *item, bool has_row,
                       struct vdm_err *err)
{
    struct pending p = {.path_n = item->shown.n};
    struct vdm_err why = {0};
    if (!check_room(m, item, err))
        return false;
    if (m->batched == 0)
        m->batch_started = vdm_clock_ms();
    if (!read_input(m, item, &p, has_row, &why)) {
        vdm_import_lines_release(&p.lines);
        if (why.kind != VDM_ERR_REFUSED && why.kind != VDM_ERR_NOT_FOUND)
            return vdm_fail_as(err, why.kind, "import %.*s: %s", (int)item->shown.n,
                               (const char *)item->shown.p, why.text);
        refuse(m, item->shown, why.text);
        return true;
    }
    if (!(p.path = vdm_bytes_dup(item->shown))) {
        vdm_import_lines_release(&p.lines);
        return vdm_fail_memory(err);
    }
    m->batch[m->batched++] = p;
    m->batch_bytes += p.size;
    m->bytes += p.size;
    return !batch_full(m) || finish_batch(m, err);
}

/* --- the walks --- */

/* The table may lie among the files that it is about; it is passed over. */
static bool is_the_table(const struct import *m, const struct vdm_walk_item *item)
{
    return m->table && vdm_bytes_equal(item->path, vdm_table_path(m->table));
}

/* An archive does not take in itself: its store would grow while it is read, its keys are secret. */
static bool open_walk(struct import *m, struct vdm_walk **walk, struct vdm_err *err)
{
    if (!vdm_walk_open(walk, m->r->paths, m->r->n, err))
        return false;
    vdm_walk_leave_out(*walk, m->own, 2, "part of the archive itself");
    return true;
}

static bool tell_unused(void *ctx, const struct vdm_table_row *row, struct vdm_err *err)
{
    char reason[80];
    (void)err;
    snprintf(reason, sizeof reason, "row %llu of the table: no such file among what was given",
             (unsigned long long)row->line);
    refuse(ctx, row->file, reason);
    return true;
}

/* Before anything is written: which files have no row, which rows no file. */
static bool compare_with_table(struct import *m, struct vdm_err *err)
{
    struct vdm_walk *walk VDM_CLEANUP(vdm_walk_cleanup) = NULL;
    struct vdm_walk_item item;
    bool more = true, found = true;
    if (!open_walk(m, &walk, err))
        return false;
    while (vdm_walk_next(walk, &item, &more, err) && more) {
        if (item.kind == VDM_WALK_REFUSED || is_the_table(m, &item))
            continue;
        m->total++;
        if (m->table && !vdm_table_find(m->table, item.path, &m->row, &found, err))
            return false;
        if (m->table && !found)
            refuse(m, item.shown, "the table has no row for it");
        if (vdm_progress_stop(m->progress))
            return vdm_fail_as(err, VDM_ERR_INTERRUPTED, "interrupted; nothing was recorded");
    }
    if (more)
        return false;
    return !m->table || vdm_table_each_unused(m->table, tell_unused, m, err);
}

static bool take_item(struct import *m, const struct vdm_walk_item *item, struct vdm_err *err)
{
    bool found = false;
    if (item->kind == VDM_WALK_REFUSED) {
        refuse(m, item->shown, item->reason);
        return true;
    }
    if (is_the_table(m, item))
        return true;
    m->seen++;
    if (m->table && !vdm_table_find(m->table, item->path, &m->row, &found, err))
        return false;
    if (m->table && !found)
        return true; /* told before */
    return take_input(m, item, found, err);
}

static bool take_all(struct import *m, struct vdm_err *err)
{
    struct vdm_walk *walk VDM_CLEANUP(vdm_walk_cleanup) = NULL;
    struct vdm_walk_item item;
    bool more = true;
    if (!open_walk(m, &walk, err))
        return false;
    while (!vdm_progress_stop(m->progress)) {
        if (!vdm_walk_next(walk, &item, &more, err))
            return false;
        if (!more)
            return finish_batch(m, err);
        if (!take_item(m, &item, err))
            return false;
    }
    return finish_batch(m, err) && vdm_fail_as(err, VDM_ERR_INTERRUPTED, "interrupted");
}

static bool find_own(struct import *m, struct vdm_err *err)
{
    static const char *const folders[2] = {"keys", "store"};
    for (int i = 0; i < 2; i++) {
        char *path VDM_CLEANUP(vdm_free_string) = NULL;
        if (asprintf(&path, "%s/%s", m->a->path, folders[i]) < 0)
            return vdm_fail_memory(err);
        if (!(m->own[i] = realpath(path, NULL)))
            return vdm_fail_errno(err, "%s", path);
    }
    return true;
}

/* Writing brings the catalog up to date itself; a dry run must find it so. */
static bool check_catalog(struct import *m, struct vdm_err *err)
{
    uint64_t behind;
    if (!m->r->dry_run || m->r->again)
        return true;
    if (!vdm_query_catalog(m->a, &behind, err))
        return false;
    return behind == 0 ||
           vdm_fail(err, "the catalog lacks the newest %llu entries: run `vidimus reindex` first",
                    (unsigned long long)behind);
}

static bool open_parts(struct import *m, struct vdm_err *err)
{
    const struct vdm_import_request *r = m->r;
    if (!check_catalog(m, err))
        return false;
    vdm_import_columns(m->columns);
    if (!(m->batch = calloc(BATCH_DOCUMENTS, sizeof *m->batch)))
        return vdm_fail_memory(err);
    if (r->table && !vdm_table_open(&m->table, r->table, m->columns, VDM_IMPORT_COLUMNS, err))
        return vdm_err_prefix(err, "%s", r->table);
    return find_own(m, err) && vdm_media_open(&m->media, err) &&
           vdm_hash_open(&m->hash, m->a->crypto, err) &&
           (r->dry_run || r->no_text || vdm_import_text_open(&m->text, m->a->crypto, err)) &&
           (r->dry_run || vdm_writer_open(&m->writer, m->a, m->signers->ledger, err));
}

bool vdm_import(struct vdm_archive *a, const struct vdm_import_request *r,
                const struct vdm_signers *signers, const struct vdm_progress *progress,
                vdm_import_tell_fn *tell, void *ctx, struct vdm_import_done *done,
                struct vdm_err *err)
{
    struct import m = {.a = a,
                       .r = r,
                       .signers = signers,
                       .progress = progress,
                       .tell = tell,
                       .ctx = ctx,
                       .done = done};
    *done = (struct vdm_import_done){0};
    bool ok = open_parts(&m, err) && compare_with_table(&m, err) && take_all(&m, err);
    if (m.writer && done->imported > 0)
        vdm_buf_put(&done->checkpoint, vdm_writer_checkpoint(m.writer));
    if (m.media)
        done->unguessed = vdm_media_unguessed(m.media);
    done->textless = vdm_import_textless(m.text);
    drop_batch(&m);
    free(m.batch);
    free(m.own[0]);
    free(m.own[1]);
    vdm_writer_close(m.writer);
    vdm_hash_close(m.hash);
    vdm_media_close(m.media);
    vdm_import_text_close(m.text);
    vdm_table_row_release(&m.row);
    vdm_table_close(m.table);
    return ok;
}
