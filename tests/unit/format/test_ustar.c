/* SPDX-License-Identifier: MIT */
/* One tar header: its bytes as POSIX.1-2017 has them, and no second form of them. */
#include "format/ustar.h"

#include "unit/format/fixture.h"

/* A byte more, which is none of the header. */
typedef uint8_t block_t[VDM_USTAR_BLOCK + 1];

static const struct vdm_ustar sample = {"sample/bagit.txt", 0644, 54, 013603260662};

static void encode(const struct vdm_ustar *h, block_t block)
{
    memset(block, 0xAA, sizeof(block_t));
    vdm_ustar_encode(h, block);
    assert_int_equal(block[VDM_USTAR_BLOCK], 0xAA);
}

static void test_every_byte(void **state)
{
    (void)state;
    block_t block, want = {0};
    memcpy(want, "sample/bagit.txt", 16);
    memcpy(want + 100, "0000644", 7);
    memcpy(want + 108, "0000000", 7);
    memcpy(want + 116, "0000000", 7);
    memcpy(want + 124, "00000000066", 11);
    memcpy(want + 136, "13603260662", 11);
    memcpy(want + 148, "011122\0 0", 9);
    memcpy(want + 257, "ustar\0", 6);
    memcpy(want + 263, "00", 2);
    encode(&sample, block);
    assert_memory_equal(block, want, VDM_USTAR_BLOCK);
}

static void there_and_back(struct vdm_ustar h, const char *size_field)
{
    block_t block;
    struct vdm_ustar back;
    encode(&h, block);
    if (size_field)
        assert_memory_equal(block + 124, size_field, 12);
    assert_true(vdm_ustar_checksum_right(block));
    assert_null(vdm_ustar_decode(block, h.mode, &back));
    assert_string_equal(back.name, h.name);
    assert_int_equal(back.mode, h.mode);
    assert_true(back.size == h.size && back.mtime == h.mtime);
    assert_non_null(vdm_ustar_decode(block, h.mode ^ 0100, &back));
}

static void test_numbers_and_names(void **state)
{
    (void)state;
    struct vdm_ustar h = sample;
    there_and_back(h, "00000000066\0");
    h.size = VDM_USTAR_OCTAL_MAX;
    there_and_back(h, "77777777777\0");
    h.size = VDM_USTAR_OCTAL_MAX + 1;
    there_and_back(h, "\x80\0\0\0\0\0\0\2\0\0\0\0");
    h.size = UINT64_MAX;
    there_and_back(h, "\x80\0\0\0\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF");
    h.size = 0;
    h.mtime = VDM_USTAR_OCTAL_MAX;
    h.mode = 0777;
    there_and_back(h, "00000000000\0");
    memset(h.name, 'n', VDM_USTAR_NAME_MAX);
    there_and_back(h, NULL);
    memset(h.name, 0, sizeof h.name);
    there_and_back(h, NULL);
}

/* A changed byte is named, or the checksum is wrong; that alone where it is its own digits that changed. */
static void test_every_byte_changed(void **state)
{
    static const uint8_t flips[] = {1, 0x20, 0x80};
    (void)state;
    block_t block;
    struct vdm_ustar back;
    for (size_t i = 0; i < VDM_USTAR_BLOCK; i++)
        for (size_t k = 0; k < sizeof flips; k++) {
            bool digits = i >= 148 && i < 154;
            encode(&sample, block);
            block[i] ^= flips[k];
            const char *why = vdm_ustar_decode(block, 0644, &back);
            bool other = strcmp(back.name, sample.name) != 0 || back.size != sample.size ||
                         back.mtime != sample.mtime;
            if (digits ? why || other : !why && !other)
                fail_msg("byte %zu: %s", i, why);
            assert_int_equal(vdm_ustar_checksum_right(block), i == 154 || i == 155);
        }
}

static void test_fields_are_named(void **state)
{
    static const struct {
        size_t from, to;
        const char *words;
    } fields[] = {
        {17, 99, "bytes after the name"},
        {100, 107, "the mode"},
        {108, 115, "the owner is not 0"},
        {116, 123, "the group is not 0"},
        {135, 135, "the size is not in its form"},
        {147, 147, "the time is not in its form"},
        {154, 155, "the checksum is not in its form"},
        {156, 156, "not a regular file"},
        {157, 256, "there is a link name"},
        {257, 264, "not POSIX ustar"},
        {265, 296, "there is an owner name"},
        {297, 328, "there is a group name"},
        {329, 344, "there is a device number"},
        {345, 499, "there is a name prefix"},
        {500, 511, "bytes after the fields"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        for (int last = 0; last < 2; last++) {
            block_t block;
            struct vdm_ustar back;
            encode(&sample, block);
            block[last ? fields[i].to : fields[i].from] ^= 1;
            const char *why = vdm_ustar_decode(block, 0644, &back);
            assert_non_null(why);
            if (!strstr(why, fields[i].words))
                fail_msg("%s, not %s", why, fields[i].words);
        }
}

/* Digits that are none of octal, and spaces, make a number and no form of it. */
static void test_other_forms(void **state)
{
    static const char *const sizes[] = {"         66 ",
                                        "00000000066 ",
                                        "0000000066\0\0",
                                        "00000000096\0",
                                        "-0000000066\0",
                                        "\x80\0\0\0\0\0\0\0\0\0\0\x36",
                                        "\x81\0\0\0\0\0\0\2\0\0\0\0",
                                        "\xFF\0\0\0\0\0\0\2\0\0\0\0"};
    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        block_t block;
        struct vdm_ustar back;
        encode(&sample, block);
        memcpy(block + 124, sizes[i], 12);
        assert_string_equal(vdm_ustar_decode(block, 0644, &back),
                            "tar header: the size is not in its form");
    }
    block_t zeros = {0};
    assert_false(vdm_ustar_checksum_right(zeros));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_byte),         cmocka_unit_test(test_numbers_and_names),
        cmocka_unit_test(test_every_byte_changed), cmocka_unit_test(test_fields_are_named),
        cmocka_unit_test(test_other_forms),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
