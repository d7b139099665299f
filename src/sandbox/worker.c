/* SPDX-License-Identifier: MIT */
#include "sandbox/worker.h"

#include "base/file.h"
#include "base/time.h"
#include "sandbox/confine.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* --- messages --- */

/* The worker writes: sending would be a call that could also name an address. */
bool vdm_message_send(int channel, struct vdm_bytes message)
{
    ssize_t k;
    while ((k = write(channel, message.p, message.n)) < 0 && errno == EINTR)
        ;
    return k == (ssize_t)message.n;
}

/* The parent sends: a worker that is gone must not raise SIGPIPE in it. */
bool vdm_worker_send(const struct vdm_worker *w, struct vdm_bytes message)
{
    ssize_t k;
    while ((k = send(w->channel, message.p, message.n, MSG_NOSIGNAL)) < 0 && errno == EINTR)
        ;
    return k == (ssize_t)message.n;
}

enum vdm_heard vdm_message_receive(int channel, int milliseconds, uint8_t *p, size_t cap,
                                   size_t *got)
{
    struct pollfd wait = {.fd = channel, .events = POLLIN};
    if (milliseconds >= 0 && poll(&wait, 1, milliseconds) <= 0)
        return VDM_HEARD_NOTHING;
    ssize_t k;
    while ((k = read(channel, p, cap)) < 0 && errno == EINTR)
        ;
    *got = k > 0 ? (size_t)k : 0;
    return k > 0 ? VDM_HEARD : VDM_HEARD_END;
}

enum vdm_heard vdm_message_await(int channel, int milliseconds, uint8_t *p, size_t cap, size_t *got)
{
    uint64_t until = vdm_clock_ms() + (uint64_t)milliseconds, now;
    enum vdm_heard heard = VDM_HEARD_NOTHING;
    while (heard == VDM_HEARD_NOTHING && (now = vdm_clock_ms()) < until)
        heard = vdm_message_receive(channel, (int)(until - now), p, cap, got);
    return heard;
}

/* --- start --- */

/* The worker's first message. */
struct ready {
    int good;
    struct vdm_protection protection;
    char why[256]; /* not good */
};

_Noreturn static void work(const struct vdm_worker_job *job, int channel, pid_t parent)
{
    struct ready ready = {0};
    struct vdm_err err = {0};
    ready.good = vdm_confine(job, channel, parent, &ready.protection, &err);
    memcpy(ready.why, err.text, sizeof ready.why - 1);
    bool told =
        vdm_message_send(channel, (struct vdm_bytes){(const uint8_t *)&ready, sizeof ready});
    if (told && ready.good)
        job->run(job->ctx, channel, &ready.protection);
    /* Not exit(): what the parent has registered or buffered is the parent's. */
    _exit(0);
}

/* Nothing of a stranger's was read yet, so its word can be taken. It takes milliseconds to get ready; a
 * machine that is busy may take its time. */
static bool hear_ready(struct vdm_worker *w, struct vdm_err *err)
{
    enum { PATIENCE_MS = 30000 };
    struct ready ready;
    size_t got = 0;
    enum vdm_heard heard =
        vdm_message_await(w->channel, PATIENCE_MS, (uint8_t *)&ready, sizeof ready, &got);
    if (heard == VDM_HEARD_NOTHING) {
        vdm_worker_stop(w);
        return vdm_fail(err, "the worker did not start within %d s", PATIENCE_MS / 1000);
    }
    if (heard == VDM_HEARD_END || got != sizeof ready) {
        struct vdm_err how = {0};
        bool ended = vdm_worker_end(w, &how);
        return vdm_fail(err, "the worker did not start: %s", ended ? "it ended" : how.text);
    }
    if (!ready.good) {
        vdm_worker_stop(w);
        return vdm_fail(err, "the worker cannot give up its rights: %s", ready.why);
    }
    w->protection = ready.protection;
    return true;
}

bool vdm_worker_start(struct vdm_worker *w, const struct vdm_worker_job *job, struct vdm_err *err)
{
    int ends[2];
    *w = VDM_WORKER_NONE;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
        return vdm_fail_errno(err, "channel to a worker");
    pid_t parent = getpid(), pid = fork();
    if (pid == 0)
        work(job, ends[1], parent);
    int saved = errno;
    close(ends[1]);
    errno = saved;
    if (pid < 0) {
        vdm_fail_errno(err, "start a worker");
        close(ends[0]);
        return false;
    }
    w->pid = pid;
    w->channel = ends[0];
    return hear_ready(w, err);
}

/* --- the end --- */

static bool tell_signal(int number, const struct vdm_worker_limits *limits, struct vdm_err *err)
{
    switch (number) {
    case SIGSYS:
        return vdm_fail(err, "the worker was stopped: it made a system call that it may not make");
    case SIGXCPU:
        return vdm_fail(err, "the worker used up its %llu s of CPU time",
                        (unsigned long long)limits->cpu_seconds);
    case SIGXFSZ:
        return vdm_fail(err, "what the worker wrote outgrew its %llu MiB",
                        (unsigned long long)(limits->file_bytes >> 20));
    case SIGKILL:
        return vdm_fail(err, "the worker was killed, perhaps by the system for want of memory");
    case SIGSEGV:
    case SIGBUS:
    case SIGILL:
    case SIGFPE:
    case SIGABRT:
        return vdm_fail(err, "the worker crashed (%s)", sigdescr_np(number));
    default:
        return vdm_fail(err, "the worker was stopped by signal %d", number);
    }
}

static bool tell_end(pid_t waited, int status, const struct vdm_worker_limits *limits,
                     struct vdm_err *err)
{
    if (waited < 0)
        return vdm_fail_errno(err, "the worker's end is not known");
    if (WIFSIGNALED(status))
        return tell_signal(WTERMSIG(status), limits, err);
    return WEXITSTATUS(status) == 0 ||
           vdm_fail(err, "the worker broke off with status %d", WEXITSTATUS(status));
}

static pid_t reap(pid_t pid, int *status, int options)
{
    pid_t waited;
    while ((waited = waitpid(pid, status, options)) < 0 && errno == EINTR)
        ;
    return waited;
}

bool vdm_worker_end(struct vdm_worker *w, struct vdm_err *err)
{
    enum { PATIENCE_MS = 5000 };
    const struct timespec one_ms = {.tv_nsec = 1000000};
    pid_t pid = w->pid, waited = 0;
    int status = 0;
    vdm_fd_close(&w->channel);
    w->pid = 0;
    for (int i = 0; i < PATIENCE_MS && (waited = reap(pid, &status, WNOHANG)) == 0; i++)
        nanosleep(&one_ms, NULL);
    if (waited != 0)
        return tell_end(waited, status, &w->protection.limits, err);
    kill(pid, SIGKILL);
    (void)reap(pid, &status, 0);
    return vdm_fail(err, "the worker did not end");
}

void vdm_worker_stop(struct vdm_worker *w)
{
    int status;
    if (w->pid > 0) {
        kill(w->pid, SIGKILL);
        (void)reap(w->pid, &status, 0);
    }
    w->pid = 0;
    vdm_fd_close(&w->channel);
}

/* --- what is in force --- */

static void do_nothing(void *ctx, int channel, const struct vdm_protection *p)
{
    (void)ctx;
    (void)channel;
    (void)p;
}

bool vdm_protection_probe(struct vdm_protection *p, const struct vdm_worker_limits *limits,
                          struct vdm_err *err)
{
    struct vdm_worker w;
    const struct vdm_worker_job job = {.run = do_nothing, .out = -1, .limits = *limits};
    if (!vdm_worker_start(&w, &job, err))
        return false;
    *p = w.protection;
    return vdm_worker_end(&w, err);
}

void vdm_protection_describe(const struct vdm_protection *p, struct vdm_buf *out)
{
    if (p->landlock)
        vdm_buf_putf(out, "Landlock ABI %d (files%s%s), ", p->landlock,
                     p->landlock >= 4 ? ", network" : "", p->landlock >= 6 ? ", signals" : "");
    else
        vdm_buf_puts(out, "no Landlock (none is to be had here), ");
    vdm_buf_puts(out, p->seccomp ? "seccomp, " : "no seccomp (none is to be had here), ");
    if (p->limits.memory_bytes)
        vdm_buf_putf(out, "%llu MiB of memory", (unsigned long long)(p->limits.memory_bytes >> 20));
    else
        vdm_buf_puts(out, "memory not limited");
#ifdef VDM_SANITIZED
    vdm_buf_puts(out, " (sanitizer build)");
#endif
}
