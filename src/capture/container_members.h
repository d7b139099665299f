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
};
/* In the worker, to its end. */
void vdm_container_work(const struct vdm_container_work *work, int channel);
/* How much may be unpacked from a container of this size. */
uint64_t vdm_unpack_max(uint64_t size);

#endif
