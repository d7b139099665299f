/* SPDX-License-Identifier: MIT */
#include "bundle_support.h"

static void test_folder_names(void **state)
{
    static const char *const names[][2] = {
        {"a.tar", "a"},
        {"/x/y.z/evidence.tar.zst", "evidence"},
        {"evidence.v2.tgz", "evidence.v2"},
        {"a b\xC3\xA9.tar.gz", "a_b__"},
        {"..-_x.tar", "x"},
        {".tar", "bundle"},
        {"--.tar", "bundle"},
        {"\xC3\xA9.tar", "bundle"},
        {"0123456789abcdefghij.tar", "0123456789abcdefg"},
        {"a.tar.tar", "a.tar"},
        {"plain", "plain"},
    };
    char folder[VDM_TAR_FOLDER_MAX + 1];
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        vdm_bundle_folder(names[i][0], folder);
        assert_string_equal(folder, names[i][1]);
        assert_true(vdm_tar_folder_valid(vdm_str(folder)));
    }
}

static void test_everything(void **state)
{
    struct fixture *f = *state;
    fill(f);
    struct vdm_bundle_made made = bundle(f, (struct wish){.name = "all.tar"});
    assert_int_equal(made.captures, 6);
    assert_int_equal(made.withdrawn, 3);
    assert_int_equal(made.partly, 0);
    assert_int_equal(made.documents, 3);
    assert_int_equal(made.document_bytes, strlen(DEED) + 6);
    assert_int_equal(made.size, 17);
    assert_int_equal(made.as_of.seconds, 1577934186 + 61 * 16);
    assert_true(made.sealed);
    assert_string_equal(made.folder, "all");
    assert_true(vdm_bytes_equal(vdm_buf_bytes(&made.checkpoint), vdm_writer_checkpoint(f->w)));
    struct stat st;
    char path[300];
    snprintf(path, sizeof path, "%s/all.tar", f->dir);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_size, made.bytes);
    vdm_bundle_made_release(&made);

    check_with_python(f, "all.tar", "", "VERIFIED");
    unpack(f, "all.tar");
    must_run(f, "cd bag && sha256sum -c --strict manifest-sha256.txt tagmanifest-sha256.txt");
    must_run(f, "tar -tf all.tar | cut -d/ -f2- | grep '^data\\|records' > names;"
                "printf '%s\n' data/INDEX.txt vidimus/records/000005 vidimus/records/000007 "
                "vidimus/records/000015 data/files/000005.html vidimus/records/000006 "
                "data/files/000006.bin vidimus/records/000008 vidimus/records/000016 "
                "data/files/000016.bin | cmp - names");
    must_run(f, "test \"$(cat bag/vidimus/selection | tr '\\n' ' ')\" = '5 6 8 9 10 16 '");
    must_run(f, "tar --full-time -tvf all.tar | grep -v '2020-01-02 03:19:22'; test $? = 1 || "
                "{ TZ=UTC tar --full-time -tvf all.tar | head -3; exit 1; }");
    check_by_hand(f);
}

static void test_index(void **state)
{
    struct fixture *f = *state;
    fill(f);
    struct vdm_bundle_made made = bundle(f, (struct wish){.name = "all.tar"});
    vdm_bundle_made_release(&made);
    unpack(f, "all.tar");
    char *index VDM_CLEANUP(vdm_free_string) = content(f, "bag/data/INDEX.txt");
    static const char *const words[] = {
        "6 captures of " ORIGIN ",\nas of 17 entries, 2020-01-02T03:19:22Z",
        "sender's words",
        "\nentry 5\n  amended           by entry 15, whose record is shown here\n"
        "  title             The council met at noon\n"
        "  recorded          2020-01-02T03:08:11Z (by the archive's clock)\n"
        "  signer            amal@archive.example.org\n",
        "\n  file here         data/files/000005.html\n",
        "\nentry 8\n  WITHDRAWN         the document, by entry 12\n  title             Doc gone\n",
        "\nentry 9\n  WITHDRAWN         the record, by entry 13\n  amended           by entry 11\n"
        "  recorded ",
        "\nentry 10\n  WITHDRAWN         record and document, by entry 14\n  recorded ",
        "  issued            1999 (claimed, inferred)\n",
        "  document          "
        "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        " 0 bytes\n",
    };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (!strstr(index, words[i]))
            fail_msg("'%s' is not in:\n%s", words[i], index);
    assert_null(strstr(index, "gone too"));
}

/* What a document or its metadata says must not reach a terminal as it is. */
static void test_index_is_printable(void **state)
{
    struct fixture *f = *state;
    append_record(f, 0, "x",
                  SAID({VDM_FIELD_FILE_NAME, "a\\b\nentry 99.txt"},
                       {VDM_FIELD_TITLE, "The \x1b[31mcouncil\xE2\x80\xAE met \xC5\x81"},
                       {VDM_FIELD_ISSUED, "2019-11-28"}));
    commit(f);
    struct vdm_bundle_made made = bundle(f, (struct wish){.name = "one.tar"});
    vdm_bundle_made_release(&made);
    unpack(f, "one.tar");
    char *index VDM_CLEANUP(vdm_free_string) = content(f, "bag/data/INDEX.txt");
    assert_null(strchr(index, 0x1b));
    assert_null(strstr(index, "\xE2\x80\xAE"));
    assert_null(strstr(index, "\nentry 99"));
    assert_non_null(strstr(index, "The \\x1b[31mcouncil\\xe2\\x80\\xae met \xC5\x81\n"));
    assert_non_null(strstr(index, "a\\\\b\\x0aentry 99.txt\n"));
    assert_non_null(strstr(index, "issued            2019-11-28 (claimed)\n"));
}

static void test_forms(void **state)
{
    struct fixture *f = *state;
    static const char *const names[] = {"b.tar.gz", "b.tgz", "b.tar.zst", "b.tar"};
    fill(f);
    for (size_t i = 0; i < 4; i++) {
        struct vdm_bundle_made made = bundle(f, (struct wish){.name = names[i]});
        vdm_bundle_made_release(&made);
    }
    check_with_python(f, "b.tar.gz b.tgz b.tar.zst", "", "VERIFIED");
    must_run(f, "cmp b.tar.gz b.tgz && gzip -dc b.tgz | cmp - b.tar && zstd -qdc b.tar.zst | "
                "cmp - b.tar");
}

static void test_same_bytes_again(void **state)
{
    struct fixture *f = *state;
    fill(f);
    static const char *const names[] = {"b.tar", "b.tar.gz", "b.tar.zst"};
    for (size_t i = 0; i < 3; i++) {
        struct vdm_bundle_made made = bundle(f, (struct wish){.name = names[i]});
        vdm_bundle_made_release(&made);
    }
    must_run(f, "mkdir first && mv b.tar* first");
    close_fixture(f);
    open_fixture(f);
    for (size_t i = 0; i < 3; i++) {
        struct vdm_bundle_made made = bundle(f, (struct wish){.name = names[i]});
        vdm_bundle_made_release(&made);
    }
    must_run(f, "for b in b.tar*; do cmp $b first/$b || exit 1; done");
}

static void test_receipt(void **state)
{
    struct fixture *f = *state;
    fill(f);
    struct vdm_bundle_made made =
        bundle(f, (struct wish){.name = "r.tar", ENTRIES(5, 6), .receipt = true});
    assert_int_equal(made.documents, 0);
    assert_int_equal(made.captures, 2);
    vdm_bundle_made_release(&made);
    must_run(f, "printf 'plain\\n' > mine; printf '" DEED "' > deed");
    check_with_python(f, "r.tar", "--document mine --document deed", "VERIFIED");
    unpack(f, "r.tar");
    must_run(f, "test ! -e bag/data/files && grep -q 'file here         none' bag/data/INDEX.txt");
    must_run(f, "grep -q 'sha256sum YOUR-FILE' bag/vidimus/VERIFY.txt");
}

static void test_unsealed(void **state)
{
    struct fixture *f = *state;
    fill(f);
    struct vdm_bundle_made made =
        bundle(f, (struct wish){.name = "u.tar", ENTRIES(6), .unsealed = true});
    assert_false(made.sealed);
    vdm_bundle_made_release(&made);
    check_with_python(f, "u.tar", "--allow-unsealed", "VERIFIED");
    unpack(f, "u.tar");
    must_run(f, "test ! -e bag/vidimus/seal");
}

/* What is hidden must be nowhere in the file, the index and file names included. */
static void test_disclosure(void **state)
{
    struct fixture *f = *state;
    fill(f);
    uint64_t fields = 1u << VDM_FIELD_DOCUMENT | 1u << VDM_FIELD_SOURCE;
    struct vdm_bundle_made made =
        bundle(f, (struct wish){.name = "d.tar", ENTRIES(5, 8, 9), .fields = fields});
    assert_int_equal(made.documents, 1);
    assert_int_equal(made.partly, 2);
    assert_int_equal(made.withdrawn, 2);
    vdm_bundle_made_release(&made);
    check_with_python(f, "d.tar", "", "PARTLY DISCLOSED");
    unpack(f, "d.tar");
    must_run(f, "test -f bag/data/files/000005.bin");
    must_run(f, "grep -q 'PARTLY DISCLOSED' bag/data/INDEX.txt");
    must_run(f, "grep -q '^  document          sha256:' bag/data/INDEX.txt");
    must_run(f, "grep -a -q council.example d.tar");
    must_run(
        f,
        "! grep -a -i -q 'Gift.HTML\\|council.*met\\|2019-11-28\\|hidden remark\\|Doc gone' d.tar");
    check_by_hand(f);
}

static void test_disclosure_without_digest(void **state)
{
    struct fixture *f = *state;
    fill(f);
    struct vdm_bundle_made made =
        bundle(f, (struct wish){.name = "d.tar", .fields = UINT64_C(1) << VDM_FIELD_FILE_NAME});
    assert_int_equal(made.documents, 0);
    vdm_bundle_made_release(&made);
    check_with_python(f, "d.tar", "", "VERIFIED");
    unpack(f, "d.tar");
    must_run(f, "! grep -a -q 'deed of gift' d.tar && ! ls bag/data/files");
    must_run(f, "! grep -a -q 8c\"$(printf 'plain\\n' | sha256sum | cut -c 1-64)\" d.tar");
}

static void test_selection(void **state)
{
    struct fixture *f = *state;
    fill(f);
    append_record(f, 0, "x", SAID({VDM_FIELD_SOURCE, "https://council.example/r/13"})); /* 17 */
    append_audit(f); /* 18, the newest: it must come along, once */
    commit(f);
    struct vdm_bundle_made made = bundle(f, (struct wish){.name = "one.tar", ENTRIES(6)});
    assert_int_equal(made.captures, 1);
    vdm_bundle_made_release(&made);
    check_with_python(f, "one.tar", "", "VERIFIED");
    unpack(f, "one.tar");
    must_run(f, "test \"$(ls bag/vidimus/entries | tr '\\n' ' ')\" = "
                "'000000 000001 000002 000003 000004 000006 000018 '");

    /* Amendments of captures that are not selected stay away and hide nobody's withdrawal. */
    made = bundle(f, (struct wish){.name = "two.tar", ENTRIES(6, 8)});
    assert_int_equal(made.withdrawn, 1);
    assert_int_equal(made.documents, 1);
    vdm_bundle_made_release(&made);
    check_with_python(f, "two.tar", "", "VERIFIED");

    struct vdm_catalog_filter filter = {.source = VDM_LIT("https://council.example/r/13"),
                                        .newest_first = true};
    made = bundle(f, (struct wish){.name = "source.tar", .filter = &filter});
    assert_int_equal(made.captures, 1);
    vdm_bundle_made_release(&made);
    check_with_python(f, "source.tar", "", "VERIFIED");
    filter = (struct vdm_catalog_filter){.newest_first = true};
    made = bundle(f, (struct wish){.name = "rising.tar", .filter = &filter});
    assert_int_equal(made.captures, 7);
    vdm_bundle_made_release(&made);
    must_run(f, "tar -xOf rising.tar rising/vidimus/selection | sort -n -c");
}

/* A key entry may be the newest entry of all; it stands with the others and not again. */
static void test_newest_is_a_key_entry(void **state)
{
    struct fixture *f = *state;
    append_record(f, 0, "x", NOTHING);
    append_key(f, VDM_KEY_AUTHORIZE, VDM_ROLE_SIGNER, f->authority); /* breaks a rule: no effect */
    struct vdm_signer *late VDM_CLEANUP(vdm_signer_cleanup) = NULL;
    MUST(vdm_signer_generate(&late, f->c, VDM_LIT("late@archive.example.org"), &f->err));
    append_key(f, VDM_KEY_AUTHORIZE, VDM_ROLE_SIGNER, late);
    commit(f);
    struct vdm_bundle_made made = bundle(f, (struct wish){.name = "k.tar", .sealer = late});
    vdm_bundle_made_release(&made);
    must_run(f, "tar -tf k.tar | sort | uniq -d | cmp - /dev/null");
    must_run(f, "test $(tar -tf k.tar | grep -c 'keys/.*pem$') = 6");
    must_run(f, "tar -tf k.tar | grep 'keys/.*pem$' | LC_ALL=C sort -c");
}

/* --- the catalog is only asked, never believed to be complete --- */

static void test_without_a_catalog(void **state)
{
    struct fixture *f = *state;
    struct vdm_catalog_filter filter = {.source = VDM_LIT("https://council.example/r/12")};
    char path[300];
    fill(f);
    struct vdm_bundle_made made = bundle(f, (struct wish){.name = "b.tar", ENTRIES(5, 9)});
    vdm_bundle_made_release(&made);
    must_run(f, "mv b.tar with.tar");
    close_fixture(f);
    must_run(f, "rm archive/store/catalog.db");
    snprintf(path, sizeof path, "%s/archive", f->dir);
    MUST(vdm_archive_open(&f->a, f->c, path, VDM_ARCHIVE_READ, &f->err));
    refuse_bundle(f, (struct wish){.name = "b.tar", .filter = &filter}, VDM_ERR_FAILED, "reindex");
    made = bundle(f, (struct wish){.name = "b.tar", ENTRIES(5, 9)});
    vdm_bundle_made_release(&made);
    must_run(f, "cmp b.tar with.tar");
}

/* --- many --- */

static void test_three_hundred(void **state)
{
    struct fixture *f = *state;
    char text[40];
    for (unsigned i = 0; i < 300; i++) {
        snprintf(text, sizeof text, "document %u", i);
        append_record(f, 0, text, SAID({VDM_FIELD_TITLE, text}));
    }
    append_withdrawal(f, 5 + 255, VDM_SCOPE_BOTH);
    append_record(f, 5, "document 0", NOTHING);
    append_audit(f);
    commit(f);
    struct vdm_bundle_made made =
        bundle(f, (struct wish){.name = "few.tar", ENTRIES(5, 255, 256, 257, 260, 304)});
    assert_int_equal(made.captures, 6);
    assert_int_equal(made.documents, 5);
    vdm_bundle_made_release(&made);
    check_with_python(f, "few.tar", "", "VERIFIED");
    must_run(f, "test $(tar -tf few.tar | grep -c 'entries/00030[56]$') = 2"); /* by the catalog */
    made = bundle(f, (struct wish){.name = "all.tar"});
    assert_int_equal(made.captures, 300);
    assert_int_equal(made.documents, 299);
    vdm_bundle_made_release(&made);
    unpack(f, "all.tar");
    must_run(f, "cd bag && sha256sum -c --quiet --strict manifest-sha256.txt "
                "tagmanifest-sha256.txt && test $(ls vidimus/proofs | wc -l) = 308");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_folder_names),
        TEST(test_everything),
        TEST(test_index),
        TEST(test_index_is_printable),
        TEST(test_forms),
        TEST(test_same_bytes_again),
        TEST(test_receipt),
        TEST(test_unsealed),
        TEST(test_disclosure),
        TEST(test_disclosure_without_digest),
        TEST(test_selection),
        TEST(test_newest_is_a_key_entry),
        TEST(test_without_a_catalog),
        TEST(test_three_hundred),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
