/* SPDX-License-Identifier: MIT */
/* Where a folder store lies: it is made, opened, and cleared of what killed writers left. */
#include "base/text.h"
#include "store/store_folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#define SHARED_MODE 0770 /* of a folder that a group shares */

const char *vdm_store_network_name(uint32_t f_type)
{
    static const struct {
        uint32_t f_type;
        const char *name;
    } known[] = {
        {0x00006969, "NFS"},  {0x0000517b, "SMB"},  {0xff534d42, "CIFS"}, {0xfe534d42, "SMB2"},
        {0x65735546, "FUSE"}, {0x01021997, "9P"},   {0x5346414f, "AFS"},  {0x6b414653, "AFS"},
        {0x00c36400, "Ceph"}, {0x73757245, "Coda"},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (known[i].f_type == f_type)
            return known[i].name;
    return NULL;
}

static bool check_local(int fd, struct vdm_err *err)
{
    struct statfs fs;
    if (fstatfs(fd, &fs) != 0)
        return vdm_fail_errno(err, "statfs");
    const char *name = vdm_store_network_name((uint32_t)fs.f_type);
    if (name)
        return vdm_fail(err,
                        "on %s: a network file system cannot promise that what is written is safe; "
                        "the store can be read there, but not written",
                        name);
    return true;
}

bool vdm_store_check_local(const char *path, struct vdm_err *err)
{
    int store VDM_CLEANUP(vdm_fd_close) = -1;
    return vdm_dir_open(AT_FDCWD, path, &store, err) &&
           (check_local(store, err) || vdm_err_prefix(err, "store %s", path));
}

/* One that a group shares has its folders from the start: made later they would be, for a moment, for
 * one user only. */
static bool make_shards(int objects, struct vdm_err *err)
{
    char name[3];
    for (unsigned i = 0; i < 256; i++) {
        int fd VDM_CLEANUP(vdm_fd_close) = -1;
        snprintf(name, sizeof name, "%02x", i);
        if (!vdm_dir_make(objects, name, VDM_STORE_FOLDER_MODE, false, err) ||
            !vdm_store_open_dir(objects, name, &fd, err) ||
            !vdm_fd_share(objects, fd, SHARED_MODE, err))
            return false;
    }
    return true;
}

/* Its name is durable, too. */
static bool make_synced(int dir, const char *name, bool shards, struct vdm_err *err)
{
    int fd VDM_CLEANUP(vdm_fd_close) = -1;
    return vdm_dir_make(dir, name, VDM_STORE_FOLDER_MODE, false, err) &&
           vdm_store_open_dir(dir, name, &fd, err) && vdm_fd_share(dir, fd, SHARED_MODE, err) &&
           (!shards || make_shards(fd, err)) && vdm_fd_sync(fd, err) && vdm_fd_sync(dir, err);
}

/* Empty as it mostly is, tmp/ is left out by some programs that copy archives. */
static bool open_tmp(int store, int objects, int *tmp, struct vdm_err *err)
{
    struct stat a, b;
    bool missing = faccessat(store, "tmp", F_OK, AT_SYMLINK_NOFOLLOW) != 0 && errno == ENOENT;
    if (!check_local(objects, err) || (missing && !make_synced(store, "tmp", false, err)) ||
        !vdm_store_open_dir(store, "tmp", tmp, err) || !check_local(*tmp, err))
        return false;
    if (fstat(objects, &a) != 0 || fstat(*tmp, &b) != 0)
        return vdm_fail_errno(err, "stat");
    return a.st_dev == b.st_dev || vdm_fail(err, "objects and tmp are not on one file system");
}

bool vdm_store_open_parts(const char *path, bool writable, int *objects, int *tmp,
                          struct vdm_err *err)
{
    int store VDM_CLEANUP(vdm_fd_close) = -1;
    if (vdm_dir_open(AT_FDCWD, path, &store, err) &&
        vdm_store_open_dir(store, "objects", objects, err) &&
        (!writable || open_tmp(store, *objects, tmp, err)))
        return true;
    return vdm_err_prefix(err, "store %s", path);
}

bool vdm_store_create_folder(const char *path, bool packs, struct vdm_err *err)
{
    int store VDM_CLEANUP(vdm_fd_close) = -1;
    int parent VDM_CLEANUP(vdm_fd_close) = -1;
    if (vdm_dir_make(AT_FDCWD, path, VDM_STORE_FOLDER_MODE, false, err) &&
        vdm_dir_open(AT_FDCWD, path, &store, err) && check_local(store, err) &&
        make_synced(store, "objects", vdm_dir_shared(store), err) &&
        make_synced(store, "tmp", false, err) &&
        (!packs || make_synced(store, "packs", false, err)) &&
        vdm_dir_open(store, "..", &parent, err) && vdm_fd_sync(parent, err))
        return true;
    return vdm_err_prefix(err, "store %s", path);
}

/* A file that put left, and whose writer is gone. */
static bool remove_leftover(int tmp, const char *name, uint64_t *removed, struct vdm_err *err)
{
    uint8_t random[8];
    struct vdm_bytes text = vdm_str(name);
    int fd VDM_CLEANUP(vdm_fd_close) = -1;
    struct vdm_err why = {0};
    if (!vdm_bytes_start_with(text, VDM_LIT(VDM_STORE_PUT_PREFIX)) ||
        !vdm_hex_decode(vdm_bytes_skip(text, strlen(VDM_STORE_PUT_PREFIX)), random, sizeof random))
        return true;
    if (!vdm_file_open(tmp, name, false, &fd, &why)) {
        if (why.kind == VDM_ERR_NOT_FOUND || why.kind == VDM_ERR_REFUSED)
            return true;
        return vdm_fail(err, "tmp/%s: %s", name, why.text);
    }
    if (flock(fd, LOCK_EX | LOCK_NB) != 0)
        return errno == EWOULDBLOCK || vdm_fail_errno(err, "lock tmp/%s", name);
    if (unlinkat(tmp, name, 0) != 0)
        return errno == ENOENT || vdm_fail_errno(err, "remove tmp/%s", name);
    ++*removed;
    return true;
}

static bool remove_leftovers(int tmp, uint64_t *removed, struct vdm_err *err)
{
    int fd = openat(tmp, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    if (!d) {
        vdm_fail_errno(err, "list tmp");
        vdm_fd_close(&fd);
        return false;
    }
    const struct dirent *e;
    bool ok = true;
    for (errno = 0; ok && (e = readdir(d)); errno = 0)
        ok = remove_leftover(tmp, e->d_name, removed, err);
    if (ok && errno)
        ok = vdm_fail_errno(err, "list tmp");
    closedir(d);
    return ok;
}

bool vdm_store_recover_folder(const char *path, uint64_t *removed, struct vdm_err *err)
{
    int objects VDM_CLEANUP(vdm_fd_close) = -1;
    int tmp VDM_CLEANUP(vdm_fd_close) = -1;
    uint64_t count = 0;
    if (!vdm_store_open_parts(path, true, &objects, &tmp, err))
        return false;
    if (!remove_leftovers(tmp, &count, err))
        return vdm_err_prefix(err, "store %s", path);
    *removed = count;
    return true;
}
