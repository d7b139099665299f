/* SPDX-License-Identifier: MIT */
/* What stands in the store and is no entry's is looked for beside the pass: that it is told, as without threads,
 * and what happens when the catalog changes or fails meanwhile. */
#include "unit/ops/archive_kit.h"

#include "ledger/catalog.h"

#include <pthread.h>
#include <stdatomic.h>

#define CAPTURES 300 /* enough for threads */

/* What the catalog does at the first question for a document. */
static enum { ANSWERS, FAILS, IS_EMPTIED, WAITS } does;
static atomic_bool asked, stopped;
static struct kit *at_hand;
static pthread_t asked_by;

/* As a withdrawal does, which then makes it anew. */
static void write_to_catalog(struct kit *k)
{
    struct vdm_catalog *c = NULL;
    struct vdm_catalog_reach reach;
    PATH(store, "%s/store", k->path);
    MUST(vdm_catalog_open(&c, store, VDM_LEDGER_WRITE, &k->err));
    MUST(vdm_catalog_begin(c, &k->err));
    MUST(vdm_catalog_reached(c, &reach, &k->err));
    MUST(vdm_catalog_commit(c, reach, &k->err));
    vdm_catalog_close(c);
}

bool __real_vdm_catalog_has_document(struct vdm_catalog *c, struct vdm_digest document, bool *found,
                                     struct vdm_err *err);
bool __wrap_vdm_catalog_has_document(struct vdm_catalog *c, struct vdm_digest document, bool *found,
                                     struct vdm_err *err);
bool __wrap_vdm_catalog_has_document(struct vdm_catalog *c, struct vdm_digest document, bool *found,
                                     struct vdm_err *err)
{
    if (atomic_exchange(&asked, true))
        return __real_vdm_catalog_has_document(c, document, found, err);
    asked_by = pthread_self();
    if (does == FAILS)
        return vdm_fail(err, "the catalog cannot be read");
    while (does == WAITS && !atomic_load(&stopped))
        usleep(1000);
    if (does != IS_EMPTIED)
        return __real_vdm_catalog_has_document(c, document, found, err);
    vdm_catalog_rollback(c); /* it is held */
    write_to_catalog(at_hand);
    *found = false;
    return true;
}

/* Ctrl-C after the pass, which is over after one batch. */
static bool stop(void *ctx)
{
    bool *before = ctx, now = *before;
    *before = true;
    if (now)
        atomic_store(&stopped, true);
    return now;
}

static bool check(struct kit *k, unsigned threads)
{
    atomic_store(&asked, false);
    return kit_check(k, (struct asked){.threads = threads});
}

static void start(struct kit *k)
{
    does = ANSWERS;
    at_hand = k;
    kit_start(k);
    kit_make(k, 0);
    capture_until(k, CAPTURES);
    kit_close(k);
}

static void must_be_told(struct kit *k, uint64_t n)
{
    kit_close(k);
    for (unsigned threads = 1; threads <= 2; threads++) {
        MUST(check(k, threads));
        assert_int_equal(pthread_equal(asked_by, pthread_self()) == 0, threads == 2);
        assert_int_equal(k->report.kinds[VDM_ORPHAN_DOCUMENT], n);
    }
}

static void put_documents(struct kit *k, unsigned from, unsigned to)
{
    char text[64];
    kit_open(k);
    for (unsigned i = from; i < to; i++) {
        snprintf(text, sizeof text, "nobody captured %u", i);
        put_document(k, text);
    }
}

/* By a thread, and by none; more than are kept while the pass is under way, too. */
static void are_told(void **state)
{
    struct kit kit = {0}, *k = &kit;
    (void)state;
    start(k);
    must_be_told(k, 0);
    shell("touch %s/store/packs/odd", k->path);
    put_documents(k, 0, 2);
    must_be_told(k, 3);
    assert_string_equal(k->report.notices.list[1].message, "store/packs/odd does not belong there");
    put_documents(k, 2, 9999);
    must_be_told(k, 10000);
    put_documents(k, 9999, 10001);
    must_be_told(k, 10002);
    kit_end(k);
}

/* No threads for next to nothing; but a few large documents are much. */
static void few_but_large(void **state)
{
    struct kit kit = {0}, *k = &kit;
    (void)state;
    does = ANSWERS;
    kit_start(k);
    kit_make(k, 0);
    capture_until(k, 4);
    kit_close(k);
    MUST(check(k, 0));
    assert_true(pthread_equal(asked_by, pthread_self()));
    char *large = malloc(9 << 20);
    assert_non_null(large);
    memset(large, 'x', 9 << 20);
    large[(9 << 20) - 1] = 0;
    kit_open(k);
    MUST(vdm_writer_begin(k->w, &k->err));
    append_capture(k, AMAL, large, 0);
    MUST(vdm_store_sync(k->a->store, &k->err));
    MUST(vdm_writer_commit(k->w, &k->err));
    free(large);
    kit_close(k);
    MUST(check(k, 0));
    assert_false(pthread_equal(asked_by, pthread_self()));
    kit_end(k);
}

/* Of what was not known to a catalog that changed meanwhile nothing is told. */
static void catalog_changes(void **state)
{
    struct kit kit = {0}, *k = &kit;
    (void)state;
    start(k);
    does = IS_EMPTIED;
    MUST(check(k, 2));
    assert_true(atomic_load(&asked));
    assert_int_equal(k->report.kinds[VDM_ORPHAN_DOCUMENT], 0);
    kit_end(k);
}

static void catalog_fails(void **state)
{
    struct kit kit = {0}, *k = &kit;
    (void)state;
    start(k);
    does = FAILS;
    for (unsigned threads = 1; threads <= 2; threads++)
        MUST_NOT(check(k, threads), "the catalog cannot be read");
    kit_end(k);
}

static void is_interrupted(void **state)
{
    struct kit kit = {0}, *k = &kit;
    (void)state;
    start(k);
    does = WAITS;
    for (unsigned threads = 1; threads <= 2; threads++) {
        bool before = false;
        struct vdm_progress progress = {NULL, stop, &before};
        struct vdm_verify_options o = {.threads = threads};
        atomic_store(&asked, threads == 1); /* then none waits */
        atomic_store(&stopped, false);
        MUST_NOT(vdm_verify_archive(k->c, k->path, &o, &progress, &k->report, &k->err),
                 "interrupted while it looked for documents");
        assert_int_equal(k->err.kind, VDM_ERR_INTERRUPTED);
    }
    kit_end(k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(are_told),        cmocka_unit_test(few_but_large),
        cmocka_unit_test(catalog_changes), cmocka_unit_test(catalog_fails),
        cmocka_unit_test(is_interrupted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
