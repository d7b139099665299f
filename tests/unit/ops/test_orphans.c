/* SPDX-License-Identifier: MIT */
/* What stands in the store and is no entry's: that it is told, with threads and without, and what happens when the
 * catalog changes or fails meanwhile. */
#include "unit/ops/archive_kit.h"

#include "base/pool.h"
#include "ledger/catalog.h"

#define CAPTURES 300 /* enough for threads */

/* What the catalog does at the first question for a document. */
static enum { ANSWERS, FAILS, IS_EMPTIED } does;
static unsigned asked;
static struct kit *at_hand;
static unsigned threads_asked_for;

/* As a withdrawal leaves it for a moment, which then makes it anew. */
static void empty_catalog(struct kit *k)
{
    struct vdm_catalog *c = NULL;
    struct vdm_catalog_reach reach = {0};
    PATH(store, "%s/store", k->path);
    MUST(vdm_catalog_open(&c, store, VDM_LEDGER_WRITE, &k->err));
    MUST(vdm_catalog_begin(c, &k->err));
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
    if (asked++ > 0)
        return __real_vdm_catalog_has_document(c, document, found, err);
    if (does == FAILS)
        return vdm_fail(err, "no such luck");
    if (!__real_vdm_catalog_has_document(c, document, found, err))
        return false;
    if (does == IS_EMPTIED) {
        vdm_catalog_rollback(c); /* it is held */
        empty_catalog(at_hand);
        return vdm_catalog_hold(c, err);
    }
    return true;
}

bool __real_vdm_pool_open(struct vdm_pool **out, unsigned workers, struct vdm_err *err);
bool __wrap_vdm_pool_open(struct vdm_pool **out, unsigned workers, struct vdm_err *err);
bool __wrap_vdm_pool_open(struct vdm_pool **out, unsigned workers, struct vdm_err *err)
{
    threads_asked_for = workers;
    return __real_vdm_pool_open(out, workers, err);
}

static bool check(struct kit *k, unsigned threads)
{
    asked = 0;
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

static void must_be_told(struct kit *k, uint64_t n, unsigned unknown)
{
    kit_close(k);
    for (unsigned threads = 1; threads <= 2; threads++) {
        MUST(check(k, threads));
        assert_int_equal(k->report.kinds[VDM_ORPHAN_DOCUMENT], n);
        assert_int_equal(asked, unknown);
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

/* The catalog is asked for what no entry led to, and for nothing else. */
static void are_told(void **state)
{
    struct kit kit = {0}, *k = &kit;
    (void)state;
    start(k);
    must_be_told(k, 0, 0);
    shell("touch %s/store/packs/odd", k->path);
    put_documents(k, 0, 2);
    must_be_told(k, 3, 2);
    assert_string_equal(k->report.notices.list[1].message, "store/packs/odd does not belong there");
    put_documents(k, 2, 2500);
    must_be_told(k, 2501, 2500);
    kit_end(k);
}

/* What an entry says of itself and has not is not taken for an entry's document: the catalog is asked for those. */
static void of_a_damaged_entry(void **state)
{
    struct kit kit = {0}, *k = &kit;
    (void)state;
    start(k);
    edit_ledger(k, "DELETE FROM record WHERE n = 5");
    MUST(check(k, 2));
    assert_int_equal(asked, 1);
    assert_int_equal(k->report.kinds[VDM_ORPHAN_DOCUMENT], 0);
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
    assert_int_equal(threads_asked_for, 1);
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
    assert_int_equal(threads_asked_for, 0); /* as many as there are processors */
    kit_end(k);
}

static void must_not_be_looked_for(struct kit *k, const char *why)
{
    MUST(check(k, 2));
    assert_int_equal(k->report.kinds[VDM_CATALOG_BEHIND], 1);
    const struct vdm_findings *all = &k->report.notices;
    size_t i = 0;
    while (all->list[i].kind != VDM_CATALOG_BEHIND && i + 1 < all->count)
        i++;
    assert_non_null(strstr(all->list[i].message, "was not looked for"));
    assert_non_null(strstr(all->list[i].message, why));
}

/* To a catalog that is made anew little is known: what is told ends there, and that it does is told. */
static void catalog_changes(void **state)
{
    struct kit kit = {0}, *k = &kit;
    (void)state;
    start(k);
    put_documents(k, 0, 600); /* more than are asked of one state */
    kit_close(k);
    does = IS_EMPTIED;
    must_not_be_looked_for(k, "making it anew");
    assert_int_equal(k->report.kinds[VDM_ORPHAN_DOCUMENT], 500);
    kit_end(k);
}

static void catalog_fails(void **state)
{
    struct kit kit = {0}, *k = &kit;
    (void)state;
    start(k);
    put_documents(k, 0, 2);
    kit_close(k);
    does = FAILS;
    must_not_be_looked_for(k, "no such luck");
    assert_int_equal(k->report.kinds[VDM_ORPHAN_DOCUMENT], 0);
    kit_end(k);
}

/* Ctrl-C after the pass, which is over after one batch. */
static bool stop(void *ctx)
{
    bool *before = ctx, now = *before;
    *before = true;
    return now;
}

static void is_interrupted(void **state)
{
    struct kit kit = {0}, *k = &kit;
    (void)state;
    start(k);
    put_documents(k, 0, 2);
    kit_close(k);
    bool before = false;
    struct vdm_progress progress = {NULL, stop, &before};
    struct vdm_verify_options o = {.threads = 2};
    MUST_NOT(vdm_verify_archive(k->c, k->path, &o, &progress, &k->report, &k->err),
             "interrupted while it looked for documents");
    assert_int_equal(k->err.kind, VDM_ERR_INTERRUPTED);
    kit_end(k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(are_told),      cmocka_unit_test(of_a_damaged_entry),
        cmocka_unit_test(few_but_large), cmocka_unit_test(catalog_changes),
        cmocka_unit_test(catalog_fails), cmocka_unit_test(is_interrupted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
