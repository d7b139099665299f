/* SPDX-License-Identifier: MIT */
/* Places in the packs from which a document was got, so that what was not can be looked through without the rest:
 * in each pack runs of members that were met. Documents are mostly got in the order in which they were put, so there
 * are few runs; beyond VDM_PACK_RUNS_MAX new ones are not kept, and are looked through. */
#ifndef VDM_STORE_PACK_MET_H
#define VDM_STORE_PACK_MET_H

#include "store/store.h"

#define VDM_PACK_RUNS_MAX 4096

/* Any thread may. `span`: of header and document. m NULL: nothing is kept. */
void vdm_pack_met_add(struct vdm_store_met *m, uint32_t pack, uint64_t offset, uint64_t span);
/* Where the run ends that begins at this offset; the offset itself if none does, or m is NULL. From inside of one nothing
 * follows: who goes from member to member comes there only where the index lies. */
uint64_t vdm_pack_met_past(struct vdm_store_met *m, uint32_t pack, uint64_t offset);

#endif
