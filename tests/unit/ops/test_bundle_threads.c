/* SPDX-License-Identifier: MIT */
/* However many threads look ahead, the check of a bundle says the same, in the same order; and it takes no
 * more memory for that. */
#include "unit/ops/bundle_support.h"

#include "support/findings.h"

#include "bundle/stream.h"
#include "bundle/tar.h"
#include "ops/verify_bundle.h"

#include <errno.h>
#include <stdatomic.h>
#include <sys/resource.h>

#define CAPTURES 400 /* some 1,600 members: several batches */
#define MIB      ((size_t)1 << 20)

/* --- a disk that fails --- */

static long reads_left = -1; /* < 0: it does not */

bool __real_vdm_fd_read(int fd, uint8_t *p, size_t cap, size_t *got, struct vdm_err *err);
bool __wrap_vdm_fd_read(int fd, uint8_t *p, size_t cap, size_t *got, struct vdm_err *err);
bool __wrap_vdm_fd_read(int fd, uint8_t *p, size_t cap, size_t *got, struct vdm_err *err)
{
    if (reads_left == 0)
        return vdm_fail(err, "read: the disk has failed");
    if (reads_left > 0)
        reads_left--;
    return __real_vdm_fd_read(fd, p, cap, got, err);
}

/* --- all that a check says, as a text --- */

static void describe_item(void *ctx, const struct vdm_bundle_item *i)
{
    struct vdm_buf *out = ctx;
    vdm_buf_putf(out, "item %llu %d %d %lld %.*s %d %llu %llu %s ", (unsigned long long)i->n,
                 i->good, i->has_entry, (long long)i->recorded.seconds, (int)i->signer.n,
                 (const char *)i->signer.p, (int)i->document, (unsigned long long)i->document_size,
                 (unsigned long long)i->text_of, i->member);
    vdm_buf_put(out, i->text);
}

/* `threads` 0: none are given. */
static bool check(const struct fixture *f, int fd, unsigned threads, struct vdm_buf *out,
                  struct vdm_report *r)
{
    struct vdm_pool *pool VDM_CLEANUP(vdm_pool_cleanup) = NULL;
    const struct vdm_bundle_options o = {
        .trust = {.key = vdm_signer_vkey(f->authority), .keys = 1},
        .on_item = describe_item,
        .ctx = out,
    };
    struct vdm_bundle_options with = o;
    struct vdm_err err = {0};
    if (threads)
        assert_true(vdm_pool_open(&with.pool, threads, &err));
    pool = with.pool;
    vdm_report_init(r);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    bool ran = vdm_verify_bundle(f->c, fd, "b", &with, NULL, r, &err);
    vdm_buf_putf(out, "%d %s\n%llu %llu %llu %llu %llu %d\n", ran, err.text,
                 (unsigned long long)r->size, (unsigned long long)r->entries,
                 (unsigned long long)r->captures, (unsigned long long)r->documents,
                 (unsigned long long)r->bytes, vdm_report_verdict(r));
    describe_findings(out, r);
    assert_true(vdm_buf_ok(out, NULL));
    return ran;
}

/* The same with any number of threads; *r is one of the reports, to be released. */
static bool same(const struct fixture *f, int fd, struct vdm_report *r)
{
    static const unsigned threads[] = {1, 2, 8};
    struct vdm_buf alone VDM_CLEANUP(vdm_buf_release) = {0};
    long reads = reads_left;
    bool ran = check(f, fd, 0, &alone, r);
    for (size_t i = 0; i < sizeof threads / sizeof *threads; i++) {
        struct vdm_buf many VDM_CLEANUP(vdm_buf_release) = {0};
        struct vdm_report other;
        reads_left = reads;
        assert_int_equal(check(f, fd, threads[i], &many, &other), ran);
        vdm_report_release(&other);
        if (!vdm_bytes_equal(vdm_buf_bytes(&alone), vdm_buf_bytes(&many))) {
            vdm_buf_putc(&many, 0);
            vdm_buf_putc(&alone, 0);
            fail_msg("%u threads: %s\n\nnone: %s", threads[i], (char *)many.p, (char *)alone.p);
        }
    }
    return ran;
}

static void same_bytes(const struct fixture *f, struct vdm_bytes tar, struct vdm_report *r)
{
    int fd VDM_CLEANUP(vdm_fd_close) = -1;
    assert_true(vdm_file_scratch(-1, &fd, NULL) && vdm_fd_write(fd, tar, NULL));
    assert_true(same(f, fd, r));
}

/* --- a bundle, and where its members are --- */

struct placed {
    enum vdm_layout_kind kind;
    uint64_t n;
    size_t header, content, size, end;
};

struct bundled {
    struct vdm_buf tar;
    struct placed *at;
    size_t members;
};

static void place(struct bundled *b)
{
    struct vdm_tar_member m;
    struct vdm_layout_member name;
    const char *why;
    size_t here = 0;
    b->at = calloc(b->tar.n / VDM_TAR_BLOCK, sizeof *b->at);
    assert_non_null(b->at);
    while (b->tar.p[here]) {
        assert_true(vdm_tar_header_decode(b->tar.p + here, &m, &why));
        assert_true(vdm_layout_decode(vdm_str(vdm_tar_path(&m)), &name));
        size_t content = here + VDM_TAR_BLOCK, size = (size_t)m.size;
        size_t end = content + size + -size % VDM_TAR_BLOCK;
        b->at[b->members++] = (struct placed){name.kind, name.n, here, content, size, end};
        here = end;
    }
}

/* The i-th member of a kind. */
static const struct placed *find(const struct bundled *b, enum vdm_layout_kind kind, size_t i)
{
    for (size_t at = 0; at < b->members; at++)
        if (b->at[at].kind == kind && i-- == 0)
            return &b->at[at];
    fail_msg("no member %d", (int)kind);
    return NULL;
}

static void append_sized(struct fixture *f, size_t size)
{
    char *text = malloc(size + 1);
    assert_non_null(text);
    memset(text, 'a' + (int)(vdm_writer_next(f->w) % 26), size);
    text[size] = 0;
    append_record(f, 0, text, SAID({VDM_FIELD_FILE_NAME, "large.txt"}));
    free(text);
}

/* Around what is read ahead and what is not, one after the other and apart. */
static void make(struct fixture *f, const char *name, struct bundled *b)
{
    static const size_t sizes[] = {MIB - 1, MIB, MIB + 1, 3 * MIB, 5 * MIB, 0, 65536};
    char text[64];
    fill(f);
    for (size_t i = 0; i < CAPTURES; i++) {
        snprintf(text, sizeof text, "document %zu\n", i);
        uint64_t n = append_record(f, 0, text, SAID({VDM_FIELD_TITLE, text}));
        if (i % 50 == 20)
            append_record(f, n, text, SAID({VDM_FIELD_TITLE, "better"}));
        if (i % 60 == 30)
            append_withdrawal(f, n, VDM_SCOPE_DOCUMENT);
        if (i == 100 || i == 101 || i == 300)
            for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
                append_sized(f, sizes[s]);
        if (i == 200)
            for (size_t s = 0; s < 12; s++)
                append_sized(f, MIB - 512 * s);
    }
    commit(f);
    struct vdm_bundle_made made = bundle(f, (struct wish){.name = name});
    vdm_bundle_made_release(&made);
    char path[300];
    snprintf(path, sizeof path, "%s/%s", f->dir, name);
    MUST(vdm_file_read(AT_FDCWD, path, 100 * MIB, &b->tar, &f->err));
    place(b);
}

static void bundled_release(struct bundled *b)
{
    vdm_buf_release(&b->tar);
    free(b->at);
}

static void flip(struct bundled *b, const struct placed *p, size_t at)
{
    assert_true(at < p->size);
    b->tar.p[p->content + at] ^= 1;
}

/* --- good, damaged --- */

static void good(void **state)
{
    struct fixture *f = *state;
    struct bundled b VDM_CLEANUP(bundled_release) = {0};
    struct vdm_report r;
    make(f, "b.tar", &b);
    same_bytes(f, vdm_buf_bytes(&b.tar), &r);
    assert_int_equal(vdm_report_verdict(&r), VDM_VERIFIED);
    assert_in_range(r.captures, CAPTURES, CAPTURES + 50);
    vdm_report_release(&r);
}

static void packed(void **state)
{
    static const char *const names[] = {"b.tar.gz", "b.tar.zst"};
    struct fixture *f = *state;
    struct bundled b VDM_CLEANUP(bundled_release) = {0};
    make(f, "b.tar", &b);
    for (size_t i = 0; i < 2; i++) {
        struct vdm_buf whole VDM_CLEANUP(vdm_buf_release) = {0};
        struct vdm_report r;
        char path[300];
        struct vdm_bundle_made made = bundle(f, (struct wish){.name = names[i]});
        vdm_bundle_made_release(&made);
        snprintf(path, sizeof path, "%s/%s", f->dir, names[i]);
        MUST(vdm_file_read(AT_FDCWD, path, 100 * MIB, &whole, &f->err));
        same_bytes(f, vdm_buf_bytes(&whole), &r);
        assert_int_equal(vdm_report_verdict(&r), VDM_VERIFIED);
        vdm_report_release(&r);
        whole.p[whole.n / 8 * 7] ^= 0x10;
        same_bytes(f, vdm_buf_bytes(&whole), &r);
        assert_int_equal(vdm_verdict_status(vdm_report_verdict(&r)), 1);
        vdm_report_release(&r);
        same_bytes(f, (struct vdm_bytes){whole.p, whole.n / 4 * 3}, &r);
        assert_true(r.kinds[VDM_TRUNCATED] == 1 && r.captures > 0);
        vdm_report_release(&r);
    }
}

/* Many faults at once, each of its kind in several batches. */
static void damaged(void **state)
{
    struct fixture *f = *state;
    struct bundled b VDM_CLEANUP(bundled_release) = {0};
    struct vdm_report r;
    make(f, "b.tar", &b);
    for (size_t i = 7; i < CAPTURES; i += 31) {
        const struct placed *entry = find(&b, VDM_LAYOUT_ENTRY, i + 10);
        const struct placed *proof = find(&b, VDM_LAYOUT_PROOF, i + 5);
        const struct placed *record = find(&b, VDM_LAYOUT_RECORD, i + 11);
        const struct placed *file = find(&b, VDM_LAYOUT_FILE, i);
        flip(&b, file, file->size / 2);
        flip(&b, proof, proof->size / 2);
        flip(&b, record, record->size / 2);
        /* in turn its form, its signature (which stays base64), something that is signed */
        uint8_t *of_signature = b.tar.p + entry->content + entry->size - 20;
        if (i % 3 == 1)
            *of_signature = *of_signature == 'A' ? 'B' : 'A';
        else
            flip(&b, entry, i % 3 == 0 ? 0 : entry->size / 2);
    }
    same_bytes(f, vdm_buf_bytes(&b.tar), &r);
    assert_true(r.kinds[VDM_DOCUMENT_CORRUPT] >= 10);
    assert_true(r.kinds[VDM_RECORD_MISMATCH] >= 5);
    assert_true(r.kinds[VDM_PROOF_INVALID] + r.kinds[VDM_LEAF_MISMATCH] >= 10);
    assert_true(r.kinds[VDM_SIGNATURE_INVALID] >= 3);
    assert_true(r.kinds[VDM_ENTRY_MALFORMED] >= 3);
    vdm_report_release(&r);
}

/* As `left` has them: members dropped, twice, exchanged with the next one, of no bundle. */
static void displaced(void **state)
{
    struct fixture *f = *state;
    struct bundled b VDM_CLEANUP(bundled_release) = {0};
    struct vdm_buf tar VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_report r;
    make(f, "b.tar", &b);
    for (size_t i = 0; i < b.members; i++) {
        const struct placed *p = &b.at[i];
        const struct vdm_bytes bytes = {b.tar.p + p->header, p->end - p->header};
        size_t sort = i > 40 ? i % 97 : 0;
        if (sort == 1 || sort == 2) { /* the next one first */
            i++;
            vdm_buf_put(&tar, (struct vdm_bytes){b.tar.p + p[1].header, p[1].end - p[1].header});
        }
        if (sort != 9)
            vdm_buf_put(&tar, bytes);
        if (sort == 17)
            vdm_buf_put(&tar, bytes);
    }
    vdm_buf_put(&tar, vdm_bytes_skip(vdm_buf_bytes(&b.tar), b.at[b.members - 1].end));
    same_bytes(f, vdm_buf_bytes(&tar), &r);
    assert_true(r.kinds[VDM_UNEXPECTED_MEMBER] > 10);
    vdm_report_release(&r);
}

static void cut_off(void **state)
{
    struct fixture *f = *state;
    struct bundled b VDM_CLEANUP(bundled_release) = {0};
    struct vdm_report r;
    make(f, "b.tar", &b);
    /* In a header, in its content, between members, in what stands large; in each of some batches. */
    for (size_t i = 60; i < b.members; i += 401) {
        const struct placed *p = &b.at[i];
        const size_t ends[] = {p->header, p->header + 100, p->content, p->content + p->size / 2,
                               p->end};
        for (size_t e = 0; e < 5; e++) {
            same_bytes(f, (struct vdm_bytes){b.tar.p, ends[e]}, &r);
            assert_int_equal(r.kinds[VDM_TRUNCATED], 1);
            assert_int_equal(vdm_report_findings(&r), 1); /* nothing of what is not whole */
            vdm_report_release(&r);
        }
    }
    for (size_t i = 0; i < b.members; i++)
        if (b.at[i].size > MIB) {
            same_bytes(f, (struct vdm_bytes){b.tar.p, b.at[i].end - MIB}, &r);
            assert_int_equal(r.kinds[VDM_TRUNCATED], 1);
            assert_int_equal(vdm_report_findings(&r), 1); /* nothing of what is not whole */
            vdm_report_release(&r);
        }
    b.tar.p[find(&b, VDM_LAYOUT_RECORD, 250)->header + 150] ^= 1; /* the checksum */
    same_bytes(f, vdm_buf_bytes(&b.tar), &r);
    assert_true(r.kinds[VDM_BAG_INVALID] == 1 && r.captures > 200);
    vdm_report_release(&r);
}

/* A read that fails ends the check, where it comes to it and not before. */
static void unread(void **state)
{
    struct fixture *f = *state;
    struct bundled b VDM_CLEANUP(bundled_release) = {0};
    int fd VDM_CLEANUP(vdm_fd_close) = -1;
    uint64_t most = 0;
    make(f, "b.tar", &b);
    assert_true(vdm_file_scratch(-1, &fd, NULL) && vdm_fd_write(fd, vdm_buf_bytes(&b.tar), NULL));
    for (long reads = 1; reads < (long)(b.tar.n / VDM_COPY_BYTES); reads = reads * 5 / 3 + 1) {
        struct vdm_report r;
        reads_left = reads;
        assert_false(same(f, fd, &r));
        assert_true(r.captures >= most);
        most = r.captures;
        vdm_report_release(&r);
    }
    reads_left = -1;
    assert_true(most > CAPTURES / 2);
}

/* An entry is the last of its batch and its proof so large that the memory of that batch is used anew before
 * its record is compared. */
static void keep_signer(void *ctx, const struct vdm_bundle_item *i)
{
    struct vdm_buf *out = ctx;
    if (i->amended)
        vdm_buf_put(out, i->amendment_signer);
}

static void entry_outlives_batch(void **state)
{
    struct fixture *f = *state;
    struct bundled b VDM_CLEANUP(bundled_release) = {0};
    struct vdm_buf tar VDM_CLEANUP(vdm_buf_release) = {0}, said VDM_CLEANUP(vdm_buf_release) = {0};
    int fd VDM_CLEANUP(vdm_fd_close) = -1;
    struct vdm_report r;
    char path[300];
    uint8_t *large = calloc(1, 2 * MIB);
    assert_non_null(large);
    for (int i = 0; i < 400; i++) {
        char text[3000]; /* later ones are longer: what lay where a signer's name lay */
        snprintf(text, sizeof text, "%0*d\n", i < 100 ? 10 : 2000, i);
        uint64_t n = append_record(f, 0, text, NOTHING);
        if (i == 10) /* five members, others have four */
            append_withdrawal(f, n, VDM_SCOPE_DOCUMENT);
        if (i == 63)
            append_record(f, n, text, SAID({VDM_FIELD_TITLE, "better"}));
    }
    commit(f);
    struct vdm_bundle_made made = bundle(f, (struct wish){.name = "b.tar"});
    vdm_bundle_made_release(&made);
    snprintf(path, sizeof path, "%s/b.tar", f->dir);
    MUST(vdm_file_read(AT_FDCWD, path, 100 * MIB, &b.tar, &f->err));
    place(&b);
    /* The first capture is read before any batch. */
    const struct placed *first = find(&b, VDM_LAYOUT_ENTRY, 5), *entry = first + 256;
    struct vdm_tar_member m;
    const char *why;
    assert_true(entry[0].kind == VDM_LAYOUT_ENTRY && entry[-1].kind == VDM_LAYOUT_RECORD);
    assert_true(vdm_tar_header_decode(b.tar.p + entry[1].header, &m, &why));
    m.size = 2 * MIB;
    vdm_buf_put(&tar, (struct vdm_bytes){b.tar.p, entry[1].header});
    assert_true(vdm_tar_header_encode(&m, vdm_buf_grow(&tar, VDM_TAR_BLOCK), NULL));
    vdm_buf_put(&tar, (struct vdm_bytes){large, 2 * MIB});
    vdm_buf_put(&tar, vdm_bytes_skip(vdm_buf_bytes(&b.tar), entry[1].end));
    free(large);
    assert_true(vdm_file_scratch(-1, &fd, NULL) && vdm_fd_write(fd, vdm_buf_bytes(&tar), NULL));
    const struct vdm_bundle_options o = {.on_item = keep_signer, .ctx = &said};
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    vdm_report_init(&r);
    assert_true(vdm_verify_bundle(f->c, fd, "b", &o, NULL, &r, NULL));
    assert_true(r.kinds[VDM_PROOF_INVALID] == 1 && r.kinds[VDM_RECORD_MISMATCH] == 0);
    assert_true(vdm_bytes_equal_str(vdm_buf_bytes(&said), "amal@archive.example.org"));
    vdm_report_release(&r);
}

/* --- memory --- */

static size_t peak(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (size_t)u.ru_maxrss * 1024;
}

/* What a check takes on top, in a process of its own, which has no peak of before. */
static void must_take_less(const struct fixture *f, int fd, size_t bytes)
{
    int status;
    pid_t child = fork();
    if (child == 0) {
        struct vdm_buf out = {0};
        struct vdm_report r;
        size_t before = peak();
        bool good = check(f, fd, 8, &out, &r) && r.kinds[VDM_UNEXPECTED_MEMBER] > 2000;
        size_t taken = peak() - before;
        if (taken > bytes)
            print_message("%zu bytes\n", taken);
        _exit(!good ? 1 : taken > bytes ? 2 : 0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
#ifndef VDM_SANITIZED /* which keep what was freed */
    assert_int_equal(WEXITSTATUS(status), 0);
#endif
}

static void write_member(int fd, struct vdm_tar_member *m, int number, size_t size)
{
    static const uint8_t nothing[1 << 20];
    uint8_t header[VDM_TAR_BLOCK];
    char *slash = strrchr(m->name, '/');
    snprintf(slash, sizeof m->name - (size_t)(slash - m->name), "/%06d", number);
    m->size = size;
    assert_true(vdm_tar_header_encode(m, header, NULL));
    assert_true(vdm_fd_write(fd, (struct vdm_bytes){header, sizeof header}, NULL));
    assert_true(vdm_fd_write(fd, (struct vdm_bytes){nothing, size}, NULL));
}

/* Entries by their names, in batches that have large ones at other places each; then the largest that are
 * read ahead, and larger. */
static void bounded(void **state)
{
    struct fixture *f = *state;
    struct bundled b VDM_CLEANUP(bundled_release) = {0};
    int fd VDM_CLEANUP(vdm_fd_close) = -1;
    struct vdm_tar_member m = {0};
    const char *why;
    int number = 100000;
    make(f, "b.tar", &b);
    const struct placed *first = find(&b, VDM_LAYOUT_ENTRY, 5);
    assert_true(vdm_tar_header_decode(b.tar.p + first->header, &m, &why));
    assert_true(vdm_file_scratch(-1, &fd, NULL));
    assert_true(vdm_fd_write(fd, (struct vdm_bytes){b.tar.p, first->end}, NULL));
    for (int batch = 0; batch < 42; batch++)
        for (int i = 0, small = batch / 3 * 17; i < small + 17; i++)
            write_member(fd, &m, number++, i < small ? 0 : 65024);
    for (int i = 0; i < 150; i++)
        write_member(fd, &m, number++, i < 100 ? MIB : MIB - 512);
    vdm_buf_release(&b.tar);
    must_take_less(f, fd, 20 * MIB);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(good),
        TEST(packed),
        TEST(damaged),
        TEST(displaced),
        TEST(cut_off),
        TEST(unread),
        TEST(entry_outlives_batch),
        TEST(bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
