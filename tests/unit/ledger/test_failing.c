/* SPDX-License-Identifier: MIT */
/* Ledger and catalog over an SQLite and a disk that fail, and our own memory that runs out: each call of
 * them, one after the other. Nobody goes on as if it had worked; and each error has its words. */
#include "support/scarce.h"

static const bool goes_without = false;

#include "unit/ledger/calls.h"

#include "base/file.h"

#include <limits.h>

#define PLANTED "planted failure"

static bool sqlite_refused; /* it was a call of SQLite that failed, */
static bool config_refused; /* that of a setting */

static unsigned next_request(unsigned n)
{
    sqlite_refused = config_refused = false;
    return n + 1;
}

static bool told(const struct vdm_err *err)
{
    if (err->kind != VDM_ERR_FAILED)
        return false;
    if (config_refused)
        return strstr(err->text, "SQLite refuses setting");
    if (sqlite_refused)
        return strstr(err->text, PLANTED);
    return strstr(err->text, PLANTED) || strstr(err->text, "out of memory") ||
           strstr(err->text, strerror(ENOMEM));
}

/* --- what SQLite says of its last call, where the call was ours to fail --- */

static struct {
    int code, file_errno, system_errno;
} said;

int __real_sqlite3_extended_errcode(sqlite3 *db);
int __wrap_sqlite3_extended_errcode(sqlite3 *db);
const char *__real_sqlite3_errmsg(sqlite3 *db);
const char *__wrap_sqlite3_errmsg(sqlite3 *db);
int __real_sqlite3_system_errno(sqlite3 *db);
int __wrap_sqlite3_system_errno(sqlite3 *db);
int __real_sqlite3_file_control(sqlite3 *db, const char *name, int what, void *out);
int __wrap_sqlite3_file_control(sqlite3 *db, const char *name, int what, void *out);

int __wrap_sqlite3_extended_errcode(sqlite3 *db)
{
    return said.code ? said.code : __real_sqlite3_extended_errcode(db);
}

const char *__wrap_sqlite3_errmsg(sqlite3 *db)
{
    return said.code ? PLANTED : __real_sqlite3_errmsg(db);
}

int __wrap_sqlite3_system_errno(sqlite3 *db)
{
    return said.code ? said.system_errno : __real_sqlite3_system_errno(db);
}

int __wrap_sqlite3_file_control(sqlite3 *db, const char *name, int what, void *out)
{
    if (!said.code || what != SQLITE_FCNTL_LAST_ERRNO)
        return __real_sqlite3_file_control(db, name, what, out);
    *(int *)out = said.file_errno;
    return SQLITE_OK;
}

static bool refuses(void)
{
    bool now = scarce_refuses();
    said.code = now ? SQLITE_ERROR : 0;
    sqlite_refused = sqlite_refused || now;
    return now;
}

/* --- its calls --- */

int __real_sqlite3_open_v2(const char *path, sqlite3 **db, int flags, const char *vfs);
int __wrap_sqlite3_open_v2(const char *path, sqlite3 **db, int flags, const char *vfs);
int __real_sqlite3_prepare_v3(sqlite3 *db, const char *sql, int n, unsigned flags, sqlite3_stmt **s,
                              const char **tail);
int __wrap_sqlite3_prepare_v3(sqlite3 *db, const char *sql, int n, unsigned flags, sqlite3_stmt **s,
                              const char **tail);
int __real_sqlite3_step(sqlite3_stmt *s);
int __wrap_sqlite3_step(sqlite3_stmt *s);
int __real_sqlite3_exec(sqlite3 *db, const char *sql, sqlite3_callback f, void *ctx, char **why);
int __wrap_sqlite3_exec(sqlite3 *db, const char *sql, sqlite3_callback f, void *ctx, char **why);
int __real_sqlite3_db_config(sqlite3 *db, int what, ...);
int __wrap_sqlite3_db_config(sqlite3 *db, int what, ...);

/* A handle comes with the error, as it does from SQLite. */
int __wrap_sqlite3_open_v2(const char *path, sqlite3 **db, int flags, const char *vfs)
{
    int code = __real_sqlite3_open_v2(path, db, flags, vfs);
    return refuses() ? SQLITE_ERROR : code;
}

int __wrap_sqlite3_prepare_v3(sqlite3 *db, const char *sql, int n, unsigned flags, sqlite3_stmt **s,
                              const char **tail)
{
    return refuses() ? SQLITE_ERROR : __real_sqlite3_prepare_v3(db, sql, n, flags, s, tail);
}

static bool no_rows;

int __wrap_sqlite3_step(sqlite3_stmt *s)
{
    if (no_rows)
        return SQLITE_DONE;
    return refuses() ? SQLITE_ERROR : __real_sqlite3_step(s);
}

/* What is taken back is taken back. */
int __wrap_sqlite3_exec(sqlite3 *db, const char *sql, sqlite3_callback f, void *ctx, char **why)
{
    bool back = strcmp(sql, "ROLLBACK") == 0;
    return !back && refuses() ? SQLITE_ERROR : __real_sqlite3_exec(db, sql, f, ctx, why);
}

static bool config_lies; /* it says that all is well, and does nothing */

int __wrap_sqlite3_db_config(sqlite3 *db, int what, ...)
{
    va_list more;
    va_start(more, what);
    int on = va_arg(more, int), *now = va_arg(more, int *);
    va_end(more);
    int code = __real_sqlite3_db_config(db, what, on, now);
    if (!scarce_refuses())
        return code;
    config_refused = true;
    *now = config_lies ? !on : on;
    return config_lies ? SQLITE_OK : SQLITE_ERROR;
}

/* --- and the calls of base/file.h that could be ignored --- */

bool __real_vdm_dir_open(int dir, const char *path, int *fd, struct vdm_err *err);
bool __wrap_vdm_dir_open(int dir, const char *path, int *fd, struct vdm_err *err);
bool __real_vdm_fd_read(int fd, uint8_t *p, size_t n, size_t *got, struct vdm_err *err);
bool __wrap_vdm_fd_read(int fd, uint8_t *p, size_t n, size_t *got, struct vdm_err *err);
bool __real_vdm_fd_share(int dir, int fd, mode_t mode, struct vdm_err *err);
bool __wrap_vdm_fd_share(int dir, int fd, mode_t mode, struct vdm_err *err);
bool __real_vdm_file_erase(int dir, const char *path, struct vdm_err *err);
bool __wrap_vdm_file_erase(int dir, const char *path, struct vdm_err *err);

bool __wrap_vdm_dir_open(int dir, const char *path, int *fd, struct vdm_err *err)
{
    return scarce_refuses() ? vdm_fail(err, PLANTED) : __real_vdm_dir_open(dir, path, fd, err);
}

/* It fails behind the last byte that was wanted. */
bool __wrap_vdm_fd_read(int fd, uint8_t *p, size_t n, size_t *got, struct vdm_err *err)
{
    bool ok = __real_vdm_fd_read(fd, p, n, got, err);
    return scarce_refuses() ? vdm_fail(err, PLANTED) : ok;
}

bool __wrap_vdm_fd_share(int dir, int fd, mode_t mode, struct vdm_err *err)
{
    return scarce_refuses() ? vdm_fail(err, PLANTED) : __real_vdm_fd_share(dir, fd, mode, err);
}

bool __wrap_vdm_file_erase(int dir, const char *path, struct vdm_err *err)
{
    return scarce_refuses() ? vdm_fail(err, PLANTED) : __real_vdm_file_erase(dir, path, err);
}

/* --- each error has its words --- */

static void words_of_errors(void **state)
{
    static const struct {
        int code, file_errno, system_errno;
        enum vdm_err_kind kind;
        const char *words;
    } cases[] = {
        {SQLITE_NOMEM, 0, 0, VDM_ERR_FAILED, "out of memory"},
        {SQLITE_IOERR_NOMEM, 0, ENOMEM, VDM_ERR_FAILED, "out of memory"},
        {SQLITE_READONLY_ROLLBACK, 0, 0, VDM_ERR_RECOVER, "a write was interrupted here"},
        {SQLITE_READONLY_RECOVERY, 0, 0, VDM_ERR_RECOVER, "a write was interrupted here"},
        {SQLITE_READONLY, 0, 0, VDM_ERR_FAILED, "it is read-only and cannot be written"},
        {SQLITE_READONLY_DBMOVED, 0, 0, VDM_ERR_FAILED, "it is read-only and cannot be written"},
        {SQLITE_CORRUPT, 0, 0, VDM_ERR_MALFORMED, PLANTED},
        {SQLITE_CORRUPT_INDEX, ENOENT, 0, VDM_ERR_MALFORMED, PLANTED},
        {SQLITE_NOTADB, 0, 0, VDM_ERR_MALFORMED, PLANTED},
        {SQLITE_CORRUPT, EIO, 0, VDM_ERR_FAILED, "cannot be read: Input/output error"},
        {SQLITE_NOTADB, ENXIO, 0, VDM_ERR_FAILED, "cannot be read: No such device or address"},
        {SQLITE_CORRUPT, ERANGE, 0, VDM_ERR_FAILED, "cannot be read: Numerical result"},
        {SQLITE_BUSY_SNAPSHOT, 0, 0, VDM_ERR_FAILED, "locked by another program"},
        {SQLITE_FULL, 0, ENOSPC, VDM_ERR_FAILED, "No space left on device"},
        {SQLITE_IOERR_WRITE, 0, EIO, VDM_ERR_FAILED, PLANTED ": Input/output error"},
        {SQLITE_IOERR_WRITE, 0, 0, VDM_ERR_FAILED, PLANTED},
        {SQLITE_ERROR, EIO, EIO, VDM_ERR_FAILED, PLANTED},
    };
    struct kit *k = *state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct vdm_err err = {0};
        said.code = cases[i].code;
        said.file_errno = cases[i].file_errno;
        said.system_errno = cases[i].system_errno;
        assert_false(vdm_db_fail(k->l->db, &err));
        said.code = 0;
        assert_int_equal(err.kind, cases[i].kind);
        if (strncmp(err.text, cases[i].words, strlen(cases[i].words)) != 0 ||
            (strcmp(cases[i].words, PLANTED) == 0 && strcmp(err.text, PLANTED) != 0))
            fail_msg("case %zu: %s", i, err.text);
    }
}

static bool open_only(struct kit *k, struct vdm_err *err)
{
    return vdm_ledger_open(&k->l, k->dir, VDM_LEDGER_READ, err);
}

/* A setting that is said to be taken and is not, and one that answers nothing. */
static void settings_that_are_not_taken(void **state)
{
    struct kit *k = *state;
    close_it(k);
    config_lies = true;
    sweep(k, open_only, close_it, nothing);
    config_lies = false;
    no_rows = true;
    MUST_NOT(vdm_ledger_open(&k->l, k->dir, VDM_LEDGER_READ, &k->err), "SQLite refuses");
    no_rows = false;
}

/* Of two names that are taken a new catalog gets neither. */
static void name_is_taken(void **state)
{
    struct kit *k = *state;
    struct vdm_catalog *c = NULL;
    PATH(path, "%s/catalog.db", k->dir);
    assert_int_equal(symlink("nowhere", path), 0);
    MUST_NOT(vdm_catalog_open(&c, k->dir, VDM_LEDGER_WRITE, &k->err),
             "create catalog.db: File exists");
}

int main(void)
{
    const struct CMUnitTest more[] = {
        KIT_TEST(words_of_errors),
        KIT_TEST(settings_that_are_not_taken),
        KIT_TEST(name_is_taken),
    };
    return cmocka_run_group_tests_name("calls", calls, NULL, NULL) +
           cmocka_run_group_tests_name("more", more, NULL, NULL);
}
