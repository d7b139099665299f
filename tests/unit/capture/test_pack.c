/* SPDX-License-Identifier: MIT */
/* Tars, zips and the bags in them, as the parent gets to see them. */
#include "unit/capture/scratch.h"

#include <archive.h>
#include <archive_entry.h>

#include "capture/pack.h"

static const struct vdm_container_format *const formats[] = {&vdm_tar_format, &vdm_zip_format,
                                                             NULL};

/* --- making them --- */

struct put {
    const char *name, *content; /* content NULL: what `kind` says */
    char kind; /* 'd' folder, 'l' symbolic link, 'h' hard link, 'c' device, 'p' pipe, 's' sparse */
    long size; /* bytes of a content that is only this many times 'x' */
};

static struct archive *writer(const char *path, const char *how)
{
    struct archive *a = archive_write_new();
    assert_non_null(a);
    int (*filter)(struct archive *) = strstr(how, ".gz")    ? archive_write_add_filter_gzip
                                      : strstr(how, ".bz2") ? archive_write_add_filter_bzip2
                                      : strstr(how, ".xz")  ? archive_write_add_filter_xz
                                      : strstr(how, ".zst") ? archive_write_add_filter_zstd
                                                            : archive_write_add_filter_none;
    assert_int_equal(filter(a), ARCHIVE_OK);
    int (*format)(struct archive *) = strncmp(how, "zip", 3) == 0   ? archive_write_set_format_zip
                                      : strncmp(how, "pax", 3) == 0 ? archive_write_set_format_pax
                                      : strncmp(how, "gnu", 3) == 0
                                          ? archive_write_set_format_gnutar
                                          : archive_write_set_format_ustar;
    assert_int_equal(format(a), ARCHIVE_OK);
    if (strcmp(how, "zip0") == 0)
        assert_int_equal(archive_write_set_options(a, "zip:compression=store"), ARCHIVE_OK);
    assert_int_equal(archive_write_open_filename(a, path), ARCHIVE_OK);
    return a;
}

static void put_entry(struct archive *a, const struct put *p)
{
    struct archive_entry *e = archive_entry_new();
    size_t n = p->content ? strlen(p->content) : 0;
    archive_entry_set_pathname(e, p->name);
    archive_entry_set_mtime(e, 1574935200, 0); /* 2019-11-28 10:00 UTC */
    archive_entry_set_perm(e, 0644);
    archive_entry_set_filetype(e, p->kind == 'd'   ? AE_IFDIR
                                  : p->kind == 'l' ? AE_IFLNK
                                  : p->kind == 'c' ? AE_IFCHR
                                  : p->kind == 'p' ? AE_IFIFO
                                                   : AE_IFREG);
    if (p->kind == 'l')
        archive_entry_set_symlink(e, "/etc/passwd");
    if (p->kind == 'h')
        archive_entry_set_hardlink(e, "a.txt");
    archive_entry_set_size(e, p->size ? p->size : (la_int64_t)n);
    if (p->kind == 's')
        archive_entry_sparse_add_entry(e, 1 << 20, 1);
    assert_true(archive_write_header(a, e) >= ARCHIVE_WARN);
    archive_write_data(a, p->content, n);
    static uint8_t many[1 << 16];
    memset(many, p->kind == 's' ? 0 : 'x', sizeof many);
    for (long left = p->size; left > 0; left -= (long)sizeof many)
        archive_write_data(a, many, left < (long)sizeof many ? (size_t)left : sizeof many);
    archive_entry_free(e);
}

static void make(const char *path, const char *how, const struct put *p)
{
    struct archive *a = writer(path, how);
    for (; p->name; p++)
        put_entry(a, p);
    assert_int_equal(archive_write_close(a), ARCHIVE_OK);
    archive_write_free(a);
}

/* --- reading them --- */

static void tell_member(struct vdm_container *c, struct vdm_buf *out)
{
    const struct vdm_member *m = vdm_container_member(c);
    struct vdm_buf text VDM_CLEANUP(vdm_buf_release) = {0};
    uint8_t piece[5000];
    size_t got = 1;
    struct vdm_err err = {0};
    bool ok = true;
    while (got && (ok = vdm_container_read(c, piece, sizeof piece, &got, &err)))
        vdm_buf_put(&text, (struct vdm_bytes){piece, got});
    vdm_buf_putf(out, "%.*s:", (int)m->name.n, m->name.p);
    for (size_t i = 0; i < m->lines; i++)
        vdm_buf_putf(out, " %s=%.*s", vdm_field_name(m->line[i].field), (int)m->line[i].value.n,
                     m->line[i].value.p);
    if (m->placed)
        vdm_buf_putf(out, " %.*s %llu+%llu", (int)m->method.n, m->method.p,
                     (unsigned long long)m->offset, (unsigned long long)m->length);
    if (ok && text.n < 40)
        vdm_buf_putf(out, " [%.*s]\n", (int)text.n, text.p);
    else if (ok)
        vdm_buf_putf(out, " %zu bytes\n", text.n);
    else
        vdm_buf_putf(out, " refused: %s\n", err.text);
}

/* All that it gives, in words. */
static void tell(const char *path, struct vdm_buf *out)
{
    struct vdm_container *c;
    struct vdm_err err = {0};
    enum vdm_container_step step = VDM_CONTAINER_MEMBER;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    vdm_buf_clear(out);
    if (!vdm_container_open(&c, fd, formats, &err))
        fail_msg("%s", err.text);
    while (c && step != VDM_CONTAINER_END) {
        uint64_t offset;
        assert_true(vdm_container_next(c, &step, &err));
        if (step == VDM_CONTAINER_MEMBER)
            tell_member(c, out);
        else if (step == VDM_CONTAINER_PROBLEM)
            vdm_buf_putf(out, "problem: %s\n", vdm_container_problem(c, &offset));
    }
    if (!c)
        vdm_buf_puts(out, "no container\n");
    vdm_buf_putc(out, 0);
    vdm_container_close(c);
    close(fd);
}

static void expect(const char *path, const char *wanted)
{
    struct vdm_buf out VDM_CLEANUP(vdm_buf_release) = {0};
    tell(path, &out);
    assert_string_equal((const char *)out.p, wanted);
}

static void expect_within(const char *path, const char *wanted)
{
    struct vdm_buf out VDM_CLEANUP(vdm_buf_release) = {0};
    tell(path, &out);
    if (!strstr((const char *)out.p, wanted))
        fail_msg("not told: %s\nbut: %s", wanted, (const char *)out.p);
}

/* --- plain --- */

static const struct put two[] = {{"notes/", NULL, 'd', 0},
                                 {"notes/a.txt", "first\n", 0, 0},
                                 {"b.txt", "second\n", 0, 0},
                                 {NULL, NULL, 0, 0}};

#define A_IS "notes/a.txt: file-name=a.txt field=path: notes/a.txt field=modified"
#define B_IS "b.txt: file-name=b.txt field=path: b.txt field=modified"
#define UTC  ": 2019-11-28T10:00:00Z"
#define ZONE ": 2019-11-28T10:00:00, zone not stated"

static void test_plain(void **state)
{
    (void)state;
    static const char *const packed[] = {"ustar.gz", "pax.bz2", "gnu.xz", "ustar.zst"};
    make("t", "ustar", two);
    expect("t", A_IS UTC " slice 1024+6 [first\n]\n" B_IS UTC " slice 2048+7 [second\n]\n");
    for (int i = 0; i < 4; i++) {
        make(packed[i], packed[i], two);
        expect(packed[i], A_IS UTC " [first\n]\n" B_IS UTC " [second\n]\n");
    }
    make("z", "zip", two);
    expect("z", A_IS ZONE " [first\n]\n" B_IS ZONE " [second\n]\n");
}

/* What is said to be a slice is one. */
static void test_slices(void **state)
{
    (void)state;
    char piece[8] = "";
    make("z", "zip0", two);
    struct vdm_buf out VDM_CLEANUP(vdm_buf_release) = {0};
    tell("z", &out);
    unsigned long at = 0;
    const char *found = strstr((const char *)out.p, "slice ");
    assert_non_null(found);
    assert_int_equal(sscanf(found, "slice %lu+6", &at), 1);
    int fd = open("z", O_RDONLY | O_CLOEXEC);
    assert_int_equal(pread(fd, piece, 6, (off_t)at), 6);
    close(fd);
    assert_string_equal(piece, "first\n");
}

static void test_empty_member(void **state)
{
    (void)state;
    make("t", "ustar", (const struct put[]){{"e", "", 0, 0}, {NULL, NULL, 0, 0}});
    expect("t", "e: file-name=e field=path: e field=modified" UTC " []\n");
}

static void test_others_are_refused(void **state)
{
    (void)state;
    make("t", "ustar",
         (const struct put[]){{"l", NULL, 'l', 0},
                              {"h", NULL, 'h', 0},
                              {"c", NULL, 'c', 0},
                              {"p", NULL, 'p', 0},
                              {"a", "x", 0, 0},
                              {NULL, NULL, 0, 0}});
    expect_within("t", " refused: a symbolic link to /etc/passwd\n");
    expect_within("t", " refused: a hard link to a.txt\n");
    expect_within("t", " refused: a device\n");
    expect_within("t", " refused: a pipe\n");
    expect_within("t", " [x]\n");
}

/* A name is text and nothing else. */
static void test_names(void **state)
{
    (void)state;
    static const char *const hows[] = {"ustar", "pax", "zip"};
    for (int i = 0; i < 3; i++) {
        make("t", hows[i],
             (const struct put[]){{"/etc/passwd", "1", 0, 0},
                                  {"../../x", "2", 0, 0},
                                  {"a\nb", "3", 0, 0},
                                  {"\xD8\xB5.html", "4", 0, 0},
                                  {"\xFFz", "5", 0, 0},
                                  {NULL, NULL, 0, 0}});
        expect_within("t", "/etc/passwd: file-name=passwd field=path: /etc/passwd ");
        expect_within("t", "../../x: file-name=x field=path: ../../x ");
        expect_within("t", "a\nb: file-name=a\nb ");
        expect_within("t", "\xD8\xB5.html: file-name=\xD8\xB5.html ");
        if (i < 2)
            expect_within("t", "\xFFz: file-name=\xFFz ");
        else /* it says that its names are UTF-8 */
            expect_within("t", " refused: its name cannot be read\n");
    }
}

static void test_no_container(void **state)
{
    (void)state;
    put_text("t", "PK is not enough");
    expect("t", "no container\n");
    put_bytes("t", VDM_LIT("\x1f\x8b\x08 and then nothing of the kind"));
    expect("t", "no container\n");
    uint8_t zeros[2048] = {0};
    put_bytes("t", (struct vdm_bytes){zeros, sizeof zeros});
    expect("t", "no container\n");
}

/* Documents that happen to be zips stay whole. */
static void test_documents(void **state)
{
    (void)state;
    static const char *const marks[] = {"[Content_Types].xml", "META-INF/MANIFEST.MF",
                                        "META-INF/container.xml", "AndroidManifest.xml", "doc.kml"};
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
        make("z", "zip",
             (const struct put[]){{"a", "x", 0, 0}, {marks[i], "y", 0, 0}, {NULL, NULL, 0, 0}});
        expect("z", "no container\n");
    }
    make("z", "zip",
         (const struct put[]){{"mimetype", "application/epub+zip", 0, 0}, {NULL, NULL, 0, 0}});
    expect("z", "no container\n");
    make("z", "zip",
         (const struct put[]){{"a", "x", 0, 0}, {"mimetype", "x", 0, 0}, {NULL, NULL, 0, 0}});
    expect_within("z", "mimetype: ");
}

/* --- hostile --- */

static void cut(const char *path, long from_end)
{
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(truncate(path, from_end < 0 ? -from_end : st.st_size - from_end), 0);
}

static void test_cut_off(void **state)
{
    (void)state;
    make("t", "ustar", two);
    cut("t", -2050);
    expect_within("t", A_IS UTC " slice 1024+6 [first\n]\n");
    expect_within("t", "refused: ");
    expect_within("t", "problem: ");
    make("t", "ustar", two);
    cut("t", -1536); /* between two members */
    expect("t", A_IS UTC " slice 1024+6 [first\n]\nproblem: it does not end as a tar does: it may "
                         "be cut off here\n");
    make("z", "zip", two);
    cut("z", 30);
    expect_within("z", A_IS);
    expect_within("z", "problem: the directory at its end is missing");
    make("g", "ustar.gz",
         (const struct put[]){{"a", "first", 0, 0}, {"b", NULL, 0, 2 << 20}, {NULL, NULL, 0, 0}});
    cut("g", 500);
    expect_within("g", " [first]\n");
    expect_within("g", "refused: truncated gzip input");
}

static void put_le(struct vdm_buf *out, uint64_t value, int bytes)
{
    for (int i = 0; i < bytes; i++)
        vdm_buf_putc(out, (char)(value >> 8 * i));
}

/* A zip of `n` members, stored, each of which begins before the one before it ends: all share one blob. With
 * `apart` 0 they even share their place. */
static void overlap(const char *path, unsigned n, size_t apart, size_t blob)
{
    struct vdm_buf out VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_buf list VDM_CLEANUP(vdm_buf_release) = {0};
    for (unsigned i = 0; i < n; i++) {
        size_t at = i * apart, size = (n - 1 - i) * apart + blob;
        const uint64_t shared[] = {20, 0, 0, 0, 0, 0, size, size, 1, 0};
        static const int widths[] = {2, 2, 2, 2, 2, 4, 4, 4, 2, 2};
        if (i == 0 || apart)
            put_le(&out, 0x04034b50, 4);
        put_le(&list, 0x02014b50, 4);
        put_le(&list, 20, 2);
        for (int k = 0; k < 10; k++) {
            if (i == 0 || apart)
                put_le(&out, shared[k], widths[k]);
            put_le(&list, shared[k], widths[k]);
        }
        vdm_buf_puts(&out, i == 0 || apart ? "a" : "");
        put_le(&list, 0, 14 - 4);
        put_le(&list, at, 4);
        vdm_buf_puts(&list, "a");
    }
    memset(vdm_buf_grow(&out, blob), 'x', blob);
    size_t at = out.n;
    vdm_buf_put(&out, vdm_buf_bytes(&list));
    put_le(&out, 0x06054b50, 4);
    put_le(&out, 0, 4);
    put_le(&out, n, 2);
    put_le(&out, n, 2);
    put_le(&out, list.n, 4);
    put_le(&out, at, 4);
    put_le(&out, 0, 2);
    put_bytes(path, vdm_buf_bytes(&out));
}

static void test_bomb(void **state)
{
    (void)state;
    const char *const too_much = "it unpacks to more than a container of its size may";
    make("t", "ustar.zst",
         (const struct put[]){
             {"a", "good", 0, 0}, {"bomb", NULL, 0, 300L << 20}, {NULL, NULL, 0, 0}});
    expect("t",
           "problem: it unpacks to more than a container of its size may: the rest was not read\n");
    overlap("z", 600, 31, 1 << 20);
    expect_within("z", too_much);
}

/* libarchive takes what lies at one place for one entry. */
static void test_same_place(void **state)
{
    (void)state;
    overlap("z", 3, 0, 1);
    expect_within("z", "problem: its directory names 3 entries, and 1 were found\n");
}

/* Thousands of members are nothing odd. */
static void test_many(void **state)
{
    (void)state;
    struct vdm_buf out VDM_CLEANUP(vdm_buf_release) = {0};
    struct archive *a = writer("t", "ustar");
    size_t members = 0;
    for (int i = 0; i < 20000; i++)
        put_entry(a, &(const struct put){"a", "x", 0, 0});
    assert_int_equal(archive_write_close(a), ARCHIVE_OK);
    archive_write_free(a);
    tell("t", &out);
    for (const char *at = (const char *)out.p; (at = strstr(at, "[x]\n")); at++)
        members++;
    assert_int_equal(members, 20000);
}

static void test_sparse(void **state)
{
    (void)state;
    make("t", "pax",
         (const struct put[]){{"holes", NULL, 's', 2 << 20}, {"b", "x", 0, 0}, {NULL, NULL, 0, 0}});
    expect_within("t",
                  "holes: file-name=holes field=path: holes field=modified" UTC " 2097152 bytes\n");
    expect_within("t", "slice ");
    make("t", "pax", (const struct put[]){{"holes", NULL, 's', 1L << 30}, {NULL, NULL, 0, 0}});
    expect_within("t", "refused: it unpacks to more than a container of its size may\n");
}

/* --- bags --- */

#define BAGIT "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
#define SUMS  "900150983cd24fb0d6963f7d28e17f72  data/abc.txt\n"
#define INFO                                                                                       \
    "Source-Organization: The Library\nExternal-Identifier: acc-7\nContact-Name: Edna\n"           \
    "Payload-Oxum: 3.1\n"

static void test_bag(void **state)
{
    (void)state;
    static const char *const hows[] = {"ustar", "ustar.gz", "zip"};
    const struct put bag[] = {{"b/data/abc.txt", "abc", 0, 0},
                              {"b/bagit.txt", BAGIT, 0, 0},
                              {"b/manifest-md5.txt", SUMS, 0, 0},
                              {"b/bag-info.txt", INFO, 0, 0},
                              {NULL, NULL, 0, 0}};
    for (int i = 0; i < 3; i++) {
        make("t", hows[i], bag);
        expect_within("t", "b/data/abc.txt: file-name=abc.txt field=path: b/data/abc.txt ");
        expect_within("t", " field=bag: valid, BagIt 1.0, md5 received-from=The Library "
                           "record-id=acc-7 field=Contact-Name: Edna field=Payload-Oxum: 3.1");
        expect_within("t", "b/manifest-md5.txt: ");
        expect_within("t", " [abc]\n");
    }
}

static void test_bag_in_root(void **state)
{
    (void)state;
    make("t", "zip",
         (const struct put[]){{"data/abc.txt", "abc", 0, 0},
                              {"./bagit.txt", BAGIT, 0, 0},
                              {"manifest-md5.txt", SUMS, 0, 0},
                              {NULL, NULL, 0, 0}});
    expect_within("t", "data/abc.txt: file-name=abc.txt field=path: data/abc.txt "
                       "field=modified: 2019-11-28T10:00:00, zone not stated field=bag: valid,");
}

static void test_bad_bag(void **state)
{
    (void)state;
    make("t", "ustar",
         (const struct put[]){{"b/data/abc.txt", "abd", 0, 0},
                              {"b/bagit.txt", BAGIT, 0, 0},
                              {"b/manifest-md5.txt", SUMS, 0, 0},
                              {"b/l", NULL, 'l', 0},
                              {NULL, NULL, 0, 0}});
    expect("t", "problem: the bag is not valid: nothing of it was taken\n"
                "problem: l is a symbolic link to /etc/passwd\n"
                "problem: data/abc.txt has another content: its md5 is "
                "4911e516e5aa21d327512e0c8b197616, manifest-md5.txt says "
                "900150983cd24fb0d6963f7d28e17f72\n");
    make("t", "ustar",
         (const struct put[]){{"b/data/abc.txt", "abc", 0, 0},
                              {"b/bagit.txt", BAGIT, 0, 0},
                              {"b/manifest-md5.txt", SUMS, 0, 0},
                              {"c/x", "x", 0, 0},
                              {NULL, NULL, 0, 0}});
    expect("t", "problem: a bag must be the only thing in its container, and something stands "
                "beside it: nothing was taken\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(test_plain),        SCRATCH_TEST(test_slices),
        SCRATCH_TEST(test_empty_member), SCRATCH_TEST(test_others_are_refused),
        SCRATCH_TEST(test_names),        SCRATCH_TEST(test_no_container),
        SCRATCH_TEST(test_documents),    SCRATCH_TEST(test_cut_off),
        SCRATCH_TEST(test_bomb),         SCRATCH_TEST(test_many),
        SCRATCH_TEST(test_same_place),   SCRATCH_TEST(test_sparse),
        SCRATCH_TEST(test_bag),          SCRATCH_TEST(test_bag_in_root),
        SCRATCH_TEST(test_bad_bag),
    };
    vdm_packed_prepare();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
