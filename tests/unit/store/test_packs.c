/* SPDX-License-Identifier: MIT */
/* The contract on the store with packs; then packs and their index as others may find or leave them. */
#include "format/ustar.h"
#include "store/store_packs.h"
#include "unit/store/store_folder_fixture.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static void reopen(struct store_fixture *x, bool writable)
{
    struct vdm_err err = {0};
    vdm_store_close(x->store);
    x->store = NULL;
    if (!vdm_store_open_folder(&x->store, x->crypto, x->path, writable, &err))
        fail_msg("%s", err.text);
    if (x->backend == &small_packs)
        vdm_store_packs_limit(x->store, 4096);
}

static off_t size_of(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 ? st.st_size : -1;
}

static void cut_to(const char *path, off_t size)
{
    assert_int_equal(truncate(path, size), 0);
}

static void write_to(const char *path, off_t at, const void *p, size_t n)
{
    int fd = open(path, O_RDWR | O_CLOEXEC);
    assert_int_equal(pwrite(fd, p, n, at), (ssize_t)n);
    close(fd);
}

static void remove_index(struct store_fixture *x)
{
    assert_int_equal(unlink(below(x, "packs/index").s), 0);
}

/* Puts a document right after a handle has looked for the index. */
static struct vdm_store *in_between;

bool __real_vdm_pack_index_refresh(struct vdm_pack_index *x, struct vdm_err *err);
bool __wrap_vdm_pack_index_refresh(struct vdm_pack_index *x, struct vdm_err *err);
bool __wrap_vdm_pack_index_refresh(struct vdm_pack_index *x, struct vdm_err *err)
{
    struct vdm_store *other = in_between;
    bool ok = __real_vdm_pack_index_refresh(x, err);
    in_between = NULL;
    if (other)
        must_put(other, 1, 100);
    return ok;
}

/* Small documents only; large ones are files, as ever. */
static void test_form(void **state)
{
    struct store_fixture *x = *state;
    struct stat st;
    unsigned pack;
    uint8_t header[512];
    struct vdm_digest small = must_put(x->store, 1, 1000).id;
    struct vdm_digest most = must_put(x->store, 2, (1u << 20) - 1).id;
    struct vdm_digest large = must_put(x->store, 3, 1u << 20).id;
    assert_int_equal(find_member(x, small, &pack, header), 0);
    assert_string_equal((char *)header + 100, "0000444");
    assert_true(find_member(x, most, &pack, header) >= 0);
    assert_int_equal(find_member(x, large, &pack, header), -1);
    assert_int_equal(stat(object_at(x, large).s, &st), 0);
    assert_int_equal(stat(object_at(x, small).s, &st), -1);
    assert_int_equal(size_of(pack_at(x, 0).s) % 512, 0);
}

/* What lay in objects/ before there were packs is found there, stays there, and is mended there. */
static void test_older_objects(void **state)
{
    struct store_fixture *x = *state;
    assert_int_equal(rename(below(x, "packs").s, below(x, "later").s), 0);
    reopen(x, true);
    struct vdm_digest id = must_put(x->store, 1, 1000).id;
    assert_int_equal(rename(below(x, "later").s, below(x, "packs").s), 0);
    reopen(x, true);
    must_hold(x->store, id, 1, 1000);
    assert_false(must_put(x->store, 1, 1000).was_new);
    damage(x, id, DAMAGE_FLIP);
    assert_true(must_put(x->store, 1, 1000).repaired);
    must_hold(x->store, id, 1, 1000);
    must_put(x->store, 2, 1000);
    assert_int_equal(object_count(x->store), 2);
    assert_true(vdm_store_erase(x->store, id, VDM_SIZE_UNKNOWN, NULL));
    assert_int_equal(state_of(x->store, id), VDM_STORE_MISSING);
}

#define DOCUMENTS 40

static void put_some(struct store_fixture *x)
{
    for (size_t i = 0; i < DOCUMENTS; i++)
        must_put(x->store, i, 10 * i);
    assert_true(vdm_store_sync(x->store, NULL));
}

static void must_hold_some(struct store_fixture *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        must_hold(x->store, source_digest(x->crypto, i, 10 * i), i, 10 * i);
}

/* A member that was not written to its end, torn at every byte: nothing else is lost, and the next writer
 * appends in its place. */
static void test_torn(void **state)
{
    struct store_fixture *x = *state;
    struct path pack = pack_at(x, 0);
    must_put(x->store, 1, 100);
    assert_true(vdm_store_sync(x->store, NULL));
    for (off_t cut = 0; cut < 1024; cut++) {
        struct vdm_digest id = must_put(x->store, 2, 300).id;
        vdm_store_close(x->store);
        x->store = NULL;
        assert_int_equal(size_of(pack.s), 2048);
        cut_to(pack.s, 1024 + cut);
        reopen(x, false);
        must_hold(x->store, source_digest(x->crypto, 1, 100), 1, 100);
        assert_int_not_equal(state_of(x->store, id), VDM_STORE_GOOD);
        reopen(x, true);
        assert_int_equal(size_of(pack.s), 1024);
        assert_int_equal(state_of(x->store, id), VDM_STORE_MISSING);
    }
    must_put(x->store, 2, 300);
    assert_int_equal(object_count(x->store), 2);
}

/* Another writer is killed in the middle while our handle lives. */
static void test_torn_by_another(void **state)
{
    struct store_fixture *x = *state;
    struct path pack = pack_at(x, 0);
    struct vdm_digest first = must_put(x->store, 1, 100).id;
    uint8_t half[700];
    unsigned n;
    assert_int_equal(find_member(x, first, &n, half), 0);
    write_to(pack.s, 1024, half, 512); /* a header, and no content */
    struct vdm_digest second = must_put(x->store, 2, 100).id;
    assert_int_equal(size_of(pack.s), 2048);
    must_hold(x->store, first, 1, 100);
    must_hold(x->store, second, 2, 100);
    /* A whole one, killed before its slot: nothing is written over it. */
    uint8_t whole[1024];
    int fd = open(pack.s, O_RDONLY | O_CLOEXEC);
    assert_int_equal(pread(fd, whole, 1024, 0), 1024);
    close(fd);
    write_to(pack.s, 2048, whole, 1024);
    must_put(x->store, 3, 100);
    assert_int_equal(size_of(pack.s), 4096);
}

/* A file that says it is huge is read no further than a pack can be, and what is no member is cut off its end. */
static void test_huge(void **state)
{
    struct store_fixture *x = *state;
    struct path pack = pack_at(x, 0);
    put_some(x);
    off_t before = size_of(pack.s);
    cut_to(pack.s, (off_t)1 << 40);
    reopen(x, false);
    must_hold_some(x, DOCUMENTS);
    reopen(x, true);
    assert_int_equal(size_of(pack.s), before);
    must_put(x->store, 100, 77);
    must_hold_some(x, DOCUMENTS);
}

/* A reader is not kept busy without bound by an index that lost its slots and marks. */
static void test_lost_index(void **state)
{
    struct store_fixture *x = *state;
    static const uint8_t none[4096];
    struct vdm_err err = {0};
    struct vdm_store_reader r VDM_CLEANUP(vdm_store_reader_close) = {0};
    for (size_t i = 0; i < 500; i++)
        must_put(x->store, i, 10);
    assert_true(vdm_store_sync(x->store, NULL));
    struct path index = below(x, "packs/index");
    for (off_t at = 4096; at < size_of(index.s); at += 4096)
        write_to(index.s, at, none, sizeof none);
    reopen(x, false);
    must_hold(x->store, source_digest(x->crypto, 7, 10), 7, 10);
    unsigned asked = 0;
    while (vdm_store_get(x->store, source_digest(x->crypto, 7, 10), &r, &err)) {
        vdm_store_reader_close(&r);
        assert_true(++asked < 10000);
    }
    assert_non_null(strstr(err.text, "`vidimus recover`"));
    reopen(x, true);
    must_hold(x->store, source_digest(x->crypto, 7, 10), 7, 10);
}

/* The index lost its slots with the power: a reader looks behind the mark, a writer mends it. */
static void test_behind_the_mark(void **state)
{
    struct store_fixture *x = *state;
    struct vdm_buf old VDM_CLEANUP(vdm_buf_release) = {0};
    put_some(x);
    struct path index = below(x, "packs/index");
    assert_true(vdm_file_read(AT_FDCWD, index.s, 1u << 24, &old, NULL));
    struct vdm_digest late = must_put(x->store, 100, 77).id;
    assert_true(vdm_store_sync(x->store, NULL));
    write_to(index.s, 0, old.p, old.n);
    reopen(x, false);
    must_hold(x->store, late, 100, 77);
    must_hold_some(x, DOCUMENTS);
    assert_int_equal(object_count(x->store), DOCUMENTS + 1);
    reopen(x, true);
    must_hold(x->store, late, 100, 77);
    assert_false(must_put(x->store, 100, 77).was_new);
    assert_int_equal(object_count(x->store), DOCUMENTS + 1);
}

/* What is a file of its own is found there, however often: no tail is read for it. */
static void test_large_beside_a_tail(void **state)
{
    struct store_fixture *x = *state;
    struct vdm_store_reader r;
    struct vdm_digest large = must_put(x->store, 7, 1u << 20).id;
    for (unsigned i = 100; i < 2100; i++)
        must_put(x->store, i, 5);
    struct vdm_store *writer = x->store; /* nothing of it is synced */
    x->store = NULL;
    reopen(x, false);
    for (unsigned i = 0; i < (1u << 20) / 2000 + 10; i++) {
        assert_true(vdm_store_get(x->store, large, &r, NULL));
        vdm_store_reader_close(&r);
    }
    vdm_store_close(writer);
}

static void test_no_index(void **state)
{
    struct store_fixture *x = *state;
    struct vdm_err err = {0};
    struct vdm_store_reader r = {0};
    put_some(x);
    remove_index(x);
    reopen(x, false);
    assert_false(vdm_store_get(x->store, source_digest(x->crypto, 1, 10), &r, &err));
    assert_int_equal(err.kind, VDM_ERR_FAILED);
    assert_non_null(strstr(err.text, "vidimus reindex"));
    reopen(x, true);
    must_hold_some(x, DOCUMENTS);
    assert_int_equal(object_count(x->store), DOCUMENTS);
}

/* Cut short at many places, of another format, a link, a folder: no index, and made anew. */
static void test_bad_index(void **state)
{
    struct store_fixture *x = *state;
    struct path index = below(x, "packs/index");
    put_some(x);
    off_t whole = size_of(index.s);
    for (off_t cut = 0; cut < whole; cut += 4999) {
        cut_to(index.s, cut);
        reopen(x, true);
        must_hold_some(x, DOCUMENTS);
        assert_int_equal(size_of(index.s), whole);
    }
    write_to(index.s, 3, "X", 1);
    reopen(x, true);
    must_hold_some(x, DOCUMENTS);
    remove_index(x);
    assert_int_equal(symlink("000000.tar", index.s), 0);
    reopen(x, true);
    must_hold_some(x, DOCUMENTS);
    struct stat st;
    assert_int_equal(lstat(index.s, &st), 0);
    assert_true(S_ISREG(st.st_mode));
}

/* Every byte of the head, and a good many of the slots, changed: never a wrong document, never a crash, and
 * each() tells when the index does not lead everywhere; reindex mends it. */
static void test_flipped_index(void **state)
{
    struct store_fixture *x = *state;
    struct path index = below(x, "packs/index");
    struct vdm_buf good VDM_CLEANUP(vdm_buf_release) = {0};
    struct seen *seen = test_calloc(1, sizeof *seen);
    size_t told = 0;
    put_some(x);
    vdm_store_close(x->store);
    x->store = NULL;
    assert_true(vdm_file_read(AT_FDCWD, index.s, 1u << 24, &good, NULL));
    for (size_t at = 4096 + 16384 * 8; at < good.n; at++) {
        uint8_t b = good.p[at] ^ 0x11;
        if (good.p[at / 16 * 16 + 8] == 0)
            continue;
        write_to(index.s, (off_t)at, &b, 1);
        reopen(x, false);
        size_t missing = 0;
        for (size_t i = 0; i < DOCUMENTS; i++) {
            enum vdm_store_state s = state_of(x->store, source_digest(x->crypto, i, 10 * i));
            missing += s != VDM_STORE_GOOD;
        }
        assert_true(missing <= 2);
        *seen = (struct seen){0};
        assert_true(vdm_store_each(x->store, seen_visit, seen, NULL));
        assert_true(missing == 0 || seen->stranger_count || seen->objects < DOCUMENTS);
        told += seen->stranger_count;
        write_to(index.s, (off_t)at, &good.p[at], 1);
    }
    assert_true(told > 100);
    reopen(x, true);
    must_hold_some(x, DOCUMENTS);
    test_free(seen);
}

/* Withdraws, at the first visit, what was read ahead and is visited later. */
struct withdrawing {
    struct vdm_store *other;
    struct vdm_digest id;
    size_t objects, strangers;
};

static bool withdraw_visit(void *ctx, const struct vdm_store_item *item, bool *stop,
                           struct vdm_err *err)
{
    struct withdrawing *w = ctx;
    (void)stop;
    w->strangers += item->stranger != NULL;
    w->objects += !item->stranger;
    return w->objects != 1 || vdm_store_erase(w->other, w->id, VDM_SIZE_UNKNOWN, err);
}

static void test_withdrawn_meanwhile(void **state)
{
    struct store_fixture *x = *state;
    struct withdrawing w = {.id = source_digest(x->crypto, 5, 50)};
    put_some(x);
    assert_true(vdm_store_sync(x->store, NULL));
    w.other = x->store;
    x->store = NULL;
    assert_true(vdm_store_open_folder(&x->store, x->crypto, x->path, false, NULL));
    assert_true(vdm_store_each(x->store, withdraw_visit, &w, NULL));
    vdm_store_close(w.other);
    assert_int_equal(w.strangers, 0);
    assert_int_equal(w.objects, DOCUMENTS - 1);
}

static void must_visit(struct store_fixture *x, size_t objects, size_t strangers)
{
    struct seen *seen = test_calloc(1, sizeof *seen);
    assert_true(vdm_store_each(x->store, seen_visit, seen, NULL));
    assert_int_equal(seen->objects, objects);
    assert_int_equal(seen->stranger_count, strangers);
    test_free(seen);
}

/* What was got through any of the handles is passed over; what was not, and what is damaged, is not. */
static void test_passed_over(void **state)
{
    struct store_fixture *x = *state;
    struct vdm_store *other = NULL;
    struct vdm_store_met *met;
    uint8_t header[512];
    unsigned pack;
    put_some(x);
    reopen(x, false);
    assert_true(vdm_store_open_folder(&other, x->crypto, x->path, false, NULL));
    assert_true(vdm_store_met_open(&met, NULL));
    vdm_store_pass_over(x->store, met);
    vdm_store_pass_over(other, met);
    for (size_t i = 0; i < DOCUMENTS; i++)
        if (i % 5 != 0)
            must_hold(i % 2 ? x->store : other, source_digest(x->crypto, i, 10 * i), i, 10 * i);
    must_visit(x, DOCUMENTS / 5, 0);
    off_t at = find_member(x, source_digest(x->crypto, 5, 50), &pack, header);
    write_to(pack_at(x, pack).s, at, "broken", 6);
    must_visit(x, DOCUMENTS / 5 - 1, 1);
    vdm_store_pass_over(x->store, NULL);
    must_visit(x, DOCUMENTS - 1, 1);
    vdm_store_close(other);
    cut_to(pack_at(x, 0).s, 1000); /* what was met is gone */
    vdm_store_pass_over(x->store, met);
    assert_true(vdm_store_each(x->store, seen_visit, &(struct seen){0}, NULL));
    vdm_store_close(x->store);
    x->store = NULL;
    vdm_store_met_close(met);
}

/* One of another archive: its marks are beyond these packs, or its slots lead nowhere. */
static void test_foreign_index(void **state)
{
    struct store_fixture *x = *state;
    struct path index = below(x, "packs/index"), away = below(x, "away");
    put_some(x);
    assert_int_equal(rename(below(x, "packs").s, away.s), 0);
    assert_int_equal(mkdir(below(x, "packs").s, 0700), 0);
    reopen(x, true);
    struct vdm_digest other = must_put(x->store, 500, 100).id;
    assert_true(vdm_store_sync(x->store, NULL));
    assert_int_equal(rename(below(x, "away/index").s, index.s), 0);
    reopen(x, false);
    struct vdm_err err = {0};
    struct vdm_store_reader r = {0};
    assert_false(vdm_store_get(x->store, other, &r, &err));
    assert_non_null(strstr(err.text, "vidimus reindex"));
    reopen(x, true);
    must_hold(x->store, other, 500, 100);
}

/* More documents than the first table takes. */
static void test_index_grows(void **state)
{
    struct store_fixture *x = *state;
    struct vdm_store *reader = NULL;
    assert_true(vdm_store_open_folder(&reader, x->crypto, x->path, false, NULL));
    off_t before = -1;
    for (size_t i = 0; i < 6000; i++) {
        must_put(x->store, i, 8);
        before = i == 10 ? size_of(below(x, "packs/index").s) : before;
    }
    assert_true(size_of(below(x, "packs/index").s) > before);
    for (size_t i = 0; i < 6000; i += 7) {
        must_hold(x->store, source_digest(x->crypto, i, 8), i, 8);
        must_hold(reader, source_digest(x->crypto, i, 8), i, 8);
        assert_false(must_put(x->store, i, 8).was_new);
    }
    vdm_store_close(reader);
}

/* What counts after the index was lost, of several members of one digest: one that is good. */
static void test_duplicates(void **state)
{
    struct store_fixture *x = *state;
    struct vdm_digest id = must_put(x->store, 1, 100).id;
    uint8_t first[1024];
    int fd = open(pack_at(x, 0).s, O_RDWR | O_CLOEXEC);
    assert_int_equal(pread(fd, first, 1024, 0), 1024);
    for (int bad = 0; bad < 3; bad++) {
        vdm_store_close(x->store);
        x->store = NULL;
        for (off_t i = 0; i < 3; i++) {
            first[600] ^= i == bad ? 1 : 0;
            assert_int_equal(pwrite(fd, first, 1024, i * 1024), 1024);
            first[600] ^= i == bad ? 1 : 0;
        }
        remove_index(x);
        reopen(x, true);
        must_hold(x->store, id, 1, 100);
        assert_int_equal(object_count(x->store), 1);
        assert_int_equal(x->backend->set_aside(x), 2);
    }
    assert_true(vdm_store_erase(x->store, id, VDM_SIZE_UNKNOWN, NULL));
    uint8_t zeros[512] = {0}, have[512];
    for (off_t i = 0; i < 3; i++) {
        assert_int_equal(pread(fd, have, 512, i * 1024 + 512), 512);
        assert_memory_equal(have, zeros, 512);
        assert_int_equal(pread(fd, have, 512, i * 1024), 512);
        assert_memory_equal(have, "withdrawn-", 10);
    }
    close(fd);
    remove_index(x);
    reopen(x, true);
    assert_int_equal(state_of(x->store, id), VDM_STORE_MISSING);
    assert_int_equal(object_count(x->store), 0);
}

/* An erased member whose header is damaged keeps none of its bytes, its neighbours keep theirs. */
static void test_erase_broken(void **state)
{
    struct store_fixture *x = *state;
    struct vdm_digest before = must_put(x->store, 1, 900).id, id = must_put(x->store, 2, 900).id,
                      after = must_put(x->store, 3, 900).id;
    uint8_t header[512], have[1024], zeros[1024] = {0};
    unsigned pack;
    off_t at = find_member(x, id, &pack, header);
    write_to(pack_at(x, 0).s, at + 130, "9", 1);
    assert_int_equal(state_of(x->store, id), VDM_STORE_NOT_A_FILE);
    assert_true(vdm_store_erase(x->store, id, VDM_SIZE_UNKNOWN, NULL));
    int fd = open(pack_at(x, 0).s, O_RDONLY | O_CLOEXEC);
    assert_int_equal(pread(fd, have, 1024, at + 512), 1024);
    assert_memory_equal(have, zeros, 1024);
    close(fd);
    assert_int_equal(state_of(x->store, id), VDM_STORE_MISSING);
    must_hold(x->store, before, 1, 900);
    must_hold(x->store, after, 3, 900);
}

/* A damaged header: told, mended by a put, and nothing behind it is lost, with or without the index. */
static void test_broken_header(void **state)
{
    struct store_fixture *x = *state;
    put_some(x);
    struct vdm_digest id = source_digest(x->crypto, 20, 200);
    uint8_t header[512];
    unsigned pack;
    static const int places[] = {0, 63, 64, 105, 124, 134, 136, 149, 156, 157, 257, 265, 345, 511};
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        off_t at = find_member(x, id, &pack, header);
        uint8_t b = header[places[i]] ^ 0x01;
        write_to(pack_at(x, pack).s, at + places[i], &b, 1);
        assert_int_equal(state_of(x->store, id), VDM_STORE_NOT_A_FILE);
        assert_int_equal(object_count(x->store), DOCUMENTS - 1);
        if (i % 2) {
            remove_index(x);
            reopen(x, true);
            assert_true(must_put(x->store, 20, 200).was_new);
        } else {
            assert_true(must_put(x->store, 20, 200).repaired);
        }
        must_hold_some(x, DOCUMENTS);
        assert_int_equal(object_count(x->store), DOCUMENTS);
    }
}

/* A document that is a tar with members of its own names, behind a damaged header. */
static void test_tar_in_a_document(void **state)
{
    struct store_fixture *x = *state;
    put_some(x);
    struct vdm_buf tar VDM_CLEANUP(vdm_buf_release) = {0};
    assert_true(vdm_file_read(AT_FDCWD, pack_at(x, 0).s, 1u << 20, &tar, NULL));
    tar.p[512 + 512 + 512] ^= 1; /* what it holds of one document is another */
    struct vdm_bytes rest = vdm_buf_bytes(&tar);
    struct vdm_digest id = vdm_sha256(x->crypto, rest);
    uint8_t header[512];
    struct vdm_ustar h = {.mode = 0444, .size = rest.n};
    vdm_digest_hex(id, h.name);
    vdm_ustar_encode(&h, header);
    off_t at = size_of(pack_at(x, 0).s);
    write_to(pack_at(x, 0).s, at, header, 512);
    write_to(pack_at(x, 0).s, at + 512, rest.p, rest.n);
    reopen(x, true);
    assert_int_equal(state_of(x->store, id), VDM_STORE_GOOD);
    must_hold_some(x, DOCUMENTS);
    write_to(pack_at(x, 0).s, at, "x", 1);
    remove_index(x);
    reopen(x, true);
    must_hold_some(x, DOCUMENTS);
}

static bool read_bytes(void *ctx, uint8_t *p, size_t cap, size_t *got, struct vdm_err *err)
{
    struct vdm_bytes *rest = ctx;
    (void)err;
    *got = rest->n < cap ? rest->n : cap;
    if (*got)
        memcpy(p, rest->p, *got);
    *rest = vdm_bytes_skip(*rest, *got);
    return true;
}

/* A document that holds a header, of a member that would reach over the next document. Behind damage, it is
 * not taken for one. */
static void test_header_in_a_document(void **state)
{
    struct store_fixture *x = *state;
    uint8_t text[1024] = {0};
    struct vdm_ustar h = {.mode = 0444, .size = 1200};
    vdm_digest_hex(source_digest(x->crypto, 77, 1200), h.name);
    vdm_ustar_encode(&h, text);
    struct vdm_bytes rest = {text, sizeof text};
    struct vdm_stored got;
    assert_true(vdm_store_put(x->store, read_bytes, &rest, sizeof text, &got, NULL));
    struct vdm_digest next = must_put(x->store, 2, 100).id, last = must_put(x->store, 3, 900).id;
    assert_true(vdm_store_sync(x->store, NULL));
    write_to(pack_at(x, 0).s, 0, "x", 1);
    remove_index(x);
    reopen(x, true);
    must_hold(x->store, next, 2, 100);
    must_hold(x->store, last, 3, 900);
    assert_int_equal(object_count(x->store), 2);
}

/* What is no member of ours is none: another mode, a size in base 256, a size beyond the end, a name that is
 * no digest. And links, folders and devices in the place of a pack are not followed. */
static void test_hostile(void **state)
{
    struct store_fixture *x = *state;
    struct vdm_err err = {0};
    struct vdm_store_reader r = {0};
    struct seen *seen = test_calloc(1, sizeof *seen);
    struct vdm_digest id = must_put(x->store, 1, 100).id;
    assert_true(vdm_store_sync(x->store, NULL));
    vdm_store_close(x->store);
    x->store = NULL;
    uint8_t block[512];
    struct vdm_ustar h[] = {{.mode = 0644},
                            {.mode = 0444, .size = UINT64_C(1) << 40},
                            {.mode = 0444, .size = 1u << 20},
                            {.mode = 0444, .mtime = 1},
                            {.mode = 0444}};
    for (size_t i = 0; i < 5; i++) {
        vdm_digest_hex(id, h[i].name);
        h[i].name[0] = i == 4 ? 'G' : h[i].name[0];
        vdm_ustar_encode(&h[i], block);
        write_to(pack_at(x, 0).s, 1024 + (off_t)i * 512, block, 512);
    }
    reopen(x, false);
    assert_true(vdm_store_each(x->store, seen_visit, seen, NULL));
    assert_int_equal(seen->objects, 1);
    must_hold(x->store, id, 1, 100);
    struct path pack = pack_at(x, 0), away = below(x, "away");
    assert_int_equal(rename(pack.s, away.s), 0);
    assert_int_equal(symlink("../away", pack.s), 0);
    reopen(x, false);
    assert_false(vdm_store_get(x->store, id, &r, &err));
    assert_int_equal(err.kind, VDM_ERR_REFUSED);
    *seen = (struct seen){0};
    assert_true(vdm_store_each(x->store, seen_visit, seen, NULL));
    assert_string_equal(seen->strangers[0], "packs/000000.tar");
    assert_int_equal(unlink(pack.s), 0);
    make_file(below(x, "packs/x.tar").s, "x");
    make_file(below(x, "packs/0000001.tar").s, "x");
    assert_int_equal(mkdir(below(x, "packs/000001.tar").s, 0700), 0);
    *seen = (struct seen){0};
    assert_true(vdm_store_each(x->store, seen_visit, seen, NULL));
    assert_int_equal(seen->stranger_count, 3);
    reopen(x, true);
    must_put(x->store, 3, 100);
    must_hold(x->store, source_digest(x->crypto, 3, 100), 3, 100);
    test_free(seen);
}

/* S13, on a folder that cannot be written. */
static void test_reading_handle(void **state)
{
    struct store_fixture *x = *state;
    struct vdm_err err = {0};
    struct stat before, after;
    put_some(x);
    reopen(x, false);
    assert_int_equal(stat(below(x, "packs").s, &before), 0);
    assert_false(vdm_store_reindex(x->store, &err));
    assert_int_equal(err.kind, VDM_ERR_USAGE);
    assert_false(
        vdm_store_erase(x->store, source_digest(x->crypto, 1, 10), VDM_SIZE_UNKNOWN, &err));
    assert_int_equal(err.kind, VDM_ERR_USAGE);
    must_hold_some(x, DOCUMENTS);
    assert_int_equal(state_of(x->store, source_digest(x->crypto, 999, 1)), VDM_STORE_MISSING);
    assert_int_equal(stat(below(x, "packs").s, &after), 0);
    assert_int_equal(before.st_mtim.tv_nsec, after.st_mtim.tv_nsec);
}

/* S7: the pack and the index, not the file system; with a large one, that too. */
static void test_syncs(void **state)
{
    struct store_fixture *x = *state;
    must_put(x->store, 1, 100);
    unsigned files = disk.calls, data = disk.data_calls;
    must_put(x->store, 2, 100);
    assert_int_equal(disk.data_calls, data);
    assert_true(vdm_store_sync(x->store, NULL));
    assert_int_equal(disk.calls, files);
    assert_int_equal(disk.data_calls, data + 2);
    must_put(x->store, 3, 1u << 20);
    assert_true(vdm_store_sync(x->store, NULL));
    assert_int_equal(disk.calls, files + 1);
}

/* What another has put, and not yet synced, is durable when we have answered for it. */
static void test_sync_of_anothers(void **state)
{
    struct store_fixture *x = *state;
    struct vdm_store *other = NULL;
    assert_true(vdm_store_open_folder(&other, x->crypto, x->path, true, NULL));
    must_put(other, 1, 100);
    unsigned data = disk.data_calls;
    assert_false(must_put(x->store, 1, 100).was_new);
    assert_true(vdm_store_sync(x->store, NULL));
    assert_true(disk.data_calls > data);
    vdm_store_close(other);
}

/* No pack gets longer than it may, also where many documents come at once. */
static void test_lengths(void **state)
{
    struct store_fixture *x = *state;
    struct vdm_store_document d[DOCUMENTS];
    uint8_t bytes[DOCUMENTS];
    size_t done, many = 0;
    for (size_t i = 0; i < DOCUMENTS; i++) {
        bytes[i] = (uint8_t)i;
        d[i].bytes = (struct vdm_bytes){bytes + i, 1};
    }
    assert_true(vdm_store_put_all(x->store, d, DOCUMENTS, &done, NULL));
    for (off_t n; (n = size_of(pack_at(x, (unsigned)many).s)) >= 0; many++)
        assert_true(x->backend != &small_packs || n == 4096);
    assert_int_equal(many, x->backend == &small_packs ? DOCUMENTS / 4 : 1);
}

/* The first pack of all appears while another handle is looking. */
static void test_first_of_anothers(void **state)
{
    struct store_fixture *x = *state;
    struct vdm_store *other = NULL;
    assert_true(vdm_store_open_folder(&other, x->crypto, x->path, true, NULL));
    in_between = other;
    assert_true(must_put(x->store, 2, 100).was_new);
    assert_null(in_between);
    assert_false(must_put(x->store, 1, 100).was_new);
    vdm_store_close(other);
}

#define CHILDREN 4
#define SHARED   60

static void put_shared(const struct store_fixture *x, int result)
{
    struct vdm_crypto *crypto;
    struct vdm_store *store;
    unsigned done[2] = {0};
    if (!vdm_crypto_open(&crypto, NULL) ||
        !vdm_store_open_folder(&store, crypto, x->path, true, NULL))
        _exit(1);
    if (x->backend == &small_packs)
        vdm_store_packs_limit(store, 4096);
    for (size_t i = 0; i < SHARED; i++) {
        struct source from = source(i, 700 + i);
        struct vdm_stored got;
        if (!vdm_store_put(store, source_read, &from, 3000, &got, NULL) ||
            (i % 7 == 0 && !vdm_store_sync(store, NULL)))
            _exit(2);
        done[0] += got.was_new;
        done[1] += got.repaired;
    }
    _exit(write(result, done, sizeof done) == (ssize_t)sizeof done ? 0 : 3);
}

static void race(const struct store_fixture *x, unsigned total[2])
{
    int result[2], status;
    assert_int_equal(pipe(result), 0);
    total[0] = total[1] = 0;
    for (int i = 0; i < CHILDREN; i++) {
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0)
            put_shared(x, result[1]);
    }
    for (int i = 0; i < CHILDREN; i++) {
        unsigned one[2];
        assert_true(wait(&status) > 0);
        assert_int_equal(status, 0);
        assert_int_equal(read(result[0], one, sizeof one), (ssize_t)sizeof one);
        total[0] += one[0];
        total[1] += one[1];
    }
    close(result[0]);
    close(result[1]);
}

/* S6 */
static void test_side_by_side(void **state)
{
    struct store_fixture *x = *state;
    unsigned total[2];
    race(x, total);
    assert_int_equal(total[0], SHARED);
    assert_int_equal(object_count(x->store), SHARED);
    for (size_t i = 0; i < SHARED; i += 2)
        damage_packed(x, source_digest(x->crypto, i, 700 + i), DAMAGE_FLIP);
    race(x, total);
    assert_int_equal(total[1], SHARED / 2);
    for (size_t i = 0; i < SHARED; i++)
        must_hold(x->store, source_digest(x->crypto, i, 700 + i), i, 700 + i);
    assert_int_equal(object_count(x->store), SHARED);
}

int main(void)
{
    struct CMUnitTest tests[] = {
        cmocka_unit_test(test_form),
        cmocka_unit_test(test_older_objects),
        cmocka_unit_test(test_behind_the_mark),
        cmocka_unit_test(test_large_beside_a_tail),
        cmocka_unit_test(test_no_index),
        cmocka_unit_test(test_bad_index),
        cmocka_unit_test(test_flipped_index),
        cmocka_unit_test(test_withdrawn_meanwhile),
        cmocka_unit_test(test_passed_over),
        cmocka_unit_test(test_foreign_index),
        cmocka_unit_test(test_broken_header),
        cmocka_unit_test(test_reading_handle),
        cmocka_unit_test(test_sync_of_anothers),
        cmocka_unit_test(test_lengths),
        cmocka_unit_test(test_first_of_anothers),
        cmocka_unit_test(test_side_by_side),
    };
    struct CMUnitTest one_pack[] = {
        cmocka_unit_test(test_torn),         cmocka_unit_test(test_torn_by_another),
        cmocka_unit_test(test_index_grows),  cmocka_unit_test(test_duplicates),
        cmocka_unit_test(test_erase_broken), cmocka_unit_test(test_tar_in_a_document),
        cmocka_unit_test(test_hostile),      cmocka_unit_test(test_header_in_a_document),

        cmocka_unit_test(test_lost_index),   cmocka_unit_test(test_syncs),
        cmocka_unit_test(test_huge),
    };
    const struct store_backend *const backends[] = {&packs, &small_packs};
    int failed = 0;
    umask(022);
    for (size_t i = 0; i < 2; i++)
        failed += store_contract_run(backends[i]) +
                  run_folder_tests(backends[i], tests, sizeof tests / sizeof tests[0]);
    return failed + run_folder_tests(&packs, one_pack, sizeof one_pack / sizeof one_pack[0]);
}
