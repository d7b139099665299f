/* SPDX-License-Identifier: MIT */
/* Who may sign what: the rules of docs/FORMATS.md, "Who may sign", over the genesis and key entries
 * of one ledger. Feed them in order; the answers then hold as of the last one fed. */
#ifndef VDM_FORMAT_KEYRING_H
#define VDM_FORMAT_KEYRING_H

#include "format/entry.h"

/* One key and the entries for which it is valid: from <= n < until. */
struct vdm_key_range {
    struct vdm_vkey key;
    enum vdm_key_role role;
    uint64_t from;
    uint64_t until;          /* UINT64_MAX: still valid */
    uint64_t authorized_at;  /* number of the entry that did it */
    uint64_t ended_at;       /* of the entry that last retired or revoked it; UINT64_MAX: none */
    uint64_t first_ended_at; /* of the first such: a retired key can still be revoked */
    enum vdm_key_action ended_by;
};

/* The older ledger that a ledger goes on from, by its last checkpoint. */
struct vdm_continued {
    char origin[VDM_NAME_MAX + 1]; /* empty: none */
    uint64_t size;
    struct vdm_digest root;
};

struct vdm_keyring {
    char origin[VDM_NAME_MAX + 1]; /* empty until genesis was fed */
    struct vdm_continued continues;
    struct vdm_key_range
        *range; /* in order of authorization; [0] authority, [1] first ledger key */
    size_t count;
    uint64_t entries;         /* key entries fed, genesis included */
    uint64_t undecided_after; /* an unknown version stands here: later answers are unknown */
};

void vdm_keyring_init(struct vdm_keyring *k);
void vdm_keyring_release(struct vdm_keyring *k);

/* Take one genesis or key entry into account. *why is NULL if it had effect; else it names the rule
 * that the entry breaks (then it is malformed and without effect). False only without memory or
 * beyond VDM_KEY_ENTRIES_MAX. Pointers to ranges that were given out before are void. */
bool vdm_keyring_feed(struct vdm_keyring *k, const struct vdm_entry *e, const char **why,
                      struct vdm_err *err) VDM_MUST_CHECK;

/* The key with this name and id, in whatever state; NULL if it was never authorized. */
const struct vdm_key_range *vdm_keyring_find(const struct vdm_keyring *k, struct vdm_bytes name,
                                             uint32_t id);
bool vdm_key_range_covers(const struct vdm_key_range *r, uint64_t n);
/* May a key of this role sign an entry of this kind? Of unknown kinds every role may. */
bool vdm_role_may_sign(enum vdm_key_role role, const struct vdm_entry *e);

/* Who signs a checkpoint of this size: the newest ledger key that the entries below `size` have
 * authorized and have not ended (NULL: none). *before: who signed smaller ones until the last
 * change (NULL: nobody). A key that is revoked later `since` some entry has still signed the
 * checkpoints made before anybody knew. */
const struct vdm_key_range *vdm_keyring_ledger_key(const struct vdm_keyring *k, uint64_t size,
                                                   const struct vdm_key_range **before);
/* Is `key` the authority that genesis names? */
bool vdm_keyring_is_authority(const struct vdm_keyring *k, const struct vdm_vkey *key);

#endif
