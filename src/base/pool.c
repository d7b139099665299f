/* SPDX-License-Identifier: MIT */
#include "base/pool.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>

struct member {
    struct vdm_pool *pool;
    unsigned number;
    pthread_t thread;
};

struct vdm_pool {
    pthread_mutex_t lock;
    pthread_cond_t work, idle;
    /* under the lock */
    uint64_t batch; /* how many were started */
    unsigned busy;  /* threads that are not through with it */
    bool closing;
    /* the batch: set while no thread is busy */
    size_t items;
    atomic_size_t next;
    vdm_pool_fn *fn;
    void *ctx;
    unsigned threads;
    struct member member[VDM_POOL_WORKERS_MAX];
};

static void do_items(struct vdm_pool *p, unsigned worker)
{
    size_t item;
    while ((item = atomic_fetch_add(&p->next, 1)) < p->items)
        p->fn(p->ctx, worker, item);
}

static void *live(void *arg)
{
    struct member *m = arg;
    struct vdm_pool *p = m->pool;
    uint64_t seen = 0;
    pthread_mutex_lock(&p->lock);
    for (;;) {
        while (p->batch == seen && !p->closing)
            pthread_cond_wait(&p->work, &p->lock);
        if (p->batch == seen)
            break;
        seen = p->batch;
        pthread_mutex_unlock(&p->lock);
        do_items(p, m->number);
        pthread_mutex_lock(&p->lock);
        if (--p->busy == 0)
            pthread_cond_signal(&p->idle);
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

static void start_threads(struct vdm_pool *p, unsigned wanted)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    while (p->threads < wanted) {
        struct member *m = &p->member[p->threads];
        *m = (struct member){.pool = p, .number = p->threads + 1};
        if (pthread_create(&m->thread, NULL, live, m) != 0)
            break;
        p->threads++;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

bool vdm_pool_open(struct vdm_pool **out, unsigned workers, struct vdm_err *err)
{
    struct vdm_pool *p = calloc(1, sizeof *p);
    if (!p)
        return vdm_fail_memory(err);
    pthread_mutex_init(&p->lock, NULL); /* with default attributes these three cannot fail */
    pthread_cond_init(&p->work, NULL);
    pthread_cond_init(&p->idle, NULL);
    if (workers == 0)
        workers = processors();
    if (workers > VDM_POOL_WORKERS_MAX)
        workers = VDM_POOL_WORKERS_MAX;
    start_threads(p, workers - 1);
    *out = p;
    return true;
}

unsigned vdm_pool_workers(const struct vdm_pool *p)
{
    return p->threads + 1;
}

void vdm_pool_start(struct vdm_pool *p, size_t items, vdm_pool_fn *fn, void *ctx)
{
    pthread_mutex_lock(&p->lock);
    p->items = items;
    p->fn = fn;
    p->ctx = ctx;
    atomic_store(&p->next, 0);
    p->busy = p->threads;
    p->batch++;
    pthread_cond_broadcast(&p->work);
    pthread_mutex_unlock(&p->lock);
}

void vdm_pool_finish(struct vdm_pool *p)
{
    do_items(p, 0);
    pthread_mutex_lock(&p->lock);
    while (p->busy > 0)
        pthread_cond_wait(&p->idle, &p->lock);
    pthread_mutex_unlock(&p->lock);
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
