/* SPDX-License-Identifier: MIT */
#include "support/scratch.h"

#include "base/pool.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>

#define ITEMS 5000

/* How many threads the system will still give. */
static int threads_left = 100;

int __real_pthread_create(pthread_t *t, const pthread_attr_t *a, void *(*fn)(void *), void *arg);
int __wrap_pthread_create(pthread_t *t, const pthread_attr_t *a, void *(*fn)(void *), void *arg);
int __wrap_pthread_create(pthread_t *t, const pthread_attr_t *a, void *(*fn)(void *), void *arg)
{
    return threads_left-- > 0 ? __real_pthread_create(t, a, fn, arg) : EAGAIN;
}

struct work {
    atomic_uint done[ITEMS];
    atomic_uint inside[VDM_POOL_WORKERS_MAX];
    atomic_uint shared, blocked; /* a worker's number used twice at once; signals not blocked */
    unsigned workers;
    pthread_t caller;
};

static void count(void *ctx, unsigned worker, size_t item)
{
    struct work *w = ctx;
    sigset_t set;
    if (worker >= w->workers || atomic_fetch_add(&w->inside[worker], 1) > 0)
        atomic_fetch_add(&w->shared, 1);
    pthread_sigmask(SIG_SETMASK, NULL, &set);
    if (!pthread_equal(pthread_self(), w->caller) && !sigismember(&set, SIGINT))
        atomic_fetch_add(&w->blocked, 1);
    if (item % 50 == 0) /* so that others are at work meanwhile, and some are slow */
        usleep(200);
    atomic_fetch_add(&w->done[item], 1);
    atomic_fetch_sub(&w->inside[worker], 1);
}

static void run(unsigned workers, unsigned expected)
{
    static const size_t sizes[] = {0, 1, 2, 17, ITEMS, 0, 3};
    struct vdm_pool *p = NULL;
    struct vdm_err err;
    assert_true(vdm_pool_open(&p, workers, &err));
    if (expected)
        assert_int_equal(vdm_pool_workers(p), expected);
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        struct work *w = calloc(1, sizeof *w);
        assert_non_null(w);
        w->workers = vdm_pool_workers(p);
        w->caller = pthread_self();
        vdm_pool_start(p, sizes[s], count, w);
        vdm_pool_finish(p);
        for (size_t i = 0; i < ITEMS; i++)
            assert_int_equal(atomic_load(&w->done[i]), i < sizes[s]);
        assert_int_equal(atomic_load(&w->shared), 0);
        assert_int_equal(atomic_load(&w->blocked), 0);
        free(w);
    }
    vdm_pool_cleanup(&p);
    assert_null(p);
}

static void each_item_once(void **state)
{
    (void)state;
    run(1, 1);
    run(2, 2);
    run(7, 7);
    run(1000, VDM_POOL_WORKERS_MAX);
    run(0, 0);
}

static void fewer_threads_than_asked_for(void **state)
{
    (void)state;
    threads_left = 2;
    run(8, 3);
    threads_left = 0;
    run(8, 1);
    threads_left = 100;
}

/* What was started is finished, also when nobody waits for it. */
static void closed_at_once(void **state)
{
    struct vdm_pool *p = NULL;
    struct vdm_err err;
    struct work *w = calloc(1, sizeof *w);
    (void)state;
    assert_non_null(w);
    assert_true(vdm_pool_open(&p, 4, &err));
    w->workers = vdm_pool_workers(p);
    w->caller = pthread_self();
    vdm_pool_start(p, ITEMS, count, w);
    vdm_pool_close(p);
    for (size_t i = 0; i < ITEMS; i++)
        assert_int_equal(atomic_load(&w->done[i]), 1);
    free(w);
    vdm_pool_close(NULL);
}

struct both {
    struct work *ahead, *now;
};

/* The worker numbers are those of all batches together. */
static void count_ahead(void *ctx, unsigned worker, size_t item)
{
    struct both *b = ctx;
    count(b->ahead, worker, item);
}

static void soon_in_between(void **state)
{
    struct vdm_pool *p = NULL;
    struct vdm_err err;
    struct both b = {calloc(1, sizeof *b.ahead), calloc(1, sizeof *b.now)};
    (void)state;
    assert_true(b.ahead && b.now && vdm_pool_open(&p, 4, &err));
    b.ahead->workers = b.now->workers = vdm_pool_workers(p);
    b.ahead->caller = b.now->caller = pthread_self();
    vdm_pool_start(p, ITEMS, count_ahead, &b);
    for (unsigned k = 1; k <= 20; k++) {
        vdm_pool_start_soon(p, 50, count, b.now);
        vdm_pool_finish_soon(p);
        for (size_t i = 0; i < 50; i++) /* done on return, whatever else is under way */
            assert_int_equal(atomic_load(&b.now->done[i]), k);
    }
    vdm_pool_finish(p);
    for (size_t i = 0; i < ITEMS; i++)
        assert_int_equal(atomic_load(&b.ahead->done[i]), 1);
    assert_int_equal(atomic_load(&b.ahead->shared) + atomic_load(&b.now->shared), 0);
    vdm_pool_start_soon(p, 0, count, b.now);
    vdm_pool_finish_soon(p);
    vdm_pool_close(p);
    free(b.ahead);
    free(b.now);
}

static void note_done(void *ctx, unsigned worker, size_t item)
{
    (void)worker;
    (void)item;
    atomic_store((atomic_bool *)ctx, true);
}

/* By others, while the caller does something else. */
static void soon_meanwhile(void **state)
{
    struct vdm_pool *p = NULL;
    struct vdm_err err;
    atomic_bool done = false;
    (void)state;
    assert_true(vdm_pool_open(&p, 2, &err));
    vdm_pool_start_soon(p, 1, note_done, &done);
    for (unsigned i = 0; i < 5000 && !atomic_load(&done); i++)
        usleep(1000);
    assert_true(atomic_load(&done));
    vdm_pool_finish_soon(p);
    vdm_pool_close(p);
}

static void sleep_long(void *ctx, unsigned worker, size_t item)
{
    (void)ctx;
    (void)worker;
    (void)item;
    usleep(500000);
}

static void note_tick(void *ctx)
{
    ++*(unsigned *)ctx;
}

static void told_while_it_waits(void **state)
{
    struct vdm_pool *p = NULL;
    struct vdm_err err;
    unsigned ticks = 0;
    (void)state;
    assert_true(vdm_pool_open(&p, 2, &err));
    vdm_pool_start(p, 1, sleep_long, NULL);
    usleep(100000); /* the other thread has it */
    vdm_pool_finish_telling(p, note_tick, &ticks);
    vdm_pool_close(p);
    assert_true(ticks >= 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_item_once), cmocka_unit_test(fewer_threads_than_asked_for),
        cmocka_unit_test(closed_at_once), cmocka_unit_test(soon_in_between),
        cmocka_unit_test(soon_meanwhile), cmocka_unit_test(told_while_it_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
