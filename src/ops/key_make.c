/* SPDX-License-Identifier: MIT */
#include "ops/key_make.h"

#include "base/file.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool vdm_key_check_name(struct vdm_archive *a, enum vdm_key_role role, const char **name,
                        struct vdm_err *err)
{
    bool ledger = role == VDM_ROLE_LEDGER;
    if (!*name && !ledger)
        return vdm_fail_as(err, VDM_ERR_USAGE,
                           "the new key needs a name, like "
                           "badr@archive.example.org");
    if (!*name)
        *name = a->origin;
    if (!vdm_name_valid(vdm_str(*name)))
        return vdm_fail_as(err, VDM_ERR_USAGE,
                           "a key's name is 1 to 64 of A-Z a-z 0-9 . _ @ / -, like "
                           "badr@archive.example.org: %s",
                           *name);
    if ((strcmp(*name, a->origin) == 0) != ledger)
        return vdm_fail_as(err, VDM_ERR_USAGE,
                           "ledger keys, and only they, are named like the ledger, %s", a->origin);
    return true;
}

bool vdm_key_make(struct vdm_archive *a, const char *name, const struct vdm_keyfile_lock *lock,
                  struct vdm_key_made *out, struct vdm_err *err)
{
    struct vdm_signer *s VDM_CLEANUP(vdm_signer_cleanup) = NULL;
    char file[VDM_KEY_FILE_BASE_MAX + 5];
    if (!vdm_signer_generate(&s, a->crypto, vdm_str(name), err))
        return false;
    out->vkey = *vdm_signer_vkey(s);
    if (!vdm_key_file_choose(a->crypto, a->keys, &out->vkey, out->base, err))
        return false;
    snprintf(file, sizeof file, "%s.key", out->base);
    if (!vdm_signer_save(s, a->keys, file, lock, err))
        return vdm_err_prefix(err, "keys/%s", file);
    snprintf(file, sizeof file, "%s.pub", out->base);
    return vdm_pub_write(a->keys, file, &out->vkey, err) || vdm_err_prefix(err, "keys/%s", file);
}

/* --- another passphrase --- */

void vdm_key_opened_release(struct vdm_key_opened *k)
{
    free(k->path);
    vdm_signer_close(k->signer);
    *k = (struct vdm_key_opened){0};
}

static bool ends_in_key(const char *name)
{
    size_t n = strlen(name);
    return n > 4 && strcmp(name + n - 4, ".key") == 0;
}

static bool is_meant(struct vdm_crypto *c, int keys, const char *file, const char *what)
{
    struct vdm_keyfile_info info;
    size_t n = strlen(what);
    bool by_file = strncmp(file, what, n) == 0 && strcmp(file + n, ".key") == 0;
    return by_file ||
           (vdm_keyfile_peek(c, keys, file, &info, NULL) && strcmp(info.vkey.name, what) == 0);
}

static bool look_for(struct vdm_crypto *c, const char *folder, const char *what, char **path,
                     struct vdm_err *err)
{
    DIR *dir = opendir(folder);
    unsigned found = 0;
    if (!dir)
        return vdm_fail_as(err, VDM_ERR_NOT_FOUND,
                           "no archive here (name one with -C, or give the key's file)");
    for (struct dirent *e; (e = readdir(dir));) {
        if (e->d_name[0] == '.' || !ends_in_key(e->d_name) ||
            !is_meant(c, dirfd(dir), e->d_name, what) || found++)
            continue;
        if (asprintf(path, "%s/%s", folder, e->d_name) < 0)
            *path = NULL;
    }
    closedir(dir);
    if (found > 1)
        return vdm_fail_as(err, VDM_ERR_USAGE, "several key files fit %s: name the file", what);
    if (found == 0)
        return vdm_fail_as(err, VDM_ERR_NOT_FOUND, "%s holds no secret key of %s", folder, what);
    return *path || vdm_fail_memory(err);
}

static bool find_file(struct vdm_crypto *c, const char *archive, const char *what, char **path,
                      struct vdm_err *err)
{
    char *folder VDM_CLEANUP(vdm_free_string) = NULL;
    if (ends_in_key(what))
        return (*path = strdup(what)) || vdm_fail_memory(err);
    if (asprintf(&folder, "%s/keys", archive) < 0)
        return vdm_fail_memory(err);
    return look_for(c, folder, what, path, err);
}

bool vdm_key_file_open(struct vdm_crypto *c, const char *archive, const char *what,
                       struct vdm_passphrases *p, struct vdm_key_opened *out, struct vdm_err *err)
{
    return find_file(c, archive, what, &out->path, err) &&
           vdm_unlock_file(c, AT_FDCWD, out->path, p, &out->signer, err);
}

bool vdm_key_file_lock(const struct vdm_key_opened *k, const struct vdm_keyfile_lock *lock,
                       struct vdm_err *err)
{
    return vdm_signer_save_again(k->signer, AT_FDCWD, k->path, lock, err);
}
