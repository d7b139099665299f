/* SPDX-License-Identifier: MIT */
#include "capture/stamp.h"

struct vdm_stamp vdm_stamp_of(const struct stat *st)
{
    return (struct vdm_stamp){.mode = st->st_mode & S_IFMT,
                              .dev = st->st_dev,
                              .ino = st->st_ino,
                              .size_bytes = (uint64_t)st->st_size,
                              .modified = st->st_mtim,
                              .changed = st->st_ctim};
}

bool vdm_stamp_take(int fd, struct vdm_stamp *out)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return false;
    *out = vdm_stamp_of(&st);
    return true;
}

static bool same_time(struct timespec a, struct timespec b)
{
    return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

bool vdm_stamp_same(int fd, const struct vdm_stamp *before)
{
    struct vdm_stamp now;
    if (!vdm_stamp_take(fd, &now))
        return false;
    if (before->mode != S_IFREG)
        return true;
    return now.mode == before->mode && now.dev == before->dev && now.ino == before->ino &&
           now.size_bytes == before->size_bytes && same_time(now.modified, before->modified) &&
           same_time(now.changed, before->changed);
}
