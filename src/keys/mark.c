/* SPDX-License-Identifier: MIT */
#include "keys/mark.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* Never 0, and new with each set: writing moves the time of change. */
uint64_t vdm_mark_id(int keys)
{
    struct stat st;
    if (fstatat(keys, VDM_MARK_FILE, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return errno == ENOENT ? 0 : 1;
    uint64_t time = (uint64_t)st.st_ctim.tv_sec * 1000000000u + (uint64_t)st.st_ctim.tv_nsec;
    return (time ^ (uint64_t)st.st_ino << 40) | 1;
}

bool vdm_mark_is_set(int keys)
{
    return vdm_mark_id(keys) != 0;
}

/* Written in place and not published: half written, or not synced, it counts as well, and the one that was
 * there before is never gone. */
bool vdm_mark_set(int keys, const char *why, struct vdm_err *err)
{
    int fd VDM_CLEANUP(vdm_fd_close) =
        openat(keys, VDM_MARK_FILE, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
    if (fd < 0)
        return vdm_fail_errno(err, "keys/" VDM_MARK_FILE);
    if (!vdm_fd_write(fd, vdm_str(why), err) || !vdm_fd_write(fd, VDM_LIT("\n"), err) ||
        !vdm_fd_sync(fd, err) || !vdm_fd_sync(keys, err))
        return vdm_err_prefix(err, "keys/" VDM_MARK_FILE);
    return true;
}

bool vdm_mark_clear(int keys, uint64_t id, struct vdm_err *err)
{
    if (vdm_mark_id(keys) != id)
        return true;
    if (unlinkat(keys, VDM_MARK_FILE, 0) != 0 && errno != ENOENT)
        return vdm_fail_errno(err, "keys/" VDM_MARK_FILE);
    return vdm_fd_sync(keys, err) || vdm_err_prefix(err, "keys/" VDM_MARK_FILE);
}
