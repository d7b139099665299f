/* SPDX-License-Identifier: MIT */
/* A hash table of slots in a file, read and written in place: 2^bits slots of 16 bytes, each a key and a value,
 * little-endian. A key's slots begin at the one that its first bits name and go round at the end. A value of 0 is an empty
 * slot, at which a search ends; a slot that was in use stays so. Used by pack_index.c alone. */
#ifndef VDM_STORE_PACK_SLOTS_H
#define VDM_STORE_PACK_SLOTS_H

#include "base/file.h"

#define VDM_SLOT_BYTES  16
#define VDM_PROBE_SLOTS 32
#define VDM_SLOT_FLAG   UINT64_C(2) /* values that differ in this bit alone are of one place */

struct vdm_slots {
    int fd;
    uint64_t at; /* of the first in the file */
    unsigned bits;
};

uint64_t vdm_slots_count(const struct vdm_slots *t);

struct vdm_slots_probe {
    uint64_t key;
    uint64_t slot;  /* of the next one */
    uint64_t left;  /* slots not looked at */
    uint64_t found; /* slot of what was given last */
    size_t n, i;
    uint8_t read[VDM_PROBE_SLOTS * VDM_SLOT_BYTES];
};
void vdm_slots_begin(const struct vdm_slots *t, uint64_t key, struct vdm_slots_probe *p);
/* From the first slot to the last, whatever their keys. */
void vdm_slots_begin_all(const struct vdm_slots *t, struct vdm_slots_probe *p);
/* The next slot, empty or not; *value 0 also after the last. */
bool vdm_slots_next(const struct vdm_slots *t, struct vdm_slots_probe *p, uint64_t *key,
                    uint64_t *value, struct vdm_err *err) VDM_MUST_CHECK;

bool vdm_slots_put(const struct vdm_slots *t, uint64_t slot, uint64_t key, uint64_t value,
                   struct vdm_err *err) VDM_MUST_CHECK;
/* *added is false: its place had a slot already, which has the flag now if either had it. */
bool vdm_slots_add(const struct vdm_slots *t, uint64_t key, uint64_t value, bool *added,
                   struct vdm_err *err) VDM_MUST_CHECK;

/* Many, about in the order of their keys: what lies around is read once, and written once. */
#define VDM_WINDOW_SLOTS 1024
struct vdm_slots_window {
    const struct vdm_slots *t; /* set by the caller, the rest 0 */
    uint64_t first;
    size_t n;
    size_t from, to; /* those that are not written yet */
    uint8_t p[VDM_WINDOW_SLOTS * VDM_SLOT_BYTES];
};
bool vdm_slots_add_next(struct vdm_slots_window *w, uint64_t key, uint64_t value, bool *added,
                        struct vdm_err *err) VDM_MUST_CHECK;
/* After the last. */
bool vdm_slots_write(struct vdm_slots_window *w, struct vdm_err *err) VDM_MUST_CHECK;

#endif
