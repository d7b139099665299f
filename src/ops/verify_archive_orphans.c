/* SPDX-License-Identifier: MIT */
/* What stands in the store and is no entry's. */
#include "ops/verify_archive_state.h"

#define OBJECTS_HELD 500 /* are looked up in one state of the catalog */

struct look {
    struct vdm_verify *v;
    struct vdm_catalog *held; /* or NULL */
    unsigned asked;           /* of what is held */
    struct vdm_err *trouble;  /* with the catalog */
};

static void tell(struct vdm_verify *v, const struct vdm_store_item *item)
{
    char hex[65];
    struct vdm_seen s = vdm_seen_at(VDM_ORPHAN_DOCUMENT, VDM_NO_ENTRY);
    if (item->stranger && item->trouble == VDM_STORE_INDEX_WRONG) {
        vdm_report_add(v->report, vdm_seen_at(VDM_CATALOG_MISMATCH, VDM_NO_ENTRY),
                       "store/%s does not lead to all documents (`vidimus reindex` makes it anew)",
                       item->stranger);
    } else if (item->stranger) {
        vdm_report_add(v->report, s, "store/%s does not belong there", item->stranger);
    } else if (!vdm_verify_is_findings(v, item->id)) {
        vdm_digest_hex(item->id, hex);
        s.document = hex;
        vdm_report_add(v->report, s,
                       "stored, but no capture is of it (as an import leaves it that is under way, "
                       "or was interrupted)");
    }
}

static void let_go(struct look *l)
{
    vdm_catalog_rollback(l->held);
    l->held = NULL;
    l->asked = 0;
}

/* Who withdraws or reindexes makes the catalog anew, and until it is, little is known to it. */
static bool hold(struct look *l, struct vdm_err *err)
{
    struct vdm_catalog_reach reach;
    if (!vdm_catalog_hold(l->v->catalog, err))
        return false;
    l->held = l->v->catalog;
    return vdm_catalog_reached(l->held, &reach, err) &&
           (reach.entries >= l->v->size || vdm_fail(err, "somebody is making it anew"));
}

static bool is_known(struct look *l, struct vdm_digest id, bool *known, struct vdm_err *err)
{
    if (l->asked == OBJECTS_HELD)
        let_go(l);
    l->asked++;
    return (l->held || hold(l, err)) && vdm_catalog_has_document(l->held, id, known, err);
}

static bool visit(void *ctx, const struct vdm_store_item *item, bool *stop, struct vdm_err *err)
{
    struct look *l = ctx;
    bool known = false;
    if (vdm_progress_stop(l->v->progress))
        return vdm_fail_as(err, VDM_ERR_INTERRUPTED,
                           "interrupted while it looked for documents that are no entry's");
    *stop = !item->stranger && !is_known(l, item->id, &known, l->trouble);
    if (!known && !*stop)
        tell(l->v, item);
    return true;
}

bool vdm_verify_orphans(struct vdm_verify *v, struct vdm_err *err)
{
    struct vdm_err trouble = {0};
    struct look l = {.v = v, .trouble = &trouble};
    if (!v->catalog || v->catalog_reach < v->size || v->o->without_documents)
        return true;
    bool ok = vdm_store_each(v->a->store, visit, &l, err);
    let_go(&l);
    if (ok && trouble.text[0])
        vdm_verify_catalog_broken(v, &trouble);
    return ok;
}
