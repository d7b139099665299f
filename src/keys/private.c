/* SPDX-License-Identifier: MIT */
#include "keys/private.h"

#include "base/file.h"

#include <sys/stat.h>
#include <unistd.h>

static bool check_owner(int fd, struct vdm_err *err)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return vdm_fail_errno(err, "stat");
    if (st.st_uid != geteuid() && st.st_uid != 0)
        return vdm_fail(err, "it belongs to another user (uid %ju)", (uintmax_t)st.st_uid);
    /* An access list shows here as well: its mask stands in the place of the group. */
    if (st.st_mode & 077)
        return vdm_fail(err, "others than its owner may use it (mode %04o); run chmod 600 on it",
                        (unsigned)(st.st_mode & 07777));
    return true;
}

bool vdm_private_read(int dir, const char *path, bool follow, size_t cap, struct vdm_secret *out,
                      struct vdm_err *err)
{
    int fd VDM_CLEANUP(vdm_fd_close) = -1;
    struct vdm_secret s VDM_CLEANUP(vdm_secret_release) = {0};
    if (!vdm_file_open(dir, path, follow, &fd, err) || !check_owner(fd, err) ||
        !vdm_secret_open(&s, cap, err) || !vdm_fd_read(fd, s.p, cap, &s.n, err))
        return vdm_err_prefix(err, "%s", path);
    *out = s;
    s = (struct vdm_secret){0};
    return true;
}
