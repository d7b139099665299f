/* SPDX-License-Identifier: MIT */
/* The folder store under killed and racing writers, full disks and missing permissions. */
#include "unit/store/store_folder_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static void test_recover(void **state)
{
    struct store_fixture *x = *state;
    struct vdm_err err = {0};
    uint64_t removed = 77;
    struct vdm_stored first = must_put(x->store, 5, 100);
    damage(x, first.id, DAMAGE_CUT);
    assert_true(must_put(x->store, 5, 100).repaired);
    static const char *const kept[] = {"tmp/damaged-put-0123456789abcdef", "tmp/put-",
                                       "tmp/put-0123456789abcdef0", "tmp/put-0123456789ABCDEF",
                                       "tmp/pack.tar"};
    for (size_t i = 0; i < 5; i++)
        make_file(below(x, kept[i]).s, "x");
    assert_int_equal(mkdir(below(x, "tmp/put-aaaaaaaaaaaaaaaa").s, 0700), 0);
    assert_int_equal(symlink("pack.tar", below(x, "tmp/put-bbbbbbbbbbbbbbbb").s), 0);
    make_file(below(x, "tmp/put-0123456789abcdef").s, "half");
    make_file(below(x, "tmp/put-fedcba9876543210").s, "");
    assert_true(vdm_store_recover_folder(x->path, &removed, &err));
    assert_int_equal(removed, 2);
    assert_int_equal(access(below(x, "tmp/put-0123456789abcdef").s, F_OK), -1);
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(access(below(x, kept[i]).s, F_OK), 0);
    assert_int_equal(count_in_tmp(x, true), 2);
    assert_int_equal(count_in_tmp(x, false), 6);
    assert_true(vdm_store_recover_folder(x->path, &removed, &err));
    assert_int_equal(removed, 0);
    removed = 77;
    assert_false(vdm_store_recover_folder(below(x, "no").s, &removed, &err));
    assert_int_equal(removed, 77);
}

struct recovering {
    struct source from;
    const char *path;
    uint64_t removed;
    size_t in_tmp;
    struct store_fixture *x;
};

static bool read_recovering(void *ctx, uint8_t *p, size_t cap, size_t *got, struct vdm_err *err)
{
    struct recovering *r = ctx;
    uint64_t removed = 0;
    r->in_tmp = count_in_tmp(r->x, false);
    if (!vdm_store_recover_folder(r->path, &removed, err))
        return false;
    r->removed += removed;
    return source_read(&r->from, p, cap, got, err);
}

/* A recovery beside a writer that lives. Shows too which of the two ways of writing is in use. */
static void test_recover_while_writing(void **state)
{
    struct store_fixture *x = *state;
    struct recovering r = {.from = source(4, 200000), .path = x->path, .x = x};
    struct vdm_stored got;
    assert_true(vdm_store_put(x->store, read_recovering, &r, VDM_SIZE_UNKNOWN, &got, NULL));
    assert_int_equal(r.removed, 0);
    assert_int_equal(r.in_tmp, x->backend == &folder_with_names ? 1 : 0);
    must_hold(x->store, got.id, 4, 200000);
    assert_int_equal(count_in_tmp(x, false), 0);
}

/* --- a disk that fails while a large document is written --- */

static uint64_t behind; /* bytes that were told to be written behind */
static bool behind_fails;

bool __real_vdm_fd_write_behind(int fd, struct vdm_write_behind *b, size_t n, struct vdm_err *err);
bool __wrap_vdm_fd_write_behind(int fd, struct vdm_write_behind *b, size_t n, struct vdm_err *err);
bool __wrap_vdm_fd_write_behind(int fd, struct vdm_write_behind *b, size_t n, struct vdm_err *err)
{
    behind += n;
    if (behind_fails && behind > 20 << 20)
        return vdm_fail(err, "write: no space left");
    return __real_vdm_fd_write_behind(fd, b, n, err);
}

static void test_written_behind(void **state)
{
    struct store_fixture *x = *state;
    struct source from = source(6, 30 << 20), again = from;
    struct vdm_stored got;
    struct vdm_err err = {0};
    behind = 0;
    behind_fails = true;
    assert_false(vdm_store_put(x->store, source_read, &from, 30 << 20, &got, &err));
    behind_fails = false;
    assert_non_null(strstr(err.text, "no space left"));
    assert_int_equal(object_count(x->store), 0);
    assert_int_equal(count_in_tmp(x, false), 0);
    behind = 0;
    assert_true(vdm_store_put(x->store, source_read, &again, 30 << 20, &got, &err));
    assert_int_equal(behind, 30 << 20);
    must_hold(x->store, got.id, 6, 30 << 20);
}

struct killed {
    struct source from;
};

static bool read_killed(void *ctx, uint8_t *p, size_t cap, size_t *got, struct vdm_err *err)
{
    struct killed *k = ctx;
    if (k->from.at > 100000)
        _exit(9);
    return source_read(&k->from, p, cap, got, err);
}

/* The control: a killed writer with names does leave something, and recovery takes it away. */
static void test_killed_writer(void **state)
{
    struct store_fixture *x = *state;
    bool names = x->backend == &folder_with_names;
    uint64_t removed = 77;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct killed k = {source(4, 200000)};
        struct vdm_stored got;
        bool ok = vdm_store_put(x->store, read_killed, &k, VDM_SIZE_UNKNOWN, &got, NULL);
        _exit(ok ? 1 : 2);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(WEXITSTATUS(status), 9);
    assert_int_equal(count_in_tmp(x, false), names ? 1 : 0);
    assert_int_equal(object_count(x->store), 0);
    assert_true(vdm_store_recover_folder(x->path, &removed, NULL));
    assert_int_equal(removed, names ? 1 : 0);
    assert_int_equal(count_in_tmp(x, false), 0);
}

#define CHILDREN 4
#define SHARED   40

/* Puts of the same objects by several processes at once. The result: what it made and mended. */
struct tally {
    unsigned made, mended;
};

static void put_shared(const struct store_fixture *x, int start, int result)
{
    struct vdm_crypto *crypto;
    struct vdm_store *store;
    struct tally done = {0};
    char go;
    if (!vdm_crypto_open(&crypto, NULL) ||
        !vdm_store_open_folder(&store, crypto, x->path, true, NULL))
        _exit(1);
    if (x->backend == &folder_with_names)
        vdm_store_folder_use_names(store);
    while (read(start, &go, 1) > 0) {
    }
    for (size_t i = 0; i < SHARED; i++) {
        struct source from = source(i, 3000);
        struct vdm_stored got;
        if (!vdm_store_put(store, source_read, &from, 3000, &got, NULL))
            _exit(2);
        done.made += got.was_new;
        done.mended += got.repaired;
    }
    _exit(write(result, &done, sizeof done) == (ssize_t)sizeof done ? 0 : 3);
}

static struct tally race(const struct store_fixture *x)
{
    int start[2], result[2], status;
    assert_int_equal(pipe(start), 0);
    assert_int_equal(pipe(result), 0);
    for (int i = 0; i < CHILDREN; i++) {
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            close(start[1]);
            put_shared(x, start[0], result[1]);
        }
    }
    close(start[1]); /* they all begin at the end of this pipe */
    struct tally total = {0}, one;
    for (int i = 0; i < CHILDREN; i++) {
        assert_true(wait(&status) > 0);
        assert_int_equal(status, 0);
        assert_int_equal(read(result[0], &one, sizeof one), (ssize_t)sizeof one);
        total.made += one.made;
        total.mended += one.mended;
    }
    close(start[0]);
    close(result[0]);
    close(result[1]);
    return total;
}

/* S6: nobody fails, and each object is made, or set aside, exactly once. */
static void test_processes_side_by_side(void **state)
{
    struct store_fixture *x = *state;
    struct tally done = race(x);
    assert_int_equal(done.made, SHARED);
    assert_int_equal(done.mended, 0);
    assert_int_equal(object_count(x->store), SHARED);
    for (size_t i = 0; i < SHARED; i++)
        damage(x, source_digest(x->crypto, i, 3000), i % 2 ? DAMAGE_FLIP : DAMAGE_CUT);
    done = race(x);
    assert_int_equal(done.mended, SHARED);
    assert_int_equal(count_in_tmp(x, true), SHARED);
    assert_int_equal(count_in_tmp(x, false), 0);
    for (size_t i = 0; i < SHARED; i++)
        must_hold(x->store, source_digest(x->crypto, i, 3000), i, 3000);
}

/* Needs the right to mount: a disk with room for the small object only. */
static void test_full_disk(void **state)
{
    struct store_fixture *x = *state;
    struct vdm_err err = {0};
    struct path disk_path = below(x, "disk");
    assert_int_equal(mkdir(disk_path.s, 0700), 0);
    if (mount("none", disk_path.s, "tmpfs", 0, "size=64k") != 0)
        skip();
    struct vdm_store *s = NULL;
    struct vdm_stored got;
    struct source blind = source(1, 200000), told = source(2, 2u << 20), huge = source(3, 5);
    bool made = vdm_store_create_folder(disk_path.s, false, &err) &&
                vdm_store_open_folder(&s, x->crypto, disk_path.s, true, &err);
    if (made && x->backend == &folder_with_names)
        vdm_store_folder_use_names(s);
    bool blind_ok = !made || vdm_store_put(s, source_read, &blind, VDM_SIZE_UNKNOWN, &got, &err);
    bool told_ok = !made || vdm_store_put(s, source_read, &told, told.size, &got, NULL);
    bool huge_ok = !made || vdm_store_put(s, source_read, &huge, UINT64_C(1) << 63, &got, NULL);
    size_t objects = made ? object_count(s) : 99;
    struct source small = source(4, 40000);
    bool small_ok = made && vdm_store_put(s, source_read, &small, 40000, &got, NULL);
    bool same = small_ok && state_of(s, got.id) == VDM_STORE_GOOD;
    vdm_store_close(s);
    assert_int_equal(umount(disk_path.s), 0);
    assert_true(made);
    assert_false(blind_ok);
    assert_string_equal(err.text, "store: write: No space left on device");
    assert_false(told_ok);
    assert_int_equal(told.calls, 0); /* seen before anything was read */
    assert_false(huge_ok);
    assert_int_equal(objects, 0);
    assert_true(same); /* what failed took no room */
}

/* As an ordinary user, whom permissions stop. */
static void test_unwritable_folder(void **state)
{
    struct store_fixture *x = *state;
    bool root = geteuid() == 0;
    struct vdm_err err = {0};
    struct vdm_stored first = must_put(x->store, 1, 100), got;
    struct source from = source(2, 100);
    struct path tmp = below(x, "tmp"), objects = below(x, "objects"), shard = shard_at(x, first.id);
    if (root) {
        const char *mine[] = {x->path, tmp.s, objects.s, shard.s};
        for (size_t i = 0; i < 4; i++)
            assert_int_equal(chown(mine[i], 65534, 65534), 0);
    }
    assert_int_equal(chmod(tmp.s, 0500), 0);
    if (root && seteuid(65534) != 0)
        skip();
    bool tmp_ok = vdm_store_put(x->store, source_read, &from, 100, &got, &err);
    chmod(tmp.s, 0700);
    chmod(objects.s, 0500);
    struct source other = source(2, 100);
    bool objects_ok = vdm_store_put(x->store, source_read, &other, 100, &got, NULL);
    chmod(objects.s, 0700);
    bool get_ok = state_of(x->store, first.id) == VDM_STORE_GOOD;
    assert_true(!root || seteuid(0) == 0);
    assert_false(tmp_ok);
    assert_non_null(strstr(err.text, "Permission denied"));
    assert_false(objects_ok);
    assert_true(get_ok);
    assert_int_equal(object_count(x->store), 1);
    assert_int_equal(count_in_tmp(x, false), 0);
}

int main(void)
{
    struct CMUnitTest tests[] = {
        cmocka_unit_test(test_recover),
        cmocka_unit_test(test_recover_while_writing),
        cmocka_unit_test(test_written_behind),
        cmocka_unit_test(test_killed_writer),
        cmocka_unit_test(test_processes_side_by_side),
        cmocka_unit_test(test_full_disk),
        cmocka_unit_test(test_unwritable_folder),
    };
    const struct store_backend *const backends[] = {&folder, &folder_with_names};
    size_t n = sizeof tests / sizeof tests[0];
    int failed = 0;
    umask(022);
    for (size_t i = 0; i < 2; i++)
        failed += run_folder_tests(backends[i], tests, n);
    return failed;
}
