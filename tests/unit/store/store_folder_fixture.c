/* SPDX-License-Identifier: MIT */
#include "unit/store/store_folder_fixture.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct disk disk;

bool __real_vdm_fd_sync_filesystem(int fd, struct vdm_err *err);
bool __wrap_vdm_fd_sync_filesystem(int fd, struct vdm_err *err);
bool __wrap_vdm_fd_sync_filesystem(int fd, struct vdm_err *err)
{
    disk.calls++;
    if (!disk.fails)
        return __real_vdm_fd_sync_filesystem(fd, err);
    disk.fails = false;
    return vdm_fail(err, "syncfs: Input/output error");
}

struct path below(const struct store_fixture *x, const char *name)
{
    struct path p;
    snprintf(p.s, sizeof p.s, "%s/%s", x->path, name);
    return p;
}

struct path object_at(const struct store_fixture *x, struct vdm_digest id)
{
    struct path p;
    char hex[65];
    vdm_digest_hex(id, hex);
    snprintf(p.s, sizeof p.s, "%s/objects/%.2s/%s", x->path, hex, hex + 2);
    return p;
}

struct path shard_at(const struct store_fixture *x, struct vdm_digest id)
{
    struct path p = object_at(x, id);
    *strrchr(p.s, '/') = 0;
    return p;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st, (void)kind, (void)at;
    return remove(path);
}

static void remove_tree(const char *path)
{
    assert_int_equal(nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

void make_file(const char *path, const char *text)
{
    assert_true(vdm_file_publish(AT_FDCWD, path, 0644, true, vdm_str(text), NULL));
}

size_t count_in_tmp(const struct store_fixture *x, bool damaged)
{
    DIR *d = opendir(below(x, "tmp").s);
    const struct dirent *e;
    size_t n = 0;
    assert_non_null(d);
    while ((e = readdir(d)))
        if (e->d_name[0] != '.')
            n += (strncmp(e->d_name, "damaged-", 8) == 0) == damaged;
    closedir(d);
    return n;
}

static void open_folder(struct store_fixture *x)
{
    struct vdm_err err = {0};
    snprintf(x->path, sizeof x->path, "/tmp/vidimus-store-XXXXXX");
    assert_non_null(mkdtemp(x->path));
    /* What vdm_store_create_folder makes, without its syncs. */
    assert_int_equal(mkdir(below(x, "objects").s, 0700), 0);
    assert_int_equal(mkdir(below(x, "tmp").s, 0700), 0);
    if (!vdm_store_open_folder(&x->store, x->crypto, x->path, true, &err))
        fail_msg("%s", err.text);
}

static void open_folder_with_names(struct store_fixture *x)
{
    open_folder(x);
    vdm_store_folder_use_names(x->store);
}

static void close_folder(struct store_fixture *x)
{
    remove_tree(x->path);
}

void damage(struct store_fixture *x, struct vdm_digest id, enum damage how)
{
    struct path p = object_at(x, id);
    struct stat st;
    assert_int_equal(chmod(p.s, 0600), 0);
    int fd = open(p.s, O_RDWR | O_CLOEXEC);
    assert_int_equal(fstat(fd, &st), 0);
    uint8_t b = 'x';
    switch (how) {
    case DAMAGE_FLIP:
        assert_int_equal(pread(fd, &b, 1, st.st_size / 2), 1);
        b ^= 1;
        assert_int_equal(pwrite(fd, &b, 1, st.st_size / 2), 1);
        break;
    case DAMAGE_CUT:
        assert_int_equal(ftruncate(fd, st.st_size - 1), 0);
        break;
    case DAMAGE_EMPTY:
        assert_int_equal(ftruncate(fd, 0), 0);
        break;
    case DAMAGE_GROW:
        assert_int_equal(pwrite(fd, &b, 1, st.st_size), 1);
        break;
    }
    close(fd);
}

static void break_sync(struct store_fixture *x)
{
    (void)x;
    disk.fails = true;
}

static size_t set_aside(struct store_fixture *x)
{
    return count_in_tmp(x, true);
}

static size_t leftovers(struct store_fixture *x)
{
    return count_in_tmp(x, false);
}

const struct store_backend folder = {
    .name = "folder",
    .open = open_folder,
    .close = close_folder,
    .damage = damage,
    .break_sync = break_sync,
    .set_aside = set_aside,
    .leftovers = leftovers,
};

const struct store_backend folder_with_names = {
    .name = "folder, without O_TMPFILE",
    .open = open_folder_with_names,
    .close = close_folder,
    .damage = damage,
    .break_sync = break_sync,
    .set_aside = set_aside,
    .leftovers = leftovers,
};

int run_folder_tests(const struct store_backend *backend, struct CMUnitTest *tests, size_t n)
{
    union {
        const struct store_backend *in;
        void *out;
    } initial = {backend};
    for (size_t i = 0; i < n; i++) {
        tests[i].setup_func = store_setup;
        tests[i].teardown_func = store_teardown;
        tests[i].initial_state = initial.out;
    }
    return _cmocka_run_group_tests(backend->name, tests, n, NULL, NULL);
}
