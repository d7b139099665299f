/* SPDX-License-Identifier: MIT */
/* What leads to the captures of a document or a source, in three tables of which rows move on: whatever
 * was learned in whatever order, the answers are those of a plain list. */
#include "unit/ledger/catalog_kit.h"

#include "ledger/schema.h"

static uint64_t room = UINT64_MAX;

bool __wrap_vdm_path_free(const char *path, uint64_t *bytes, struct vdm_err *err);
bool __wrap_vdm_path_free(const char *path, uint64_t *bytes, struct vdm_err *err)
{
    (void)path;
    (void)err;
    *bytes = room;
    return true;
}

/* --- the plain list --- */

#define DOCUMENTS 14
#define SOURCES   6 /* and none */
#define MOST      1200

struct plain {
    uint64_t n, withdrawn;
    int document; /* -1: forgotten */
    int source;   /* SOURCES: not stated */
    bool dated;
};

struct list {
    struct plain p[MOST];
    size_t count;
    uint64_t next; /* entry */
};

/* Two and two have the same key. */
static struct vdm_digest document(int i)
{
    struct vdm_digest d = digest(0x31 + i / 2);
    d.b[31] = (uint8_t)i;
    return d;
}

static struct vdm_bytes source(int i)
{
    static const char *const names[SOURCES] = {
        "https://a.example/", "https://b.example/", "c", "d d", "e", "https://a.example"};
    return i == SOURCES ? (struct vdm_bytes){0} : vdm_str(names[i]);
}

static struct vdm_bytes date(bool dated)
{
    return dated ? VDM_LIT("2020") : (struct vdm_bytes){0};
}

static unsigned seed;

static int random_below(int n)
{
    seed = seed * 1103515245 + 12345;
    return (int)((seed >> 8) % (unsigned)n);
}

static void teach(struct kit *k, const struct vdm_entry *e, const struct plain *p)
{
    struct vdm_buf text VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_record r;
    char hex[65];
    if (p->document >= 0) {
        vdm_digest_hex(document(p->document), hex);
        vdm_buf_putf(&text, "vidimus/record/v1\n" SECRET "document sha256:%s %d\n", hex,
                     p->document);
        if (p->source < SOURCES)
            vdm_buf_putf(&text, "source %s\n", (const char *)source(p->source).p);
        if (p->dated)
            vdm_buf_puts(&text, "captured 2020\n");
        MUST(vdm_record_decode(vdm_buf_bytes(&text), &r, &k->err));
    }
    MUST(vdm_catalog_learn(k->c, e, p->document >= 0 ? &r : NULL, &k->err));
}

static struct plain any(uint64_t n)
{
    return (struct plain){n, 0, random_below(DOCUMENTS), random_below(SOURCES + 1),
                          random_below(3) == 0};
}

static void capture(struct kit *k, struct list *l, struct plain p)
{
    struct vdm_entry e = {.kind = VDM_ENTRY_CAPTURE, .n = l->next++};
    p.n = e.n;
    assert_true(l->count < MOST);
    l->p[l->count++] = p;
    teach(k, &e, &p);
}

static const struct plain gone = {.document = -1, .source = SOURCES};

static void amend(struct kit *k, struct list *l, struct plain *p)
{
    struct vdm_entry e = {.kind = VDM_ENTRY_AMENDMENT, .n = l->next++, .capture.amends = p->n};
    struct plain is = random_below(20) ? any(p->n) : gone;
    is.n = p->n;
    is.withdrawn = p->withdrawn;
    if (random_below(2))
        is.document = p->document; /* as it mostly is */
    if (is.document < 0)
        is = (struct plain){p->n, p->withdrawn, -1, SOURCES, false};
    *p = is;
    teach(k, &e, p);
}

static void withdraw(struct kit *k, struct list *l, struct plain *p)
{
    struct vdm_entry e = {.kind = VDM_ENTRY_WITHDRAWAL, .n = l->next++};
    e.withdrawal.of = p->n;
    e.withdrawal.scope = random_below(2) ? VDM_SCOPE_DOCUMENT : VDM_SCOPE_BOTH;
    p->withdrawn = e.n;
    if (e.withdrawal.scope == VDM_SCOPE_BOTH)
        *p = (struct plain){p->n, p->withdrawn, -1, SOURCES, false};
    MUST(vdm_catalog_learn(k->c, &e, NULL, &k->err));
}

static void some_entry(struct kit *k, struct list *l)
{
    int what = random_below(10);
    if (what < 7 || l->count == 0)
        capture(k, l, any(0));
    else if (what < 9)
        amend(k, l, &l->p[random_below((int)l->count)]);
    else
        withdraw(k, l, &l->p[random_below((int)l->count)]);
}

/* --- the answers of both --- */

static bool is_same(const struct plain *p, int document, int source, bool dated)
{
    return p->document == document && p->source == source && p->dated == dated && !p->withdrawn;
}

static void compare_same(struct kit *k, const struct list *l, int d, int s, bool dated)
{
    uint64_t newest = UINT64_MAX, first = UINT64_MAX, from = l->next / 3, to = l->next * 2 / 3, n;
    bool found;
    for (size_t i = 0; i < l->count; i++) {
        const struct plain *p = &l->p[i];
        if (!is_same(p, d, s, dated))
            continue;
        newest = p->n;
        if (first == UINT64_MAX && p->n >= from && p->n < to)
            first = p->n;
    }
    MUST(vdm_catalog_find_same(k->c, document(d), source(s), date(dated), &n, &found, &k->err));
    assert_int_equal(found ? n : UINT64_MAX, newest);
    MUST(vdm_catalog_next_same(k->c, document(d), source(s), date(dated), from, to, &n, &found,
                               &k->err));
    assert_int_equal(found ? n : UINT64_MAX, first);
}

/* -1: any. All of it, page by page. */
static void compare_list(struct kit *k, const struct list *l, int d, int s, bool newest_first)
{
    struct vdm_digest digest = document(d < 0 ? 0 : d);
    struct vdm_catalog_filter f = {.newest_first = newest_first,
                                   .document = d < 0 ? NULL : &digest};
    uint64_t page[7], after = UINT64_MAX;
    size_t count = 0, at = 0;
    if (s >= 0)
        f.source = source(s);
    for (size_t i = 0; i < l->count; i++) {
        const struct plain *p = &l->p[newest_first ? l->count - 1 - i : i];
        if ((d >= 0 && p->document != d) || (s >= 0 && p->source != s))
            continue;
        if (at == count) {
            MUST(vdm_catalog_list(k->c, &f, after, page, 7, &count, &k->err));
            at = 0;
        }
        assert_true(at < count);
        after = page[at++];
        assert_int_equal(after, p->n);
    }
    assert_int_equal(at, count);
    MUST(vdm_catalog_list(k->c, &f, after, page, 7, &count, &k->err));
    assert_true(count == 0 || after == UINT64_MAX);
    assert_int_equal(after == UINT64_MAX ? count : 0, 0);
}

static void compare_source(struct kit *k, const struct list *l, int s)
{
    uint64_t newest = UINT64_MAX, n;
    bool found;
    for (size_t i = 0; i < l->count; i++)
        newest = l->p[i].source == s ? l->p[i].n : newest;
    MUST(vdm_catalog_last_of_source(k->c, source(s), &n, &found, &k->err));
    assert_int_equal(found ? n : UINT64_MAX, newest);
    compare_list(k, l, -1, s, false);
    compare_list(k, l, -1, s, true);
}

static void compare_document(struct kit *k, const struct list *l, int d)
{
    bool found, known = false;
    for (size_t i = 0; i < l->count; i++)
        known = known || l->p[i].document == d;
    MUST(vdm_catalog_has_document(k->c, document(d), &found, &k->err));
    assert_int_equal(found, known);
    for (int s = 0; s <= SOURCES; s++) {
        compare_same(k, l, d, s, false);
        compare_same(k, l, d, s, true);
    }
    compare_list(k, l, d, -1, false);
    compare_list(k, l, d, -1, true);
    compare_list(k, l, d, d % SOURCES, false);
}

static void compare_sums(struct kit *k, const struct list *l)
{
    struct vdm_catalog_totals totals;
    uint64_t documents = 0, bytes = 0, captures;
    bool found;
    for (int d = 0; d < DOCUMENTS; d++)
        for (size_t i = 0; i < l->count; i++)
            if (l->p[i].document == d) {
                documents++;
                bytes += (uint64_t)d;
                break;
            }
    MUST(vdm_catalog_totals(k->c, &totals, &k->err));
    assert_int_equal(totals.captures, l->count);
    assert_int_equal(totals.documents, documents);
    assert_int_equal(totals.bytes, bytes);
    MUST(vdm_catalog_count(k->c, &captures, &found, &k->err));
    assert_int_equal(captures, l->count);
    assert_true(found);
}

static void compare_all(struct kit *k, const struct list *l)
{
    for (int d = 0; d < DOCUMENTS; d++)
        compare_document(k, l, d);
    for (int s = 0; s < SOURCES; s++)
        compare_source(k, l, s);
    compare_sums(k, l);
}

static int rows(struct kit *k, const char *table)
{
    char sql[64];
    sqlite3_stmt *s = NULL;
    snprintf(sql, sizeof sql, "SELECT count(*) FROM %s", table);
    assert_int_equal(sqlite3_prepare_v2(k->c->db, sql, -1, &s, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(s), SQLITE_ROW);
    int n = sqlite3_column_int(s, 0);
    sqlite3_finalize(s);
    return n;
}

static void end(struct kit *k, const struct list *l)
{
    MUST(vdm_catalog_commit(k->c, (struct vdm_catalog_reach){l->next, digest(9)}, &k->err));
}

static void batch(struct kit *k, struct list *l, int entries)
{
    MUST(vdm_catalog_begin(k->c, &k->err));
    for (int i = 0; i < entries; i++)
        some_entry(k, l);
}

/* Some batches are given up, after or before they are whole. */
static void grow(struct kit *k, struct list *l, uint64_t entries)
{
    struct list *before = malloc(sizeof *before);
    assert_non_null(before);
    while (l->next < entries) {
        *before = *l;
        batch(k, l, 1 + random_below(30));
        if (random_below(8) == 0) {
            compare_sums(k, l);
            vdm_catalog_rollback(k->c);
            *l = *before;
        } else {
            end(k, l);
        }
        if (random_below(6) == 0)
            compare_all(k, l);
    }
    free(before);
}

static struct list *start(struct kit *k, uint64_t limit)
{
    struct list *l = calloc(1, sizeof *l);
    assert_non_null(l);
    room = UINT64_MAX;
    vdm_leads_limit(k->c, limit);
    return l;
}

/* --- tests --- */

static void any_history(void **state)
{
    struct kit *k = *state;
    for (unsigned i = 0; i < 4; i++) {
        struct list *l = start(k, i == 0 ? 1 : 4 * i);
        seed = 77 + i;
        grow(k, l, 700);
        compare_all(k, l);
        assert_true(rows(k, "lead0") <= 60 && rows(k, "lead1") > 0 && rows(k, "lead2") > 300);
        reopen(k, VDM_LEDGER_READ);
        compare_all(k, l);
        reopen(k, VDM_LEDGER_WRITE);
        MUST(vdm_catalog_clear(k->c, &k->err));
        free(l);
    }
}

static int oldest(struct kit *k)
{
    sqlite3_stmt *s = NULL;
    assert_int_equal(sqlite3_prepare_v2(k->c->db, "SELECT min(n) FROM lead1", -1, &s, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_step(s), SQLITE_ROW);
    int n = sqlite3_column_int(s, 0);
    sqlite3_finalize(s);
    return n;
}

/* lead1 has no more than its share, whichever range was the last, and nothing stays in it for long. */
static void levels_have_bounds(void **state)
{
    struct kit *k = *state;
    struct list *l = start(k, 8);
    int most = 0;
    seed = 5;
    while (l->next < 1000) {
        MUST(vdm_catalog_begin(k->c, &k->err));
        for (int i = 0; i < 5; i++)
            capture(k, l, any(0));
        end(k, l);
        assert_true(rows(k, "lead0") < 8 + 2 * 5);
        most = rows(k, "lead1") > most ? rows(k, "lead1") : most;
    }
    assert_in_range(oldest(k), 600, 999);
    assert_true(most > 8 * VDM_LEADS_AGE / 2 && most <= 2 * 8 * VDM_LEADS_AGE);
    free(l);
}

/* In the midst of moving, once by an error and once by the end of the program. */
static void interrupted(void **state)
{
    static const char *const stops[] = {"lead1", "lead2", "lead_turn"};
    char sql[128];
    struct kit *k = *state;
    struct list *l = start(k, 4), *before = malloc(sizeof *before);
    assert_non_null(before);
    seed = 3;
    grow(k, l, 300);
    *before = *l;
    for (int i = 0; i < 6; i++) {
        snprintf(sql, sizeof sql,
                 "CREATE TEMP TRIGGER stop BEFORE INSERT ON %s "
                 "BEGIN SELECT RAISE(ABORT, 'stop'); END",
                 stops[i % 3]);
        assert_int_equal(sqlite3_exec(k->c->db, sql, NULL, NULL, NULL), SQLITE_OK);
        batch(k, l, 40);
        MUST_NOT(vdm_catalog_commit(k->c, (struct vdm_catalog_reach){l->next, digest(9)}, &k->err),
                 "catalog: stop");
        if (i < 3)
            vdm_catalog_rollback(k->c);
        reopen(k, VDM_LEDGER_WRITE);
        vdm_leads_limit(k->c, 4);
        *l = *before;
        compare_all(k, l);
    }
    grow(k, l, 500);
    compare_all(k, l);
    free(before);
    free(l);
}

/* Moving needs room for a journal; where there is none, all is found as well. */
static void no_room(void **state)
{
    struct kit *k = *state;
    struct list *l = start(k, 4);
    seed = 11;
    room = 1 << 20;
    grow(k, l, 200);
    compare_all(k, l);
    assert_true(rows(k, "lead0") > 200 && rows(k, "lead1") == 0);
    room = UINT64_C(1) << 30;
    batch(k, l, 1);
    end(k, l);
    assert_true(rows(k, "lead0") == 0 && rows(k, "lead2") > 100);
    compare_all(k, l);
    free(l);
}

/* One among many. */
static void compare_rare(struct kit *k)
{
    struct vdm_digest one = document(5);
    struct vdm_catalog_filter f = {.document = &one};
    uint64_t n[2];
    size_t count;
    for (int i = 0; i < 4; i++) {
        MUST(vdm_catalog_list(k->c, &f, UINT64_MAX, n, 2, &count, &k->err));
        assert_true(count == 1 && n[0] == 20000);
        f.newest_first = i == 1;
        f.document = i ? NULL : &one;
        f.source = source(4);
    }
}

static int steps; /* hundreds of them, of SQLite's machine */

static int count_steps(void *ctx)
{
    (void)ctx;
    steps++;
    return 0;
}

/* However many captures a source or a document has: what is asked for a few looks at a few. */
static void of_many(void **state)
{
    struct kit *k = *state;
    struct list *l = start(k, 512);
    uint64_t page[10], n;
    size_t count;
    bool found;
    struct vdm_digest one = document(1);
    MUST(vdm_catalog_begin(k->c, &k->err));
    for (int i = 0; i < 20000; i++) {
        struct vdm_entry e = {.kind = VDM_ENTRY_CAPTURE, .n = (uint64_t)i};
        struct plain p = {0, 0, 1, 2, false};
        teach(k, &e, &p);
        if (i % 700 == 699) {
            MUST(vdm_catalog_commit(k->c, (struct vdm_catalog_reach){e.n, digest(9)}, &k->err));
            MUST(vdm_catalog_begin(k->c, &k->err));
        }
    }
    l->next = 20000;
    capture(k, l, (struct plain){0, 0, 5, 4, false});
    end(k, l);
    sqlite3_progress_handler(k->c->db, 100, count_steps, NULL);
    for (int i = 0; i < 8; i++) {
        struct vdm_catalog_filter f = {.newest_first = i % 2, .document = i & 2 ? &one : NULL};
        f.source = i & 2 ? (struct vdm_bytes){0} : source(2);
        steps = 0;
        MUST(vdm_catalog_list(k->c, &f, i & 4 ? 10000 : UINT64_MAX, page, 10, &count, &k->err));
        assert_int_equal(count, 10);
        assert_int_equal(page[9], i & 4 ? (i % 2 ? 9990 : 10010) : (i % 2 ? 19990 : 9));
        assert_in_range(steps, 0, 20);
    }
    steps = 0;
    compare_rare(k);
    MUST(vdm_catalog_last_of_source(k->c, source(2), &n, &found, &k->err));
    assert_true(found && n == 19999);
    MUST(vdm_catalog_find_same(k->c, one, source(2), date(false), &n, &found, &k->err));
    assert_true(found && n == 19999);
    MUST(vdm_catalog_next_same(k->c, one, source(2), date(false), 12345, 20000, &n, &found,
                               &k->err));
    assert_true(found && n == 12345);
    MUST(vdm_catalog_has_document(k->c, one, &found, &k->err));
    assert_true(found);
    assert_in_range(steps, 0, 20);
    free(l);
}

/* A lead that is gone, is another one, or is there twice. */
static void what_does_not_fit(void **state)
{
    static const char *const edits[] = {
        "DELETE FROM lead0 WHERE n = 2",
        "DELETE FROM lead0 WHERE n = 3 AND key < 0",
        "UPDATE lead0 SET n = 77 WHERE n = 4",
        "UPDATE lead0 SET key = key + 1 WHERE n = 4 AND key >= 0",
        "INSERT INTO lead2 SELECT key, n FROM lead0 WHERE n = 2",
        "INSERT INTO lead1 VALUES(7, 7)",
        "UPDATE capture SET source = 'other' WHERE n = 9",
        "UPDATE lead0 SET n = CASE n WHEN 2 THEN 3 ELSE 2 END WHERE n IN (2, 3) AND key >= 0",
    };
    struct kit *k = *state;
    uint64_t captures;
    bool found;
    learn_all(k);
    for (size_t i = 0; i < sizeof edits / sizeof *edits; i++) {
        MUST(vdm_catalog_begin(k->c, &k->err));
        MUST(vdm_catalog_count(k->c, &captures, &found, &k->err));
        assert_true(found && captures == 5);
        assert_int_equal(sqlite3_exec(k->c->db, edits[i], NULL, NULL, NULL), SQLITE_OK);
        MUST(vdm_catalog_count(k->c, &captures, &found, &k->err));
        if (found)
            fail_msg("not noticed: %s", edits[i]);
        vdm_catalog_rollback(k->c);
    }
}

/* As SQLite writes a number of 8 bytes. */
static bool is_in_file(struct kit *k, int64_t key)
{
    PATH(path, "%s/catalog.db", k->dir);
    struct vdm_buf all VDM_CLEANUP(vdm_buf_release) = file_content(path);
    uint8_t number[8];
    for (int i = 0; i < 8; i++)
        number[i] = (uint8_t)((uint64_t)key >> (56 - 8 * i));
    return memmem(all.p, all.n, number, 8) != NULL;
}

/* What was withdrawn with its record leads nowhere any more, nor is it left in the file; from whichever
 * table. */
static void forgotten(void **state)
{
    struct kit *k = *state;
    for (int level = 0; level < 3; level++) {
        struct list *l = start(k, level ? 1 : 1000);
        struct vdm_entry e = {.kind = VDM_ENTRY_WITHDRAWAL, .n = 1, .withdrawal = {0}};
        struct vdm_digest d = document(13);
        int64_t document_key = vdm_lead_document(vdm_digest_bytes(&d)), source_key;
        MUST(vdm_lead_source(k->c, source(1), &source_key, &k->err));
        MUST(vdm_catalog_begin(k->c, &k->err));
        capture(k, l, (struct plain){0, 0, 13, 1, false});
        end(k, l);
        for (int i = 0; level == 2 && i < 60; i++) {
            MUST(vdm_catalog_begin(k->c, &k->err));
            capture(k, l, (struct plain){0, 0, i % 12, 2, false});
            end(k, l);
        }
        assert_true(is_in_file(k, document_key) && is_in_file(k, source_key));
        e.withdrawal.scope = VDM_SCOPE_BOTH;
        MUST(vdm_catalog_begin(k->c, &k->err));
        vdm_leads_limit(k->c, 1000);
        MUST(vdm_catalog_learn(k->c, &e, NULL, &k->err));
        l->p[0] = (struct plain){0, 1, -1, SOURCES, false};
        end(k, l);
        assert_false(is_in_file(k, document_key) || is_in_file(k, source_key));
        compare_all(k, l);
        MUST(vdm_catalog_clear(k->c, &k->err));
        free(l);
    }
}

static void cleared(void **state)
{
    static const char *const tables[] = {"lead0", "lead1", "lead2", "lead_turn"};
    struct kit *k = *state;
    struct list *l = start(k, 4);
    seed = 8;
    grow(k, l, 150);
    room = 0;
    grow(k, l, 170);
    for (int i = 0; i < 4; i++)
        assert_true(rows(k, tables[i]) > 0);
    MUST(vdm_catalog_clear(k->c, &k->err));
    for (int i = 0; i < 4; i++)
        assert_int_equal(rows(k, tables[i]), 0);
    for (int d = 0; d < DOCUMENTS; d++) {
        struct vdm_digest one = document(d);
        assert_false(is_in_file(k, vdm_lead_document(vdm_digest_bytes(&one))));
    }
    free(l);
}

/* Put what the catalog holds into one as version 1 had it. */
static void make_old(struct kit *k)
{
    PATH(path, "%s/catalog.db", k->dir);
    PATH(old, "%s/old.db", k->dir);
    char attach[sizeof path + 32];
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(old, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "PRAGMA application_id=0x76643163; PRAGMA user_version=1",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    for (const char *const *s = vdm_catalog_schema_1; *s; s++)
        assert_int_equal(sqlite3_exec(db, *s, NULL, NULL, NULL), SQLITE_OK);
    snprintf(attach, sizeof attach, "ATTACH '%s' AS now", path);
    assert_int_equal(sqlite3_exec(db, attach, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db,
                                  "INSERT INTO main.capture SELECT * FROM now.capture; "
                                  "INSERT INTO main.reached SELECT * FROM now.reached",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    sqlite3_close(db);
    assert_int_equal(rename(old, path), 0);
}

/* Who only reads can use it. */
static void of_version_1(void **state)
{
    struct kit *k = *state;
    struct list *l = start(k, 4);
    struct vdm_catalog *c = NULL;
    seed = 21;
    grow(k, l, 300);
    vdm_catalog_close(k->c);
    k->c = NULL;
    make_old(k);
    MUST(vdm_catalog_open(&k->c, k->dir, VDM_LEDGER_READ, &k->err));
    compare_all(k, l);
    vdm_catalog_close(k->c);
    k->c = NULL;
    MUST_NOT(vdm_catalog_open(&c, k->dir, VDM_LEDGER_WRITE, &k->err), "catalog.db: its tables");
    assert_int_equal(k->err.kind, VDM_ERR_MALFORMED);
    PATH(path, "%s/catalog.db", k->dir);
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "DROP INDEX capture_source", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    MUST_NOT(vdm_catalog_open(&c, k->dir, VDM_LEDGER_READ, &k->err), "catalog.db: its tables");
    free(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(any_history),  TEST(levels_have_bounds), TEST(interrupted), TEST(no_room),
        TEST(of_many),      TEST(what_does_not_fit),  TEST(forgotten),   TEST(cleared),
        TEST(of_version_1),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
