/* SPDX-License-Identifier: MIT */
/* Work that gives way to all other work on the machine. */
#ifndef VDM_BASE_IDLE_H
#define VDM_BASE_IDLE_H

#include "base/err.h"

/* Calls `work` in a thread of its own, which gets the processor and the disk when nobody else wants
 * them, and waits for it. The caller's own priority stays as it is. `work` must use nothing that the
 * caller uses meanwhile. Where the system knows no such priorities the work is done all the same. */
bool vdm_run_idle(void (*work)(void *ctx), void *ctx, struct vdm_err *err) VDM_MUST_CHECK;

#endif
