/* SPDX-License-Identifier: MIT */
/* The commands of VERIFY.txt, run as they stand there, by sh with nothing but coreutils and openssl: they
 * must say GOOD to what is good, and each of their checks must catch what it is there for, also where
 * the lists were made anew to fit. */
#include "bundle_support.h"

/* What a forger can do without a key: lists that fit. */
#define RELIST                                                                                     \
    "; sha256sum $(cut -c 67- manifest-sha256.txt) > ../list; cp ../list manifest-sha256.txt"      \
    "; sha256sum $(cut -c 67- tagmanifest-sha256.txt) > ../list; cp ../list "                      \
    "tagmanifest-sha256.txt"

/* All that the commands may need. */
static void make_tools(struct fixture *f)
{
    must_run(f, "mkdir tools && ln -s $(dpkg -L coreutils | grep '/s\\{0,1\\}bin/.') tools && "
                "ln -s $(command -v dash || command -v sh) tools/sh && "
                "ln -s $(command -v openssl) tools && test -x tools/sha256sum");
    must_run(f, "for other in sed grep find awk cmp; do ! test -e tools/$other || exit; done");
}

/* What stands indented by two spaces takes the commands out and runs them. */
static int run_text(struct fixture *f)
{
    if (run(f, "test -d tools") != 0)
        make_tools(f);
    return run(f, "cd bag && sed -n 's/^  \\([^ ]\\)/\\1/p' vidimus/VERIFY.txt > ../first.sh && "
                  "mkdir -p ../scratch && TMPDIR=$(realpath ../scratch) PATH=$(realpath ../tools) "
                  "../tools/sh ../first.sh");
}

static void must_be_good(struct fixture *f)
{
    int status = run_text(f);
    char *said VDM_CLEANUP(vdm_free_string) = content(f, "output");
    char *last = strstr(said, "GOOD: all of it holds under the authority key " ORIGIN);
    if (status != 0 || !last || (last != said && last[-1] != '\n'))
        fail_msg("exit %d:\n%s", status, said);
}

/* The capture is entry 5, the newest one. */
static void make_bags(struct fixture *f)
{
    append_record(f, 0, DEED,
                  SAID({VDM_FIELD_FILE_NAME, "Deed.HTML"},
                       {VDM_FIELD_TITLE, "The council met \xC5\x81 \\ and  \\n\x81 went"}));
    commit(f);
    struct vdm_bundle_made made = bundle(f, (struct wish){.name = "sealed.tar", ENTRIES(5)});
    vdm_bundle_made_release(&made);
    made = bundle(f, (struct wish){.name = "unsealed.tar", ENTRIES(5), .unsealed = true});
    vdm_bundle_made_release(&made);
}

static void test_good(void **state)
{
    struct fixture *f = *state;
    make_bags(f);
    unpack(f, "sealed.tar");
    must_be_good(f);
    char *said VDM_CLEANUP(vdm_free_string) = content(f, "output");
    assert_non_null(strstr(said, "note: entry 000004 ends the use of old@archive.example.org+"));
    must_run(f, "sed -n 's/^    //p' bag/vidimus/VERIFY.txt | cmp - check.sh");
    unpack(f, "unsealed.tar");
    /* Evidence is added by others later. */
    must_run(f, "mkdir -p bag/vidimus/evidence/9 && echo x > bag/vidimus/evidence/9/note.tsr");
    must_be_good(f);
    must_run(f, "rmdir scratch"); /* nothing is left behind in it */
}

static void test_receipts_and_disclosures(void **state)
{
    struct fixture *f = *state;
    make_bags(f);
    append_record(f, 5, DEED, SAID({VDM_FIELD_TITLE, "At noon"}));
    append_record(f, 0, "other\n", NOTHING);
    append_audit(f);
    append_withdrawal(f, 7, VDM_SCOPE_BOTH);
    commit(f);
    struct vdm_bundle_made made =
        bundle(f, (struct wish){.name = "part.tar",
                                .fields = 1u << VDM_FIELD_DOCUMENT | 1u << VDM_FIELD_TITLE});
    assert_int_equal(made.partly, 0); /* the amendment, which counts, is shown whole */
    vdm_bundle_made_release(&made);
    unpack(f, "part.tar");
    must_be_good(f);
    must_run(f, "grep -q ' hidden ' bag/vidimus/records/000005");
    made = bundle(f, (struct wish){.name = "receipt.tar", .receipt = true, .unsealed = true});
    vdm_bundle_made_release(&made);
    unpack(f, "receipt.tar");
    must_be_good(f);
}

struct forgery {
    const char *how, *words;
};

static void try_forgeries(struct fixture *f, const char *name, const struct forgery *list, size_t n)
{
    unpack(f, name);
    must_run(f, "rm -rf good; mv bag good");
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(run(f, "rm -rf bag; cp -r good bag; cd bag; %s", list[i].how), 0);
        if (run(f, "diff -r good bag") == 0)
            fail_msg("%s: changes nothing", list[i].how);
        int status = run_text(f);
        char *said VDM_CLEANUP(vdm_free_string) = content(f, "output");
        if (status == 0 || strstr(said, "GOOD: all") || !strstr(said, list[i].words))
            fail_msg("%s\nexit %d, not '%s' in:\n%s", list[i].how, status, list[i].words, said);
    }
}

#define E     "vidimus/entries/"
#define PROOF "vidimus/proofs/000005.tlog-proof"

static void test_changed_files(void **state)
{
    static const struct forgery list[] = {
        {"sed -i s/gift/loan/ data/files/000005.html", "data/files/000005.html: FAILED"},
        {"sed -i /^recorded/s/T03/T04/ " E "000005", E "000005: FAILED"},
        {"rm " E "000005", E "000005"},
        {"echo x > data/more", "files and lists differ: data/more"},
        {"ln -s ../data vidimus/more", "files and lists differ: vidimus/more"},
        {"mkdir 'data\n.'; echo x > 'data\n./vidimus'", "a name of two lines"},
    };
    struct fixture *f = *state;
    make_bags(f);
    try_forgeries(f, "sealed.tar", list, sizeof list / sizeof *list);
}

static void test_forged_seal(void **state)
{
    static const struct forgery list[] = {
        {"sed -i s/gift/loan/ data/files/000005.html" RELIST, "the seal is for another list"},
        {"rm vidimus/seal", "files and lists differ: "},
        {"sed -i 's/^selection.*/selection sha256:0/' vidimus/seal", "for another selection"},
        {"sed -i 's/^ledger a/ledger b/' vidimus/seal", "for another ledger"},
        {"sed -i 's/^checkpoint 6/checkpoint 8/' vidimus/seal", "for another checkpoint"},
        {"sed -i 's/^created 2020/created 2021/' vidimus/seal", "vidimus/seal: the signature by"},
    };
    struct fixture *f = *state;
    make_bags(f);
    try_forgeries(f, "sealed.tar", list, sizeof list / sizeof *list);
}

static void test_forged_signatures(void **state)
{
    static const struct forgery list[] = {
        {"sed -i '3s/^[A-M]/z/; t; 3s/^./A/' vidimus/checkpoint" RELIST,
         "vidimus/checkpoint: the signature by"},
        {"sed -i '3s/^[A-M]/z/; t; 3s/^./A/' vidimus/checkpoint; truncate -s -1 "
         "vidimus/checkpoint" RELIST,
         "vidimus/checkpoint: the signature by"},
        {"sed -i 's/^6$/6+1/' vidimus/checkpoint" RELIST, "vidimus/checkpoint: the size"},
        {"sed -i /^recorded/s/T03/T04/ " E "000005" RELIST, E "000005: the signature by amal"},
        {"sed -i /^recorded/s/T03/T04/ " E "000002" RELIST, E "000002: the signature by"},
        {"set -- vidimus/keys/*; cp $1 $2" RELIST, "holds another key"},
        {"sed -i /00000[34]/d tagmanifest-sha256.txt; rm vidimus/*/00000[34]*" RELIST,
         E "000004 is missing"},
        {"echo 4 >> vidimus/selection" RELIST, "entry 4 is selected and no capture"},
        {"cp " E "000004 " E "000005" RELIST, E "000005 has another number"},
        {"sed -i '$d' " E "000005" RELIST, E "000005 is not signed"},
    };
    struct fixture *f = *state;
    make_bags(f);
    try_forgeries(f, "unsealed.tar", list, sizeof list / sizeof *list);
}

static void test_forged_contents(void **state)
{
    static const struct forgery list[] = {
        {"sed -i '3s/.*/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=/' " PROOF RELIST,
         "is not under the checkpoint's root"},
        {"sed -i 3d " PROOF RELIST, "is too short"},
        {"sed -i 3p " PROOF RELIST, "is too long"},
        {"sed -i 's/index 5/index 6/' " PROOF RELIST, "is for another entry"},
        {"sed -i 's/^6$/8/' " PROOF RELIST, "is for another checkpoint"},
        {"sed -i 's/council/COUNCIL/' vidimus/records/000005" RELIST, "000005 is another record"},
        {"printf 'title More' >> vidimus/records/000005" RELIST, "000005 is another record"},
        {"sed -i s/gift/loan/ data/files/000005.html" RELIST, "is another document"},
    };
    struct fixture *f = *state;
    make_bags(f);
    try_forgeries(f, "unsealed.tar", list, sizeof list / sizeof *list);
}

/* The key is one of the ledger's, and the signature is good, but it may not sign this. */
static void test_another_role(void **state)
{
    struct fixture *f = *state;
    struct vdm_entry e = {.kind = VDM_ENTRY_CAPTURE};
    append(f, &e, f->auditor, (struct vdm_bytes){0});
    append_withdrawal(f, 5, VDM_SCOPE_BOTH);
    commit(f);
    struct vdm_bundle_made made = bundle(f, (struct wish){.name = "role.tar"});
    vdm_bundle_made_release(&made);
    unpack(f, "role.tar");
    assert_int_equal(run_text(f), 1);
    char *said VDM_CLEANUP(vdm_free_string) = content(f, "output");
    assert_non_null(strstr(said, "no key of audit@archive.example.org+"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_good),         TEST(test_receipts_and_disclosures), TEST(test_changed_files),
        TEST(test_forged_seal),  TEST(test_forged_signatures),        TEST(test_forged_contents),
        TEST(test_another_role),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
