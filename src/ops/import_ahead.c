/* SPDX-License-Identifier: MIT */
/* While one group of files is recorded, the next is read, hashed and stored by a pool. What a file turns out to be is
 * found out there; all that is more than one plain document is handed back, and taken by import_input.c in its turn.
 * So the entries, their order and all that is told do not depend on the number of threads. */
#include "base/file.h"
#include "ops/import_bag.h"
#include "ops/import_state.h"
#include "store/store_folder.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* With fewer files than this, to start threads takes longer than what they do. */
#define FILES_FOR_THREADS 128

/* A group ends with whichever comes first, but holds a few files, however large. It grows while it is done quickly: what
 * is not recorded yet is lost where the power fails. */
#define GROUP_FILES   8192
#define GROUP_FIRST   256
#define GROUP_LEAST   4
#define GROUP_BYTES   (UINT64_C(64) << 20)
#define GROUP_FOLDERS 64
#define QUICK_MS      400
#define SLOW_MS       1500

/* A larger text is taken by one thread, for the memory that it takes. */
#define TEXT_BYTES (UINT64_C(1) << 20)

enum outcome {
    NOT_BEGUN, /* the user wants to stop, or something before failed */
    DONE,
    REFUSED,
    FAILED,
    BACK, /* to be taken by the caller */
};

struct job {
    struct vdm_walk_item item; /* its texts lie in `names` */
    char *names;
    struct vdm_table_row row;
    bool has_row;
    enum outcome outcome;
    struct vdm_pending p;
    enum vdm_err_kind kind;
    char *why;        /* REFUSED, FAILED */
    char *textless;   /* why it has no text; NULL: it has one, or is of no kind that has */
    bool repaired;    /* the object that stood there */
    bool asked_media; /* the answer of a worker is in it */
    bool asked_text;
};

struct group {
    struct job *job; /* GROUP_FILES */
    size_t n;
    uint64_t bytes;
    int folder[GROUP_FOLDERS];
    size_t folders;
    uint64_t started_ms;
    bool
        has_special; /* and behind it comes `special`, an item of the walk that only the caller can take */
    bool last; /* nothing comes behind it */
    struct vdm_walk_item special;
    bool special_has_row;
};

/* What one thread needs for itself. */
struct looker {
    struct vdm_crypto *crypto;
    struct vdm_store
        *store[2]; /* one a group: while what it put is synced, the next group is put */
    bool put[2];
    struct vdm_media *media;
    struct vdm_import_text *text;
};

struct vdm_ahead {
    struct vdm_importing *m;
    struct vdm_walk *walk;
    struct vdm_pool *pool;
    struct looker looker[VDM_POOL_WORKERS_MAX];
    struct group group[2];
    unsigned which;                 /* of them is under way */
    size_t files;                   /* in a group now */
    struct vdm_walk_item folder_of; /* whose folder was copied last, and its path */
    struct vdm_buf folder_path;
    const struct group *recording;
    bool cut; /* not all that was given was taken */
    atomic_bool stop;
    atomic_size_t failed_at; /* jobs behind it are not begun */
    atomic_uint_fast64_t seen, bytes;
};

/* --- one file, on any thread --- */

struct reading {
    struct vdm_ahead *a;
    struct looker *l;
    struct vdm_source *source;
};

static bool read_job(void *ctx, uint8_t *p, size_t cap, size_t *got, struct vdm_err *err)
{
    struct reading *r = ctx;
    if (!vdm_source_read(r->source, p, cap, got, err))
        return false;
    vdm_import_text_take(r->l->text, (struct vdm_bytes){p, *got});
    atomic_fetch_add(&r->a->bytes, *got);
    return *got > 0 || vdm_source_finish(r->source, err);
}

static bool is_large_text(const struct vdm_import_lines *l, uint64_t size)
{
    return size > TEXT_BYTES && size <= VDM_TEXT_DOCUMENT_MAX &&
           vdm_text_kind(vdm_import_value(l, VDM_FIELD_MEDIA_TYPE)) != VDM_TEXT_NONE;
}

static bool store(struct vdm_ahead *a, struct looker *l, struct vdm_source *source, struct job *j,
                  struct vdm_err *err)
{
    struct reading r = {a, l, source};
    struct vdm_stored stored;
    uint64_t asked = vdm_import_text_asked(l->text);
    vdm_import_text_begin(l->text, &j->p.lines);
    l->put[a->which] = true;
    if (!vdm_store_put(l->store[a->which], read_job, &r, vdm_source_facts(source)->size_bytes,
                       &stored, err))
        return false;
    j->repaired = stored.repaired;
    j->p.digest = stored.id;
    j->p.size = stored.size_bytes;
    if (!vdm_import_text_end(l->text, &j->p.lines, j->p.digest, err))
        return false;
    j->asked_text = vdm_import_text_asked(l->text) != asked;
    struct vdm_textless none = vdm_import_text_taken(l->text);
    if (j->asked_text && vdm_import_text_lost(l->text))
        j->outcome = BACK;
    else if (none.documents && !(j->textless = strdup(none.why)))
        return vdm_fail_memory(err);
    return true;
}

/* As import_input.c takes a file; sets the outcome where it is BACK. */
static bool take(struct vdm_ahead *a, struct looker *l, struct job *j, struct vdm_err *err)
{
    struct vdm_source *source VDM_CLEANUP(vdm_source_cleanup) = NULL;
    uint64_t asked = vdm_media_asked(l->media);
    if (!vdm_source_open(&source, &j->item, l->media, err))
        return false;
    j->asked_media = vdm_media_asked(l->media) != asked;
    const struct vdm_import_known known = {.row = j->has_row ? &j->row : NULL,
                                           .facts = vdm_source_facts(source)};
    if ((j->asked_media && vdm_media_lost(l->media)) ||
        (!a->m->r->as_file && vdm_import_may_be_container(vdm_source_head(source)))) {
        j->outcome = BACK;
        return true;
    }
    if (!vdm_import_collect(&j->p.lines, a->m->r, &known, err))
        return false;
    if (vdm_import_value(&j->p.lines, VDM_FIELD_DERIVED_FROM).p ||
        (l->text && is_large_text(&j->p.lines, known.facts->size_bytes))) {
        j->outcome = BACK;
        return true;
    }
    return store(a, l, source, j, err);
}

static void fail_at(struct vdm_ahead *a, size_t i)
{
    size_t before = atomic_load(&a->failed_at);
    while (i < before && !atomic_compare_exchange_weak(&a->failed_at, &before, i))
        ;
}

static void do_job(void *ctx, unsigned worker, size_t i)
{
    struct vdm_ahead *a = ctx;
    struct job *j = &a->group[a->which].job[i];
    struct vdm_err why = {0};
    if (j->outcome != NOT_BEGUN || atomic_load(&a->stop) || i > atomic_load(&a->failed_at))
        return;
    atomic_fetch_add(&a->seen, 1);
    if (take(a, &a->looker[worker], j, &why)) {
        j->outcome = j->outcome == BACK ? BACK : DONE;
        return;
    }
    bool refused = why.kind == VDM_ERR_REFUSED || why.kind == VDM_ERR_NOT_FOUND;
    j->kind = why.kind;
    j->outcome = refused ? REFUSED : FAILED;
    if (!refused)
        fail_at(a, i);
    if (!(j->why = strdup(why.text))) {
        j->outcome = FAILED;
        j->kind = VDM_ERR_FAILED;
        fail_at(a, i);
    }
}

/* --- a group --- */

static void release_job(struct job *j)
{
    free(j->names);
    free(j->why);
    free(j->textless);
    vdm_table_row_release(&j->row);
    vdm_import_lines_release(&j->p.lines);
    *j = (struct job){0};
}

static void clear_group(struct group *g)
{
    for (size_t i = 0; i < g->n; i++)
        release_job(&g->job[i]);
    while (g->folders > 0)
        vdm_fd_close(&g->folder[--g->folders]);
    *g = (struct group){.job = g->job};
}

/* The item with its texts, which the walk would take back. */
static bool keep_item(struct job *j, const struct vdm_walk_item *item, struct vdm_err *err)
{
    struct vdm_bytes name = vdm_str(item->name ? item->name : "");
    struct vdm_bytes reason = vdm_str(item->reason ? item->reason : "");
    const struct vdm_bytes part[] = {item->shown, item->path, name, reason};
    size_t n = 0;
    for (size_t i = 0; i < 4; i++)
        n += part[i].n + 1;
    char *p = j->names = calloc(1, n), *at[4];
    if (!p)
        return vdm_fail_memory(err);
    for (size_t i = 0; i < 4; p += part[i++].n + 1) {
        at[i] = p;
        if (part[i].n)
            memcpy(p, part[i].p, part[i].n);
    }
    j->item = *item;
    j->item.shown.p = (const uint8_t *)at[0];
    j->item.path.p = (const uint8_t *)at[1];
    j->item.name = at[2];
    j->item.reason = at[3];
    return true;
}

static struct vdm_bytes folder_part(struct vdm_bytes path)
{
    while (path.n > 0 && path.p[path.n - 1] != '/')
        path.n--;
    return path;
}

/* The walk goes on and closes its folders: the group has copies, one a folder. */
static bool keep_folder(struct vdm_ahead *a, struct group *g, struct job *j, struct vdm_err *err)
{
    struct vdm_bytes path = folder_part(j->item.path);
    if (j->item.kind != VDM_WALK_FILE || j->item.dir < 0)
        return true;
    if (g->folders == 0 || a->folder_of.dir != j->item.dir ||
        !vdm_bytes_equal(path, vdm_buf_bytes(&a->folder_path))) {
        a->folder_of = j->item;
        vdm_buf_clear(&a->folder_path);
        vdm_buf_put(&a->folder_path, path);
        if (!vdm_buf_ok(&a->folder_path, err) ||
            !vdm_fd_copy(j->item.dir, &g->folder[g->folders], err))
            return false;
        g->folders++;
    }
    j->item.dir = g->folder[g->folders - 1];
    return true;
}

static bool is_special(const struct vdm_importing *m, const struct vdm_walk_item *item)
{
    return item->kind == VDM_WALK_BAG || item->kind == VDM_WALK_STDIN ||
           (m->bag && item->kind == VDM_WALK_FILE && vdm_bag_folder_holds(m->bag, item->path));
}

static bool add_item(struct vdm_ahead *a, struct group *g, const struct vdm_walk_item *item,
                     struct vdm_err *err)
{
    struct job *j = &g->job[g->n];
    bool wanted;
    if (!vdm_import_wants(a->m, item, &j->row, &j->has_row, &wanted, err))
        return false;
    if (!wanted)
        return true;
    g->n++; /* from here on it is released with the group */
    if (!keep_item(j, item, err) || !keep_folder(a, g, j, err))
        return false;
    if (item->kind == VDM_WALK_REFUSED)
        j->outcome = REFUSED;
    g->bytes += item->size_bytes;
    return true;
}

static bool is_full(const struct vdm_ahead *a, const struct group *g)
{
    return g->n >= a->files || (g->bytes >= GROUP_BYTES && g->n >= GROUP_LEAST) ||
           g->folders == GROUP_FOLDERS;
}

static bool gather(struct vdm_ahead *a, struct group *g, struct vdm_err *err)
{
    struct vdm_walk_item item;
    bool more = true;
    clear_group(g);
    while (!is_full(a, g)) {
        if (vdm_progress_stop(a->m->progress)) {
            a->cut = true;
            return true;
        }
        if (!vdm_walk_next(a->walk, &item, &more, err))
            return false;
        g->last = !more;
        if (!more)
            return true;
        g->has_special = is_special(a->m, &item);
        g->special = item;
        if (g->has_special)
            return true;
        if (!add_item(a, g, &item, err))
            return false;
    }
    return true;
}

/* Where room is getting narrow, each file is asked for by itself, by the caller. */
static bool ask_for_room(struct vdm_ahead *a, struct group *g, size_t unrecorded,
                         struct vdm_err *err)
{
    bool there;
    if (!vdm_import_has_room_for(a->m, g->bytes, unrecorded + g->n, &there, err))
        return false;
    for (size_t i = 0; !there && i < g->n; i++)
        if (g->job[i].outcome == NOT_BEGUN)
            g->job[i].outcome = BACK;
    return true;
}

/* While no thread is at work: processes are started here, and nowhere else. */
static void make_ready(struct vdm_ahead *a)
{
    for (unsigned i = 0; i < vdm_pool_workers(a->pool); i++) {
        vdm_media_ready(a->looker[i].media);
        vdm_import_text_ready(a->looker[i].text);
    }
}

static bool start(struct vdm_ahead *a, struct group *g, size_t unrecorded, struct vdm_err *err)
{
    a->which = (unsigned)(g - a->group);
    g->started_ms = vdm_clock_ms();
    if (!ask_for_room(a, g, unrecorded, err))
        return false;
    make_ready(a);
    atomic_store(&a->failed_at, SIZE_MAX);
    vdm_pool_start(a->pool, g->n, do_job, a);
    return true;
}

static void tick(void *ctx)
{
    struct vdm_ahead *a = ctx;
    vdm_progress_tell(a->m->progress, "importing", atomic_load(&a->seen), a->m->total,
                      atomic_load(&a->bytes));
    if (vdm_progress_stop(a->m->progress))
        atomic_store(&a->stop, true);
}

static void finish(struct vdm_ahead *a, const struct group *g)
{
    vdm_pool_finish_telling(a->pool, tick, a);
    uint64_t took = vdm_clock_ms() - g->started_ms;
    if (took < QUICK_MS && a->files < GROUP_FILES)
        a->files *= 2;
    if (took > SLOW_MS && a->files > GROUP_LEAST)
        a->files /= 2;
}

/* --- in order --- */

/* Once our own worker may not be started again, all that asks one is as if there were none. */
static bool is_back(const struct vdm_ahead *a, const struct job *j)
{
    return j->outcome == BACK ||
           (j->outcome == DONE && ((j->asked_media && vdm_media_spent(a->m->media)) ||
                                   (j->asked_text && vdm_import_text_spent(a->m->text))));
}

static bool any_back(const struct vdm_ahead *a, const struct group *g)
{
    for (size_t i = 0; i < g->n; i++)
        if (is_back(a, &g->job[i]))
            return true;
    return false;
}

static bool add_done(struct vdm_ahead *a, struct job *j, struct vdm_err *err)
{
    struct vdm_pending p = j->p;
    if (j->textless)
        vdm_import_text_note(a->m->text, j->textless);
    p.path_n = j->item.shown.n;
    if (!(p.path = vdm_bytes_dup(j->item.shown)))
        return vdm_fail_memory(err);
    j->p.lines = (struct vdm_import_lines){0};
    return vdm_batch_add(a->m, &p, err);
}

static bool take_outcome(struct vdm_ahead *a, struct job *j, struct vdm_err *err)
{
    struct vdm_importing *m = a->m;
    const struct vdm_bytes shown = j->item.shown;
    m->done->repaired += j->repaired;
    m->seen++;
    if (is_back(a, j))
        return vdm_import_take(m, &j->item, j->has_row ? &j->row : NULL, err);
    if (j->outcome == FAILED)
        return j->why ? vdm_fail_as(err, j->kind, "import %.*s: %s", (int)shown.n,
                                    (const char *)shown.p, j->why)
                      : vdm_fail_memory(err);
    if (j->outcome == DONE)
        return add_done(a, j, err);
    vdm_import_refuse(m, shown, j->why ? j->why : j->item.reason);
    return true;
}

/* The results in the order of the inputs, up to the first file that was not begun. */
static bool record(struct vdm_ahead *a, struct group *g, struct vdm_err *err)
{
    bool slow = any_back(a, g);
    a->recording = g;
    for (size_t i = 0; i < g->n; i++) {
        if (g->job[i].outcome == NOT_BEGUN || (slow && vdm_progress_stop(a->m->progress))) {
            a->cut = true;
            break;
        }
        if (!take_outcome(a, &g->job[i], err))
            return false;
    }
    bool ok = vdm_batch_finish(a->m, err);
    a->recording = NULL;
    return ok;
}

/* Where the item itself is taken, what came before is recorded. */
static bool take_special(struct vdm_ahead *a, struct group *g, struct vdm_err *err)
{
    struct vdm_importing *m = a->m;
    bool wanted;
    if (g->special.kind == VDM_WALK_BAG)
        return vdm_import_bag(m, a->walk, &g->special, err);
    if (!vdm_import_wants(m, &g->special, &m->row, &g->special_has_row, &wanted, err))
        return false;
    m->seen++;
    return !wanted || vdm_import_take(m, &g->special, g->special_has_row ? &m->row : NULL, err);
}

static bool is_over(const struct vdm_ahead *a, const struct group *g)
{
    return g->last || a->cut;
}

/* The group is under way. What came before is recorded meanwhile, and what comes behind is gathered. */
static bool meanwhile(struct vdm_ahead *a, struct group *g, struct group *before,
                      struct group *behind, struct vdm_err *err)
{
    if (before && !record(a, before, err))
        return false;
    if (is_over(a, g) || g->has_special) {
        clear_group(behind);
        return true;
    }
    return gather(a, behind, err);
}

/* *recorded false: that can be done while the next group is under way. */
static bool settle(struct vdm_ahead *a, struct group *g, struct group *behind, bool *recorded,
                   struct vdm_err *err)
{
    *recorded = is_over(a, g) || g->has_special || any_back(a, g);
    if (*recorded && !record(a, g, err))
        return false;
    if (!g->has_special || a->cut)
        return true;
    return take_special(a, g, err) && gather(a, behind, err);
}

static bool take_groups(struct vdm_ahead *a, struct vdm_err *err)
{
    struct group *g = &a->group[0], *behind = &a->group[1], *before = NULL;
    bool recorded, over = false;
    if (!gather(a, g, err))
        return false;
    while (!over) {
        bool ok = start(a, g, before ? before->n : 0, err) && meanwhile(a, g, before, behind, err);
        if (!ok)
            atomic_store(&a->stop, true);
        finish(a, g);
        if (!ok || !settle(a, g, behind, &recorded, err))
            return false;
        over = is_over(a, g) && recorded;
        before = recorded ? NULL : g;
        g = behind;
        behind = g == &a->group[0] ? &a->group[1] : &a->group[0];
    }
    /* Also where it was heard in the last file: there may have been more in it. */
    return vdm_batch_finish(a->m, err) && ((!a->cut && !vdm_progress_stop(a->m->progress)) ||
                                           vdm_fail_as(err, VDM_ERR_INTERRUPTED, "interrupted"));
}

bool vdm_import_ahead(struct vdm_ahead *a, struct vdm_walk *walk, struct vdm_err *err)
{
    a->walk = walk;
    return take_groups(a, err);
}

/* --- all of it --- */

bool vdm_ahead_sync(struct vdm_ahead *a, struct vdm_err *err)
{
    if (!a->recording)
        return true;
    size_t set = (size_t)(a->recording - a->group);
    for (unsigned i = 0; i < vdm_pool_workers(a->pool); i++) {
        struct looker *l = &a->looker[i];
        if (l->put[set] && !vdm_store_sync(l->store[set], err))
            return false;
        l->put[set] = false;
    }
    return true;
}

struct vdm_pool *vdm_ahead_pool(struct vdm_ahead *a)
{
    return a->pool;
}

static bool open_lookers(struct vdm_ahead *a, struct vdm_err *err)
{
    const struct vdm_importing *m = a->m;
    for (unsigned i = 0; i < vdm_pool_workers(a->pool); i++) {
        struct looker *l = &a->looker[i];
        if (!vdm_crypto_open(&l->crypto, err) ||
            !vdm_store_open_folder(&l->store[0], l->crypto, m->a->store_path, true, err) ||
            !vdm_store_open_folder(&l->store[1], l->crypto, m->a->store_path, true, err) ||
            !vdm_media_open(&l->media, err) ||
            (m->text && !vdm_import_text_open(&l->text, l->crypto, err)))
            return false;
    }
    return true;
}

bool vdm_ahead_open(struct vdm_ahead **out, struct vdm_importing *m, struct vdm_err *err)
{
    if (m->r->dry_run || (m->r->threads == 0 && m->total < FILES_FOR_THREADS))
        return true;
    struct vdm_ahead *a = calloc(1, sizeof *a);
    if (!a)
        return vdm_fail_memory(err);
    a->m = m;
    a->files = GROUP_FIRST;
    a->group[0].job = calloc(GROUP_FILES, sizeof(struct job));
    a->group[1].job = calloc(GROUP_FILES, sizeof(struct job));
    bool ok = a->group[0].job && a->group[1].job ? true : vdm_fail_memory(err);
    if (!ok || !vdm_pool_open(&a->pool, m->r->threads, err) || !open_lookers(a, err)) {
        vdm_ahead_close(a);
        return false;
    }
    *out = a;
    return true;
}

void vdm_ahead_close(struct vdm_ahead *a)
{
    if (!a)
        return;
    vdm_pool_close(a->pool);
    for (size_t i = 0; i < VDM_POOL_WORKERS_MAX; i++) {
        struct looker *l = &a->looker[i];
        vdm_import_text_close(l->text);
        vdm_media_close(l->media);
        vdm_store_close(l->store[0]);
        vdm_store_close(l->store[1]);
        vdm_crypto_close(l->crypto);
    }
    for (size_t i = 0; i < 2; i++) {
        if (a->group[i].job)
            clear_group(&a->group[i]);
        free(a->group[i].job);
    }
    vdm_buf_release(&a->folder_path);
    free(a);
}
