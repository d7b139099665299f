/* SPDX-License-Identifier: MIT */
#include "ops/import_groups.h"

#include "base/time.h"

#include <stdlib.h>
#include <string.h>

/* With fewer inputs than this, to start threads takes longer than what they do. */
#define FEW 128

/* A group holds a few inputs, however large. It grows while it is done quickly: what is not recorded yet is lost where
 * the power fails. */
#define GROUP_MAX   8192
#define GROUP_FIRST 256
#define GROUP_LEAST 4
#define QUICK_MS    400
#define SLOW_MS     1500

/* At least so many runs, so that all threads have something to do to the end. */
#define RUNS 16

struct group {
    unsigned place;
    struct vdm_import_job *job;
    size_t n, cap;
    uint64_t bytes, started_ms;
    bool full;
    bool last;    /* nothing comes behind it */
    bool special; /* and behind it comes what only the caller can take */
    bool crewed;  /* the crew has, or had, part in it */
};

struct groups {
    struct vdm_importing *m;
    const struct vdm_import_source *s;
    struct group group[VDM_CREW_PLACES];
    struct group *under_way;
    size_t most; /* inputs in a group, now */
    bool cut;    /* not all that was given was taken */
    atomic_bool stop;
    atomic_size_t failed_at; /* jobs behind it are not begun */
    atomic_size_t begun;
    size_t run;                         /* jobs that one thread takes at a time */
    uint64_t seen_before, bytes_before; /* the group under way */
};

/* --- by the crew --- */

static void fail_at(struct groups *all, size_t i)
{
    size_t before = atomic_load(&all->failed_at);
    while (i < before && !atomic_compare_exchange_weak(&all->failed_at, &before, i))
        ;
}

static void fail(struct groups *all, struct vdm_import_job *j, const struct vdm_err *why)
{
    j->outcome = VDM_JOB_FAILED;
    j->kind = why->kind;
    j->why = strdup(why->text); /* without memory for it, that is what is told */
    fail_at(all, (size_t)(j - all->under_way->job));
}

static void do_job(struct groups *all, struct vdm_hand *h, size_t i)
{
    struct vdm_import_job *j = &all->under_way->job[i];
    struct vdm_err why = {0};
    if (j->outcome != VDM_JOB_NOT_BEGUN || atomic_load(&all->stop) ||
        i > atomic_load(&all->failed_at))
        return;
    atomic_fetch_add(&all->begun, 1);
    if (all->s->take(all->s->ctx, h, j, &why))
        return;
    bool refused = why.kind == VDM_ERR_REFUSED || why.kind == VDM_ERR_NOT_FOUND;
    if (!refused || !(j->why = strdup(why.text)))
        fail(all, j, &why);
    else
        j->outcome = VDM_JOB_REFUSED;
}

static void put_held(struct groups *all, struct vdm_hand *h)
{
    struct vdm_err why = {0};
    struct vdm_import_job *failed = vdm_hand_put_held(h, &why);
    if (failed)
        fail(all, failed, &why);
}

/* Jobs side by side, whose documents are put together. */
static void do_run(void *ctx, struct vdm_hand *h, size_t run)
{
    struct groups *all = ctx;
    size_t begin = run * all->run, end = begin + all->run;
    for (size_t i = begin; i < end && i < all->under_way->n; i++) {
        do_job(all, h, i);
        if (vdm_hand_is_full(h))
            put_held(all, h);
    }
    put_held(all, h);
}

/* --- a group --- */

static void release_job(const struct groups *all, struct vdm_import_job *j)
{
    if (j->input)
        all->s->release(j->input);
    free(j->why);
    free(j->textless);
    vdm_import_lines_release(&j->p.lines);
}

static void clear(const struct groups *all, struct group *g)
{
    for (size_t i = 0; i < g->n; i++)
        release_job(all, &g->job[i]);
    if (all->s->clear)
        all->s->clear(all->s->ctx, g->place);
    *g = (struct group){.place = g->place, .job = g->job, .cap = g->cap};
}

static bool make_place(struct group *g, struct vdm_err *err)
{
    size_t cap = g->cap ? g->cap * 2 : 64;
    if (g->n < g->cap)
        return true;
    struct vdm_import_job *job = realloc(g->job, cap * sizeof *job);
    if (!job)
        return vdm_fail_memory(err);
    g->job = job;
    g->cap = cap;
    return true;
}

static bool is_full(const struct groups *all, const struct group *g)
{
    return g->full || g->n >= all->most || (g->bytes >= all->s->group_bytes && g->n >= GROUP_LEAST);
}

static void tell(const struct groups *all)
{
    const struct vdm_importing *m = all->m;
    bool busy = all->under_way;
    vdm_progress_tell(m->progress, "importing",
                      busy ? all->seen_before + atomic_load(&all->begun) : *all->s->seen,
                      all->s->total,
                      busy ? all->bytes_before + vdm_crew_bytes_taken(m->crew) : m->bytes);
}

static bool gather_one(struct groups *all, struct group *g, struct vdm_err *err)
{
    enum vdm_met met;
    if (!make_place(g, err))
        return false;
    struct vdm_import_job *j = &g->job[g->n];
    *j = (struct vdm_import_job){0};
    if (!all->s->next(all->s->ctx, g->place, j, &met, err)) {
        release_job(all, j);
        return false;
    }
    g->last = met == VDM_MET_END;
    g->special = met == VDM_MET_SPECIAL;
    g->full = g->last || g->special || met == VDM_MET_LAST_OF_GROUP;
    if (met != VDM_MET_JOB && met != VDM_MET_LAST_OF_GROUP) {
        release_job(all, j);
        return true;
    }
    g->bytes += j->size;
    g->n++;
    return true;
}

static bool gather(struct groups *all, struct group *g, struct vdm_err *err)
{
    clear(all, g);
    while (!is_full(all, g)) {
        tell(all);
        if (vdm_progress_stop(all->m->progress)) {
            all->cut = true;
            return true;
        }
        if (!gather_one(all, g, err))
            return false;
    }
    return true;
}

static bool is_over(const struct groups *all, const struct group *g)
{
    return g->last || all->cut;
}

static bool is_for_crew(const struct groups *all, const struct group *g)
{
    if (all->m->r->dry_run || g->n == 0)
        return false;
    return g->n >= FEW || all->m->r->threads > 0 || !(is_over(all, g) || g->special);
}

static void hand_back(struct group *g)
{
    for (size_t i = 0; i < g->n; i++)
        if (g->job[i].outcome == VDM_JOB_NOT_BEGUN)
            g->job[i].outcome = VDM_JOB_BACK;
}

/* Where room is getting narrow, each input is asked for by itself, by the caller. */
static bool ask_for_room(struct groups *all, struct group *g, size_t unrecorded,
                         struct vdm_err *err)
{
    bool there;
    if (!vdm_import_has_room_for(all->m, g->bytes, unrecorded + g->n, &there, err))
        return false;
    if (!there)
        hand_back(g);
    return true;
}

/* Nothing that waits in the batch may have been put in this place: it could not be synced while that is under way. A
 * container may be met among files of which some wait. */
static bool free_place(struct vdm_importing *m, unsigned place, struct vdm_err *err)
{
    return !vdm_crew_has_put(m->crew, place) || vdm_batch_finish(m, err);
}

static bool start(struct groups *all, struct group *g, const struct group *before,
                  struct vdm_err *err)
{
    struct vdm_importing *m = all->m;
    g->started_ms = vdm_clock_ms();
    if (!is_for_crew(all, g)) {
        hand_back(g);
        return true;
    }
    if (!ask_for_room(all, g, before ? before->n : 0, err) ||
        (!m->crew && !vdm_crew_open(&m->crew, m, err)) || !free_place(m, g->place, err))
        return false;
    all->seen_before = *all->s->seen + (before ? before->n : 0);
    all->bytes_before = m->bytes + (before ? before->bytes : 0);
    all->under_way = g;
    g->crewed = true;
    atomic_store(&all->begun, 0);
    atomic_store(&all->failed_at, SIZE_MAX);
    all->run = g->n / RUNS < VDM_HELD_MAX ? g->n / RUNS + 1 : VDM_HELD_MAX;
    vdm_crew_start(m->crew, g->place, (g->n + all->run - 1) / all->run, do_run, all);
    return true;
}

static void tick(void *ctx)
{
    struct groups *all = ctx;
    tell(all);
    if (vdm_progress_stop(all->m->progress))
        atomic_store(&all->stop, true);
}

static void finish(struct groups *all, const struct group *g)
{
    if (!g->crewed)
        return;
    vdm_crew_finish(all->m->crew, tick, all);
    all->under_way = NULL;
    uint64_t took = vdm_clock_ms() - g->started_ms;
    if (took < QUICK_MS && all->most < GROUP_MAX)
        all->most *= 2;
    if (took > SLOW_MS && all->most > GROUP_LEAST)
        all->most /= 2;
}

/* --- in order --- */

/* Once our own worker may not be started again, all that asks one is as if there were none. */
static bool is_back(const struct vdm_importing *m, const struct vdm_import_job *j)
{
    return j->outcome == VDM_JOB_BACK ||
           (j->outcome == VDM_JOB_DONE && ((j->asked_media && vdm_media_spent(m->media)) ||
                                           (j->asked_text && vdm_import_text_spent(m->text))));
}

static bool any_back(const struct groups *all, const struct group *g)
{
    for (size_t i = 0; i < g->n; i++)
        if (is_back(all->m, &g->job[i]))
            return true;
    return false;
}

static bool add_done(struct vdm_importing *m, struct vdm_import_job *j, struct vdm_err *err)
{
    struct vdm_pending p = j->p;
    if (j->textless)
        vdm_import_text_note(m->text, j->textless);
    p.path_n = j->shown.n;
    if (!(p.path = vdm_bytes_dup(j->shown)))
        return vdm_fail_memory(err);
    j->p.lines = (struct vdm_import_lines){0};
    return vdm_batch_add(m, &p, err);
}

static void tell_problem(struct vdm_importing *m, const struct vdm_import_job *j)
{
    m->done->problems++;
    vdm_import_say(m, &(struct vdm_input){.status = VDM_INPUT_PROBLEM,
                                          .path = j->shown,
                                          .reason = j->why,
                                          .offset = j->offset});
}

static bool take_outcome(struct groups *all, struct vdm_import_job *j, struct vdm_err *err)
{
    struct vdm_importing *m = all->m;
    m->done->repaired += j->repaired;
    if (j->outcome != VDM_JOB_PROBLEM)
        ++*all->s->seen;
    if (is_back(m, j))
        return all->s->take_back(all->s->ctx, j, err);
    if (j->outcome == VDM_JOB_FAILED)
        return j->why ? vdm_fail_as(err, j->kind, "import %.*s: %s", (int)j->shown.n,
                                    (const char *)j->shown.p, j->why)
                      : vdm_fail_memory(err);
    if (j->outcome == VDM_JOB_DONE)
        return add_done(m, j, err);
    if (j->outcome == VDM_JOB_PROBLEM)
        tell_problem(m, j);
    else
        vdm_import_refuse(m, j->shown, j->why);
    return true;
}

/* The results in the order of the inputs, up to the first that was not begun. What the crew put is recorded before its
 * place is used again. */
static bool record(struct groups *all, struct group *g, struct vdm_err *err)
{
    bool slow = any_back(all, g);
    for (size_t i = 0; i < g->n; i++) {
        if (g->job[i].outcome == VDM_JOB_NOT_BEGUN ||
            (slow && vdm_progress_stop(all->m->progress))) {
            all->cut = true;
            break;
        }
        if (!take_outcome(all, &g->job[i], err))
            return false;
    }
    return !g->crewed || vdm_batch_finish(all->m, err);
}

/* The group is under way. What came before is recorded meanwhile, and what comes behind is gathered. */
static bool meanwhile(struct groups *all, struct group *g, struct group *before,
                      struct group *behind, struct vdm_err *err)
{
    if (before && !record(all, before, err))
        return false;
    if (is_over(all, g) || g->special) {
        clear(all, behind);
        return true;
    }
    return gather(all, behind, err);
}

/* *recorded false: that can be done while the next group is under way. */
static bool settle(struct groups *all, struct group *g, struct group *behind, bool *recorded,
                   struct vdm_err *err)
{
    *recorded = is_over(all, g) || g->special || any_back(all, g);
    if (*recorded && !record(all, g, err))
        return false;
    if (!g->special || all->cut)
        return true;
    return all->s->take_special(all->s->ctx, g->place, err) && gather(all, behind, err);
}

static bool take_all(struct groups *all, struct vdm_err *err)
{
    struct group *g = &all->group[0], *behind = &all->group[1], *before = NULL;
    bool recorded, over = false;
    if (!gather(all, g, err))
        return false;
    while (!over) {
        bool ok = start(all, g, before, err) && meanwhile(all, g, before, behind, err);
        if (!ok)
            atomic_store(&all->stop, true);
        finish(all, g);
        if (!ok || !settle(all, g, behind, &recorded, err))
            return false;
        over = is_over(all, g) && recorded;
        before = recorded ? NULL : g;
        g = behind;
        behind = g == &all->group[0] ? &all->group[1] : &all->group[0];
    }
    return true;
}

bool vdm_import_groups(struct vdm_importing *m, const struct vdm_import_source *s, bool *cut,
                       struct vdm_err *err)
{
    struct groups all = {.m = m, .s = s, .most = GROUP_FIRST};
    for (unsigned i = 0; i < VDM_CREW_PLACES; i++)
        all.group[i].place = i;
    bool ok = take_all(&all, err);
    for (unsigned i = 0; i < VDM_CREW_PLACES; i++) {
        clear(&all, &all.group[i]);
        free(all.group[i].job);
    }
    *cut = all.cut;
    return ok;
}
