/* SPDX-License-Identifier: MIT */
/* Memory that runs out. A test that includes this is linked with `vdm_wrap_memory(<target>)`; then
 * the n-th request for memory by our own code fails, once, for every n until there are no more. */
#ifndef VDM_TESTS_SUPPORT_SCARCE_H
#define VDM_TESTS_SUPPORT_SCARCE_H

#include "base/err.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static unsigned scarce_left; /* requests until one fails; 0: none will */
static bool scarce_failed;
static long scarce_held; /* blocks in use */

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);
void *__real_reallocarray(void *p, size_t n, size_t size);
void __real_free(void *p);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t n);
void *__wrap_reallocarray(void *p, size_t n, size_t size);
void __wrap_free(void *p);

static inline bool scarce_refuses(void)
{
    if (scarce_left == 0 || --scarce_left > 0)
        return false;
    scarce_failed = true;
    errno = ENOMEM;
    return true;
}

static inline void *scarce_counted(void *fresh)
{
    scarce_held += fresh != NULL;
    return fresh;
}

void *__wrap_malloc(size_t n)
{
    return scarce_refuses() ? NULL : scarce_counted(__real_malloc(n));
}

void *__wrap_calloc(size_t n, size_t size)
{
    return scarce_refuses() ? NULL : scarce_counted(__real_calloc(n, size));
}

void *__wrap_realloc(void *p, size_t n)
{
    if (scarce_refuses())
        return NULL;
    return p ? __real_realloc(p, n) : scarce_counted(__real_malloc(n));
}

void *__wrap_reallocarray(void *p, size_t n, size_t size)
{
    if (scarce_refuses())
        return NULL;
    return p ? __real_reallocarray(p, n, size) : scarce_counted(__real_calloc(n, size));
}

void __wrap_free(void *p)
{
    scarce_held -= p != NULL;
    __real_free(p);
}

/* What is done with scarce memory. False: err is set. It leaves no block behind, and checks itself
 * that its outputs are as they should be. */
typedef bool scarce_fn(void *ctx, struct vdm_err *err);

/* Each request fails in turn: `f` says that it is out of memory and leaks nothing. Then none fails,
 * and `f` succeeds. Returns how many requests there are. */
static inline unsigned scarce_sweep(scarce_fn *f, void *ctx)
{
    for (unsigned n = 1;; n++) {
        struct vdm_err err = {0};
        long held = scarce_held;
        scarce_left = n;
        scarce_failed = false;
        bool ok = f(ctx, &err);
        scarce_left = 0;
        assert_int_equal(scarce_held, held);
        assert_int_equal(ok, !scarce_failed);
        if (ok)
            return n - 1;
        assert_int_equal(err.kind, VDM_ERR_FAILED);
        assert_non_null(strstr(err.text, "out of memory"));
    }
}

#endif
