/* SPDX-License-Identifier: MIT */
#include "unit/store/store_contract.h"

#include "base/limits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct source source(uint64_t seed, size_t size)
{
    return (struct source){.seed = seed, .size = size, .fails_at = SIZE_MAX};
}

static uint8_t byte_at(uint64_t seed, size_t i)
{
    uint64_t x = (seed + 1) * UINT64_C(0x9e3779b97f4a7c15) + (i / 8) * UINT64_C(0xd1342543de82ef95);
    x ^= x >> 29;
    return (uint8_t)(x >> (8 * (i % 8)));
}

bool source_read(void *ctx, uint8_t *p, size_t cap, size_t *got, struct vdm_err *err)
{
    struct source *s = ctx;
    s->calls++;
    size_t n = s->size - s->at;
    if (n > cap)
        n = cap;
    if (s->step && n > s->step)
        n = s->step;
    if (s->fails_at != SIZE_MAX && s->at + n >= s->fails_at) {
        if (s->at == s->fails_at)
            return vdm_fail_as(err, VDM_ERR_INTERRUPTED, "source: gone");
        n = s->fails_at - s->at;
    }
    for (size_t i = 0; i < n; i++)
        p[i] = byte_at(s->seed, s->at + i);
    s->at += n;
    *got = n;
    return true;
}

static void make_bytes(struct vdm_buf *b, uint64_t seed, size_t size)
{
    uint8_t *p = vdm_buf_grow(b, size);
    assert_non_null(p);
    for (size_t i = 0; i < size; i++)
        p[i] = byte_at(seed, i);
}

struct vdm_digest source_digest(struct vdm_crypto *crypto, uint64_t seed, size_t size)
{
    struct vdm_buf b VDM_CLEANUP(vdm_buf_release) = {0};
    make_bytes(&b, seed, size);
    return vdm_sha256(crypto, vdm_buf_bytes(&b));
}

struct vdm_stored must_put(struct vdm_store *s, uint64_t seed, size_t size)
{
    struct vdm_err err = {0};
    struct vdm_stored got;
    struct source from = source(seed, size);
    if (!vdm_store_put(s, source_read, &from, size, &got, &err))
        fail_msg("put: %s", err.text);
    return got;
}

static void read_all(struct vdm_store_reader *r, struct vdm_buf *out)
{
    struct vdm_err err = {0};
    size_t got;
    do {
        uint8_t piece[5000];
        assert_true(r->read(r, piece, sizeof piece, &got, &err));
        vdm_buf_put(out, (struct vdm_bytes){piece, got});
    } while (got);
}

void must_hold(struct vdm_store *s, struct vdm_digest id, uint64_t seed, size_t size)
{
    struct vdm_err err = {0};
    struct vdm_store_reader r VDM_CLEANUP(vdm_store_reader_close) = {0};
    struct vdm_buf want VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_buf have VDM_CLEANUP(vdm_buf_release) = {0};
    if (!vdm_store_get(s, id, &r, &err))
        fail_msg("get: %s", err.text);
    assert_int_equal(r.size_bytes, size);
    make_bytes(&want, seed, size);
    read_all(&r, &have);
    assert_true(vdm_bytes_equal(vdm_buf_bytes(&want), vdm_buf_bytes(&have)));
}

enum vdm_store_state state_of(struct vdm_store *s, struct vdm_digest id)
{
    struct vdm_err err = {0};
    enum vdm_store_state state;
    if (!vdm_store_check(s, id, VDM_SIZE_UNKNOWN, &state, &err))
        fail_msg("check: %s", err.text);
    return state;
}

bool seen_visit(void *ctx, const struct vdm_store_item *item, bool *stop, struct vdm_err *err)
{
    struct seen *seen = ctx;
    if (seen->fails)
        return vdm_fail_as(err, VDM_ERR_INTERRUPTED, "visitor: enough");
    if (item->stranger) {
        assert_true(seen->stranger_count < 16);
        snprintf(seen->strangers[seen->stranger_count++], 300, "%s", item->stranger);
    } else {
        assert_true(seen->objects < 512);
        seen->items[seen->objects++] = *item;
    }
    *stop = seen->stop_after && seen->objects + seen->stranger_count >= seen->stop_after;
    return true;
}

size_t object_count(struct vdm_store *s)
{
    struct seen *seen = test_calloc(1, sizeof *seen);
    struct vdm_err err = {0};
    if (!vdm_store_each(s, seen_visit, seen, &err))
        fail_msg("each: %s", err.text);
    size_t n = seen->objects;
    test_free(seen);
    return n;
}

int store_setup(void **state)
{
    struct store_fixture *x = calloc(1, sizeof *x);
    x->backend = *state;
    assert_true(vdm_crypto_open(&x->crypto, NULL));
    x->backend->open(x);
    assert_non_null(x->store);
    *state = x;
    return 0;
}

int store_teardown(void **state)
{
    struct store_fixture *x = *state;
    vdm_store_close(x->store);
    x->backend->close(x);
    vdm_crypto_close(x->crypto);
    free(x);
    return 0;
}

static void nothing_left(struct store_fixture *x, size_t objects)
{
    assert_int_equal(object_count(x->store), objects);
    assert_int_equal(x->backend->leftovers(x), 0);
}

static const size_t sizes[] = {0,
                               1,
                               VDM_COPY_BYTES - 1,
                               VDM_COPY_BYTES,
                               VDM_COPY_BYTES + 1,
                               2 * VDM_COPY_BYTES,
                               (5u << 20) + 3};
#define SIZES (sizeof sizes / sizeof sizes[0])

/* S1 */
static void test_put_and_get(void **state)
{
    struct store_fixture *x = *state;
    for (size_t i = 0; i < SIZES; i++) {
        struct vdm_stored got = must_put(x->store, i, sizes[i]);
        assert_true(vdm_digest_equal(got.id, source_digest(x->crypto, i, sizes[i])));
        assert_int_equal(got.size_bytes, sizes[i]);
        assert_true(got.was_new);
        assert_false(got.repaired);
        must_hold(x->store, got.id, i, sizes[i]);
        assert_int_equal(state_of(x->store, got.id), VDM_STORE_GOOD);
    }
    nothing_left(x, SIZES);
}

/* S1: how the source cuts its bytes, and what was hinted, makes no difference. */
static void test_pieces_and_hints(void **state)
{
    struct store_fixture *x = *state;
    static const size_t steps[] = {1, 7, VDM_COPY_BYTES - 1, VDM_COPY_BYTES};
    static const uint64_t hints[] = {0, 1, 3u << 20, VDM_SIZE_UNKNOWN};
    size_t size = 2 * VDM_COPY_BYTES + 5;
    for (size_t i = 0; i < 4; i++) {
        struct source from = source(i, size);
        struct vdm_stored got;
        struct vdm_err err = {0};
        from.step = steps[i];
        if (!vdm_store_put(x->store, source_read, &from, hints[i], &got, &err))
            fail_msg("%s", err.text);
        assert_true(vdm_digest_equal(got.id, source_digest(x->crypto, i, size)));
        must_hold(x->store, got.id, i, size);
    }
}

/* S2 */
static void test_failing_source(void **state)
{
    struct store_fixture *x = *state;
    static const size_t at[] = {0, 1, 100, VDM_COPY_BYTES, VDM_COPY_BYTES + 1, 200000};
    for (size_t i = 0; i < sizeof at / sizeof at[0]; i++) {
        struct source from = source(i, 300000);
        struct vdm_stored got = {.size_bytes = 77};
        struct vdm_err err = {0};
        from.fails_at = at[i];
        assert_false(vdm_store_put(x->store, source_read, &from, VDM_SIZE_UNKNOWN, &got, &err));
        assert_int_equal(err.kind, VDM_ERR_INTERRUPTED);
        assert_string_equal(err.text, "source: gone");
        assert_int_equal(got.size_bytes, 77);
        nothing_left(x, i);
        /* and the next one is not spoiled by the half that was hashed */
        struct vdm_stored next = must_put(x->store, 1000 + i, 10);
        assert_true(vdm_digest_equal(next.id, source_digest(x->crypto, 1000 + i, 10)));
    }
}

/* S3 */
static void test_twice(void **state)
{
    struct store_fixture *x = *state;
    for (size_t i = 0; i < SIZES; i++) {
        struct vdm_stored first = must_put(x->store, i, sizes[i]);
        struct vdm_stored again = must_put(x->store, i, sizes[i]);
        assert_true(vdm_digest_equal(first.id, again.id));
        assert_int_equal(again.size_bytes, sizes[i]);
        assert_false(again.was_new);
        assert_false(again.repaired);
    }
    nothing_left(x, SIZES);
    assert_int_equal(x->backend->set_aside(x), 0);
}

/* S9, of several that are read in turn. */
static void test_readers_in_turn(void **state)
{
    struct store_fixture *x = *state;
    struct vdm_store_reader r[4] = {{0}};
    struct vdm_buf have[4] = {{0}};
    for (size_t i = 0; i < 4; i++)
        assert_true(vdm_store_get(x->store, must_put(x->store, i, 30000 + i).id, &r[i], NULL));
    for (size_t got, left = 1; left;) {
        left = 0;
        for (size_t i = 0; i < 4; i++) {
            uint8_t piece[700];
            assert_true(r[i].read(&r[i], piece, sizeof piece, &got, NULL));
            vdm_buf_put(&have[i], (struct vdm_bytes){piece, got});
            left += got;
        }
    }
    for (size_t i = 0; i < 4; i++) {
        assert_true(vdm_digest_equal(vdm_sha256(x->crypto, vdm_buf_bytes(&have[i])),
                                     source_digest(x->crypto, i, 30000 + i)));
        vdm_store_reader_close(&r[i]);
        vdm_buf_release(&have[i]);
    }
}

static void test_skip(void **state)
{
    struct store_fixture *x = *state;
    static const size_t skips[] = {0, 1, 7000, 15871, 15872, 15873, 20000, 29999, 30000, 30001};
    struct vdm_digest id = must_put(x->store, 1, 30000).id;
    struct vdm_buf whole VDM_CLEANUP(vdm_buf_release) = {0};
    make_bytes(&whole, 1, 30000);
    for (size_t i = 0; i < sizeof skips / sizeof *skips; i++) {
        struct vdm_store_reader r VDM_CLEANUP(vdm_store_reader_close) = {0};
        struct vdm_buf have VDM_CLEANUP(vdm_buf_release) = {0};
        assert_true(vdm_store_get(x->store, id, &r, NULL));
        assert_true(vdm_store_reader_skip(&r, skips[i], NULL));
        read_all(&r, &have);
        size_t n = skips[i] < 30000 ? skips[i] : 30000;
        assert_true(
            vdm_bytes_equal(vdm_bytes_skip(vdm_buf_bytes(&whole), n), vdm_buf_bytes(&have)));
    }
}

#define TOGETHER 70

static void make_documents(struct vdm_store_document d[TOGETHER], struct vdm_buf b[TOGETHER],
                           uint64_t (*seed_of)(size_t))
{
    for (size_t i = 0; i < TOGETHER; i++) {
        make_bytes(&b[i], seed_of(i), 10 * seed_of(i));
        d[i] = (struct vdm_store_document){.bytes = vdm_buf_bytes(&b[i])};
    }
}

/* Each third stands there twice, and one is large. */
static uint64_t some_seed(size_t i)
{
    return i == 50 ? 200000 : i % 3 == 2 ? i - 1 : i;
}

/* Documents in memory, many at once: just what one after the other gives. */
static void test_put_all(void **state)
{
    struct store_fixture *x = *state;
    struct vdm_store_document d[TOGETHER];
    struct vdm_buf b[TOGETHER] = {{0}};
    struct vdm_digest bad = must_put(x->store, 7, 70).id;
    size_t done, objects = 0;
    must_put(x->store, 9, 90);
    x->backend->damage(x, bad, DAMAGE_FLIP);
    make_documents(d, b, some_seed);
    assert_true(vdm_store_put_all(x->store, d, TOGETHER, &done, NULL));
    assert_int_equal(done, TOGETHER);
    for (size_t i = 0; i < TOGETHER; i++) {
        uint64_t seed = some_seed(i);
        bool again = i % 3 == 2 && i != 50;
        must_hold(x->store, d[i].stored.id, seed, 10 * seed);
        assert_true(vdm_digest_equal(d[i].stored.id, source_digest(x->crypto, seed, 10 * seed)));
        assert_int_equal(d[i].stored.size_bytes, 10 * seed);
        assert_int_equal(d[i].stored.was_new, seed != 7 && seed != 9 && !again);
        assert_int_equal(d[i].stored.repaired, seed == 7 && !again);
        objects += !again;
    }
    nothing_left(x, objects);
    assert_int_equal(x->backend->set_aside(x), 1);
    assert_true(vdm_store_sync(x->store, NULL));
    for (size_t i = 0; i < TOGETHER; i++)
        vdm_buf_release(&b[i]);
}

/* S4 */
static void test_damaged(void **state)
{
    struct store_fixture *x = *state;
    for (int how = DAMAGE_FLIP; how <= DAMAGE_GROW; how++) {
        struct vdm_stored first = must_put(x->store, 5, 100000);
        x->backend->damage(x, first.id, (enum damage)how);
        assert_int_equal(state_of(x->store, first.id), VDM_STORE_DAMAGED);
        struct vdm_stored again = must_put(x->store, 5, 100000);
        assert_true(vdm_digest_equal(first.id, again.id));
        assert_false(again.was_new);
        assert_true(again.repaired);
        must_hold(x->store, first.id, 5, 100000);
        assert_int_equal(x->backend->set_aside(x), (size_t)how + 1);
        assert_false(must_put(x->store, 5, 100000).repaired);
    }
    nothing_left(x, 1);
}

static void test_damaged_when_empty(void **state)
{
    struct store_fixture *x = *state;
    struct vdm_stored first = must_put(x->store, 0, 0);
    x->backend->damage(x, first.id, DAMAGE_GROW);
    assert_int_equal(state_of(x->store, first.id), VDM_STORE_DAMAGED);
    assert_true(must_put(x->store, 0, 0).repaired);
    must_hold(x->store, first.id, 0, 0);
}

/* An open reader goes on with the object it was opened on. */
static void test_reader_outlives_repair(void **state)
{
    struct store_fixture *x = *state;
    struct vdm_store_reader r VDM_CLEANUP(vdm_store_reader_close) = {0};
    struct vdm_buf have VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_stored first = must_put(x->store, 5, 100);
    x->backend->damage(x, first.id, DAMAGE_CUT);
    assert_true(vdm_store_get(x->store, first.id, &r, NULL));
    assert_true(must_put(x->store, 5, 100).repaired);
    read_all(&r, &have);
    assert_int_equal(have.n, 99);
}

/* S7, S8, S13's other half: get goes on. */
static void test_failed_sync_is_final(void **state)
{
    struct store_fixture *x = *state;
    struct vdm_err err = {0};
    struct vdm_stored first = must_put(x->store, 1, 10), got;
    struct source from = source(2, 10);
    assert_true(vdm_store_sync(x->store, &err));
    assert_true(vdm_store_sync(x->store, &err));
    x->backend->break_sync(x);
    assert_false(vdm_store_sync(x->store, &err));
    assert_int_equal(strncmp(err.text, "store: ", 7), 0);
    assert_false(vdm_store_sync(x->store, &err));
    assert_non_null(strstr(err.text, "a sync failed before"));
    assert_false(vdm_store_put(x->store, source_read, &from, 10, &got, &err));
    assert_non_null(strstr(err.text, "a sync failed before"));
    assert_int_equal(from.calls, 0);
    must_hold(x->store, first.id, 1, 10);
    nothing_left(x, 1);
}

/* S9 */
static void test_not_found(void **state)
{
    struct store_fixture *x = *state;
    struct vdm_err err = {0};
    struct vdm_store_reader r = {0};
    struct vdm_digest id = must_put(x->store, 1, 10).id;
    for (unsigned i = 0; i < 2; i++) {
        id.b[i ? 31 : 0] ^= 1; /* elsewhere, then a neighbour */
        assert_false(vdm_store_get(x->store, id, &r, &err));
        assert_int_equal(err.kind, VDM_ERR_NOT_FOUND);
        assert_null(r.read);
        assert_int_equal(state_of(x->store, id), VDM_STORE_MISSING);
        id.b[0] ^= i ? 0 : 1;
    }
    vdm_store_reader_close(&r);
}

/* S9: the bytes as they stand. */
static void test_get_does_not_judge(void **state)
{
    struct store_fixture *x = *state;
    struct vdm_store_reader r VDM_CLEANUP(vdm_store_reader_close) = {0};
    struct vdm_buf have VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_digest id = must_put(x->store, 1, 10).id;
    x->backend->damage(x, id, DAMAGE_GROW);
    assert_true(vdm_store_get(x->store, id, &r, NULL));
    assert_int_equal(r.size_bytes, 11);
    read_all(&r, &have);
    assert_int_equal(have.n, 11);
}

static void test_check_with_size(void **state)
{
    struct store_fixture *x = *state;
    enum vdm_store_state found;
    struct vdm_digest id = must_put(x->store, 1, 10).id;
    assert_true(vdm_store_check(x->store, id, 10, &found, NULL));
    assert_int_equal(found, VDM_STORE_GOOD);
    assert_true(vdm_store_check(x->store, id, 11, &found, NULL));
    assert_int_equal(found, VDM_STORE_DAMAGED);
}

/* S11 */
static void test_each(void **state)
{
    struct store_fixture *x = *state;
    struct seen *seen = test_calloc(1, sizeof *seen);
    assert_int_equal(object_count(x->store), 0);
    for (size_t i = 0; i < 150; i++)
        must_put(x->store, i, 1 + i % 50);
    assert_true(vdm_store_each(x->store, seen_visit, seen, NULL));
    assert_int_equal(seen->objects, 150);
    assert_int_equal(seen->stranger_count, 0);
    for (size_t i = 1; i < 150 && !x->backend->unordered; i++)
        assert_true(memcmp(seen->items[i - 1].id.b, seen->items[i].id.b, 32) < 0);
    for (size_t i = 0; i < 150; i++) {
        struct vdm_digest id = source_digest(x->crypto, i, 1 + i % 50);
        size_t at = 0;
        while (at < 150 && !vdm_digest_equal(seen->items[at].id, id))
            at++;
        assert_true(at < 150);
        assert_int_equal(seen->items[at].size_bytes, 1 + i % 50);
    }
    test_free(seen);
}

/* S12 */
static void test_each_stops(void **state)
{
    struct store_fixture *x = *state;
    struct vdm_err err = {0};
    struct seen *seen = test_calloc(1, sizeof *seen);
    /* So many that some share a fan-out folder: it must stop within one as well as between two. */
    for (size_t i = 0; i < 120; i++)
        must_put(x->store, i, 8);
    for (size_t n = 1; n <= 100; n++) {
        *seen = (struct seen){.stop_after = n};
        assert_true(vdm_store_each(x->store, seen_visit, seen, &err));
        assert_int_equal(seen->objects, n);
    }
    *seen = (struct seen){.fails = true};
    assert_false(vdm_store_each(x->store, seen_visit, seen, &err));
    assert_int_equal(err.kind, VDM_ERR_INTERRUPTED);
    assert_string_equal(err.text, "visitor: enough");
    test_free(seen);
}

struct other {
    struct vdm_store *store;
    struct vdm_store_reader r;
};

static bool read_other(void *ctx, uint8_t *p, size_t cap, size_t *got, struct vdm_err *err)
{
    struct other *o = ctx;
    return o->r.read(&o->r, p, cap, got, err);
}

/* A put may read from the store it puts to: here an object into itself. */
/* S14: the object and what was set aside of its id, and nothing else; twice is as good as once. */
static void test_erase(void **state)
{
    struct store_fixture *x = *state;
    struct vdm_digest gone = must_put(x->store, 1, 70000).id, stays = must_put(x->store, 2, 9).id;
    bool there;
    x->backend->damage(x, gone, DAMAGE_FLIP);
    assert_true(must_put(x->store, 1, 70000).repaired);
    x->backend->damage(x, stays, DAMAGE_FLIP);
    assert_true(must_put(x->store, 2, 9).repaired);
    assert_int_equal(x->backend->set_aside(x), 2);
    for (int i = 0; i < 2; i++) {
        assert_true(vdm_store_erase(x->store, gone, VDM_SIZE_UNKNOWN, NULL));
        assert_true(vdm_store_holds(x->store, gone, &there, NULL));
        assert_false(there);
        assert_int_equal(x->backend->set_aside(x), 1);
    }
    assert_int_equal(state_of(x->store, gone), VDM_STORE_MISSING);
    must_hold(x->store, stays, 2, 9);
    assert_true(vdm_store_holds(x->store, stays, &there, NULL));
    assert_true(there);
    assert_int_equal(object_count(x->store), 1);
    assert_true(must_put(x->store, 1, 70000).was_new);
    must_hold(x->store, gone, 1, 70000);
}

/* S16: what was set aside is kept, and makes room for a good one. */
static void test_set_aside(void **state)
{
    struct store_fixture *x = *state;
    struct vdm_digest id = must_put(x->store, 1, 700).id;
    for (int i = 0; i < 2; i++) {
        assert_true(vdm_store_set_aside(x->store, id, NULL));
        assert_int_equal(x->backend->set_aside(x), 1);
        assert_int_equal(state_of(x->store, id), VDM_STORE_MISSING);
    }
    assert_true(must_put(x->store, 1, 700).was_new);
    must_hold(x->store, id, 1, 700);
    assert_int_equal(x->backend->set_aside(x), 1);
}

/* What is derived is made anew; nothing else changes. */
static void test_reindex(void **state)
{
    struct store_fixture *x = *state;
    for (size_t i = 0; i < 20; i++)
        must_put(x->store, i, i * 1000);
    x->backend->damage(x, source_digest(x->crypto, 7, 7000), DAMAGE_FLIP);
    assert_true(must_put(x->store, 7, 7000).repaired);
    assert_true(
        vdm_store_erase(x->store, source_digest(x->crypto, 9, 9000), VDM_SIZE_UNKNOWN, NULL));
    assert_true(vdm_store_reindex(x->store, NULL));
    assert_int_equal(x->backend->set_aside(x), 1);
    for (size_t i = 0; i < 20; i++)
        if (i != 9)
            must_hold(x->store, source_digest(x->crypto, i, i * 1000), i, i * 1000);
    nothing_left(x, 19);
    assert_false(must_put(x->store, 3, 3000).was_new);
}

static void test_put_from_itself(void **state)
{
    struct store_fixture *x = *state;
    struct other o = {.store = x->store};
    struct vdm_stored first = must_put(x->store, 1, 200000), got;
    assert_true(vdm_store_get(x->store, first.id, &o.r, NULL));
    assert_true(vdm_store_put(x->store, read_other, &o, VDM_SIZE_UNKNOWN, &got, NULL));
    assert_true(vdm_digest_equal(first.id, got.id));
    assert_false(got.was_new);
    vdm_store_reader_close(&o.r);
    nothing_left(x, 1);
}

int store_contract_run(const struct store_backend *backend)
{
#define T(f) cmocka_unit_test_setup_teardown(f, store_setup, store_teardown)
    struct CMUnitTest tests[] = {
        T(test_put_and_get),
        T(test_pieces_and_hints),
        T(test_failing_source),
        T(test_twice),
        T(test_put_all),
        T(test_readers_in_turn),
        T(test_skip),
        T(test_damaged),
        T(test_damaged_when_empty),
        T(test_reader_outlives_repair),
        T(test_failed_sync_is_final),
        T(test_not_found),
        T(test_get_does_not_judge),
        T(test_check_with_size),
        T(test_each),
        T(test_each_stops),
        T(test_put_from_itself),
        T(test_erase),
        T(test_set_aside),
        T(test_reindex),
    };
    union {
        const struct store_backend *in;
        void *out;
    } initial = {backend};
    for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++)
        tests[i].initial_state = initial.out;
    return cmocka_run_group_tests_name(backend->name, tests, NULL, NULL);
}
