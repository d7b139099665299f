/* SPDX-License-Identifier: MIT */
/* The system calls of a worker. What is not here kills it. */
#include "sandbox/confine.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define FILTER_ROOM (1u << 20)

struct call {
    int number;
    uint32_t action;
};

static const struct call calls[] = {
    /* its descriptors */
    {SCMP_SYS(read), SCMP_ACT_ALLOW},    /* what it checks, and its channel */
    {SCMP_SYS(write), SCMP_ACT_ALLOW},   /* its channel and its output */
    {SCMP_SYS(lseek), SCMP_ACT_ALLOW},   /* to read a bundle from its start; stdio */
    {SCMP_SYS(pread64), SCMP_ACT_ALLOW}, /* a container, whose descriptor the parent reads, too */
    /* stdio asks whether it writes to a terminal. It must not be answered, since the call takes paths
     * too; without an answer stdio takes an ordinary buffer. */
    {SCMP_SYS(newfstatat), SCMP_ACT_ERRNO(EPERM)},
    {SCMP_SYS(fstat), SCMP_ACT_ERRNO(EPERM)},
    /* memory; mapping and protecting it stand below */
    {SCMP_SYS(brk), SCMP_ACT_ALLOW},     /* malloc */
    {SCMP_SYS(munmap), SCMP_ACT_ALLOW},  /* free of a large piece */
    {SCMP_SYS(mremap), SCMP_ACT_ALLOW},  /* realloc of a large piece */
    {SCMP_SYS(madvise), SCMP_ACT_ALLOW}, /* free gives pages back */
    /* time and locks */
    {SCMP_SYS(clock_gettime), SCMP_ACT_ALLOW}, /* progress, where the vDSO has no clock */
    {SCMP_SYS(futex), SCMP_ACT_ALLOW},         /* locks of libc and libcrypto */
    /* the end */
    {SCMP_SYS(exit_group), SCMP_ACT_ALLOW},
    /* abort(), so that a failed assertion is told as a crash; tgkill stands below */
    {SCMP_SYS(rt_sigprocmask), SCMP_ACT_ALLOW},
    {SCMP_SYS(rt_sigaction), SCMP_ACT_ALLOW},
    {SCMP_SYS(getpid), SCMP_ACT_ALLOW},
    {SCMP_SYS(gettid), SCMP_ACT_ALLOW},
    {SCMP_SYS(writev), SCMP_ACT_ALLOW}, /* glibc, of a damaged heap, before it aborts */
#ifdef VDM_SANITIZED
    /* The sanitizers' own memory and stacks; and what they ask for to write a report may fail but
     * must not kill, or there would be no report. */
    {SCMP_SYS(sigaltstack), SCMP_ACT_ALLOW},
    {SCMP_SYS(sched_yield), SCMP_ACT_ALLOW},
    {SCMP_SYS(open), SCMP_ACT_ERRNO(EPERM)},
    {SCMP_SYS(openat), SCMP_ACT_ERRNO(EPERM)},
    {SCMP_SYS(readlink), SCMP_ACT_ERRNO(EPERM)},
    {SCMP_SYS(stat), SCMP_ACT_ERRNO(EPERM)},
    {SCMP_SYS(ioctl), SCMP_ACT_ERRNO(EPERM)},
    {SCMP_SYS(prctl), SCMP_ACT_ERRNO(EPERM)},
    {SCMP_SYS(prlimit64), SCMP_ACT_ERRNO(EPERM)},
#endif
};

/* New memory of its own, never to be executed. */
static int allow_memory(scmp_filter_ctx filter)
{
    struct scmp_arg_cmp no_code = SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0);
    struct scmp_arg_cmp no_file = SCMP_A3(SCMP_CMP_MASKED_EQ, MAP_ANONYMOUS, MAP_ANONYMOUS);
    int problem = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 2, no_code, no_file);
    /* malloc grows the heaps of threads so: a worker may be started by one */
    return problem ? problem
                   : seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1, no_code);
}

/* abort() signals itself; nobody else may be signalled. */
static int allow_abort(scmp_filter_ctx filter)
{
    return seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1,
                            SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid(), 0));
}

static int add_calls(scmp_filter_ctx filter)
{
    int problem = 0;
    for (size_t i = 0; !problem && i < sizeof calls / sizeof *calls; i++)
        problem = seccomp_rule_add(filter, calls[i].action, calls[i].number, 0);
    if (!problem)
        problem = allow_memory(filter);
    return problem ? problem : allow_abort(filter);
}

/* Whether the kernel can kill a whole process for a call: asked of it, not of the library. */
static bool kernel_has_seccomp(void)
{
    uint32_t action = SECCOMP_RET_KILL_PROCESS;
    return syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
}

/* Where its memory runs out, libseccomp 2.5 goes round for ever or makes a filter that lacks rules. The
 * worker is alone in its memory, so what is there now is there for the filter, which takes a tenth. */
static bool has_room_for_filter(void)
{
    void *room = malloc(FILTER_ROOM);
    free(room);
    return room != NULL;
}

bool vdm_confine_calls(bool *in_force, struct vdm_err *err)
{
    *in_force = kernel_has_seccomp();
    if (!*in_force)
        return true;
    if (!has_room_for_filter())
        return vdm_fail_memory(err);
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
    int problem = filter ? add_calls(filter) : -ENOMEM;
    /* Calls in another architecture's numbering are none of ours. */
    if (!problem)
        problem = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
    /* On every thread, or on none. */
    if (!problem)
        problem = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
    if (!problem)
        problem = seccomp_load(filter);
    seccomp_release(filter);
    errno = -problem;
    return !problem || vdm_fail_errno(err, "seccomp");
}
