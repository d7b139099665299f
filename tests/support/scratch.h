/* SPDX-License-Identifier: MIT */
/* A folder for a test, in memory where the system has such a place, gone afterwards. */
#ifndef VDM_TESTS_SUPPORT_SCRATCH_H
#define VDM_TESTS_SUPPORT_SCRATCH_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SCRATCH_PATH 400

static inline void scratch_make(char path[SCRATCH_PATH])
{
    const char *where = getenv("TMPDIR");
    if (!where)
        where = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    assert_true(snprintf(path, SCRATCH_PATH, "%.300s/vdm-test-XXXXXX", where) < SCRATCH_PATH);
    assert_non_null(mkdtemp(path));
}

static inline int scratch_remove_one(const char *path, const struct stat *st, int type,
                                     struct FTW *ftw)
{
    (void)st;
    (void)ftw;
    if (type == FTW_D || type == FTW_DP)
        chmod(path, 0700);
    return remove(path);
}

static inline void scratch_drop(const char *path)
{
    nftw(path, scratch_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* Formatted paths, in a buffer of the caller's. */
#define PATH(name, ...)                                                                            \
    char name[1024];                                                                               \
    assert_true(snprintf(name, sizeof name, __VA_ARGS__) < (int)sizeof name)

static inline struct vdm_buf file_content(const char *path)
{
    struct vdm_buf b = {0};
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(fstat(fd, &st), 0);
    uint8_t *p = vdm_buf_grow(&b, (size_t)st.st_size);
    assert_true(p || st.st_size == 0);
    assert_int_equal(read(fd, p, (size_t)st.st_size), st.st_size);
    close(fd);
    return b;
}

static inline void file_write(const char *path, struct vdm_bytes data)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, data.p, data.n), (ssize_t)data.n);
    assert_int_equal(close(fd), 0);
}

static inline void file_copy(const char *from, const char *to)
{
    struct vdm_buf b VDM_CLEANUP(vdm_buf_release) = file_content(from);
    file_write(to, vdm_buf_bytes(&b));
}

#endif
