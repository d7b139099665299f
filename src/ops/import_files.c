/* SPDX-License-Identifier: MIT */
/* The files that a walk meets, as a source of inputs. */
#include "base/file.h"
#include "ops/import_bag.h"
#include "ops/import_groups.h"

#include <stdlib.h>
#include <string.h>

#define GROUP_BYTES   (UINT64_C(64) << 20)
#define GROUP_FOLDERS 64

struct file {
    struct vdm_walk_item item; /* its texts lie in `names` */
    struct vdm_table_row row;
    bool has_row;
    char names[];
};

/* What is kept for a group. */
struct place {
    int folder[GROUP_FOLDERS];
    size_t folders;
    struct vdm_walk_item special;
};

struct files {
    struct vdm_importing *m;
    struct vdm_walk *walk;
    struct place place[VDM_CREW_PLACES];
    struct vdm_walk_item folder_of; /* whose folder was copied last, and its path */
    struct vdm_buf folder_path;
};

/* --- gathering --- */

static void release(void *input)
{
    struct file *f = input;
    vdm_table_row_release(&f->row);
    free(f);
}

static void clear(void *ctx, unsigned place)
{
    struct place *p = &((struct files *)ctx)->place[place];
    while (p->folders > 0)
        vdm_fd_close(&p->folder[--p->folders]);
}

/* The item with its texts, which the walk would take back. */
static struct file *keep_item(const struct vdm_walk_item *item)
{
    struct vdm_bytes name = vdm_str(item->name ? item->name : "");
    const struct vdm_bytes part[] = {item->shown, item->path, name};
    struct file *f = calloc(1, sizeof *f + item->shown.n + item->path.n + name.n + 3);
    if (!f)
        return NULL;
    char *at[3], *p = f->names;
    for (size_t i = 0; i < 3; p += part[i++].n + 1) {
        at[i] = p;
        if (part[i].n)
            memcpy(p, part[i].p, part[i].n);
    }
    f->item = *item;
    f->item.shown.p = (const uint8_t *)at[0];
    f->item.path.p = (const uint8_t *)at[1];
    f->item.name = at[2];
    f->item.reason = NULL;
    return f;
}

static struct vdm_bytes folder_part(struct vdm_bytes path)
{
    while (path.n > 0 && path.p[path.n - 1] != '/')
        path.n--;
    return path;
}

/* The walk goes on and closes its folders: the group has copies, one a folder. */
static bool keep_folder(struct files *s, struct place *place, struct file *f, struct vdm_err *err)
{
    struct vdm_bytes path = folder_part(f->item.path);
    if (f->item.kind != VDM_WALK_FILE || f->item.dir < 0)
        return true;
    if (place->folders == 0 || s->folder_of.dir != f->item.dir ||
        !vdm_bytes_equal(path, vdm_buf_bytes(&s->folder_path))) {
        s->folder_of = f->item;
        vdm_buf_clear(&s->folder_path);
        vdm_buf_put(&s->folder_path, path);
        if (!vdm_buf_ok(&s->folder_path, err) ||
            !vdm_fd_copy(f->item.dir, &place->folder[place->folders], err))
            return false;
        place->folders++;
    }
    f->item.dir = place->folder[place->folders - 1];
    return true;
}

static bool is_special(const struct vdm_importing *m, const struct vdm_walk_item *item)
{
    return item->kind == VDM_WALK_BAG || item->kind == VDM_WALK_STDIN ||
           (item->kind == VDM_WALK_FILE && vdm_import_in_bag(m, item));
}

static bool add_item(struct files *s, struct place *place, const struct vdm_walk_item *item,
                     struct vdm_import_job *j, bool *wanted, struct vdm_err *err)
{
    struct file *f = keep_item(item);
    if (!f)
        return vdm_fail_memory(err);
    j->input = f; /* from here on it is released with the job */
    j->shown = f->item.shown;
    j->size = item->size_bytes;
    if (item->kind == VDM_WALK_REFUSED) {
        j->outcome = VDM_JOB_REFUSED;
        if (!(j->why = strdup(item->reason)))
            return vdm_fail_memory(err);
    }
    return vdm_import_wants(s->m, item, &f->row, &f->has_row, wanted, err) &&
           (!*wanted || keep_folder(s, place, f, err));
}

static bool next(void *ctx, unsigned at, struct vdm_import_job *j, enum vdm_met *met,
                 struct vdm_err *err)
{
    struct files *s = ctx;
    struct place *place = &s->place[at];
    struct vdm_walk_item item;
    bool more, wanted;
    if (!vdm_walk_next(s->walk, &item, &more, err))
        return false;
    *met = more ? VDM_MET_SPECIAL : VDM_MET_END;
    place->special = item;
    if (!more || is_special(s->m, &item))
        return true;
    if (!add_item(s, place, &item, j, &wanted, err))
        return false;
    *met = !wanted                          ? VDM_MET_NOTHING
           : place->folders < GROUP_FOLDERS ? VDM_MET_JOB
                                            : VDM_MET_LAST_OF_GROUP;
    return true;
}

/* --- taking --- */

static bool read_file(void *ctx, uint8_t *p, size_t cap, size_t *got, struct vdm_err *err)
{
    struct vdm_source *source = ctx;
    return vdm_source_read(source, p, cap, got, err) &&
           (*got > 0 || vdm_source_finish(source, err));
}

/* As import_input.c takes a file. */
static bool take(void *ctx, struct vdm_hand *h, struct vdm_import_job *j, struct vdm_err *err)
{
    struct vdm_source *source VDM_CLEANUP(vdm_source_cleanup) = NULL;
    const struct files *s = ctx;
    const struct file *f = j->input;
    uint64_t asked = vdm_media_asked(h->media);
    if (!vdm_source_open(&source, &f->item, h->media, err) ||
        !vdm_import_may_keep(vdm_source_head(source), err))
        return false;
    const struct vdm_import_known known = {.row = f->has_row ? &f->row : NULL,
                                           .facts = vdm_source_facts(source)};
    if (!vdm_hand_gave_type(h, asked, j))
        return true;
    bool plain = s->m->r->as_file || !vdm_import_may_be_container(vdm_source_head(source));
    if (plain && !vdm_import_collect(&j->p.lines, s->m->r, &known, err))
        return false;
    if (!plain || vdm_import_value(&j->p.lines, VDM_FIELD_DERIVED_FROM).p) {
        j->outcome = VDM_JOB_BACK;
        return true;
    }
    return vdm_hand_store(h, read_file, source, known.facts->size_bytes, j, err);
}

static bool take_back(void *ctx, struct vdm_import_job *j, struct vdm_err *err)
{
    const struct files *s = ctx;
    const struct file *f = j->input;
    return vdm_import_take(s->m, &f->item, f->has_row ? &f->row : NULL, err);
}

/* What came before is in the batch. */
static bool take_special(void *ctx, unsigned place, struct vdm_err *err)
{
    struct files *s = ctx;
    struct vdm_importing *m = s->m;
    const struct vdm_walk_item *item = &s->place[place].special;
    bool wanted, has_row;
    if (item->kind == VDM_WALK_BAG)
        return vdm_import_bag(m, s->walk, item, err);
    if (!vdm_import_wants(m, item, &m->row, &has_row, &wanted, err))
        return false;
    m->seen++;
    return !wanted || vdm_import_take(m, item, has_row ? &m->row : NULL, err);
}

bool vdm_import_files(struct vdm_importing *m, struct vdm_walk *walk, struct vdm_err *err)
{
    struct files *s = calloc(1, sizeof *s);
    bool cut;
    if (!s)
        return vdm_fail_memory(err);
    s->m = m;
    s->walk = walk;
    const struct vdm_import_source source = {.next = next,
                                             .take = take,
                                             .take_back = take_back,
                                             .take_special = take_special,
                                             .release = release,
                                             .clear = clear,
                                             .ctx = s,
                                             .seen = &m->seen,
                                             .total = m->total,
                                             .group_bytes = GROUP_BYTES};
    struct vdm_err why = {0};
    bool ok = vdm_import_groups(m, &source, &cut, err);
    /* Also what came before something that failed, if that is still possible. */
    bool recorded = vdm_batch_finish(m, ok ? err : &why);
    ok = ok && recorded;
    vdm_buf_release(&s->folder_path);
    free(s);
    /* Also where it was heard in the last file: there may have been more in it. */
    return ok && ((!cut && !vdm_progress_stop(m->progress)) ||
                  vdm_fail_as(err, VDM_ERR_INTERRUPTED, "interrupted"));
}
