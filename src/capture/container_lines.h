/* SPDX-License-Identifier: MIT */
/* Lines of a record that a worker states, in one piece of memory that does not move: bounded, and of such fields
 * only as are the worker's to state. */
#ifndef VDM_CAPTURE_CONTAINER_LINES_H
#define VDM_CAPTURE_CONTAINER_LINES_H

#include "capture/container.h"

struct vdm_stated_lines {
    struct vdm_record_line *line; /* VDM_MEMBER_LINES_MAX */
    uint8_t *text;                /* VDM_MEMBER_TEXT_MAX + VDM_REASON_MAX */
    size_t n, used;
};

bool vdm_stated_lines_make(struct vdm_stated_lines *l); /* false: no memory */
void vdm_stated_lines_release(struct vdm_stated_lines *l);
/* `field`: as it came, any number. A second value of a field that does not repeat is passed over. false: it must not
 * be stated, or there is no room. */
bool vdm_stated_lines_add(struct vdm_stated_lines *to, unsigned field, struct vdm_bytes value);

#endif
