/* SPDX-License-Identifier: MIT */
/* A worker: a child process that runs one function with nothing but the descriptors it was given.
 * Bytes of strangers are parsed there. Whoever takes it over can lie in its answers, and nothing else:
 * it opens no file, reaches no network, starts no program, signals nobody.
 *
 * What is in force, from the outside in:
 *   descriptors   all are closed but those named; standard input and error are /dev/null
 *   rights        no new privileges, no capabilities, no core dump, nobody of the same user may trace it
 *   Landlock      no access to any file; from ABI 4 no TCP, from 6 no signals, no abstract sockets
 *   limits        memory, CPU time, size of files; no new descriptor, no process, no thread
 *   seccomp       a list of system calls (calls.c); any other kills it
 * Landlock and seccomp are used where they are to be had: the kernel has them, and nothing around this
 * process withholds them. Where one is to be had and cannot be put in force, no worker starts.
 *
 * A worker that is to have threads starts them by the way, before the last two: each has from its start
 * what came in force before, limits are the process's, and the list of calls is put on all of them at
 * once. So none has more rights than another, and none can be started later.
 *
 * The worker ends with its parent, also when that is killed. It ignores Ctrl-C: the parent decides. It
 * starts as a copy of its parent, so memory that it must not have is marked so (crypto/sign.c does). To
 * the kernel its parent is the thread that started it: that one must not end first. */
#ifndef VDM_SANDBOX_WORKER_H
#define VDM_SANDBOX_WORKER_H

#include "base/buf.h"
#include "base/pool.h"

#include <sys/types.h>

struct vdm_worker_limits {
    uint64_t memory_bytes; /* of address space, on top of what the parent has; 0: none */
    uint64_t cpu_seconds;  /* 0: none */
    uint64_t file_bytes;   /* how far a file may grow; 0: none */
};

/* What came in force. */
struct vdm_protection {
    int landlock; /* its ABI; 0: none is to be had */
    bool seccomp; /* false: none is to be had */
    /* The stricter of what was asked for and what was there before; in a build with sanitizers, which
     * need their terabytes, memory is not limited. */
    struct vdm_worker_limits limits;
};

/* Runs in the worker; the worker ends when it returns. `channel` carries messages. */
typedef void vdm_worker_fn(void *ctx, int channel, const struct vdm_protection *p);

struct vdm_worker_job {
    vdm_worker_fn *run;
    void *ctx;
    const int *keep; /* descriptors that stay open, from 3 on; negative ones are passed over */
    size_t keeps;
    int out; /* becomes its standard output; -1: /dev/null */
    /* Not NULL: *pool is, in the worker, one of a thread for each processor. It ends with the worker:
     * not to be closed. */
    struct vdm_pool **pool;
    struct vdm_worker_limits limits;
};

struct vdm_worker {
    pid_t pid;   /* 0: none is running */
    int channel; /* the parent's end, -1: closed */
    struct vdm_protection protection;
};
#define VDM_WORKER_NONE ((struct vdm_worker){.channel = -1})

/* Returns when all of the above is in force. What stands in the parent's stdio buffers is copied along:
 * flush first. */
bool vdm_worker_start(struct vdm_worker *w, const struct vdm_worker_job *job,
                      struct vdm_err *err) VDM_MUST_CHECK;
/* Waits for the end of a worker that has nothing left to do, and kills it if it goes on. false: it did
 * not end by itself; the error says what happened, and what it said before is worth nothing. */
bool vdm_worker_end(struct vdm_worker *w, struct vdm_err *err) VDM_MUST_CHECK;
/* Kills it, if it runs. For VDM_CLEANUP. */
void vdm_worker_stop(struct vdm_worker *w);

/* Messages have from 1 byte to 128 KiB; each is received as it was sent, or not at all. false: the
 * other side is gone. */
bool vdm_worker_send(const struct vdm_worker *w, struct vdm_bytes message) VDM_MUST_CHECK;
bool vdm_message_send(int channel, struct vdm_bytes message) VDM_MUST_CHECK; /* in the worker */
enum vdm_heard {
    VDM_HEARD,         /* *got bytes; what did not fit into cap is lost */
    VDM_HEARD_NOTHING, /* in this time, or until a signal came */
    VDM_HEARD_END,     /* the other side is gone */
};
/* Waits for as long as it takes if milliseconds < 0, which is the one wait that a worker may do. */
enum vdm_heard vdm_message_receive(int channel, int milliseconds, uint8_t *p, size_t cap,
                                   size_t *got);
/* Waits so long, whatever signals come. */
enum vdm_heard vdm_message_await(int channel, int milliseconds, uint8_t *p, size_t cap,
                                 size_t *got);

/* What workers with these limits get on this machine: starts one and asks. */
bool vdm_protection_probe(struct vdm_protection *p, const struct vdm_worker_limits *limits,
                          struct vdm_err *err) VDM_MUST_CHECK;
/* In words, on one line. */
void vdm_protection_describe(const struct vdm_protection *p, struct vdm_buf *out);

#endif
