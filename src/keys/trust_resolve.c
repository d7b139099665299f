/* SPDX-License-Identifier: MIT */
#include "keys/trust.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

void vdm_vkeys_release(struct vdm_vkeys *v)
{
    free(v->key);
    *v = (struct vdm_vkeys){0};
}

static bool add_key(struct vdm_vkeys *v, const struct vdm_vkey *k, struct vdm_err *err)
{
    for (size_t i = 0; i < v->n; i++)
        if (vdm_vkey_equal(&v->key[i], k))
            return true;
    struct vdm_vkey *p = reallocarray(v->key, v->n + 1, sizeof *p);
    if (!p)
        return vdm_fail_memory(err);
    v->key = p;
    v->key[v->n++] = *k;
    return true;
}

static bool nobody(struct vdm_bytes name, size_t damaged, struct vdm_err *err)
{
    int n = (int)(name.n < 300 ? name.n : 300);
    if (damaged)
        return vdm_fail_as(err, VDM_ERR_NOT_FOUND,
                           "no key named %.*s in trusted/ (%zu files there cannot be read)", n,
                           (const char *)name.p, damaged);
    return vdm_fail_as(err, VDM_ERR_NOT_FOUND, "no key named %.*s in trusted/", n,
                       (const char *)name.p);
}

bool vdm_trust_find(struct vdm_crypto *c, int keys, struct vdm_bytes name, struct vdm_vkeys *out,
                    struct vdm_err *err)
{
    struct vdm_trusted_list l VDM_CLEANUP(vdm_trusted_list_release) = {0};
    struct vdm_vkeys found VDM_CLEANUP(vdm_vkeys_release) = {0};
    size_t damaged = 0;
    if (!vdm_trust_list(c, keys, &l, err))
        return false;
    for (size_t i = 0; i < l.n; i++) {
        const struct vdm_trusted *t = &l.item[i];
        damaged += t->kind == VDM_TRUSTED_DAMAGED;
        if (t->kind == VDM_TRUSTED_KEY && vdm_bytes_equal_str(name, t->key.name) &&
            !add_key(&found, &t->key, err))
            return false;
    }
    if (found.n == 0)
        return nobody(name, damaged, err);
    *out = found;
    found = (struct vdm_vkeys){0};
    return true;
}

static bool is_path(struct vdm_bytes s)
{
    return vdm_bytes_start_with(s, VDM_LIT("/")) || vdm_bytes_start_with(s, VDM_LIT("./")) ||
           vdm_bytes_start_with(s, VDM_LIT("../")) ||
           (s.n >= 4 && vdm_bytes_equal_str(vdm_bytes_skip(s, s.n - 4), ".pub"));
}

/* The sum in a vkey makes it certain that nothing else is taken for one. */
static bool resolve_one(struct vdm_crypto *c, const char *argument, bool *is_one,
                        struct vdm_vkey *out, struct vdm_err *err)
{
    struct vdm_bytes text = vdm_str(argument);
    struct vdm_err why = {0};
    *is_one = true;
    if (vdm_vkey_decode(c, text, out, &why))
        return true;
    if (is_path(text))
        return vdm_pub_read(c, AT_FDCWD, argument, out, err);
    if (memchr(text.p, '+', text.n)) /* no name has one */
        return vdm_fail_as(err, why.kind, "%s", why.text);
    *is_one = false;
    return true;
}

bool vdm_trust_resolve(struct vdm_crypto *c, int keys, const char *argument, struct vdm_vkeys *out,
                       struct vdm_err *err)
{
    struct vdm_vkey one;
    bool is_one = false;
    if (!resolve_one(c, argument, &is_one, &one, err))
        return false;
    if (is_one) {
        struct vdm_vkeys v = {0};
        if (!add_key(&v, &one, err))
            return false;
        *out = v;
        return true;
    }
    if (keys == VDM_NO_KEYS)
        return vdm_fail_as(err, VDM_ERR_USAGE,
                           "%s: the name of a key, but there is no archive to look it up in (for "
                           "a file, write ./%s)",
                           argument, argument);
    if (!vdm_trust_find(c, keys, vdm_str(argument), out, err))
        return vdm_err_prefix(err, "%s", argument);
    return true;
}
