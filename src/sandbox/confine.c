/* SPDX-License-Identifier: MIT */
#include "sandbox/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

/* --- its parent, its signals --- */

static bool follow_parent(pid_t parent, struct vdm_err *err)
{
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
        return vdm_fail_errno(err, "parent-death signal");
    /* It may have died before that. */
    return getppid() == parent || vdm_fail(err, "its parent is gone");
}

/* Handlers are the parent's. Ctrl-C reaches both; what becomes of the work is the parent's business. */
static void reset_signals(void)
{
    sigset_t none;
    sigemptyset(&none);
    for (int number = 1; number < NSIG; number++)
        (void)signal(number, number == SIGINT ? SIG_IGN : SIG_DFL);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
}

/* --- descriptors --- */

static bool set_standard(int out, struct vdm_err *err)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    bool ok = null >= 0 && dup2(null, STDIN_FILENO) >= 0;
    ok = ok && dup2(out >= 0 ? out : null, 1) >= 0;
#ifndef VDM_SANITIZED /* whose reports would be lost */
    ok = ok && dup2(null, 2) >= 0;
#endif
    return ok || vdm_fail_errno(err, "standard descriptors");
}

/* The lowest of the descriptors to keep that is not below `from`. */
static unsigned next_kept(const struct vdm_worker_job *job, int channel, unsigned from)
{
    unsigned next = channel >= 0 && (unsigned)channel >= from ? (unsigned)channel : ~0u;
    for (size_t i = 0; i < job->keeps; i++)
        if (job->keep[i] >= 0 && (unsigned)job->keep[i] >= from && (unsigned)job->keep[i] < next)
            next = (unsigned)job->keep[i];
    return next;
}

static bool close_others(const struct vdm_worker_job *job, int channel, struct vdm_err *err)
{
    unsigned from = 3;
    for (;;) {
        unsigned kept = next_kept(job, channel, from);
        if (kept > from && close_range(from, kept == ~0u ? kept : kept - 1, 0) != 0)
            return vdm_fail_errno(err, "close descriptors");
        if (kept == ~0u)
            return true;
        from = kept + 1;
    }
}

/* --- privileges --- */

static bool drop_privileges(struct vdm_err *err)
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {0};
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        syscall(SYS_capset, &head, none) != 0)
        return vdm_fail_errno(err, "privileges");
    return true;
}

/* --- Landlock, by its system calls: its library is not in Debian 12, its header there is older than
 * most kernels. The bits are those of the kernel's Documentation/userspace-api/landlock.rst. --- */

struct ruleset {
    uint64_t files, network, scoped;
};

/* All that an ABI knows to forbid; an older kernel refuses bits of a newer one. */
static struct ruleset all_of(int abi)
{
    static const uint64_t files[] = {0, 0x1fff, 0x3fff, 0x7fff, 0x7fff, 0xffff};
    const int last = (int)(sizeof files / sizeof *files) - 1;
    return (struct ruleset){.files = files[abi < last ? abi : last],
                            .network = abi >= 4 ? 0x3 : 0, /* TCP: bind, connect */
                            .scoped = abi >= 6 ? 0x3 : 0}; /* abstract sockets, signals */
}

/* The rules are what is handled, with nothing allowed. */
static bool deny_files(int *abi, struct vdm_err *err)
{
    *abi = (int)syscall(SYS_landlock_create_ruleset, NULL, 0, 1 /* ask for the version */);
    if (*abi <= 0) {
        *abi = 0; /* EPERM: a container withholds it */
        return errno == ENOSYS || errno == EOPNOTSUPP || errno == EPERM ||
               vdm_fail_errno(err, "Landlock");
    }
    struct ruleset rules = all_of(*abi);
    int fd = (int)syscall(SYS_landlock_create_ruleset, &rules, sizeof rules, 0);
    bool ok = fd >= 0 && syscall(SYS_landlock_restrict_self, fd, 0) == 0;
    int saved = errno;
    if (fd >= 0)
        close(fd);
    errno = saved;
    return ok || vdm_fail_errno(err, "Landlock");
}

/* --- limits --- */

/* `*value` (0: none) becomes what is in force: what was there before is never widened. `had` is what was
 * used of it already, and comes on top. */
static bool limit(unsigned what, uint64_t had, uint64_t *value, struct vdm_err *err)
{
    struct rlimit now;
    if (getrlimit(what, &now) != 0)
        return vdm_fail_errno(err, "limits");
    rlim_t wanted = *value ? had + *value : now.rlim_cur;
    rlim_t soft = wanted < now.rlim_cur ? wanted : now.rlim_cur;
    *value = soft == RLIM_INFINITY ? 0 : soft > had ? soft - had : 1;
    /* At the soft limit of CPU time comes the signal that names the reason, at the hard one a kill. */
    rlim_t hard = what == RLIMIT_CPU && soft < now.rlim_max ? soft + 1 : soft;
    struct rlimit then = {soft, hard};
    return setrlimit(what, &then) == 0 || vdm_fail_errno(err, "limits");
}

#ifndef VDM_SANITIZED
/* Bytes of address space that came from the parent: its libraries, its tables; 0 if that cannot be
 * asked, and the limit is so much stricter. */
static uint64_t inherited(void)
{
    char text[64] = "";
    int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    if (fd >= 0 && read(fd, text, sizeof text - 1) < 0)
        text[0] = 0;
    if (fd >= 0)
        close(fd);
    return strtoull(text, NULL, 10) * (uint64_t)sysconf(_SC_PAGESIZE);
}
#endif

static bool set_limits(const struct vdm_worker_limits *wanted, struct vdm_worker_limits *got,
                       struct vdm_err *err)
{
    *got = *wanted;
#ifdef VDM_SANITIZED
    got->memory_bytes = 0;
#else
    if (!limit(RLIMIT_AS, inherited(), &got->memory_bytes, err))
        return false;
#endif
    return limit(RLIMIT_CPU, 0, &got->cpu_seconds, err) &&
           limit(RLIMIT_FSIZE, 0, &got->file_bytes, err);
}

/* --- threads --- */

/* One heap for all of them: for each of its own 64 MiB of the addresses that are left would be set aside. */
static bool start_threads(struct vdm_pool **pool, struct vdm_err *err)
{
    if (!pool)
        return true;
    (void)mallopt(M_ARENA_MAX, 1);
    return vdm_pool_open(pool, 0, err);
}

/* --- the end of it --- */

/* Nothing new of these, not even a file that is opened to be looked at. */
static bool forbid_new(struct vdm_err *err)
{
    static const unsigned kinds[] = {RLIMIT_CORE, RLIMIT_NPROC, RLIMIT_NOFILE};
    const struct rlimit zero = {0, 0};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (setrlimit(kinds[i], &zero) != 0)
            return vdm_fail_errno(err, "limits");
    return true;
}

bool vdm_confine(const struct vdm_worker_job *job, int channel, pid_t parent,
                 struct vdm_protection *p, struct vdm_err *err)
{
    reset_signals();
    return follow_parent(parent, err) && set_standard(job->out, err) &&
           close_others(job, channel, err) && drop_privileges(err) &&
           set_limits(&job->limits, &p->limits, err) && deny_files(&p->landlock, err) &&
           start_threads(job->pool, err) && forbid_new(err) && vdm_confine_calls(&p->seccomp, err);
}
