/* SPDX-License-Identifier: MIT */
#include "ops/mirror_place.h"

#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Is it one of the archive's own folders? They may lie in different places, by links. */
static bool is_of_archive(const struct vdm_archive *a, const struct stat *st)
{
    struct stat own[3];
    if (fstat(a->keys, &own[0]) != 0 || stat(a->path, &own[1]) != 0 ||
        stat(a->store_path, &own[2]) != 0)
        return true;
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        if (st->st_ino == own[i].st_ino && st->st_dev == own[i].st_dev)
            return true;
    return false;
}

/* Up to the root, whose parent is the root itself. */
bool vdm_mirror_outside(const struct vdm_archive *a, int dir, const char *path, struct vdm_err *err)
{
    int fd VDM_CLEANUP(vdm_fd_close) = -1;
    struct stat st, above = {0};
    if (!vdm_dir_open(dir, path, &fd, err))
        return false;
    for (bool first = true;; first = false) {
        if (fstat(fd, &st) != 0)
            return vdm_fail_errno(err, "look at %s", path);
        if (!first && st.st_ino == above.st_ino && st.st_dev == above.st_dev)
            return true;
        if (is_of_archive(a, &st))
            return vdm_fail(
                err, "%s lies in the archive itself: a mirror is a second copy elsewhere", path);
        above = st;
        int up = openat(fd, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (up < 0)
            return vdm_fail_errno(err, "look above %s", path);
        vdm_fd_close(&fd);
        fd = up;
    }
}

bool vdm_mirror_place(const struct vdm_archive *a, const char *folder, struct vdm_err *err)
{
    char *above VDM_CLEANUP(vdm_free_string) = strdup(folder);
    if (!above)
        return vdm_fail_memory(err);
    if (faccessat(AT_FDCWD, folder, F_OK, 0) == 0)
        return vdm_mirror_outside(a, AT_FDCWD, folder, err);
    return vdm_mirror_outside(a, AT_FDCWD, dirname(above), err);
}

/* --- what is in it --- */

static bool ends_with(const char *name, const char *end)
{
    size_t n = strlen(name), k = strlen(end);
    return n >= k && strcmp(name + n - k, end) == 0;
}

static bool is_told(const char *name, bool by_end)
{
    return name[0] != '.' || (!by_end && strcmp(name, ".") != 0 && strcmp(name, "..") != 0);
}

bool vdm_mirror_each_name(int dir, const char *end, vdm_mirror_name_fn *tell, void *ctx,
                          struct vdm_err *err)
{
    int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    bool ok = true;
    if (!d) {
        vdm_fail_errno(err, "list the folder");
        vdm_fd_close(&fd);
        return false;
    }
    for (const struct dirent *e; ok && (e = readdir(d));)
        if (is_told(e->d_name, *end != 0) && ends_with(e->d_name, end))
            ok = tell(ctx, e->d_name, err);
    closedir(d);
    return ok;
}

/* Of these three, ctx is the folder. */
static bool refuse_secret(void *ctx, const char *name, struct vdm_err *err)
{
    return vdm_fail(err, "%s holds the secret key keys/%s: it is an archive of its own, no mirror",
                    (const char *)ctx, name);
}

static bool refuse_foreign(void *ctx, const char *name, struct vdm_err *err)
{
    return vdm_fail(err,
                    "%s is not empty and no mirror of this archive (it holds %s): name a new or "
                    "empty folder",
                    (const char *)ctx, name);
}

/* A file system of its own has lost+found. */
static bool check_top(void *ctx, const char *name, struct vdm_err *err)
{
    return strcmp(name, "keys") == 0 || strcmp(name, "store") == 0 ||
           strcmp(name, "lost+found") == 0 || refuse_foreign(ctx, name, err);
}

static bool check_store(void *ctx, const char *name, struct vdm_err *err)
{
    return strcmp(name, "objects") == 0 || strcmp(name, "tmp") == 0 || strcmp(name, "packs") == 0 ||
           strcmp(name, "incoming") == 0 || refuse_foreign(ctx, name, err);
}

static bool check_below(const char *folder, int dir, const char *below, const char *end,
                        vdm_mirror_name_fn *check, struct vdm_err *err)
{
    int fd VDM_CLEANUP(vdm_fd_close) = -1;
    struct vdm_err why = {0};
    if (!vdm_dir_open(dir, below, &fd, &why))
        return why.kind == VDM_ERR_NOT_FOUND || vdm_fail_as(err, why.kind, "%s", why.text);
    return vdm_mirror_each_name(fd, end, check, (void *)(uintptr_t)folder, err);
}

bool vdm_mirror_no_secrets(const char *folder, int keys, struct vdm_err *err)
{
    return vdm_mirror_each_name(keys, ".key", refuse_secret, (void *)(uintptr_t)folder, err);
}

/* A first run fills keys/ last, after the ledger. */
bool vdm_mirror_fits(const char *folder, struct vdm_err *err)
{
    int dir VDM_CLEANUP(vdm_fd_close) = -1;
    if (faccessat(AT_FDCWD, folder, F_OK, 0) != 0 && errno == ENOENT)
        return true;
    if (!vdm_dir_open(AT_FDCWD, folder, &dir, err) ||
        !vdm_mirror_each_name(dir, "", check_top, (void *)(uintptr_t)folder, err))
        return false;
    return faccessat(dir, "store/ledger.db", F_OK, 0) == 0 ||
           (check_below(folder, dir, "keys", ".key", refuse_secret, err) &&
            check_below(folder, dir, "keys", "", refuse_foreign, err) &&
            check_below(folder, dir, "store", "", check_store, err));
}
