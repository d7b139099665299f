/* SPDX-License-Identifier: MIT */
/* Changing the keys of a ledger: authorize, retire, revoke, by the rules of docs/FORMATS.md, "Who may
 * sign". What a verifier would call a key entry without effect is refused here, before it is signed. */
#ifndef VDM_OPS_KEY_CHANGE_H
#define VDM_OPS_KEY_CHANGE_H

#include "ops/unlock.h"

/* Who signs the checkpoint of a commit. */
struct vdm_key_succession {
    bool changes; /* `now` takes over from `before` in this commit */
    struct vdm_key_range now, before;
};
/* For the commit that appends entry n; `change` (NULL: none) is taken into `ring`. Refuses a change
 * that breaks a rule or leaves the ledger without a key for its checkpoints. */
bool vdm_key_succession(struct vdm_keyring *ring, uint64_t n, const struct vdm_key_event *change,
                        struct vdm_key_succession *out, struct vdm_err *err) VDM_MUST_CHECK;

/* The key that `what` names: a vkey; a file (ends in `.pub`, or starts with `/`, `./` or `../`); else a
 * name: of a public key file in keys/ where it is to be authorized, of a key in the ledger where it is
 * to end. For an end, `ledger` is the ledger key where there is one only, `old-ledger` the one that is
 * not in force, and event->role is set. Set the action and, to authorize, the role before. */
bool vdm_key_change_find(struct vdm_archive *a, const char *what, struct vdm_key_event *event,
                         struct vdm_err *err) VDM_MUST_CHECK;

/* A public key file in keys/ whose key the ledger does not know. */
struct vdm_key_unknown {
    char file[256]; /* in keys/, suffix included; may hold any byte but `/`: escape it */
    struct vdm_vkey key;
};
/* Owned; zero-initialise, release when done. */
struct vdm_keys_unknown {
    struct vdm_key_unknown *item; /* by file name */
    size_t n;
};
void vdm_keys_unknown_release(struct vdm_keys_unknown *u);
/* The keys that were made, or brought, and not authorized. Files that are no keys are passed over. */
bool vdm_keys_unknown_read(struct vdm_archive *a, const struct vdm_keyring *ring,
                           struct vdm_keys_unknown *out, struct vdm_err *err) VDM_MUST_CHECK;
/* Refuses a name under which keys/ already holds one of these: which of the two would be meant? */
bool vdm_key_check_new(struct vdm_archive *a, const char *name, struct vdm_err *err) VDM_MUST_CHECK;

/* What a change does to what is there. */
struct vdm_key_effect {
    uint64_t entry;             /* the number it gets, if nobody writes before */
    uint64_t until;             /* of the key before the change, UINT64_MAX: no end */
    struct vdm_key_range range; /* of the key after it */
    uint64_t captures;          /* revoke: captures and amendments by this key from `since` on */
    uint64_t audits;            /* ... and audits */
    uint64_t signers;           /* signer keys that may sign after it */
    struct vdm_key_succession ledger;
};
/* Refuses what breaks a rule: a raw key stands in a ledger once and in one role, ranges only shrink,
 * (name, key id) is unique, somebody must be left to sign checkpoints. */
bool vdm_key_change_check(struct vdm_archive *a, const struct vdm_key_event *event,
                          struct vdm_key_effect *out, struct vdm_err *err) VDM_MUST_CHECK;

struct vdm_key_changed {
    uint64_t entry;
    struct vdm_buf checkpoint;
};
/* Checks again under the ledger's lock, then signs and commits. Needs the authority's and the ledger's
 * key, unlocked for this change. */
bool vdm_key_change_apply(struct vdm_archive *a, const struct vdm_key_event *event,
                          const struct vdm_signers *signers, struct vdm_key_changed *out,
                          struct vdm_err *err) VDM_MUST_CHECK;

#endif
