/* SPDX-License-Identifier: MIT */
/* Packs on a disk that writes a part, is full, or cannot make holes. It is the linker's: see CMakeLists.txt. */
#include "store/store_packs.h"
#include "unit/store/store_folder_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cmocka.h>

#define NEVER UINT_MAX

/* What the disk does next. */
static struct {
    size_t takes;         /* of one pwritev; 0: it fails */
    bool interrupted;     /* before that, once */
    unsigned writes_left; /* calls of vdm_fd_write_at before one that fails */
    bool no_cut, no_holes;
    const char *locked;        /* must be, whenever a member is written */
    uint64_t bad_from, bad_to; /* bytes of any file that cannot be read */
    off_t pack_most;           /* bytes of a pack for which there is room; 0: any */
    int pack;                  /* the file of the newest pwritev */
} does;

static void good_disk(void)
{
    does.takes = SIZE_MAX;
    does.writes_left = NEVER;
    does.interrupted = does.no_cut = does.no_holes = false;
    does.locked = NULL;
    does.pack_most = 0;
    does.bad_from = does.bad_to = 0;
    does.pack = -1;
}

static bool is_locked(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool free = flock(fd, LOCK_EX | LOCK_NB) == 0;
    close(fd);
    return !free;
}

ssize_t __real_pwritev64(int fd, const struct iovec *v, int n, off_t at);
ssize_t __wrap_pwritev64(int fd, const struct iovec *v, int n, off_t at);
ssize_t __wrap_pwritev64(int fd, const struct iovec *v, int n, off_t at)
{
    struct iovec part[3 * VDM_PACK_TOGETHER];
    size_t left = does.takes;
    does.pack = fd;
    if (does.pack_most)
        left = does.pack_most > at ? (size_t)(does.pack_most - at) : 0;
    errno = does.interrupted ? EINTR : ENOSPC;
    if (does.interrupted || left == 0) {
        does.interrupted = false;
        return -1;
    }
    assert_in_range(n, 3, 3 * VDM_PACK_TOGETHER);
    assert_true(!does.locked || is_locked(does.locked));
    for (int i = 0; i < n; i++) {
        part[i] = v[i];
        part[i].iov_len = v[i].iov_len < left ? v[i].iov_len : left;
        left -= part[i].iov_len;
    }
    return __real_pwritev64(fd, part, n, at);
}

bool __real_vdm_fd_write_at(int fd, uint64_t at, struct vdm_bytes data, struct vdm_err *err);
bool __wrap_vdm_fd_write_at(int fd, uint64_t at, struct vdm_bytes data, struct vdm_err *err);
bool __wrap_vdm_fd_write_at(int fd, uint64_t at, struct vdm_bytes data, struct vdm_err *err)
{
    if (does.pack_most && fd == does.pack && (off_t)(at + data.n) > does.pack_most)
        return vdm_fail(err, "write: No space left on device");
    if (does.writes_left == NEVER || does.writes_left--)
        return __real_vdm_fd_write_at(fd, at, data, err);
    does.writes_left = NEVER;
    return vdm_fail(err, "write: No space left on device");
}

static unsigned reads;
static uint64_t bytes_read;

bool __real_vdm_fd_read_at(int fd, uint64_t at, uint8_t *p, size_t n, size_t *got,
                           struct vdm_err *err);
bool __wrap_vdm_fd_read_at(int fd, uint64_t at, uint8_t *p, size_t n, size_t *got,
                           struct vdm_err *err);
bool __wrap_vdm_fd_read_at(int fd, uint64_t at, uint8_t *p, size_t n, size_t *got,
                           struct vdm_err *err)
{
    reads += n > 0;
    bytes_read += n;
    if (at < does.bad_to && at + n > does.bad_from)
        return vdm_fail(err, "read: Input/output error");
    return __real_vdm_fd_read_at(fd, at, p, n, got, err);
}

static uint64_t later_ms;

uint64_t __real_vdm_clock_ms(void);
uint64_t __wrap_vdm_clock_ms(void);
uint64_t __wrap_vdm_clock_ms(void)
{
    return __real_vdm_clock_ms() + later_ms;
}

int __real_ftruncate64(int fd, off_t size);
int __wrap_ftruncate64(int fd, off_t size);
int __wrap_ftruncate64(int fd, off_t size)
{
    return does.no_cut ? -1 : __real_ftruncate64(fd, size);
}

int __real_fallocate64(int fd, int mode, off_t at, off_t n);
int __wrap_fallocate64(int fd, int mode, off_t at, off_t n);
int __wrap_fallocate64(int fd, int mode, off_t at, off_t n)
{
    return does.no_holes ? -1 : __real_fallocate64(fd, mode, at, n);
}

static off_t size_of(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 ? st.st_size : -1;
}

static void must_fail(struct store_fixture *x, uint64_t seed, size_t n)
{
    struct source from = source(seed, n);
    struct vdm_stored got;
    struct vdm_err err = {0};
    assert_false(vdm_store_put(x->store, source_read, &from, n, &got, &err));
    assert_non_null(strstr(err.text, "No space left"));
}

static void reopen_as(struct store_fixture *x, bool writable)
{
    vdm_store_close(x->store);
    x->store = NULL;
    assert_true(vdm_store_open_folder(&x->store, x->crypto, x->path, writable, NULL));
}

static void reopen(struct store_fixture *x)
{
    reopen_as(x, true);
}

static unsigned begun;
static bool begin_fails;

bool __real_vdm_fd_begin_writing(int fd, uint64_t from, uint64_t to, struct vdm_err *err);
bool __wrap_vdm_fd_begin_writing(int fd, uint64_t from, uint64_t to, struct vdm_err *err);
bool __wrap_vdm_fd_begin_writing(int fd, uint64_t from, uint64_t to, struct vdm_err *err)
{
    begun++;
    return begin_fails ? vdm_fail(err, "write: Input/output error")
                       : __real_vdm_fd_begin_writing(fd, from, to, err);
}

/* The disk begins before the sync, and where it fails then, the sync does. */
static void test_written_behind(void **state)
{
    struct store_fixture *x = *state;
    begun = 0;
    for (size_t i = 0; i < 12; i++)
        must_put(x->store, i, 900000);
    assert_int_equal(begun, 2);
    assert_true(vdm_store_sync(x->store, NULL));
    begin_fails = true;
    for (size_t i = 12; i < 14; i++)
        must_put(x->store, i, 900000);
    begin_fails = false;
    assert_int_equal(begun, 3);
    assert_false(vdm_store_sync(x->store, NULL));
}

/* Wherever the first call ends, in the header, the document or the zeros behind it: the rest follows. */
static void test_parts(void **state)
{
    struct store_fixture *x = *state;
    size_t n = 0;
    for (size_t takes = 1; takes <= 1024; takes += 3) {
        does.takes = takes;
        does.interrupted = takes % 2;
        assert_true(must_put(x->store, n++, 400).was_new);
        assert_int_equal(size_of(pack_at(x, 0).s), 1024 * n);
    }
    good_disk();
    reopen(x);
    for (size_t i = 0; i < n; i++)
        must_hold(x->store, source_digest(x->crypto, i, 400), i, 400);
    assert_int_equal(object_count(x->store), n);
}

/* Nothing of a document for which there was no room stays, and what comes next stands in its place. */
static void test_full(void **state)
{
    struct store_fixture *x = *state;
    struct path pack = pack_at(x, 0);
    must_put(x->store, 1, 400);
    for (size_t takes = 0; takes < 1024; takes += 100) {
        does.takes = takes;
        does.writes_left = 0;
        must_fail(x, 2, 400);
        good_disk();
        assert_int_equal(size_of(pack.s), 1024);
        assert_int_equal(state_of(x->store, source_digest(x->crypto, 2, 400)), VDM_STORE_MISSING);
    }
    assert_true(must_put(x->store, 2, 400).was_new);
    assert_int_equal(size_of(pack.s), 2048);
    must_hold(x->store, source_digest(x->crypto, 1, 400), 1, 400);
}

/* What the disk does not give of one document concerns no other. */
static void test_bad_neighbour(void **state)
{
    struct store_fixture *x = *state;
    struct vdm_err err = {0};
    enum vdm_store_state s;
    for (size_t i = 0; i < 5; i++)
        must_put(x->store, i, 400);
    does.bad_from = 2 * 1024 + 512; /* the bytes of the third */
    does.bad_to = 3 * 1024;
    for (size_t i = 0; i < 5; i++)
        if (i != 2)
            must_hold(x->store, source_digest(x->crypto, i, 400), i, 400);
    assert_false(vdm_store_check(x->store, source_digest(x->crypto, 2, 400), 400, &s, &err));
    assert_non_null(strstr(err.text, "Input/output error"));
    assert_int_equal(object_count(x->store), 5);
    assert_true(vdm_store_sync(x->store, NULL));
    reopen_as(x, false);
    for (size_t i = 0; i < 15; i++)
        if (i % 5 != 2)
            must_hold(x->store, source_digest(x->crypto, i % 5, 400), i % 5, 400);
    good_disk();
}

#define NEIGHBOURS 60

/* Of all lengths, so that members end before, at and behind the end of what is read at once. */
static size_t length_of(size_t i)
{
    return i * 7919 % 9000 + (i % 13 == 5 ? 60000 : 0);
}

static struct vdm_digest neighbour(struct store_fixture *x, size_t i)
{
    return source_digest(x->crypto, i, length_of(i));
}

static void put_neighbours(struct store_fixture *x)
{
    for (size_t i = 0; i < NEIGHBOURS; i++)
        must_put(x->store, i, length_of(i));
    assert_true(vdm_store_sync(x->store, NULL));
}

static void flip(const char *path, off_t at)
{
    uint8_t byte;
    int fd = open(path, O_RDWR | O_CLOEXEC);
    assert_int_equal(pread(fd, &byte, 1, at), 1);
    byte ^= 4;
    assert_int_equal(pwrite(fd, &byte, 1, at), 1);
    close(fd);
}

/* Twice: it is whole again. */
static void break_document(const struct store_fixture *x, struct vdm_digest id)
{
    uint8_t header[512];
    unsigned pack;
    flip(pack_at(x, 0).s, find_member(x, id, &pack, header) + 512);
}

static unsigned reads_of_all(struct store_fixture *x, size_t step)
{
    reopen_as(x, false);
    reads = 0;
    for (size_t k = 0; k < NEIGHBOURS; k++)
        assert_int_equal(state_of(x->store, neighbour(x, k * step % NEIGHBOURS)), VDM_STORE_GOOD);
    return reads - NEIGHBOURS; /* the index */
}

/* In their order several are read at once; in any other, each by itself, and no more of it. */
static void test_read_ahead(void **state)
{
    struct store_fixture *x = *state;
    put_neighbours(x);
    assert_in_range(reads_of_all(x, 1), 5, NEIGHBOURS / 2);
    bytes_read = 0;
    assert_in_range(reads_of_all(x, NEIGHBOURS - 1), NEIGHBOURS, 3 * NEIGHBOURS / 2);
    assert_in_range(bytes_read, 0, NEIGHBOURS * (36 << 10));
    assert_in_range(reads_of_all(x, 17), NEIGHBOURS, 3 * NEIGHBOURS / 2);
}

/* A reader that is open keeps its document, whatever is read ahead meanwhile. */
static void test_read_ahead_beside_a_reader(void **state)
{
    struct store_fixture *x = *state;
    put_neighbours(x);
    reopen_as(x, false);
    for (size_t i = 0; i + 5 < NEIGHBOURS; i++) {
        struct vdm_store_reader r VDM_CLEANUP(vdm_store_reader_close) = {0};
        struct source from = source(i, length_of(i));
        uint8_t got[700], want[700];
        size_t n, m;
        assert_true(vdm_store_get(x->store, neighbour(x, i), &r, NULL));
        for (size_t k = 0;; k++) {
            assert_true(r.read(&r, got, sizeof got, &n, NULL));
            if (n == 0)
                break;
            assert_true(source_read(&from, want, n, &m, NULL) && m == n);
            assert_memory_equal(got, want, n);
            if (k < 5)
                must_hold(x->store, neighbour(x, i + k), i + k, length_of(i + k));
        }
    }
}

/* Who asks again asks the disk; so does who writes; and nobody is told what was read long ago. */
static void test_nothing_is_had_twice(void **state)
{
    struct store_fixture *x = *state;
    put_neighbours(x);
    for (size_t i = 1; i + 1 < NEIGHBOURS; i++) {
        struct vdm_digest id = neighbour(x, i), next = neighbour(x, i + 1);
        if (length_of(i) == 0 || length_of(i + 1) == 0)
            continue;
        for (unsigned writes = 0; writes < 2; writes++) {
            reopen_as(x, writes);
            assert_int_equal(state_of(x->store, neighbour(x, i - 1)), VDM_STORE_GOOD);
            assert_int_equal(state_of(x->store, id), VDM_STORE_GOOD);
            break_document(x, id);
            assert_int_equal(state_of(x->store, id), VDM_STORE_DAMAGED);
            break_document(x, id);
            assert_int_equal(state_of(x->store, id), VDM_STORE_GOOD);
            break_document(x, next);
            later_ms += writes ? 0 : 1100;
            assert_int_equal(state_of(x->store, next), VDM_STORE_DAMAGED);
            break_document(x, next);
        }
    }
}

/* Of many the first are put, as many as there is room for, and nothing of the others stays. */
static void test_full_among_many(void **state)
{
    struct store_fixture *x = *state;
    struct vdm_store_document d[40];
    struct vdm_err err = {0};
    uint8_t bytes[40][400];
    size_t done;
    for (size_t i = 0; i < 40; i++) {
        struct source from = source(i % 8 == 7 ? 3 : i, 400);
        assert_true(source_read(&from, bytes[i], 400, &done, NULL));
        d[i].bytes = (struct vdm_bytes){bytes[i], 400};
    }
    does.pack_most = 10 * 1024 + 700; /* ten, and the eighth is no new one */
    assert_false(vdm_store_put_all(x->store, d, 40, &done, &err));
    assert_non_null(strstr(err.text, "No space left"));
    good_disk();
    assert_int_equal(done, 11);
    assert_int_equal(size_of(pack_at(x, 0).s), 10 * 1024);
    assert_int_equal(object_count(x->store), 10);
    for (size_t i = 0; i < done; i++)
        must_hold(x->store, d[i].stored.id, i == 7 ? 3 : i, 400);
    assert_true(vdm_store_put_all(x->store, d, 40, &done, &err));
    reopen(x);
    assert_int_equal(object_count(x->store), 35);
}

/* Not even that could be taken back: the same handle, and another, go on behind the last whole one. */
static void test_full_and_no_way_back(void **state)
{
    struct store_fixture *x = *state;
    struct path pack = pack_at(x, 0);
    must_put(x->store, 1, 400);
    for (size_t i = 0; i < 2; i++) {
        does.takes = 700;
        does.writes_left = 0;
        does.no_cut = true;
        must_fail(x, 2, 400);
        good_disk();
        assert_int_equal(size_of(pack.s), 1024 * (i + 1) + 700);
        if (i == 1)
            reopen(x);
        must_put(x->store, 10 + i, 400);
        assert_int_equal(size_of(pack.s), 1024 * (i + 2));
    }
    assert_true(must_put(x->store, 2, 400).was_new);
    assert_int_equal(object_count(x->store), 4);
}

/* The member is there, the slot is not: the member is taken back. */
static void test_full_index(void **state)
{
    struct store_fixture *x = *state;
    must_put(x->store, 1, 400);
    for (unsigned writes = 0; writes < 2; writes++) { /* the count, the slot */
        does.writes_left = writes;
        must_fail(x, 2, 400);
        good_disk();
        assert_int_equal(size_of(pack_at(x, 0).s), 1024);
        assert_int_equal(state_of(x->store, source_digest(x->crypto, 2, 400)), VDM_STORE_MISSING);
    }
    assert_true(must_put(x->store, 2, 400).was_new);
    assert_int_equal(object_count(x->store), 2);
}

/* There is no room for the good copy of a bad document: it stays damaged, and does not get missing. */
static void test_full_repair(void **state)
{
    struct store_fixture *x = *state;
    struct vdm_digest id = must_put(x->store, 1, 400).id;
    must_put(x->store, 2, 400);
    damage_packed(x, id, DAMAGE_FLIP);
    for (size_t takes = 0; takes < 1024; takes += 500) {
        does.takes = takes;
        does.writes_left =
            takes ? 1 : 0; /* the slot that is set aside, then the rest of the member */
        must_fail(x, 1, 400);
        good_disk();
        assert_int_equal(state_of(x->store, id), VDM_STORE_DAMAGED);
    }
    assert_true(must_put(x->store, 1, 400).repaired);
    must_hold(x->store, id, 1, 400);
}

/* Is the document's content anywhere in the pack? The content of two sources differs in every block. */
static bool pack_has(const struct store_fixture *x, uint64_t seed, size_t n)
{
    struct vdm_buf file VDM_CLEANUP(vdm_buf_release) = {0};
    struct source from = source(seed, n);
    uint8_t start[64];
    size_t got;
    assert_true(source_read(&from, start, sizeof start, &got, NULL));
    assert_int_equal(got, sizeof start);
    assert_true(vdm_file_read(AT_FDCWD, pack_at(x, 0).s, 1u << 24, &file, NULL));
    return memmem(file.p, file.n, start, sizeof start) != NULL;
}

/* The zeros are written; a hole only gives the room back. */
static void test_erased_without_holes(void **state)
{
    struct store_fixture *x = *state;
    must_put(x->store, 1, 100000);
    must_put(x->store, 2, 400);
    assert_true(pack_has(x, 1, 100000));
    off_t before = size_of(pack_at(x, 0).s);
    does.no_holes = true;
    assert_true(
        vdm_store_erase(x->store, source_digest(x->crypto, 1, 100000), VDM_SIZE_UNKNOWN, NULL));
    assert_false(pack_has(x, 1, 100000));
    assert_int_equal(size_of(pack_at(x, 0).s), before);
    must_hold(x->store, source_digest(x->crypto, 2, 400), 2, 400);
    assert_int_equal(object_count(x->store), 1);
}

#define SLOTS_AT 135168 /* docs/FORMATS.md, "packs/index" */

static off_t slot_of(const struct store_fixture *x, struct vdm_digest id)
{
    uint8_t slot[16];
    int fd = open(below(x, "packs/index").s, O_RDONLY | O_CLOEXEC);
    for (off_t at = SLOTS_AT; pread(fd, slot, 16, at) == 16; at += 16) {
        bool ours = true;
        for (int i = 0; i < 8; i++)
            ours = ours && slot[i] == id.b[7 - i];
        if (ours) {
            close(fd);
            return at;
        }
    }
    fail();
    return -1;
}

static void break_header(const struct store_fixture *x, struct vdm_digest id)
{
    uint8_t header[512];
    unsigned pack;
    flip(pack_at(x, 0).s, find_member(x, id, &pack, header) + 3);
}

enum led_astray { KEY, PLACE, NO_SLOTS, HEADER, HEADER_FORGOTTEN, TWO_HEADERS, ASIDE, WAYS };

static void lead_astray(struct store_fixture *x, enum led_astray how, struct vdm_digest id,
                        struct vdm_digest other)
{
    static const uint8_t none[16 * 4096];
    struct path index = below(x, "packs/index");
    switch (how) {
    case KEY:
    case PLACE:
        flip(index.s, slot_of(x, id) + (how == KEY ? 3 : 8));
        break;
    case NO_SLOTS: {
        int fd = open(index.s, O_WRONLY | O_CLOEXEC);
        assert_int_equal(pwrite(fd, none, sizeof none, SLOTS_AT), (ssize_t)sizeof none);
        close(fd);
        break;
    }
    case TWO_HEADERS:
        break_header(x, other);
        break_header(x, id);
        break;
    case ASIDE: /* damaged, a good one put beside it, and of that the header damaged */
    case HEADER_FORGOTTEN:
    case HEADER:
        break_header(x, id);
        if (how != HEADER)
            assert_true(vdm_store_reindex(x->store, NULL));
        if (how == ASIDE)
            must_put(x->store, 2, 700);
        break;
    case WAYS:
        break;
    }
}

/* What leads to a document is damaged. It is erased all the same, and nothing else is. */
static void test_erased_without_a_way_to_it(void **state)
{
    struct store_fixture *x = *state;
    for (enum led_astray how = KEY; how < WAYS; how++) {
        struct vdm_digest before = must_put(x->store, 1, 1500).id,
                          id = must_put(x->store, 2, 700).id, other = must_put(x->store, 3, 900).id,
                          after = must_put(x->store, 4, 900).id;
        assert_true(vdm_store_sync(x->store, NULL));
        lead_astray(x, how, id, other);
        reopen(x);
        assert_true(pack_has(x, 2, 700));
        assert_true(vdm_store_erase(x->store, id, 700, NULL));
        assert_false(pack_has(x, 2, 700));
        assert_true(pack_has(x, 3, 900));
        assert_int_equal(state_of(x->store, id), VDM_STORE_MISSING);
        assert_true(vdm_store_reindex(x->store, NULL));
        must_hold(x->store, before, 1, 1500);
        must_hold(x->store, after, 4, 900);
        must_put(x->store, 3, 900);
        must_hold(x->store, other, 3, 900);
        assert_true(vdm_store_erase(x->store, other, 900, NULL));
    }
}

/* An erasure that stops at any write, or at a sync, says so, and the next one finishes it. */
static void test_erasing_fails(void **state)
{
    struct store_fixture *x = *state;
    struct vdm_err err = {0};
    bool done = false;
    for (unsigned writes = 0; !done; writes++) {
        struct vdm_digest id = must_put(x->store, writes, 10000).id;
        does.writes_left = writes;
        done = vdm_store_erase(x->store, id, VDM_SIZE_UNKNOWN, &err);
        good_disk();
        assert_int_equal(done, writes == 5); /* zeros in three pieces, the header, the slot */
        assert_true(vdm_store_erase(x->store, id, VDM_SIZE_UNKNOWN, &err));
        assert_false(pack_has(x, writes, 10000));
        assert_int_equal(state_of(x->store, id), VDM_STORE_MISSING);
    }
    struct vdm_digest id = must_put(x->store, 100, 400).id;
    disk.fails = true;
    assert_false(vdm_store_erase(x->store, id, VDM_SIZE_UNKNOWN, &err));
    assert_non_null(strstr(err.text, "fdatasync"));
    assert_true(vdm_store_erase(x->store, id, VDM_SIZE_UNKNOWN, &err));
    assert_int_equal(state_of(x->store, id), VDM_STORE_MISSING);
}

static void test_locked(void **state)
{
    struct store_fixture *x = *state;
    struct path folder_of_packs = below(x, "packs");
    must_put(x->store, 1, 400);
    assert_false(is_locked(folder_of_packs.s));
    does.locked = folder_of_packs.s;
    assert_true(must_put(x->store, 2, 400).was_new);
    good_disk();
}

static uint64_t mark_of(const struct store_fixture *x)
{
    uint8_t b[8];
    uint64_t mark = 0;
    int fd = open(below(x, "packs/index").s, O_RDONLY | O_CLOEXEC);
    assert_int_equal(pread(fd, b, 8, 4096), 8); /* docs/FORMATS.md, "Packs" */
    close(fd);
    for (int i = 8; i-- > 0;)
        mark = mark << 8 | b[i];
    return mark;
}

/* The mark says that pack and index are durable: with either sync failing it stays where it was. */
static void test_mark(void **state)
{
    struct store_fixture *x = *state;
    must_put(x->store, 1, 400);
    assert_true(vdm_store_sync(x->store, NULL));
    assert_int_equal(mark_of(x), 1024);
    for (unsigned i = 0; i < 2; i++) {
        must_put(x->store, 2 + i, 400);
        disk.fails = true;
        disk.after = i;
        assert_false(vdm_store_sync(x->store, NULL));
        assert_int_equal(mark_of(x), 1024 * (i + 1));
        reopen(x);
        assert_int_equal(mark_of(x), 1024 * (i + 2));
    }
}

/* What a killed writer left behind the mark is made durable before the mark goes over it. */
static void test_mark_after_a_kill(void **state)
{
    struct store_fixture *x = *state;
    must_put(x->store, 1, 400);
    assert_true(vdm_store_sync(x->store, NULL));
    must_put(x->store, 2, 400);
    vdm_store_close(x->store);
    x->store = NULL;
    for (unsigned i = 0; i < 2; i++) {
        disk.fails = true;
        disk.after = i;
        assert_false(vdm_store_open_folder(&x->store, x->crypto, x->path, true, NULL));
        assert_false(disk.fails);
        assert_int_equal(mark_of(x), 1024);
    }
    unsigned calls = disk.data_calls;
    reopen(x);
    assert_int_equal(disk.data_calls, calls + 2);
    assert_int_equal(mark_of(x), 2048);
}

/* Another process made the index anew: what we put from then on stands in that one. */
static void test_index_replaced(void **state)
{
    struct store_fixture *x = *state;
    struct vdm_store *other = NULL;
    must_put(x->store, 1, 400);
    assert_true(vdm_store_sync(x->store, NULL));
    assert_true(vdm_store_open_folder(&other, x->crypto, x->path, true, NULL));
    assert_true(vdm_store_reindex(other, NULL));
    must_put(x->store, 2, 400);
    assert_true(vdm_store_sync(x->store, NULL));
    must_hold(other, source_digest(x->crypto, 2, 400), 2, 400);
    vdm_store_close(other);
}

/* Several handles append in turn: none looks at all that the others did. */
static void test_in_turn(void **state)
{
    struct store_fixture *x = *state;
    struct vdm_store *handle[4] = {x->store};
    for (size_t i = 1; i < 4; i++)
        assert_true(vdm_store_open_folder(&handle[i], x->crypto, x->path, true, NULL));
    must_put(x->store, 1000, 400);
    reads = 0;
    for (size_t i = 0; i < 400; i++) /* each goes on for a while, so that much is behind its back */
        assert_true(must_put(handle[i / 50 % 4], i, 400).was_new);
    assert_in_range(reads, 400, 400 * 6);
    for (size_t i = 0; i < 400; i++)
        must_hold(handle[i % 4], source_digest(x->crypto, i, 400), i, 400);
    assert_int_equal(object_count(x->store), 401);
    for (size_t i = 1; i < 4; i++)
        vdm_store_close(handle[i]);
}

/* The power went: the index knows where the last member ends, and the disk has nothing of it. */
static void test_end_without_member(void **state)
{
    struct store_fixture *x = *state;
    static const uint8_t zeros[1024];
    struct path pack = pack_at(x, 0);
    must_put(x->store, 1, 400);
    assert_true(vdm_store_sync(x->store, NULL));
    must_put(x->store, 2, 400);
    vdm_store_close(x->store);
    x->store = NULL;
    int fd = open(pack.s, O_WRONLY | O_CLOEXEC);
    assert_int_equal(pwrite(fd, zeros, 1024, 1024), 1024);
    close(fd);
    reopen(x);
    assert_int_equal(size_of(pack.s), 1024);
    assert_true(must_put(x->store, 3, 400).was_new);
    assert_int_equal(size_of(pack.s), 2048);
    assert_int_equal(object_count(x->store), 2);
}

/* Headers that somebody made up, each of a document of almost a mebibyte: they are not all hashed, and what stands
 * behind them is found. */
static void test_made_up_headers(void **state)
{
    struct store_fixture *x = *state;
    struct path pack = pack_at(x, 0);
    uint8_t header[512];
    unsigned number;
    struct vdm_digest large = must_put(x->store, 1, 1000000).id;
    assert_int_equal(find_member(x, large, &number, header), 0);
    off_t at = size_of(pack.s), n = 8000;
    int fd = open(pack.s, O_WRONLY | O_CLOEXEC);
    for (off_t i = 1; i < n; i++) /* the first is none at all */
        assert_int_equal(pwrite(fd, header, 512, at + i * 512), 512);
    assert_int_equal(ftruncate(fd, at + n * 512 + 1000448),
                     0); /* the last of them reaches to the end */
    close(fd);
    assert_int_equal(unlink(below(x, "packs/index").s), 0);
    bytes_read = 0;
    reopen(x);
    assert_in_range(bytes_read, n * 512, 200u << 20); /* all of them would be 8 GB */
    must_hold(x->store, large, 1, 1000000);
    assert_true(must_put(x->store, 2, 77).was_new);
}

int main(void)
{
    struct CMUnitTest tests[] = {
        cmocka_unit_test(test_written_behind),
        cmocka_unit_test(test_parts),
        cmocka_unit_test(test_full),
        cmocka_unit_test(test_full_among_many),
        cmocka_unit_test(test_bad_neighbour),
        cmocka_unit_test(test_read_ahead),
        cmocka_unit_test(test_read_ahead_beside_a_reader),
        cmocka_unit_test(test_nothing_is_had_twice),
        cmocka_unit_test(test_full_and_no_way_back),
        cmocka_unit_test(test_full_index),
        cmocka_unit_test(test_full_repair),
        cmocka_unit_test(test_erased_without_holes),
        cmocka_unit_test(test_erased_without_a_way_to_it),
        cmocka_unit_test(test_erasing_fails),
        cmocka_unit_test(test_locked),
        cmocka_unit_test(test_mark),
        cmocka_unit_test(test_mark_after_a_kill),
        cmocka_unit_test(test_index_replaced),
        cmocka_unit_test(test_in_turn),
        cmocka_unit_test(test_made_up_headers),
        cmocka_unit_test(test_end_without_member),
    };
    good_disk();
    return run_folder_tests(&packs, tests, sizeof tests / sizeof tests[0]);
}
