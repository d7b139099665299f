/* SPDX-License-Identifier: MIT */
#include "ops/unlock.h"

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

/* A key file that fits, and what stood in the way of others. */
struct search {
    const struct vdm_keyring *ring;
    enum vdm_key_role role;
    const char *name;
    uint64_t n;
    char file[300];
    struct vdm_keyfile_info info;
    unsigned found;
    char problem[400];
};

static bool fits(const struct search *s, const struct vdm_vkey *key)
{
    const struct vdm_key_range *before;
    const struct vdm_key_range *r = vdm_keyring_find(s->ring, vdm_str(key->name), key->id);
    if (!r || !vdm_vkey_equal(&r->key, key) || r->role != s->role ||
        (s->name && strcmp(s->name, key->name) != 0))
        return false;
    if (s->role == VDM_ROLE_LEDGER)
        return r == vdm_keyring_ledger_key(s->ring, s->n, &before);
    return vdm_key_range_covers(r, s->n);
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
        s->info = info;
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

static bool try_last(struct vdm_archive *a, const struct search *s, struct vdm_passphrases *p,
                     struct vdm_signer **out)
{
    return p->last.n > 0 && vdm_signer_load(out, a->crypto, a->keys, s->file, &p->last, NULL);
}

static bool open_key(struct vdm_archive *a, const struct search *s, struct vdm_passphrases *p,
                     struct vdm_signer **out, struct vdm_err *err)
{
    if (s->info.form == VDM_KEYFILE_CLEAR)
        return vdm_signer_load(out, a->crypto, a->keys, s->file, NULL, err);
    if (try_last(a, s, p, out))
        return true;
    for (unsigned i = 1;; i++) {
        struct vdm_err why = {0};
        vdm_passphrases_release(p);
        if (!p->get(p->ctx, s->info.vkey.name, &p->last, err))
            return false;
        if (vdm_signer_load(out, a->crypto, a->keys, s->file, &p->last, &why))
            return true;
        if (why.kind != VDM_ERR_PASSPHRASE || i >= p->tries)
            return vdm_fail_as(err, why.kind, "%s", why.text);
    }
}

bool vdm_unlock(struct vdm_archive *a, const struct vdm_keyring *ring, enum vdm_key_role role,
                const char *name, uint64_t n, struct vdm_passphrases *p, struct vdm_signer **out,
                struct vdm_err *err)
{
    struct search s = {.ring = ring, .role = role, .name = name, .n = n};
    if (!search_keys(a, &s, err))
        return false;
    if (s.found == 0)
        return vdm_fail(err, "keys/ holds no %s key%s%s that may sign now%s", vdm_role_name(role),
                        name ? " of " : "", name ? name : "", s.problem);
    if (s.found > 1)
        return vdm_fail_as(err, VDM_ERR_USAGE,
                           "keys/ holds several %s keys: say which with --signer",
                           vdm_role_name(role));
    return open_key(a, &s, p, out, err) || vdm_err_prefix(err, "keys/%s", s.file);
}

bool vdm_unlock_for_writing(struct vdm_archive *a, const char *signer, struct vdm_passphrases *p,
                            struct vdm_signers *out, struct vdm_err *err)
{
    struct vdm_report nothing; /* what is wrong with key entries is for verify to tell */
    struct vdm_entry_check ring;
    struct vdm_signers s = {NULL, NULL};
    uint64_t size;
    vdm_report_init(&nothing);
    vdm_entry_check_init(&ring, a->crypto, &nothing);
    bool ok = vdm_ledger_size(a->ledger, &size, err) && vdm_archive_keyring(a, size, &ring, err) &&
              vdm_unlock(a, &ring.keyring, VDM_ROLE_SIGNER, signer, size, p, &s.signer, err) &&
              vdm_unlock(a, &ring.keyring, VDM_ROLE_LEDGER, NULL, size + 1, p, &s.ledger, err);
    vdm_entry_check_release(&ring);
    vdm_report_release(&nothing);
    if (ok)
        *out = s;
    else
        vdm_signers_release(&s);
    return ok;
}

void vdm_signers_release(struct vdm_signers *s)
{
    vdm_signer_close(s->signer);
    vdm_signer_close(s->ledger);
    *s = (struct vdm_signers){NULL, NULL};
}
