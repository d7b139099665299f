/* SPDX-License-Identifier: MIT */
/* A check of foreign bytes, run in a worker (sandbox/worker.h) as if it ran here.
 *
 * The worker prints, into a file in memory that becomes its standard output, and the parent passes that
 * on once the worker has ended well. So one code prints, the parent need not decode a report that came
 * from where strangers' bytes are parsed, a worker that was killed has said nothing, and none has the
 * terminal. What is passed on must be text that no terminal obeys; colours are the parent's. */
#ifndef VDM_CLI_APART_H
#define VDM_CLI_APART_H

#include "cli/cli.h"

/* Runs in the worker, on a copy of all that the parent had. Standard output is where it prints;
 * cli->progress reaches the parent's; cli->protection says what is in force. As a command's `run`. */
typedef bool vdm_apart_fn(void *ctx, struct vdm_cli *cli, int *status, struct vdm_err *err);

struct vdm_apart {
    vdm_apart_fn *run;
    void *ctx;
    const int *keep; /* descriptors that it reads and writes */
    size_t keeps;
    uint64_t bytes;         /* of what it reads: more of them may take more CPU time */
    struct vdm_pool **pool; /* as a vdm_worker_job has it; NULL: no threads */
    /* Flags that the worker may set and the parent wants to know; NULL: none. */
    bool *flag;
    size_t flags;
};

/* false: `run` failed, with its error; or the worker was killed, and *status and the flags are as they
 * were; or the user asked to stop. No worker is left over. */
bool vdm_apart_run(struct vdm_cli *cli, const struct vdm_apart *a, int *status,
                   struct vdm_err *err) VDM_MUST_CHECK;

/* What such a worker may take for so many bytes. */
struct vdm_worker_limits vdm_apart_limits(uint64_t bytes);

#endif
