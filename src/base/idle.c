/* SPDX-License-Identifier: MIT */
#include "base/idle.h"

#include <errno.h>
#include <linux/ioprio.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

struct idle_work {
    void (*work)(void *ctx);
    void *ctx;
};

/* On Linux both belong to the thread, not to the process. */
static void *run(void *arg)
{
    const struct idle_work *w = arg;
    pid_t self = (pid_t)syscall(SYS_gettid);
    setpriority(PRIO_PROCESS, (id_t)self, 19);
    syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, self, IOPRIO_PRIO_VALUE(IOPRIO_CLASS_IDLE, 0));
    w->work(w->ctx);
    return NULL;
}

bool vdm_run_idle(void (*work)(void *ctx), void *ctx, struct vdm_err *err)
{
    struct idle_work w = {work, ctx};
    pthread_t thread;
    errno = pthread_create(&thread, NULL, run, &w);
    if (errno != 0)
        return vdm_fail_errno(err, "start a thread");
    pthread_join(thread, NULL);
    return true;
}
