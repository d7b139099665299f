/* SPDX-License-Identifier: MIT */
#include "ops/withdraw.h"

#include "format/value.h"
#include "ops/history.h"
#include "ops/request.h"
#include "ops/writer.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

/* --- the plan --- */

static bool covers(const struct vdm_history_scopes *there, enum vdm_scope scope)
{
    return (there->record || scope == VDM_SCOPE_DOCUMENT) &&
           (there->document || scope == VDM_SCOPE_RECORD);
}

static bool check_one(struct vdm_archive *a, uint64_t n, enum vdm_scope scope, struct vdm_err *err)
{
    struct vdm_buf bytes VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_note note;
    struct vdm_entry e;
    struct vdm_history_scopes there;
    if (!vdm_archive_entry(a, n, &bytes, &note, &e, err))
        return false;
    if (e.kind != VDM_ENTRY_CAPTURE)
        return vdm_fail_as(
            err, VDM_ERR_REFUSED,
            "entry %" PRIu64 " is no capture but %s %s (a withdrawal is of a capture "
            "with all its amendments)",
            n, e.kind == VDM_ENTRY_AMENDMENT || e.kind == VDM_ENTRY_AUDIT ? "an" : "a",
            vdm_entry_kind_name(e.kind));
    if (!vdm_history_scopes(a, n, &there, err))
        return false;
    if (covers(&there, scope))
        return vdm_fail_as(err, VDM_ERR_REFUSED,
                           "entry %" PRIu64 " was withdrawn by entry %" PRIu64 " already", n,
                           there.last);
    /* What erases nothing must not say that something is gone. */
    return !there.record || scope == VDM_SCOPE_RECORD ||
           vdm_fail_as(err, VDM_ERR_REFUSED,
                       "entry %" PRIu64 ": its record was erased by entry %" PRIu64
                       ", and only that told which document it was: import the document again, and "
                       "withdraw that capture",
                       n, there.last);
}

static bool add(struct vdm_archive *a, struct vdm_takedown *t, uint64_t n, enum vdm_scope scope,
                struct vdm_err *err)
{
    return check_one(a, n, scope, err) && vdm_takedown_add(t, n, scope, err);
}

static bool refuse_parts(const struct vdm_takedown *t, struct vdm_err *err)
{
    struct vdm_buf list VDM_CLEANUP(vdm_buf_release) = {0};
    for (size_t i = 0; i < t->parts && i < 10; i++)
        vdm_buf_putf(&list, "%s%" PRIu64, i ? ", " : "", t->part[i].capture);
    if (t->parts > 10)
        vdm_buf_putf(&list, " and %zu more", t->parts - 10);
    return vdm_buf_ok(&list, err) &&
           vdm_fail_as(err, VDM_ERR_REFUSED,
                       "what was derived from it would stay behind, and names its digest: entries "
                       "%.*s. --with-parts withdraws them too",
                       (int)list.n, (const char *)list.p);
}

/* A document of which no capture tells could neither be found nor taken down by anybody. */
static bool check_orphans(struct vdm_archive *a, const struct vdm_takedown *t, struct vdm_err *err)
{
    bool there = false;
    for (size_t i = 0; i < t->takens; i++) {
        if (!vdm_takedown_orphans(&t->taken[i]))
            continue;
        if (!vdm_store_holds(a->store, t->taken[i].digest, &there, err))
            return false;
        if (there)
            return vdm_fail_as(
                err, VDM_ERR_REFUSED,
                "entry %" PRIu64
                ": its document would stay, and no capture would tell of it. Withdraw "
                "both; or first record what may be known of it (`vidimus import "
                "--again`), then withdraw this record",
                t->taken[i].capture);
    }
    return true;
}

/* Parts have parts: on until no more are found. */
static bool plan_all(struct vdm_archive *a, const struct vdm_withdraw_request *r,
                     struct vdm_takedown *t, struct vdm_err *err)
{
    uint64_t size;
    if (!vdm_ledger_size(a->ledger, &size, err))
        return false;
    for (size_t i = 0; i < r->entries; i++)
        if (!add(a, t, r->entry[i], r->scope, err))
            return false;
    for (;;) {
        if (!vdm_takedown_plan(a, t, size, err))
            return false;
        if (t->parts == 0)
            return check_orphans(a, t, err);
        if (!r->with_parts)
            return refuse_parts(t, err);
        for (size_t i = 0; i < t->parts; i++)
            if (!vdm_takedown_add(t, t->part[i].capture, r->scope, err))
                return false;
    }
}

bool vdm_withdraw_plan(struct vdm_archive *a, const struct vdm_withdraw_request *r,
                       struct vdm_takedown *out, struct vdm_err *err)
{
    struct vdm_takedown t VDM_CLEANUP(vdm_takedown_release) = {0};
    if (!plan_all(a, r, &t, err))
        return false;
    if (r->to_sign && t.takens != 1)
        return vdm_fail_as(err, VDM_ERR_REFUSED,
                           "a request is for one entry, and this withdraws %zu captures: make "
                           "them one after another, parts first, each when the one before is "
                           "submitted",
                           t.takens);
    *out = t;
    t = (struct vdm_takedown){0};
    return true;
}

bool vdm_withdraw_plan_signed(struct vdm_archive *a, const struct vdm_withdrawal *w,
                              struct vdm_takedown *out, struct vdm_err *err)
{
    const struct vdm_withdraw_request r = {.entry = &w->of, .entries = 1, .scope = w->scope};
    return vdm_withdraw_plan(a, &r, out, err);
}

/* --- doing it --- */

/* The two texts, as an entry holds them. */
struct texts {
    struct vdm_buf by, reason;
};

static void texts_release(struct texts *t)
{
    vdm_buf_release(&t->by);
    vdm_buf_release(&t->reason);
}

static bool escape_texts(const struct vdm_withdraw_request *r, struct texts *out,
                         struct vdm_err *err)
{
    vdm_value_append(&out->by, r->decided_by);
    vdm_value_append(&out->reason, r->reason);
    return vdm_buf_ok(&out->by, err) && vdm_buf_ok(&out->reason, err);
}

static struct vdm_entry withdrawal_of(uint64_t capture, enum vdm_scope scope, const struct texts *t)
{
    struct vdm_entry e = {.kind = VDM_ENTRY_WITHDRAWAL, .recorded = vdm_time_now()};
    e.withdrawal = (struct vdm_withdrawal){.of = capture,
                                           .scope = scope,
                                           .decided_by = vdm_buf_bytes(&t->by),
                                           .reason = vdm_buf_bytes(&t->reason)};
    return e;
}

bool vdm_withdraw_ask(struct vdm_archive *a, const struct vdm_withdraw_request *r,
                      const struct vdm_takedown *plan, struct vdm_bytes effects,
                      struct vdm_buf *out, uint64_t *n, struct vdm_err *err)
{
    struct texts texts VDM_CLEANUP(texts_release) = {0};
    assert(plan->takens == 1);
    if (!escape_texts(r, &texts, err))
        return false;
    struct vdm_entry e = withdrawal_of(plan->taken[0].capture, r->scope, &texts);
    bool ok = vdm_request_make(a, &e, effects, out, err);
    *n = e.n;
    return ok;
}

static bool same_plan(const struct vdm_takedown *a, const struct vdm_takedown *b)
{
    bool same = a->takens == b->takens && a->records == b->records;
    for (size_t i = 0; same && i < a->takens; i++)
        same = a->taken[i].capture == b->taken[i].capture &&
               vdm_takedown_erases(&a->taken[i]) == vdm_takedown_erases(&b->taken[i]);
    return same;
}

static bool append_all(struct vdm_writer *w, const struct vdm_withdraw_request *r,
                       const struct vdm_takedown *plan, const struct vdm_signer *authority,
                       struct vdm_withdraw_done *done, struct vdm_err *err)
{
    struct texts texts VDM_CLEANUP(texts_release) = {0};
    if (!escape_texts(r, &texts, err))
        return false;
    done->first = vdm_writer_next(w);
    for (size_t i = 0; i < plan->takens; i++) {
        struct vdm_entry e = withdrawal_of(plan->taken[i].capture, r->scope, &texts);
        if (!vdm_writer_append(w, &e, authority, (struct vdm_bytes){0}, err))
            return false;
        done->last = e.n;
    }
    return true;
}

bool vdm_withdraw(struct vdm_archive *a, const struct vdm_withdraw_request *r,
                  const struct vdm_takedown *plan, const struct vdm_signer *authority,
                  const struct vdm_signer *ledger, struct vdm_withdraw_done *done,
                  struct vdm_err *err)
{
    struct vdm_writer *w VDM_CLEANUP(vdm_writer_cleanup) = NULL;
    struct vdm_takedown now VDM_CLEANUP(vdm_takedown_release) = {0};
    *done = (struct vdm_withdraw_done){0};
    if (!vdm_writer_open(&w, a, ledger, err) || !vdm_writer_begin(w, err) ||
        !vdm_withdraw_plan(a, r, &now, err))
        return false;
    if (!same_plan(plan, &now))
        return vdm_fail(err,
                        "somebody wrote to the archive meanwhile: nothing was done, try again");
    if (!append_all(w, r, plan, authority, done, err) || !vdm_writer_commit(w, err))
        return false;
    vdm_buf_put(&done->checkpoint, vdm_writer_checkpoint(w));
    return vdm_buf_ok(&done->checkpoint, err);
}
