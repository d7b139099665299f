/* SPDX-License-Identifier: MIT */
#include "format/keyring.h"

#include <stdlib.h>
#include <string.h>

void vdm_keyring_init(struct vdm_keyring *k)
{
    *k = (struct vdm_keyring){.undecided_after = UINT64_MAX};
}

void vdm_keyring_release(struct vdm_keyring *k)
{
    free(k->range);
    vdm_keyring_init(k);
}

static bool add(struct vdm_keyring *k, const struct vdm_vkey *key, enum vdm_key_role role,
                uint64_t from, uint64_t at, struct vdm_err *err)
{
    struct vdm_key_range *grown = reallocarray(k->range, k->count + 1, sizeof *grown);
    if (!grown)
        return vdm_fail_memory(err);
    k->range = grown;
    k->range[k->count++] = (struct vdm_key_range){.key = *key,
                                                  .role = role,
                                                  .from = from,
                                                  .until = UINT64_MAX,
                                                  .authorized_at = at,
                                                  .ended_at = UINT64_MAX,
                                                  .first_ended_at = UINT64_MAX};
    return true;
}

static struct vdm_key_range *find_raw(const struct vdm_keyring *k, const struct vdm_pubkey *key)
{
    for (size_t i = 0; i < k->count; i++)
        if (vdm_pubkey_equal(k->range[i].key.key, *key))
            return &k->range[i];
    return NULL;
}

const struct vdm_key_range *vdm_keyring_find(const struct vdm_keyring *k, struct vdm_bytes name,
                                             uint32_t id)
{
    for (size_t i = 0; i < k->count; i++)
        if (k->range[i].key.id == id && vdm_bytes_equal_str(name, k->range[i].key.name))
            return &k->range[i];
    return NULL;
}

static const char *check_genesis(const struct vdm_keyring *k, const struct vdm_entry *e)
{
    const struct vdm_genesis *g = &e->genesis;
    if (k->entries != 0 || e->n != 0)
        return "a genesis that is not entry 0";
    if (!vdm_bytes_equal_str(e->ledger, g->ledger_key.name))
        return "the ledger key is not named like the ledger";
    if (vdm_bytes_equal_str(e->ledger, g->authority.name))
        return "the authority key is named like the ledger";
    if (vdm_pubkey_equal(g->authority.key, g->ledger_key.key))
        return "one key as authority and as ledger key";
    return NULL;
}

static const char *check_authorize(const struct vdm_keyring *k, const struct vdm_key_event *e)
{
    if ((e->role == VDM_ROLE_LEDGER) != (strcmp(e->key.name, k->origin) == 0))
        return "ledger keys, and only they, are named like the ledger";
    if (find_raw(k, &e->key.key))
        return "this public key was authorized before";
    if (vdm_keyring_find(k, vdm_str(e->key.name), e->key.id))
        return "a key of this name and id was authorized before";
    return NULL;
}

/* Ranges only shrink: an event that would not shorten the key's range breaks the rules. */
static const char *check_end(const struct vdm_key_range *r, const struct vdm_key_event *e,
                             uint64_t n)
{
    if (!r || !vdm_vkey_equal(&r->key, &e->key) || r->role != e->role)
        return "ends a key that is not authorized in this role";
    if (e->action == VDM_KEY_RETIRE)
        return r->until == UINT64_MAX ? NULL : "retires a key that has ended already";
    if (e->since <= r->authorized_at || e->since > n)
        return "revokes from an entry outside the key's range";
    if (e->since >= r->until)
        return "revokes from an entry for which the key is not valid anyway";
    return NULL;
}

static bool feed_genesis(struct vdm_keyring *k, const struct vdm_entry *e, const char **why,
                         struct vdm_err *err)
{
    if ((*why = check_genesis(k, e)))
        return true;
    memcpy(k->origin, e->ledger.p, e->ledger.n);
    k->origin[e->ledger.n] = 0;
    if (e->genesis.continues.n) {
        memcpy(k->continues.origin, e->genesis.continues.p, e->genesis.continues.n);
        k->continues.size = e->genesis.continues_size;
        k->continues.root = e->genesis.continues_root;
    }
    return add(k, &e->genesis.authority, VDM_ROLE_AUTHORITY, 0, 0, err) &&
           add(k, &e->genesis.ledger_key, VDM_ROLE_LEDGER, 1, 0, err);
}

static bool feed_key_event(struct vdm_keyring *k, const struct vdm_entry *e, const char **why,
                           struct vdm_err *err)
{
    const struct vdm_key_event *event = &e->key;
    if (k->origin[0] == 0) {
        *why = "a key entry without a genesis before it";
        return true;
    }
    if (event->action == VDM_KEY_AUTHORIZE) {
        *why = check_authorize(k, event);
        return *why || add(k, &event->key, event->role, e->n + 1, e->n, err);
    }
    struct vdm_key_range *r = find_raw(k, &event->key.key);
    if ((*why = check_end(r, event, e->n)))
        return true;
    r->until = event->action == VDM_KEY_REVOKE ? event->since : e->n;
    r->ended_at = e->n;
    if (r->first_ended_at == UINT64_MAX)
        r->first_ended_at = e->n;
    r->ended_by = event->action;
    return true;
}

bool vdm_keyring_feed(struct vdm_keyring *k, const struct vdm_entry *e, const char **why,
                      struct vdm_err *err)
{
    *why = NULL;
    if (k->entries > VDM_KEY_ENTRIES_MAX)
        return vdm_fail_as(err, VDM_ERR_MALFORMED, "more than %d key entries", VDM_KEY_ENTRIES_MAX);
    bool ok = true;
    if (e->kind == VDM_ENTRY_UNKNOWN) {
        if (k->undecided_after == UINT64_MAX)
            k->undecided_after = e->n;
    } else if (e->kind == VDM_ENTRY_GENESIS) {
        ok = feed_genesis(k, e, why, err);
    } else {
        ok = feed_key_event(k, e, why, err);
    }
    k->entries++;
    return ok;
}

bool vdm_key_range_covers(const struct vdm_key_range *r, uint64_t n)
{
    return n >= r->from && n < r->until;
}

bool vdm_role_may_sign(enum vdm_key_role role, const struct vdm_entry *e)
{
    switch (e->kind) {
    case VDM_ENTRY_GENESIS:
    case VDM_ENTRY_KEY:
    case VDM_ENTRY_WITHDRAWAL:
        return role == VDM_ROLE_AUTHORITY;
    case VDM_ENTRY_CAPTURE:
    case VDM_ENTRY_AMENDMENT:
        return role == VDM_ROLE_SIGNER;
    case VDM_ENTRY_AUDIT:
        return role == VDM_ROLE_AUDITOR || role == VDM_ROLE_SIGNER;
    case VDM_ENTRY_UNKNOWN:
    default:
        break;
    }
    return true;
}

static const struct vdm_key_range *newest_ledger_key(const struct vdm_keyring *k, uint64_t size)
{
    for (size_t i = k->count; i-- > 0;) {
        const struct vdm_key_range *r = &k->range[i];
        if (r->role == VDM_ROLE_LEDGER && r->authorized_at < size && r->first_ended_at >= size)
            return r;
    }
    return NULL;
}

const struct vdm_key_range *vdm_keyring_ledger_key(const struct vdm_keyring *k, uint64_t size,
                                                   const struct vdm_key_range **before)
{
    const struct vdm_key_range *newest = newest_ledger_key(k, size);
    uint64_t changed =
        0; /* by this entry, the last below `size` that made another key the newest */
    *before = NULL;
    for (size_t i = 0; i < k->count; i++) {
        const uint64_t at[] = {k->range[i].authorized_at, k->range[i].first_ended_at};
        for (size_t j = 0; k->range[i].role == VDM_ROLE_LEDGER && j < 2; j++) {
            if (at[j] < changed || at[j] >= size)
                continue;
            const struct vdm_key_range *earlier = newest_ledger_key(k, at[j]);
            if (earlier == newest)
                continue;
            changed = at[j];
            *before = earlier;
        }
    }
    return newest;
}

bool vdm_keyring_is_authority(const struct vdm_keyring *k, const struct vdm_vkey *key)
{
    return k->count > 0 && vdm_vkey_equal(&k->range[0].key, key);
}
