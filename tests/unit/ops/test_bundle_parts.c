/* SPDX-License-Identifier: MIT */
/* However many threads make the members of a bundle, it has the same bytes, or fails in the same way. */
#include "unit/ops/bundle_support.h"

#define CAPTURES 1200 /* several batches of parts */
#define MIB      ((size_t)1 << 20)

static uint64_t capture[CAPTURES]; /* their numbers */

static void amend_often(struct fixture *f, uint64_t n, size_t times, size_t length)
{
    char *title = calloc(1, length + 1);
    assert_non_null(title);
    for (size_t i = 0; i < times; i++) {
        memset(title, 'a' + (int)(i % 26), length);
        append_record(f, n, "often\n", SAID({VDM_FIELD_TITLE, title}));
    }
    free(title);
}

/* Captures close together and apart; some with few, many, and more followers than one part holds in memory. */
static void make(struct fixture *f)
{
    char text[64];
    fill(f);
    for (size_t i = 0; i < CAPTURES; i++) {
        bool often = i == 0 || i == 500 || i == 501 || i == 950;
        snprintf(text, sizeof text, often ? "often\n" : "document %zu\n", i);
        uint64_t n = capture[i] = append_record(f, 0, text, SAID({VDM_FIELD_TITLE, text}));
        if (often)
            amend_often(f, n, i == 501 ? 200 : 33, i == 501 ? 8000 : 10);
        if (i % 150 == 20)
            append_record(f, n, text, SAID({VDM_FIELD_TITLE, "better"}));
        if (i % 170 == 30)
            append_withdrawal(f, n, i % 4 ? VDM_SCOPE_DOCUMENT : VDM_SCOPE_BOTH);
    }
    commit(f);
}

static void must_be_same(struct fixture *f, struct wish w)
{
    static const unsigned threads[] = {2, 3, 16, 0};
    struct vdm_buf alone VDM_CLEANUP(vdm_buf_release) = {0};
    char path[300];
    snprintf(path, sizeof path, "%s/%s", f->dir, w.name);
    w.replace = true;
    w.threads = 1;
    struct vdm_bundle_made first = bundle(f, w);
    MUST(vdm_file_read(AT_FDCWD, path, 100 * MIB, &alone, &f->err));
    for (size_t i = 0; i < sizeof threads / sizeof *threads; i++) {
        struct vdm_buf many VDM_CLEANUP(vdm_buf_release) = {0};
        w.threads = threads[i];
        struct vdm_bundle_made made = bundle(f, w);
        MUST(vdm_file_read(AT_FDCWD, path, 100 * MIB, &many, &f->err));
        assert_true(vdm_bytes_equal(vdm_buf_bytes(&alone), vdm_buf_bytes(&many)));
        assert_true(made.captures == first.captures && made.withdrawn == first.withdrawn);
        assert_true(made.partly == first.partly && made.documents == first.documents);
        assert_true(made.document_bytes == first.document_bytes && made.doubted == first.doubted);
        vdm_bundle_made_release(&made);
    }
    vdm_bundle_made_release(&first);
}

static void test_same_bytes(void **state)
{
    struct fixture *f = *state;
    uint64_t entry[CAPTURES];
    size_t n = 0;
    make(f);
    must_be_same(f, (struct wish){.name = "b.tar"});
    check_with_python(f, "b.tar", "", "VERIFIED");
    must_be_same(f, (struct wish){.name = "b.tar", .fields = 1 << VDM_FIELD_TITLE});
    must_be_same(f, (struct wish){.name = "b.tar.zst", .receipt = true});
    /* Close together, then too far apart to be read ahead. */
    for (size_t i = 600; i < CAPTURES; i += i < 900 ? 1 : 7)
        entry[n++] = capture[i];
    must_be_same(f, (struct wish){.name = "b.tar", .entry = entry, .entries = n});
}

/* What fails in one part ends it, at the first in order, whoever came to which first. */
static void test_same_failure(void **state)
{
    struct fixture *f = *state;
    static const size_t bad[] = {1190, 700, 501, 40};
    make(f);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char words[64], sql[64];
        unsigned long long n = capture[bad[i]];
        snprintf(words, sizeof words, "entry %llu: its record is missing", n);
        snprintf(sql, sizeof sql, "delete from record where n = %llu", n);
        edit_ledger(f, sql);
        for (unsigned threads = 1; threads <= 16; threads *= 2)
            refuse_bundle(f, (struct wish){.name = "b.tar", .threads = threads}, VDM_ERR_MALFORMED,
                          words);
    }
}

/* --- stopped --- */

/* Wants to stop as soon as it is told of this. */
struct patience {
    const char *until;
    unsigned told;
};

static void note(void *ctx, const char *doing, uint64_t done, uint64_t total, uint64_t bytes)
{
    (void)done, (void)total, (void)bytes;
    struct patience *p = ctx;
    p->told += strcmp(doing, p->until) == 0;
}

static bool stop(void *ctx)
{
    return ((const struct patience *)ctx)->told > 0;
}

/* In either pass, with threads at work: nothing of it is left, and it does not go on for long. */
static void test_stopped(void **state)
{
    struct fixture *f = *state;
    static const char *const passes[] = {"preparing", "writing"};
    make(f);
    for (size_t i = 0; i < 2; i++) {
        struct patience p = {.until = passes[i]};
        const struct vdm_progress progress = {.tell = note, .stop = stop, .ctx = &p};
        refuse_bundle(f, (struct wish){.name = "b.tar", .progress = &progress, .threads = 4},
                      VDM_ERR_INTERRUPTED, "interrupted");
        assert_int_equal(p.told, 1);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_same_bytes),
        TEST(test_same_failure),
        TEST(test_stopped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
