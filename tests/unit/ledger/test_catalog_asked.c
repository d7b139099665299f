/* SPDX-License-Identifier: MIT */
/* What is asked of a catalog beside lists: the next capture of a document, one state for several questions, and which
 * values of a record are searched. */
#include "unit/ledger/catalog_kit.h"

static void next(struct kit *k, const char *source, uint64_t from, uint64_t to, uint64_t want)
{
    uint64_t n = 0;
    bool found;
    MUST(vdm_catalog_next_same(k->c, digest(1), vdm_str(source), (struct vdm_bytes){0}, from, to,
                               &n, &found, &k->err));
    assert_int_equal(found ? n : 0, want);
}

static void the_next_of_the_same(void **state)
{
    struct kit *k = *state;
    MUST(vdm_catalog_begin(k->c, &k->err));
    learn(k, VDM_ENTRY_CAPTURE, 2, 0, 1, "source s\n");
    learn(k, VDM_ENTRY_CAPTURE, 3, 0, 1, "source other\n");
    learn(k, VDM_ENTRY_CAPTURE, 4, 0, 1, "source s\ncaptured 2020\n");
    learn(k, VDM_ENTRY_CAPTURE, 5, 0, 2, "source s\n");
    learn(k, VDM_ENTRY_CAPTURE, 6, 0, 1, "source s\n");
    next(k, "s", 0, 9, 2);
    next(k, "s", 2, 3, 2);
    next(k, "s", 0, 2, 0);
    next(k, "s", 3, 9, 6);
    next(k, "s", 3, 6, 0);
    next(k, "s", 6, 7, 6);
    next(k, "nowhere", 0, 9, 0);
    learn(k, VDM_ENTRY_WITHDRAWAL, 7, 2, VDM_SCOPE_DOCUMENT, NULL);
    next(k, "s", 0, 9, 6);
}

/* An open transaction is one that cannot be begun. */
static void held(void **state)
{
    struct kit *k = *state;
    MUST(vdm_catalog_hold(k->c, &k->err));
    MUST_NOT(vdm_catalog_hold(k->c, &k->err), "catalog: ");
    vdm_catalog_rollback(k->c);
    MUST(vdm_catalog_hold(k->c, &k->err));
    vdm_catalog_rollback(k->c);
    learn_all(k);
}

static size_t with_word(struct kit *k, const char *word)
{
    const struct vdm_catalog_term term = {vdm_str(word), false, false};
    const struct vdm_catalog_filter f = {.term = &term, .terms = 1};
    uint64_t n[3];
    size_t count;
    MUST(vdm_catalog_list(k->c, &f, UINT64_MAX, n, 3, &count, &k->err));
    return count;
}

/* A text's fingerprint is a number of ours and no word of anybody; beside it all is searched. */
static void fingerprints_are_no_words(void **state)
{
    struct kit *k = *state;
    MUST(vdm_catalog_begin(k->c, &k->err));
    learn(k, VDM_ENTRY_CAPTURE, 2, 0, 1,
          "note text-fingerprint: noted\nfield place: somewhere\n"
          "field text-fingerprint: sha256:"
          "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 17 plain/1\n");
    assert_int_equal(with_word(k, "somewhere"), 1);
    assert_int_equal(with_word(k, "noted"), 1);
    assert_int_equal(with_word(k, "plain"), 0);
    assert_int_equal(with_word(k, "17"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_next_of_the_same),
        TEST(held),
        TEST(fingerprints_are_no_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
