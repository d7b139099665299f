/* SPDX-License-Identifier: MIT */
/* Entries that are signed side by side while others are composed: their order, their records meanwhile, and what
 * happens when that is broken off or a signature fails. */
#include "unit/ops/archive_kit.h"

#include "base/pool.h"

#include <stdatomic.h>

static atomic_uint under_way, made;
static atomic_bool slow;
static const char *fails_at; /* in the text of the entry, or NULL */

bool __real_vdm_signer_append_note(const struct vdm_signer *s, struct vdm_bytes text,
                                   struct vdm_buf *out, struct vdm_err *err);
bool __wrap_vdm_signer_append_note(const struct vdm_signer *s, struct vdm_bytes text,
                                   struct vdm_buf *out, struct vdm_err *err);
bool __wrap_vdm_signer_append_note(const struct vdm_signer *s, struct vdm_bytes text,
                                   struct vdm_buf *out, struct vdm_err *err)
{
    bool ok;
    atomic_fetch_add(&under_way, 1);
    if (atomic_load(&slow))
        usleep(300);
    ok = fails_at && memmem(text.p, text.n, fails_at, strlen(fails_at))
             ? vdm_fail(err, "no signature today")
             : __real_vdm_signer_append_note(s, text, out, err);
    atomic_fetch_add(&made, 1);
    atomic_fetch_sub(&under_way, 1);
    return ok;
}

/* The record of capture n: of a document of its own. */
static void record_of(struct kit *k, uint64_t n, struct vdm_buf *text, struct vdm_entry *e)
{
    char title[64];
    uint8_t secret[32];
    struct vdm_record r;
    snprintf(title, sizeof title, "title of %llu", (unsigned long long)n);
    memset(secret, (int)n, sizeof secret);
    const struct vdm_record_line line = {VDM_FIELD_TITLE, vdm_str(title)};
    struct vdm_bytes document = vdm_str(title);
    vdm_buf_clear(text);
    MUST(vdm_record_append(text, secret, vdm_sha256(k->c, document), document.n, &line, 1, &r,
                           &k->err));
    MUST(vdm_record_commit(k->c, &r, &e->capture.record, &k->err));
}

static bool add(struct kit *k, struct vdm_pool *pool)
{
    struct vdm_buf text VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_entry e = {.kind = VDM_ENTRY_CAPTURE};
    uint64_t n = vdm_writer_next(k->w);
    char title[64];
    snprintf(title, sizeof title, "title of %llu", (unsigned long long)n);
    put_document(k, title);
    record_of(k, n, &text, &e);
    e.recorded.seconds = 1600000000 + (int64_t)n;
    bool ok = vdm_writer_add(k->w, pool, &e, k->key[AMAL], vdm_buf_bytes(&text), &k->err);
    assert_true(!ok || (e.n == n && vdm_writer_next(k->w) == n + 1));
    return ok;
}

static void must_be_read(struct kit *k, uint64_t from, uint64_t to)
{
    struct vdm_buf want VDM_CLEANUP(vdm_buf_release) = {0}, got VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_entry e = {0};
    bool found;
    for (uint64_t n = from; n < to; n++) {
        vdm_buf_clear(&got);
        record_of(k, n, &want, &e);
        MUST(vdm_writer_record(k->w, n, &got, &found, &k->err));
        assert_true(found && vdm_bytes_equal(vdm_buf_bytes(&want), vdm_buf_bytes(&got)));
    }
    vdm_buf_clear(&got);
    MUST(vdm_writer_record(k->w, to, &got, &found, &k->err));
    assert_false(found);
}

static void commit_and_check(struct kit *k, uint64_t entries)
{
    MUST(vdm_store_sync(k->a->store, &k->err));
    MUST(vdm_writer_commit(k->w, &k->err));
    must_be_read(k, 2, entries);
    kit_close(k);
    MUST(kit_check(k, (struct asked){0}));
    assert_int_equal(k->report.entries, entries);
    assert_int_equal(vdm_report_findings(&k->report), 0);
    kit_open(k);
}

static void start(struct kit *k, struct vdm_pool **pool)
{
    atomic_store(&slow, false);
    fails_at = NULL;
    kit_start(k);
    kit_make(k, 0);
    MUST(vdm_pool_open(pool, 3, &k->err));
    MUST(vdm_writer_begin(k->w, &k->err));
}

static void are_read_meanwhile(void **state)
{
    struct kit kit = {0}, *k = &kit;
    struct vdm_pool *pool;
    (void)state;
    start(k, &pool);
    for (uint64_t n = 2; n < 802; n++) {
        MUST(add(k, pool));
        if (n % 37 == 0)
            must_be_read(k, n > 600 ? n - 600 : 2, n + 1);
    }
    commit_and_check(k, 802);
    vdm_pool_close(pool);
    kit_end(k);
}

/* By one pool, by none, by another: what is under way is finished by who began it. */
static void by_several_pools(void **state)
{
    struct kit kit = {0}, *k = &kit;
    struct vdm_pool *pool[3] = {NULL};
    (void)state;
    start(k, &pool[0]);
    MUST(vdm_pool_open(&pool[1], 2, &k->err));
    atomic_store(&slow, true);
    for (unsigned i = 0; i < 900; i++) /* by a pool last */
        MUST(add(k, pool[i / 300 == 1 ? 2 : i / 300 / 2]));
    must_be_read(k, 2, 902);
    MUST(vdm_store_sync(k->a->store, &k->err));
    MUST(vdm_writer_commit(k->w, &k->err));
    vdm_pool_close(pool[0]);
    vdm_pool_close(pool[1]);
    MUST(vdm_writer_begin(k->w, &k->err)); /* they are gone */
    MUST(add(k, NULL));
    commit_and_check(k, 903);
    kit_end(k);
}

/* Once it is broken off nobody signs any more, and what comes next begins where it began. */
static void broken_off(void **state)
{
    struct kit kit = {0}, *k = &kit;
    struct vdm_pool *pool;
    (void)state;
    start(k, &pool);
    atomic_store(&slow, true);
    for (unsigned i = 0; i < 600; i++)
        MUST(add(k, pool));
    vdm_writer_abort(k->w);
    unsigned before = atomic_load(&made);
    assert_int_equal(atomic_load(&under_way), 0);
    usleep(20000);
    assert_int_equal(atomic_load(&made), before);
    MUST(vdm_writer_begin(k->w, &k->err));
    assert_int_equal(vdm_writer_next(k->w), 2);
    MUST(add(k, pool));
    commit_and_check(k, 3);
    vdm_pool_close(pool);
    kit_end(k);
}

static void signature_fails(void **state)
{
    struct kit kit = {0}, *k = &kit;
    struct vdm_pool *pool;
    bool ok = true;
    (void)state;
    start(k, &pool);
    fails_at = "\nentry 301\n";
    for (unsigned i = 0; ok && i < 1000; i++)
        ok = add(k, pool);
    assert_false(ok);
    assert_non_null(strstr(k->err.text, "entry 301: no signature today"));
    vdm_writer_abort(k->w);
    MUST(vdm_writer_begin(k->w, &k->err));
    for (unsigned i = 0; i < 310; i++) /* not all that wait are signed before the commit */
        MUST(add(k, pool));
    MUST_NOT(vdm_writer_commit(k->w, &k->err), "entry 301: no signature today");
    fails_at = NULL;
    MUST(vdm_writer_begin(k->w, &k->err));
    assert_int_equal(vdm_writer_next(k->w), 2);
    MUST(add(k, pool));
    commit_and_check(k, 3);
    vdm_pool_close(pool);
    kit_end(k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(are_read_meanwhile),
        cmocka_unit_test(by_several_pools),
        cmocka_unit_test(broken_off),
        cmocka_unit_test(signature_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
