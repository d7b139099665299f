/* SPDX-License-Identifier: MIT */
/* The contract on the folder store, its layout, and what stands where an object should. */
#include "unit/store/store_folder_fixture.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static mode_t mode_of(const char *path)
{
    struct stat st;
    assert_int_equal(lstat(path, &st), 0);
    return st.st_mode;
}

static void test_layout(void **state)
{
    struct store_fixture *x = *state;
    struct vdm_buf have VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_stored got = must_put(x->store, 3, 1000);
    struct stat st;
    assert_int_equal(stat(object_at(x, got.id).s, &st), 0);
    assert_int_equal(st.st_mode, S_IFREG | 0444);
    assert_int_equal(st.st_nlink, 1);
    assert_true(vdm_file_read(AT_FDCWD, object_at(x, got.id).s, 2000, &have, NULL));
    struct vdm_digest id = vdm_sha256(x->crypto, vdm_buf_bytes(&have));
    assert_true(vdm_digest_equal(id, got.id));
    assert_int_equal(mode_of(shard_at(x, got.id).s), S_IFDIR | 0700);
}

/* A hint that was too large leaves no reserved space behind, and one that was right costs none. */
static void test_reserved_space_is_given_back(void **state)
{
    struct store_fixture *x = *state;
    struct source from = source(3, 1000);
    struct vdm_stored got;
    struct stat st;
    assert_true(vdm_store_put(x->store, source_read, &from, 8u << 20, &got, NULL));
    assert_int_equal(stat(object_at(x, got.id).s, &st), 0);
    assert_int_equal(st.st_size, 1000);
    assert_true(st.st_blocks < 64);
}

/* S7: one syncfs, and none before it is asked for. */
static void test_one_syncfs(void **state)
{
    struct store_fixture *x = *state;
    unsigned before = disk.calls;
    for (size_t i = 0; i < 20; i++)
        damage(x, must_put(x->store, i, 100).id, DAMAGE_FLIP);
    for (size_t i = 0; i < 20; i++)
        assert_true(must_put(x->store, i, 100).repaired);
    assert_int_equal(disk.calls, before);
    assert_true(vdm_store_sync(x->store, NULL));
    assert_int_equal(disk.calls, before + 1);
}

enum impostor { LINK_TO_EQUAL, LINK_TO_NOTHING, FIFO, FOLDER, SHARD_LINK };

static void plant(struct store_fixture *x, struct vdm_digest id, enum impostor what)
{
    struct path at = object_at(x, id), away = below(x, "away"), shard = shard_at(x, id);
    switch (what) {
    case LINK_TO_EQUAL:
        assert_int_equal(rename(at.s, away.s), 0);
        assert_int_equal(symlink("../../away", at.s), 0);
        break;
    case LINK_TO_NOTHING:
        assert_int_equal(unlink(at.s), 0);
        assert_int_equal(symlink("nowhere", at.s), 0);
        break;
    case FIFO:
        assert_int_equal(unlink(at.s), 0);
        assert_int_equal(mkfifo(at.s, 0600), 0);
        break;
    case FOLDER:
        assert_int_equal(unlink(at.s), 0);
        assert_int_equal(mkdir(at.s, 0700), 0);
        break;
    case SHARD_LINK:
        assert_int_equal(rename(shard.s, away.s), 0);
        assert_int_equal(symlink("../away", shard.s), 0);
        break;
    }
}

/* A handle that has not seen the folder before: what was looked at is trusted while a handle lives. */
static void reopen(struct store_fixture *x, bool writable)
{
    struct vdm_err err = {0};
    vdm_store_close(x->store);
    x->store = NULL;
    if (!vdm_store_open_folder(&x->store, x->crypto, x->path, writable, &err))
        fail_msg("%s", err.text);
    if (x->backend == &folder_with_names)
        vdm_store_folder_use_names(x->store);
}

/* S10, S4, S11 */
static void impostor(struct store_fixture *x, enum impostor what, bool mendable)
{
    struct vdm_err err = {0};
    struct vdm_store_reader r = {0};
    struct seen *seen = test_calloc(1, sizeof *seen);
    struct vdm_stored first = must_put(x->store, 9, 500), got;
    struct source from = source(9, 500);
    plant(x, first.id, what);
    reopen(x, true);
    assert_false(vdm_store_get(x->store, first.id, &r, &err));
    assert_int_equal(err.kind, VDM_ERR_REFUSED);
    assert_non_null(strstr(err.text, what == SHARD_LINK ? "not a folder" : "not a file"));
    assert_int_equal(state_of(x->store, first.id), VDM_STORE_NOT_A_FILE);
    assert_true(vdm_store_each(x->store, seen_visit, seen, &err));
    assert_int_equal(seen->objects, 0);
    assert_int_equal(seen->stranger_count, 1);
    struct path p = what == SHARD_LINK ? shard_at(x, first.id) : object_at(x, first.id);
    assert_string_equal(seen->strangers[0], p.s + strlen(x->path) + 1);
    bool ok = vdm_store_put(x->store, source_read, &from, 500, &got, &err);
    assert_int_equal(ok, mendable);
    if (ok) {
        assert_true(got.repaired);
        must_hold(x->store, first.id, 9, 500);
        assert_int_equal(count_in_tmp(x, true), 1);
    } else {
        assert_int_equal(err.kind, VDM_ERR_REFUSED);
        assert_int_equal(count_in_tmp(x, true), 0);
    }
    assert_int_equal(count_in_tmp(x, false), 0);
    test_free(seen);
}

static void test_link_in_place(void **state)
{
    struct store_fixture *x = *state;
    impostor(x, LINK_TO_EQUAL, true);
    assert_int_equal(mode_of(below(x, "away").s), S_IFREG | 0444);
}

static void test_dangling_link_in_place(void **state)
{
    impostor(*state, LINK_TO_NOTHING, true);
}

static void test_fifo_in_place(void **state)
{
    impostor(*state, FIFO, true);
}

static void test_folder_in_place(void **state)
{
    impostor(*state, FOLDER, false);
}

static void test_shard_is_a_link(void **state)
{
    impostor(*state, SHARD_LINK, false);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(a, b);
}

/* S11 */
static void test_strangers(void **state)
{
    struct store_fixture *x = *state;
    struct seen *seen = test_calloc(1, sizeof *seen);
    struct vdm_stored first = must_put(x->store, 9, 500);
    char hex[65], near[300];
    vdm_digest_hex(first.id, hex);
    static const char *const files[] = {"objects/.hidden", "objects/a",  "objects/AB",
                                        "objects/abc",     "objects/ff", "objects/zz"};
    for (size_t i = 0; i < 6; i++)
        make_file(below(x, files[i]).s, "x");
    assert_int_equal(mkdir(below(x, "objects/lost+found").s, 0700), 0);
    snprintf(near, sizeof near, "objects/%.2s/%s.bak", hex, hex + 2);
    make_file(below(x, near).s, "x");
    snprintf(near, sizeof near, "objects/%.2s/%.61s", hex, hex + 2);
    make_file(below(x, near).s, "x");
    snprintf(near, sizeof near, "objects/%.2s/%.61sG", hex, hex + 2);
    make_file(below(x, near).s, "x");
    assert_true(vdm_store_each(x->store, seen_visit, seen, NULL));
    assert_int_equal(seen->objects, 1);
    assert_true(vdm_digest_equal(seen->items[0].id, first.id));
    assert_int_equal(seen->stranger_count, 10);
    qsort(seen->strangers, 10, sizeof seen->strangers[0], by_text);
    bool last_found = bsearch(near, seen->strangers, 10, sizeof seen->strangers[0], by_text);
    assert_true(last_found);
    for (size_t i = 0; i < 6; i++)
        assert_non_null(bsearch(files[i], seen->strangers, 10, sizeof seen->strangers[0], by_text));
    *seen = (struct seen){.stop_after = 2};
    assert_true(vdm_store_each(x->store, seen_visit, seen, NULL));
    assert_int_equal(seen->stranger_count, 2);
    test_free(seen);
}

/* S13; and a copy of the objects alone is enough to read. */
static void test_reading_handle(void **state)
{
    struct store_fixture *x = *state;
    struct vdm_err err = {0};
    struct stat before, after;
    struct vdm_stored first = must_put(x->store, 1, 100), got;
    struct source from = source(2, 100);
    assert_int_equal(rmdir(below(x, "tmp").s), 0);
    reopen(x, false);
    assert_int_equal(stat(below(x, "objects").s, &before), 0);
    assert_false(vdm_store_put(x->store, source_read, &from, 100, &got, &err));
    assert_int_equal(err.kind, VDM_ERR_USAGE);
    assert_int_equal(from.calls, 0);
    unsigned calls = disk.calls;
    assert_false(vdm_store_sync(x->store, &err));
    assert_int_equal(err.kind, VDM_ERR_USAGE);
    assert_int_equal(disk.calls, calls);
    must_hold(x->store, first.id, 1, 100);
    assert_int_equal(state_of(x->store, source_digest(x->crypto, 2, 100)), VDM_STORE_MISSING);
    assert_int_equal(object_count(x->store), 1);
    assert_int_equal(stat(below(x, "objects").s, &after), 0);
    assert_int_equal(before.st_mtim.tv_nsec, after.st_mtim.tv_nsec);
    assert_int_equal(access(below(x, "tmp").s, F_OK), -1);
}

/* Not all that copy folders copy empty ones. */
static void test_tmp_is_made_again(void **state)
{
    struct store_fixture *x = *state;
    struct vdm_err err = {0};
    uint64_t removed = 1;
    assert_int_equal(rmdir(below(x, "tmp").s), 0);
    assert_true(vdm_store_recover_folder(x->path, &removed, &err));
    assert_int_equal(removed, 0);
    assert_int_equal(rmdir(below(x, "tmp").s), 0);
    reopen(x, true);
    must_hold(x->store, must_put(x->store, 1, 100).id, 1, 100);
    struct vdm_store *none = NULL;
    assert_int_equal(rename(below(x, "objects").s, below(x, "aside").s), 0);
    assert_false(vdm_store_open_folder(&none, x->crypto, x->path, true, &err));
    assert_int_equal(err.kind, VDM_ERR_NOT_FOUND);
    assert_null(none);
    assert_int_equal(rename(below(x, "aside").s, below(x, "objects").s), 0);
}

static void test_open_refuses(void **state)
{
    struct store_fixture *x = *state;
    struct vdm_err err = {0};
    struct vdm_store *none = NULL;
    assert_false(vdm_store_open_folder(&none, x->crypto, below(x, "no").s, false, &err));
    assert_int_equal(err.kind, VDM_ERR_NOT_FOUND);
    assert_int_equal(rename(below(x, "objects").s, below(x, "away").s), 0);
    assert_false(vdm_store_open_folder(&none, x->crypto, x->path, false, &err));
    assert_int_equal(err.kind, VDM_ERR_NOT_FOUND);
    assert_int_equal(symlink("away", below(x, "objects").s), 0);
    assert_false(vdm_store_open_folder(&none, x->crypto, x->path, false, &err));
    assert_int_equal(err.kind, VDM_ERR_REFUSED);
    assert_null(none);
}

static void test_create_again(void **state)
{
    struct store_fixture *x = *state;
    struct vdm_err err = {0};
    struct vdm_stored first = must_put(x->store, 1, 100);
    assert_true(vdm_store_create_folder(x->path, false, &err));
    must_hold(x->store, first.id, 1, 100);
    assert_false(vdm_store_create_folder(below(x, "a/b").s, false, &err));
    make_file(below(x, "file").s, "x");
    assert_false(vdm_store_create_folder(below(x, "file").s, false, &err));
    assert_true(vdm_store_create_folder(below(x, "new").s, false, &err));
    assert_int_equal(mode_of(below(x, "new").s), S_IFDIR | 0700);
    assert_int_equal(mode_of(below(x, "new/objects").s), S_IFDIR | 0700);
    assert_int_equal(mode_of(below(x, "new/tmp").s), S_IFDIR | 0700);
    struct vdm_store *made = NULL;
    assert_true(vdm_store_open_folder(&made, x->crypto, below(x, "new").s, true, &err));
    vdm_store_close(made);
}

static void test_network_names(void **state)
{
    (void)state;
    assert_string_equal(vdm_store_network_name(0x6969), "NFS");
    assert_string_equal(vdm_store_network_name(0x517b), "SMB");
    assert_string_equal(vdm_store_network_name(0xff534d42), "CIFS");
    assert_string_equal(vdm_store_network_name(0xfe534d42), "SMB2");
    assert_string_equal(vdm_store_network_name(0x65735546), "FUSE");
    assert_null(vdm_store_network_name(0xef53));     /* ext */
    assert_null(vdm_store_network_name(0x58465342)); /* XFS */
    assert_null(vdm_store_network_name(0x9123683e)); /* Btrfs */
    assert_null(vdm_store_network_name(0x01021994)); /* tmpfs */
    assert_null(vdm_store_network_name(0));
}

int main(void)
{
    struct CMUnitTest tests[] = {
        cmocka_unit_test(test_layout),
        cmocka_unit_test(test_reserved_space_is_given_back),
        cmocka_unit_test(test_one_syncfs),
        cmocka_unit_test(test_link_in_place),
        cmocka_unit_test(test_dangling_link_in_place),
        cmocka_unit_test(test_fifo_in_place),
        cmocka_unit_test(test_folder_in_place),
        cmocka_unit_test(test_shard_is_a_link),
        cmocka_unit_test(test_strangers),
        cmocka_unit_test(test_reading_handle),
        cmocka_unit_test(test_tmp_is_made_again),
        cmocka_unit_test(test_open_refuses),
        cmocka_unit_test(test_create_again),
        cmocka_unit_test(test_network_names),
    };
    const struct store_backend *const backends[] = {&folder, &folder_with_names};
    size_t n = sizeof tests / sizeof tests[0];
    int failed = 0;
    umask(022);
    for (size_t i = 0; i < 2; i++)
        failed += store_contract_run(backends[i]) + run_folder_tests(backends[i], tests, n);
    return failed;
}
