/* SPDX-License-Identifier: MIT */
/* The ledger as a file: its digest, a copy of it. */
#include "base/file.h"
#include "ledger/ledger.h"
#include "ledger/ledger_private.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LEDGER       "ledger.db"
#define ASIDE        "incoming"
#define STEP_PAGES   2048
#define STEPS_MAX    100000
#define RESTARTS_MAX 4

/* --- its digest --- */

/* The header counts the transactions that changed the file (SQLite's file change counter). */
static bool read_count(int fd, uint32_t *writes, uint64_t *size, struct vdm_err *err)
{
    uint8_t b[4];
    struct stat st;
    if (fstat(fd, &st) != 0 || pread(fd, b, sizeof b, 24) != sizeof b)
        return vdm_fail_errno(err, "read " LEDGER);
    *writes = (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
    *size = (uint64_t)st.st_size;
    return true;
}

static bool hash_file(int fd, struct vdm_crypto *c, struct vdm_digest *out, struct vdm_err *err)
{
    struct vdm_hash *h VDM_CLEANUP(vdm_hash_cleanup) = NULL;
    struct vdm_buf piece VDM_CLEANUP(vdm_buf_release) = {0};
    uint8_t *p = vdm_buf_grow(&piece, 1u << 18);
    size_t got = 0;
    if (!vdm_buf_ok(&piece, err) || !vdm_hash_open(&h, c, err))
        return false;
    do {
        if (!vdm_fd_read(fd, p, piece.n, &got, err))
            return vdm_err_prefix(err, LEDGER);
        vdm_hash_update(h, (struct vdm_bytes){p, got});
    } while (got > 0);
    *out = vdm_hash_end(h);
    return true;
}

bool vdm_ledger_file(const char *store, struct vdm_crypto *c, struct vdm_ledger_file *out,
                     bool *steady, struct vdm_err *err)
{
    char *path VDM_CLEANUP(vdm_free_string) = vdm_db_path(store, LEDGER);
    int fd VDM_CLEANUP(vdm_fd_close) = -1;
    uint64_t before, after;
    uint32_t writes;
    if (!path)
        return vdm_fail_errno(err, "%s", store);
    if (!vdm_file_open(AT_FDCWD, path, false, &fd, err) ||
        !read_count(fd, &out->writes, &before, err))
        return false;
    posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
    if (!hash_file(fd, c, &out->digest, err) || !read_count(fd, &writes, &after, err))
        return false;
    *steady = writes == out->writes && before == after;
    return true;
}

/* --- a copy of it --- */

/* In steps, between which others may write; then SQLite starts afresh. Who writes all the time is made
 * to wait once, for as long as it takes to read the file. */
static int copy_pages(sqlite3_backup *b)
{
    int code = SQLITE_OK, left = -1, restarts = 0;
    for (int i = 0; i < STEPS_MAX; i++) {
        code = sqlite3_backup_step(b, restarts > RESTARTS_MAX ? -1 : STEP_PAGES);
        int now = sqlite3_backup_remaining(b);
        restarts += left >= 0 && now >= left;
        left = now;
        if (code == SQLITE_BUSY || code == SQLITE_LOCKED)
            sqlite3_sleep(20);
        else if (code != SQLITE_OK)
            break;
    }
    return code;
}

/* What went wrong the handle only knows once the copying is ended. */
static bool copy_all(sqlite3 *from, sqlite3 *to, struct vdm_err *err)
{
    sqlite3_backup *b = sqlite3_backup_init(to, "main", from, "main");
    int code = b ? copy_pages(b) : SQLITE_ERROR, end = sqlite3_backup_finish(b);
    if (code == SQLITE_BUSY || code == SQLITE_LOCKED)
        return vdm_fail(err, "locked by another program");
    return (code == SQLITE_DONE && end == SQLITE_OK) || vdm_db_fail(to, err);
}

static bool back_up(sqlite3 *from, const char *path, struct vdm_err *err)
{
    sqlite3 *to = NULL;
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return vdm_fail_errno(err, "create %s", path);
    close(fd);
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_PRIVATECACHE |
                SQLITE_OPEN_EXRESCODE;
    if (sqlite3_open_v2(path, &to, flags, NULL) != SQLITE_OK) {
        vdm_db_fail(to, err);
        sqlite3_close(to);
        return vdm_err_prefix(err, "create %s", path);
    }
    bool ok = copy_all(from, to, err);
    sqlite3_close(to);
    return ok || vdm_err_prefix(err, "copy " LEDGER);
}

/* The folder aside itself, never what a link of its name leads to. */
static int open_aside(int folder)
{
    return openat(folder, ASIDE, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* What copying leaves there goes; anything else stays, and the folder with it. */
static void clear_aside(int folder)
{
    static const char *const ours[] = {LEDGER, LEDGER "-journal", LEDGER "-wal", LEDGER "-shm"};
    int aside VDM_CLEANUP(vdm_fd_close) = open_aside(folder); /* -1: nothing is in it */
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
        unlinkat(aside, ours[i], 0);
    unlinkat(folder, ASIDE, AT_REMOVEDIR);
    unlinkat(folder, ASIDE, 0); /* a file or a link of that name */
}

static bool make_copy(struct vdm_ledger *l, int folder, const char *store,
                      vdm_ledger_accept_fn *accept, void *ctx, struct vdm_err *err)
{
    char *aside VDM_CLEANUP(vdm_free_string) = vdm_db_beside(store, "/" ASIDE);
    char *path VDM_CLEANUP(vdm_free_string) = NULL;
    int from VDM_CLEANUP(vdm_fd_close) = -1;
    if (!aside)
        return vdm_fail_memory(err);
    if (faccessat(folder, ASIDE, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
        return vdm_fail(err, "%s holds what no copy left there: take it away", aside);
    if (!vdm_dir_make(folder, ASIDE, 0700, true, err))
        return false;
    if ((from = open_aside(folder)) < 0)
        return vdm_fail_errno(err, "open folder " ASIDE);
    if (!(path = vdm_db_path(aside, LEDGER)))
        return vdm_fail_errno(err, "%s", aside);
    return back_up(l->db, path, err) && accept(ctx, aside, err) &&
           vdm_file_move(from, LEDGER, folder, LEDGER, err);
}

bool vdm_ledger_copy(struct vdm_ledger *l, const char *store, vdm_ledger_accept_fn *accept,
                     void *ctx, struct vdm_err *err)
{
    int folder VDM_CLEANUP(vdm_fd_close) = -1;
    if (!vdm_dir_open(AT_FDCWD, store, &folder, err))
        return false;
    clear_aside(folder);
    bool ok = make_copy(l, folder, store, accept, ctx, err);
    clear_aside(folder);
    return ok;
}
