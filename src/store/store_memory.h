/* SPDX-License-Identifier: MIT */
/* A store in memory, for trial runs and tests: it holds to the same contract and is gone when
 * closed. Set aside objects are kept until then. */
#ifndef VDM_STORE_STORE_MEMORY_H
#define VDM_STORE_STORE_MEMORY_H

#include "store/store.h"

/* `crypto` must outlive the store. */
bool vdm_store_open_memory(struct vdm_store **out, struct vdm_crypto *crypto,
                           struct vdm_err *err) VDM_MUST_CHECK;

/* The bytes of an object, to damage them; NULL if there is none. */
struct vdm_buf *vdm_store_memory_bytes(struct vdm_store *s, struct vdm_digest id);
size_t vdm_store_memory_set_aside(const struct vdm_store *s);
/* The next sync fails. */
void vdm_store_memory_break_sync(struct vdm_store *s);

#endif
