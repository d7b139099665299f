/* SPDX-License-Identifier: MIT */
#include "ops/keys.h"

#include "base/file.h"
#include "bundle/layout.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void vdm_anchors_release(struct vdm_anchors *a)
{
    free(a->key);
    free(a->policy);
    vdm_buf_release(&a->policy_text);
    *a = (struct vdm_anchors){0};
}

static bool add(struct vdm_anchors *a, const struct vdm_vkey *k, struct vdm_err *err)
{
    struct vdm_vkey *grown = reallocarray(a->key, a->n + 1, sizeof *grown);
    if (!grown)
        return vdm_fail_memory(err);
    a->key = grown;
    a->key[a->n++] = *k;
    return true;
}

static bool open_keys(const char *archive, int *keys, struct vdm_err *err)
{
    char *path VDM_CLEANUP(vdm_free_string) = NULL;
    if (!archive)
        return true;
    if (asprintf(&path, "%s/keys", archive) < 0)
        return vdm_fail_memory(err);
    return vdm_dir_open(AT_FDCWD, path, keys, err);
}

bool vdm_anchors_add_trusted(struct vdm_anchors *a, struct vdm_crypto *c, int keys,
                             struct vdm_err *err)
{
    struct vdm_trusted_list l VDM_CLEANUP(vdm_trusted_list_release) = {0};
    if (!vdm_trust_list(c, keys, &l, err))
        return false;
    for (size_t i = 0; i < l.n; i++)
        if (l.item[i].kind == VDM_TRUSTED_KEY && !add(a, &l.item[i].key, err))
            return false;
    return true;
}

bool vdm_anchors_add(struct vdm_anchors *a, struct vdm_crypto *c, const char *archive,
                     const char *argument, struct vdm_err *err)
{
    struct vdm_vkeys found VDM_CLEANUP(vdm_vkeys_release) = {0};
    int keys VDM_CLEANUP(vdm_fd_close) = VDM_NO_KEYS;
    if (!open_keys(archive, &keys, err) || !vdm_trust_resolve(c, keys, argument, &found, err))
        return vdm_err_prefix(err, "--trust");
    for (size_t i = 0; i < found.n; i++)
        if (!add(a, &found.key[i], err))
            return false;
    return true;
}

bool vdm_anchors_set_policy(struct vdm_anchors *a, struct vdm_crypto *c, const char *path,
                            struct vdm_err *err)
{
    free(a->policy);
    vdm_buf_clear(&a->policy_text);
    if (!(a->policy = calloc(1, sizeof *a->policy)))
        return vdm_fail_memory(err);
    if (!vdm_file_read(AT_FDCWD, path, VDM_SMALL_FILE_MAX, &a->policy_text, err) ||
        !vdm_policy_decode(c, vdm_buf_bytes(&a->policy_text), a->policy, err))
        return vdm_err_prefix(err, "--policy %s", path);
    return true;
}

bool vdm_anchors_add_own(struct vdm_anchors *a, struct vdm_crypto *c, const char *archive,
                         struct vdm_err *err)
{
    int keys VDM_CLEANUP(vdm_fd_close) = -1;
    struct vdm_vkey k;
    if (!open_keys(archive, &keys, err))
        return vdm_fail_as(err, VDM_ERR_NOT_FOUND,
                           "no archive at %s (name one with -C, or bundles to verify)", archive);
    if (!vdm_pub_read(c, keys, "authority.pub", &k, err))
        return vdm_err_prefix(err, "keys/authority.pub");
    return add(a, &k, err);
}

bool vdm_trust_file_or_key(struct vdm_crypto *c, const char *argument, struct vdm_vkeys *out,
                           struct vdm_err *err)
{
    if (access(argument, F_OK) != 0) /* the text of a key */
        return vdm_trust_resolve(c, VDM_NO_KEYS, argument, out, err);
    struct vdm_vkey *k = malloc(sizeof *k);
    if (!k)
        return vdm_fail_memory(err);
    if (!vdm_pub_read(c, AT_FDCWD, argument, k, err)) {
        free(k);
        return false;
    }
    *out = (struct vdm_vkeys){k, 1};
    return true;
}

bool vdm_key_append_pem(struct vdm_buf *out, const struct vdm_vkey *k, struct vdm_err *err)
{
    uint8_t *pem = vdm_buf_grow(out, VDM_KEY_PEM_BYTES);
    if (!pem)
        return vdm_fail_memory(err);
    vdm_key_pem_encode(&k->key, pem);
    return true;
}
