/* SPDX-License-Identifier: MIT */
#include "keys/trust.h"

#include "base/file.h"
#include "base/limits.h"
#include "format/policy.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FOLDER "trusted"

void vdm_trusted_list_release(struct vdm_trusted_list *l)
{
    free(l->item);
    *l = (struct vdm_trusted_list){0};
}

static bool ends_with(const char *s, const char *suffix)
{
    size_t n = strlen(s), m = strlen(suffix);
    return n > m && strcmp(s + n - m, suffix) == 0;
}

static void free_policy(struct vdm_policy **p)
{
    free(*p);
}

static bool check_policy(struct vdm_crypto *c, struct vdm_bytes text, struct vdm_err *err)
{
    /* Too large for a stack frame. */
    struct vdm_policy *p VDM_CLEANUP(free_policy) = calloc(1, sizeof *p);
    if (!p)
        return vdm_fail_memory(err);
    return vdm_policy_decode(c, text, p, err);
}

static bool read_policy(struct vdm_crypto *c, int dir, const char *path, struct vdm_buf *out,
                        struct vdm_err *err)
{
    struct vdm_buf text VDM_CLEANUP(vdm_buf_release) = {0};
    if (!vdm_file_read(dir, path, VDM_SMALL_FILE_MAX, &text, err) ||
        !check_policy(c, vdm_buf_bytes(&text), err))
        return vdm_err_prefix(err, "%s", path);
    vdm_buf_put(out, vdm_buf_bytes(&text));
    return vdm_buf_ok(out, err);
}

/* NULL without memory. */
static struct vdm_trusted *add_item(struct vdm_trusted_list *l)
{
    if ((l->n & (l->n - 1)) == 0) { /* full at each power of two */
        size_t cap = l->n ? l->n * 2 : 1;
        struct vdm_trusted *p = reallocarray(l->item, cap, sizeof *p);
        if (!p)
            return NULL;
        l->item = p;
    }
    l->item[l->n] = (struct vdm_trusted){0};
    return &l->item[l->n++];
}

static bool look_at(struct vdm_crypto *c, int dir, const char *file, struct vdm_trusted_list *l,
                    struct vdm_err *err)
{
    struct vdm_buf text VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_err why = {0};
    bool is_key = ends_with(file, ".pub");
    if (!is_key && !ends_with(file, ".policy"))
        return true;
    if (l->n == VDM_TRUSTED_MAX)
        return vdm_fail(err, "more than %d files", VDM_TRUSTED_MAX);
    struct vdm_trusted *t = add_item(l);
    if (!t)
        return vdm_fail_memory(err);
    snprintf(t->file, sizeof t->file, "%s", file);
    t->kind = is_key ? VDM_TRUSTED_KEY : VDM_TRUSTED_POLICY;
    if (is_key ? !vdm_pub_read(c, dir, file, &t->key, &why)
               : !read_policy(c, dir, file, &text, &why)) {
        t->kind = VDM_TRUSTED_DAMAGED;
        snprintf(t->problem, sizeof t->problem, "%.*s", (int)sizeof t->problem - 1, why.text);
    }
    return true;
}

static void close_dir(DIR **d)
{
    if (*d)
        closedir(*d);
}

static bool walk(struct vdm_crypto *c, int fd, struct vdm_trusted_list *l, struct vdm_err *err)
{
    int own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    DIR *d VDM_CLEANUP(close_dir) = own < 0 ? NULL : fdopendir(own);
    if (!d) {
        vdm_fail_errno(err, "open");
        vdm_fd_close(&own);
        return false;
    }
    for (;;) {
        errno = 0;
        struct dirent *e = readdir(d);
        if (!e)
            return errno == 0 || vdm_fail_errno(err, "read");
        if (!look_at(c, fd, e->d_name, l, err))
            return false;
    }
}

static int by_file(const void *a, const void *b)
{
    return strcmp(((const struct vdm_trusted *)a)->file, ((const struct vdm_trusted *)b)->file);
}

bool vdm_trust_list(struct vdm_crypto *c, int keys, struct vdm_trusted_list *out,
                    struct vdm_err *err)
{
    int fd VDM_CLEANUP(vdm_fd_close) = -1;
    struct vdm_trusted_list l VDM_CLEANUP(vdm_trusted_list_release) = {0};
    struct vdm_err why = {0};
    if (!vdm_dir_open(keys, FOLDER, &fd, &why)) {
        if (why.kind != VDM_ERR_NOT_FOUND)
            return vdm_fail_as(err, why.kind, "%s", why.text);
    } else if (!walk(c, fd, &l, err)) {
        return vdm_err_prefix(err, FOLDER);
    }
    if (l.n)
        qsort(l.item, l.n, sizeof *l.item, by_file);
    *out = l;
    l = (struct vdm_trusted_list){0};
    return true;
}

/* The folder itself must outlast a crash as well as what is put into it. */
static bool open_folder(int keys, int *fd, struct vdm_err *err)
{
    return vdm_dir_make(keys, FOLDER, 0755, false, err) && vdm_fd_sync(keys, err) &&
           vdm_dir_open(keys, FOLDER, fd, err);
}

bool vdm_trust_add(struct vdm_crypto *c, int keys, const struct vdm_vkey *k, bool *added,
                   struct vdm_err *err)
{
    int fd VDM_CLEANUP(vdm_fd_close) = -1;
    struct vdm_trusted_list l VDM_CLEANUP(vdm_trusted_list_release) = {0};
    char base[VDM_KEY_FILE_BASE_MAX + 1], file[VDM_KEY_FILE_BASE_MAX + 5];
    if (!vdm_trust_list(c, keys, &l, err))
        return false;
    bool known = false;
    for (size_t i = 0; i < l.n && !known; i++)
        known = l.item[i].kind == VDM_TRUSTED_KEY && vdm_vkey_equal(&l.item[i].key, k);
    if (!known) {
        if (l.n == VDM_TRUSTED_MAX)
            return vdm_fail(err, FOLDER ": holds %d files already", VDM_TRUSTED_MAX);
        if (!open_folder(keys, &fd, err) || !vdm_key_file_choose(c, fd, k, base, err))
            return vdm_err_prefix(err, FOLDER);
        snprintf(file, sizeof file, "%s.pub", base);
        if (!vdm_pub_write(fd, file, k, err))
            return vdm_err_prefix(err, FOLDER);
    }
    if (added)
        *added = !known;
    return true;
}

/* trusted/<name>.policy */
static bool policy_path(struct vdm_bytes name, char *out, size_t cap, struct vdm_err *err)
{
    if (!vdm_name_valid(name) || memchr(name.p, '/', name.n) || name.p[0] == '.')
        return vdm_fail_as(err, VDM_ERR_USAGE,
                           "a policy's name is 1 to %d of A-Z a-z 0-9 . _ @ - without a dot in "
                           "front",
                           VDM_NAME_MAX);
    snprintf(out, cap, FOLDER "/%.*s.policy", (int)name.n, (const char *)name.p);
    return true;
}

bool vdm_trust_add_policy(struct vdm_crypto *c, int keys, struct vdm_bytes name,
                          struct vdm_bytes text, struct vdm_err *err)
{
    int fd VDM_CLEANUP(vdm_fd_close) = -1;
    char path[sizeof FOLDER + VDM_NAME_MAX + 16];
    if (!policy_path(name, path, sizeof path, err))
        return false;
    if (text.n > VDM_SMALL_FILE_MAX)
        return vdm_fail_as(err, VDM_ERR_MALFORMED, "policy: larger than %u bytes",
                           VDM_SMALL_FILE_MAX);
    if (!check_policy(c, text, err) || !open_folder(keys, &fd, err) ||
        !vdm_file_publish(keys, path, 0644, false, text, err))
        return vdm_err_prefix(err, "policy");
    return true;
}

bool vdm_trust_read_policy(struct vdm_crypto *c, int keys, struct vdm_bytes name,
                           struct vdm_buf *out, struct vdm_err *err)
{
    char path[sizeof FOLDER + VDM_NAME_MAX + 16];
    return policy_path(name, path, sizeof path, err) && read_policy(c, keys, path, out, err);
}

bool vdm_trust_remove(int keys, const char *file, struct vdm_err *err)
{
    int fd VDM_CLEANUP(vdm_fd_close) = -1;
    if (strchr(file, '/') || (!ends_with(file, ".pub") && !ends_with(file, ".policy")))
        return vdm_fail_as(err, VDM_ERR_USAGE, "not the name of a file in " FOLDER "/: %s", file);
    if (!vdm_dir_open(keys, FOLDER, &fd, err))
        return false;
    if (unlinkat(fd, file, 0) != 0) {
        if (errno == ENOENT)
            return vdm_fail_as(err, VDM_ERR_NOT_FOUND, "no such file: " FOLDER "/%s", file);
        return vdm_fail_errno(err, "remove " FOLDER "/%s", file);
    }
    return vdm_fd_sync(fd, err);
}
