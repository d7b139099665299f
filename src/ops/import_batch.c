/* SPDX-License-Identifier: MIT */
/* Batch by batch: what is known already, the entries, and what became of each input. */
#include "base/file.h"
#include "format/value.h"
#include "ops/doubt.h"
#include "ops/import_crew.h"

#include <stdlib.h>

/* A batch ends with whichever comes first. */
#define BATCH_BYTES (UINT64_C(64) << 20)
#define BATCH_MS    1000

#define RUN_FEW     16
#define RUN_STOP    4096

void vdm_pending_release(struct vdm_pending *p)
{
    if (p->as_stand_in)
        vdm_pending_release(p->as_stand_in);
    free(p->as_stand_in);
    free(p->path);
    vdm_import_lines_release(&p->lines);
    *p = (struct vdm_pending){0};
}

void vdm_batch_drop(struct vdm_importing *m)
{
    for (size_t i = 0; i < m->batched; i++)
        vdm_pending_release(&m->batch[i]);
    m->batched = 0;
    m->batch_bytes = 0;
    vdm_import_say_until(m, SIZE_MAX);
}

/* Among them what this batch records. */
static bool read_record(struct vdm_importing *m, uint64_t n, struct vdm_buf *text, bool *found,
                        struct vdm_err *err)
{
    return m->writer ? vdm_writer_record(m->writer, n, text, found, err)
                     : vdm_ledger_record(m->a->ledger, n, text, found, err);
}

/* What the ledger says now of a capture: its newest amendment's record, or its own. */
bool vdm_recorded_now(struct vdm_importing *m, uint64_t n, struct vdm_buf *text,
                      struct vdm_record *r, bool *found, struct vdm_err *err)
{
    struct vdm_catalog_fate fate;
    if (!vdm_catalog_fate(m->a->catalog, n, &fate, found, err))
        return false;
    uint64_t at = *found && fate.amended != UINT64_MAX ? fate.amended : n;
    if (!read_record(m, at, text, found, err))
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

/* The capture that may be known already, by its source and time. */
struct alike {
    struct vdm_buf text[3];
    struct vdm_bytes source, captured, from;
};

static void release_alike(struct alike *k)
{
    for (size_t i = 0; i < 3; i++)
        vdm_buf_release(&k->text[i]);
}

static bool find_alike(struct vdm_pending *p, struct alike *k, struct vdm_err *err)
{
    k->source = escaped(&k->text[0], vdm_import_value(&p->lines, VDM_FIELD_SOURCE));
    k->captured = escaped(&k->text[1], vdm_import_value(&p->lines, VDM_FIELD_CAPTURED));
    k->from = escaped(&k->text[2], vdm_import_value(&p->lines, VDM_FIELD_DERIVED_FROM));
    return vdm_buf_ok(&k->text[0], err) && vdm_buf_ok(&k->text[1], err) &&
           vdm_buf_ok(&k->text[2], err);
}

/* The catalog leads to the entry, its record decides: a catalog that was edited must not make a new document
 * pass for a known one. */
static bool look_at_known(struct vdm_importing *m, const struct vdm_pending *p,
                          const struct alike *k, struct vdm_buf *text, struct vdm_record *r,
                          struct vdm_err *err)
{
    bool found;
    if (!vdm_recorded_now(m, p->result.entry, text, r, &found, err))
        return false;
    if (!found || !vdm_digest_equal(r->document, p->digest) || r->document_size != p->size ||
        !says(r, VDM_FIELD_SOURCE, k->source) || !says(r, VDM_FIELD_CAPTURED, k->captured))
        return vdm_catalog_lies(p->result.entry, err);
    return true;
}

/* What this import records itself is left out, for speed: no place is taken twice. But others may have recorded the
 * same meanwhile. */
static uint64_t looked_at_to(const struct vdm_importing *m, const struct vdm_pending *p)
{
    return p->below > m->others_to ? p->below : m->others_to;
}

/* The next capture that is like p, from entry `from` on and below `to`. */
static bool next_alike(struct vdm_importing *m, struct vdm_pending *p, const struct alike *k,
                       uint64_t from, uint64_t to, struct vdm_buf *text, struct vdm_record *r,
                       bool *found, struct vdm_err *err)
{
    vdm_buf_clear(text);
    return vdm_catalog_next_same(m->a->catalog, p->digest, k->source, k->captured, from, to,
                                 &p->result.entry, found, err) &&
           (!*found || look_at_known(m, p, k, text, r, err));
}

/* --- who delivered it --- */

/* How often an import looks at captures that are like a file, but of another delivery: some seconds. Beyond that
 * a file is recorded, for what is recorded twice is lost less than what is not recorded. */
#define LOOKS_MAX (1 << 18)

/* What tells one delivery of a document from another. */
#define DELIVERY                                                                                   \
    (UINT64_C(1) << VDM_FIELD_RECEIVED_FROM | UINT64_C(1) << VDM_FIELD_RECORD_ID |                 \
     UINT64_C(1) << VDM_FIELD_FILE_NAME | UINT64_C(1) << VDM_FIELD_FIELD)

static bool says_bag(const struct vdm_record *r)
{
    struct vdm_bytes v;
    for (size_t k = 0; (v = vdm_record_value(r, VDM_FIELD_FIELD, k)).n; k++)
        if (vdm_bytes_start_with(v, VDM_LIT("bag: ")))
            return true;
    return false;
}

static bool next_delivery(struct vdm_importing *m, struct vdm_pending *p, const struct alike *k,
                          uint64_t from, uint64_t to, struct vdm_buf *text, struct vdm_record *r,
                          bool *found, struct vdm_err *err)
{
    *found = false;
    if (m->looks == LOOKS_MAX)
        return true;
    m->looks++;
    return next_alike(m, p, k, from, to, text, r, found, err);
}

/* Is it this delivery, by what is recorded now (r), or by what was recorded before that was amended? */
static bool same_delivery(struct vdm_importing *m, struct vdm_pending *p,
                          const struct vdm_record *r, bool *same, struct vdm_err *err)
{
    struct vdm_buf text VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_record first;
    uint64_t differs;
    bool found;
    if (!vdm_import_differences(&p->lines, r, &p->result.differs, err))
        return false;
    *same = !(p->result.differs & DELIVERY);
    if (*same)
        return true;
    if (!read_record(m, p->result.entry, &text, &found, err))
        return false;
    if (!found)
        return true;
    if (!vdm_record_decode(vdm_buf_bytes(&text), &first, err) ||
        !vdm_import_differences(&p->lines, &first, &differs, err))
        return false;
    *same = !(differs & DELIVERY);
    return true;
}

static bool find_delivery_in(struct vdm_importing *m, struct vdm_pending *p, const struct alike *k,
                             uint64_t from, uint64_t to, bool *known, struct vdm_err *err)
{
    struct vdm_buf text VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_record r;
    bool found = true;
    while (!*known && found) {
        if (!next_delivery(m, p, k, from, to, &text, &r, &found, err) ||
            (found && !same_delivery(m, p, &r, known, err)))
            return false;
        from = p->result.entry + 1;
    }
    return true;
}

/* A file of a bag is known if this delivery of it is: another bag may hold the same document, and this one may hold
 * it under another name. A bag was recorded in its order, so the search begins behind the file that was known last. */
static bool find_delivery(struct vdm_importing *m, struct vdm_pending *p, bool *known,
                          struct vdm_err *err)
{
    struct alike k VDM_CLEANUP(release_alike) = {0};
    if (m->bag_of != p->bag)
        m->bag_from = 0;
    m->bag_of = p->bag;
    if (!find_alike(p, &k, err) ||
        !find_delivery_in(m, p, &k, m->bag_from, looked_at_to(m, p), known, err) ||
        (!*known && m->bag_from && !find_delivery_in(m, p, &k, 0, m->bag_from, known, err)))
        return false;
    m->bag_from = *known ? p->result.entry + 1 : m->bag_from;
    return true;
}

/* The newest like it that is of no bag. */
static bool find_outside(struct vdm_importing *m, struct vdm_pending *p, const struct alike *k,
                         bool *known, struct vdm_err *err)
{
    struct vdm_buf text VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_record r;
    uint64_t entry = 0, differs = 0;
    bool found = true;
    *known = false;
    for (uint64_t from = 0; found; from = p->result.entry + 1) {
        if (!next_delivery(m, p, k, from, VDM_NUMBER_MAX, &text, &r, &found, err))
            return false;
        if (!found || says_bag(&r))
            continue;
        *known = true;
        entry = p->result.entry;
        if (!vdm_import_differences(&p->lines, &r, &differs, err))
            return false;
    }
    p->result.entry = entry;
    p->result.differs = differs;
    return true;
}

/* --- is it known? --- */

/* Are the same document, source and captured time recorded already? What a bag vouched for is another delivery. */
static bool find_known(struct vdm_importing *m, struct vdm_pending *p, bool *known,
                       struct vdm_err *err)
{
    struct alike k VDM_CLEANUP(release_alike) = {0};
    struct vdm_buf text VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_record r;
    if (!find_alike(p, &k, err) || !vdm_catalog_find_same(m->a->catalog, p->digest, k.source,
                                                          k.captured, &p->result.entry, known, err))
        return false;
    if (!*known)
        return true;
    if (!look_at_known(m, p, &k, &text, &r, err) ||
        !vdm_import_differences(&p->lines, &r, &p->result.differs, err))
        return false;
    return !p->result.differs || !says_bag(&r) || find_outside(m, p, &k, known, err);
}

static struct vdm_digest name_run(struct vdm_importing *m, const struct vdm_pending *p,
                                  const struct alike *k)
{
    const struct vdm_bytes parts[] = {vdm_digest_bytes(&p->digest),
                                      vdm_str(k->source.p ? "\nsource " : "\n"), k->source,
                                      vdm_str(k->captured.p ? "\ncaptured " : "\n"), k->captured};
    return vdm_sha256_parts(m->a->crypto, parts, sizeof parts / sizeof *parts);
}

static struct vdm_digest name_place(struct vdm_importing *m, const struct vdm_digest *run,
                                    struct vdm_bytes from)
{
    const struct vdm_bytes parts[] = {vdm_digest_bytes(run), from};
    return vdm_sha256_parts(m->a->crypto, parts, 2);
}

/* Note the places of the captures of a run that were not read yet. It may be long, so a stop is heard; now and then,
 * as the batch that waits is lost by it. */
static bool read_run(struct vdm_importing *m, struct vdm_pending *p, const struct alike *k,
                     const struct vdm_digest *run, uint64_t *at, struct vdm_err *err)
{
    struct vdm_buf text VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_record r;
    bool found = true;
    for (uint64_t i = 1; found; i++) {
        if (i % RUN_STOP == 0 && vdm_progress_stop(m->progress))
            return vdm_fail_as(err, VDM_ERR_INTERRUPTED, "interrupted");
        if (!next_alike(m, p, k, *at, looked_at_to(m, p), &text, &r, &found, err))
            return false;
        if (!found)
            return true;
        *at = p->result.entry + 1;
        struct vdm_bytes from = vdm_record_value(&r, VDM_FIELD_DERIVED_FROM, 0);
        if (!vdm_places_add(&m->places, name_place(m, run, from), p->result.entry, err))
            return false;
    }
    return true;
}

static bool find_in_run(struct vdm_importing *m, struct vdm_pending *p, const struct alike *k,
                        const struct vdm_digest *run, uint64_t from, struct vdm_buf *text,
                        struct vdm_record *r, bool *known, struct vdm_err *err)
{
    const struct vdm_digest place = name_place(m, run, k->from);
    uint64_t n;
    bool found;
    while (!*known && vdm_places_next(&m->places, place, from, &n) && n < looked_at_to(m, p)) {
        if (!next_alike(m, p, k, n, n + 1, text, r, &found, err))
            return false;
        *known = found && says(r, VDM_FIELD_DERIVED_FROM, k->from);
        from = n + 1;
    }
    return true;
}

/* The first few of a run are looked at one by one, which takes no memory: most runs end there. */
static bool find_among_few(struct vdm_importing *m, struct vdm_pending *p, const struct alike *k,
                           uint64_t from, struct vdm_buf *text, struct vdm_record *r, bool *known,
                           bool *more, struct vdm_err *err)
{
    *more = true;
    for (int i = 0; *more && !*known && i < RUN_FEW; i++) {
        if (!next_alike(m, p, k, from, looked_at_to(m, p), text, r, more, err))
            return false;
        *known = *more && says(r, VDM_FIELD_DERIVED_FROM, k->from);
        from = p->result.entry + 1;
    }
    return true;
}

static bool find_part_from(struct vdm_importing *m, struct vdm_pending *p, const struct alike *k,
                           uint64_t from, struct vdm_buf *text, struct vdm_record *r, bool *known,
                           struct vdm_err *err)
{
    bool more = true;
    const struct vdm_digest run = name_run(m, p, k);
    uint64_t *at = vdm_places_run(&m->places, run);
    if (!at && !find_among_few(m, p, k, from, text, r, known, &more, err))
        return false;
    if (!at && more && !*known && !(at = vdm_places_run_new(&m->places, run, err)))
        return false;
    return !at || (read_run(m, p, k, &run, at, err) &&
                   find_in_run(m, p, k, &run, from, text, r, known, err));
}

/* A part is known if it was taken from the same place before: so each is recorded once, also where two are alike.
 * Mostly they stand in their order, so the search begins behind the part that was known last; but one that was
 * withdrawn and came again stands behind all others. */
static bool find_known_part(struct vdm_importing *m, struct vdm_pending *p, bool *known,
                            struct vdm_err *err)
{
    struct alike k VDM_CLEANUP(release_alike) = {0};
    struct vdm_buf text VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_record r;
    if (m->parts_of != p->part)
        m->parts_from = 0;
    m->parts_of = p->part;
    *known = false;
    if (!find_alike(p, &k, err) || !find_part_from(m, p, &k, m->parts_from, &text, &r, known, err))
        return false;
    if (!*known && m->parts_from > 0 && !find_part_from(m, p, &k, 0, &text, &r, known, err))
        return false;
    if (*known)
        m->parts_from = p->result.entry + 1;
    else
        p->result.entry = 0;
    return !*known || vdm_import_differences(&p->lines, &r, &p->result.differs, err);
}

/* A revisit that was recorded before its payload was there stays the one capture of its record. */
static bool find_known_repeat(struct vdm_importing *m, struct vdm_pending *p, bool *known,
                              struct vdm_err *err)
{
    if (!find_known_part(m, p, known, err))
        return false;
    if (*known || !p->as_stand_in)
        return true;
    if (!find_known_part(m, p->as_stand_in, known, err))
        return false;
    p->result = p->as_stand_in->result;
    return true;
}

static bool add_follows(struct vdm_importing *m, struct vdm_pending *p, struct vdm_err *err)
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
    if (!vdm_recorded_now(m, n, &text, &before, &found, err))
        return false;
    if (!found || !says(&before, VDM_FIELD_SOURCE, value))
        return vdm_catalog_lies(n, err);
    vdm_buf_putf(&number, "%llu", (unsigned long long)n);
    return vdm_buf_ok(&number, err) &&
           vdm_import_add(&p->lines, VDM_FIELD_FOLLOWS, vdm_buf_bytes(&number), err);
}

static const uint8_t *next_secret(struct vdm_importing *m)
{
    if (m->secrets == 0) {
        vdm_random(m->secret[0], sizeof m->secret);
        m->secrets = VDM_SECRETS;
    }
    return m->secret[--m->secrets];
}

static bool append(struct vdm_importing *m, struct vdm_pending *p, struct vdm_err *err)
{
    struct vdm_buf text VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_entry e = {.kind = VDM_ENTRY_CAPTURE, .recorded = vdm_time_now()};
    struct vdm_record r;
    bool there;
    /* It was put before the lock was taken: a withdrawal may have erased it since. */
    if (!vdm_store_holds(m->a->store, p->digest, &there, err))
        return false;
    if (!there)
        return vdm_fail(err, "its document was withdrawn while it was imported; nothing of this "
                             "batch was recorded");
    if (!add_follows(m, p, err) ||
        !vdm_record_append(&text, next_secret(m), p->digest, p->size, p->lines.line, p->lines.n, &r,
                           err) ||
        !vdm_record_commit(m->a->crypto, &r, &e.capture.record, err) ||
        !vdm_writer_add(m->writer, vdm_crew_pool(m->crew), &e, m->signers->signer,
                        vdm_buf_bytes(&text), err))
        return false;
    p->result.status = VDM_INPUT_RECORDED;
    p->result.entry = e.n;
    return true;
}

static bool decide(struct vdm_importing *m, struct vdm_pending *p, struct vdm_err *err)
{
    bool known = false;
    if (!m->r->again && !(p->part  ? find_known_repeat
                          : p->bag ? find_delivery
                                   : find_known)(m, p, &known, err))
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
static void acknowledge(struct vdm_importing *m)
{
    struct vdm_import_done *d = m->done;
    for (size_t i = 0; i < m->batched; i++) {
        struct vdm_pending *p = &m->batch[i];
        vdm_import_say_until(m, i);
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
            d->bundles_untrusted += p->untrusted;
            d->revisits_unresolved += p->stands_in;
            for (size_t k = 0; k < vdm_counted_fields_n; k++)
                d->not_stated[vdm_counted_fields[k]] +=
                    !(p->lines.stated >> vdm_counted_fields[k] & 1);
        }
        m->tell(m->ctx, &p->result);
    }
}

static bool sync_documents(struct vdm_importing *m, struct vdm_err *err)
{
    if (!vdm_crew_sync(m->crew, err))
        return false;
    if (m->put && !vdm_store_sync(m->a->store, err))
        return false;
    m->put = false;
    return true;
}

static bool write_batch(struct vdm_importing *m, struct vdm_err *err)
{
    if (!sync_documents(m, err))
        return vdm_doubt_raise(m->a, err);
    if (!vdm_writer_begin(m->writer, err))
        return false;
    if (!vdm_writer_may_capture(m->writer, m->signers->signer, err)) {
        vdm_writer_abort(m->writer);
        return false;
    }
    if (vdm_writer_next(m->writer) != m->recorded_to)
        m->others_to = vdm_writer_next(m->writer);
    for (size_t i = 0; i < m->batched; i++)
        if (!decide(m, &m->batch[i], err)) {
            vdm_writer_abort(m->writer);
            return vdm_err_prefix(err, "import %.*s", (int)m->batch[i].path_n, m->batch[i].path);
        }
    m->recorded_to = vdm_writer_next(m->writer);
    return vdm_writer_commit(m->writer, err);
}

bool vdm_batch_finish(struct vdm_importing *m, struct vdm_err *err)
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
    vdm_batch_drop(m);
    return ok;
}

static bool batch_full(const struct vdm_importing *m)
{
    return m->batched == VDM_BATCH_DOCUMENTS || m->batch_bytes >= BATCH_BYTES ||
           vdm_clock_ms() - m->batch_started >= BATCH_MS;
}

bool vdm_batch_add(struct vdm_importing *m, struct vdm_pending *p, struct vdm_err *err)
{
    if (m->batched == 0)
        m->batch_started = vdm_clock_ms();
    m->batch[m->batched++] = *p;
    m->batch_bytes += p->size;
    m->bytes += p->size;
    return !batch_full(m) || vdm_batch_finish(m, err);
}
