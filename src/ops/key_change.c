/* SPDX-License-Identifier: MIT */
#include "ops/key_change.h"

#include "base/file.h"
#include "keys/pub.h"
#include "ops/writer.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *state_of(const struct vdm_key_range *r)
{
    return r->ended_at == UINT64_MAX       ? "authorized"
           : r->ended_by == VDM_KEY_REVOKE ? "revoked"
                                           : "retired";
}

static const struct vdm_key_range *find_raw(const struct vdm_keyring *ring,
                                            const struct vdm_pubkey *key)
{
    for (size_t i = 0; i < ring->count; i++)
        if (vdm_pubkey_equal(ring->range[i].key.key, *key))
            return &ring->range[i];
    return NULL;
}

/* --- the rules, in words that name the way out --- */

static bool check_authorize(const struct vdm_keyring *ring, const struct vdm_key_event *e,
                            struct vdm_err *err)
{
    const struct vdm_key_range *r = find_raw(ring, &e->key.key);
    bool named_like_ledger = strcmp(e->key.name, ring->origin) == 0;
    if (!vdm_vkey_is_ours(&e->key))
        return vdm_fail_as(err, VDM_ERR_USAGE, "this is not a key that can sign entries");
    if (r)
        return vdm_fail(err,
                        "this public key is in the ledger already, as %s %s (%s): a key is "
                        "authorized once. Make another with `vidimus key new`",
                        vdm_role_name(r->role), r->key.name, state_of(r));
    if (named_like_ledger && e->role != VDM_ROLE_LEDGER)
        return vdm_fail(err,
                        "only ledger keys are named like the ledger, %s: give the key of a %s "
                        "another name",
                        ring->origin, vdm_role_name(e->role));
    if (!named_like_ledger && e->role == VDM_ROLE_LEDGER)
        return vdm_fail(err, "a ledger key must be named like the ledger, %s, and this one is %s",
                        ring->origin, e->key.name);
    return true;
}

static bool check_since(const struct vdm_key_range *r, uint64_t since, uint64_t n,
                        struct vdm_err *err)
{
    if (since <= r->authorized_at)
        return vdm_fail(err,
                        "--since %llu: the key is authorized by entry %llu, so its first entry "
                        "can be %llu: take that to revoke it from the start",
                        (unsigned long long)since, (unsigned long long)r->authorized_at,
                        (unsigned long long)r->from);
    if (since > n)
        return vdm_fail(err, "--since %llu: that is later than now (the next entry is %llu)",
                        (unsigned long long)since, (unsigned long long)n);
    if (since >= r->until)
        return vdm_fail(err,
                        "--since %llu: the key has ended already and is not valid from entry "
                        "%llu on; a revocation can only reach further back",
                        (unsigned long long)since, (unsigned long long)r->until);
    return true;
}

static bool check_end(const struct vdm_keyring *ring, const struct vdm_key_event *e, uint64_t n,
                      struct vdm_err *err)
{
    const struct vdm_key_range *r = find_raw(ring, &e->key.key);
    if (!r || !vdm_vkey_equal(&r->key, &e->key))
        return vdm_fail(err, "this key of %s was never authorized in this ledger", e->key.name);
    if (r->role == VDM_ROLE_AUTHORITY)
        return vdm_fail(err,
                        "the authority key can be neither retired nor revoked: if it is lost or "
                        "stolen, a new ledger goes on from this one");
    if (r->role != e->role)
        return vdm_fail(err, "this key is authorized as %s, not as %s", vdm_role_name(r->role),
                        vdm_role_name(e->role));
    if (e->action == VDM_KEY_REVOKE)
        return check_since(r, e->since, n, err);
    return r->until == UINT64_MAX ||
           vdm_fail(err,
                    "the key was %s by entry %llu already (`key revoke --since` can set its end "
                    "further back)",
                    state_of(r), (unsigned long long)r->ended_at);
}

/* The words above cover the rules; the keyring, which verifiers go by, has the last one. */
static bool take(struct vdm_keyring *ring, uint64_t n, const struct vdm_key_event *change,
                 struct vdm_err *err)
{
    const struct vdm_entry e = {.kind = VDM_ENTRY_KEY, .n = n, .key = *change};
    const char *why;
    bool authorize = change->action == VDM_KEY_AUTHORIZE;
    if (ring->undecided_after != UINT64_MAX)
        return vdm_fail(err,
                        "entry %llu changes keys in a way that this version does not know: use a "
                        "newer vidimus",
                        (unsigned long long)ring->undecided_after);
    if (!(authorize ? check_authorize(ring, change, err) : check_end(ring, change, n, err)) ||
        !vdm_keyring_feed(ring, &e, &why, err))
        return false;
    return !why || vdm_fail(err, "the entry would be without effect: it %s", why);
}

bool vdm_key_succession(struct vdm_keyring *ring, uint64_t n, const struct vdm_key_event *change,
                        struct vdm_key_succession *out, struct vdm_err *err)
{
    const struct vdm_key_range *ignored, *now, *before;
    if (change && !take(ring, n, change, err))
        return false;
    before = vdm_keyring_ledger_key(ring, n, &ignored);
    now = vdm_keyring_ledger_key(ring, n + 1, &ignored);
    if (!now && change)
        return vdm_fail(err,
                        "that would leave the ledger without a key that signs its checkpoints: "
                        "authorize the next one first (`vidimus key new --role ledger`)");
    if (!now)
        return vdm_fail(err, "no ledger key is in force");
    *out = (struct vdm_key_succession){.changes = before && before != now, .now = *now};
    if (before)
        out->before = *before;
    return true;
}

/* --- which key is meant --- */

static bool is_path(const char *what)
{
    size_t n = strlen(what);
    return what[0] == '/' || strncmp(what, "./", 2) == 0 || strncmp(what, "../", 3) == 0 ||
           (n > 4 && strcmp(what + n - 4, ".pub") == 0);
}

struct found {
    struct vdm_vkey key;
    size_t n;
};

static void add_if_other(struct found *f, const struct vdm_vkey *k)
{
    if (f->n && vdm_vkey_equal(&f->key, k))
        return;
    f->key = *k;
    f->n++;
}

static bool is_pub_file(const char *name)
{
    size_t n = strlen(name);
    return n > 4 && name[0] != '.' && strcmp(name + n - 4, ".pub") == 0;
}

void vdm_keys_unknown_release(struct vdm_keys_unknown *u)
{
    free(u->item);
    *u = (struct vdm_keys_unknown){0};
}

static bool add_unknown(struct vdm_keys_unknown *u, const char *file, const struct vdm_vkey *k,
                        struct vdm_err *err)
{
    struct vdm_key_unknown *grown = reallocarray(u->item, u->n + 1, sizeof *grown);
    if (!grown)
        return vdm_fail_memory(err);
    u->item = grown;
    struct vdm_key_unknown *item = &grown[u->n++];
    item->key = *k;
    snprintf(item->file, sizeof item->file, "%s", file);
    return true;
}

static int by_file(const void *a, const void *b)
{
    return strcmp(((const struct vdm_key_unknown *)a)->file,
                  ((const struct vdm_key_unknown *)b)->file);
}

bool vdm_keys_unknown_read(struct vdm_archive *a, const struct vdm_keyring *ring,
                           struct vdm_keys_unknown *out, struct vdm_err *err)
{
    int fd = openat(a->keys, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    struct vdm_vkey k;
    bool ok = true;
    if (!dir) {
        vdm_fail_errno(err, "keys");
        vdm_fd_close(&fd);
        return false;
    }
    for (struct dirent *e; ok && (e = readdir(dir));)
        if (is_pub_file(e->d_name) && vdm_pub_read(a->crypto, a->keys, e->d_name, &k, NULL) &&
            !find_raw(ring, &k.key))
            ok = add_unknown(out, e->d_name, &k, err);
    closedir(dir);
    if (out->n)
        qsort(out->item, out->n, sizeof *out->item, by_file);
    return ok;
}

bool vdm_key_check_new(struct vdm_archive *a, const char *name, struct vdm_err *err)
{
    struct vdm_keyring ring VDM_CLEANUP(vdm_keyring_release) = {0};
    struct vdm_keys_unknown u VDM_CLEANUP(vdm_keys_unknown_release) = {0};
    uint64_t size;
    if (!vdm_archive_ring(a, &ring, &size, err) || !vdm_keys_unknown_read(a, &ring, &u, err))
        return false;
    for (size_t i = 0; i < u.n; i++)
        if (strcmp(u.item[i].key.name, name) == 0)
            return vdm_fail(err,
                            "there is a key of the name %s already that is not authorized yet: "
                            "keys/%s; authorize it, or remove its files",
                            name, u.item[i].file);
    return true;
}

static bool find_new(struct vdm_archive *a, const struct vdm_keyring *ring, const char *name,
                     struct found *f, struct vdm_err *err)
{
    struct vdm_keys_unknown u VDM_CLEANUP(vdm_keys_unknown_release) = {0};
    if (!vdm_keys_unknown_read(a, ring, &u, err))
        return false;
    for (size_t i = 0; i < u.n; i++)
        if (strcmp(u.item[i].key.name, name) == 0)
            add_if_other(f, &u.item[i].key);
    return true;
}

/* `ledger` and `old-ledger` are words for ledger keys that have not ended. */
static bool is_meant(const struct vdm_key_range *r, const struct vdm_key_range *in_force,
                     const char *name)
{
    bool live = r->role == VDM_ROLE_LEDGER && r->ended_at == UINT64_MAX;
    if (strcmp(name, "ledger") == 0)
        return live;
    if (strcmp(name, "old-ledger") == 0)
        return live && r != in_force;
    return strcmp(r->key.name, name) == 0;
}

static void find_known(const struct vdm_keyring *ring, uint64_t size, const char *name,
                       enum vdm_key_action action, struct found *f)
{
    const struct vdm_key_range *ignored, *in_force = vdm_keyring_ledger_key(ring, size, &ignored);
    for (size_t i = 0; i < ring->count; i++) {
        const struct vdm_key_range *r = &ring->range[i];
        bool too_late = action == VDM_KEY_RETIRE && r->ended_at != UINT64_MAX;
        if (!too_late && is_meant(r, in_force, name))
            add_if_other(f, &r->key);
    }
}

static bool not_found(const char *name, enum vdm_key_action action, struct vdm_err *err)
{
    if (action == VDM_KEY_AUTHORIZE)
        return vdm_fail_as(
            err, VDM_ERR_NOT_FOUND,
            "keys/ holds no public key of the name %s that is not in the ledger yet; "
            "`vidimus key new` makes one, or name a file (.pub) or a key",
            name);
    return vdm_fail_as(err, VDM_ERR_NOT_FOUND,
                       "the ledger knows no key of the name %s%s (`vidimus "
                       "key list`)",
                       name, action == VDM_KEY_RETIRE ? " that has not ended" : "");
}

static bool find_by_name(struct vdm_archive *a, const struct vdm_keyring *ring, uint64_t size,
                         const char *name, struct vdm_key_event *event, struct vdm_err *err)
{
    struct found f = {.n = 0};
    bool authorize = event->action == VDM_KEY_AUTHORIZE;
    if (!authorize)
        find_known(ring, size, name, event->action, &f);
    else if (!find_new(a, ring, name, &f, err))
        return false;
    if (f.n == 0)
        return not_found(name, event->action, err);
    if (f.n > 1)
        return vdm_fail_as(
            err, VDM_ERR_USAGE,
            "several keys are called %s: give the key itself (`vidimus key list "
            "--json` shows each) or its .pub file; the ledger key before the newest is "
            "`old-ledger`",
            name);
    event->key = f.key;
    return true;
}

bool vdm_key_change_find(struct vdm_archive *a, const char *what, struct vdm_key_event *event,
                         struct vdm_err *err)
{
    struct vdm_keyring ring VDM_CLEANUP(vdm_keyring_release) = {0};
    uint64_t size;
    if (!vdm_archive_ring(a, &ring, &size, err))
        return false;
    if (is_path(what)) {
        if (!vdm_pub_read(a->crypto, AT_FDCWD, what, &event->key, err))
            return false;
    } else if (strchr(what, '+')) {
        if (!vdm_vkey_decode(a->crypto, vdm_str(what), &event->key, err))
            return false;
    } else if (!find_by_name(a, &ring, size, what, event, err)) {
        return false;
    }
    const struct vdm_key_range *r = find_raw(&ring, &event->key.key);
    if (event->action != VDM_KEY_AUTHORIZE && r)
        event->role = r->role;
    return true;
}

/* --- what it does --- */

static void count_slice(struct vdm_archive *a, const struct vdm_ledger_slice *slice,
                        const struct vdm_vkey *key, struct vdm_key_effect *out)
{
    struct vdm_note note;
    struct vdm_entry e;
    for (size_t i = 0; i < slice->entries; i++) {
        if (!vdm_entry_open(a->crypto, slice->entry[i].bytes, &note, &e, NULL) ||
            e.signer_id != key->id || !vdm_bytes_equal_str(e.signer, key->name))
            continue;
        out->captures += e.kind == VDM_ENTRY_CAPTURE || e.kind == VDM_ENTRY_AMENDMENT;
        out->audits += e.kind == VDM_ENTRY_AUDIT;
    }
}

static bool count_in_doubt(struct vdm_archive *a, const struct vdm_key_event *event, uint64_t size,
                           struct vdm_key_effect *out, struct vdm_err *err)
{
    struct vdm_ledger_slice slice = {0};
    bool ok = true;
    for (uint64_t n = event->since; ok && n < size; n = slice.to)
        if ((ok = vdm_ledger_read_slice(a->ledger, n, size, &slice, err)))
            count_slice(a, &slice, &event->key, out);
    vdm_ledger_slice_release(&slice);
    return ok;
}

bool vdm_key_change_check(struct vdm_archive *a, const struct vdm_key_event *event,
                          struct vdm_key_effect *out, struct vdm_err *err)
{
    struct vdm_keyring ring VDM_CLEANUP(vdm_keyring_release) = {0};
    struct vdm_key_effect e = {.until = UINT64_MAX};
    if (!vdm_archive_ring(a, &ring, &e.entry, err))
        return false;
    const struct vdm_key_range *r = find_raw(&ring, &event->key.key);
    if (r)
        e.until = r->until;
    if (!vdm_key_succession(&ring, e.entry, event, &e.ledger, err) ||
        (event->action == VDM_KEY_REVOKE && !count_in_doubt(a, event, e.entry, &e, err)))
        return false;
    for (size_t i = 0; i < ring.count; i++)
        e.signers += ring.range[i].role == VDM_ROLE_SIGNER &&
                     vdm_key_range_covers(&ring.range[i], e.entry + 1);
    e.range = *find_raw(&ring, &event->key.key);
    *out = e;
    return true;
}

/* --- doing it --- */

static bool append(struct vdm_archive *a, struct vdm_writer *w, const struct vdm_key_event *event,
                   const struct vdm_signers *signers, uint64_t *n, struct vdm_err *err)
{
    struct vdm_entry e = {.kind = VDM_ENTRY_KEY, .recorded = vdm_time_now(), .key = *event};
    struct vdm_key_effect effect;
    *n = vdm_writer_next(w);
    return vdm_key_change_check(a, event, &effect, err) &&
           vdm_writer_append(w, &e, signers->authority, (struct vdm_bytes){0}, err) &&
           vdm_writer_commit(w, err);
}

bool vdm_key_change_apply(struct vdm_archive *a, const struct vdm_key_event *event,
                          const struct vdm_signers *signers, struct vdm_key_changed *out,
                          struct vdm_err *err)
{
    struct vdm_writer *w VDM_CLEANUP(vdm_writer_cleanup) = NULL;
    *out = (struct vdm_key_changed){0};
    if (!vdm_writer_open(&w, a, signers->ledger, err))
        return false;
    vdm_writer_hand_over(w, signers->old_ledger);
    if (!vdm_writer_begin(w, err) || !append(a, w, event, signers, &out->entry, err))
        return false;
    vdm_buf_put(&out->checkpoint, vdm_writer_checkpoint(w));
    return vdm_buf_ok(&out->checkpoint, err);
}
