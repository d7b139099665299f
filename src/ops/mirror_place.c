/* SPDX-License-Identifier: MIT */
#include "ops/mirror_place.h"

#include "base/file.h"

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
