/* SPDX-License-Identifier: MIT */
/* What stands in the store and is no entry's. Nothing of it depends on what the pass finds, so it is looked for
 * beside the pass, and told after it. */
#include "base/list.h"
#include "base/pool.h"
#include "ops/verify_archive_state.h"
#include "store/store_folder.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define OBJECTS_HELD 1000 /* are looked up in one state of the catalog */
/* Of those that were met beside the pass. Where there are more, they are looked for again after it. */
#define MET_MAX 10000

/* No document that the catalog knows. */
struct met {
    struct vdm_store_item item;
    char *stranger; /* what the item's is, if any */
};

struct vdm_verify_orphans {
    struct vdm_verify *v; /* of it only what stays as it is during the pass */
    struct vdm_store *store;
    struct vdm_catalog *catalog, *held; /* held: NULL, or the catalog */
    uint64_t objects;
    /* Beside the pass, or NULL; then store and catalog are its own, and what is met is kept. */
    struct vdm_pool *pool;
    struct vdm_crypto *crypto;
    struct met *met;
    size_t mets, mets_cap;
    bool too_many, ok;
    struct vdm_err err;
    atomic_bool give_up;
};

static void tell(struct vdm_verify *v, const struct vdm_store_item *m)
{
    char hex[65];
    struct vdm_seen s = vdm_seen_at(VDM_ORPHAN_DOCUMENT, VDM_NO_ENTRY);
    if (m->stranger && m->trouble == VDM_STORE_INDEX_WRONG) {
        vdm_report_add(v->report, vdm_seen_at(VDM_CATALOG_MISMATCH, VDM_NO_ENTRY),
                       "store/%s does not lead to all documents (`vidimus reindex` makes it anew)",
                       m->stranger);
    } else if (m->stranger) {
        vdm_report_add(v->report, s, "store/%s does not belong there", m->stranger);
    } else if (!vdm_verify_is_findings(v, m->id)) {
        vdm_digest_hex(m->id, hex);
        s.document = hex;
        vdm_report_add(v->report, s,
                       "stored, but no capture is of it (as an import leaves it that is under way, "
                       "or was interrupted)");
    }
}

static bool keep(struct vdm_verify_orphans *o, const struct vdm_store_item *m, bool *stop,
                 struct vdm_err *err)
{
    struct met kept = {*m, NULL};
    o->too_many = *stop = o->mets == MET_MAX;
    if (o->too_many)
        return true;
    if (!vdm_list_grow(&o->met, o->mets, &o->mets_cap, sizeof kept, err))
        return false;
    if (m->stranger && !(kept.stranger = strdup(m->stranger)))
        return vdm_fail_memory(err);
    kept.item.stranger = kept.stranger;
    o->met[o->mets++] = kept;
    return true;
}

static bool is_known(struct vdm_verify_orphans *o, struct vdm_digest id, bool *known,
                     struct vdm_err *err)
{
    if (o->objects++ % OBJECTS_HELD == 0) {
        vdm_catalog_rollback(o->held);
        o->held = vdm_catalog_hold(o->catalog, NULL) ? o->catalog : NULL;
    }
    return vdm_catalog_has_document(o->catalog, id, known, err);
}

static void note_stop(void *ctx)
{
    struct vdm_verify_orphans *o = ctx;
    if (vdm_progress_stop(o->v->progress))
        atomic_store(&o->give_up, true);
}

static bool visit(void *ctx, const struct vdm_store_item *item, bool *stop, struct vdm_err *err)
{
    struct vdm_verify_orphans *o = ctx;
    bool known = false;
    if (!item->stranger && !is_known(o, item->id, &known, err))
        return false;
    if (!o->pool)
        note_stop(o);
    *stop = atomic_load(&o->give_up);
    if (known || *stop)
        return true;
    if (o->pool)
        return keep(o, item, stop, err);
    tell(o->v, item);
    return true;
}

static bool look(struct vdm_verify_orphans *o, struct vdm_err *err)
{
    bool ok = vdm_store_each(o->store, visit, o, err);
    vdm_catalog_rollback(o->held);
    o->held = NULL;
    return ok;
}

/* --- beside the pass --- */

static void look_beside(void *ctx, unsigned worker, size_t i)
{
    struct vdm_verify_orphans *o = ctx;
    (void)worker, (void)i;
    o->ok = look(o, &o->err);
}

static bool open_own(struct vdm_verify_orphans *o, struct vdm_err *err)
{
    const char *path = o->v->a->store_path;
    return vdm_crypto_open(&o->crypto, err) &&
           vdm_store_open_folder(&o->store, o->crypto, path, false, err) &&
           vdm_catalog_open(&o->catalog, path, VDM_LEDGER_READ, err) &&
           vdm_pool_open(&o->pool, 2, err);
}

static bool is_asked_for(const struct vdm_verify *v)
{
    return v->catalog && v->catalog_reach >= v->size && !v->o->without_documents;
}

void vdm_verify_orphans_start(struct vdm_verify *v)
{
    struct vdm_verify_orphans *o;
    if (!is_asked_for(v) || vdm_verify_threads(v) == 1 || !(o = calloc(1, sizeof *o)))
        return;
    o->v = v;
    if (open_own(o, NULL)) {
        v->orphans = o;
        vdm_pool_start(o->pool, 1, look_beside, o);
    } else {
        vdm_verify_orphans_close(o);
    }
}

void vdm_verify_orphans_close(struct vdm_verify_orphans *o)
{
    if (!o)
        return;
    atomic_store(&o->give_up, true);
    vdm_pool_close(o->pool);
    vdm_catalog_close(o->catalog);
    vdm_store_close(o->store);
    vdm_crypto_close(o->crypto);
    for (size_t i = 0; i < o->mets; i++)
        free(o->met[i].stranger);
    free(o->met);
    free(o);
}

/* --- after it --- */

/* Who withdraws empties the catalog for a moment, and then nothing is known. */
static bool is_as_it_was(struct vdm_verify *v)
{
    uint64_t version;
    return vdm_catalog_version(v->catalog, &version, NULL) && version == v->catalog_version;
}

/* *done false: it has to be looked for again. */
static bool tell_met(struct vdm_verify_orphans *o, bool *done, struct vdm_err *err)
{
    vdm_pool_finish_telling(o->pool, note_stop, o);
    if (!o->ok)
        return vdm_fail_as(err, o->err.kind, "%s", o->err.text);
    *done = !o->too_many && (o->mets == 0 || is_as_it_was(o->v));
    for (size_t i = 0; *done && i < o->mets; i++)
        tell(o->v, &o->met[i].item);
    return true;
}

static bool is_interrupted(const struct vdm_verify_orphans *o, struct vdm_err *err)
{
    return atomic_load(&o->give_up) &&
           !vdm_fail_as(err, VDM_ERR_INTERRUPTED,
                        "interrupted while it looked for documents that are no entry's");
}

bool vdm_verify_orphans(struct vdm_verify *v, struct vdm_err *err)
{
    bool done = false;
    if (!is_asked_for(v))
        return true;
    if (v->orphans && (!tell_met(v->orphans, &done, err) || is_interrupted(v->orphans, err)))
        return false;
    struct vdm_verify_orphans o = {.v = v, .store = v->a->store, .catalog = v->catalog};
    return done || (look(&o, err) && !is_interrupted(&o, err));
}
