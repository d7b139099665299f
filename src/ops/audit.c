/* SPDX-License-Identifier: MIT */
#include "ops/audit.h"

#include "base/file.h"
#include "base/idle.h"
#include "ops/audit_repair.h"
#include "ops/audit_state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>

const char *vdm_audit_end_word(enum vdm_audit_end end)
{
    static const char *const words[] = {"complete", "time", "bytes", "signal"};
    return words[end];
}

void vdm_audit_done_release(struct vdm_audit_done *d)
{
    vdm_report_release(&d->report);
    vdm_buf_release(&d->checkpoint);
    free(d->piece);
    *d = (struct vdm_audit_done){0};
}

bool vdm_audit_is_full(const struct vdm_audit_done *d)
{
    return d->pieces == 1 && d->piece[0].from == 0 && d->piece[0].to == d->size;
}

const char *vdm_audit_verdict(const struct vdm_report *r)
{
    uint64_t unknown =
        r->kinds[VDM_DOCUMENT_UNREADABLE] + r->kinds[VDM_READ_UNSTEADY] + r->kinds[VDM_SLACK_ROT];
    bool only_those = unknown > 0 && unknown == vdm_report_findings(r);
    return vdm_verdict_words(only_those ? VDM_COULD_NOT_CHECK : vdm_report_verdict(r));
}

bool vdm_audit_lock(struct vdm_archive *a, int *lock, struct vdm_err *err)
{
    if (!vdm_dir_open(a->keys, ".", lock, err))
        return false;
    if (flock(*lock, LOCK_EX | LOCK_NB) == 0)
        return true;
    bool busy = errno == EWOULDBLOCK;
    if (!busy)
        vdm_fail_errno(err, "lock keys/");
    vdm_fd_close(lock);
    return busy ? vdm_fail(err, "another audit of this archive is at work; two would read the same")
                : false;
}

/* --- the walk --- */

static enum vdm_audit_end budget(const struct vdm_audit_run *r)
{
    if (vdm_progress_stop(r->progress))
        return VDM_AUDIT_END_SIGNAL;
    if (r->o->max_bytes && r->done->bytes >= r->o->max_bytes)
        return VDM_AUDIT_END_BYTES;
    if (r->o->max_ms && vdm_clock_ms() - r->started_ms >= r->o->max_ms)
        return VDM_AUDIT_END_TIME;
    return VDM_AUDIT_END_ALL;
}

/* The piece that entry n belongs to is the last one. */
static bool begin_piece(struct vdm_audit_run *r, uint64_t n, struct vdm_err *err)
{
    struct vdm_audit_done *d = r->done;
    if (d->pieces && d->piece[d->pieces - 1].to == n)
        return true;
    if (!vdm_audit_room(&d->piece, d->pieces, &d->pieces_cap, sizeof *d->piece, err))
        return false;
    d->piece[d->pieces++] = (struct vdm_audit_piece){.from = n, .to = n};
    return true;
}

static bool take(struct vdm_audit_run *r, const struct vdm_ledger_row *row,
                 const struct vdm_ledger_row *record, struct vdm_err *err)
{
    struct vdm_audit_done *d = r->done;
    bool covered;
    if (!begin_piece(r, row->n, err) || !vdm_audit_item(r, row, record, &covered, err))
        return false;
    struct vdm_audit_piece *last = &d->piece[d->pieces - 1];
    if (covered) {
        last->to = row->n + 1;
        d->entries++;
    } else if (last->from == last->to) {
        d->pieces--;
    }
    return true;
}

static bool take_slice(struct vdm_audit_run *r, const struct vdm_ledger_slice *s,
                       struct vdm_err *err)
{
    size_t k = 0;
    for (size_t i = 0; i < s->entries; i++) {
        const struct vdm_ledger_row *row = &s->entry[i];
        while (k < s->records && s->record[k].n < row->n)
            k++;
        const struct vdm_ledger_row *record =
            k < s->records && s->record[k].n == row->n ? &s->record[k] : NULL;
        /* One entry at least: an audit that saw nothing cannot be recorded. */
        if (r->done->entries && (r->done->end = budget(r)) != VDM_AUDIT_END_ALL)
            return true;
        if (!take(r, row, record, err))
            return false;
    }
    return true;
}

static bool walk_span(struct vdm_audit_run *r, const struct vdm_span *s, uint64_t done,
                      uint64_t total, struct vdm_err *err)
{
    struct vdm_ledger_slice slice = {0};
    bool ok = true;
    for (uint64_t n = s->from; ok && n < s->to && r->done->end == VDM_AUDIT_END_ALL; n = slice.to) {
        ok = vdm_ledger_read_slice(r->a->ledger, n, s->to, &slice, err) &&
             take_slice(r, &slice, err);
        vdm_progress_tell(r->progress, "auditing", done + (slice.to - s->from), total,
                          r->done->bytes);
    }
    vdm_ledger_slice_release(&slice);
    return ok;
}

static bool walk(struct vdm_audit_run *r, struct vdm_err *err)
{
    uint64_t total = 0, done = 0;
    r->walk_ms = vdm_clock_ms();
    for (size_t i = 0; i < r->plans; i++)
        total += r->plan[i].to - r->plan[i].from;
    for (size_t i = 0; i < r->plans && r->done->end == VDM_AUDIT_END_ALL; i++) {
        if (!walk_span(r, &r->plan[i], done, total, err))
            return false;
        done += r->plan[i].to - r->plan[i].from;
    }
    return true;
}

/* --- the whole --- */

static int by_from(const void *a, const void *b)
{
    const struct vdm_audit_piece *x = a, *y = b;
    return (x->from > y->from) - (x->from < y->from);
}

/* Rising, and those that touch are one. */
static void merge_pieces(struct vdm_audit_done *d)
{
    size_t k = 0;
    if (d->pieces == 0)
        return;
    qsort(d->piece, d->pieces, sizeof *d->piece, by_from);
    for (size_t i = 1; i < d->pieces; i++) {
        struct vdm_audit_piece *p = &d->piece[k], *q = &d->piece[i];
        if (q->from != p->to) {
            d->piece[++k] = *q;
            continue;
        }
        p->to = q->to;
        p->documents += q->documents;
        p->missing += q->missing;
        p->corrupt += q->corrupt;
        p->repaired += q->repaired;
    }
    d->pieces = k + 1;
}

/* The content of the ledger was compared with what was signed. If that is good, the bytes that changed
 * are ones that no row uses: none of the archive is lost, but the disk or the memory is failing. */
static void judge_file(struct vdm_audit_run *r, uint64_t findings_of_ledger)
{
    if (r->file_differs && findings_of_ledger == 0)
        vdm_report_add(r->report, (struct vdm_seen){.kind = VDM_SLACK_ROT, .entry = VDM_NO_ENTRY},
                       "bytes of store/ledger.db have changed since the last audit, though nobody "
                       "wrote to it. What it holds is as it was signed: the change lies where "
                       "nothing is stored. The disk or the memory is failing");
}

static bool damaged(struct vdm_audit_run *r, const struct vdm_err *why, struct vdm_err *err)
{
    if (why->kind != VDM_ERR_MALFORMED)
        return vdm_fail_as(err, why->kind, "%s", why->text);
    vdm_report_add(r->report, (struct vdm_seen){.kind = VDM_LEDGER_DAMAGED, .entry = VDM_NO_ENTRY},
                   "%s", why->text);
    return true;
}

bool vdm_audit_open(struct vdm_audit_run *r, struct vdm_err *err)
{
    struct vdm_audit_done *d = r->done;
    if (!vdm_audit_history_read(r->a, &r->history, err))
        return false;
    r->size = d->size = d->report.size = r->history.size;
    d->root = d->report.root = r->history.root;
    return true;
}

static bool look_at_documents(struct vdm_audit_run *r, struct vdm_err *err)
{
    bool ok = vdm_audit_plan(r, err) && walk(r, err) && vdm_audit_settle(r, err);
    merge_pieces(r->done);
    return ok;
}

static bool look(struct vdm_audit_run *r, struct vdm_err *err)
{
    struct vdm_err why = {0};
    if (!vdm_audit_open(r, &why) || !vdm_audit_check_file(r, &why) || !vdm_audit_ledger(r, &why))
        return damaged(r, &why, err);
    vdm_audit_guard(r);
    uint64_t bad = vdm_report_findings(r->report);
    /* The caller repairs the ledger first, and comes again. */
    if (bad && !r->o->again && r->o->repair && vdm_repair_store(r->o->repair))
        return true;
    judge_file(r, bad);
    return look_at_documents(r, &why) || damaged(r, &why, err);
}

bool vdm_audit_begin(struct vdm_audit_run *r, struct vdm_err *err)
{
    r->report = &r->done->report;
    r->started_ms = vdm_clock_ms();
    vdm_report_init(r->report);
    memcpy(r->report->origin, r->a->origin, sizeof r->a->origin);
    r->done->begun = vdm_time_now();
    vdm_entry_check_init(&r->check, r->a->crypto, r->report);
    r->tree = malloc(sizeof *r->tree);
    r->recent = calloc(VDM_AUDIT_RECENT, sizeof *r->recent);
    return (r->tree && r->recent) || vdm_fail_memory(err);
}

void vdm_audit_end(struct vdm_audit_run *r)
{
    for (size_t i = 0; i < r->bads; i++)
        free(r->bad[i].problem);
    free(r->bad);
    free(r->recent);
    free(r->plan);
    free(r->withdrawn);
    free(r->tree);
    vdm_entry_check_release(&r->check);
    vdm_audit_history_release(&r->history);
}

struct in_thread {
    struct vdm_audit_run *run;
    struct vdm_err *err;
    bool ok;
};

static void look_in_thread(void *ctx)
{
    struct in_thread *t = ctx;
    t->ok = look(t->run, t->err);
}

bool vdm_audit(struct vdm_archive *a, const struct vdm_audit_options *o,
               const struct vdm_progress *progress, struct vdm_audit_done *done,
               struct vdm_err *err)
{
    struct vdm_audit_run r = {.a = a, .o = o, .progress = progress, .done = done};
    struct in_thread t = {&r, err, false};
    bool ok = vdm_audit_begin(&r, err);
    if (ok && o->idle)
        ok = vdm_run_idle(look_in_thread, &t, err) && t.ok;
    else if (ok)
        ok = look(&r, err);
    done->ended = vdm_time_now();
    done->report.documents = done->documents;
    done->report.bytes = done->bytes;
    done->report.has_time = true;
    done->report.time = done->ended;
    vdm_audit_end(&r);
    if (ok && done->report.no_memory)
        return vdm_fail_memory(err);
    return ok;
}
