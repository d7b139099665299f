/* SPDX-License-Identifier: MIT */
/* One difference alone is seen: between what the catalog holds and what a record says, one field at a
 * time; in rows that were changed by hand; in entries that say nothing of captures. */
#include "unit/ledger/catalog_kit.h"

#define SOURCE     "source s\n"
#define CAPTURED   "captured 2020\n"
#define COLLECTION "collection c\n"
#define TITLE      "title T\n"
#define ISSUED     "issued 2019\n"

static void learn_one(struct kit *k, const char *lines)
{
    MUST(vdm_catalog_begin(k->c, &k->err));
    learn(k, VDM_ENTRY_CAPTURE, 2, 0, 1, lines);
    MUST(vdm_catalog_commit(k->c, (struct vdm_catalog_reach){3, digest(9)}, &k->err));
}

/* Past the authorizer. */
static void edit(struct kit *k, const char *sql)
{
    if (sqlite3_exec(k->c->db, sql, NULL, NULL, NULL) != SQLITE_OK)
        fail_msg("%s: %s", sql, sqlite3_errmsg(k->c->db));
}

static void one_field(void **state)
{
    static const char *const others[] = {
        COLLECTION "source x\n" CAPTURED TITLE ISSUED,    COLLECTION CAPTURED TITLE ISSUED,
        COLLECTION SOURCE "captured 2021\n" TITLE ISSUED, COLLECTION SOURCE TITLE ISSUED,
        "collection x\n" SOURCE CAPTURED TITLE ISSUED,    SOURCE CAPTURED TITLE ISSUED,
        COLLECTION SOURCE CAPTURED "title X\n" ISSUED,    COLLECTION SOURCE CAPTURED ISSUED,
        COLLECTION SOURCE CAPTURED TITLE "issued 2018\n", COLLECTION SOURCE CAPTURED TITLE,
    };
    struct kit *k = *state;
    learn_one(k, COLLECTION SOURCE CAPTURED TITLE ISSUED);
    compare(k, 2, 1, COLLECTION SOURCE CAPTURED TITLE ISSUED, true);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        compare(k, 2, 1, others[i], false);
}

/* What the record states, the catalog must not leave open. */
static void more_than_the_catalog(void **state)
{
    static const char *const more[] = {SOURCE, CAPTURED, COLLECTION, TITLE, ISSUED};
    struct kit *k = *state;
    learn_one(k, "");
    compare(k, 2, 1, "", true);
    for (size_t i = 0; i < sizeof more / sizeof *more; i++)
        compare(k, 2, 1, more[i], false);
}

static void document_and_size(void **state)
{
    struct kit *k = *state;
    learn_one(k, SOURCE);
    edit(k, "UPDATE capture SET size = 11");
    compare(k, 2, 1, SOURCE, false);
    edit(k, "UPDATE capture SET size = 10");
    compare(k, 2, 1, SOURCE, true);
    edit(k, "UPDATE capture SET document = zeroblob(32)");
    compare(k, 2, 1, SOURCE, false);
}

static void issuers(void **state)
{
    struct kit *k = *state;
    learn_one(k, "issuer A\nissuer B\nissuer A\n");
    compare(k, 2, 1, "issuer A\nissuer B\nissuer A\n", true);
    compare(k, 2, 1, "issuer B\nissuer A\nissuer B\n", true);
    compare(k, 2, 1, "issuer A\nissuer B\nissuer D\n", false);
    compare(k, 2, 1, "issuer A\nissuer D\n", false);
    compare(k, 2, 1, "issuer A\n", false);
}

/* An empty text is no value that is not stated; no issuer stays of what is forgotten. */
static void changed_by_hand(void **state)
{
    struct kit *k = *state;
    learn_all(k);
    compare(k, 9, 1, "", true);
    edit(k, "UPDATE capture SET collection = '' WHERE n = 9");
    compare(k, 9, 1, "", false);
    compare(k, 5, 0, NULL, true);
    edit(k, "INSERT INTO issuer VALUES('C', 5)");
    compare(k, 5, 0, NULL, false);
}

/* Something else than a digest leads nowhere. */
static void odd_reach(void **state)
{
    static const char *const edits[] = {"UPDATE reached SET last = x'00'",
                                        "UPDATE reached SET last = zeroblob(33)",
                                        "UPDATE reached SET last = x''"};
    struct kit *k = *state;
    struct vdm_catalog_reach r;
    learn_all(k);
    for (size_t i = 0; i < sizeof edits / sizeof *edits; i++) {
        edit(k, edits[i]);
        MUST(vdm_catalog_reached(k->c, &r, &k->err));
        assert_int_equal(r.entries, 0);
    }
}

static void versions(void **state)
{
    struct kit *k = *state;
    struct vdm_catalog *reader VDM_CLEANUP(vdm_catalog_cleanup) = NULL;
    uint64_t before = 0, still = 0, after = 0;
    MUST(vdm_catalog_open(&reader, k->dir, VDM_LEDGER_READ, &k->err));
    MUST(vdm_catalog_version(reader, &before, &k->err));
    MUST(vdm_catalog_version(reader, &still, &k->err));
    assert_int_equal(before, still);
    learn_all(k);
    MUST(vdm_catalog_version(reader, &after, &k->err));
    assert_int_not_equal(before, after);
}

/* Whatever stands in them where a withdrawal has its capture. */
static void entries_of_other_kinds(void **state)
{
    struct kit *k = *state;
    struct vdm_catalog_fate fate = {7, 8};
    bool found;
    learn_all(k);
    for (int kind = 0; kind <= VDM_ENTRY_UNKNOWN; kind++) {
        struct vdm_entry e = {.kind = (enum vdm_entry_kind)kind, .n = 10 + (uint64_t)kind};
        e.withdrawal = (struct vdm_withdrawal){.of = 2, .scope = VDM_SCOPE_BOTH};
        if (kind == VDM_ENTRY_CAPTURE || kind == VDM_ENTRY_AMENDMENT ||
            kind == VDM_ENTRY_WITHDRAWAL)
            continue;
        MUST(vdm_catalog_learn(k->c, &e, NULL, &k->err));
    }
    MUST(vdm_catalog_fate(k->c, 2, &fate, &found, &k->err));
    assert_true(found && fate.withdrawn == UINT64_MAX);
    /* What is not found leaves things as they were. */
    fate = (struct vdm_catalog_fate){7, 8};
    MUST(vdm_catalog_fate(k->c, 99, &fate, &found, &k->err));
    assert_true(!found && fate.amended == 7 && fate.withdrawn == 8);
}

static bool only_one(void *ctx, struct vdm_bytes name, uint64_t captures)
{
    (void)name;
    (void)captures;
    ++*(int *)ctx;
    return false;
}

static void enough_is_enough(void **state)
{
    struct kit *k = *state;
    int told = 0;
    learn_all(k);
    MUST(vdm_catalog_begin(k->c, &k->err));
    learn(k, VDM_ENTRY_CAPTURE, 10, 0, 5, "collection d\n");
    MUST(vdm_catalog_collections(k->c, only_one, &told, &k->err));
    assert_int_equal(told, 1);
    vdm_catalog_rollback(NULL);
    vdm_catalog_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(one_field), TEST(more_than_the_catalog),  TEST(document_and_size),
        TEST(issuers),   TEST(changed_by_hand),        TEST(odd_reach),
        TEST(versions),  TEST(entries_of_other_kinds), TEST(enough_is_enough),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
