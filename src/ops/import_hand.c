/* SPDX-License-Identifier: MIT */
/* What one thread does with a document: its text, and into the store. */
#include "base/limits.h"
#include "ops/import_groups.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* A larger text is taken by one thread, for the memory that it takes. */
#define TEXT_BYTES (UINT64_C(1) << 20)

bool vdm_hand_gave_type(const struct vdm_hand *h, uint64_t asked_before, struct vdm_import_job *j)
{
    j->asked_media = vdm_media_asked(h->media) != asked_before;
    if (j->asked_media && vdm_media_lost(h->media))
        j->outcome = VDM_JOB_BACK;
    return j->outcome != VDM_JOB_BACK;
}

/* It is stored, and its text was read. */
static bool settle(struct vdm_hand *h, struct vdm_import_job *j, const struct vdm_stored *stored,
                   struct vdm_err *err)
{
    uint64_t asked = vdm_import_text_asked(h->text);
    j->repaired = stored->repaired;
    j->p.digest = stored->id;
    j->p.size = stored->size_bytes;
    j->outcome = VDM_JOB_DONE;
    if (!vdm_import_text_end(h->text, &j->p.lines, j->p.digest, err))
        return false;
    j->asked_text = vdm_import_text_asked(h->text) != asked;
    struct vdm_textless none = vdm_import_text_taken(h->text);
    if (j->asked_text && vdm_import_text_lost(h->text))
        j->outcome = VDM_JOB_BACK;
    else if (none.documents && !(j->textless = strdup(none.why)))
        return vdm_fail_memory(err);
    return true;
}

/* --- one that is put by itself --- */

struct reading {
    struct vdm_hand *h;
    vdm_read_fn *read;
    void *ctx;
};

static bool read_passing(void *ctx, uint8_t *p, size_t cap, size_t *got, struct vdm_err *err)
{
    struct reading *r = ctx;
    if (!r->read(r->ctx, p, cap, got, err))
        return false;
    vdm_import_text_take(r->h->text, (struct vdm_bytes){p, *got});
    atomic_fetch_add(r->h->bytes_taken, *got);
    return true;
}

static bool put(struct vdm_hand *h, vdm_read_fn *read, void *ctx, uint64_t size,
                struct vdm_import_job *j, struct vdm_err *err)
{
    struct reading r = {h, read, ctx};
    struct vdm_stored stored;
    vdm_import_text_begin(h->text, &j->p.lines);
    return vdm_store_put(h->store[h->place], read_passing, &r, size, &stored, err) &&
           settle(h, j, &stored, err);
}

/* --- those that are put together --- */

/* What a reading that fails has left is taken off again. */
static bool hold(struct vdm_hand *h, vdm_read_fn *read, void *ctx, size_t size,
                 struct vdm_import_job *j, struct vdm_err *err)
{
    struct vdm_held *held = &h->held[h->helds];
    size_t got = 1;
    assert(h->helds < VDM_HELD_MAX); /* a run has no more jobs */
    *held = (struct vdm_held){j, h->bytes.n, 0};
    uint8_t *p = vdm_buf_grow(&h->bytes, size + 1); /* whoever gives more than that fails */
    if (!p)
        return vdm_fail_memory(err);
    while (got && held->n <= size) {
        if (!read(ctx, p + held->n, size + 1 - held->n, &got, err)) {
            h->bytes.n = held->at;
            return false;
        }
        held->n += got;
    }
    h->bytes.n = held->at + held->n;
    atomic_fetch_add(h->bytes_taken, held->n);
    j->outcome = VDM_JOB_HELD;
    h->helds++;
    return true;
}

bool vdm_hand_is_full(const struct vdm_hand *h)
{
    return h->bytes.n >= VDM_HELD_BYTES;
}

static bool settle_held(struct vdm_hand *h, const struct vdm_store_document *d,
                        struct vdm_import_job *j, struct vdm_err *err)
{
    vdm_import_text_begin(h->text, &j->p.lines);
    vdm_import_text_take(h->text, d->bytes);
    return settle(h, j, &d->stored, err);
}

struct vdm_import_job *vdm_hand_put_held(struct vdm_hand *h, struct vdm_err *err)
{
    struct vdm_store_document d[VDM_HELD_MAX];
    struct vdm_import_job *failed = NULL;
    struct vdm_err why = {0};
    size_t n = h->helds, put = 0, i = 0;
    if (n == 0)
        return NULL;
    for (size_t k = 0; k < n; k++)
        d[k].bytes = (struct vdm_bytes){h->bytes.p + h->held[k].at, h->held[k].n};
    bool ok = vdm_store_put_all(h->store[h->place], d, n, &put, &why);
    while (i < put && settle_held(h, &d[i], h->held[i].job, err))
        i++;
    if (i < n) {
        failed = h->held[i].job;
        if (i == put && !ok)
            vdm_fail_as(err, why.kind, "%s", why.text);
    }
    while (i < n)
        h->held[i++].job->outcome = VDM_JOB_NOT_BEGUN;
    h->helds = 0;
    vdm_buf_clear(&h->bytes);
    return failed;
}

/* --- either --- */

static bool is_large_text(const struct vdm_import_lines *l, uint64_t size)
{
    return size > TEXT_BYTES && size <= VDM_TEXT_DOCUMENT_MAX &&
           vdm_text_kind(vdm_import_value(l, VDM_FIELD_MEDIA_TYPE)) != VDM_TEXT_NONE;
}

bool vdm_hand_store(struct vdm_hand *h, vdm_read_fn *read, void *ctx, uint64_t size,
                    struct vdm_import_job *j, struct vdm_err *err)
{
    if (h->text && is_large_text(&j->p.lines, size)) {
        j->outcome = VDM_JOB_BACK;
        return true;
    }
    h->put[h->place] = true;
    return size < VDM_HELD_BYTES ? hold(h, read, ctx, (size_t)size, j, err)
                                 : put(h, read, ctx, size, j, err);
}
