/* SPDX-License-Identifier: MIT */
#include "ops/unlock.h"

#include "ops/key_change.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void vdm_passphrases_release(struct vdm_passphrases *p)
{
    vdm_secret_release(&p->last);
}

void vdm_signers_release(struct vdm_signers *s)
{
    vdm_signer_close(s->signer);
    vdm_signer_close(s->ledger);
    vdm_signer_close(s->authority);
    vdm_signer_close(s->old_ledger);
    *s = (struct vdm_signers){0};
}

/* --- looking through keys/ --- */

/* A key file that fits, and what stood in the way of others. */
struct search {
    const struct vdm_vkey *exact; /* this key; or, if NULL, a signer's: */
    const struct vdm_keyring *ring;
    const char *name; /* NULL: whoever may sign entry n */
    uint64_t n;
    unsigned roles;     /* that may, as bits */
    const char *option; /* how a file is named that holds it */
    char file[256];
    unsigned found;
    char problem[400];
};

static bool fits(const struct search *s, const struct vdm_vkey *key)
{
    if (s->exact)
        return vdm_vkey_equal(s->exact, key);
    const struct vdm_key_range *r = vdm_keyring_find(s->ring, vdm_str(key->name), key->id);
    return r && vdm_vkey_equal(&r->key, key) && (s->roles >> r->role & 1) &&
           (!s->name || strcmp(s->name, key->name) == 0) && vdm_key_range_covers(r, s->n);
}

static bool is_key_file(const char *name)
{
    size_t n = strlen(name);
    return n > 4 && n < 256 && name[0] != '.' && strcmp(name + n - 4, ".key") == 0;
}

static void look_at(struct vdm_archive *a, struct search *s, const char *name)
{
    struct vdm_keyfile_info info;
    struct vdm_err why = {0};
    if (!vdm_keyfile_peek(a->crypto, a->keys, name, &info, &why)) {
        if (!s->problem[0])
            snprintf(s->problem, sizeof s->problem, " (keys/%.100s: %.250s)", name, why.text);
    } else if (fits(s, &info.vkey)) {
        s->found++;
        snprintf(s->file, sizeof s->file, "%s", name);
    }
}

static bool search_keys(struct vdm_archive *a, struct search *s, struct vdm_err *err)
{
    int fd = openat(a->keys, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    if (!dir) {
        vdm_fail_errno(err, "keys");
        vdm_fd_close(&fd);
        return false;
    }
    for (struct dirent *e; (e = readdir(dir));)
        if (is_key_file(e->d_name))
            look_at(a, s, e->d_name);
    closedir(dir);
    return true;
}

bool vdm_key_at_hand(struct vdm_archive *a, const struct vdm_vkey *key, char file[256])
{
    struct search s = {.exact = key};
    if (!search_keys(a, &s, NULL) || s.found == 0)
        return false;
    if (file)
        snprintf(file, 256, "%s", s.file);
    return true;
}

/* --- opening --- */

bool vdm_unlock_file(struct vdm_crypto *c, int dir, const char *path, struct vdm_passphrases *p,
                     struct vdm_signer **out, struct vdm_err *err)
{
    struct vdm_keyfile_info info;
    if (!vdm_keyfile_peek(c, dir, path, &info, err))
        return false;
    if (info.form == VDM_KEYFILE_CLEAR)
        return vdm_signer_load(out, c, dir, path, NULL, err);
    if (p->last.n > 0 && vdm_signer_load(out, c, dir, path, &p->last, NULL))
        return true;
    for (unsigned i = 1;; i++) {
        struct vdm_err why = {0};
        vdm_passphrases_release(p);
        if (!p->get(p->ctx, info.vkey.name, &p->last, err))
            return false;
        if (vdm_signer_load(out, c, dir, path, &p->last, &why))
            return true;
        if (why.kind != VDM_ERR_PASSPHRASE || i >= p->tries)
            return vdm_fail_as(err, why.kind, "%s", why.text);
    }
}

static bool open_found(struct vdm_archive *a, const struct search *s, struct vdm_passphrases *p,
                       struct vdm_signer **out, struct vdm_err *err)
{
    return vdm_unlock_file(a->crypto, a->keys, s->file, p, out, err) ||
           vdm_err_prefix(err, "keys/%s", s->file);
}

static bool open_signer_file(struct vdm_archive *a, const struct search *s, const char *file,
                             struct vdm_passphrases *p, struct vdm_signer **out,
                             struct vdm_err *err)
{
    struct vdm_keyfile_info info;
    if (!vdm_keyfile_peek(a->crypto, AT_FDCWD, file, &info, err))
        return vdm_err_prefix(err, "--%s-key", s->option);
    if (!fits(s, &info.vkey))
        return vdm_fail(err, "--%s-key %s: the key of %s is not one that may sign now%s%s",
                        s->option, file, info.vkey.name, s->name ? " for " : "",
                        s->name ? s->name : "");
    return vdm_unlock_file(a->crypto, AT_FDCWD, file, p, out, err) ||
           vdm_err_prefix(err, "--%s-key", s->option);
}

/* A signer's key may audit, too, where it is named: the key that captures is better kept away from where
 * audits run by themselves. */
static void choose_roles(struct search *s, const struct vdm_unlock *u)
{
    bool audits = u->keys & VDM_USE_AUDITOR;
    s->option = audits ? "auditor" : "signer";
    s->roles = 1u << (audits ? VDM_ROLE_AUDITOR : VDM_ROLE_SIGNER);
    if (audits && u->signer_file)
        s->roles |= 1u << VDM_ROLE_SIGNER;
}

static bool open_signer(struct vdm_archive *a, const struct vdm_keyring *ring, uint64_t n,
                        const struct vdm_unlock *u, struct vdm_passphrases *p,
                        struct vdm_signer **out, struct vdm_err *err)
{
    const char *name = u->signer;
    struct search s = {.ring = ring, .name = name, .n = n};
    choose_roles(&s, u);
    if (u->signer_file)
        return open_signer_file(a, &s, u->signer_file, p, out, err);
    if (!search_keys(a, &s, err))
        return false;
    if (s.found == 0)
        return vdm_fail(err, "keys/ holds no %s key%s%s that may sign now%s%s", s.option,
                        name ? " of " : "", name ? name : "", s.problem,
                        u->keys & VDM_USE_AUDITOR
                            ? " (make one: `vidimus key new NAME --role auditor`, then `vidimus "
                              "key authorize NAME --role auditor`)"
                            : "");
    if (s.found > 1)
        return vdm_fail_as(err, VDM_ERR_USAGE, "keys/ holds several %s keys: say which with --%s",
                           s.option, s.option);
    return open_found(a, &s, p, out, err);
}

/* The one that signs the checkpoint of the next commit, and the one that it takes over from. */
static bool open_ledger(struct vdm_archive *a, const struct vdm_key_succession *keys,
                        struct vdm_passphrases *p, struct vdm_signers *out, struct vdm_err *err)
{
    struct search now = {.exact = &keys->now.key}, old = {.exact = &keys->before.key};
    if (!search_keys(a, &now, err))
        return false;
    if (now.found == 0)
        return vdm_fail(err, "keys/ does not hold the secret ledger key, which signs what is new%s",
                        now.problem);
    if (!open_found(a, &now, p, &out->ledger, err))
        return false;
    if (!keys->changes)
        return true;
    return search_keys(a, &old, err) &&
           (old.found == 0 || open_found(a, &old, p, &out->old_ledger, err));
}

static bool open_authority(struct vdm_archive *a, const struct vdm_keyring *ring, const char *given,
                           struct vdm_passphrases *p, struct vdm_signer **out, struct vdm_err *err)
{
    const struct vdm_vkey *authority = &ring->range[0].key;
    const char *file = given ? given : "authority.key";
    int dir = given ? AT_FDCWD : a->keys;
    struct vdm_keyfile_info info;
    struct vdm_err why = {0};
    if (!vdm_keyfile_peek(a->crypto, dir, file, &info, &why))
        return vdm_fail_as(
            err, why.kind,
            given ? "--authority-key %s"
                  : "this needs the authority's secret key: give it with --authority-key FILE "
                    "(keys/%s)",
            why.text);
    if (!vdm_vkey_equal(&info.vkey, authority))
        return vdm_fail(err, "%s is the key of %s, not this ledger's authority %s", file,
                        info.vkey.name, authority->name);
    return vdm_unlock_file(a->crypto, dir, file, p, out, err) ||
           vdm_err_prefix(err, given ? "--authority-key" : "keys");
}

static bool open_all(struct vdm_archive *a, const struct vdm_unlock *u, struct vdm_keyring *ring,
                     uint64_t size, struct vdm_passphrases *p, struct vdm_signers *out,
                     struct vdm_err *err)
{
    struct vdm_key_succession keys;
    if ((u->keys & VDM_USE_AUTHORITY) &&
        !open_authority(a, ring, u->authority_file, p, &out->authority, err))
        return false;
    if ((u->keys & (VDM_USE_SIGNER | VDM_USE_AUDITOR)) &&
        !open_signer(a, ring, size, u, p, &out->signer, err))
        return false;
    return !(u->keys & VDM_USE_LEDGER) || (vdm_key_succession(ring, size, u->change, &keys, err) &&
                                           open_ledger(a, &keys, p, out, err));
}

bool vdm_unlock(struct vdm_archive *a, const struct vdm_unlock *u, struct vdm_passphrases *p,
                struct vdm_signers *out, struct vdm_err *err)
{
    struct vdm_keyring ring VDM_CLEANUP(vdm_keyring_release) = {0};
    struct vdm_signers s VDM_CLEANUP(vdm_signers_release) = {0};
    uint64_t size;
    if (!vdm_archive_ring(a, &ring, &size, err) || !open_all(a, u, &ring, size, p, &s, err))
        return false;
    *out = s;
    s = (struct vdm_signers){0};
    return true;
}
