/* SPDX-License-Identifier: MIT */
/* Other people's programs read what we write, and see the same: GNU tar, bsdtar, gzip, zstd and
 * openssl as programs, libarchive as a library. They must be installed. */
#include "unit/bundle/support.h"

#include "bundle/layout.h"
#include "bundle/tar.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <stdio.h>

#define MTIME 1577935282 /* 2020-01-02 03:21:22 UTC */

static const struct {
    const char *path;
    size_t size;
} members[] = {
    {"bagit.txt", 55},
    {"empty", 0},
    {"data/files/000001.bin", 1},
    {"data/files/000511.bin", 511},
    {"data/files/000512.bin", 512},
    {"data/files/000513.bin", 513},
    {"vidimus/keys/000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f.pem", 70000},
};
#define MEMBERS (sizeof members / sizeof *members)

/* Names as long as they may be: 17 for the folder, a slash, and 81 + 1. */
#define FOLDER "17-bytes_folder.x"

static const char *const endings[] = {".tar", ".tar.gz", ".tar.zst"};

struct fixture {
    char dir[64];
    struct vdm_buf content; /* of all members, one after another */
};

static void path_of(const struct fixture *f, const char *ending, char *out, size_t cap)
{
    snprintf(out, cap, "%s/bundle%s", f->dir, ending);
}

static void write_bundle(const char *path, struct vdm_bytes content)
{
    struct vdm_new_file file VDM_CLEANUP(vdm_new_file_discard) = {.dir = -1, .fd = -1};
    struct vdm_stream_writer *out VDM_CLEANUP(vdm_stream_writer_cleanup) = NULL;
    struct vdm_tar_writer tar;
    enum vdm_stream_form form;
    assert_true(vdm_stream_form_of_name(path, &form, NULL));
    assert_true(vdm_new_file_open(&file, AT_FDCWD, path, 0600, NULL));
    assert_true(vdm_stream_writer_open(&out, file.fd, form, 0, NULL));
    assert_true(vdm_tar_writer_init(&tar, out, FOLDER, MTIME, NULL));
    for (size_t i = 0; i < MEMBERS; i++) {
        struct vdm_bytes data = {content.p, members[i].size};
        assert_true(vdm_tar_writer_add(&tar, members[i].path, data, NULL));
        content = vdm_bytes_skip(content, data.n);
    }
    assert_true(vdm_tar_writer_finish(&tar, NULL));
    assert_true(vdm_stream_writer_finish(out, NULL));
    assert_true(vdm_new_file_publish(&file, true, NULL));
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    size_t total = 0;
    char path[128];
    assert_non_null(f);
    strcpy(f->dir, "/tmp/vidimus-test-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    for (size_t i = 0; i < MEMBERS; i++)
        total += members[i].size;
    fill_with_text(&f->content, total);
    for (size_t i = 0; i < 3; i++) {
        path_of(f, endings[i], path, sizeof path);
        write_bundle(path, vdm_buf_bytes(&f->content));
    }
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    char path[128];
    for (size_t i = 0; i < 3; i++) {
        path_of(f, endings[i], path, sizeof path);
        unlink(path);
    }
    rmdir(f->dir);
    vdm_buf_release(&f->content);
    free(f);
    return 0;
}

/* What a program prints. It must end well. */
static void run(const char *command, struct vdm_buf *out)
{
    FILE *p = popen(command, "re");
    char piece[4096];
    size_t n;
    assert_non_null(p);
    while ((n = fread(piece, 1, sizeof piece, p)) > 0)
        vdm_buf_put(out, (struct vdm_bytes){(const uint8_t *)piece, n});
    int status = pclose(p);
    if (status != 0)
        fail_msg("%s: status %d", command, status);
}

static void expect_output(const char *command, struct vdm_bytes want)
{
    struct vdm_buf out VDM_CLEANUP(vdm_buf_release) = {0};
    run(command, &out);
    if (!vdm_bytes_equal(vdm_buf_bytes(&out), want))
        fail_msg("%s:\n%.*s", command, (int)out.n, (const char *)out.p);
}

static void listing(const char *format, const char *time, struct vdm_buf *out)
{
    for (size_t i = 0; i < MEMBERS; i++) {
        char size[16];
        snprintf(size, sizeof size, "%zu", members[i].size);
        vdm_buf_puts(out, format);
        /* Column widths differ from program to program: sed squeezes the spaces. */
        vdm_buf_putf(out, "%s %s " FOLDER "/%s\n", size, time, members[i].path);
    }
}

static void test_programs_list_the_same(void **state)
{
    struct fixture *f = *state;
    struct vdm_buf gnu VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_buf bsd VDM_CLEANUP(vdm_buf_release) = {0};
    listing("-rw-r--r-- 0/0 ", "2020-01-02 03:21:22", &gnu);
    listing("-rw-r--r-- 0 0 0 ", "Jan 2 2020", &bsd);
    for (size_t i = 0; i < 3; i++) {
        char path[128], command[256];
        path_of(f, endings[i], path, sizeof path);
        snprintf(command, sizeof command, "TZ=UTC LC_ALL=C tar --full-time -tvf %s | tr -s ' '",
                 path);
        expect_output(command, vdm_buf_bytes(&gnu));
        snprintf(command, sizeof command, "TZ=UTC LC_ALL=C bsdtar -tvf %s | tr -s ' '", path);
        expect_output(command, vdm_buf_bytes(&bsd));
    }
}

static void test_programs_unpack_the_same(void **state)
{
    struct fixture *f = *state;
    for (size_t i = 0; i < 3; i++) {
        char path[128], command[256];
        path_of(f, endings[i], path, sizeof path);
        snprintf(command, sizeof command, "tar -xOf %s 2>&1", path);
        expect_output(command, vdm_buf_bytes(&f->content));
        snprintf(command, sizeof command, "bsdtar -xOf %s 2>&1", path);
        expect_output(command, vdm_buf_bytes(&f->content));
    }
}

/* No warning, neither about trailing bytes nor about a lone zero block. */
static void test_decompressors_find_nothing_odd(void **state)
{
    struct fixture *f = *state;
    char command[256];
    snprintf(command, sizeof command, "gzip -t %s/bundle.tar.gz 2>&1", f->dir);
    expect_output(command, VDM_LIT(""));
    snprintf(command, sizeof command, "zstd -q -t -M8MB %s/bundle.tar.zst 2>&1", f->dir);
    expect_output(command, VDM_LIT(""));
}

static void test_libarchive_sees_the_same(void **state)
{
    struct fixture *f = *state;
    for (size_t i = 0; i < 3; i++) {
        struct vdm_bytes content = vdm_buf_bytes(&f->content);
        struct archive *a = archive_read_new();
        struct archive_entry *e;
        char path[128], name[128];
        path_of(f, endings[i], path, sizeof path);
        archive_read_support_filter_all(a);
        archive_read_support_format_tar(a);
        assert_int_equal(archive_read_open_filename(a, path, 10240), ARCHIVE_OK);
        for (size_t k = 0; k < MEMBERS; k++) {
            uint8_t *p = malloc(members[k].size + 1);
            assert_int_equal(archive_read_next_header(a, &e), ARCHIVE_OK);
            snprintf(name, sizeof name, FOLDER "/%s", members[k].path);
            assert_string_equal(archive_entry_pathname(e), name);
            assert_int_equal(archive_entry_size(e), members[k].size);
            assert_int_equal(archive_entry_mtime(e), MTIME);
            assert_int_equal(archive_entry_mode(e), 0100644);
            assert_int_equal(archive_entry_uid(e), 0);
            assert_null(archive_entry_hardlink(e));
            assert_int_equal(archive_read_data(a, p, members[k].size + 1), members[k].size);
            assert_int_equal(members[k].size ? memcmp(p, content.p, members[k].size) : 0, 0);
            content = vdm_bytes_skip(content, members[k].size);
            free(p);
        }
        assert_int_equal(archive_read_next_header(a, &e), ARCHIVE_EOF);
        assert_int_equal(archive_format(a), ARCHIVE_FORMAT_TAR_USTAR);
        archive_read_free(a);
    }
}

/* A header of 8 GiB and more, alone: libarchive reads the same size from it. */
static void test_libarchive_reads_large_sizes(void **state)
{
    (void)state;
    static const uint64_t sizes[] = {(UINT64_C(8) << 30) - 1, UINT64_C(8) << 30,
                                     (UINT64_C(1) << 53) - 1};
    for (size_t i = 0; i < 3; i++) {
        struct vdm_tar_member m = {.name = "b/x", .size = sizes[i], .mtime = VDM_TAR_OCTAL_MAX};
        uint8_t block[VDM_TAR_BLOCK];
        struct archive *a = archive_read_new();
        struct archive_entry *e;
        assert_true(vdm_tar_header_encode(&m, block, NULL));
        archive_read_support_format_tar(a);
        assert_int_equal(archive_read_open_memory(a, block, sizeof block), ARCHIVE_OK);
        assert_int_equal(archive_read_next_header(a, &e), ARCHIVE_OK);
        assert_int_equal(archive_entry_size(e), sizes[i]);
        assert_int_equal(archive_entry_mtime(e), VDM_TAR_OCTAL_MAX);
        archive_read_free(a);
    }
}

/* What other programs pack is not ours, even where it is a sound tar. */
static void test_tars_of_others_are_refused(void **state)
{
    struct fixture *f = *state;
    static const char *const commands[] = {
        "tar --format=gnu -cf - bundle.tar.gz",      "tar --format=pax -cf - bundle.tar.gz",
        "tar --format=v7 -cf - bundle.tar.gz",       "tar --format=ustar -cf - bundle.tar.gz",
        "bsdtar --format=ustar -cf - bundle.tar.gz", "tar -cf - .",
    };
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        struct vdm_buf raw VDM_CLEANUP(vdm_buf_release) = {0};
        char command[256];
        struct vdm_stream_reader *in VDM_CLEANUP(vdm_stream_reader_cleanup) = NULL;
        struct vdm_tar_reader r;
        struct vdm_tar_member m;
        enum vdm_tar_status status;
        snprintf(command, sizeof command, "cd %s && %s", f->dir, commands[i]);
        run(command, &raw);
        int fd VDM_CLEANUP(vdm_fd_close) = fd_of(vdm_buf_bytes(&raw));
        assert_true(vdm_stream_reader_open(&in, fd, NULL));
        vdm_tar_reader_init(&r, in);
        assert_true(vdm_tar_reader_next(&r, &status, &m, NULL));
        assert_int_equal(status, VDM_TAR_MALFORMED);
    }
}

static void test_openssl_reads_the_key(void **state)
{
    struct fixture *f = *state;
    struct vdm_pubkey key = {{0xea, 0x4a, 0x6c, 0x63, 0xe2, 0x9c, 0x52, 0x0a, 0xbe, 0xf5, 0x50,
                              0x7b, 0x13, 0x2e, 0xc5, 0xf9, 0x95, 0x47, 0x76, 0xae, 0xbe, 0xbe,
                              0x7b, 0x92, 0x42, 0x1e, 0xea, 0x69, 0x14, 0x46, 0xd2, 0x2c}};
    uint8_t pem[VDM_KEY_PEM_BYTES];
    char path[128], command[256];
    vdm_key_pem_encode(&key, pem);
    snprintf(path, sizeof path, "%s/key.pem", f->dir);
    assert_true(
        vdm_file_publish(AT_FDCWD, path, 0600, true, (struct vdm_bytes){pem, sizeof pem}, NULL));
    snprintf(command, sizeof command, "openssl pkey -pubin -in %s -pubout 2>&1", path);
    expect_output(command, (struct vdm_bytes){pem, sizeof pem});
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_programs_list_the_same),
        cmocka_unit_test(test_programs_unpack_the_same),
        cmocka_unit_test(test_decompressors_find_nothing_odd),
        cmocka_unit_test(test_libarchive_sees_the_same),
        cmocka_unit_test(test_libarchive_reads_large_sizes),
        cmocka_unit_test(test_tars_of_others_are_refused),
        cmocka_unit_test(test_openssl_reads_the_key),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
