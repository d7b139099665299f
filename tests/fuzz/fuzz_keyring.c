/* SPDX-License-Identifier: MIT */
/* Who may sign: any sequence of genesis and key entries. The input is read as events, five bytes
 * each, and not as text: fuzz_entry.c has that.
 *
 * An event without effect changes nothing; an end never moves later; the authority never ends; what
 * is answered for a key is what its range says. */
#include "fuzz/fuzz.h"

#include "format/keyring.h"

#include <string.h>

#define ORIGIN "fuzz.example/log"
#define KEYS   8

static const char *const names[] = {ORIGIN "/authority", ORIGIN, "a@fuzz.example",
                                    "b@fuzz.example"};

/* Key number i: few names and few public keys, so that they meet. */
static struct vdm_vkey key_number(unsigned i)
{
    static struct vdm_vkey made[KEYS * 4];
    struct vdm_vkey *k = &made[i % (KEYS * 4)];
    if (!k->name[0]) {
        struct vdm_signing_key *key = fuzz_key((uint8_t)(1 + i % KEYS));
        struct vdm_pubkey public_key = vdm_signing_key_public(key);
        FUZZ_CHECK(
            vdm_vkey_make(fuzz_crypto(), vdm_str(names[i / KEYS % 4]), &public_key, k, NULL));
        vdm_signing_key_close(key);
    }
    return *k;
}

static struct vdm_entry event(struct vdm_bytes *rest, uint64_t n)
{
    struct vdm_entry e = {.kind = VDM_ENTRY_KEY, .ledger = VDM_LIT(ORIGIN), .n = n};
    unsigned what = (unsigned)fuzz_number(rest, 1), key = (unsigned)fuzz_number(rest, 1);
    e.signer = vdm_str(names[0]);
    if (what >= 250) {
        e.kind = VDM_ENTRY_UNKNOWN;
        e.type = VDM_LIT("key/v2");
    }
    e.key.action = (enum vdm_key_action)(what % 3);
    e.key.role = (enum vdm_key_role)(what / 3 % 3);
    e.key.key = key_number(key);
    e.key.since = fuzz_number(rest, 2);
    return e;
}

static void feed_genesis(struct vdm_keyring *k, unsigned keys, const char **why)
{
    struct vdm_entry e = {.kind = VDM_ENTRY_GENESIS, .ledger = VDM_LIT(ORIGIN)};
    e.genesis.authority = key_number(keys % KEYS);
    e.genesis.ledger_key = key_number(KEYS + keys / KEYS % KEYS);
    e.genesis.software = VDM_LIT("fuzz");
    FUZZ_CHECK(vdm_keyring_feed(k, &e, why, NULL));
}

static void check_range(const struct vdm_keyring *k, const struct vdm_key_range *r)
{
    FUZZ_CHECK(r->from <= r->until && r->authorized_at < k->range[0].until);
    FUZZ_CHECK(r->role != VDM_ROLE_AUTHORITY || (r == k->range && r->until == UINT64_MAX));
    FUZZ_CHECK((r->until == UINT64_MAX) == (r->ended_at == UINT64_MAX));
    FUZZ_CHECK(vdm_keyring_find(k, vdm_str(r->key.name), r->key.id) == r);
    FUZZ_CHECK(vdm_key_range_covers(r, r->from) == (r->from < r->until));
    FUZZ_CHECK(r->until == UINT64_MAX || !vdm_key_range_covers(r, r->until));
}

static void check(const struct vdm_keyring *k, uint64_t size)
{
    const struct vdm_key_range *before = NULL;
    const struct vdm_key_range *now = vdm_keyring_ledger_key(k, size, &before);
    FUZZ_CHECK(!now || (now->role == VDM_ROLE_LEDGER && now->authorized_at < size));
    FUZZ_CHECK(!before || (before->role == VDM_ROLE_LEDGER && before != now));
    for (size_t i = 0; i < k->count; i++) {
        check_range(k, &k->range[i]);
        for (size_t j = 0; j < i; j++)
            FUZZ_CHECK(!vdm_pubkey_equal(k->range[i].key.key, k->range[j].key.key));
    }
}

static void check_step(const struct vdm_key_range *was, size_t count, const struct vdm_keyring *k,
                       bool effect)
{
    size_t changed = 0;
    FUZZ_CHECK(k->count >= count && k->count <= count + 1);
    for (size_t i = 0; i < count; i++) {
        FUZZ_CHECK(k->range[i].from == was[i].from && k->range[i].until <= was[i].until);
        changed += memcmp(&k->range[i].until, &was[i].until, sizeof was[i].until) != 0;
    }
    FUZZ_CHECK(changed + (k->count - count) == effect);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct vdm_keyring k VDM_CLEANUP(vdm_keyring_release);
    struct vdm_key_range was[64];
    struct vdm_bytes rest = {data, n};
    const char *why = NULL;
    uint64_t number = 0;
    vdm_keyring_init(&k);
    feed_genesis(&k, (unsigned)fuzz_number(&rest, 1), &why);
    while (!why && rest.n && k.count < 64) {
        size_t count = k.count;
        number += 1 + fuzz_number(&rest, 1) % 8;
        struct vdm_entry e = event(&rest, number);
        memcpy(was, k.range, count * sizeof was[0]);
        const char *refused = NULL;
        FUZZ_CHECK(vdm_keyring_feed(&k, &e, &refused, NULL));
        check_step(was, count, &k, !refused && e.kind == VDM_ENTRY_KEY);
        check(&k, number + 1);
    }
    return 0;
}
