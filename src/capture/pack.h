/* SPDX-License-Identifier: MIT */
/* A tar or a zip as a container: what sort it is by the names in it, and its members one by one. */
#ifndef VDM_CAPTURE_PACK_H
#define VDM_CAPTURE_PACK_H

#include "capture/bag.h"
#include "capture/packed.h"

extern const struct vdm_container_format vdm_tar_format, vdm_zip_format;

/* One that is being read, in the worker. */
struct vdm_pack {
    struct vdm_span *s;
    struct vdm_members *to;
    enum vdm_packed_kind kind;
    uint64_t most;    /* bytes that may be unpacked of a container of its size */
    uint64_t entries; /* of the last pass */
    uint64_t end;     /* how far the container was read, if that came to the end */
    bool quiet;       /* what is broken is told by a later pass */
};

/* A pass over all entries, from the start. `see` gets each one, folders too, and whether to go on is its answer.
 * What it leaves of the bytes is passed over. *whole: the end was reached. */
typedef bool vdm_pack_see_fn(void *ctx, struct vdm_packed *u);
void vdm_pack_each(struct vdm_pack *p, vdm_pack_see_fn *see, void *ctx, bool *whole);

/* After such a pass: tells what of the container was not read. */
void vdm_pack_check_end(const struct vdm_pack *p);

/* A member with its path, its time and its bytes; or refused, with the reason. */
void vdm_pack_begin(struct vdm_pack *p, const struct vdm_packed_entry *e);
void vdm_pack_take(struct vdm_pack *p, struct vdm_packed *u);

/* The prefix below which all of it lies is a bag's folder: judged, and taken if it is valid. */
void vdm_pack_run_bag(struct vdm_pack *p, struct vdm_bytes prefix);
#endif
