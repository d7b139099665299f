/* SPDX-License-Identifier: MIT */
/* A closer look at one object than vdm_store_check: what exactly is wrong with it, and where. */
#ifndef VDM_STORE_STORE_INSPECT_H
#define VDM_STORE_STORE_INSPECT_H

#include "store/store.h"

enum vdm_inspected {
    VDM_INSPECTED_GOOD,
    VDM_INSPECTED_MISSING, /* also at a second look */
    VDM_INSPECTED_CHANGED, /* read twice, from the disk the second time, and bad both times */
    VDM_INSPECTED_UNSTEADY, /* bad when read first, good when read again: memory or cable, not the disk */
    VDM_INSPECTED_UNREADABLE, /* the disk or the system refuses to give it */
    VDM_INSPECTED_BUSY,       /* somebody is writing to it: nothing can be said yet */
    VDM_INSPECTED_NOT_A_FILE,
};

struct vdm_inspection {
    enum vdm_inspected state;
    struct vdm_digest found; /* CHANGED: the digest of what stands there */
    uint64_t found_size;
    uint64_t read;     /* bytes that were read, again and again */
    char problem[200]; /* UNREADABLE: what the system says */
};

/* Told of each piece that was read; may sleep, to keep to a rate. NULL: nobody. */
typedef void vdm_store_tick_fn(void *ctx, uint64_t bytes);

/* `size_bytes` as expected, or VDM_SIZE_UNKNOWN; `pause_us`: between two looks at one that is bad. The bytes are asked of the disk and not of the page
 * cache, as far as the system lets us. Writes nothing. False only without memory. */
bool vdm_store_inspect(struct vdm_store *s, struct vdm_digest id, uint64_t size_bytes,
                       unsigned pause_us, vdm_store_tick_fn *tick, void *ctx,
                       struct vdm_inspection *out, struct vdm_err *err) VDM_MUST_CHECK;

#endif
