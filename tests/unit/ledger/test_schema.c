/* SPDX-License-Identifier: MIT */
/* Whatever is changed in a database's schema or header is noticed, also what looks the same as text. */
#include "unit/ledger/ledger_kit.h"

#include "ledger/catalog.h"
#include "ledger/schema.h"

static void as_made(void **state)
{
    struct kit *k = *state;
    struct vdm_buf why VDM_CLEANUP(vdm_buf_release) = {0};
    MUST(vdm_ledger_check_schema(k->dir, &why, &k->err));
    assert_int_equal(why.n, 0);
    raw_run(k->path, "VACUUM"); /* tidying up is no change */
    MUST(vdm_ledger_check_schema(k->dir, &why, &k->err));
    assert_int_equal(why.n, 0);
}

#define ON "PRAGMA writable_schema=ON;"

static const char *const edits[] = {
    "CREATE TABLE extra(a)",
    "CREATE VIEW extra AS SELECT 1",
    "CREATE INDEX extra ON entry(note)",
    "CREATE TRIGGER extra AFTER INSERT ON entry BEGIN SELECT 1; END",
    "DROP TRIGGER entry_keep_update",
    "DROP TABLE evidence",
    "DROP TABLE pack; CREATE TABLE pack(a)",
    "ALTER TABLE pack ADD COLUMN a INTEGER",
    "ALTER TABLE pack RENAME TO packs",
    "ALTER TABLE entry ADD COLUMN x INTEGER GENERATED ALWAYS AS (1) VIRTUAL",
    "ANALYZE",
    "DROP TRIGGER tile_new; CREATE TRIGGER tile_new BEFORE INSERT ON tile BEGIN SELECT 1; END",
    ON "UPDATE sqlite_schema SET sql = sql || ' ' WHERE name = 'entry'",
    ON "UPDATE sqlite_schema SET sql = replace(sql, 'n >= 0', 'n >= 1') WHERE name = 'entry'",
    ON "UPDATE sqlite_schema SET sql = replace(sql, 'ABORT', 'IGNORE') WHERE name = 'tile_grow'",
    ON "UPDATE sqlite_schema SET sql = replace(sql, ') STRICT', ')') WHERE name = 'record'",
    ON "UPDATE sqlite_schema SET sql = lower(sql) WHERE name = 'pack'",
    ON "UPDATE sqlite_schema SET sql = CAST(sql AS BLOB) WHERE name = 'record_new'",
    ON "UPDATE sqlite_schema SET tbl_name = CAST(tbl_name AS BLOB) WHERE name = 'record_new'",
    ON "UPDATE sqlite_schema SET tbl_name = 'pack' WHERE name = 'record_new'",
    ON "UPDATE sqlite_schema SET name = 'other' WHERE name = 'record_new'",
    ON "UPDATE sqlite_schema SET rootpage = (SELECT rootpage FROM sqlite_schema WHERE "
       "name = 'pack') WHERE name = 'evidence'",
    ON "UPDATE sqlite_schema SET rootpage = 2 WHERE name = 'record_new'",
    ON "DELETE FROM sqlite_schema WHERE name = 'tile_keep_delete'",
    ON "INSERT INTO sqlite_schema SELECT type, name, tbl_name, rootpage, sql FROM sqlite_schema "
       "WHERE name = 'tile_keep_delete'",
    "PRAGMA application_id=1",
    "PRAGMA user_version=2",
    "PRAGMA journal_mode=WAL",
};

/* Noticed, or so broken that it cannot be opened; but never passed. */
static void every_edit_is_noticed(void **state)
{
    for (size_t i = 0; i < sizeof edits / sizeof *edits; i++) {
        struct vdm_buf why VDM_CLEANUP(vdm_buf_release) = {0};
        if (i)
            kit_setup(state);
        struct kit *k = *state;
        vdm_ledger_close(k->l);
        k->l = NULL;
        raw_run(k->path, edits[i]);
        if (vdm_ledger_check_schema(k->dir, &why, &k->err) && why.n == 0)
            fail_msg("not noticed: %s", edits[i]);
        if (i + 1 < sizeof edits / sizeof *edits)
            kit_teardown(state);
    }
}

static void says_what(void **state)
{
    struct kit *k = *state;
    struct vdm_buf why VDM_CLEANUP(vdm_buf_release) = {0};
    raw_run(k->path, "CREATE TABLE extra(a)");
    MUST(vdm_ledger_check_schema(k->dir, &why, &k->err));
    vdm_buf_putc(&why, 0);
    assert_non_null(strstr((char *)why.p, "tables, indexes or triggers"));
}

static void header_says(struct kit *k, const char *words)
{
    struct vdm_buf why VDM_CLEANUP(vdm_buf_release) = {0};
    MUST(vdm_ledger_check_schema(k->dir, &why, &k->err));
    vdm_buf_putc(&why, 0);
    if (!strstr((char *)why.p, words))
        fail_msg("%s", (char *)why.p);
}

static void versions(void **state)
{
    struct vdm_buf why VDM_CLEANUP(vdm_buf_release) = {0};
    struct kit *k = *state;
    char sql[64];
    snprintf(sql, sizeof sql, "PRAGMA user_version=%d", VDM_LEDGER_SCHEMA_VERSION + 1);
    raw_run(k->path, sql);
    header_says(k, "says that a newer vidimus made it, but its tables are those of version 1");
    raw_run(k->path, "CREATE TABLE of_later(a)");
    MUST_NOT(vdm_ledger_check_schema(k->dir, &why, &k->err), "made by a newer vidimus");
    assert_int_equal(k->err.kind, VDM_ERR_FAILED);
    assert_null(strstr(k->err.text, "could not be read"));
    raw_run(k->path, "PRAGMA user_version=0");
    header_says(k, "version 0 of the database, which is none");
}

/* What nobody can open without waiting is not opened. */
static void odd_journal(void **state)
{
    struct kit *k = *state;
    PATH(journal, "%s/ledger.db-journal", k->dir);
    vdm_ledger_close(k->l);
    k->l = NULL;
    unlink(journal);
    assert_int_equal(mkfifo(journal, 0600), 0);
    header_says(k, "its journal is not a file");
    MUST_NOT(vdm_ledger_open(&k->l, k->dir, VDM_LEDGER_READ, &k->err), "its journal is not a file");
    assert_int_equal(k->err.kind, VDM_ERR_MALFORMED);
}

/* A program may be started without standard input. */
static void descriptor_zero(void **state)
{
    struct kit *k = *state;
    struct vdm_catalog *c = NULL;
    int input = dup(0);
    close(0);
    bool ok = vdm_catalog_open(&c, k->dir, VDM_LEDGER_WRITE, &k->err);
    if (input >= 0) {
        assert_int_equal(dup2(input, 0), 0);
        close(input);
    }
    assert_true(ok);
    vdm_catalog_close(c);
}

/* Every byte of the file's header that says what kind of database it is. */
static void header(void **state)
{
    static const int bytes[] = {0, 5, 15, 18, 19, 56, 59, 60, 63, 68, 71};
    struct kit *k = *state;
    vdm_ledger_close(k->l);
    k->l = NULL;
    struct vdm_buf file VDM_CLEANUP(vdm_buf_release) = file_content(k->path);
    for (size_t i = 0; i < sizeof bytes / sizeof *bytes; i++) {
        struct vdm_buf why VDM_CLEANUP(vdm_buf_release) = {0};
        file.p[bytes[i]] ^= 3;
        file_write(k->path, vdm_buf_bytes(&file));
        file.p[bytes[i]] ^= 3;
        MUST(vdm_ledger_check_schema(k->dir, &why, &k->err));
        assert_true(why.n > 0);
    }
    struct vdm_buf why VDM_CLEANUP(vdm_buf_release) = {0};
    file_write(k->path, (struct vdm_bytes){file.p, 99});
    MUST(vdm_ledger_check_schema(k->dir, &why, &k->err));
    assert_true(why.n > 0);
    /* A catalog in the ledger's place. */
    struct vdm_catalog *c = NULL;
    MUST(vdm_catalog_open(&c, k->dir, VDM_LEDGER_WRITE, &k->err));
    vdm_catalog_close(c);
    PATH(catalog, "%s/catalog.db", k->dir);
    assert_int_equal(rename(catalog, k->path), 0);
    vdm_buf_clear(&why);
    MUST(vdm_ledger_check_schema(k->dir, &why, &k->err));
    assert_true(why.n > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        KIT_TEST(as_made),  KIT_TEST(every_edit_is_noticed), KIT_TEST(says_what),
        KIT_TEST(versions), KIT_TEST(odd_journal),           KIT_TEST(descriptor_zero),
        KIT_TEST(header),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
