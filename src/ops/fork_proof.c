/* SPDX-License-Identifier: MIT */
#include "ops/fork_proof.h"

#include "tlog/proof.h"

#include <string.h>

static void add(struct vdm_report *r, enum vdm_finding_kind kind, const char *message)
{
    vdm_report_add(r, (struct vdm_seen){.kind = kind, .entry = VDM_NO_ENTRY}, "%s", message);
}

static bool signed_by(struct vdm_crypto *c, const struct vdm_fork_proof *p, int i)
{
    struct vdm_note note;
    return vdm_note_decode(p->note[i], &note, NULL) &&
           vdm_note_verify(&note, c, &p->key, NULL) == VDM_NOTE_GOOD;
}

bool vdm_fork_proof_holds(struct vdm_crypto *c, const struct vdm_fork_proof *p,
                          struct vdm_report *report)
{
    const struct vdm_checkpoint *h = p->head;
    for (int i = 0; i < 2; i++)
        if (!signed_by(c, p, i)) {
            add(report, VDM_CHECKPOINT_INVALID,
                i ? "the second checkpoint has no good signature by the key that the proof is about"
                  : "the first checkpoint has no good signature by the key that the proof is "
                    "about");
            return false;
        }
    if (h[0].size == h[1].size ||
        vdm_consistency_valid(c, h[0].size, p->root, h[1].size, h[1].root, p->hash, p->hashes))
        return true;
    add(report, VDM_PROOF_INVALID,
        "its hashes do not lead from its root to that of the larger checkpoint");
    return false;
}

static bool is_trusted(const struct vdm_trust *t, const struct vdm_vkey *key)
{
    for (size_t i = 0; i < t->keys; i++)
        if (vdm_vkey_equal(&t->key[i], key))
            return true;
    for (size_t i = 0; t->policy && i < t->policy->logs; i++)
        if (vdm_vkey_equal(&t->policy->log[i], key))
            return true;
    return false;
}

static void describe(struct vdm_crypto *c, const struct vdm_fork_proof *p, struct vdm_report *r)
{
    memcpy(r->origin, p->key.name, strnlen(p->key.name, VDM_NAME_MAX) + 1);
    memcpy(r->trusted_key, p->key.name, strnlen(p->key.name, VDM_NAME_MAX) + 1);
    r->key = p->key.key;
    vdm_fingerprint(c, &p->key.key, r->fingerprint);
    r->size = p->head[1].size;
    r->root = p->head[1].root;
    r->other_size = p->head[0].size;
    r->other_root = p->head[0].root;
}

bool vdm_verify_fork_proof(struct vdm_crypto *c, struct vdm_bytes proof,
                           const struct vdm_trust *trust, struct vdm_report *report,
                           struct vdm_err *err)
{
    struct vdm_fork_proof p;
    struct vdm_err why = {0};
    if (!vdm_fork_proof_decode(c, proof, &p, &why)) {
        if (why.kind != VDM_ERR_MALFORMED)
            return vdm_fail_as(err, why.kind, "%s", why.text);
        add(report, VDM_PROOF_INVALID, why.text);
        return true;
    }
    describe(c, &p, report);
    (void)vdm_fork_proof_holds(c, &p, report);
    report->trusted = is_trusted(trust, &p.key);
    if (!report->trusted)
        add(report, VDM_KEY_UNTRUSTED,
            trust->keys || trust->policy
                ? "the key that it is about is none that you trust (it must be the ledger's own: "
                  "nothing here leads from the authority's key to it)"
                : "no trusted key was given (--trust): it convinces who knows that this is the "
                  "ledger's key");
    return true;
}
