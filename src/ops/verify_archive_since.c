/* SPDX-License-Identifier: MIT */
#include "ops/verify_archive_state.h"

bool vdm_verify_start_since(struct vdm_verify *v, struct vdm_err *err)
{
    const struct vdm_verified *s = v->o->since;
    if (v->check.keyring.count)
        v->report->authority = v->check.keyring.range[0].key;
    if (!s || !v->check.keyring.count) /* that there is no genesis is found by the pass */
        return true;
    if (!vdm_bytes_equal_str(vdm_str(s->ledger), v->check.keyring.origin) ||
        !vdm_keyring_is_authority(&v->check.keyring, &s->authority))
        return vdm_fail_as(err, VDM_ERR_REFUSED,
                           "what was verified before is of another ledger or authority: %s, "
                           "%.64s",
                           s->ledger, s->authority.name);
    if (s->size > v->size) {
        vdm_report_add(v->report, vdm_seen_at(VDM_ROLLED_BACK, VDM_NO_ENTRY),
                       "what was verified before had %llu entries, the ledger only %llu: it was "
                       "put back to an older state. Restore the newer store",
                       (unsigned long long)s->size, (unsigned long long)v->size);
        return true;
    }
    v->since = s;
    v->report->covered = s->size;
    v->report->covered_at = s->time;
    return true;
}

bool vdm_verify_covers(const struct vdm_verify *v, uint64_t n, const struct vdm_entry *e)
{
    const struct vdm_key_range *r;
    if (!v->since || n >= v->since->size)
        return false;
    r = vdm_keyring_find(&v->check.keyring, e->signer, e->signer_id);
    return r && r->authorized_at < v->since->size;
}

void vdm_verify_compare_since(struct vdm_verify *v, uint64_t size)
{
    if (!v->since || v->since->size != size)
        return;
    if (vdm_digest_equal(vdm_tile_writer_root(v->tree), v->since->root))
        return;
    vdm_report_add(v->report, vdm_seen_at(VDM_FORKED, VDM_NO_ENTRY),
                   "the first %llu entries are not those that were verified before; their "
                   "signatures were not checked this time: check again without --since",
                   (unsigned long long)size);
}
