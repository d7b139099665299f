/* SPDX-License-Identifier: MIT */
#include "ops/entry_check.h"

#include "base/list.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void vdm_entry_check_init(struct vdm_entry_check *k, struct vdm_crypto *c, struct vdm_report *r)
{
    memset(k, 0, sizeof *k);
    k->crypto = c;
    k->report = r;
    vdm_keyring_init(&k->keyring);
}

void vdm_entry_check_release(struct vdm_entry_check *k)
{
    vdm_keyring_release(&k->keyring);
    free(k->key_entry);
    free(k->doubted);
    free(k->vouching);
    memset(k, 0, sizeof *k);
}

/* --- the keyring --- */

static bool remember_key_entry(struct vdm_entry_check *k, uint64_t n, struct vdm_err *err)
{
    struct vdm_key_entry *grown = reallocarray(k->key_entry, k->key_entries + 1, sizeof *grown);
    if (!grown)
        return vdm_fail_memory(err);
    k->key_entry = grown;
    k->key_entry[k->key_entries++] = (struct vdm_key_entry){n, NULL};
    return true;
}

/* Genesis vouches for itself: whether its authority is trusted is asked elsewhere. */
static bool signed_by_authority(const struct vdm_entry_check *k, const struct vdm_note *note,
                                const struct vdm_entry *e)
{
    const struct vdm_vkey *authority = e->kind == VDM_ENTRY_GENESIS ? &e->genesis.authority
                                       : k->keyring.count           ? &k->keyring.range[0].key
                                                                    : NULL;
    return authority && vdm_note_verify(note, k->crypto, authority, NULL) == VDM_NOTE_GOOD;
}

bool vdm_entry_check_feed(struct vdm_entry_check *k, struct vdm_bytes bytes, uint64_t n,
                          struct vdm_err *err)
{
    struct vdm_note note;
    struct vdm_entry e;
    struct vdm_err bad = {0};
    const char *why;
    if (!remember_key_entry(k, n, err))
        return false;
    if (!vdm_entry_open(k->crypto, bytes, &note, &e, &bad))
        return bad.kind != VDM_ERR_FAILED || vdm_fail(err, "%s", bad.text);
    if (e.n != n || !vdm_entry_is_key_entry(&e) ||
        (k->keyring.count > 0 && !vdm_bytes_equal_str(e.ledger, k->keyring.origin)))
        return true;
    if (e.kind != VDM_ENTRY_UNKNOWN && !signed_by_authority(k, &note, &e))
        return true;
    if (!vdm_keyring_feed(&k->keyring, &e, &why, err))
        return false;
    k->key_entry[k->key_entries - 1].without_effect = why;
    k->has_genesis = k->has_genesis || (e.kind == VDM_ENTRY_GENESIS && !why);
    return true;
}

/* How many genesis and key entries stand before entry n. */
static size_t key_entries_before(const struct vdm_entry_check *k, uint64_t n)
{
    return vdm_list_place(k->key_entry, k->key_entries, sizeof *k->key_entry, &n,
                          vdm_list_by_number);
}

bool vdm_entry_check_is_key_entry(const struct vdm_entry_check *k, uint64_t n)
{
    size_t i = key_entries_before(k, n);
    return i < k->key_entries && k->key_entry[i].n == n;
}

/* --- one entry --- */

static void add(struct vdm_entry_check *k, enum vdm_finding_kind kind, uint64_t n,
                const char *message)
{
    vdm_report_add(k->report, (struct vdm_seen){.kind = kind, .entry = n}, "%s", message);
}

static void check_position(struct vdm_entry_check *k, uint64_t n, const struct vdm_entry *e)
{
    if (e->n != n)
        vdm_report_add(k->report, (struct vdm_seen){.kind = VDM_ENTRY_MALFORMED, .entry = n},
                       "it says that it is entry %llu", (unsigned long long)e->n);
    if ((n == 0) != (e->kind == VDM_ENTRY_GENESIS))
        add(k, VDM_ENTRY_MALFORMED, n,
            n ? "a genesis that is not entry 0" : "entry 0 is no genesis");
    if (k->keyring.count && !vdm_bytes_equal_str(e->ledger, k->keyring.origin))
        add(k, VDM_ENTRY_MALFORMED, n, "it names another ledger");
}

static void check_chain(struct vdm_entry_check *k, uint64_t n, const struct vdm_entry *e)
{
    char want[65], got[65];
    struct vdm_digest expected = k->last_text;
    if (n == 0)
        expected = vdm_sha256(k->crypto, (struct vdm_bytes){0});
    bool known = n == 0 || (k->has_last && k->last_n == n - 1);
    if (known && !vdm_digest_equal(expected, e->previous)) {
        vdm_digest_hex(expected, want);
        vdm_digest_hex(e->previous, got);
        vdm_report_add(
            k->report,
            (struct vdm_seen){.kind = VDM_CHAIN_BROKEN, .entry = n, .expected = want, .found = got},
            "`previous` is not the hash of the entry before");
    }
    size_t before = key_entries_before(k, n);
    uint64_t keyring = before ? k->key_entry[before - 1].n : 0;
    if (e->keyring != keyring)
        vdm_report_add(k->report, (struct vdm_seen){.kind = VDM_CHAIN_BROKEN, .entry = n},
                       "`keyring` says %llu, but the newest key entry before it is %llu",
                       (unsigned long long)e->keyring, (unsigned long long)keyring);
}

static void check_key_rules(struct vdm_entry_check *k, uint64_t n)
{
    size_t i = key_entries_before(k, n);
    if (vdm_entry_check_is_key_entry(k, n) && k->key_entry[i].without_effect)
        vdm_report_add(k->report, (struct vdm_seen){.kind = VDM_ENTRY_MALFORMED, .entry = n},
                       "a key entry without effect: %s", k->key_entry[i].without_effect);
}

static bool doubt(struct vdm_entry_check *k, const struct vdm_entry *e,
                  const struct vdm_key_range *r, struct vdm_err *err)
{
    if (!vdm_list_grow(&k->doubted, k->doubts, &k->doubts_cap, sizeof *k->doubted, err))
        return false;
    uint64_t capture = e->kind == VDM_ENTRY_AMENDMENT ? e->capture.amends : e->n;
    k->doubted[k->doubts++] = (struct vdm_doubted){capture, e->n, r->ended_at, r->until};
    return true;
}

static bool revoked_for(const struct vdm_key_range *r, uint64_t n)
{
    return r->ended_at != UINT64_MAX && r->ended_by == VDM_KEY_REVOKE && n >= r->until;
}

/* `retired by entry 12`, `revoked by entry 12 since 7` */
static const char *describe_end(char out[80], enum vdm_key_action action, uint64_t at,
                                uint64_t since)
{
    if (action == VDM_KEY_REVOKE)
        snprintf(out, 80, "revoked by entry %llu since %llu", (unsigned long long)at,
                 (unsigned long long)since);
    else
        snprintf(out, 80, "retired by entry %llu", (unsigned long long)at);
    return out;
}

/* Is the key that signed allowed to sign this here? */
static bool check_authorization(struct vdm_entry_check *k, const struct vdm_entry *e,
                                const struct vdm_key_range *r, bool *good, struct vdm_err *err)
{
    bool about_capture = e->kind == VDM_ENTRY_CAPTURE || e->kind == VDM_ENTRY_AMENDMENT;
    if (!vdm_role_may_sign(r->role, e)) {
        vdm_report_add(k->report, (struct vdm_seen){.kind = VDM_SIGNER_UNAUTHORIZED, .entry = e->n},
                       "a key of role %s may not sign this", vdm_role_name(r->role));
    } else if (vdm_key_range_covers(r, e->n)) {
        *good = true;
    } else if (about_capture && revoked_for(r, e->n)) {
        return doubt(k, e, r, err);
    } else if (e->n < r->from) {
        vdm_report_add(k->report, (struct vdm_seen){.kind = VDM_SIGNER_UNAUTHORIZED, .entry = e->n},
                       "its signer's key is authorized only by entry %llu",
                       (unsigned long long)r->authorized_at);
    } else {
        char event[80];
        vdm_report_add(k->report, (struct vdm_seen){.kind = VDM_SIGNER_UNAUTHORIZED, .entry = e->n},
                       "its signer's key was %s",
                       describe_end(event, r->ended_by, r->ended_at, r->until));
    }
    return true;
}

enum vdm_signature_state vdm_entry_check_signature(const struct vdm_entry_check *k,
                                                   struct vdm_crypto *c,
                                                   const struct vdm_note *note,
                                                   const struct vdm_entry *e)
{
    const struct vdm_key_range *r = vdm_keyring_find(&k->keyring, e->signer, e->signer_id);
    /* A genesis that is not in the keyring still shows whether its own signature is good. */
    const struct vdm_vkey *key = r                              ? &r->key
                                 : e->kind == VDM_ENTRY_GENESIS ? &e->genesis.authority
                                                                : NULL;
    if (!key)
        return VDM_SIGNATURE_UNKNOWN;
    return vdm_note_verify(note, c, key, NULL) == VDM_NOTE_GOOD ? VDM_SIGNATURE_GOOD
                                                                : VDM_SIGNATURE_BAD;
}

static bool check_signer(struct vdm_entry_check *k, enum vdm_signature_state signature,
                         struct vdm_checked_entry *out, struct vdm_err *err)
{
    const struct vdm_entry *e = &out->entry;
    const struct vdm_key_range *r = vdm_keyring_find(&k->keyring, e->signer, e->signer_id);
    if (signature == VDM_SIGNATURE_BAD) {
        add(k, VDM_SIGNATURE_INVALID, e->n,
            "the signature does not fit the entry and its signer's key");
        return true;
    }
    if (r)
        return check_authorization(k, e, r, &out->signer_good, err);
    if (k->keyring.undecided_after >= e->n)
        add(k, VDM_SIGNER_UNAUTHORIZED, e->n, "no key entry authorizes its signer's key");
    return true;
}

bool vdm_entry_check_vouch(struct vdm_entry_check *k, const struct vdm_entry *e,
                           struct vdm_err *err)
{
    bool withdraws = e->kind == VDM_ENTRY_WITHDRAWAL;
    if (k->doubts == 0) /* only what came before can be settled */
        return true;
    if (withdraws && e->withdrawal.scope == VDM_SCOPE_DOCUMENT) /* what was said of it stays said */
        return true;
    if (!vdm_list_grow(&k->vouching, k->vouchings, &k->vouchings_cap, sizeof *k->vouching, err))
        return false;
    k->vouching[k->vouchings++] =
        (struct vdm_vouching){withdraws ? e->withdrawal.of : e->capture.amends, e->n, withdraws};
    return true;
}

static void check_clock(struct vdm_entry_check *k, const struct vdm_entry *e)
{
    if (k->has_last && k->last_n < e->n && e->recorded.seconds < k->last_recorded.seconds)
        add(k, VDM_CLOCK_BACKWARDS, e->n,
            "recorded before the entry before it, by the archive's clock");
}

bool vdm_entry_check_next(struct vdm_entry_check *k, uint64_t n, struct vdm_bytes bytes,
                          struct vdm_checked_entry *out, struct vdm_err *err)
{
    return vdm_entry_check_next_known(k, n, bytes, NULL, out, err);
}

static bool find_out(const struct vdm_entry_check *k, struct vdm_bytes bytes,
                     struct vdm_known_entry *out, struct vdm_err *why)
{
    struct vdm_note note;
    out->decoded = vdm_entry_open(k->crypto, bytes, &note, &out->entry, why);
    if (!out->decoded)
        return false;
    out->text = vdm_sha256(k->crypto, note.text);
    out->signature = vdm_entry_check_signature(k, k->crypto, &note, &out->entry);
    return true;
}

static bool check_known(struct vdm_entry_check *k, uint64_t n, const struct vdm_known_entry *known,
                        struct vdm_checked_entry *out, struct vdm_err *err)
{
    const struct vdm_entry *e = &out->entry;
    out->entry = known->entry;
    check_position(k, n, e);
    check_chain(k, n, e);
    if (!check_signer(k, known->signature, out, err))
        return false;
    if (e->kind == VDM_ENTRY_UNKNOWN)
        vdm_report_add(k->report, (struct vdm_seen){.kind = VDM_ENTRY_OF_UNKNOWN_KIND, .entry = n},
                       "%.*s is not known to this version", (int)e->type.n, e->type.p);
    check_key_rules(k, n);
    check_clock(k, e);
    k->has_last = true;
    k->last_n = n;
    k->last_text = known->text;
    k->last_recorded = e->recorded;
    k->report->entries++;
    return true;
}

bool vdm_entry_check_next_known(struct vdm_entry_check *k, uint64_t n, struct vdm_bytes bytes,
                                const struct vdm_known_entry *known, struct vdm_checked_entry *out,
                                struct vdm_err *err)
{
    struct vdm_known_entry found;
    struct vdm_err why = {0};
    out->signer_good = false;
    out->decoded = (known && known->decoded) || find_out(k, bytes, &found, &why);
    if (out->decoded)
        return check_known(k, n, known && known->decoded ? known : &found, out, err);
    k->has_last = false;
    add(k, VDM_ENTRY_MALFORMED, n, why.text);
    return why.kind == VDM_ERR_MALFORMED || vdm_fail(err, "%s", why.text);
}

static int by_capture(const void *a, const void *b)
{
    const struct vdm_vouching *x = a, *y = b;
    return x->capture != y->capture ? (x->capture < y->capture ? -1 : 1)
                                    : (x->by > y->by) - (x->by < y->by);
}

/* The first entry behind a doubted one that settles it, or NULL. */
static const struct vdm_vouching *vouches_for(const struct vdm_entry_check *k,
                                              const struct vdm_doubted *d)
{
    const struct vdm_vouching wanted = {d->capture, d->entry + 1, false};
    size_t at = vdm_list_place(k->vouching, k->vouchings, sizeof wanted, &wanted, by_capture);
    bool found = at < k->vouchings && k->vouching[at].capture == d->capture;
    return found ? &k->vouching[at] : NULL;
}

/* All at once: hostile input has a million of each, and to look through one for each of the other
 * would take for ever. */
void vdm_entry_check_end(struct vdm_entry_check *k)
{
    if (k->vouchings)
        qsort(k->vouching, k->vouchings, sizeof *k->vouching, by_capture);
    for (size_t i = 0; i < k->doubts; i++) {
        const struct vdm_doubted *d = &k->doubted[i];
        const struct vdm_vouching *v = vouches_for(k, d);
        struct vdm_seen seen = {.kind = v ? VDM_RE_ATTESTED : VDM_SIGNER_UNAUTHORIZED,
                                .entry = d->entry};
        char event[80];
        describe_end(event, VDM_KEY_REVOKE, d->revoked_by, d->since);
        if (v)
            vdm_report_add(k->report, seen,
                           v->withdraws ? "its signer's key was %s; withdrawal %llu took it down"
                                        : "its signer's key was %s; amendment %llu vouches for it "
                                          "again",
                           event, (unsigned long long)v->by);
        else
            vdm_report_add(k->report, seen, "its signer's key was %s", event);
    }
    k->doubts = k->vouchings = 0;
    k->report->continues = k->keyring.continues;
}

/* --- checkpoints --- */

static bool line_good(struct vdm_entry_check *k, const struct vdm_note *note, size_t line,
                      const struct vdm_key_range *by)
{
    const struct vdm_note_signature *s = &note->signature[line];
    struct vdm_sig sig;
    return by && s->id == by->key.id && vdm_bytes_equal_str(s->name, by->key.name) &&
           vdm_note_signature_ed25519(s, &sig) &&
           vdm_signature_valid(k->crypto, &by->key.key, note->text, &sig);
}

/* The key of this line, if it was in force for a smaller size: right after its authorization every
 * ledger key is. Which of several signed the checkpoint before is not known here: one commit can
 * change the key more than once. */
static const struct vdm_key_range *earlier_ledger_key(const struct vdm_entry_check *k,
                                                      const struct vdm_note_signature *line,
                                                      const struct vdm_key_range *now,
                                                      uint64_t size)
{
    const struct vdm_key_range *r = vdm_keyring_find(&k->keyring, line->name, line->id);
    bool earlier = r && r != now && r->role == VDM_ROLE_LEDGER && r->authorized_at + 1 < size;
    return earlier ? r : NULL;
}

bool vdm_check_checkpoint_signature(struct vdm_entry_check *k, const struct vdm_note *note,
                                    uint64_t size, const struct vdm_key_range **signer)
{
    const struct vdm_key_range *before;
    const struct vdm_key_range *key = vdm_keyring_ledger_key(&k->keyring, size, &before);
    if (signer)
        *signer = key;
    bool one = note->signatures == 1 && line_good(k, note, 0, key);
    bool two = note->signatures == 2 && line_good(k, note, 1, key) &&
               line_good(k, note, 0, earlier_ledger_key(k, &note->signature[0], key, size));
    if (one || two || k->keyring.undecided_after < size)
        return true;
    vdm_report_add(k->report,
                   (struct vdm_seen){.kind = VDM_CHECKPOINT_INVALID, .entry = VDM_NO_ENTRY},
                   key ? "the checkpoint of size %llu is not signed by the ledger key in force"
                       : "no ledger key is in force for the checkpoint of size %llu",
                   (unsigned long long)size);
    return false;
}
