/* SPDX-License-Identifier: MIT */
/* What the worker that reads a container and its parent say to each other: messages of items, each with
 * a head of VDM_ITEM_HEAD bytes (kind, argument, length in the machine's own order) and its bytes. Many
 * small items share a message. */
#ifndef VDM_CAPTURE_CONTAINER_WIRE_H
#define VDM_CAPTURE_CONTAINER_WIRE_H

#include <stdint.h>

enum vdm_item_kind {
    VDM_ITEM_IS = 1, /* argument: the number of the format */
    VDM_ITEM_NONE,   /* it is no container */
    VDM_ITEM_ABOUT,  /* argument: field */
    VDM_ITEM_BEGIN,  /* name */
    VDM_ITEM_LINE,   /* argument: field */
    VDM_ITEM_PLACE,  /* offset, length, method */
    VDM_ITEM_METHOD,
    VDM_ITEM_REPEATS,   /* argument 0, 1, 2: record-id, source, captured */
    VDM_ITEM_DESCRIBES, /* the container, and is no capture */
    VDM_ITEM_BYTES,
    VDM_ITEM_END,
    VDM_ITEM_REFUSE,  /* reason */
    VDM_ITEM_PROBLEM, /* offset, reason */
    VDM_ITEM_PASSED,  /* bytes */
    VDM_ITEM_DONE,    /* nothing follows */
};

#define VDM_ITEM_HEAD   6
#define VDM_MESSAGE_MAX (96u << 10)
#define VDM_MEMBER_TEXT_MAX                                                                        \
    (48u << 10) /* bytes of the lines of one member: a record has room for more */
#define VDM_REASON_MAX 400

#endif
