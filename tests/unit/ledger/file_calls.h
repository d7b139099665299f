/* SPDX-License-Identifier: MIT */
/* What the ledger as a file calls, each of which may fail, or answer as it does beside others who write. */
#ifndef VDM_TESTS_LEDGER_FILE_CALLS_H
#define VDM_TESTS_LEDGER_FILE_CALLS_H

#include "unit/ledger/sweep.h"

#include "base/file.h"

#define PLANTED "planted failure"

/* --- the calls, each of which may fail, by the names that they have for the linker --- */

int __real_fstat64(int fd, struct stat *st);
int __wrap_fstat64(int fd, struct stat *st);
ssize_t __real_pread64(int fd, void *p, size_t n, off_t at);
ssize_t __wrap_pread64(int fd, void *p, size_t n, off_t at);
int __real_open64(const char *path, int flags, ...);
int __wrap_open64(const char *path, int flags, ...);
int __real_openat64(int dir, const char *path, int flags, ...);
int __wrap_openat64(int dir, const char *path, int flags, ...);
bool __real_vdm_fd_read(int fd, uint8_t *p, size_t n, size_t *got, struct vdm_err *err);
bool __wrap_vdm_fd_read(int fd, uint8_t *p, size_t n, size_t *got, struct vdm_err *err);
bool __real_vdm_hash_open(struct vdm_hash **out, struct vdm_crypto *c, struct vdm_err *err);
bool __wrap_vdm_hash_open(struct vdm_hash **out, struct vdm_crypto *c, struct vdm_err *err);
bool __real_vdm_dir_open(int dir, const char *path, int *fd, struct vdm_err *err);
bool __wrap_vdm_dir_open(int dir, const char *path, int *fd, struct vdm_err *err);
bool __real_vdm_dir_make(int dir, const char *path, mode_t mode, bool must_be_new,
                         struct vdm_err *err);
bool __wrap_vdm_dir_make(int dir, const char *path, mode_t mode, bool must_be_new,
                         struct vdm_err *err);
bool __real_vdm_file_open(int dir, const char *path, bool follow, int *fd, struct vdm_err *err);
bool __wrap_vdm_file_open(int dir, const char *path, bool follow, int *fd, struct vdm_err *err);
bool __real_vdm_file_move(int from_dir, const char *from, int to_dir, const char *to,
                          struct vdm_err *err);
bool __wrap_vdm_file_move(int from_dir, const char *from, int to_dir, const char *to,
                          struct vdm_err *err);

int __wrap_fstat64(int fd, struct stat *st)
{
    return scarce_refuses() ? -1 : __real_fstat64(fd, st);
}

ssize_t __wrap_pread64(int fd, void *p, size_t n, off_t at)
{
    return scarce_refuses() ? -1 : __real_pread64(fd, p, n, at);
}

/* What is opened is descriptor 0, as in a program without standard input: of the folder aside, or of the copy. */
enum zero { NO_ZERO, ZERO_ASIDE, ZERO_COPY };
static enum zero get_zero;

static int perhaps_zero(int fd, enum zero which)
{
    if (get_zero != which || fd < 0)
        return fd;
    assert_int_equal(dup2(fd, 0), 0);
    close(fd);
    return 0;
}

int __wrap_open64(const char *path, int flags, ...)
{
    return scarce_refuses() ? -1 : perhaps_zero(__real_open64(path, flags, 0600), ZERO_COPY);
}

/* Of the folder aside alone. That it cannot be cleared is no failure: what is left is met by the next copy. */
static unsigned looks_aside, look_that_fails;

int __wrap_openat64(int dir, const char *path, int flags, ...)
{
    va_list more;
    va_start(more, flags);
    mode_t mode = flags & O_CREAT ? va_arg(more, mode_t) : 0;
    va_end(more);
    if (strcmp(path, "incoming") != 0)
        return __real_openat64(dir, path, flags, mode);
    if (++looks_aside != look_that_fails)
        return looks_aside == 2 ? perhaps_zero(__real_openat64(dir, path, flags, mode), ZERO_ASIDE)
                                : __real_openat64(dir, path, flags, mode);
    errno = EMFILE;
    return -1;
}

static void (*between)(struct kit *k); /* what others do while the file is read */
static struct kit *between_kit;

/* It fails behind the last byte that was wanted. */
bool __wrap_vdm_fd_read(int fd, uint8_t *p, size_t n, size_t *got, struct vdm_err *err)
{
    bool ok = __real_vdm_fd_read(fd, p, n, got, err);
    void (*now)(struct kit * k) = between;
    between = NULL;
    if (now)
        now(between_kit);
    return scarce_refuses() ? vdm_fail(err, PLANTED) : ok;
}

bool __wrap_vdm_hash_open(struct vdm_hash **out, struct vdm_crypto *c, struct vdm_err *err)
{
    return scarce_refuses() ? vdm_fail(err, PLANTED) : __real_vdm_hash_open(out, c, err);
}

bool __wrap_vdm_dir_open(int dir, const char *path, int *fd, struct vdm_err *err)
{
    return scarce_refuses() ? vdm_fail(err, PLANTED) : __real_vdm_dir_open(dir, path, fd, err);
}

bool __wrap_vdm_dir_make(int dir, const char *path, mode_t mode, bool must_be_new,
                         struct vdm_err *err)
{
    return scarce_refuses() ? vdm_fail(err, PLANTED)
                            : __real_vdm_dir_make(dir, path, mode, must_be_new, err);
}

bool __wrap_vdm_file_open(int dir, const char *path, bool follow, int *fd, struct vdm_err *err)
{
    bool ok = __real_vdm_file_open(dir, path, follow, fd, err);
    return scarce_refuses() ? vdm_fail(err, PLANTED) : ok;
}

bool __wrap_vdm_file_move(int from_dir, const char *from, int to_dir, const char *to,
                          struct vdm_err *err)
{
    return scarce_refuses() ? vdm_fail(err, PLANTED)
                            : __real_vdm_file_move(from_dir, from, to_dir, to, err);
}

/* --- SQLite's --- */

int __real_sqlite3_open_v2(const char *path, sqlite3 **db, int flags, const char *vfs);
int __wrap_sqlite3_open_v2(const char *path, sqlite3 **db, int flags, const char *vfs);
sqlite3_backup *__real_sqlite3_backup_init(sqlite3 *to, const char *a, sqlite3 *from,
                                           const char *b);
sqlite3_backup *__wrap_sqlite3_backup_init(sqlite3 *to, const char *a, sqlite3 *from,
                                           const char *b);
int __real_sqlite3_backup_step(sqlite3_backup *b, int pages);
int __wrap_sqlite3_backup_step(sqlite3_backup *b, int pages);
int __real_sqlite3_backup_remaining(sqlite3_backup *b);
int __wrap_sqlite3_backup_remaining(sqlite3_backup *b);
int __real_sqlite3_backup_finish(sqlite3_backup *b);
int __wrap_sqlite3_backup_finish(sqlite3_backup *b);
int __wrap_sqlite3_sleep(int ms);
const char *__real_sqlite3_errmsg(sqlite3 *db);
const char *__wrap_sqlite3_errmsg(sqlite3 *db);
int __real_sqlite3_extended_errcode(sqlite3 *db);
int __wrap_sqlite3_extended_errcode(sqlite3 *db);

static const char *said; /* of the last call that was ours to fail */

const char *__wrap_sqlite3_errmsg(sqlite3 *db)
{
    return said ? said : __real_sqlite3_errmsg(db);
}

int __wrap_sqlite3_extended_errcode(sqlite3 *db)
{
    return said ? SQLITE_ERROR : __real_sqlite3_extended_errcode(db);
}

static bool refuses(const char *words)
{
    bool now = scarce_refuses();
    said = now ? words : NULL;
    return now;
}

/* A handle comes with the error, as it does from SQLite. */
int __wrap_sqlite3_open_v2(const char *path, sqlite3 **db, int flags, const char *vfs)
{
    int code = __real_sqlite3_open_v2(path, db, flags, vfs);
    return refuses(PLANTED) ? SQLITE_ERROR : code;
}

sqlite3_backup *__wrap_sqlite3_backup_init(sqlite3 *to, const char *a, sqlite3 *from, const char *b)
{
    return refuses(PLANTED) ? NULL : __real_sqlite3_backup_init(to, a, from, b);
}

/* What a step answers, until all is asked for at once: a code; 0: what SQLite does. */
static struct {
    int code, times, remaining, shrinks;
    bool one_page;
    int steps, all_at_once, sleeps, after_done;
    bool done;
} plan;

int __wrap_sqlite3_backup_step(sqlite3_backup *b, int pages)
{
    if (refuses(PLANTED ": step"))
        return SQLITE_ERROR;
    plan.steps++;
    plan.after_done += plan.done;
    if (pages < 0 && !plan.all_at_once)
        plan.all_at_once = plan.steps;
    if (plan.times && pages > 0) {
        plan.times--;
        return plan.code;
    }
    int code = __real_sqlite3_backup_step(b, plan.one_page && pages > 0 ? 1 : pages);
    plan.done = code == SQLITE_DONE;
    return code;
}

int __wrap_sqlite3_backup_remaining(sqlite3_backup *b)
{
    plan.remaining -= plan.shrinks;
    return plan.times ? plan.remaining : __real_sqlite3_backup_remaining(b);
}

/* It answers with the error of the step, and only from then on the handle knows it. */
int __wrap_sqlite3_backup_finish(sqlite3_backup *b)
{
    int code = __real_sqlite3_backup_finish(b);
    if (said)
        return SQLITE_ERROR;
    return refuses(PLANTED) ? SQLITE_ERROR : code;
}

int __wrap_sqlite3_sleep(int ms)
{
    plan.sleeps++;
    return ms;
}

#endif
