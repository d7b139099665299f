/* SPDX-License-Identifier: MIT */
#include "ops/trust_check.h"

#include <stdint.h>
#include <string.h>

/* A ledger key vouches only for the checkpoint that it signed itself: being named in genesis is not
 * enough, anybody can write a genesis that names it. One that this very ledger has revoked may still
 * carry its line, for readers to follow, but it is in the wrong hands and vouches for nothing. */
static bool ledger_key_vouches(struct vdm_entry_check *k, const struct vdm_vkey *key,
                               const struct vdm_note *note)
{
    const struct vdm_key_range *r = vdm_keyring_find(&k->keyring, vdm_str(key->name), key->id);
    if (!note || !r || r->role != VDM_ROLE_LEDGER || !vdm_vkey_equal(&r->key, key))
        return false;
    bool revoked = r->ended_at != UINT64_MAX && r->ended_by == VDM_KEY_REVOKE;
    return !revoked && vdm_note_verify(note, k->crypto, key, NULL) == VDM_NOTE_GOOD;
}

/* The authority vouches for every key; but a policy names logs, and the authority is none. */
static const struct vdm_vkey *find_anchor(struct vdm_entry_check *k, const struct vdm_trust *t,
                                          const struct vdm_note *note)
{
    for (size_t i = 0; i < t->keys; i++)
        if (vdm_keyring_is_authority(&k->keyring, &t->key[i]) ||
            ledger_key_vouches(k, &t->key[i], note))
            return &t->key[i];
    for (size_t i = 0; t->policy && i < t->policy->logs; i++)
        if (ledger_key_vouches(k, &t->policy->log[i], note))
            return &t->policy->log[i];
    return NULL;
}

static void check_quorum(struct vdm_entry_check *k, const struct vdm_trust *t,
                         const struct vdm_note *note, struct vdm_bytes cosigned)
{
    struct vdm_note other;
    if (!t->policy || !t->policy->has_quorum)
        return;
    bool met = (note && vdm_policy_met(t->policy, k->crypto, note)) ||
               (cosigned.n && vdm_note_decode(cosigned, &other, NULL) &&
                vdm_policy_met(t->policy, k->crypto, &other));
    if (!met)
        vdm_report_add(
            k->report, (struct vdm_seen){.kind = VDM_QUORUM_UNMET, .entry = VDM_NO_ENTRY},
            "the checkpoint does not carry the witnesses' signatures that the policy asks for");
}

void vdm_check_trust(struct vdm_entry_check *k, const struct vdm_trust *trust,
                     struct vdm_bytes checkpoint, struct vdm_bytes cosigned)
{
    struct vdm_note decoded;
    const struct vdm_note *note =
        checkpoint.n && vdm_note_decode(checkpoint, &decoded, NULL) ? &decoded : NULL;
    const struct vdm_vkey *anchor = find_anchor(k, trust, note);
    const struct vdm_vkey *shown = anchor                 ? anchor
                                   : k->keyring.count > 0 ? &k->keyring.range[0].key
                                                          : NULL;
    k->report->trusted = anchor != NULL;
    if (shown) {
        memcpy(k->report->trusted_key, shown->name, strnlen(shown->name, VDM_NAME_MAX) + 1);
        k->report->key = shown->key;
        vdm_fingerprint(k->crypto, &shown->key, k->report->fingerprint);
    }
    if (!anchor)
        vdm_report_add(k->report,
                       (struct vdm_seen){.kind = VDM_KEY_UNTRUSTED, .entry = VDM_NO_ENTRY},
                       trust->keys || trust->policy
                           ? "none of the keys that you trust vouches for this ledger"
                           : "no trusted key was given (--trust): anybody could have made this");
    check_quorum(k, trust, note, cosigned);
}
