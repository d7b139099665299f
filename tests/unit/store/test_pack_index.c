/* SPDX-License-Identifier: MIT */
/* The index of the packs by itself, as large as it must be to keep what is recent apart; and what is left of it where
 * the power fails. */
#include "store/pack_index.h"
#include "support/scratch.h"

#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define TOGETHER 32
/* An index of 2^19 slots: the first that has a table for what is recent, which is full with as many again. */
#define LARGE UINT64_C(183520)
#define FULL  UINT64_C(366976)

/* --- a disk that forgets --- */

/* What was there before each write since the last sync. */
static struct {
    bool on;
    unsigned left; /* writes and syncs until the power fails */
    bool failed;
    struct old {
        uint64_t at;
        size_t n;
        uint8_t *p;
    } * old;
    size_t n, cap;
} power;

static void forget_old(void)
{
    for (size_t i = 0; i < power.n; i++)
        free(power.old[i].p);
    power.n = 0;
}

static void remember(int fd, uint64_t at, size_t n)
{
    if (power.n == power.cap) {
        power.cap = power.cap ? power.cap * 2 : 64;
        assert_non_null(power.old = realloc(power.old, power.cap * sizeof *power.old));
    }
    struct old *o = &power.old[power.n++];
    *o = (struct old){at, n, malloc(n)};
    assert_non_null(o->p);
    assert_int_equal(pread(fd, o->p, n, (off_t)at), (ssize_t)n);
}

static bool works(struct vdm_err *err)
{
    power.failed = power.failed || (power.on && power.left-- == 0);
    return !power.failed || vdm_fail(err, "no power");
}

bool __real_vdm_fd_write_at(int fd, uint64_t at, struct vdm_bytes bytes, struct vdm_err *err);
bool __wrap_vdm_fd_write_at(int fd, uint64_t at, struct vdm_bytes bytes, struct vdm_err *err);
bool __wrap_vdm_fd_write_at(int fd, uint64_t at, struct vdm_bytes bytes, struct vdm_err *err)
{
    if (!works(err))
        return false;
    if (power.on)
        remember(fd, at, bytes.n);
    return __real_vdm_fd_write_at(fd, at, bytes, err);
}

bool __real_vdm_fd_sync_data(int fd, struct vdm_err *err);
bool __wrap_vdm_fd_sync_data(int fd, struct vdm_err *err);
bool __wrap_vdm_fd_sync_data(int fd, struct vdm_err *err)
{
    if (!works(err))
        return false;
    forget_old();
    return __real_vdm_fd_sync_data(fd, err);
}

/* A writer that comes in behind a reader's first look. */
static struct vdm_pack_index *in_between;
static uint64_t in_between_n;
static bool insert(struct vdm_pack_index *x, uint64_t from, size_t n, struct vdm_err *err);

bool __real_vdm_fd_read_at(int fd, uint64_t at, uint8_t *p, size_t cap, size_t *got,
                           struct vdm_err *err);
bool __wrap_vdm_fd_read_at(int fd, uint64_t at, uint8_t *p, size_t cap, size_t *got,
                           struct vdm_err *err);
bool __wrap_vdm_fd_read_at(int fd, uint64_t at, uint8_t *p, size_t cap, size_t *got,
                           struct vdm_err *err)
{
    struct vdm_pack_index *x = in_between;
    bool ok = __real_vdm_fd_read_at(fd, at, p, cap, got, err);
    in_between = NULL;
    if (x)
        assert_true(insert(x, in_between_n, TOGETHER, NULL));
    return ok;
}

/* Of what was not synced, some was on its way: each sector for itself. */
static void lose_power(int fd)
{
    power.on = power.failed = false;
    while (power.n > 0) {
        struct old *o = &power.old[--power.n];
        for (size_t i = 0; i < o->n;) {
            size_t k = 512 - (o->at + i) % 512;
            k = k < o->n - i ? k : o->n - i;
            if (rand() % 2)
                assert_int_equal(pwrite(fd, o->p + i, k, (off_t)(o->at + i)), (ssize_t)k);
            i += k;
        }
        free(o->p);
    }
}

/* --- documents --- */

static struct vdm_digest id_of(uint64_t n)
{
    struct vdm_digest id = {{0}};
    uint64_t v = (n + 1) * UINT64_C(0x9E3779B97F4A7C15);
    v = (v ^ v >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    v ^= v >> 27;
    memcpy(id.b, &v, sizeof v);
    return id;
}

static struct vdm_pack_place place_of(uint64_t n)
{
    return (struct vdm_pack_place){(uint32_t)(n / 1000000), n % 1000000 * 512, false};
}

static bool insert(struct vdm_pack_index *x, uint64_t from, size_t n, struct vdm_err *err)
{
    struct vdm_pack_slot slot[TOGETHER];
    for (size_t i = 0; i < n; i++)
        slot[i] = (struct vdm_pack_slot){id_of(from + i), place_of(from + i), 512};
    return vdm_pack_index_insert(x, slot, n, err);
}

static void insert_to(struct vdm_pack_index *x, uint64_t *n, uint64_t to)
{
    struct vdm_err err = {0};
    for (; *n < to; *n += TOGETHER)
        if (!insert(x, *n, TOGETHER, &err))
            fail_msg("%s", err.text);
}

static unsigned places(const struct vdm_pack_index *x, uint64_t n, struct vdm_pack_probe *last,
                       bool *aside)
{
    struct vdm_pack_probe p;
    struct vdm_pack_place place, ours = place_of(n);
    unsigned count = 0;
    bool found = true;
    for (vdm_pack_probe_begin(x, id_of(n), &p);;) {
        assert_true(vdm_pack_probe_next(x, &p, &place, &found, NULL));
        if (!found)
            return count;
        assert_int_equal(place.pack, ours.pack);
        assert_int_equal(place.offset, ours.offset);
        if (count++ == 0 && last)
            *last = p;
        if (aside)
            *aside = place.aside;
    }
}

static uint64_t number_at(const struct vdm_pack_index *x, off_t at)
{
    uint8_t b[8];
    assert_int_equal(pread(x->fd, b, sizeof b, at), (ssize_t)sizeof b);
    return vdm_le64(b);
}

static uint64_t recent(const struct vdm_pack_index *x)
{
    return number_at(x, 48);
}

/* Every `step`th of the first n. */
static void must_have(const struct vdm_pack_index *x, uint64_t n, uint64_t step, unsigned at_most)
{
    assert_true(number_at(x, 24) + recent(x) >= n);
    for (uint64_t i = (uint64_t)rand() % step; i < n; i += step) {
        unsigned found = places(x, i, NULL, NULL);
        if (found < 1 || found > at_most)
            fail_msg("%llu of %llu has %u slots", (unsigned long long)i, (unsigned long long)n,
                     found);
    }
    for (uint64_t i = 0; i < 1000; i++)
        assert_int_equal(places(x, n + 1000000 + i, NULL, NULL), 0);
}

/* --- a folder --- */

static char folder[SCRATCH_PATH];
static int dir = -1;

static void open_index(struct vdm_pack_index *x)
{
    struct vdm_err err = {0};
    if (!vdm_pack_index_open(x, dir, true, &err) ||
        (x->fd < 0 && (!vdm_pack_index_make(x, dir, &err) || !vdm_pack_index_publish(x, &err))))
        fail_msg("%s", err.text);
    assert_true(x->fd >= 0);
}

static void reopen(struct vdm_pack_index *x)
{
    vdm_pack_index_close(x);
    assert_true(vdm_pack_index_open(x, dir, true, NULL));
    assert_null(x->problem);
}

static int setup(void **state)
{
    (void)state;
    srand(7);
    scratch_make(folder);
    dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return dir >= 0 ? 0 : -1;
}

static int clean(void **state)
{
    (void)state;
    return unlinkat(dir, "index", 0);
}

static int teardown(void **state)
{
    (void)state;
    forget_old();
    free(power.old);
    close(dir);
    scratch_drop(folder);
    return 0;
}

/* --- tests --- */

static void test_grows(void **state)
{
    struct vdm_pack_index x;
    uint64_t n = 0;
    (void)state;
    open_index(&x);
    insert_to(&x, &n, LARGE - TOGETHER);
    assert_int_equal(x.recent.bits, 0);
    insert_to(&x, &n, LARGE);
    assert_int_equal(x.all.bits, 19);
    assert_int_equal(x.recent.bits, 18);
    must_have(&x, n, 1, 1);
    insert_to(&x, &n, FULL + 64);
    assert_int_equal(x.all.bits, 20);
    must_have(&x, n, 1, 1);
    reopen(&x);
    insert_to(&x, &n, FULL + LARGE + 64); /* they are put among the others */
    assert_int_equal(x.all.bits, 20);
    must_have(&x, n, 1, 1);
    vdm_pack_index_close(&x);
}

/* One that was made before there was a table for what is recent. */
static void test_older(void **state)
{
    static const uint8_t magic[] = "vidimus-packs-1\n";
    struct vdm_pack_index x;
    uint64_t n = 0;
    struct stat st;
    (void)state;
    open_index(&x);
    insert_to(&x, &n, LARGE);
    assert_int_equal(fstat(x.fd, &st), 0);
    assert_int_equal(pwrite(x.fd, magic, 16, 0), 16);
    assert_int_equal(ftruncate(x.fd, st.st_size - (4 << 20)), 0);
    reopen(&x);
    n -= TOGETHER; /* the last of them went into the table that is gone */
    assert_int_equal(x.recent.bits, 0);
    must_have(&x, n, 1, 1);
    insert_to(&x, &n, LARGE + 64);
    assert_int_equal(x.all.bits, 19);
    assert_int_equal(x.recent.bits, 18);
    must_have(&x, n, 1, 1);
    vdm_pack_index_close(&x);
}

/* What is set aside, insisted on, forgotten, before it is put among the others and after. */
static void test_changes(void **state)
{
    struct vdm_pack_index x;
    struct vdm_pack_probe p;
    uint64_t n = 0;
    bool aside;
    (void)state;
    open_index(&x);
    insert_to(&x, &n, FULL - TOGETHER);
    for (uint64_t i = 0; i < n; i += n - 1000) { /* an old one, a recent one */
        assert_int_equal(places(&x, i, &p, &aside), 1);
        assert_true(vdm_pack_index_set_aside(&x, &p, place_of(i), NULL));
        assert_int_equal(places(&x, i + 1, &p, &aside), 1);
        assert_true(vdm_pack_index_set_aside(&x, &p, place_of(i + 1), NULL));
        assert_true(vdm_pack_index_insist(&x, &p, place_of(i + 1), NULL));
        assert_int_equal(places(&x, i + 2, &p, &aside), 1);
        assert_true(vdm_pack_index_forget(&x, &p, NULL));
    }
    for (int turn = 0; turn < 2; turn++) {
        for (uint64_t i = 0; i < FULL - TOGETHER; i += FULL - TOGETHER - 1000) {
            assert_int_equal(places(&x, i, NULL, &aside), 1);
            assert_true(aside);
            assert_int_equal(places(&x, i + 1, NULL, &aside), 1);
            assert_false(aside);
            assert_int_equal(places(&x, i + 2, NULL, NULL), 0);
        }
        insert_to(&x, &n, FULL + 64);
    }
    assert_true(insert(&x, 0, TOGETHER, NULL)); /* as where the power failed: they are in both */
    assert_int_equal(places(&x, 0, NULL, NULL), 2);
    insert_to(&x, &n, FULL + LARGE + 64);
    assert_int_equal(places(&x, 0, NULL, &aside), 1);
    assert_true(aside);
    vdm_pack_index_close(&x);
}

/* Who reads takes no lock. */
static void test_reader(void **state)
{
    struct vdm_pack_index x, reader;
    uint64_t n = 0;
    (void)state;
    open_index(&x);
    insert_to(&x, &n, FULL + LARGE - TOGETHER); /* the next ones find the table full */
    assert_true(vdm_pack_index_open(&reader, dir, false, NULL));
    in_between = &x;
    in_between_n = n;
    assert_true(places(&reader, n - 1, NULL, NULL) >= 1); /* in both, if it was moved meanwhile */
    assert_null(in_between);
    assert_int_equal(recent(&x), TOGETHER);
    vdm_pack_index_close(&reader);
    vdm_pack_index_close(&x);
}

static void copy_to(const char *path, int from)
{
    static uint8_t piece[1 << 20];
    int to = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    ssize_t got;
    for (off_t at = 0; (got = pread(from, piece, sizeof piece, at)) > 0; at += got)
        assert_int_equal(pwrite(to, piece, (size_t)got, at), got);
    close(to);
}

/* Whenever the power fails while recent ones are put among the others: all that was synced is found, nothing is
 * found elsewhere, and it is made good when it is done again. */
static void test_power(void **state)
{
    struct vdm_pack_index x;
    struct vdm_err err = {0};
    uint64_t n = 0;
    (void)state;
    open_index(&x);
    insert_to(&x, &n, FULL + LARGE - TOGETHER);
    assert_true(vdm_fd_sync_data(x.fd, NULL));
    PATH(at, "%s/index", folder);
    int kept = x.fd;
    x.fd = -1;
    unsigned all = 0;
    for (unsigned round = 0; round < 16; round++) {
        unlinkat(dir, "index", 0);
        copy_to(at, kept);
        reopen(&x);
        power.on = true;
        /* First they are counted; the last of them empty the table of what is recent. */
        power.left = round == 0 ? UINT_MAX : round < 10 ? all - round * 8 : (unsigned)rand() % all;
        bool done = insert(&x, n, TOGETHER, &err);
        assert_int_equal(done, round == 0);
        all = round == 0 ? UINT_MAX - power.left : all;
        lose_power(x.fd);
        reopen(&x);
        must_have(&x, n, 5, 2);
        uint64_t more = n;
        insert_to(&x, &more, n + LARGE + 64); /* and again */
        must_have(&x, more, 5, 2);
    }
    assert_true(all > 100);
    close(kept);
    vdm_pack_index_close(&x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_grows, clean),
        cmocka_unit_test_teardown(test_older, clean),
        cmocka_unit_test_teardown(test_changes, clean),
        cmocka_unit_test_teardown(test_reader, clean),
        cmocka_unit_test_teardown(test_power, clean),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
