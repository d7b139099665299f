/* SPDX-License-Identifier: MIT */
#include "ops/import.h"

#include "base/file.h"
#include "capture/bag_folder.h"
#include "ops/import_bundle.h"
#include "ops/import_crew.h"
#include "ops/import_state.h"
#include "ops/query.h"

#include <stdio.h>
#include <stdlib.h>

const enum vdm_field vdm_counted_fields[] = {VDM_FIELD_SOURCE,      VDM_FIELD_CAPTURED,
                                             VDM_FIELD_CAPTURED_BY, VDM_FIELD_TITLE,
                                             VDM_FIELD_ISSUER,      VDM_FIELD_ISSUED};
const size_t vdm_counted_fields_n = sizeof vdm_counted_fields / sizeof *vdm_counted_fields;

void vdm_import_refuse(struct vdm_importing *m, struct vdm_bytes path, const char *reason)
{
    m->done->refused++;
    vdm_import_say(
        m, &(struct vdm_input){.status = VDM_INPUT_REFUSED, .path = path, .reason = reason});
}

/* --- the walks --- */

/* The table may lie among the files that it is about; it is passed over. */
static bool is_the_table(const struct vdm_importing *m, const struct vdm_walk_item *item)
{
    return m->table && vdm_bytes_equal(item->path, vdm_table_path(m->table));
}

/* An archive does not take in itself: its store would grow while it is read, its keys are secret. */
static bool open_walk(struct vdm_importing *m, struct vdm_walk **walk, struct vdm_err *err)
{
    if (!vdm_walk_open(walk, m->r->paths, m->r->n, err))
        return false;
    vdm_walk_leave_out(*walk, m->own, 2, "part of the archive itself");
    return true;
}

/* Where no row fits at all, the table most likely names its files from another folder: said once. */
static bool tell_unused(void *ctx, const struct vdm_table_row *row, struct vdm_err *err)
{
    struct vdm_importing *m = ctx;
    char reason[160];
    (void)err;
    snprintf(reason, sizeof reason, "row %llu of the table: no such file among what was given%s",
             (unsigned long long)row->line,
             m->no_row_fits ? " (no row fits any: `file` is relative to the table's folder)" : "");
    m->no_row_fits = false;
    vdm_import_refuse(m, row->file, reason);
    return true;
}

/* Before anything is written: which files have no row, which rows no file. */
static bool compare_with_table(struct vdm_importing *m, struct vdm_err *err)
{
    struct vdm_walk *walk VDM_CLEANUP(vdm_walk_cleanup) = NULL;
    struct vdm_walk_item item;
    bool more = true, found = true;
    if (!open_walk(m, &walk, err))
        return false;
    if (!m->table)
        vdm_walk_only_count(walk);
    m->no_row_fits = true;
    while (vdm_walk_next(walk, &item, &more, err) && more) {
        if (item.kind == VDM_WALK_REFUSED || is_the_table(m, &item))
            continue;
        if (m->table && !vdm_table_find(m->table, item.path, &m->row, &found, err))
            return false;
        if (m->table && !found)
            vdm_import_refuse(m, item.shown, "the table has no row for it");
        else
            m->no_row_fits = false;
        m->total += !m->table || found;
        if (vdm_progress_stop(m->progress))
            return vdm_fail_as(err, VDM_ERR_INTERRUPTED, "interrupted; nothing was recorded");
    }
    if (more)
        return false;
    return !m->table || vdm_table_each_unused(m->table, tell_unused, m, err);
}

bool vdm_import_wants(struct vdm_importing *m, const struct vdm_walk_item *item,
                      struct vdm_table_row *row, bool *has_row, bool *wanted, struct vdm_err *err)
{
    *has_row = false;
    *wanted = item->kind == VDM_WALK_REFUSED || !is_the_table(m, item);
    if (!*wanted || !m->table || item->kind == VDM_WALK_REFUSED)
        return true;
    if (!vdm_table_find(m->table, item->path, row, has_row, err))
        return false;
    *wanted = *has_row; /* told before */
    return true;
}

static bool take_all(struct vdm_importing *m, struct vdm_err *err)
{
    struct vdm_walk *walk VDM_CLEANUP(vdm_walk_cleanup) = NULL;
    if (!open_walk(m, &walk, err))
        return false;
    if (!m->r->as_file)
        vdm_walk_tell_bags(walk);
    return vdm_import_files(m, walk, err);
}

static bool find_own(struct vdm_importing *m, struct vdm_err *err)
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
static bool check_catalog(struct vdm_importing *m, struct vdm_err *err)
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

static bool open_parts(struct vdm_importing *m, struct vdm_err *err)
{
    const struct vdm_import_request *r = m->r;
    if (!check_catalog(m, err))
        return false;
    vdm_import_columns(m->columns);
    if (!(m->batch = calloc(VDM_BATCH_DOCUMENTS, sizeof *m->batch)))
        return vdm_fail_memory(err);
    bool table = !r->table || (r->parts ? vdm_table_open_about(&m->table, r->table, "range",
                                                               m->columns, VDM_IMPORT_COLUMNS, err)
                                        : vdm_table_open(&m->table, r->table, m->columns,
                                                         VDM_IMPORT_COLUMNS, err));
    if (!table)
        return vdm_err_prefix(err, "%s", r->table);
    return find_own(m, err) && vdm_import_anchors(m, err) && vdm_media_open(&m->media, err) &&
           vdm_hash_open(&m->hash, m->a->crypto, err) &&
           (r->dry_run || r->no_text || vdm_import_text_open(&m->text, m->a->crypto, err)) &&
           vdm_ledger_size(m->a->ledger, &m->recorded_to, err) &&
           (r->dry_run || vdm_writer_open(&m->writer, m->a, m->signers->ledger, err));
}

bool vdm_import(struct vdm_archive *a, const struct vdm_import_request *r,
                const struct vdm_signers *signers, const struct vdm_progress *progress,
                vdm_import_tell_fn *tell, void *ctx, struct vdm_import_done *done,
                struct vdm_err *err)
{
    struct vdm_importing m = {.a = a,
                              .r = r,
                              .signers = signers,
                              .progress = progress,
                              .tell = tell,
                              .ctx = ctx,
                              .done = done};
    *done = (struct vdm_import_done){0};
    bool ok = open_parts(&m, err) && (r->parts ? vdm_import_parts(&m, err)
                                               : compare_with_table(&m, err) && take_all(&m, err));
    vdm_crew_close(m.crew); /* before what it leans on */
    m.crew = NULL;
    if (m.writer && done->imported > 0) {
        vdm_buf_put(&done->checkpoint, vdm_writer_checkpoint(m.writer));
        ok = ok && vdm_buf_ok(&done->checkpoint, err); /* recorded, but the user would not see it */
    }
    if (m.media)
        done->unguessed = vdm_media_unguessed(m.media);
    done->textless = vdm_import_textless(m.text);
    vdm_batch_drop(&m);
    vdm_places_release(&m.places);
    vdm_bag_folder_close(m.bag);
    vdm_anchors_release(&m.anchors);
    free(m.batch);
    free(m.said);
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
