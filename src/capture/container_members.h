/* SPDX-License-Identifier: MIT */
/* How container.c starts what container_members.c does in the worker. */
#ifndef VDM_CAPTURE_CONTAINER_MEMBERS_H
#define VDM_CAPTURE_CONTAINER_MEMBERS_H

#include "capture/container.h"

struct vdm_container_work {
    const struct vdm_container_format *const *formats;
    const struct vdm_sums *sums;
    int fd;
    uint64_t size;
    const void *context;
};
/* In the worker, to its end. */
void vdm_container_work(const struct vdm_container_work *work, int channel);
/* Shows each line of a member that is put, for a format that knows more of a member than the one that reads it. May
 * put lines itself, of other fields. NULL: no more. */
typedef void vdm_members_watch_fn(void *ctx, enum vdm_field f, struct vdm_bytes value);
void vdm_members_watch(struct vdm_members *m, vdm_members_watch_fn *watch, void *ctx);
/* How much may be unpacked from a container of this size. */
uint64_t vdm_unpack_max(uint64_t size);

#endif
