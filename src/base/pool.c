/* SPDX-License-Identifier: MIT */
#include "base/pool.h"

#include "base/time.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

struct member {
    struct vdm_pool *pool;
    unsigned number;
    pthread_t thread;
};

struct batch {
    size_t items, next;
    unsigned busy; /* items that are under way */
    vdm_pool_fn *fn;
    void *ctx;
};

struct vdm_pool {
    pthread_mutex_t lock;
    pthread_cond_t work, idle;
    /* under the lock */
    struct batch soon, ahead;
    unsigned up; /* threads that have begun to wait */
    bool closing;
    unsigned threads;
    struct member member[VDM_POOL_WORKERS_MAX];
};

static bool has_items(const struct batch *b)
{
    return b->next < b->items;
}

/* With the lock, which is let go meanwhile. */
static void do_item(struct vdm_pool *p, struct batch *b, unsigned worker)
{
    size_t item = b->next++;
    b->busy++;
    pthread_mutex_unlock(&p->lock);
    b->fn(b->ctx, worker, item);
    pthread_mutex_lock(&p->lock);
    if (--b->busy == 0 && !has_items(b))
        pthread_cond_broadcast(&p->idle);
}

static void *live(void *arg)
{
    struct member *m = arg;
    struct vdm_pool *p = m->pool;
    pthread_mutex_lock(&p->lock);
    p->up++;
    pthread_cond_broadcast(&p->idle);
    for (;;) {
        if (has_items(&p->soon))
            do_item(p, &p->soon, m->number);
        else if (has_items(&p->ahead))
            do_item(p, &p->ahead, m->number);
        else if (p->closing)
            break;
        else
            pthread_cond_wait(&p->work, &p->lock);
    }
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

static unsigned processors(void)
{
    cpu_set_t set;
    int n = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
    return n < 1 ? 1 : (unsigned)n;
}

/* Of addresses; `ulimit -s` may say so much that a few threads have all that there are. */
#define STACK_BYTES ((size_t)2 << 20)

static void start_threads(struct vdm_pool *p, unsigned wanted)
{
    sigset_t all, before;
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    while (p->threads < wanted) {
        struct member *m = &p->member[p->threads];
        *m = (struct member){.pool = p, .number = p->threads + 1};
        if (pthread_create(&m->thread, &attributes, live, m) != 0)
            break;
        p->threads++;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
}

/* A process that is started while a thread is still coming up has what that thread had in its hands, for ever. */
static void wait_for_threads(struct vdm_pool *p)
{
    pthread_mutex_lock(&p->lock);
    while (p->up < p->threads)
        pthread_cond_wait(&p->idle, &p->lock);
    pthread_mutex_unlock(&p->lock);
}

bool vdm_pool_open(struct vdm_pool **out, unsigned workers, struct vdm_err *err)
{
    struct vdm_pool *p = calloc(1, sizeof *p);
    if (!p)
        return vdm_fail_memory(err);
    pthread_condattr_t as_clock_ms;
    pthread_mutex_init(&p->lock, NULL); /* with such attributes these cannot fail */
    pthread_cond_init(&p->work, NULL);
    pthread_condattr_init(&as_clock_ms);
    pthread_condattr_setclock(&as_clock_ms, CLOCK_MONOTONIC);
    pthread_cond_init(&p->idle, &as_clock_ms);
    pthread_condattr_destroy(&as_clock_ms);
    if (workers == 0)
        workers = processors();
    if (workers > VDM_POOL_WORKERS_MAX)
        workers = VDM_POOL_WORKERS_MAX;
    start_threads(p, workers - 1);
    wait_for_threads(p);
    *out = p;
    return true;
}

unsigned vdm_pool_workers(const struct vdm_pool *p)
{
    return p->threads + 1;
}

static void start(struct vdm_pool *p, struct batch *b, size_t items, vdm_pool_fn *fn, void *ctx)
{
    pthread_mutex_lock(&p->lock);
    *b = (struct batch){.items = items, .fn = fn, .ctx = ctx};
    pthread_cond_broadcast(&p->work);
    pthread_mutex_unlock(&p->lock);
}

#define TICK_MS 100

/* *until is moved on when it is over. */
static void wait_a_tick(struct vdm_pool *p, struct timespec *until)
{
    if (pthread_cond_timedwait(&p->idle, &p->lock, until) == 0)
        return;
    uint64_t ms = vdm_clock_ms() + TICK_MS;
    *until = (struct timespec){(time_t)(ms / 1000), (long)(ms % 1000) * 1000000};
}

static void finish(struct vdm_pool *p, struct batch *b, vdm_pool_tick_fn *tick, void *ctx)
{
    struct timespec until = {0};
    pthread_mutex_lock(&p->lock);
    while (has_items(b) || b->busy > 0) {
        if (has_items(b))
            do_item(p, b, 0);
        else if (!tick)
            pthread_cond_wait(&p->idle, &p->lock);
        else
            wait_a_tick(p, &until);
        if (tick) {
            pthread_mutex_unlock(&p->lock);
            tick(ctx);
            pthread_mutex_lock(&p->lock);
        }
    }
    pthread_mutex_unlock(&p->lock);
}

void vdm_pool_start(struct vdm_pool *p, size_t items, vdm_pool_fn *fn, void *ctx)
{
    start(p, &p->ahead, items, fn, ctx);
}

void vdm_pool_finish(struct vdm_pool *p)
{
    finish(p, &p->ahead, NULL, NULL);
}

void vdm_pool_finish_telling(struct vdm_pool *p, vdm_pool_tick_fn *tick, void *ctx)
{
    finish(p, &p->ahead, tick, ctx);
}

void vdm_pool_start_soon(struct vdm_pool *p, size_t items, vdm_pool_fn *fn, void *ctx)
{
    start(p, &p->soon, items, fn, ctx);
}

void vdm_pool_finish_soon(struct vdm_pool *p)
{
    finish(p, &p->soon, NULL, NULL);
}

void vdm_pool_close(struct vdm_pool *p)
{
    if (!p)
        return;
    vdm_pool_finish(p);
    pthread_mutex_lock(&p->lock);
    p->closing = true;
    pthread_cond_broadcast(&p->work);
    pthread_mutex_unlock(&p->lock);
    for (unsigned i = 0; i < p->threads; i++)
        pthread_join(p->member[i].thread, NULL);
    pthread_cond_destroy(&p->idle);
    pthread_cond_destroy(&p->work);
    pthread_mutex_destroy(&p->lock);
    free(p);
}

void vdm_pool_cleanup(struct vdm_pool **p)
{
    vdm_pool_close(*p);
    *p = NULL;
}
