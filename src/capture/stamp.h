/* SPDX-License-Identifier: MIT */
/* Has a file changed since? Told by what the kernel keeps about it: device, inode, size, times of
 * modification and of change in nanoseconds. */
#ifndef VDM_CAPTURE_STAMP_H
#define VDM_CAPTURE_STAMP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <time.h>

struct vdm_stamp {
    mode_t
        mode; /* only a regular file can be told by the rest: the times of a pipe follow its use */
    dev_t dev;
    ino_t ino;
    uint64_t size_bytes;
    struct timespec modified, changed;
};

struct vdm_stamp vdm_stamp_of(const struct stat *st);
/* false: errno says why. */
bool vdm_stamp_take(int fd, struct vdm_stamp *out);
/* Always true for what is no regular file; false if it cannot be looked at any more. */
bool vdm_stamp_same(int fd, const struct vdm_stamp *before);

#endif
