/* SPDX-License-Identifier: MIT */
/* The parent's side: what the worker says is held to its form and to the bounds. */
#include "capture/container.h"

#include "base/limits.h"
#include "base/time.h"
#include "capture/container_lines.h"
#include "capture/container_members.h"
#include "capture/container_wire.h"
#include "capture/packed.h"
#include "sandbox/worker.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define PATIENCE_MS  60000
#define MEMORY_BYTES (UINT64_C(256) << 20)
#define PROBLEMS_MAX 1000
/* The slowest that unpacks (bzip2, 300 to 1) takes some 10 s for the free bytes and some a MiB of the file. */
#define CPU_SECONDS     UINT64_C(60)
#define CPU_SECONDS_MIB UINT64_C(15)

struct problem {
    uint64_t offset;
    char reason[VDM_REASON_MAX + 1];
};

struct item {
    enum vdm_item_kind kind;
    unsigned argument;
    struct vdm_bytes bytes;
};

struct vdm_container {
    const struct vdm_container_format *const *formats;
    const struct vdm_container_format *format;
    struct vdm_container_with with;
    struct vdm_sums *sums;
    struct vdm_worker worker;
    bool over;    /* nothing more is to be had of the worker */
    bool stopped; /* we were asked to */
    bool broken;  /* it did not end as it should: `why` */
    struct vdm_err why;
    bool inside, ended; /* a member is under way; it was read to its end */
    bool kept;          /* `item` is still to be used */
    struct item item;
    struct vdm_stated_lines about, own;
    struct vdm_member member;
    uint8_t name[VDM_MEMBER_NAME_MAX], method[VDM_REASON_MAX], of[3][VDM_MEMBER_NAME_MAX];
    struct vdm_bytes rest; /* of the bytes at hand */
    uint64_t unpacked, most, members;
    struct vdm_buf problems; /* struct problem; those from `told` on wait */
    size_t told, met;
    size_t at, n; /* of the message */
    uint8_t message[VDM_MESSAGE_MAX];
};

bool vdm_container_may_be(const struct vdm_container_format *const *formats, struct vdm_bytes head)
{
    for (; *formats; formats++)
        if ((*formats)->may_be(head))
            return true;
    return false;
}

/* --- items --- */

static void give_up(struct vdm_container *c, const char *why)
{
    if (!c->over) {
        c->broken = true;
        vdm_fail(&c->why, "%s", why);
    }
    c->over = true;
    vdm_worker_stop(&c->worker);
}

static void note_problem(struct vdm_container *c, uint64_t offset, struct vdm_bytes reason)
{
    struct problem p = {.offset = offset};
    if (++c->met > PROBLEMS_MAX)
        return;
    if (c->met == PROBLEMS_MAX)
        reason = VDM_LIT("there are more problems, which are not listed");
    memcpy(p.reason, reason.p, reason.n < VDM_REASON_MAX ? reason.n : VDM_REASON_MAX);
    vdm_buf_put(&c->problems, (struct vdm_bytes){(const uint8_t *)&p, sizeof p});
}

static bool asked_to_stop(struct vdm_container *c)
{
    if (!c->with.stop || !c->with.stop(c->with.stop_ctx))
        return false;
    vdm_fail(&c->why, "interrupted");
    c->over = c->stopped = true;
    vdm_worker_stop(&c->worker);
    return true;
}

static bool receive(struct vdm_container *c)
{
    enum { LOOK_MS = 100 };
    uint64_t until = vdm_clock_ms() + PATIENCE_MS;
    enum vdm_heard heard = VDM_HEARD_NOTHING;
    c->at = c->n = 0;
    while (heard == VDM_HEARD_NOTHING && vdm_clock_ms() < until) {
        if (asked_to_stop(c))
            return false;
        heard =
            vdm_message_receive(c->worker.channel, LOOK_MS, c->message, sizeof c->message, &c->n);
    }
    if (heard == VDM_HEARD)
        return true;
    struct vdm_err why = {0};
    if (heard == VDM_HEARD_NOTHING)
        give_up(c, "the worker that reads it gave no sign of life");
    else
        give_up(c, vdm_worker_end(&c->worker, &why) ? "the worker that reads it ended early"
                                                    : why.text);
    return false;
}

/* Bounds on all that a container may give, whatever the worker thinks of them. */
static bool within_bounds(struct vdm_container *c, const struct item *i)
{
    uint64_t bytes = i->kind == VDM_ITEM_BYTES ? i->bytes.n : 0;
    if (i->kind == VDM_ITEM_PASSED && i->bytes.n == sizeof bytes)
        memcpy(&bytes, i->bytes.p, sizeof bytes);
    if (bytes > VDM_UNPACK_TOTAL_MAX || (c->unpacked += bytes) > c->most)
        give_up(c, "it unpacks to more than a container of its size may");
    else if (i->kind == VDM_ITEM_BEGIN && ++c->members > VDM_MEMBERS_MAX)
        give_up(c, "it has more members than are taken");
    return !c->over;
}

/* The next item into c->item; false: there is none. */
static bool next_item(struct vdm_container *c)
{
    uint32_t length;
    if (c->kept) {
        c->kept = false;
        return true;
    }
    if (c->over || (c->at == c->n && !receive(c)))
        return false;
    if (c->n - c->at < VDM_ITEM_HEAD) {
        give_up(c, "the worker that reads it says what it must not");
        return false;
    }
    const uint8_t *p = c->message + c->at;
    memcpy(&length, p + 2, sizeof length);
    if (length > c->n - c->at - VDM_ITEM_HEAD) {
        give_up(c, "the worker that reads it says what it must not");
        return false;
    }
    c->item = (struct item){(enum vdm_item_kind)p[0], p[1], {p + VDM_ITEM_HEAD, length}};
    c->at += VDM_ITEM_HEAD + length;
    return within_bounds(c, &c->item);
}

static struct vdm_bytes keep(uint8_t *to, size_t cap, struct vdm_bytes s)
{
    size_t n = s.n < cap ? s.n : cap;
    if (n)
        memcpy(to, s.p, n);
    return (struct vdm_bytes){to, n};
}

static bool begin_member(struct vdm_container *c, const struct item *i)
{
    if (i->bytes.n > VDM_MEMBER_NAME_MAX || (i->bytes.n && memchr(i->bytes.p, 0, i->bytes.n)))
        return false;
    c->own.n = c->own.used = 0;
    c->member =
        (struct vdm_member){.name = keep(c->name, sizeof c->name, i->bytes), .line = c->own.line};
    c->inside = true;
    c->ended = false;
    c->rest = (struct vdm_bytes){NULL, 0};
    return true;
}

static bool place_member(struct vdm_container *c, const struct item *i)
{
    struct vdm_member *m = &c->member;
    if (i->bytes.n <= 16 || i->bytes.n > 16 + VDM_REASON_MAX)
        return false;
    memcpy(&m->offset, i->bytes.p, 8);
    memcpy(&m->length, i->bytes.p + 8, 8);
    m->method = keep(c->method, sizeof c->method, vdm_bytes_skip(i->bytes, 16));
    m->placed = true;
    return m->offset <= VDM_NUMBER_MAX && m->length <= VDM_NUMBER_MAX;
}

static bool repeat_member(struct vdm_container *c, const struct item *i)
{
    struct vdm_bytes *of[3] = {&c->member.of_record_id, &c->member.of_source,
                               &c->member.of_captured};
    if (i->argument > 2 || i->bytes.n > VDM_MEMBER_NAME_MAX)
        return false;
    *of[i->argument] = keep(c->of[i->argument], VDM_MEMBER_NAME_MAX, i->bytes);
    c->member.repeats = true;
    return true;
}

/* What may stand anywhere, or inside a member besides bytes and end. false: it is not of these, and was
 * kept for the caller, or it is malformed. */
static bool took_fact(struct vdm_container *c)
{
    const struct item *i = &c->item;
    uint64_t offset;
    bool good = true;
    if (i->kind == VDM_ITEM_PASSED) {
        return true;
    } else if (i->kind == VDM_ITEM_PROBLEM) {
        if ((good = i->bytes.n > sizeof offset)) {
            memcpy(&offset, i->bytes.p, sizeof offset);
            note_problem(c, offset, vdm_bytes_skip(i->bytes, sizeof offset));
        }
    } else if (c->inside && i->kind == VDM_ITEM_LINE) {
        good = vdm_stated_lines_add(&c->own, i->argument, i->bytes);
        c->member.lines = c->own.n;
    } else if (c->inside && i->kind == VDM_ITEM_PLACE) {
        good = place_member(c, i);
    } else if (c->inside && i->kind == VDM_ITEM_METHOD) {
        good = i->bytes.n > 0;
        c->member.method = keep(c->method, sizeof c->method, i->bytes);
    } else if (c->inside && i->kind == VDM_ITEM_DESCRIBES) {
        c->member.describes = true;
    } else if (c->inside && i->kind == VDM_ITEM_REPEATS) {
        good = repeat_member(c, i);
    } else {
        return false;
    }
    if (!good)
        give_up(c, "the worker that reads it says what it must not");
    return good;
}

/* Items until one that is no fact; it stays in c->item. */
static bool pass_facts(struct vdm_container *c)
{
    do {
        if (!next_item(c))
            return false;
    } while (took_fact(c));
    return !c->over;
}

/* --- opening --- */

static void work(void *ctx, int channel, const struct vdm_protection *p)
{
    (void)p;
    vdm_container_work(ctx, channel);
}

static bool start(struct vdm_container *c, int fd, struct vdm_err *err)
{
    struct stat st;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
        return vdm_fail(err, "a container is read from a regular file");
    struct vdm_container_work todo = {c->formats, c->sums, fd, (uint64_t)st.st_size,
                                      c->with.context};
    const struct vdm_worker_job job = {
        .run = work,
        .ctx = &todo,
        .keep = &fd,
        .keeps = 1,
        .out = -1,
        .limits = {.memory_bytes = MEMORY_BYTES,
                   .cpu_seconds = CPU_SECONDS + (todo.size >> 20) * CPU_SECONDS_MIB}};
    c->most = vdm_unpack_max(todo.size);
    vdm_packed_prepare();
    return vdm_worker_start(&c->worker, &job, err);
}

/* What it says of itself, with what stands between; the first item of another sort stays in c->item. */
static bool pass_about(struct vdm_container *c)
{
    while (next_item(c)) {
        if (c->item.kind == VDM_ITEM_ABOUT) {
            if (!vdm_stated_lines_add(&c->about, c->item.argument, c->item.bytes))
                give_up(c, "the worker that reads it says what it must not");
        } else if (!took_fact(c)) {
            break;
        }
    }
    return !c->over;
}

/* A file at which the worker dies before it has said what it is, is no container. */
static bool recognise(struct vdm_container *c)
{
    size_t formats = 0;
    while (c->formats[formats])
        formats++;
    if (!next_item(c) || c->item.kind != VDM_ITEM_IS || c->item.argument >= formats)
        return false;
    c->format = c->formats[c->item.argument];
    c->kept = pass_about(c);
    return true;
}

bool vdm_container_open(struct vdm_container **out, int fd,
                        const struct vdm_container_format *const *formats, struct vdm_err *err)
{
    const struct vdm_container_with nothing = {0};
    return vdm_container_open_with(out, fd, formats, &nothing, err);
}

bool vdm_container_open_with(struct vdm_container **out, int fd,
                             const struct vdm_container_format *const *formats,
                             const struct vdm_container_with *with, struct vdm_err *err)
{
    struct vdm_container *c VDM_CLEANUP(vdm_container_cleanup) = calloc(1, sizeof *c);
    *out = NULL;
    if (!c)
        return vdm_fail_memory(err);
    c->worker = VDM_WORKER_NONE;
    c->formats = formats;
    c->with = *with;
    if (!vdm_stated_lines_make(&c->about) || !vdm_stated_lines_make(&c->own))
        return vdm_fail_memory(err);
    if (!vdm_sums_open(&c->sums, err) || !start(c, fd, err))
        return vdm_err_prefix(err, "read a container");
    bool is = recognise(c);
    if (c->stopped)
        return vdm_fail_as(err, VDM_ERR_REFUSED, "%s", c->why.text);
    if (is) {
        *out = c;
        c = NULL;
    }
    return true;
}

void vdm_container_close(struct vdm_container *c)
{
    if (!c)
        return;
    vdm_worker_stop(&c->worker);
    vdm_sums_close(c->sums);
    vdm_stated_lines_release(&c->about);
    vdm_stated_lines_release(&c->own);
    vdm_buf_release(&c->problems);
    free(c);
}

void vdm_container_cleanup(struct vdm_container **c)
{
    vdm_container_close(*c);
    *c = NULL;
}

bool vdm_container_stopped(const struct vdm_container *c)
{
    return c->stopped;
}

const struct vdm_container_format *vdm_container_format(const struct vdm_container *c)
{
    return c->format;
}

const struct vdm_record_line *vdm_container_about(const struct vdm_container *c, size_t *lines)
{
    *lines = c->about.n;
    return c->about.line;
}

/* --- members --- */

/* To the end of the member, or to a problem. */
static void leave_member(struct vdm_container *c)
{
    while (c->inside && pass_facts(c)) {
        if (c->item.kind == VDM_ITEM_END || c->item.kind == VDM_ITEM_REFUSE)
            c->inside = false;
        else if (c->item.kind != VDM_ITEM_BYTES)
            give_up(c, "the worker that reads it says what it must not");
    }
    c->inside = false;
}

static bool problem_waits(const struct vdm_container *c)
{
    return c->told < c->problems.n / sizeof(struct problem);
}

/* What the worker's end was, once. */
static void tell_broken(struct vdm_container *c)
{
    if (c->over && c->broken)
        note_problem(c, 0, vdm_str(c->why.text));
    c->broken = false;
}

/* A member's facts come before its bytes: they are taken up to the first item that is none. */
static bool enter_member(struct vdm_container *c)
{
    if (!begin_member(c, &c->item)) {
        give_up(c, "the worker that reads it says what it must not");
        return false;
    }
    c->kept = pass_facts(c);
    return true;
}

bool vdm_container_next(struct vdm_container *c, enum vdm_container_step *step, struct vdm_err *err)
{
    *step = VDM_CONTAINER_PROBLEM;
    if (c->inside && !c->ended)
        leave_member(c);
    c->inside = false;
    if (problem_waits(c)) {
        c->told++;
        return true;
    }
    vdm_buf_clear(&c->problems);
    c->told = 0;
    if (pass_facts(c) && c->item.kind == VDM_ITEM_BEGIN && !problem_waits(c) && enter_member(c)) {
        *step = VDM_CONTAINER_MEMBER;
        return true;
    }
    if (!c->over && problem_waits(c)) {
        c->kept = true;
    } else if (!c->over && c->item.kind == VDM_ITEM_DONE) {
        c->over = true;
        vdm_worker_stop(&c->worker);
    } else {
        give_up(c, "the worker that reads it says what it must not");
    }
    tell_broken(c);
    if (!vdm_buf_ok(&c->problems, err))
        return false;
    if (problem_waits(c))
        c->told++;
    else
        *step = VDM_CONTAINER_END;
    return true;
}

const struct vdm_member *vdm_container_member(const struct vdm_container *c)
{
    return &c->member;
}

const char *vdm_container_problem(const struct vdm_container *c, uint64_t *offset)
{
    const struct problem *p = (const struct problem *)(const void *)c->problems.p + c->told - 1;
    *offset = p->offset;
    return p->reason;
}

/* The next piece of the member's bytes into c->rest; none at its end. */
static bool next_piece(struct vdm_container *c, struct vdm_err *err)
{
    if (c->ended)
        return true;
    if (!pass_facts(c)) {
        c->inside = false;
        return vdm_fail_as(err, VDM_ERR_REFUSED, "%s", c->why.text);
    }
    if (c->item.kind == VDM_ITEM_BYTES) {
        c->rest = c->item.bytes;
        return true;
    }
    c->ended = c->item.kind == VDM_ITEM_END;
    if (c->ended)
        return true;
    c->inside = false;
    if (c->item.kind != VDM_ITEM_REFUSE)
        give_up(c, "the worker that reads it says what it must not");
    return vdm_fail_as(err, VDM_ERR_REFUSED, "%.*s", (int)c->item.bytes.n,
                       (const char *)c->item.bytes.p);
}

bool vdm_container_read(void *ctx, uint8_t *p, size_t cap, size_t *got, struct vdm_err *err)
{
    struct vdm_container *c = ctx;
    *got = 0;
    while (c->rest.n == 0 && !c->ended) {
        if (!c->inside)
            return vdm_fail_as(err, VDM_ERR_REFUSED, "no member is being read");
        if (!next_piece(c, err))
            return false;
    }
    *got = vdm_bytes_take(&c->rest, p, cap);
    return true;
}
