/* SPDX-License-Identifier: MIT */
/* Names of members, both ways, and the rule for suffixes. */
#include "unit/bundle/support.h"

#include "bundle/layout.h"
#include "bundle/tar.h"

#include <stdio.h>

#define HEX32 "000102030405060708090a0b0c0d0e0f"
#define HEX   HEX32 "101112131415161718191a1b1c1d1e1f"
#define N64   "a234567890.-345678901234567890123456789012345678901234567890123z"

static const struct {
    const char *path;
    enum vdm_layout_kind kind;
    uint64_t n;
    const char *ext, *name;
} good[] = {
    {"bagit.txt", VDM_LAYOUT_BAGIT, 0, "", ""},
    {"bag-info.txt", VDM_LAYOUT_BAG_INFO, 0, "", ""},
    {"manifest-sha256.txt", VDM_LAYOUT_MANIFEST, 0, "", ""},
    {"tagmanifest-sha256.txt", VDM_LAYOUT_TAGMANIFEST, 0, "", ""},
    {"vidimus/seal", VDM_LAYOUT_SEAL, 0, "", ""},
    {"vidimus/checkpoint", VDM_LAYOUT_CHECKPOINT, 0, "", ""},
    {"vidimus/selection", VDM_LAYOUT_SELECTION, 0, "", ""},
    {"vidimus/VERIFY.txt", VDM_LAYOUT_VERIFY, 0, "", ""},
    {"vidimus/keys/" HEX ".pem", VDM_LAYOUT_KEY, 0, "", ""},
    {"data/INDEX.txt", VDM_LAYOUT_INDEX, 0, "", ""},
    {"vidimus/entries/000000", VDM_LAYOUT_ENTRY, 0, "", ""},
    {"vidimus/entries/000017", VDM_LAYOUT_ENTRY, 17, "", ""},
    {"vidimus/entries/999999", VDM_LAYOUT_ENTRY, 999999, "", ""},
    {"vidimus/entries/1000000", VDM_LAYOUT_ENTRY, 1000000, "", ""},
    {"vidimus/entries/9007199254740991", VDM_LAYOUT_ENTRY, VDM_NUMBER_MAX, "", ""},
    {"vidimus/proofs/000005.tlog-proof", VDM_LAYOUT_PROOF, 5, "", ""},
    {"vidimus/proofs/1234567.tlog-proof", VDM_LAYOUT_PROOF, 1234567, "", ""},
    {"vidimus/records/000005", VDM_LAYOUT_RECORD, 5, "", ""},
    {"data/files/000005.html", VDM_LAYOUT_FILE, 5, "html", ""},
    {"data/files/1000000.7", VDM_LAYOUT_FILE, 1000000, "7", ""},
    {"data/files/000005.abcdefgh", VDM_LAYOUT_FILE, 5, "abcdefgh", ""},
    {"vidimus/evidence/17/checkpoint", VDM_LAYOUT_EVIDENCE, 17, "", "checkpoint"},
    {"vidimus/evidence/1/0", VDM_LAYOUT_EVIDENCE, 1, "", "0"},
    {"vidimus/evidence/9007199254740991/" N64, VDM_LAYOUT_EVIDENCE, VDM_NUMBER_MAX, "", N64},
};
#define GOOD (sizeof good / sizeof *good)

static void test_good_paths_both_ways(void **state)
{
    (void)state;
    for (size_t i = 0; i < GOOD; i++) {
        struct vdm_layout_member m;
        char path[VDM_LAYOUT_PATH_MAX + 1];
        assert_true(vdm_layout_decode(vdm_str(good[i].path), &m));
        assert_int_equal(m.kind, good[i].kind);
        assert_int_equal(m.n, good[i].n);
        assert_string_equal(m.ext, good[i].ext);
        assert_string_equal(m.name, good[i].name);
        for (uint8_t k = 0; k < 32; k++)
            assert_int_equal(m.key.b[k], m.kind == VDM_LAYOUT_KEY ? k : 0);
        assert_true(vdm_layout_encode(&m, path, NULL));
        assert_string_equal(path, good[i].path);
    }
}

static void test_longest_path_fits_a_tar(void **state)
{
    (void)state;
    char name[VDM_TAR_NAME_MAX + 1];
    uint8_t block[VDM_TAR_BLOCK];
    for (size_t i = 0; i < GOOD; i++) {
        struct vdm_tar_member m = {0};
        int n = snprintf(name, sizeof name, "b/%s", good[i].path);
        assert_true(n > 0 && n <= VDM_TAR_NAME_MAX);
        memcpy(m.name, name, (size_t)n);
        assert_true(vdm_tar_header_encode(&m, block, NULL));
    }
}

static void test_bad_paths(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "/",
        "bagit",
        "Bagit.txt",
        "bagit.txt/",
        "/bagit.txt",
        "bagit.txt ",
        "fetch.txt",
        "manifest-sha512.txt",
        "data",
        "data/",
        "data/index.txt",
        "data/files",
        "data/files/",
        "vidimus",
        "vidimus/",
        "vidimus/Seal",
        "vidimus/seal2",
        "vidimus/verify.txt",
        "vidimus/keys/" HEX,
        "vidimus/keys/" HEX ".PEM",
        "vidimus/keys/" HEX32 ".pem",
        "vidimus/keys/" HEX "0.pem",
        "vidimus/keys/.pem",
        "vidimus/keys/" HEX32 "101112131415161718191A1B1C1D1E1F.pem",
        "vidimus/entries/",
        "vidimus/entries/0",
        "vidimus/entries/17",
        "vidimus/entries/00017",
        "vidimus/entries/0000017",
        "vidimus/entries/0999999",
        "vidimus/entries/-00017",
        "vidimus/entries/+00017",
        "vidimus/entries/00017 ",
        "vidimus/entries/ 00017",
        "vidimus/entries/00001a",
        "vidimus/entries/0x0011",
        "vidimus/entries/000017/",
        "vidimus/entries/000017.txt",
        "vidimus/entries/9007199254740992",
        "vidimus/entries/10000000000000000",
        "vidimus/entries/00000000000000017",
        "vidimus/proofs/000005",
        "vidimus/proofs/.tlog-proof",
        "vidimus/proofs/5.tlog-proof",
        "vidimus/proofs/000005.tlog-proof.tlog-proof",
        "vidimus/proofs/0000005.tlog-proof",
        "vidimus/records/5",
        "data/files/000005",
        "data/files/000005.",
        "data/files/5.bin",
        "data/files/0000005.bin",
        "data/files/000005.HTML",
        "data/files/000005.abcdefghi",
        "data/files/000005.tar.gz",
        "data/files/000005.h_l",
        "data/files/.bin",
        "data/files/000005.../x",
        "data/files/../000005.bin",
        "vidimus/evidence/",
        "vidimus/evidence/17",
        "vidimus/evidence/17/",
        "vidimus/evidence/0/a",
        "vidimus/evidence/017/a",
        "vidimus/evidence/000017/a",
        "vidimus/evidence//a",
        "vidimus/evidence/17/.a",
        "vidimus/evidence/17/-a",
        "vidimus/evidence/17/A",
        "vidimus/evidence/17/a_b",
        "vidimus/evidence/17/a/b",
        "vidimus/evidence/17/" N64 "z",
        "vidimus/evidence/9007199254740992/a",
        "vidimus/evidence/1\xff/a",
    };
    struct vdm_layout_member m;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (vdm_layout_decode(vdm_str(bad[i]), &m))
            fail_msg("taken: %s", bad[i]);
    /* What stands behind a path is no part of it. */
    static const char longer[] = "vidimus/evidence/17/a";
    assert_false(
        vdm_layout_decode((struct vdm_bytes){(const uint8_t *)longer, sizeof longer - 2}, &m));
    assert_false(vdm_layout_decode(VDM_LIT("bagit.txt\0"), &m));
    assert_false(vdm_layout_decode(VDM_LIT("vidimus/entries/00001\0"), &m));
    assert_false(vdm_layout_decode(VDM_LIT("data/files/000005.bi\0"), &m));
}

/* Each byte of each good path to each other value: refused, or another path with one form. */
static void test_every_byte_changed(void **state)
{
    (void)state;
    for (size_t i = 0; i < GOOD; i++) {
        uint8_t path[VDM_LAYOUT_PATH_MAX];
        size_t n = strlen(good[i].path);
        memcpy(path, good[i].path, n);
        for (size_t at = 0; at < n; at++)
            for (unsigned v = 1; v < 256; v++) {
                struct vdm_layout_member m;
                char again[VDM_LAYOUT_PATH_MAX + 1];
                path[at] ^= (uint8_t)v;
                if (vdm_layout_decode((struct vdm_bytes){path, n}, &m)) {
                    assert_true(vdm_layout_encode(&m, again, NULL));
                    assert_int_equal(strlen(again), n);
                    assert_memory_equal(again, path, n);
                }
                path[at] ^= (uint8_t)v;
            }
    }
}

static void test_members_without_a_name(void **state)
{
    (void)state;
    static const struct vdm_layout_member bad[] = {
        {.kind = (enum vdm_layout_kind)99},
        {.kind = (enum vdm_layout_kind)(VDM_LAYOUT_EVIDENCE + 1)},
        {.kind = VDM_LAYOUT_ENTRY, .n = VDM_NUMBER_MAX + 1},
        {.kind = VDM_LAYOUT_PROOF, .n = UINT64_MAX},
        {.kind = VDM_LAYOUT_RECORD, .n = VDM_NUMBER_MAX + 1},
        {.kind = VDM_LAYOUT_FILE, .n = VDM_NUMBER_MAX + 1, .ext = "bin"},
        {.kind = VDM_LAYOUT_FILE, .n = 5},
        {.kind = VDM_LAYOUT_FILE, .n = 5, .ext = "Bin"},
        {.kind = VDM_LAYOUT_FILE, .n = 5, .ext = "a.b"},
        {.kind = VDM_LAYOUT_FILE, .n = 5, .ext = {'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i'}},
        {.kind = VDM_LAYOUT_EVIDENCE, .n = 0, .name = "a"},
        {.kind = VDM_LAYOUT_EVIDENCE, .n = VDM_NUMBER_MAX + 1, .name = "a"},
        {.kind = VDM_LAYOUT_EVIDENCE, .n = 5},
        {.kind = VDM_LAYOUT_EVIDENCE, .n = 5, .name = "../a"},
        {.kind = VDM_LAYOUT_EVIDENCE, .n = 5, .name = "a/b"},
    };
    char path[VDM_LAYOUT_PATH_MAX + 1];
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct vdm_err err = {0};
        assert_false(vdm_layout_encode(&bad[i], path, &err));
        assert_int_equal(err.kind, VDM_ERR_REFUSED);
    }
}

static void test_largest_numbers(void **state)
{
    (void)state;
    static const struct vdm_layout_member good_ones[] = {
        {.kind = VDM_LAYOUT_ENTRY, .n = VDM_NUMBER_MAX},
        {.kind = VDM_LAYOUT_FILE, .n = VDM_NUMBER_MAX, .ext = "bin"},
        {.kind = VDM_LAYOUT_EVIDENCE, .n = VDM_NUMBER_MAX, .name = "a"},
    };
    char path[VDM_LAYOUT_PATH_MAX + 1];
    struct vdm_layout_member back;
    for (size_t i = 0; i < sizeof good_ones / sizeof *good_ones; i++) {
        assert_true(vdm_layout_encode(&good_ones[i], path, NULL));
        assert_true(vdm_layout_decode(vdm_str(path), &back));
        assert_int_equal(back.n, VDM_NUMBER_MAX);
    }
}

static void test_which_manifest(void **state)
{
    (void)state;
    for (int k = VDM_LAYOUT_BAGIT; k <= VDM_LAYOUT_EVIDENCE; k++) {
        enum vdm_layout_kind kind = (enum vdm_layout_kind)k;
        bool payload = kind == VDM_LAYOUT_INDEX || kind == VDM_LAYOUT_FILE;
        bool neither = kind == VDM_LAYOUT_TAGMANIFEST || kind == VDM_LAYOUT_SEAL ||
                       kind == VDM_LAYOUT_EVIDENCE;
        assert_int_equal(vdm_layout_in_manifest(kind), payload);
        assert_int_equal(vdm_layout_in_tagmanifest(kind), !payload && !neither);
    }
}

static void test_suffixes(void **state)
{
    (void)state;
    static const struct {
        const char *name, *ext;
    } cases[] = {
        {"", "bin"},
        {"deed", "bin"},
        {"deed.pdf", "pdf"},
        {"deed.PDF", "pdf"},
        {"deed.c", "c"},
        {"deed.Mp4", "mp4"},
        {"a.tar.gz", "gz"},
        {"a.", "bin"},
        {"a..", "bin"},
        {".", "bin"},
        {"..", "bin"},
        {".html", "bin"},
        {".a.html", "html"},
        {"a..html", "html"},
        {"a.12345678", "12345678"},
        {"a.123456789", "bin"},
        {"a.ht ml", "bin"},
        {"a.html ", "bin"},
        {"a.html\\x20", "bin"},
        {"a.h\\\\l", "bin"},
        {"a.b/c", "bin"},
        {"a.h_l", "bin"},
        {"a.\xe2\x84\xaa", "bin"}, /* KELVIN SIGN, whose lower case is `k` */
        {"\xd8\xa7.TXT", "txt"},
        {"a.@[`{", "bin"},
        {"a.AZ09", "az09"},
        {"a./09:", "bin"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char ext[VDM_LAYOUT_EXT_MAX + 1];
        vdm_layout_ext(vdm_str(cases[i].name), ext);
        assert_string_equal(ext, cases[i].ext);
        struct vdm_layout_member m = {.kind = VDM_LAYOUT_FILE, .n = 5};
        char path[VDM_LAYOUT_PATH_MAX + 1];
        memcpy(m.ext, ext, sizeof ext);
        assert_true(vdm_layout_encode(&m, path, NULL));
    }
    char ext[VDM_LAYOUT_EXT_MAX + 1];
    static uint8_t endless[1 << 20] = {'a', '.'};
    memset(endless + 2, 'x', sizeof endless - 2);
    vdm_layout_ext((struct vdm_bytes){endless, sizeof endless}, ext);
    assert_string_equal(ext, "bin");
    vdm_layout_ext((struct vdm_bytes){0}, ext);
    assert_string_equal(ext, "bin");
    vdm_layout_ext((struct vdm_bytes){(const uint8_t *)"a.html", 5}, ext);
    assert_string_equal(ext, "htm");
    vdm_layout_ext(VDM_LIT("a.ht\0l"), ext);
    assert_string_equal(ext, "bin");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good_paths_both_ways),
        cmocka_unit_test(test_longest_path_fits_a_tar),
        cmocka_unit_test(test_bad_paths),
        cmocka_unit_test(test_every_byte_changed),
        cmocka_unit_test(test_members_without_a_name),
        cmocka_unit_test(test_largest_numbers),
        cmocka_unit_test(test_which_manifest),
        cmocka_unit_test(test_suffixes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
