/* SPDX-License-Identifier: MIT */
/* The files of a bag's folder as its parent writes them down for the worker that judges it: a container of our own,
 * which lives in a file without a name. Numbers in the machine's own order. */
#ifndef VDM_CAPTURE_BAG_LIST_H
#define VDM_CAPTURE_BAG_LIST_H

#include "capture/bag_private.h"
#include "capture/container.h"

void vdm_bag_list_begin(struct vdm_buf *out, bool has_data);
/* A finding of who walked the folder. */
void vdm_bag_list_fault(struct vdm_buf *out, struct vdm_bytes fault);
void vdm_bag_list_file(struct vdm_buf *out, struct vdm_bytes name, uint64_t size, unsigned kinds,
                       const uint8_t sums[VDM_SUM_KINDS][VDM_SUM_BYTES_MAX], struct vdm_bytes text);

/* Findings come as problems; of a valid bag comes what its bag-info.txt says, as lines about the container. */
extern const struct vdm_container_format vdm_bag_list_format;

/* Either vdm_members_line or vdm_members_about. */
typedef void vdm_bag_put_fn(struct vdm_members *to, enum vdm_field f, struct vdm_bytes value);
void vdm_bag_lines(const struct vdm_bag *b, struct vdm_members *to, vdm_bag_put_fn *put);
/* The findings; before them, that it is refused and why nothing of it is taken. */
void vdm_bag_tell_findings(const struct vdm_bag *b, struct vdm_members *to);

#endif
