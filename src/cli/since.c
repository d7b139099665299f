/* SPDX-License-Identifier: MIT */
#include "cli/since.h"

#include "base/file.h"
#include "base/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Who may have changed this? In a sticky folder (/tmp) nobody replaces what is another's. */
static bool only_ours(const struct stat *st, bool folder)
{
    bool ours = st->st_uid == geteuid() || st->st_uid == 0;
    bool writable = (st->st_mode & (S_IWGRP | S_IWOTH)) != 0;
    return ours && (!writable || (folder && (st->st_mode & S_ISVTX)));
}

static bool check_owner(int fd, const char *what, bool folder, struct vdm_err *err)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return vdm_fail_errno(err, "%s", what);
    return only_ours(&st, folder) ||
           vdm_fail_as(err, VDM_ERR_REFUSED,
                       "%s can be written by others than you, so it is not believed (chmod go-w)",
                       what);
}

static bool is_below(const char *path, const char *folder)
{
    size_t n = strlen(folder);
    return strncmp(path, folder, n) == 0 && (path[n] == '/' || path[n] == 0);
}

/* Who keeps the archive must not be the one who says what was checked of it. */
static bool check_apart(const char *folder, const char *archive, struct vdm_err *err)
{
    char *here VDM_CLEANUP(vdm_free_string) = realpath(folder, NULL);
    if (!here)
        return vdm_fail_errno(err, "its folder %s", folder);
    char *there VDM_CLEANUP(vdm_free_string) = realpath(archive, NULL);
    if (!there) /* that there is no archive is told by opening it */
        return true;
    return !is_below(here, there) ||
           vdm_fail_as(err, VDM_ERR_REFUSED,
                       "it would lie in the archive, which is what it is to be kept apart from");
}

/* Each folder on the way up as well: who may rename one of them may put another file in its place. */
static bool check_folders(const char *folder, struct vdm_err *err)
{
    char *real VDM_CLEANUP(vdm_free_string) = realpath(folder, NULL);
    if (!real)
        return vdm_fail_errno(err, "%s", folder);
    for (;;) {
        int fd VDM_CLEANUP(vdm_fd_close) = -1;
        if (!vdm_dir_open(AT_FDCWD, real, &fd, err) || !check_owner(fd, real, true, err))
            return false;
        char *slash = strrchr(real, '/');
        if (real[1] == 0)
            return true;
        slash[slash == real] = 0;
    }
}

bool vdm_since_read(struct vdm_crypto *c, const char *path, const char *archive,
                    struct vdm_verified *out, bool *found, struct vdm_err *err)
{
    struct vdm_buf text VDM_CLEANUP(vdm_buf_release) = {0};
    char *copy VDM_CLEANUP(vdm_free_string) = strdup(path);
    int fd VDM_CLEANUP(vdm_fd_close) = -1;
    struct vdm_err why = {0};
    size_t got = 0;
    if (!copy)
        return vdm_fail_memory(err);
    const char *folder = dirname(copy);
    if (!check_apart(folder, archive, err) || !check_folders(folder, err))
        return false;
    *found = vdm_file_open(AT_FDCWD, path, false, &fd, &why);
    if (!*found)
        return why.kind == VDM_ERR_NOT_FOUND || vdm_fail_as(err, why.kind, "%s", why.text);
    uint8_t *p = vdm_buf_grow(&text, VDM_NOTE_MAX);
    if (!p)
        return vdm_fail_memory(err);
    if (!check_owner(fd, path, false, err) || !vdm_fd_read(fd, p, VDM_NOTE_MAX, &got, err))
        return false;
    return vdm_verified_decode(c, (struct vdm_bytes){p, got}, out, err);
}

bool vdm_since_write(const char *path, const struct vdm_report *r, struct vdm_err *err)
{
    struct vdm_buf text VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_verified v = {
        .authority = r->authority, .size = r->size, .root = r->root, .time = vdm_time_now()};
    memcpy(v.ledger, r->origin, sizeof v.ledger);
    vdm_verified_append(&text, &v);
    return vdm_buf_ok(&text, err) &&
           vdm_file_publish(AT_FDCWD, path, 0600, true, vdm_buf_bytes(&text), err);
}
