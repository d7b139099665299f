/* SPDX-License-Identifier: MIT */
#include "format/proof.h"
#include "ops/verify_bundle_state.h"
#include "tlog/proof.h"

#include <string.h>

/* Evidence about one checkpoint. */
struct about {
    uint64_t size;
    char name[VDM_LAYOUT_EVIDENCE_NAME_MAX + 1]; /* of the member before */
    bool has_root;                               /* a good checkpoint of this size was there */
    struct vdm_digest root;
    bool proved; /* and the bundle's tree begins with it */
};

/* Bad evidence takes nothing away from what the bundle shows by itself. */
static void ignored(struct vdm_bundle_check *v, const char *document, const char *why)
{
    vdm_bundle_note(v, VDM_EVIDENCE_NOT_CHECKED, VDM_NO_ENTRY, document, why);
}

static bool ends_in(const char *name, const char *suffix)
{
    size_t n = strlen(name), s = strlen(suffix);
    return n > s && strcmp(name + n - s, suffix) == 0;
}

/* --- checkpoints --- */

/* By a ledger key of whatever time: a fork stays one when the key is no longer in force. */
static bool by_a_ledger_key(struct vdm_bundle_check *v, const struct vdm_note *note)
{
    const struct vdm_keyring *k = &v->check.keyring;
    for (size_t i = 0; i < k->count; i++)
        if (k->range[i].role == VDM_ROLE_LEDGER &&
            vdm_note_verify(note, v->crypto, &k->range[i].key, NULL) == VDM_NOTE_GOOD)
            return true;
    return false;
}

static bool by_the_ledger_key(struct vdm_bundle_check *v, const struct vdm_note *note,
                              uint64_t size)
{
    const struct vdm_key_range *before;
    const struct vdm_key_range *key = vdm_keyring_ledger_key(&v->check.keyring, size, &before);
    return key && vdm_note_verify(note, v->crypto, &key->key, NULL) == VDM_NOTE_GOOD;
}

static void count_line(struct vdm_bundle_check *v, const struct vdm_note *note,
                       const struct vdm_vkey *key, size_t *known, bool *bad)
{
    enum vdm_note_verdict by = vdm_note_verify(note, v->crypto, key, NULL);
    *known += by != VDM_NOTE_NOT_BY;
    *bad = *bad || by == VDM_NOTE_BAD;
}

/* Every line of a checkpoint: a bad one is told, and so is one that there is no key for. */
static void check_lines(struct vdm_bundle_check *v, const struct vdm_note *note)
{
    const struct vdm_policy *policy = v->o->trust.policy;
    const struct vdm_keyring *k = &v->check.keyring;
    size_t known = 0;
    bool bad = false;
    for (size_t i = 0; i < k->count; i++)
        if (k->range[i].role == VDM_ROLE_LEDGER)
            count_line(v, note, &k->range[i].key, &known, &bad);
    for (size_t i = 0; policy && i < policy->items; i++)
        if (!policy->item[i].is_group)
            count_line(v, note, &policy->item[i].key, &known, &bad);
    if (bad)
        ignored(v, v->m.path,
                "a signature by a ledger key or a witness of your policy is not good");
    if (known < note->signatures)
        ignored(v, v->m.path, "it has signatures by witnesses that no policy of yours names");
}

static void forked(struct vdm_bundle_check *v, struct vdm_digest found)
{
    char want[65], got[65];
    vdm_digest_hex(v->head.root, want);
    vdm_digest_hex(found, got);
    vdm_report_add(v->report,
                   (struct vdm_seen){.kind = VDM_FORKED,
                                     .entry = VDM_NO_ENTRY,
                                     .document = v->m.path,
                                     .expected = want,
                                     .found = got},
                   "a ledger key signed another tree of the same size");
}

static bool take_checkpoint(struct vdm_bundle_check *v, struct about *a, struct vdm_err *err)
{
    struct vdm_bytes bytes = v->m.content;
    struct vdm_note note;
    struct vdm_checkpoint head;
    struct vdm_err why = {0};
    const char *problem = NULL;
    if (!v->has_head || !v->check.has_genesis)
        problem = "there is nothing to compare it with";
    else if (!vdm_checkpoint_open(bytes, &note, &head, &why))
        problem = why.text;
    else if (!vdm_bytes_equal(head.origin, v->head.origin) || head.size != a->size ||
             head.size > v->head.size)
        problem = "no checkpoint of this ledger and this size, up to the bundle's";
    else if (head.size == v->head.size && !vdm_digest_equal(head.root, v->head.root) &&
             by_a_ledger_key(v, &note))
        forked(v, head.root);
    else if (!by_the_ledger_key(v, &note, head.size))
        problem = "not signed by the ledger key in force";
    else {
        a->has_root = true;
        a->root = head.root;
        a->proved = head.size == v->head.size;
    }
    v->report->no_memory |= vdm_err_is_memory(&why); /* no verdict */
    if (problem)
        ignored(v, v->m.path, problem);
    if (!a->has_root)
        return true;
    check_lines(v, &note);
    if (a->size != v->head.size)
        return true;
    vdm_buf_put(&v->cosigned, bytes);
    return vdm_buf_ok(&v->cosigned, err);
}

static void take_consistency(struct vdm_bundle_check *v, struct about *a)
{
    struct vdm_consistency_proof p;
    struct vdm_err why = {0};
    const char *problem = NULL;
    if (!vdm_consistency_proof_decode(v->m.content, &p, &why))
        problem = why.text;
    else if (!a->has_root)
        problem = "no good checkpoint of this size stands before it";
    else if (p.old_size != a->size || !vdm_bytes_equal(p.checkpoint, vdm_buf_bytes(&v->checkpoint)))
        problem = "it does not lead from this size to vidimus/checkpoint";
    else if (!vdm_consistency_valid(v->crypto, a->size, a->root, v->head.size, v->head.root, p.hash,
                                    p.hashes))
        problem = "it does not show that the bundle's tree extends that one";
    v->report->no_memory |= vdm_err_is_memory(&why); /* no verdict */
    if (problem)
        ignored(v, v->m.path, problem);
    a->proved = a->has_root; /* or said above why not */
}

/* --- one after another --- */

static void finish_size(struct vdm_bundle_check *v, const struct about *a)
{
    if (a->has_root && !a->proved)
        vdm_report_add(
            v->report, (struct vdm_seen){.kind = VDM_EVIDENCE_NOT_CHECKED, .entry = VDM_NO_ENTRY},
            "nothing here shows that the bundle's tree extends the checkpoint of size %llu",
            (unsigned long long)a->size);
}

static bool is_evidence_name(const char *name)
{
    return strcmp(name, "checkpoint") == 0 || strcmp(name, "consistency") == 0 ||
           ends_in(name, ".tsr") || ends_in(name, ".ots");
}

static bool take_evidence(struct vdm_bundle_check *v, struct about *a, struct vdm_err *err)
{
    const struct vdm_layout_member *name = &v->m.name;
    if (name->n != a->size) {
        finish_size(v, a);
        *a = (struct about){.size = name->n};
    }
    memcpy(a->name, name->name, sizeof a->name);
    if (!vdm_members_load(&v->m, VDM_EVIDENCE_MAX, err))
        return false;
    if (!v->m.here)
        return true;
    if (v->m.member.size > VDM_EVIDENCE_MAX)
        ignored(v, v->m.path, "larger than evidence may be");
    else if (strcmp(a->name, "consistency") == 0)
        take_consistency(v, a);
    else if (strcmp(a->name, "checkpoint") != 0)
        ignored(v, v->m.path, "this kind of evidence is not checked here");
    else if (!take_checkpoint(v, a, err))
        return false;
    return vdm_members_take(&v->m, NULL, err);
}

bool vdm_bundle_read_evidence(struct vdm_bundle_check *v, struct vdm_err *err)
{
    struct about a = {0};
    while (v->m.here) {
        const struct vdm_layout_member *name = &v->m.name;
        bool rises = name->n > a.size || (name->n == a.size && strcmp(name->name, a.name) > 0);
        bool good = name->kind == VDM_LAYOUT_EVIDENCE && rises && is_evidence_name(name->name);
        if (!(good ? take_evidence(v, &a, err) : vdm_bundle_take_stray(v, err)))
            return false;
    }
    finish_size(v, &a);
    return true;
}
