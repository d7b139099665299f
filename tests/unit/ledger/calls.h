/* SPDX-License-Identifier: MIT */
/* Every call of ledger and catalog, made while something is scarce: a test that includes this says what (sweep.h). */
#ifndef VDM_TESTS_LEDGER_CALLS_H
#define VDM_TESTS_LEDGER_CALLS_H

#include "unit/ledger/sweep.h"

#include "ledger/catalog_private.h"

/* --- the ledger --- */

static bool create(struct kit *k, struct vdm_err *err)
{
    PATH(fresh, "%s/fresh", k->dir);
    return vdm_ledger_create(fresh, 0, err);
}

static void make_folder(struct kit *k)
{
    PATH(fresh, "%s/fresh", k->dir);
    assert_int_equal(mkdir(fresh, 0700), 0);
}

/* What is made is whole; what is not leaves nothing. */
static void drop_folder(struct kit *k, bool ok)
{
    struct vdm_buf why VDM_CLEANUP(vdm_buf_release) = {0};
    PATH(fresh, "%s/fresh", k->dir);
    PATH(file, "%s/fresh/ledger.db", k->dir);
    if (ok) {
        MUST(vdm_ledger_check_schema(fresh, &why, &k->err));
        assert_int_equal(why.n, 0);
        assert_int_equal(unlink(file), 0);
    }
    assert_int_equal(rmdir(fresh), 0);
}

static void creating(void **state)
{
    sweep(*state, create, make_folder, drop_folder);
}

static bool open_and_read(struct kit *k, struct vdm_err *err)
{
    struct vdm_digest hash;
    if (!vdm_ledger_open(&k->l, k->dir, VDM_LEDGER_WRITE, err) ||
        !vdm_ledger_read_tile(k->l, 0, 0, 1, &hash, err))
        return false;
    assert_true(vdm_digest_equal(hash, some_hash(0)));
    return true;
}

static void opening(void **state)
{
    sweep(*state, open_and_read, close_it, nothing);
}

static bool check_schema(struct kit *k, struct vdm_err *err)
{
    struct vdm_buf why VDM_CLEANUP(vdm_buf_release) = {0};
    bool ok = vdm_ledger_check_schema(k->dir, &why, err);
    assert_true(!ok || why.n == 0);
    return ok;
}

static bool check_other_schema(struct kit *k, struct vdm_err *err)
{
    struct vdm_buf why VDM_CLEANUP(vdm_buf_release) = {0};
    bool ok = vdm_ledger_check_schema(k->dir, &why, err);
    assert_true(!ok || why.n > 0);
    return ok;
}

/* It says that a later version made it. What keeps us from looking closer is said, too. */
static bool check_newer_schema(struct kit *k, struct vdm_err *err)
{
    bool ok = check_other_schema(k, err);
    assert_true(ok || !strstr(err->text, "newer") ||
                strstr(err->text, "its tables could not be read: "));
    return ok;
}

static void comparing_schemas(void **state)
{
    struct kit *k = *state;
    sweep(k, check_schema, close_it, nothing);
    raw_run(k->path, "CREATE TABLE extra(a)");
    sweep(k, check_other_schema, close_it, nothing);
    raw_run(k->path, "PRAGMA user_version=7; DROP TABLE extra");
    sweep(k, check_newer_schema, close_it, nothing);
}

static bool read_rows(struct kit *k, struct vdm_err *err)
{
    struct vdm_buf b VDM_CLEANUP(vdm_buf_release) = {0};
    uint64_t size;
    bool entry, record, checkpoint;
    if (!vdm_ledger_size(k->l, &size, err) || !vdm_ledger_entry(k->l, 4, &b, &entry, err) ||
        !vdm_ledger_record(k->l, 4, &b, &record, err) ||
        !vdm_ledger_checkpoint(k->l, 5, &b, &checkpoint, err))
        return false;
    assert_true(size == 5 && entry && record && checkpoint);
    assert_true(vdm_bytes_equal_str(vdm_buf_bytes(&b), "entry 4recordcheckpoint"));
    return true;
}

static bool read_slice(struct kit *k, struct vdm_err *err)
{
    struct vdm_ledger_slice s = {0};
    bool ok = vdm_ledger_read_slice(k->l, 0, 5, &s, err);
    if (ok) {
        assert_true(s.entries == 5 && s.records == 5 && s.checkpoints == 2);
        assert_true(vdm_bytes_equal_str(s.entry[4].bytes, "entry 4"));
        assert_true(vdm_bytes_equal_str(s.checkpoint[1].bytes, "checkpoint"));
    }
    vdm_ledger_slice_release(&s);
    return ok;
}

static bool count_rows(struct kit *k, struct vdm_err *err)
{
    struct vdm_ledger_counts c;
    if (!vdm_ledger_counts(k->l, &c, err))
        return false;
    assert_true(c.entries == 5 && c.records == 5 && c.checkpoints == 2 && c.tiles == 1);
    assert_true(c.hashes == 5 && c.others == 0);
    return true;
}

static bool search_rows(struct kit *k, struct vdm_err *err)
{
    uint64_t next, last, count;
    bool first, second;
    if (!vdm_ledger_next(k->l, VDM_LIT("entry"), 1, 5, &next, &first, err) ||
        !vdm_ledger_last(k->l, VDM_LIT("entry"), 5, &last, &second, err) ||
        !vdm_ledger_count(k->l, VDM_LIT("entry"), 1, 5, &count, err))
        return false;
    assert_true(first && next == 1 && second && last == 4 && count == 4);
    return true;
}

static void reading(void **state)
{
    sweep(*state, search_rows, open_to_read, nothing);
    sweep(*state, read_rows, open_to_read, nothing);
    sweep(*state, read_slice, open_to_read, nothing);
    sweep(*state, count_rows, open_to_read, nothing);
}

static bool write_entry(struct kit *k, struct vdm_err *err)
{
    return vdm_ledger_begin(k->l, err) && vdm_ledger_put_entry(k->l, 5, VDM_LIT("entry"), err) &&
           vdm_ledger_put_record(k->l, 5, VDM_LIT("record"), err) && put_tile(k->l, 0, 0, 6, err) &&
           put_tile(k->l, 1, 0, 1, err) && vdm_ledger_commit(k->l, 6, VDM_LIT("checkpoint"), err);
}

/* All of it or nothing; and what went in is taken out again, past the triggers. */
static void all_or_nothing(struct kit *k, bool ok)
{
    struct vdm_ledger_counts c;
    close_it(k);
    open_to_read(k);
    MUST(vdm_ledger_counts(k->l, &c, &k->err));
    assert_int_equal(c.entries, ok ? 6 : 5);
    assert_int_equal(c.records, c.entries);
    assert_int_equal(c.checkpoints, ok ? 3 : 2);
    assert_int_equal(c.tiles, ok ? 2 : 1);
    assert_int_equal(c.hashes, ok ? 7 : 5);
    close_it(k);
    if (ok)
        file_copy(k->copy, k->path);
}

static void writing(void **state)
{
    struct kit *k = *state;
    close_it(k);
    file_copy(k->path, k->copy);
    sweep(k, write_entry, open_to_write, all_or_nothing);
}

static bool erase(struct kit *k, struct vdm_err *err)
{
    static const uint64_t gone[] = {1, 2};
    bool ok = vdm_ledger_erase_records(k->l, gone, 2, err);
    scarce_left = 0;
    MUST(vdm_ledger_begin(k->l, &k->err)); /* whatever came of it, it is over */
    vdm_ledger_rollback(k->l);
    return ok;
}

static void both_or_none(struct kit *k, bool ok)
{
    struct vdm_ledger_counts c;
    close_it(k);
    open_to_read(k);
    MUST(vdm_ledger_counts(k->l, &c, &k->err));
    assert_true(c.records == 3 || (!ok && c.records == 5));
    close_it(k);
    file_copy(k->copy, k->path);
}

/* They are erased before the file is made anew: a call that fails may have done the first. */
static void erasing(void **state)
{
    struct kit *k = *state;
    static const char *const notes[] = {"vidimus/withdrawal/v1\nwithdraws 1\nscope both\n",
                                        "vidimus/withdrawal/v1\nwithdraws 2\nscope both\n"};
    MUST(vdm_ledger_begin(k->l, &k->err));
    for (uint64_t n = 0; n < 2; n++)
        MUST(vdm_ledger_put_entry(k->l, 5 + n, vdm_str(notes[n]), &k->err));
    MUST(vdm_ledger_commit(k->l, 7, VDM_LIT("checkpoint"), &k->err));
    close_it(k);
    file_copy(k->path, k->copy);
    sweep(k, erase, open_to_write, both_or_none);
}

/* --- the catalog --- */

#define ZEROS "0000000000000000000000000000000000000000000000000000000000000000"

static const char text[] = "vidimus/record/v1\nsecret " ZEROS "\ndocument sha256:" ZEROS
                           " 7\ncollection c\nsource s\ntitle A \\ttitle\nissuer i\n";

/* A capture, its amendment, and another one that is withdrawn. */
static bool learn(struct vdm_catalog *c, struct vdm_err *err)
{
    struct vdm_record r;
    struct vdm_entry capture = {.kind = VDM_ENTRY_CAPTURE, .n = 2};
    struct vdm_entry amendment = {.kind = VDM_ENTRY_AMENDMENT, .n = 3, .capture.amends = 2};
    struct vdm_entry other = {.kind = VDM_ENTRY_CAPTURE, .n = 4};
    struct vdm_entry withdrawal = {
        .kind = VDM_ENTRY_WITHDRAWAL, .n = 5, .withdrawal = {.of = 4, .scope = VDM_SCOPE_BOTH}};
    struct vdm_catalog_reach reach = {.entries = 6};
    return vdm_record_decode(vdm_str(text), &r, err) && vdm_catalog_begin(c, err) &&
           vdm_catalog_learn(c, &capture, &r, err) && vdm_catalog_learn(c, &amendment, &r, err) &&
           vdm_catalog_learn(c, &other, &r, err) && vdm_catalog_learn(c, &withdrawal, NULL, err) &&
           vdm_catalog_commit(c, reach, err);
}

static bool ask_numbers(struct vdm_catalog *c, struct vdm_err *err)
{
    struct vdm_catalog_reach reach;
    struct vdm_catalog_totals totals;
    struct vdm_catalog_fate fate;
    struct vdm_digest zeros = {{0}};
    uint64_t same, next, last;
    bool found[5];
    if (!vdm_catalog_reached(c, &reach, err) || !vdm_catalog_totals(c, &totals, err) ||
        !vdm_catalog_fate(c, 4, &fate, &found[0], err) ||
        !vdm_catalog_has_document(c, zeros, &found[1], err) ||
        !vdm_catalog_last_of_source(c, VDM_LIT("s"), &last, &found[2], err) ||
        !vdm_catalog_find_same(c, zeros, VDM_LIT("s"), (struct vdm_bytes){0}, &same, &found[3],
                               err) ||
        !vdm_catalog_next_same(c, zeros, VDM_LIT("s"), (struct vdm_bytes){0}, 0, 9, &next,
                               &found[4], err))
        return false;
    assert_int_equal(reach.entries, 6);
    assert_true(totals.captures == 2 && totals.documents == 1 && totals.bytes == 7);
    assert_true(found[0] && fate.withdrawn == 5);
    assert_true(found[1]);
    assert_true(found[2] && last == 2);
    assert_true(found[3] && same == 2 && found[4] && next == 2);
    return true;
}

static bool count_collections(void *ctx, struct vdm_bytes name, uint64_t captures)
{
    assert_true(vdm_bytes_equal_str(name, "c"));
    *(uint64_t *)ctx += captures;
    return true;
}

static bool ask_lists(struct vdm_catalog *c, struct vdm_err *err)
{
    struct vdm_catalog_term term = {VDM_LIT("title"), false, false};
    struct vdm_catalog_filter f = {.term = &term, .terms = 1};
    uint64_t n[2] = {0}, captures = 0;
    size_t count;
    if (!vdm_catalog_list(c, &f, UINT64_MAX, n, 2, &count, err) ||
        !vdm_catalog_collections(c, count_collections, &captures, err))
        return false;
    assert_true(count == 1 && n[0] == 2);
    assert_int_equal(captures, 1);
    return true;
}

static bool compare(struct vdm_catalog *c, struct vdm_err *err)
{
    struct vdm_record r;
    struct vdm_catalog_compared is, gone;
    if (!vdm_record_decode(vdm_str(text), &r, err) ||
        !vdm_catalog_compare(c, 2, (struct vdm_time){0}, &r, &is, err) ||
        !vdm_catalog_compare(c, 4, (struct vdm_time){0}, NULL, &gone, err))
        return false;
    assert_true(is.same_record && is.same_time && gone.same_record);
    return true;
}

static bool clear(struct vdm_catalog *c, struct vdm_err *err)
{
    return vdm_catalog_clear(c, err);
}

static bool version(struct vdm_catalog *c, struct vdm_err *err)
{
    uint64_t now;
    return vdm_catalog_version(c, &now, err);
}

/* Opens it for itself: what is prepared once is prepared again. */
static bool with_catalog(struct kit *k, enum vdm_ledger_mode mode,
                         bool (*f)(struct vdm_catalog *, struct vdm_err *), struct vdm_err *err)
{
    struct vdm_catalog *c VDM_CLEANUP(vdm_catalog_cleanup) = NULL;
    unsigned later = scarce_left;
    scarce_left = 0;
    MUST(vdm_catalog_open(&c, k->dir, mode, &k->err));
    scarce_left = later;
    bool ok = f(c, err);
    scarce_left = 0; /* to close needs none */
    return ok;
}

static bool learning(struct kit *k, struct vdm_err *err)
{
    return with_catalog(k, VDM_LEDGER_WRITE, learn, err);
}

static bool numbers(struct kit *k, struct vdm_err *err)
{
    return with_catalog(k, VDM_LEDGER_READ, ask_numbers, err);
}

static bool lists(struct kit *k, struct vdm_err *err)
{
    return with_catalog(k, VDM_LEDGER_READ, ask_lists, err);
}

static bool comparisons(struct kit *k, struct vdm_err *err)
{
    return with_catalog(k, VDM_LEDGER_READ, compare, err);
}

static bool clearing(struct kit *k, struct vdm_err *err)
{
    return with_catalog(k, VDM_LEDGER_WRITE, clear, err);
}

static bool versions(struct kit *k, struct vdm_err *err)
{
    return with_catalog(k, VDM_LEDGER_READ, version, err);
}

static bool removing(struct kit *k, struct vdm_err *err)
{
    return vdm_catalog_remove(k->dir, err);
}

static bool open_catalog(struct kit *k, struct vdm_err *err)
{
    struct vdm_catalog *c VDM_CLEANUP(vdm_catalog_cleanup) = NULL;
    return vdm_catalog_open(&c, k->dir, VDM_LEDGER_WRITE, err);
}

/* One that is no catalog is not taken for one. */
static bool open_odd(struct kit *k, struct vdm_err *err)
{
    struct vdm_catalog *c = NULL;
    assert_false(vdm_catalog_open(&c, k->dir, VDM_LEDGER_READ, err));
    return err->kind == VDM_ERR_MALFORMED;
}

static void remove_catalog(struct kit *k)
{
    MUST(vdm_catalog_remove(k->dir, &k->err));
}

/* What is learnt is learnt whole: all answers are right, or there is none. */
static void whole_or_none(struct kit *k, bool ok)
{
    struct vdm_catalog *c VDM_CLEANUP(vdm_catalog_cleanup) = NULL;
    struct vdm_catalog_totals totals;
    MUST(vdm_catalog_open(&c, k->dir, VDM_LEDGER_READ, &k->err));
    if (ok) {
        MUST(ask_numbers(c, &k->err));
        MUST(ask_lists(c, &k->err));
        MUST(compare(c, &k->err));
    } else {
        MUST(vdm_catalog_totals(c, &totals, &k->err));
        assert_int_equal(totals.captures, 0);
    }
    vdm_catalog_cleanup(&c);
    if (ok)
        remove_catalog(k);
}

static void learn_anew(struct kit *k)
{
    remove_catalog(k);
    MUST(learning(k, &k->err));
}

/* All is there, or nothing. */
static void cleared_or_not(struct kit *k, bool ok)
{
    struct vdm_catalog *c VDM_CLEANUP(vdm_catalog_cleanup) = NULL;
    struct vdm_catalog_reach reach;
    MUST(vdm_catalog_open(&c, k->dir, VDM_LEDGER_READ, &k->err));
    MUST(vdm_catalog_reached(c, &reach, &k->err));
    assert_int_equal(reach.entries, ok ? 0 : 6);
}

/* Where it could not be removed, its last name is there still. */
static void removed_or_not(struct kit *k, bool ok)
{
    PATH(path, "%s/catalog.db", k->dir);
    assert_int_equal(access(path, F_OK) == 0, !ok);
}

static void catalog(void **state)
{
    struct kit *k = *state;
    sweep(k, open_catalog, remove_catalog, nothing); /* anew */
    sweep(k, open_catalog, nothing_before, nothing);
    sweep(k, learning, nothing_before, whole_or_none);
    MUST(learning(k, &k->err));
    sweep(k, numbers, nothing_before, nothing);
    sweep(k, lists, nothing_before, nothing);
    sweep(k, comparisons, nothing_before, nothing);
    sweep(k, versions, nothing_before, nothing);
    sweep(k, clearing, learn_anew, cleared_or_not);
    sweep(k, removing, learn_anew, removed_or_not);
    learn_anew(k);
    PATH(path, "%s/catalog.db", k->dir);
    raw_run(path, "CREATE TABLE extra(a)");
    sweep(k, open_odd, nothing_before, nothing);
}

static const struct CMUnitTest calls[] = {
    KIT_TEST(creating), KIT_TEST(opening), KIT_TEST(comparing_schemas), KIT_TEST(reading),
    KIT_TEST(writing),  KIT_TEST(erasing), KIT_TEST(catalog),
};

#endif
