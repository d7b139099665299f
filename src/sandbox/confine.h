/* SPDX-License-Identifier: MIT */
/* How a process that was just forked gives up its rights. Only worker.c calls this. */
#ifndef VDM_SANDBOX_CONFINE_H
#define VDM_SANDBOX_CONFINE_H

#include "sandbox/worker.h"

/* In this order, since each step needs what the next takes away. Nothing is taken back on failure: end
 * the process then. `parent` is who forked it. */
bool vdm_confine(const struct vdm_worker_job *job, int channel, pid_t parent,
                 struct vdm_protection *p, struct vdm_err *err) VDM_MUST_CHECK;

/* calls.c: only listed system calls from here on, on all threads. *in_force false: none is to be had. */
bool vdm_confine_calls(bool *in_force, struct vdm_err *err) VDM_MUST_CHECK;

#endif
