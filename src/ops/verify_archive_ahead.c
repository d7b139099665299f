/* SPDX-License-Identifier: MIT */
#include "base/pool.h"
#include "ops/verify_archive_state.h"
#include "store/store_folder.h"

#include <pthread.h>
#include <stdlib.h>

#define ENTRIES_FOR_THREADS 128
#define BYTES_FOR_THREADS   (UINT64_C(8) << 20)

/* What one thread needs for itself; the first, who is the caller, has that of the archive. */
struct looker {
    struct vdm_crypto *crypto;
    struct vdm_store *store;
};

struct vdm_verify_ahead {
    const struct vdm_verify *v; /* of it only what stays as it is during the pass */
    struct vdm_pool *pool;
    struct vdm_verify_batch *batch; /* that is being looked at, */
    size_t run;                     /* so many entries at a time */
    struct looker looker[VDM_POOL_WORKERS_MAX];
    pthread_mutex_t lock; /* on the documents that were found good lately */
    struct vdm_verify_good good[VDM_VERIFY_RECENT];
};

/* --- what was found good lately --- */

static struct vdm_verify_good *slot(struct vdm_verify_ahead *a, const struct vdm_record *r)
{
    const struct vdm_digest *d = &r->document;
    return &a->good[((size_t)d->b[0] << 8 | d->b[1]) % VDM_VERIFY_RECENT];
}

bool vdm_verify_recently_good(struct vdm_verify_ahead *a, const struct vdm_record *r)
{
    pthread_mutex_lock(&a->lock);
    const struct vdm_verify_good *g = slot(a, r);
    bool good = g->used && g->size == r->document_size && vdm_digest_equal(g->digest, r->document);
    pthread_mutex_unlock(&a->lock);
    return good;
}

void vdm_verify_remember_good(struct vdm_verify_ahead *a, const struct vdm_record *r)
{
    pthread_mutex_lock(&a->lock);
    *slot(a, r) = (struct vdm_verify_good){true, r->document, r->document_size};
    pthread_mutex_unlock(&a->lock);
}

/* --- one entry, on any thread --- */

static const struct vdm_ledger_row *record_row(const struct vdm_ledger_slice *s, uint64_t n)
{
    size_t low = 0, high = s->records;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (s->record[mid].n < n)
            low = mid + 1;
        else
            high = mid;
    }
    return low < s->records && s->record[low].n == n && !s->record[low].odd ? &s->record[low]
                                                                            : NULL;
}

/* The pass comes to the first of them, whoever met it. */
static void note_trouble(struct vdm_verify_ahead *a, struct vdm_verify_fact *f,
                         const struct vdm_err *why)
{
    struct vdm_verify_batch *b = a->batch;
    size_t at = (size_t)(f - b->fact);
    f->unread = true;
    pthread_mutex_lock(&a->lock);
    if (at < b->trouble_at) {
        b->trouble_at = at;
        b->trouble = *why;
    }
    pthread_mutex_unlock(&a->lock);
}

static void look_at_record(struct vdm_verify_ahead *a, struct looker *l, const struct vdm_entry *e,
                           const struct vdm_ledger_row *row, struct vdm_verify_fact *f)
{
    struct vdm_record *r = &f->record;
    struct vdm_err why = {0};
    if (!vdm_record_decode(row->bytes, r, NULL) ||
        !vdm_record_commit(l->crypto, r, &f->commitment, NULL))
        return;
    f->has_commitment = true;
    if (e->kind != VDM_ENTRY_CAPTURE || a->v->o->without_documents ||
        !vdm_digest_equal(f->commitment, e->capture.record) || vdm_verify_recently_good(a, r))
        return;
    f->has_document = vdm_store_check(l->store, r->document, r->document_size, &f->document, &why);
    if (!f->has_document)
        note_trouble(a, f, &why);
}

static void look(struct vdm_verify_ahead *a, struct looker *l, size_t i)
{
    const struct vdm_ledger_row *row = &a->batch->slice.entry[i], *record;
    struct vdm_verify_fact *f = &a->batch->fact[i];
    struct vdm_known_entry *k = &f->entry;
    struct vdm_note note;
    f->has_leaf = f->has_commitment = f->has_document = f->unread = k->decoded = false;
    if (row->odd)
        return;
    f->leaf = vdm_tlog_leaf(l->crypto, row->bytes);
    f->has_leaf = true;
    if (!vdm_entry_open(l->crypto, row->bytes, &note, &k->entry, NULL))
        return;
    k->decoded = true;
    k->text = vdm_sha256(l->crypto, note.text);
    k->signature = vdm_verify_covers(a->v, row->n, &k->entry)
                       ? VDM_SIGNATURE_GOOD
                       : vdm_entry_check_signature(&a->v->check, l->crypto, &note, &k->entry);
    if ((record = record_row(&a->batch->slice, row->n)))
        look_at_record(a, l, &k->entry, record, f);
}

/* --- batches --- */

#define RUN_MOST       16
#define RUNS_OF_THREAD 8
#define RUN_DOCUMENT   (64u << 10)

/* Neighbours lie side by side in the store, too, where one reading takes in several small documents: so a thread takes
 * a run of them. But as many runs as keep all busy to the end, and each large document by itself. */
static size_t run_of(const struct vdm_verify_ahead *a, size_t entries)
{
    const struct vdm_report *met = a->v->report;
    size_t run = entries / (RUNS_OF_THREAD * vdm_pool_workers(a->pool)) + 1;
    if (met->documents == 0 || met->bytes / met->documents > RUN_DOCUMENT)
        return 1;
    return run < RUN_MOST ? run : RUN_MOST;
}

static void look_at_run(void *ctx, unsigned worker, size_t run)
{
    struct vdm_verify_ahead *a = ctx;
    size_t begin = run * a->run, end = begin + a->run;
    for (size_t i = begin; i < end && i < a->batch->slice.entries; i++)
        look(a, &a->looker[worker], i);
}

bool vdm_verify_ahead_start(struct vdm_verify_ahead *a, struct vdm_verify_batch *b,
                            struct vdm_err *err)
{
    size_t n = b->slice.entries;
    if (n > b->facts_cap) {
        struct vdm_verify_fact *grown = reallocarray(b->fact, n, sizeof *grown);
        if (!grown)
            return vdm_fail_memory(err);
        b->fact = grown;
        b->facts_cap = n;
    }
    b->trouble_at = SIZE_MAX;
    a->batch = b;
    a->run = run_of(a, n);
    vdm_pool_start(a->pool, (n + a->run - 1) / a->run, look_at_run, a);
    return true;
}

void vdm_verify_ahead_finish(struct vdm_verify_ahead *a)
{
    vdm_pool_finish(a->pool);
}

void vdm_verify_batch_release(struct vdm_verify_batch *b)
{
    vdm_ledger_slice_release(&b->slice);
    free(b->fact);
}

/* --- all of it --- */

static bool open_lookers(struct vdm_verify_ahead *a, struct vdm_err *err)
{
    a->looker[0] = (struct looker){a->v->a->crypto, a->v->a->store};
    for (unsigned i = 1; i < vdm_pool_workers(a->pool); i++) {
        struct looker *l = &a->looker[i];
        if (!vdm_crypto_open(&l->crypto, err) ||
            !vdm_store_open_folder(&l->store, l->crypto, a->v->a->store_path, false, err))
            return false;
        vdm_store_pass_over(l->store, a->v->documents);
    }
    return true;
}

static bool is_much(const struct vdm_verify *v)
{
    struct vdm_catalog_totals t;
    return v->size >= ENTRIES_FOR_THREADS ||
           (v->catalog && vdm_catalog_totals(v->catalog, &t, NULL) && t.bytes >= BYTES_FOR_THREADS);
}

unsigned vdm_verify_threads(const struct vdm_verify *v)
{
    return v->o->threads == 0 && !is_much(v) ? 1 : v->o->threads;
}

bool vdm_verify_ahead_open(struct vdm_verify_ahead **out, const struct vdm_verify *v,
                           struct vdm_err *err)
{
    struct vdm_verify_ahead *a = calloc(1, sizeof *a);
    if (!a)
        return vdm_fail_memory(err);
    a->v = v;
    pthread_mutex_init(&a->lock, NULL);
    if (!vdm_pool_open(&a->pool, vdm_verify_threads(v), err) || !open_lookers(a, err)) {
        vdm_verify_ahead_close(a);
        return false;
    }
    *out = a;
    return true;
}

void vdm_verify_ahead_close(struct vdm_verify_ahead *a)
{
    if (!a)
        return;
    vdm_pool_close(a->pool);
    for (size_t i = 1; i < VDM_POOL_WORKERS_MAX; i++) {
        vdm_store_close(a->looker[i].store);
        vdm_crypto_close(a->looker[i].crypto);
    }
    pthread_mutex_destroy(&a->lock);
    free(a);
}
