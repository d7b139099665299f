/* SPDX-License-Identifier: MIT */
/* What the catalog learns of entries is what it answers; whatever else stands in its place is told
 * apart from it. */
#include "unit/ledger/catalog_kit.h"

static void reach(void **state)
{
    struct kit *k = *state;
    struct vdm_catalog_reach r;
    MUST(vdm_catalog_reached(k->c, &r, &k->err));
    assert_int_equal(r.entries, 0);
    learn_all(k);
    reopen(k, VDM_LEDGER_READ);
    MUST(vdm_catalog_reached(k->c, &r, &k->err));
    assert_int_equal(r.entries, 10);
    assert_true(vdm_digest_equal(r.last, digest(9)));
    assert_false(vdm_catalog_begin(k->c, &k->err) &&
                 vdm_catalog_commit(k->c, (struct vdm_catalog_reach){0}, &k->err));
}

static void same(struct kit *k, int of, const char *source, const char *captured, uint64_t want)
{
    uint64_t n = 0;
    bool found;
    struct vdm_bytes none = {NULL, 0};
    MUST(vdm_catalog_find_same(k->c, digest(of), source ? vdm_str(source) : none,
                               captured ? vdm_str(captured) : none, &n, &found, &k->err));
    assert_int_equal(found ? n : 0, want);
}

static void finding_the_same(void **state)
{
    struct kit *k = *state;
    learn_all(k);
    same(k, 1, "s", "2020", 2);
    same(k, 1, "s", NULL, 0);
    same(k, 1, "s", "2021", 0);
    same(k, 1, NULL, NULL, 9);
    same(k, 2, "s", NULL, 3);
    same(k, 3, "s", NULL, 0); /* withdrawn: may be captured again */
    same(k, 4, "s5", NULL, 0);
    uint64_t n;
    bool found;
    MUST(vdm_catalog_last_of_source(k->c, VDM_LIT("s"), &n, &found, &k->err));
    assert_true(found && n == 4);
    MUST(vdm_catalog_last_of_source(k->c, VDM_LIT("s5"), &n, &found, &k->err));
    assert_false(found); /* forgotten */
}

static void listed(struct kit *k, struct vdm_catalog_filter f, uint64_t after, const char *want)
{
    uint64_t n[3];
    char got[64] = "";
    size_t count, at = 0;
    do {
        MUST(vdm_catalog_list(k->c, &f, after, n, 3, &count, &k->err));
        for (size_t i = 0; i < count; i++)
            at += (size_t)snprintf(got + at, sizeof got - at, "%d ", (int)n[i]);
        after = count ? n[count - 1] : after;
    } while (count == 3);
    assert_string_equal(got, want);
}

static void listing(void **state)
{
    struct kit *k = *state;
    struct vdm_digest one = digest(1), forgotten = digest(4);
    learn_all(k);
    listed(k, (struct vdm_catalog_filter){0}, UINT64_MAX, "2 3 4 5 9 ");
    listed(k, (struct vdm_catalog_filter){.newest_first = true}, UINT64_MAX, "9 5 4 3 2 ");
    listed(k, (struct vdm_catalog_filter){0}, 4, "5 9 ");
    listed(k, (struct vdm_catalog_filter){.newest_first = true}, 4, "3 2 ");
    listed(k, (struct vdm_catalog_filter){.source = VDM_LIT("s")}, UINT64_MAX, "2 3 4 ");
    listed(k, (struct vdm_catalog_filter){.issuer = VDM_LIT("A")}, UINT64_MAX, "2 ");
    listed(k, (struct vdm_catalog_filter){.issuer = VDM_LIT("B")}, UINT64_MAX, "2 3 ");
    listed(k, (struct vdm_catalog_filter){.issuer = VDM_LIT("C")}, UINT64_MAX, "4 ");
    listed(k, (struct vdm_catalog_filter){.collection = VDM_LIT("c")}, UINT64_MAX, "2 ");
    listed(k, (struct vdm_catalog_filter){.document = &one}, UINT64_MAX, "2 9 ");
    listed(k, (struct vdm_catalog_filter){.document = &forgotten}, UINT64_MAX, "");
    listed(k,
           (struct vdm_catalog_filter){.from = VDM_LIT("2020-09-13T12:26:43Z"),
                                       .to = VDM_LIT("2020-09-13T12:26:44Z")},
           UINT64_MAX, "3 4 ");
    listed(k, (struct vdm_catalog_filter){.source = VDM_LIT("x' OR 1=1")}, UINT64_MAX, "");
}

#define FIND(...)                                                                                  \
    (struct vdm_catalog_filter)                                                                    \
    {                                                                                              \
        .term = (struct vdm_catalog_term[]){__VA_ARGS__},                                          \
        .terms =                                                                                   \
            sizeof((struct vdm_catalog_term[]){__VA_ARGS__}) / sizeof(struct vdm_catalog_term)     \
    }
#define WORD(w)                                                                                    \
    {                                                                                              \
        VDM_LIT(w), false, false                                                                   \
    }
#define BEGIN(w)                                                                                   \
    {                                                                                              \
        VDM_LIT(w), true, false                                                                    \
    }
#define NO(w)                                                                                      \
    {                                                                                              \
        VDM_LIT(w), false, true                                                                    \
    }

static void searching(void **state)
{
    struct kit *k = *state;
    learn_all(k);
    listed(k, FIND(WORD("a")), UINT64_MAX, "2 "); /* of 3 no more: the newest record counts */
    listed(k, FIND(WORD("b")), UINT64_MAX, "2 3 ");
    listed(k, FIND(WORD("old")), UINT64_MAX, "");
    listed(k, FIND(WORD("new")), UINT64_MAX, "3 ");
    listed(k, FIND(WORD("c")), UINT64_MAX, "2 4 "); /* 4: only its document is withdrawn */
    listed(k, FIND(WORD("s5")), UINT64_MAX, "");    /* withdrawn with its record */
    listed(k, FIND(WORD("s"), WORD("b")), UINT64_MAX, "2 3 ");
    listed(k, FIND(WORD("s"), NO("b")), UINT64_MAX, "4 ");
    listed(k, FIND(NO("new"), WORD("b"), NO("nowhere")), UINT64_MAX, "2 ");
    listed(k, FIND(WORD("t a")), UINT64_MAX, ""); /* not across two values */
    listed(k, FIND(BEGIN("ne")), UINT64_MAX, "3 ");
    listed(k, FIND(WORD("ne")), UINT64_MAX, "");
    listed(k, FIND(BEGIN("20")), UINT64_MAX, "2 ");
    struct vdm_catalog_filter both = FIND(WORD("s"));
    both.issuer = VDM_LIT("C");
    listed(k, both, UINT64_MAX, "4 ");
    both.newest_first = true;
    both.issuer = (struct vdm_bytes){0};
    listed(k, both, UINT64_MAX, "4 3 2 ");
}

struct collected {
    char text[64];
};

static bool collect(void *ctx, struct vdm_bytes name, uint64_t captures)
{
    struct collected *c = ctx;
    size_t at = strlen(c->text);
    snprintf(c->text + at, sizeof c->text - at, "%.*s=%d ", (int)name.n, (const char *)name.p,
             (int)captures);
    return true;
}

static void collections(void **state)
{
    struct kit *k = *state;
    struct collected c = {""};
    learn_all(k);
    MUST(vdm_catalog_begin(k->c, &k->err));
    learn(k, VDM_ENTRY_CAPTURE, 10, 0, 5, "collection d\n");
    learn(k, VDM_ENTRY_CAPTURE, 11, 0, 5, "collection d\n");
    MUST(vdm_catalog_collections(k->c, collect, &c, &k->err));
    assert_string_equal(c.text, "d=2 c=1 ");
}

static void fates(void **state)
{
    static const struct {
        uint64_t n, amended, withdrawn;
    } want[] = {
        {2, UINT64_MAX, UINT64_MAX}, {3, 6, UINT64_MAX}, {4, UINT64_MAX, 7}, {5, UINT64_MAX, 8}};
    struct kit *k = *state;
    struct vdm_catalog_fate fate;
    struct vdm_catalog_totals totals;
    bool found;
    learn_all(k);
    for (size_t i = 0; i < 4; i++) {
        MUST(vdm_catalog_fate(k->c, want[i].n, &fate, &found, &k->err));
        assert_true(found);
        assert_int_equal(fate.amended, want[i].amended);
        assert_int_equal(fate.withdrawn, want[i].withdrawn);
    }
    MUST(vdm_catalog_fate(k->c, 6, &fate, &found, &k->err));
    assert_false(found);
    MUST(vdm_catalog_totals(k->c, &totals, &k->err));
    assert_int_equal(totals.captures, 5);
    assert_int_equal(totals.documents, 3); /* 1, 2, 3: each once, the forgotten one not */
    assert_int_equal(totals.bytes, 60);
}

static void comparing(void **state)
{
    struct kit *k = *state;
    struct vdm_catalog_compared is;
    learn_all(k);
    compare(k, 2, 1, "collection c\nsource s\ncaptured 2020\ntitle T\nissuer B\nissuer A\n", true);
    compare(k, 2, 1, "collection c\nsource s\ncaptured 2020\ntitle T\nissuer B\n", false);
    compare(k, 2, 1, "collection c\nsource s\ncaptured 2020\ntitle T\nissuer A\nissuer D\n", false);
    compare(k, 2, 1, "source s\ncaptured 2020\ntitle T\nissuer A\nissuer B\n", false);
    compare(k, 2, 2, "collection c\nsource s\ncaptured 2020\ntitle T\nissuer A\nissuer B\n", false);
    compare(k, 3, 2, "source s\ntitle new\nissuer B\n", true);
    compare(k, 3, 2, "source s\ntitle old\nissuer A\n", false);
    compare(k, 5, 0, NULL, true);
    compare(k, 2, 0, NULL, false);
    compare(k, 7, 0, NULL, false); /* no capture */
    MUST(vdm_catalog_compare(k->c, 3, (struct vdm_time){1600000003}, NULL, &is, &k->err));
    assert_true(is.found && is.same_time);
    MUST(vdm_catalog_compare(k->c, 3, (struct vdm_time){1600000004}, NULL, &is, &k->err));
    assert_true(is.found && !is.same_time);
    MUST(vdm_catalog_compare(k->c, 7, (struct vdm_time){1600000007}, NULL, &is, &k->err));
    assert_false(is.found || is.same_time || is.same_record);
    for (uint64_t n = 2; n < 6; n++) {
        struct vdm_catalog_fate fate;
        bool found;
        MUST(vdm_catalog_fate(k->c, n, &fate, &found, &k->err));
        MUST(vdm_catalog_compare(k->c, n, (struct vdm_time){0}, NULL, &is, &k->err));
        assert_int_equal(is.found, found);
        assert_true(!found ||
                    (is.fate.amended == fate.amended && is.fate.withdrawn == fate.withdrawn));
    }
}

/* Its record may be gone by the time that the catalog is made anew. */
static void without_a_record(void **state)
{
    struct kit *k = *state;
    MUST(vdm_catalog_begin(k->c, &k->err));
    learn(k, VDM_ENTRY_CAPTURE, 2, 0, 0, NULL);
    learn(k, VDM_ENTRY_CAPTURE, 3, 0, 2, "source s\nissuer A\n");
    learn(k, VDM_ENTRY_AMENDMENT, 4, 3, 0, NULL);
    compare(k, 2, 0, NULL, true);
    compare(k, 3, 0, NULL, true);
    compare(k, 2, 2, "source s\nissuer A\n", false);
}

/* What cannot be prepared is an error in each call, and says what it is about. */
static void without_tables(void **state)
{
    struct kit *k = *state;
    struct vdm_catalog_reach reach;
    struct vdm_catalog_fate fate;
    struct vdm_catalog_totals totals;
    uint64_t n;
    bool is;
    MUST(vdm_catalog_begin(k->c, &k->err));
    assert_int_equal(
        sqlite3_exec(k->c->db, "DROP TABLE capture; DROP TABLE reached", NULL, NULL, NULL),
        SQLITE_OK);
    struct vdm_catalog_compared compared;
    for (int i = 0; i < 6; i++) {
        k->err = (struct vdm_err){0};
        bool ok =
            i == 0   ? vdm_catalog_reached(k->c, &reach, &k->err)
            : i == 1 ? vdm_catalog_fate(k->c, 2, &fate, &is, &k->err)
            : i == 2 ? vdm_catalog_totals(k->c, &totals, &k->err)
            : i == 3 ? vdm_catalog_has_document(k->c, digest(1), &is, &k->err)
            : i == 4 ? vdm_catalog_last_of_source(k->c, VDM_LIT("s"), &n, &is, &k->err)
                     : vdm_catalog_compare(k->c, 2, (struct vdm_time){0}, NULL, &compared, &k->err);
        assert_false(ok);
        assert_non_null(strstr(k->err.text, "catalog: no such table"));
    }
}

static void authorizer_refuses(void **state)
{
    static const char *const denied[] = {"ATTACH ':memory:' AS other", "PRAGMA journal_mode=WAL",
                                         "PRAGMA synchronous=OFF"};
    struct kit *k = *state;
    sqlite3_stmt *s = NULL;
    for (size_t i = 0; i < sizeof denied / sizeof *denied; i++)
        assert_int_equal(sqlite3_prepare_v2(k->c->db, denied[i], -1, &s, NULL), SQLITE_AUTH);
}

static void rolled_back(void **state)
{
    struct kit *k = *state;
    struct vdm_catalog_totals totals;
    MUST(vdm_catalog_begin(k->c, &k->err));
    learn(k, VDM_ENTRY_CAPTURE, 2, 0, 1, "");
    vdm_catalog_rollback(k->c);
    MUST(vdm_catalog_totals(k->c, &totals, &k->err));
    assert_int_equal(totals.captures, 0);
    MUST(vdm_catalog_begin(k->c, &k->err));
    learn(k, VDM_ENTRY_CAPTURE, 2, 0, 1, "");
    reopen(k, VDM_LEDGER_WRITE);
    MUST(vdm_catalog_totals(k->c, &totals, &k->err));
    assert_int_equal(totals.captures, 0);
}

static void what_is_no_catalog(void **state)
{
    struct kit *k = *state;
    struct vdm_catalog *c = NULL;
    PATH(path, "%s/catalog.db", k->dir);
    PATH(wal, "%s/catalog.db-wal", k->dir);
    learn_all(k);
    vdm_catalog_close(k->c);
    k->c = NULL;
    struct vdm_buf good VDM_CLEANUP(vdm_buf_release) = file_content(path);
    for (int i = 0; i < 4; i++) {
        file_write(path, vdm_buf_bytes(&good));
        if (i == 0)
            file_write(path, VDM_LIT("text"));
        if (i == 1)
            file_write(path, VDM_LIT(""));
        if (i == 2) {
            good.p[63]++; /* user_version */
            file_write(path, vdm_buf_bytes(&good));
            good.p[63]--;
        }
        if (i == 3)
            file_write(wal, VDM_LIT("x"));
        for (int mode = 0; mode < 2; mode++) {
            k->err = (struct vdm_err){0};
            assert_false(
                vdm_catalog_open(&c, k->dir, mode ? VDM_LEDGER_WRITE : VDM_LEDGER_READ, &k->err));
            assert_int_equal(k->err.kind, VDM_ERR_MALFORMED);
        }
    }
    MUST(vdm_catalog_remove(k->dir, &k->err));
    assert_int_equal(access(wal, F_OK), -1);
    MUST(vdm_catalog_remove(k->dir, &k->err)); /* nothing there is fine */
    assert_false(vdm_catalog_open(&c, k->dir, VDM_LEDGER_READ, &k->err));
    assert_int_equal(k->err.kind, VDM_ERR_NOT_FOUND);
    MUST(vdm_catalog_open(&k->c, k->dir, VDM_LEDGER_WRITE, &k->err));
}

static void other_tables(void **state)
{
    struct kit *k = *state;
    struct vdm_catalog *c = NULL;
    assert_int_equal(sqlite3_exec(k->c->db, "CREATE TABLE extra(a)", NULL, NULL, NULL), SQLITE_OK);
    assert_false(vdm_catalog_open(&c, k->dir, VDM_LEDGER_READ, &k->err));
    assert_int_equal(k->err.kind, VDM_ERR_MALFORMED);
    assert_non_null(strstr(k->err.text, "catalog.db: its tables"));
}

/* A link goes away, and not what it leads to; a folder is no matter of ours. */
static void removing(void **state)
{
    struct kit *k = *state;
    PATH(path, "%s/catalog.db", k->dir);
    PATH(other, "%s/other", k->dir);
    PATH(shm, "%s/catalog.db-shm", k->dir);
    PATH(nowhere, "%s/nowhere", k->dir);
    file_write(other, VDM_LIT("other"));
    assert_int_equal(unlink(path), 0);
    assert_int_equal(symlink("other", path), 0);
    MUST(vdm_catalog_remove(k->dir, &k->err));
    assert_int_equal(access(path, F_OK), -1);
    struct vdm_buf left VDM_CLEANUP(vdm_buf_release) = file_content(other);
    assert_true(vdm_bytes_equal_str(vdm_buf_bytes(&left), "other"));
    assert_int_equal(mkdir(shm, 0700), 0);
    assert_false(vdm_catalog_remove(k->dir, &k->err));
    assert_non_null(strstr(k->err.text, "remove catalog.db: "));
    assert_false(vdm_catalog_remove(nowhere, &k->err));
    assert_non_null(strstr(k->err.text, "nowhere: "));
}

/* Enough for rows and words to lie on many pages. */
static void learn_many(struct kit *k)
{
    char lines[64];
    MUST(vdm_catalog_begin(k->c, &k->err));
    for (int i = 0; i < 500; i++) {
        snprintf(lines, sizeof lines, "source quzzle%d\ntitle quzzle%d\nissuer quzzle%d\n", i,
                 i * 7, i % 9);
        learn(k, VDM_ENTRY_CAPTURE, (uint64_t)i + 2, 0, 1 + i % 200, lines);
    }
    MUST(vdm_catalog_commit(k->c, (struct vdm_catalog_reach){502, digest(9)}, &k->err));
}

/* What is taken out is in no byte of the file, and who has it open goes on. */
static void clear(void **state)
{
    struct kit *k = *state;
    struct vdm_catalog *reader VDM_CLEANUP(vdm_catalog_cleanup) = NULL;
    struct vdm_catalog_reach reach;
    PATH(path, "%s/catalog.db", k->dir);
    learn_many(k);
    struct vdm_buf full VDM_CLEANUP(vdm_buf_release) = file_content(path);
    assert_non_null(memmem(full.p, full.n, "uzzl", 4));
    MUST(vdm_catalog_open(&reader, k->dir, VDM_LEDGER_READ, &k->err));
    MUST(vdm_catalog_clear(k->c, &k->err));
    MUST(vdm_catalog_reached(reader, &reach, &k->err));
    assert_int_equal(reach.entries, 0);
    assert_true(vdm_catalog_is_there(k->c));
    assert_true(vdm_catalog_is_there(reader));
    struct vdm_buf left VDM_CLEANUP(vdm_buf_release) = file_content(path);
    assert_null(memmem(left.p, left.n, "uzzl", 4));
    learn_all(k);
    reopen(k, VDM_LEDGER_WRITE);
    MUST(vdm_catalog_remove(k->dir, &k->err));
    assert_false(vdm_catalog_is_there(k->c));
}

/* As the ledger: after a power cut it may be behind, but not wrong. */
static void synced_in_full(void **state)
{
    struct kit *k = *state;
    sqlite3_stmt *s = NULL;
    sqlite3_set_authorizer(k->c->db, NULL, NULL);
    assert_int_equal(sqlite3_prepare_v2(k->c->db, "PRAGMA synchronous", -1, &s, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(s), SQLITE_ROW);
    assert_int_equal(sqlite3_column_int(s, 0), 3); /* EXTRA */
    sqlite3_finalize(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(reach),          TEST(finding_the_same),
        TEST(listing),        TEST(searching),
        TEST(collections),    TEST(fates),
        TEST(comparing),      TEST(without_a_record),
        TEST(without_tables), TEST(authorizer_refuses),
        TEST(other_tables),   TEST(removing),
        TEST(rolled_back),    TEST(what_is_no_catalog),
        TEST(synced_in_full), TEST(clear),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
