/* SPDX-License-Identifier: MIT */
/* A folder of its own for each test, which is also the current one; gone afterwards. */
#ifndef VDM_TESTS_CAPTURE_SCRATCH_H
#define VDM_TESTS_CAPTURE_SCRATCH_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"

static inline int scratch_remove(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st;
    (void)kind;
    (void)at;
    return remove(path);
}

/* *state is its canonical path. */
static inline int scratch_setup(void **state)
{
    char name[] = "/tmp/vidimus-test-XXXXXX";
    char *path = mkdtemp(name) ? realpath(name, NULL) : NULL;
    *state = path;
    return path && chdir(path) == 0 ? 0 : -1;
}

static inline int scratch_teardown(void **state)
{
    char *path = *state;
    int result = chdir("/");
    result |= nftw(path, scratch_remove, 16, FTW_DEPTH | FTW_PHYS);
    free(path);
    return result;
}

#define SCRATCH_TEST(f) cmocka_unit_test_setup_teardown(f, scratch_setup, scratch_teardown)

static inline void put_bytes(const char *path, struct vdm_bytes data)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, data.p, data.n), (ssize_t)data.n);
    assert_int_equal(close(fd), 0);
}

static inline void put_text(const char *path, const char *text)
{
    put_bytes(path, vdm_str(text));
}

#define assert_bytes(bytes, text)                                                                  \
    do {                                                                                           \
        struct vdm_bytes seen_ = (bytes);                                                          \
        assert_int_equal(seen_.n, strlen(text));                                                   \
        assert_memory_equal(seen_.n ? (const void *)seen_.p : "", text, seen_.n);                  \
    } while (0)

#endif
