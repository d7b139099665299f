/* SPDX-License-Identifier: MIT */
#include "ops/verify_archive_state.h"

#include <stdlib.h>

static bool remember(struct vdm_verify *v, struct vdm_digest id, struct vdm_err *err)
{
    if (v->findings_n == v->findings_cap) {
        size_t cap = v->findings_cap ? v->findings_cap * 2 : 16;
        struct vdm_digest *grown = reallocarray(v->findings, cap, sizeof *grown);
        if (!grown)
            return vdm_fail_memory(err);
        v->findings = grown;
        v->findings_cap = cap;
    }
    v->findings[v->findings_n++] = id;
    return true;
}

bool vdm_verify_audit(struct vdm_verify *v, const struct vdm_entry *e, struct vdm_err *err)
{
    enum vdm_store_state state;
    char hex[65];
    if (!e->audit.has_findings)
        return true;
    if (!remember(v, e->audit.findings, err))
        return false;
    if (v->o->without_documents)
        return true;
    if (!vdm_store_check(v->a->store, e->audit.findings, VDM_SIZE_UNKNOWN, &state, err))
        return false;
    vdm_digest_hex(e->audit.findings, hex);
    if (state != VDM_STORE_GOOD)
        vdm_report_add(v->report,
                       (struct vdm_seen){.kind = state == VDM_STORE_MISSING ? VDM_DOCUMENT_MISSING
                                                                            : VDM_DOCUMENT_CORRUPT,
                                         .entry = e->n,
                                         .document = hex,
                                         .expected = hex},
                       "what this audit found is not in the store as it was kept");
    return true;
}

bool vdm_verify_is_findings(const struct vdm_verify *v, struct vdm_digest id)
{
    for (size_t i = 0; i < v->findings_n; i++)
        if (vdm_digest_equal(v->findings[i], id))
            return true;
    return false;
}
