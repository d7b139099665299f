/* SPDX-License-Identifier: MIT */
#include "cli/apart.h"

#include "base/file.h"
#include "base/text.h"
#include "cli/verdict.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* A bundle takes a few ms of CPU a MiB, and memory that does not grow with it (a selection of millions
 * of entries aside). Both bounds are far above that, and far below what would hurt. */
#define MEMORY_BYTES    (UINT64_C(512) << 20)
#define CPU_SECONDS     UINT64_C(300)
#define CPU_SECOND_EACH (UINT64_C(1) << 20) /* bytes */
#define OUTPUT_BYTES    (UINT64_C(1) << 30)

struct vdm_worker_limits vdm_apart_limits(uint64_t bytes)
{
    return (struct vdm_worker_limits){.memory_bytes = MEMORY_BYTES,
                                      .cpu_seconds = CPU_SECONDS + bytes / CPU_SECOND_EACH,
                                      .file_bytes = OUTPUT_BYTES};
}

/* --- what the worker tells. The parent believes nothing of it: it may be in a stranger's hands --- */

enum { TELLS_PROGRESS = 1, TELLS_FLAG, TELLS_RESULT };

struct message {
    int what;
    char doing[32]; /* progress */
    uint64_t done, total, bytes;
    uint64_t flag; /* its number */
    int good;      /* the result */
    int status;
    int kind; /* of the error */
    char why[sizeof((struct vdm_err *)NULL)->text];
};

static bool send_message(int channel, const struct message *m)
{
    return vdm_message_send(channel, (struct vdm_bytes){(const uint8_t *)m, sizeof *m});
}

/* --- in the worker --- */

struct working {
    const struct vdm_apart *a;
    struct vdm_cli *cli;
    int status;
    int channel;
    uint64_t told; /* ms */
};

static void tell_progress(void *ctx, const char *doing, uint64_t done, uint64_t total,
                          uint64_t bytes)
{
    struct working *w = ctx;
    struct message m = {.what = TELLS_PROGRESS, .done = done, .total = total, .bytes = bytes};
    uint64_t now = vdm_clock_ms();
    if (now - w->told < 50)
        return;
    w->told = now;
    snprintf(m.doing, sizeof m.doing, "%s", doing);
    (void)!send_message(w->channel, &m); /* a parent that is gone ends the worker */
}

static void tell_result(struct working *w, bool good, const struct vdm_err *err)
{
    struct message m = {
        .what = TELLS_RESULT, .good = good, .status = w->status, .kind = (int)err->kind};
    memcpy(m.why, err->text, sizeof m.why);
    for (size_t i = 0; i < w->a->flags; i++)
        if (w->a->flag[i])
            (void)!send_message(w->channel, &(struct message){.what = TELLS_FLAG, .flag = i});
    (void)!send_message(w->channel, &m);
}

static void work(void *ctx, int channel, const struct vdm_protection *p)
{
    struct working *w = ctx;
    struct vdm_err err = {0};
    bool drawn = w->cli->progress.tell != NULL;
    w->channel = channel;
    w->cli->protection = *p;
    w->cli->drawn.on_screen = false;
    w->cli->colours = false;
    w->cli->progress = (struct vdm_progress){drawn ? tell_progress : NULL, NULL, w};
    bool good = w->a->run(w->a->ctx, w->cli, &w->status, &err);
    if (fflush(stdout) != 0)
        good = vdm_fail_errno(&err, "output of the worker");
    tell_result(w, good, &err);
}

/* --- in the parent --- */

struct listening {
    struct vdm_cli *cli;
    const struct vdm_apart *a;
    bool *flag; /* set by the worker */
    bool has_result;
    struct message result;
};

static bool take_message(struct listening *l, struct message *m, size_t size, struct vdm_err *err)
{
    m->doing[sizeof m->doing - 1] = 0;
    m->why[sizeof m->why - 1] = 0;
    bool whole = size == sizeof *m && !l->has_result;
    if (whole && m->what == TELLS_PROGRESS) {
        vdm_progress_tell(&l->cli->progress, m->doing, m->done, m->total, m->bytes);
    } else if (whole && m->what == TELLS_FLAG && m->flag < l->a->flags) {
        l->flag[m->flag] = true;
    } else if (whole && m->what == TELLS_RESULT && m->status >= VDM_EXIT_DONE &&
               m->status <= VDM_EXIT_UNTRUSTED && m->kind >= VDM_ERR_NONE &&
               m->kind < VDM_ERR_KINDS && (m->good || m->kind != VDM_ERR_NONE)) {
        l->has_result = true;
        l->result = *m;
    } else {
        return vdm_fail(err, "the worker answered what makes no sense");
    }
    return true;
}

/* Until the worker ends. Ctrl-C interrupts the wait, or is seen after it. */
static bool listen_to(struct vdm_worker *w, struct listening *l, struct vdm_err *err)
{
    enum { LOOK_MS = 100 };
    for (;;) {
        struct message m;
        size_t got = 0;
        if (vdm_progress_stop(&l->cli->progress))
            return vdm_fail_as(err, VDM_ERR_INTERRUPTED, "interrupted");
        switch (vdm_message_receive(w->channel, LOOK_MS, (uint8_t *)&m, sizeof m, &got)) {
        case VDM_HEARD:
            if (!take_message(l, &m, got, err))
                return false;
            break;
        case VDM_HEARD_NOTHING:
            break;
        case VDM_HEARD_END:
            return vdm_worker_end(w, err) && (l->has_result || vdm_fail(err, "the worker ended"));
        }
    }
}

/* A line of ours starts with the verdict, and that has a colour. */
static void pass_line(struct vdm_bytes line, bool colours)
{
    for (int v = 0; v < VDM_VERDICTS; v++) {
        const char *words = vdm_verdict_words((enum vdm_verdict)v);
        struct vdm_bytes rest = vdm_bytes_skip(line, strlen(words));
        if (!vdm_bytes_start_with(line, vdm_str(words)) ||
            !vdm_bytes_start_with(rest, VDM_LIT("  ")))
            continue;
        vdm_out_coloured(stdout, colours, vdm_verdict_colour((enum vdm_verdict)v), words);
        line = rest;
        break;
    }
    if (line.n)
        fwrite(line.p, 1, line.n, stdout);
    fputc('\n', stdout);
}

/* Everything that is printed was escaped where it was; of a worker in a stranger's hands that must
 * not be believed. */
static bool is_safe(struct vdm_bytes text)
{
    uint32_t code = 0;
    if (text.n && text.p[text.n - 1] != '\n')
        return false;
    while (text.n) {
        size_t n = vdm_utf8_next(text, &code);
        if (n == 0 || (code != '\n' && vdm_is_unprintable(code)))
            return false;
        text = vdm_bytes_skip(text, n);
    }
    return true;
}

static bool pass_output(int out, bool colours, struct vdm_err *err)
{
    off_t size = lseek(out, 0, SEEK_END);
    if (size <= 0)
        return size == 0 || vdm_fail_errno(err, "output of the worker");
    uint8_t *p = mmap(NULL, (size_t)size, PROT_READ, MAP_PRIVATE, out, 0);
    if (p == MAP_FAILED)
        return vdm_fail_errno(err, "output of the worker");
    struct vdm_bytes rest = {p, (size_t)size}, line;
    bool ok = is_safe(rest) || vdm_fail(err, "the worker printed what a terminal would obey");
    while (ok && vdm_cut_line(&rest, &line))
        pass_line(line, colours);
    munmap(p, (size_t)size);
    return ok;
}

/* An error of the worker's becomes ours; where it ran out of memory, that is its bound. */
static bool take_result(const struct listening *l, const struct vdm_protection *p, int *status,
                        struct vdm_err *err)
{
    *status = l->result.status;
    for (size_t i = 0; i < l->a->flags; i++)
        l->a->flag[i] = l->a->flag[i] || l->flag[i];
    if (l->result.good)
        return true;
    vdm_fail_as(err, (enum vdm_err_kind)l->result.kind, "%s", l->result.why);
    if (vdm_err_is_memory(err) && p->limits.memory_bytes)
        vdm_fail(err, "%s: the worker ran out of its %llu MiB", l->result.why,
                 (unsigned long long)(p->limits.memory_bytes >> 20));
    return false;
}

static bool run_worker(struct listening *l, int out, int *status, struct vdm_err *err)
{
    struct vdm_worker w VDM_CLEANUP(vdm_worker_stop) = VDM_WORKER_NONE;
    struct working working = {.a = l->a, .cli = l->cli, .status = *status};
    const struct vdm_worker_job job = {.run = work,
                                       .ctx = &working,
                                       .keep = l->a->keep,
                                       .keeps = l->a->keeps,
                                       .out = out,
                                       .pool = l->a->pool,
                                       .limits = vdm_apart_limits(l->a->bytes)};
    /* jansson seeds its tables from a file the first time: not in the worker. */
    json_object_seed(0);
    fflush(stdout);
    if (!vdm_worker_start(&w, &job, err) || !listen_to(&w, l, err)) {
        /* Its progress may still be on the screen. */
        l->cli->drawn.on_screen = l->cli->progress.tell != NULL;
        vdm_progress_end(l->cli);
        return false;
    }
    vdm_progress_end(l->cli);
    bool printed = pass_output(out, l->cli->colours, err);
    return printed && take_result(l, &w.protection, status, err);
}

bool vdm_apart_run(struct vdm_cli *cli, const struct vdm_apart *a, int *status, struct vdm_err *err)
{
    struct listening l = {.cli = cli, .a = a};
    /* In memory: a verdict must be had where no disk can be written. */
    int out VDM_CLEANUP(vdm_fd_close) = memfd_create("vidimus-output", MFD_CLOEXEC);
    if (out < 0)
        return vdm_fail_errno(err, "output of the worker");
    if (!(l.flag = calloc(a->flags + 1, sizeof *l.flag)))
        return vdm_fail_memory(err);
    bool ok = run_worker(&l, out, status, err);
    free(l.flag);
    return ok;
}
