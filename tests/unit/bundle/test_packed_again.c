/* SPDX-License-Identifier: MIT */
/* What somebody made of a bundle, who packed it again: recognised by one member, and by nothing else. */
#include "bundle/packed_again.h"
#include "bundle/tar.h"
#include "format/ustar.h"
#include "unit/bundle/support.h"

#define GIB ((uint64_t)1 << 30)

struct file {
    int fd;
    off_t end;
};

static struct file new_file(void)
{
    return (struct file){fd_of((struct vdm_bytes){0}), 0};
}

static void put(struct file *f, const uint8_t *p, size_t n)
{
    assert_int_equal(pwrite(f->fd, p, n, f->end), (ssize_t)n);
    f->end += (off_t)n;
}

static void encode(const char *name, uint64_t size, uint8_t block[VDM_USTAR_BLOCK])
{
    struct vdm_ustar h = {.mode = 0600, .size = size, .mtime = 1};
    memcpy(h.name, name, strlen(name));
    vdm_ustar_encode(&h, block);
}

/* A member of zeros. */
static void add(struct file *f, const char *name, uint64_t size)
{
    uint8_t block[VDM_USTAR_BLOCK];
    encode(name, size, block);
    put(f, block, sizeof block);
    f->end += (off_t)((size + VDM_USTAR_BLOCK - 1) / VDM_USTAR_BLOCK * VDM_USTAR_BLOCK);
    assert_int_equal(ftruncate(f->fd, f->end), 0);
}

/* The file is closed. */
static bool is_one(struct file f)
{
    struct vdm_stream_reader *in VDM_CLEANUP(vdm_stream_reader_cleanup) = NULL;
    assert_int_equal(lseek(f.fd, 0, SEEK_SET), 0);
    assert_true(vdm_stream_reader_open(&in, f.fd, NULL));
    bool found = vdm_packed_again(in);
    close(f.fd);
    return found;
}

static void test_names(void **state)
{
    static const struct {
        const char *name;
        bool is;
    } names[] = {
        {"vidimus/checkpoint", true},
        {"evidence/vidimus/checkpoint", true},
        {"a/b/c/vidimus/checkpoint", true},
        {"/vidimus/checkpoint", true},
        {"xvidimus/checkpoint", false},
        {"vidimus/checkpoint.old", false},
        {"checkpoint", false},
        {"c", false},
        {"vidimus/checkpoinT", false},
        {"evidence/vidimus/selection", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct file f = new_file();
        add(&f, names[i].name, 10);
        assert_int_equal(is_one(f), names[i].is);
    }
}

static void test_behind_others(void **state)
{
    static const uint64_t sizes[] = {0, 1, 511, 512, 513, 4095, 4096, 4097, 20000};
    (void)state;
    struct file f = new_file();
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        add(&f, "x", sizes[i]);
    add(&f, "a/vidimus/checkpoint", 10);
    assert_true(is_one(f));
}

static void test_cut(void **state)
{
    (void)state;
    assert_false(is_one(new_file()));
    for (off_t cut = 0; cut < 512; cut += 37) { /* what is read of the name alone is not enough */
        struct file f = new_file();
        add(&f, "x", 0);
        add(&f, "vidimus/checkpoint", 0);
        assert_int_equal(ftruncate(f.fd, 512 + cut), 0);
        assert_false(is_one(f));
    }
    struct file f = new_file();
    add(&f, "x", 10000);
    assert_int_equal(ftruncate(f.fd, 5000), 0);
    assert_false(is_one(f));
}

static void test_no_tar(void **state)
{
    static const uint8_t zeros[VDM_USTAR_BLOCK];
    (void)state;
    for (unsigned second = 0; second < 2; second++) {
        struct file f = new_file();
        if (second)
            add(&f, "x", 0);
        put(&f, zeros, sizeof zeros);
        add(&f, "vidimus/checkpoint", 0);
        assert_false(is_one(f));
    }
}

static void test_many_members(void **state)
{
    (void)state;
    for (unsigned more = 0; more < 2; more++) {
        struct file f = new_file();
        for (unsigned i = 0; i < 65535 + more; i++)
            add(&f, "x", 0);
        add(&f, "vidimus/checkpoint", 0);
        assert_int_equal(is_one(f), more == 0);
    }
}

static void pack_member(struct vdm_stream_writer *w, const char *name, uint64_t size)
{
    static const uint8_t zeros[1 << 20];
    uint8_t block[VDM_USTAR_BLOCK];
    encode(name, size, block);
    assert_true(vdm_stream_write(w, (struct vdm_bytes){block, sizeof block}, NULL));
    uint64_t left = (size + VDM_USTAR_BLOCK - 1) / VDM_USTAR_BLOCK * VDM_USTAR_BLOCK;
    while (left) {
        size_t n = left < sizeof zeros ? (size_t)left : sizeof zeros;
        assert_true(vdm_stream_write(w, (struct vdm_bytes){zeros, n}, NULL));
        left -= n;
    }
}

/* Through a gibibyte, and no further. */
static void test_much(void **state)
{
    static const struct {
        uint64_t first;
        bool is;
    } cases[] = {{GIB - 512, true}, {GIB - 511, false}, {GIB - 1024, false}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct vdm_stream_writer *w VDM_CLEANUP(vdm_stream_writer_cleanup) = NULL;
        struct file f = new_file();
        assert_true(vdm_stream_writer_open(&w, f.fd, VDM_STREAM_ZSTD, 1, NULL));
        pack_member(w, "x", cases[i].first);
        if (cases[i].first == GIB - 1024)
            pack_member(w, "y", 0); /* it ends where the limit is */
        pack_member(w, "vidimus/checkpoint", 0);
        assert_true(vdm_stream_writer_finish(w, NULL));
        assert_int_equal(is_one(f), cases[i].is);
    }
}

/* The reader of bundles says when it is worth to look: the first header is one, but of another program. */
static void test_foreign(void **state)
{
    (void)state;
    for (unsigned how = 0; how < 3; how++) {
        struct vdm_stream_reader *in VDM_CLEANUP(vdm_stream_reader_cleanup) = NULL;
        struct vdm_tar_reader r;
        struct vdm_tar_member m;
        enum vdm_tar_status status = VDM_TAR_OK;
        struct file f = new_file();
        if (how == 2) { /* not the first */
            struct vdm_ustar h = {.name = "e/bagit.txt", .mode = 0644, .size = 0};
            uint8_t block[VDM_USTAR_BLOCK];
            vdm_ustar_encode(&h, block);
            put(&f, block, sizeof block);
        }
        add(&f, "e/vidimus/checkpoint", 0);
        if (how == 1)
            assert_int_equal(pwrite(f.fd, "9", 1, 150), 1); /* nor is its checksum right */
        assert_int_equal(lseek(f.fd, 0, SEEK_SET), 0);
        assert_true(vdm_stream_reader_open(&in, f.fd, NULL));
        vdm_tar_reader_init(&r, in);
        for (unsigned i = 0; i < 2 && status == VDM_TAR_OK; i++)
            assert_true(vdm_tar_reader_next(&r, &status, &m, NULL));
        assert_int_equal(status, VDM_TAR_MALFORMED);
        assert_int_equal(r.foreign, how == 0);
        close(f.fd);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),        cmocka_unit_test(test_behind_others),
        cmocka_unit_test(test_cut),          cmocka_unit_test(test_no_tar),
        cmocka_unit_test(test_many_members), cmocka_unit_test(test_much),
        cmocka_unit_test(test_foreign),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
