/* SPDX-License-Identifier: MIT */
#include "keys/private.h"

#include "base/file.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The ledger key of an archive that a group shares: its members may read it, and could put another in
 * its place anyway. */
static bool is_shared(int dir, const char *path, const struct stat *file)
{
    struct stat folder;
    return dir >= 0 && !strchr(path, '/') && vdm_dir_shared(dir) && fstat(dir, &folder) == 0 &&
           folder.st_gid == file->st_gid && (file->st_mode & 077) == S_IRGRP;
}

/* A credential of a systemd service: root's, 0400, and an access list for the service's user, which
 * shows as the group's right to read. */
static bool is_credential(const struct stat *file)
{
    return file->st_uid == 0 && file->st_gid == 0 && (file->st_mode & 07777) == 0440;
}

static bool check_owner(enum vdm_private_kind kind, int dir, const char *path, int fd,
                        struct vdm_err *err)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return vdm_fail_errno(err, "stat");
    if (kind == VDM_PRIVATE_KEY ? is_shared(dir, path, &st) : is_credential(&st))
        return true;
    if (st.st_uid != geteuid() && st.st_uid != 0)
        return vdm_fail(err, "it belongs to another user (uid %ju)", (uintmax_t)st.st_uid);
    /* An access list shows here as well: its mask stands in the place of the group. */
    if (st.st_mode & 077)
        return vdm_fail(err, "others than its owner may use it (mode %04o); run chmod 600 on it",
                        (unsigned)(st.st_mode & 07777));
    return true;
}

bool vdm_private_read(enum vdm_private_kind kind, int dir, const char *path, bool follow,
                      size_t cap, struct vdm_secret *out, struct vdm_err *err)
{
    int fd VDM_CLEANUP(vdm_fd_close) = -1;
    struct vdm_secret s VDM_CLEANUP(vdm_secret_release) = {0};
    if (!vdm_file_open(dir, path, follow, &fd, err) || !check_owner(kind, dir, path, fd, err) ||
        !vdm_secret_open(&s, cap, err) || !vdm_fd_read(fd, s.p, cap, &s.n, err))
        return vdm_err_prefix(err, "%s", path);
    *out = s;
    s = (struct vdm_secret){0};
    return true;
}
