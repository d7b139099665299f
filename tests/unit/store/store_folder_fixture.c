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

#include "format/ustar.h"
#include "store/store_packs.h"

struct disk disk;

static bool fails_now(void)
{
    bool now = disk.fails && disk.after == 0;
    disk.after -= disk.fails && !now;
    disk.fails = disk.fails && !now;
    return now;
}

bool __real_vdm_fd_sync_filesystem(int fd, struct vdm_err *err);
bool __wrap_vdm_fd_sync_filesystem(int fd, struct vdm_err *err);
bool __wrap_vdm_fd_sync_filesystem(int fd, struct vdm_err *err)
{
    disk.calls++;
    if (!fails_now())
        return __real_vdm_fd_sync_filesystem(fd, err);
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

static void open_folder_in(struct store_fixture *x, const char *where)
{
    struct vdm_err err = {0};
    snprintf(x->path, sizeof x->path, "%s/vidimus-store-XXXXXX", where);
    assert_non_null(mkdtemp(x->path));
    /* What vdm_store_create_folder makes, without its syncs. */
    assert_int_equal(mkdir(below(x, "objects").s, 0700), 0);
    assert_int_equal(mkdir(below(x, "tmp").s, 0700), 0);
    if (!vdm_store_open_folder(&x->store, x->crypto, x->path, true, &err))
        fail_msg("%s", err.text);
}

static void open_folder(struct store_fixture *x)
{
    open_folder_in(x, "/tmp");
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

/* --- packs --- */

static void open_packs(struct store_fixture *x)
{
    struct vdm_err err = {0};
    /* Every pack and every mark is synced: in memory, that costs nothing. */
    open_folder_in(x, access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    vdm_store_close(x->store);
    assert_int_equal(mkdir(below(x, "packs").s, 0700), 0);
    if (!vdm_store_open_folder(&x->store, x->crypto, x->path, true, &err))
        fail_msg("%s", err.text);
}

static void open_small_packs(struct store_fixture *x)
{
    open_packs(x);
    vdm_store_packs_limit(x->store, 4096);
}

struct path pack_at(const struct store_fixture *x, unsigned number)
{
    char name[24];
    snprintf(name, sizeof name, "packs/%06u.tar", number);
    return below(x, name);
}

/* Written anew, with another size and the right checksum. */
static void rewrite_header(int fd, off_t at, const uint8_t *old, uint64_t size)
{
    struct vdm_ustar h;
    uint8_t block[512];
    vdm_ustar_decode(old, 0444, &h);
    h.size = size;
    vdm_ustar_encode(&h, block);
    assert_int_equal(pwrite(fd, block, 512, at), 512);
}

static void damage_member(int fd, off_t at, const uint8_t *header, uint64_t size, enum damage how)
{
    uint8_t b = 0;
    off_t middle = at + 512 + (off_t)(size / 2);
    struct stat st;
    switch (how) {
    case DAMAGE_FLIP:
        assert_int_equal(pread(fd, &b, 1, middle), 1);
        b ^= 1;
        assert_int_equal(pwrite(fd, &b, 1, middle), 1);
        break;
    case DAMAGE_CUT:
        rewrite_header(fd, at, header, size - 1);
        break;
    case DAMAGE_EMPTY:
        rewrite_header(fd, at, header, 0);
        break;
    case DAMAGE_GROW:
        rewrite_header(fd, at, header, size + 1);
        assert_int_equal(fstat(fd, &st), 0);
        if (st.st_size < at + (off_t)vdm_pack_span(size + 1))
            assert_int_equal(ftruncate(fd, at + (off_t)vdm_pack_span(size + 1)), 0);
        break;
    }
}

/* The last one that has the name: the one that counts. By its bytes alone: no code of the store finds it. */
off_t find_member(const struct store_fixture *x, struct vdm_digest id, unsigned *pack,
                  uint8_t header[512])
{
    char hex[65];
    off_t found = -1;
    vdm_digest_hex(id, hex);
    for (unsigned n = 0; access(pack_at(x, n).s, F_OK) == 0; n++) {
        int fd = open(pack_at(x, n).s, O_RDONLY | O_CLOEXEC);
        uint8_t block[512];
        for (off_t at = 0; pread(fd, block, 512, at) == 512; at += 512)
            if (memcmp(block, hex, 64) == 0 && memcmp(block + 257, "ustar", 5) == 0) {
                *pack = n;
                found = at;
                memcpy(header, block, 512);
            }
        close(fd);
    }
    return found;
}

void damage_packed(struct store_fixture *x, struct vdm_digest id, enum damage how)
{
    uint8_t header[512];
    unsigned pack = 0;
    struct vdm_ustar h;
    off_t at = find_member(x, id, &pack, header);
    if (at < 0) {
        damage(x, id, how);
        return;
    }
    vdm_ustar_decode(header, 0444, &h);
    int fd = open(pack_at(x, pack).s, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    damage_member(fd, at, header, h.size, how);
    close(fd);
}

/* Slots of the index that are in use and set aside. */
static size_t set_aside_packed(struct store_fixture *x)
{
    int fd = open(below(x, "packs/index").s, O_RDONLY | O_CLOEXEC);
    uint8_t slot[16];
    size_t n = 0;
    for (off_t at = 4096 + 16384 * 8; fd >= 0 && pread(fd, slot, 16, at) == 16; at += 16)
        n += (slot[8] & 3) == 3;
    close(fd);
    return n + count_in_tmp(x, true);
}

bool __real_vdm_fd_sync_data(int fd, struct vdm_err *err);
bool __wrap_vdm_fd_sync_data(int fd, struct vdm_err *err);
bool __wrap_vdm_fd_sync_data(int fd, struct vdm_err *err)
{
    disk.data_calls++;
    if (!fails_now())
        return __real_vdm_fd_sync_data(fd, err);
    return vdm_fail(err, "fdatasync: Input/output error");
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

const struct store_backend packs = {
    .name = "packs",
    .open = open_packs,
    .close = close_folder,
    .damage = damage_packed,
    .break_sync = break_sync,
    .set_aside = set_aside_packed,
    .leftovers = leftovers,
    .unordered = true,
};

const struct store_backend small_packs = {
    .name = "packs, many",
    .open = open_small_packs,
    .close = close_folder,
    .damage = damage_packed,
    .break_sync = break_sync,
    .set_aside = set_aside_packed,
    .leftovers = leftovers,
    .unordered = true,
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
