/* SPDX-License-Identifier: MIT */
#include "ops/verify_archive_state.h"

/* Is entry `at` an amendment or withdrawal (`kind`) of capture n? */
static bool is_about(struct vdm_verify *v, uint64_t at, enum vdm_entry_kind kind, uint64_t n)
{
    struct vdm_buf bytes VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_note note;
    struct vdm_entry e;
    return vdm_archive_entry(v->a, at, &bytes, &note, &e, NULL) && e.kind == kind &&
           (kind == VDM_ENTRY_AMENDMENT ? e.capture.amends : e.withdrawal.of) == n;
}

/* Of a capture: the newest entry about it that the catalog knows of is about it. */
static bool fate_is_right(struct vdm_verify *v, uint64_t n, const struct vdm_catalog_fate *f)
{
    return (f->amended == UINT64_MAX || is_about(v, f->amended, VDM_ENTRY_AMENDMENT, n)) &&
           (f->withdrawn == UINT64_MAX || is_about(v, f->withdrawn, VDM_ENTRY_WITHDRAWAL, n));
}

/* Does the catalog say of capture n what entry e, which is it or is about it, and `r` say? A record
 * that is withdrawn may be forgotten; one that is not there (r == NULL) compares only then. */
static bool catalog_agrees(struct vdm_verify *v, const struct vdm_entry *e, uint64_t n,
                           const struct vdm_record *r, bool *same, struct vdm_err *err)
{
    struct vdm_catalog_compared known;
    if (!vdm_catalog_compare(v->catalog, n, e->recorded, r, &known, err))
        return false;
    const struct vdm_catalog_fate *fate = &known.fate;
    bool withdrawn = known.found && fate->withdrawn != UINT64_MAX, newest = false;
    *same = known.found;
    if (e->kind == VDM_ENTRY_WITHDRAWAL) {
        *same = withdrawn && fate->withdrawn >= e->n;
    } else if (e->kind == VDM_ENTRY_AMENDMENT) {
        *same = known.found && fate->amended != UINT64_MAX && fate->amended >= e->n;
        newest = fate->amended == e->n;
    } else if (known.found) {
        *same = known.same_time && fate_is_right(v, n, fate);
        newest = fate->amended == UINT64_MAX;
    }
    if (!*same || !newest || (!r && !withdrawn))
        return true;
    *same = r && known.same_record;
    if (*same || !withdrawn)
        return true;
    bool ok = vdm_catalog_compare(v->catalog, n, e->recorded, NULL, &known, err);
    *same = ok && known.same_record;
    return ok;
}

/* Without a whole catalog nobody knows what is an entry's. */
#define NO_ORPHANS ", and what is in the store and no entry's was not looked for"

void vdm_verify_catalog_broken(struct vdm_verify *v, const struct vdm_err *why)
{
    bool bad = why->kind == VDM_ERR_MALFORMED;
    vdm_report_add(v->report,
                   vdm_seen_at(bad ? VDM_CATALOG_MISMATCH : VDM_CATALOG_BEHIND, VDM_NO_ENTRY),
                   "the catalog cannot be read (`vidimus reindex`)" NO_ORPHANS ": %s", why->text);
    v->catalog = NULL;
}

/* Who withdraws or reindexes meanwhile changes what was to be compared: then nothing follows from it. */
static void mismatch(struct vdm_verify *v, uint64_t n)
{
    struct vdm_err why = {0};
    uint64_t version;
    if (!vdm_catalog_version(v->catalog, &version, &why)) {
        vdm_verify_catalog_broken(v, &why);
    } else if (version != v->catalog_version) {
        vdm_report_add(
            v->report, vdm_seen_at(VDM_CATALOG_BEHIND, VDM_NO_ENTRY),
            "somebody wrote to the catalog meanwhile: it was compared up to entry %llu" NO_ORPHANS,
            (unsigned long long)n);
        v->catalog = NULL;
    } else {
        vdm_report_add(v->report, vdm_seen_at(VDM_CATALOG_MISMATCH, n),
                       "the catalog does not say of it what the ledger says (`vidimus reindex`)");
    }
}

void vdm_verify_catalog(struct vdm_verify *v, const struct vdm_entry *e, uint64_t n,
                        const struct vdm_record *r)
{
    struct vdm_err why = {0};
    bool same;
    if (!v->catalog || e->n >= v->catalog_reach)
        return;
    if (!catalog_agrees(v, e, n, r, &same, &why))
        vdm_verify_catalog_broken(v, &why);
    else if (!same)
        mismatch(v, n);
}

/* Is it of this ledger, and how far does it reach? */
static bool look_at_catalog(struct vdm_verify *v, struct vdm_err *why)
{
    struct vdm_catalog_reach reach;
    uint64_t size; /* now: who writes meanwhile takes both along */
    bool fits;
    struct vdm_err bad = {0};
    if (!vdm_catalog_version(v->catalog, &v->catalog_version, &bad) ||
        !vdm_catalog_reached(v->catalog, &reach, &bad)) {
        vdm_verify_catalog_broken(v, &bad);
        return true;
    }
    if (!vdm_ledger_size(v->a->ledger, &size, why) ||
        !vdm_archive_catalog_fits(v->a, &reach, size, &fits, why))
        return false;
    if (!fits)
        return vdm_fail_as(why, VDM_ERR_MALFORMED, "it is not of this ledger");
    v->catalog_reach = reach.entries;
    if (reach.entries < v->size)
        vdm_report_add(v->report, vdm_seen_at(VDM_CATALOG_BEHIND, VDM_NO_ENTRY),
                       "the catalog reaches %llu of %llu entries" NO_ORPHANS,
                       (unsigned long long)reach.entries, (unsigned long long)v->size);
    return true;
}

/* A ledger that cannot be read is no matter of the catalog. */
bool vdm_verify_start_catalog(struct vdm_verify *v, struct vdm_err *err)
{
    struct vdm_err why = {0};
    v->catalog = v->a->catalog;
    if (!v->catalog)
        vdm_report_add(v->report, vdm_seen_at(VDM_CATALOG_BEHIND, VDM_NO_ENTRY),
                       "there is no usable catalog (`vidimus reindex` makes it)" NO_ORPHANS ": %s",
                       v->a->catalog_problem);
    else if (!look_at_catalog(v, &why)) {
        if (why.kind == VDM_ERR_FAILED)
            return vdm_fail(err, "%s", why.text);
        vdm_verify_catalog_broken(v, &why);
    }
    return true;
}

/* One that cannot be held is found out by the next look at it. */
void vdm_verify_catalog_hold(struct vdm_verify *v)
{
    if (v->catalog && vdm_catalog_hold(v->catalog, NULL))
        v->catalog_held = v->catalog;
}

void vdm_verify_catalog_let_go(struct vdm_verify *v)
{
    vdm_catalog_rollback(v->catalog_held);
    v->catalog_held = NULL;
}

static void count_held(struct vdm_verify *v)
{
    struct vdm_catalog_reach reach;
    struct vdm_err why = {0};
    uint64_t captures;
    bool found;
    if (!vdm_catalog_count(v->catalog, &captures, &found, &why) ||
        !vdm_catalog_reached(v->catalog, &reach, &why)) {
        vdm_verify_catalog_broken(v, &why);
        return;
    }
    if (!found)
        vdm_report_add(v->report, vdm_seen_at(VDM_CATALOG_MISMATCH, VDM_NO_ENTRY),
                       "the catalog does not lead to each capture by its document and its source "
                       "(`vidimus reindex`)");
    if (v->catalog_reach == v->size &&
        reach.entries == v->size && /* else somebody went on writing: the surplus is theirs */
        captures > v->report->captures + v->report->kinds[VDM_ENTRY_MALFORMED])
        vdm_report_add(v->report, vdm_seen_at(VDM_CATALOG_MISMATCH, VDM_NO_ENTRY),
                       "the catalog knows %llu captures, the ledger %llu (`vidimus reindex`)",
                       (unsigned long long)captures, (unsigned long long)v->report->captures);
}

/* The entries of the catalog were compared one by one; here, whether it has more of them, and whether
 * it finds them. */
void vdm_verify_count_catalog(struct vdm_verify *v)
{
    if (!v->catalog)
        return;
    vdm_verify_catalog_hold(v);
    count_held(v);
    vdm_verify_catalog_let_go(v);
}
