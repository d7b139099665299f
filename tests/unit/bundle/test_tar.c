/* SPDX-License-Identifier: MIT */
/* One header: decode takes exactly what encode gives. */
#include "unit/bundle/support.h"

#include "base/limits.h"
#include "bundle/tar.h"

#include <stdio.h>

#define GIB8 (UINT64_C(8) << 30)

static struct vdm_tar_member member(const char *name, uint64_t size, uint64_t mtime)
{
    struct vdm_tar_member m = {.size = size, .mtime = mtime};
    memcpy(m.name, name, strlen(name));
    return m;
}

static void fix_checksum(uint8_t *block)
{
    unsigned sum = 0;
    memset(block + 148, ' ', 8);
    for (size_t i = 0; i < VDM_TAR_BLOCK; i++)
        sum += block[i];
    char text[8];
    snprintf(text, sizeof text, "%06o", sum % 0777777);
    memcpy(block + 148, text, 7);
}

static void test_every_byte_of_a_header(void **state)
{
    (void)state;
    uint8_t block[VDM_TAR_BLOCK] = {0};
    struct vdm_tar_member m = member("sample/bagit.txt", 54, 013603260662), back;
    const char *reason;
    assert_true(vdm_tar_header_encode(&m, block, NULL));

    uint8_t want[VDM_TAR_BLOCK] = {0};
    memcpy(want, "sample/bagit.txt", 16);
    memcpy(want + 100, "0000644", 7);
    memcpy(want + 108, "0000000", 7);
    memcpy(want + 116, "0000000", 7);
    memcpy(want + 124, "00000000066", 11);
    memcpy(want + 136, "13603260662", 11);
    memcpy(want + 148, "011122\0 0", 9);
    memcpy(want + 257,
           "ustar\0"
           "00",
           8);
    assert_memory_equal(block, want, sizeof want);

    assert_true(vdm_tar_header_decode(block, &back, &reason));
    assert_string_equal(back.name, m.name);
    assert_int_equal(back.size, 54);
    assert_int_equal(back.mtime, m.mtime);
    assert_string_equal(reason, "");
    assert_string_equal(vdm_tar_path(&back), "bagit.txt");
}

static void expect_strict(const uint8_t *block)
{
    struct vdm_tar_member m;
    const char *reason = NULL;
    uint8_t again[VDM_TAR_BLOCK];
    if (vdm_tar_header_decode(block, &m, &reason)) {
        assert_true(vdm_tar_header_encode(&m, again, NULL));
        assert_memory_equal(again, block, sizeof again);
    } else {
        assert_non_null(reason);
        assert_string_not_equal(reason, "");
    }
}

/* Every byte to every other value, with the checksum left alone and with it put right. */
static void change_every_byte(const struct vdm_tar_member *m)
{
    uint8_t block[VDM_TAR_BLOCK], changed[VDM_TAR_BLOCK];
    struct vdm_tar_member back;
    const char *reason;
    assert_true(vdm_tar_header_encode(m, block, NULL));
    for (size_t i = 0; i < VDM_TAR_BLOCK; i++)
        for (unsigned v = 1; v < 256; v++) {
            memcpy(changed, block, sizeof block);
            changed[i] = (uint8_t)(block[i] ^ v);
            assert_false(vdm_tar_header_decode(changed, &back, &reason));
            fix_checksum(changed);
            expect_strict(changed);
        }
}

static void test_every_byte_changed(void **state)
{
    (void)state;
    struct vdm_tar_member small = member("b/data/files/000005.html", 01234567, 1700000000);
    struct vdm_tar_member large = member("b/data/files/000005.html", GIB8 + 77, 0);
    change_every_byte(&small);
    change_every_byte(&large);
}

static void test_each_field_is_named(void **state)
{
    (void)state;
    static const struct {
        size_t at;
        char value;
        const char *word;
    } cases[] = {
        {99, 'x', "after the name"},  {106, '5', "mode"},
        {105, '5', "mode"},           {107, ' ', "mode"},
        {114, '1', "owner is"},       {115, '1', "owner is"},
        {122, '7', "group is"},       {123, ' ', "group is"},
        {135, ' ', "size"},           {124, ' ', "size"},
        {124, '8', "size"},           {147, ' ', "time"},
        {136, '9', "time"},           {154, '0', "checksum is not in its form"},
        {156, '\0', "regular"},       {156, '5', "regular"},
        {156, '2', "regular"},        {156, '1', "regular"},
        {156, '7', "regular"},        {156, 'x', "regular"},
        {156, 'g', "regular"},        {156, 'L', "regular"},
        {156, 'S', "regular"},        {157, 'a', "link"},
        {256, 'a', "link"},           {262, ' ', "ustar"},
        {263, ' ', "ustar"},          {264, '1', "ustar"},
        {265, 'r', "owner name"},     {297, 'r', "group name"},
        {329, '0', "device"},         {344, '0', "device"},
        {345, 'p', "prefix"},         {499, 'p', "prefix"},
        {500, 1, "after the fields"}, {511, 1, "after the fields"},
    };
    struct vdm_tar_member m = member("b/x", 5, 7), back;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t block[VDM_TAR_BLOCK];
        const char *reason = NULL;
        assert_true(vdm_tar_header_encode(&m, block, NULL));
        block[cases[i].at] = (uint8_t)cases[i].value;
        if (cases[i].at < 148 || cases[i].at > 155)
            fix_checksum(block);
        assert_false(vdm_tar_header_decode(block, &back, &reason));
        if (!strstr(reason, cases[i].word))
            fail_msg("byte %zu: %s", cases[i].at, reason);
    }
}

/* So much that the checksum's first digit changes as well: it is not what is named. */
static void test_field_before_checksum(void **state)
{
    (void)state;
    struct vdm_tar_member m = member("b/x", 5, 7), back;
    uint8_t block[VDM_TAR_BLOCK];
    const char *reason = NULL;
    assert_true(vdm_tar_header_encode(&m, block, NULL));
    memset(block + 345, 0xFF, 155);
    fix_checksum(block);
    assert_int_equal(block[148], '1');
    assert_false(vdm_tar_header_decode(block, &back, &reason));
    assert_non_null(strstr(reason, "prefix"));
}

static void test_path_without_a_folder(void **state)
{
    (void)state;
    struct vdm_tar_member m = member("x", 5, 7);
    assert_string_equal(vdm_tar_path(&m), "x");
}

static void test_zero_and_random_blocks(void **state)
{
    (void)state;
    uint8_t block[VDM_TAR_BLOCK] = {0};
    struct vdm_tar_member m;
    const char *reason;
    assert_false(vdm_tar_header_decode(block, &m, &reason));
    memset(block, 0xFF, sizeof block);
    assert_false(vdm_tar_header_decode(block, &m, &reason));
    assert_non_null(strstr(reason, "checksum is wrong"));
}

static void test_sizes(void **state)
{
    (void)state;
    static const struct {
        uint64_t size;
        const char *field; /* 12 bytes */
    } cases[] = {
        {0, "00000000000\0"},
        {1, "00000000001\0"},
        {511, "00000000777\0"},
        {512, "00000001000\0"},
        {513, "00000001001\0"},
        {GIB8 - 1, "77777777777\0"},
        {GIB8, "\x80\0\0\0\0\0\0\x02\0\0\0\0"},
        {GIB8 + 0x1234, "\x80\0\0\0\0\0\0\x02\0\0\x12\x34"},
        {VDM_NUMBER_MAX, "\x80\0\0\0\0\x1f\xff\xff\xff\xff\xff\xff"},
    };
    uint8_t block[VDM_TAR_BLOCK];
    struct vdm_tar_member back;
    const char *reason;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct vdm_tar_member m = member("b/x", cases[i].size, 0);
        assert_true(vdm_tar_header_encode(&m, block, NULL));
        assert_memory_equal(block + 124, cases[i].field, 12);
        assert_true(vdm_tar_header_decode(block, &back, &reason));
        assert_int_equal(back.size, cases[i].size);
    }
}

static void test_sizes_without_a_form(void **state)
{
    (void)state;
    static const char *const fields[] = {
        "\x80\0\0\0\0\0\0\0\0\0\0\x05",                     /* octal would do */
        "\x80\0\0\0\0\0\0\x01\xff\xff\xff\xff",             /* 8 GiB - 1: octal would do */
        "\x80\0\0\0\0\x20\0\0\0\0\0\0",                     /* 2^53 */
        "\x80\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff",       /* 2^64 - 1 */
        "\x80\0\0\x01\0\0\0\x02\0\0\0\0",                   /* above 64 bits */
        "\x81\0\0\0\0\0\0\x02\0\0\0\0",                     /* above 88 bits */
        "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", /* negative */
        "       0005\0",
        "00000000005 ",
        "5\0\0\0\0\0\0\0\0\0\0\0",
        "000000000005",
        "\0\0\0\0\0\0\0\0\0\0\0\0",
    };
    struct vdm_tar_member m = member("b/x", 5, 0), back;
    struct vdm_err err = {0};
    uint8_t block[VDM_TAR_BLOCK];
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        const char *reason = NULL;
        assert_true(vdm_tar_header_encode(&m, block, NULL));
        memcpy(block + 124, fields[i], 12);
        fix_checksum(block);
        assert_false(vdm_tar_header_decode(block, &back, &reason));
        assert_non_null(strstr(reason, "size"));
    }
    m.size = VDM_NUMBER_MAX + 1;
    assert_false(vdm_tar_header_encode(&m, block, &err));
    assert_int_equal(err.kind, VDM_ERR_REFUSED);
}

static void test_times(void **state)
{
    (void)state;
    struct vdm_tar_member m = member("b/x", 5, VDM_TAR_OCTAL_MAX), back;
    uint8_t block[VDM_TAR_BLOCK];
    const char *reason;
    assert_true(vdm_tar_header_encode(&m, block, NULL));
    assert_memory_equal(block + 136, "77777777777", 12);
    assert_true(vdm_tar_header_decode(block, &back, &reason));
    assert_int_equal(back.mtime, VDM_TAR_OCTAL_MAX);
    m.mtime++;
    assert_false(vdm_tar_header_encode(&m, block, NULL));
}

#define N50 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static void test_names(void **state)
{
    (void)state;
    static const char *const good[] = {
        "b/x",  "B0-_.x/y", "12345678901234567/x",      "b/a/b/c", "b/..x", "b/x.",
        "b/-x", "b/.x",     "b/" N50 "/" N50 /* 103 */,
    };
    static const char *const bad[] = {
        "",           "b",
        "b/",         "/b",
        "b//x",       "b/./x",
        "b/../x",     "../x",
        "./x",        "b/..",
        "b/.",        "b/x/",
        ".b/x",       "-b/x",
        "_b/x",       "b/a b",
        "b/a\nb",     "b/a\\b",
        "b/\xc3\xa9", "b/a:b",
        "b/a*",       "b/a\x7f",
        "b\x80/x",    "b/a\x01",
        "b b/x",      "123456789012345678/x",
        "b/x~",       "b/%41",
    };
    uint8_t block[VDM_TAR_BLOCK];
    struct vdm_tar_member back;
    const char *reason;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        char name[VDM_TAR_NAME_MAX + 1] = {0};
        memcpy(name, good[i], strlen(good[i]) > 100 ? 100 : strlen(good[i]));
        struct vdm_tar_member m = member(name, 5, 0);
        assert_true(vdm_tar_header_encode(&m, block, NULL));
        assert_true(vdm_tar_header_decode(block, &back, &reason));
        assert_string_equal(back.name, name);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct vdm_err err = {0};
        struct vdm_tar_member m = member(bad[i], 5, 0), right = member("b/x", 5, 0);
        assert_false(vdm_tar_header_encode(&m, block, &err));
        assert_int_equal(err.kind, VDM_ERR_REFUSED);
        assert_true(vdm_tar_header_encode(&right, block, NULL));
        memset(block, 0, 100);
        memcpy(block, bad[i], strlen(bad[i]));
        fix_checksum(block);
        assert_false(vdm_tar_header_decode(block, &back, &reason));
        assert_non_null(strstr(reason, "name"));
    }
    struct vdm_tar_member unended = {0};
    memset(unended.name, 'a', sizeof unended.name);
    unended.name[1] = '/';
    assert_false(vdm_tar_header_encode(&unended, block, NULL));
}

static void test_folders(void **state)
{
    (void)state;
    for (unsigned c = 0; c < 256; c++) {
        uint8_t one = (uint8_t)c, two[2] = {'a', one};
        bool alnum = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
        bool more = alnum || c == '.' || c == '_' || c == '-';
        assert_int_equal(vdm_tar_folder_valid((struct vdm_bytes){&one, 1}), alnum);
        assert_int_equal(vdm_tar_folder_valid((struct vdm_bytes){two, 2}), more);
    }
    assert_false(vdm_tar_folder_valid(VDM_LIT("")));
    assert_true(vdm_tar_folder_valid(VDM_LIT("12345678901234567")));
    assert_false(vdm_tar_folder_valid(VDM_LIT("123456789012345678")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_byte_of_a_header),
        cmocka_unit_test(test_every_byte_changed),
        cmocka_unit_test(test_each_field_is_named),
        cmocka_unit_test(test_field_before_checksum),
        cmocka_unit_test(test_path_without_a_folder),
        cmocka_unit_test(test_zero_and_random_blocks),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_sizes_without_a_form),
        cmocka_unit_test(test_times),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_folders),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
