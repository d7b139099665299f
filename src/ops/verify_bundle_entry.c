/* SPDX-License-Identifier: MIT */
#include "format/proof.h"
#include "ops/verify_bundle_state.h"
#include "tlog/tree.h"

#include <string.h>

void vdm_bundle_note(struct vdm_bundle_check *v, enum vdm_finding_kind kind, uint64_t entry,
                     const char *document, const char *message)
{
    vdm_report_add(v->report, (struct vdm_seen){.kind = kind, .entry = entry, .document = document},
                   "%s", message);
    v->m.faulty = v->m.faulty || (document && strcmp(document, v->m.path) == 0);
}

bool vdm_bundle_is_newest(const struct vdm_bundle_check *v, uint64_t n)
{
    return v->has_head && n + 1 == v->head.size;
}

bool vdm_bundle_before_evidence(const struct vdm_bundle_check *v)
{
    return v->m.here && v->m.name.kind != VDM_LAYOUT_EVIDENCE;
}

bool vdm_bundle_says(const struct vdm_bundle_check *v, const char *kind)
{
    struct vdm_bytes b = v->m.content;
    return vdm_bytes_start_with(b, VDM_LIT("vidimus/")) &&
           vdm_bytes_start_with(vdm_bytes_skip(b, 8), vdm_str(kind));
}

void vdm_bundle_missing(struct vdm_bundle_check *v, enum vdm_finding_kind kind,
                        const struct vdm_layout_member *name, const struct vdm_accounted *as)
{
    char path[VDM_LAYOUT_PATH_MAX + 1];
    if (!vdm_members_absent(&v->m, name, as) || !vdm_layout_encode(name, path, NULL))
        return;
    vdm_bundle_note(v, kind, name->kind >= VDM_LAYOUT_ENTRY ? name->n : VDM_NO_ENTRY, path,
                    "this member is missing");
}

bool vdm_bundle_take_stray(struct vdm_bundle_check *v, struct vdm_err *err)
{
    uint64_t n = v->m.name.n;
    bool entry = v->m.name.kind == VDM_LAYOUT_ENTRY;
    if (!vdm_members_unexpected(&v->m, NULL, err))
        return false;
    while (entry && (vdm_members_at_number(&v->m, VDM_LAYOUT_PROOF, n) ||
                     vdm_members_at_number(&v->m, VDM_LAYOUT_RECORD, n)))
        if (!vdm_members_skip(&v->m, err))
            return false;
    return true;
}

/* --- proofs --- */

static void check_inclusion(struct vdm_bundle_check *v, uint64_t n,
                            const struct vdm_inclusion_proof *p)
{
    struct vdm_digest leaf = vdm_tlog_leaf(v->crypto, vdm_buf_bytes(&v->entry));
    if (!v->has_head || !v->entry_whole ||
        vdm_inclusion_valid_beside(v->crypto, n, v->head.size, leaf, v->head.root, p->hash,
                                   p->hashes, &v->way))
        return;
    vdm_bundle_note(v, VDM_LEAF_MISMATCH, n, v->m.path,
                    "these bytes are not this entry of the signed tree");
}

static void check_proof(struct vdm_bundle_check *v, uint64_t n)
{
    struct vdm_inclusion_proof p;
    struct vdm_err why = {0};
    const char *problem = NULL;
    if (!vdm_inclusion_proof_decode(v->m.content, &p, &why))
        problem = why.text;
    else if (p.extra.n)
        problem = "a proof in a bundle has no `extra` line";
    else if (p.index != n)
        problem = "it is about another entry";
    else if (v->checkpoint.n && !vdm_bytes_equal(p.checkpoint, vdm_buf_bytes(&v->checkpoint)))
        problem = "its checkpoint is not vidimus/checkpoint";
    v->report->no_memory |= vdm_err_is_memory(&why); /* no verdict */
    if (problem)
        vdm_bundle_note(v, VDM_PROOF_INVALID, n, v->m.path, problem);
    else
        check_inclusion(v, n, &p);
}

/* *good: here, and without a finding of its own. */
static bool take_proof(struct vdm_bundle_check *v, uint64_t n, bool *good, struct vdm_err *err)
{
    *good = false;
    if (!vdm_members_at_number(&v->m, VDM_LAYOUT_PROOF, n)) {
        vdm_bundle_missing(v, VDM_PROOF_INVALID,
                           &(struct vdm_layout_member){.kind = VDM_LAYOUT_PROOF, .n = n}, NULL);
        return true;
    }
    if (!vdm_members_load(&v->m, VDM_NOTE_MAX, err))
        return false;
    if (v->m.here)
        check_proof(v, n);
    *good = v->m.here && !v->m.faulty;
    return vdm_members_take(&v->m, NULL, err);
}

/* --- entries --- */

static void remember_newest(struct vdm_bundle_check *v, uint64_t n)
{
    if (!vdm_bundle_is_newest(v, n))
        return;
    v->newest_seen = true;
    v->newest_decoded = v->checked.decoded;
    if (v->checked.decoded)
        v->newest_recorded = v->checked.entry.recorded;
}

bool vdm_bundle_take_entry(struct vdm_bundle_check *v, struct vdm_err *err)
{
    uint64_t n = v->m.name.n, before = vdm_report_findings(v->report);
    bool good_proof;
    v->checked.decoded = v->checked.signer_good = v->entry_good = false;
    if (!vdm_members_load(&v->m, VDM_NOTE_MAX, err))
        return false;
    if (!v->m.here)
        return true;
    const struct vdm_known_entry *known = vdm_members_entry(&v->m, &v->entry);
    v->entry_whole = v->m.member.size <= VDM_NOTE_MAX;
    if (!vdm_buf_ok(&v->entry, err) ||
        !vdm_entry_check_next_known(&v->check, n, vdm_buf_bytes(&v->entry), known, &v->checked,
                                    err))
        return false;
    remember_newest(v, n);
    v->m.faulty = vdm_report_findings(v->report) != before;
    bool good = v->checked.decoded && v->checked.signer_good && !v->m.faulty;
    if (!vdm_members_take(&v->m, NULL, err) || !take_proof(v, n, &good_proof, err))
        return false;
    v->entry_good = good && good_proof;
    return true;
}
