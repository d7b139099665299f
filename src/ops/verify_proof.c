/* SPDX-License-Identifier: MIT */
#include "format/checkpoint.h"
#include "format/proof.h"
#include "ops/verify_bundle.h"
#include "tlog/proof.h"
#include "tlog/tree.h"

#include <stdlib.h>
#include <string.h>

#define PROOF_HEADER "c2sp.org/tlog-proof@"

static void add(struct vdm_report *r, enum vdm_finding_kind kind, uint64_t n, const char *message)
{
    vdm_report_add(r, (struct vdm_seen){.kind = kind, .entry = n}, "%s", message);
}

/* --- the checkpoint, which only keys of the reader's can vouch for --- */

struct bare {
    struct vdm_crypto *crypto;
    const struct vdm_trust *trust;
    struct vdm_report *report;
    struct vdm_note note;
    struct vdm_checkpoint head;
};

/* A key that the reader trusts may well stand on a note that was altered: that is worth a finding. */
static bool vouches(struct bare *b, const struct vdm_vkey *key)
{
    switch (vdm_note_verify(&b->note, b->crypto, key, NULL)) {
    case VDM_NOTE_NOT_BY:
        return false;
    case VDM_NOTE_GOOD:
        return key->type == VDM_KEY_ED25519 && vdm_bytes_equal_str(b->head.origin, key->name);
    case VDM_NOTE_BAD:
        vdm_report_add(b->report,
                       (struct vdm_seen){.kind = VDM_CHECKPOINT_INVALID, .entry = VDM_NO_ENTRY},
                       "the signature by %s on the checkpoint is not good", key->name);
        return false;
    }
    return false;
}

static const struct vdm_vkey *find_anchor(struct bare *b)
{
    const struct vdm_vkey *found = NULL;
    const struct vdm_policy *policy = b->trust->policy;
    for (size_t i = 0; i < b->trust->keys; i++)
        if (vouches(b, &b->trust->key[i]) && !found)
            found = &b->trust->key[i];
    for (size_t i = 0; policy && i < policy->logs; i++)
        if (vouches(b, &policy->log[i]) && !found)
            found = &policy->log[i];
    return found;
}

static void check_bare(struct bare *b)
{
    const struct vdm_policy *policy = b->trust->policy;
    struct vdm_report *r = b->report;
    const struct vdm_vkey *anchor = find_anchor(b);
    r->size = b->head.size;
    r->root = b->head.root;
    if (vdm_origin_valid(b->head.origin)) {
        memcpy(r->origin, b->head.origin.p, b->head.origin.n);
        r->origin[b->head.origin.n] = 0;
    }
    r->trusted = anchor != NULL;
    if (anchor) {
        memcpy(r->trusted_key, anchor->name, strnlen(anchor->name, VDM_NAME_MAX));
        r->key = anchor->key;
        vdm_fingerprint(b->crypto, &anchor->key, r->fingerprint);
    } else {
        add(r, VDM_KEY_UNTRUSTED, VDM_NO_ENTRY,
            b->trust->keys || policy
                ? "no ledger key that you trust has signed the checkpoint (the authority's key "
                  "cannot vouch here: only a bundle holds what leads from it to the ledger's)"
                : "no trusted key was given (--trust): anybody could have made this");
    }
    if (policy && policy->has_quorum && !vdm_policy_met(policy, b->crypto, &b->note))
        add(r, VDM_QUORUM_UNMET, VDM_NO_ENTRY,
            "the checkpoint does not carry the witnesses' signatures that the policy asks for");
    add(r, VDM_FRESHNESS_UNKNOWN, VDM_NO_ENTRY,
        "nothing here says whether this is the ledger's newest checkpoint");
}

bool vdm_verify_checkpoint(struct vdm_crypto *c, struct vdm_bytes note,
                           const struct vdm_trust *trust, struct vdm_report *report,
                           struct vdm_err *err)
{
    struct bare b = {.crypto = c, .trust = trust, .report = report};
    if (!vdm_checkpoint_open(note, &b.note, &b.head, err))
        return vdm_err_prefix(err, "not a checkpoint");
    check_bare(&b);
    return true;
}

/* --- the entry --- */

void vdm_proved_entry_release(struct vdm_proved_entry *p)
{
    vdm_buf_release(&p->bytes);
    memset(p, 0, sizeof *p);
}

static const struct vdm_vkey *signer_key(const struct vdm_trust *trust, const struct vdm_entry *e)
{
    for (size_t i = 0; i < trust->keys; i++)
        if (trust->key[i].id == e->signer_id && trust->key[i].type == VDM_KEY_ED25519 &&
            vdm_bytes_equal_str(e->signer, trust->key[i].name))
            return &trust->key[i];
    return e->kind == VDM_ENTRY_GENESIS ? &e->genesis.authority : NULL;
}

static void check_signature(struct bare *b, struct vdm_proved_entry *out)
{
    const struct vdm_entry *e = &out->entry;
    const struct vdm_vkey *key = signer_key(b->trust, e);
    out->signature_checked = key != NULL;
    if (key && vdm_note_verify(&out->note, b->crypto, key, NULL) != VDM_NOTE_GOOD)
        add(b->report, VDM_SIGNATURE_INVALID, e->n,
            "the signature does not fit the entry and its signer's key");
}

static void check_entry(struct bare *b, uint64_t index, struct vdm_proved_entry *out)
{
    const struct vdm_entry *e = &out->entry;
    struct vdm_err why = {0};
    struct vdm_bytes bytes = vdm_buf_bytes(&out->bytes);
    out->decoded = vdm_entry_open(b->crypto, bytes, &out->note, &out->entry, &why);
    if (!out->decoded) {
        add(b->report, VDM_ENTRY_MALFORMED, index, why.text);
        return;
    }
    b->report->entries++;
    if (e->n != index || !vdm_bytes_equal(e->ledger, b->head.origin))
        add(b->report, VDM_ENTRY_MALFORMED, index, "not this entry of this ledger");
    if (e->kind == VDM_ENTRY_UNKNOWN)
        vdm_report_add(
            b->report, (struct vdm_seen){.kind = VDM_ENTRY_OF_UNKNOWN_KIND, .entry = index},
            "%.*s is not known to this version", (int)e->type.n, (const char *)e->type.p);
    if (index + 1 == b->head.size) {
        b->report->has_time = true;
        b->report->time = e->recorded;
    }
    check_signature(b, out);
}

static bool take_extra(const struct vdm_inclusion_proof *p, struct vdm_proved_entry *out,
                       struct vdm_err *err)
{
    size_t n = 0;
    uint8_t *room = vdm_buf_grow(&out->bytes, p->extra.n);
    if (!vdm_buf_ok(&out->bytes, err))
        return false;
    if (!vdm_base64_decode(p->extra, room, p->extra.n, &n))
        return vdm_fail_as(err, VDM_ERR_MALFORMED, "the `extra` line is no base64");
    out->bytes.n = n;
    return true;
}

bool vdm_verify_proof(struct vdm_crypto *c, struct vdm_bytes proof, const struct vdm_trust *trust,
                      struct vdm_report *report, struct vdm_proved_entry *out, struct vdm_err *err)
{
    struct bare b = {.crypto = c, .trust = trust, .report = report};
    struct vdm_inclusion_proof p;
    struct vdm_err why = {0};
    if (!vdm_bytes_start_with(proof, VDM_LIT(PROOF_HEADER)))
        return vdm_fail_as(err, VDM_ERR_MALFORMED, "not a proof");
    if (!vdm_inclusion_proof_decode(proof, &p, &why)) {
        add(report, VDM_PROOF_INVALID, VDM_NO_ENTRY, why.text);
        return true;
    }
    if (p.extra.n == 0)
        return vdm_fail_as(err, VDM_ERR_MALFORMED,
                           "the proof has no `extra` line: the entry that it is about is not here");
    if (!take_extra(&p, out, &why)) {
        add(report, VDM_PROOF_INVALID, p.index, why.text);
        return why.kind == VDM_ERR_MALFORMED || vdm_fail(err, "%s", why.text);
    }
    if (!vdm_checkpoint_open(p.checkpoint, &b.note, &b.head, &why)) {
        add(report, VDM_CHECKPOINT_INVALID, p.index, why.text);
        return true;
    }
    struct vdm_digest leaf = vdm_tlog_leaf(c, vdm_buf_bytes(&out->bytes));
    if (!vdm_inclusion_valid(c, p.index, b.head.size, leaf, b.head.root, p.hash, p.hashes))
        add(report, VDM_LEAF_MISMATCH, p.index,
            "the entry is not the leaf that this proof leads to");
    check_entry(&b, p.index, out);
    check_bare(&b);
    return true;
}
