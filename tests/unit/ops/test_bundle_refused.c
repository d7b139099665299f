/* SPDX-License-Identifier: MIT */
/* When no bundle is made: then nothing is left of it, whatever the reason. */
#include "bundle_support.h"

#include "base/text.h"
#include "support/documents.h"

#include <limits.h>
#include <signal.h>
#include <sys/resource.h>

static void test_requests_that_make_no_sense(void **state)
{
    struct fixture *f = *state;
    struct vdm_catalog_filter none = {.source = VDM_LIT("https://nowhere.example/")};
    refuse_bundle(f, (struct wish){.name = "b.tar"}, VDM_ERR_USAGE, "nothing is selected");
    fill(f);
    refuse_bundle(f, (struct wish){.name = "b.zip"}, VDM_ERR_USAGE, "");
    refuse_bundle(f, (struct wish){.name = "b.tar", ENTRIES(6, 5)}, VDM_ERR_USAGE, "rising");
    refuse_bundle(f, (struct wish){.name = "b.tar", ENTRIES(6, 6)}, VDM_ERR_USAGE, "rising");
    refuse_bundle(f, (struct wish){.name = "b.tar", ENTRIES(6, 7)}, VDM_ERR_USAGE, "entry 7 is no");
    refuse_bundle(f, (struct wish){.name = "b.tar", ENTRIES(0)}, VDM_ERR_USAGE, "entry 0 is no");
    refuse_bundle(f, (struct wish){.name = "b.tar", ENTRIES(17)}, VDM_ERR_USAGE, "no entry 17");
    refuse_bundle(f, (struct wish){.name = "b.tar", .entry = (const uint64_t[]){0}}, VDM_ERR_USAGE,
                  "nothing is selected");
    refuse_bundle(f, (struct wish){.name = "b.tar", .filter = &none}, VDM_ERR_USAGE,
                  "nothing is selected");
    refuse_bundle(f, (struct wish){.name = "b.tar", .sealer = f->stranger}, VDM_ERR_USAGE,
                  "does not know its key");
    refuse_bundle(f, (struct wish){.name = "b.tar", .sealer = f->auditor}, VDM_ERR_USAGE,
                  "role auditor");
    refuse_bundle(f, (struct wish){.name = "b.tar", .sealer = f->ledger}, VDM_ERR_USAGE,
                  "role ledger");
    refuse_bundle(f, (struct wish){.name = "b.tar", .sealer = f->old}, VDM_ERR_USAGE,
                  "retired by entry 4");
}

static void test_a_file_that_is_there(void **state)
{
    struct fixture *f = *state;
    fill(f);
    must_run(f, "echo mine > b.tar");
    refuse_bundle(f, (struct wish){.name = "b.tar"}, VDM_ERR_FAILED, "there already");
    must_run(f, "test \"$(cat b.tar)\" = mine");
    struct vdm_bundle_made made = bundle(f, (struct wish){.name = "b.tar", .replace = true});
    vdm_bundle_made_release(&made);
    check_with_python(f, "b.tar", "", "VERIFIED");
    refuse_bundle(f, (struct wish){.name = "nowhere/b.tar"}, VDM_ERR_NOT_FOUND, "");
}

/* --- stopped, no space --- */

struct patience {
    unsigned left;
};

static bool stop(void *ctx)
{
    struct patience *p = ctx;
    return p->left == 0 || --p->left == 0;
}

static void test_stopped_at_every_moment(void **state)
{
    struct fixture *f = *state;
    fill(f);
    struct patience patience = {0};
    struct vdm_progress progress = {.stop = stop, .ctx = &patience};
    struct vdm_bundle_made made = {0};
    struct wish w = {.name = "b.tar", .progress = &progress};
    unsigned times = 0;
    for (;; times++) {
        patience.left = times + 1;
        if (try_bundle(f, &w, &made))
            break;
        assert_int_equal(f->err.kind, VDM_ERR_INTERRUPTED);
        assert_int_equal(run(f, "ls -A | grep -v '^archive$\\|^output$'"), 1);
    }
    vdm_bundle_made_release(&made);
    assert_in_range(times, 12, 60); /* each capture twice, each piece of a document */
}

static void test_full_disk(void **state)
{
    struct fixture *f = *state;
    struct rlimit old, small;
    fill(f);
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    for (rlim_t size = 100; size < 40000; size += 6000) {
        struct vdm_bundle_made made = {0};
        struct wish w = {.name = "b.tar"};
        small = (struct rlimit){size, old.rlim_max};
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
        bool made_it = try_bundle(f, &w, &made);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
        assert_false(made_it);
        assert_int_equal(f->err.kind, VDM_ERR_FAILED);
        assert_non_null(strstr(f->err.text, "File too large"));
        assert_int_equal(run(f, "ls -A | grep -v '^archive$\\|^output$'"), 1);
    }
}

/* --- a damaged archive hands nothing out --- */

static void test_damaged_documents(void **state)
{
    static const char *const damage[] = {
        "printf x | dd of=$o conv=notrunc bs=1 seek=9", /* another byte */
        "truncate -s 5 $o",
        "truncate -s 30 $o; echo more >> $o",
        "truncate -s 200000 $o",
        "rm -f $o",
        "rm -f $o; mkdir $o",
        "mv $o $o.x; ln -s $o.x $o",
    };
    struct fixture *f = *state;
    char store[80];
    fill(f);
    snprintf(store, sizeof store, "%s/archive/store", f->dir);
    documents_as_files(f->c, store);
    must_run(f,
             "h=$(printf '" DEED "' | sha256sum | cut -c 1-64); "
             "echo archive/store/objects/$(echo $h | cut -c 1-2)/$(echo $h | cut -c 3-64) > where;"
             "chmod -R u+w archive/store; cp $(cat where) good");
    for (size_t i = 0; i < sizeof damage / sizeof *damage; i++) {
        assert_int_equal(run(f, "o=$PWD/$(cat where); %s", damage[i]), 0);
        refuse_bundle(f, (struct wish){.name = "b.tar"}, VDM_ERR_MALFORMED,
                      "entry 5: its document");
        assert_non_null(strstr(f->err.text, "run `vidimus verify`"));
        must_run(f, "o=$(cat where); rm -rf $o $o.x; cp good $o");
    }
    struct vdm_bundle_made made = bundle(f, (struct wish){.name = "b.tar"});
    vdm_bundle_made_release(&made);
}

static void test_missing_record(void **state)
{
    struct fixture *f = *state;
    struct vdm_entry e = {.kind = VDM_ENTRY_CAPTURE};
    append(f, &e, f->amal, (struct vdm_bytes){0});
    commit(f);
    refuse_bundle(f, (struct wish){.name = "b.tar"}, VDM_ERR_MALFORMED,
                  "entry 5: its record is missing");
    /* Nor does the record that stands next pass for it. */
    append_record(f, 0, "plain\n", NOTHING);
    append_record(f, 0, "plain\n", NOTHING);
    commit(f);
    refuse_bundle(f, (struct wish){.name = "b.tar"}, VDM_ERR_MALFORMED,
                  "entry 5: its record is missing");
    append_withdrawal(f, 5, VDM_SCOPE_BOTH); /* then it may be */
    commit(f);
    struct vdm_bundle_made made = bundle(f, (struct wish){.name = "b.tar"});
    vdm_bundle_made_release(&made);
    check_with_python(f, "b.tar", "", "VERIFIED");
}

static void test_another_record(void **state)
{
    struct fixture *f = *state;
    struct vdm_buf text VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_entry e = {.kind = VDM_ENTRY_CAPTURE};
    begin(f);
    make_record(f, keep(f, VDM_LIT("x")), 1, NOTHING, &text);
    append(f, &e, f->amal, vdm_buf_bytes(&text)); /* commits to zeros */
    commit(f);
    refuse_bundle(f, (struct wish){.name = "b.tar"}, VDM_ERR_MALFORMED,
                  "entry 5: its record is not the one");
}

static void test_amendment_of_another_document(void **state)
{
    struct fixture *f = *state;
    append_record(f, 0, "one", NOTHING);
    append_record(f, 5, "two", NOTHING);
    commit(f);
    refuse_bundle(f, (struct wish){.name = "b.tar"}, VDM_ERR_MALFORMED,
                  "entry 6: it is about another document");
}

/* The checkpoint over the ledger as it is, but by a key that is not the ledger's. */
static void test_checkpoint_by_a_stranger(void **state)
{
    struct fixture *f = *state;
    struct vdm_buf good VDM_CLEANUP(vdm_buf_release) = {0}, bad VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_checkpoint head;
    struct vdm_note note;
    char sql[2200] = "update checkpoint set note = x'", *hex = sql + strlen(sql);
    fill(f);
    MUST(vdm_archive_head(f->a, &good, &head, &f->err));
    MUST(vdm_note_decode(vdm_buf_bytes(&good), &note, &f->err));
    MUST(vdm_signer_append_note(f->stranger, note.text, &bad, &f->err));
    assert_in_range(bad.n, 1, 1000);
    vdm_hex_encode(bad.p, bad.n, hex);
    snprintf(hex + 2 * bad.n, 64, "' where size = %llu", (unsigned long long)head.size);
    edit_ledger(f, sql);
    refuse_bundle(f, (struct wish){.name = "b.tar"}, VDM_ERR_MALFORMED, "ledger key in force");
}

static void test_edited_entry(void **state)
{
    struct fixture *f = *state;
    fill(f);
    edit_ledger(f, "update entry set note = (select note from entry where n = 6) where n = 8");
    refuse_bundle(f, (struct wish){.name = "b.tar", ENTRIES(8)}, VDM_ERR_MALFORMED, "entry 8");
    refuse_bundle(f, (struct wish){.name = "b.tar", ENTRIES(6, 8)}, VDM_ERR_MALFORMED, "entry 8");
}

static void test_edited_tree(void **state)
{
    struct fixture *f = *state;
    fill(f);
    edit_ledger(f, "update tile set hashes = zeroblob(length(hashes))");
    refuse_bundle(f, (struct wish){.name = "b.tar", ENTRIES(6)}, VDM_ERR_MALFORMED,
                  "entry 0: not what the checkpoint covers");
}

/* Between the passes somebody may withdraw what is in the scratch file already. */
struct meddling {
    struct fixture *f;
    unsigned left; /* so many times */
};

static void meddle(void *ctx, const char *doing, uint64_t done, uint64_t total, uint64_t bytes)
{
    struct meddling *m = ctx;
    (void)bytes;
    if (strcmp(doing, "preparing") != 0 || done != total || m->left == 0)
        return;
    m->left--;
    begin(m->f);
    append_withdrawal(m->f, 6, VDM_SCOPE_BOTH);
    commit(m->f);
}

static void test_withdrawn_between_the_passes(void **state)
{
    struct fixture *f = *state;
    struct meddling often = {f, UINT_MAX}, once = {f, 1};
    struct vdm_progress progress = {.tell = meddle, .ctx = &often};
    fill(f);
    refuse_bundle(f, (struct wish){.name = "b.tar", .progress = &progress}, VDM_ERR_FAILED,
                  "withdrawn while the bundle was written");
    progress.ctx = &once;
    struct vdm_bundle_made made = bundle(f, (struct wish){.name = "b.tar", .progress = &progress});
    assert_int_equal(once.left, 0);
    assert_int_equal(made.withdrawn, 4);
    vdm_bundle_made_release(&made);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_requests_that_make_no_sense),
        TEST(test_a_file_that_is_there),
        TEST(test_stopped_at_every_moment),
        TEST(test_full_disk),
        TEST(test_damaged_documents),
        TEST(test_missing_record),
        TEST(test_another_record),
        TEST(test_amendment_of_another_document),
        TEST(test_checkpoint_by_a_stranger),
        TEST(test_edited_entry),
        TEST(test_edited_tree),
        TEST(test_withdrawn_between_the_passes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
