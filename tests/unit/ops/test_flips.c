/* SPDX-License-Identifier: MIT */
/* Every bit of a small ledger.db and every byte of its documents, changed one at a time: wherever the
 * database then says anything else, the check of the archive must find something. */
#include "unit/ops/archive_kit.h"

#include "support/documents.h"

#include "support/dump.h"

#include <dirent.h>

/* By default a sample that has a bit of two bytes in three (of one in eight where sanitizers make it slow);
 * VIDIMUS_FLIP_STEP=1 takes every bit, which is a matter of minutes. */
#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifdef SANITIZED
#define STEP 61
#else
#define STEP 13
#endif
#define WORKERS 2

struct tally {
    unsigned long flips, changed, undetected;
};

static void flip(const char *path, size_t bit, const struct vdm_buf *file)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    uint8_t byte = file->p[bit / 8] ^ (uint8_t)(1u << bit % 8);
    assert_int_equal(pwrite(fd, &byte, 1, (off_t)(bit / 8)), 1);
    close(fd);
}

static void restore(const char *path, size_t bit, const struct vdm_buf *file)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    assert_int_equal(pwrite(fd, &file->p[bit / 8], 1, (off_t)(bit / 8)), 1);
    close(fd);
}

/* Every WORKERS-th of the bits that are taken, from `first` on, in an archive of its own. */
static struct tally sweep(struct kit *k, size_t first, size_t step, const struct vdm_buf *original)
{
    struct tally t = {0};
    PATH(path, "%s/store/ledger.db", k->path);
    struct vdm_buf file VDM_CLEANUP(vdm_buf_release) = file_content(path);
    for (size_t bit = first * step; bit < file.n * 8; bit += step * WORKERS) {
        struct vdm_buf now VDM_CLEANUP(vdm_buf_release) = {0};
        flip(path, bit, &file);
        t.flips++;
        if (!dump_ledger(path, &now) ||
            !vdm_bytes_equal(vdm_buf_bytes(&now), vdm_buf_bytes(original))) {
            t.changed++;
            bool ran = kit_check(k, (struct asked){.without_documents = true});
            if (ran && vdm_report_findings(&k->report) == 0) {
                t.undetected++;
                fprintf(stderr, "undetected: bit %zu of byte %zu\n", bit % 8, bit / 8);
            }
        }
        restore(path, bit, &file);
    }
    return t;
}

static void every_bit(void **state)
{
    struct kit kit = {0}, *k = &kit;
    struct tally all = {0};
    int results[2];
    const char *given = getenv("VIDIMUS_FLIP_STEP");
    size_t step = given ? strtoul(given, NULL, 10) : STEP;
    (void)state;
    assert_true(step > 0);
    kit_start(k);
    kit_make(k, 512);
    capture_until(k, 4);
    capture_until(k, 6);
    kit_close(k);
    must_be_clean(k, (struct asked){0});
    shell("rm %s/store/catalog.db", k->path); /* it is not the point here */
    PATH(ledger, "%s/store/ledger.db", k->path);
    struct vdm_buf original VDM_CLEANUP(vdm_buf_release) = {0};
    assert_true(dump_ledger(ledger, &original));
    for (int i = 1; i < WORKERS; i++)
        shell("cp -a %s %s%d", k->path, k->path, i);
    assert_int_equal(pipe(results), 0);
    pid_t child[WORKERS];
    for (size_t i = 0; i < WORKERS; i++) {
        child[i] = fork();
        if (child[i] == 0) {
            if (i > 0)
                strcat(k->path, (char[]){(char)('0' + i), 0});
            struct tally t = sweep(k, i, step, &original);
            _exit(write(results[1], &t, sizeof t) == sizeof t ? 0 : 1);
        }
    }
    for (size_t i = 0; i < WORKERS; i++) {
        struct tally t;
        int status;
        assert_int_equal(waitpid(child[i], &status, 0), child[i]);
        assert_int_equal(status, 0);
        assert_int_equal(read(results[0], &t, sizeof t), sizeof t);
        all.flips += t.flips;
        all.changed += t.changed;
        all.undetected += t.undetected;
    }
    printf("flips-ledger flips=%lu changed=%lu undetected=%lu\n", all.flips, all.changed,
           all.undetected);
    assert_true(all.changed > all.flips / 4);
    assert_int_equal(all.undetected, 0);
    must_be_clean(k, (struct asked){0});
    kit_end(k);
}

static void object_path(struct kit *k, const char *text, char *out, size_t cap)
{
    char hex[65];
    vdm_digest_hex(vdm_sha256(k->c, vdm_str(text)), hex);
    snprintf(out, cap, "%s/store/objects/%.2s/%s", k->path, hex, hex + 2);
}

/* One bit of each byte of a document, and each way of being longer or shorter. */
static void every_byte_of_a_document(void **state)
{
    struct kit kit = {0}, *k = &kit;
    char path[600];
    size_t flips = 0, found = 0;
    (void)state;
    kit_start(k);
    kit_make(k, 0);
    capture_until(k, 5);
    kit_close(k);
    PATH(store, "%s/store", k->path);
    documents_as_files(k->c, store);
    for (uint64_t n = 2; n < 5; n++) {
        char text[32];
        snprintf(text, sizeof text, "document %llu\n", (unsigned long long)n);
        object_path(k, text, path, sizeof path);
        struct vdm_buf file VDM_CLEANUP(vdm_buf_release) = file_content(path);
        assert_int_equal(chmod(path, 0600), 0);
        for (size_t i = 0; i < file.n; i++) {
            flip(path, i * 8 + i % 8, &file);
            flips++;
            MUST(kit_check(k, (struct asked){0}));
            must_have(k, VDM_DOCUMENT_CORRUPT, n);
            assert_int_equal(vdm_report_findings(&k->report), 1);
            found++;
            restore(path, i * 8, &file);
        }
        for (size_t n2 = 0; n2 < file.n; n2++) {
            file_write(path, (struct vdm_bytes){file.p, n2});
            MUST(kit_check(k, (struct asked){0}));
            must_have(k, VDM_DOCUMENT_CORRUPT, n);
        }
        vdm_buf_putc(&file, 0);
        file_write(path, vdm_buf_bytes(&file));
        MUST(kit_check(k, (struct asked){0}));
        must_have(k, VDM_DOCUMENT_CORRUPT, n);
        file_write(path, (struct vdm_bytes){file.p, file.n - 1});
        must_be_clean(k, (struct asked){0});
    }
    printf("flips-documents flips=%zu undetected=%zu\n", flips, flips - found);
    kit_end(k);
}

/* One bit of each byte of the documents' pack, zeros between them apart: a header that is damaged is a
 * document that is. */
static void every_byte_of_a_pack(void **state)
{
    struct kit kit = {0}, *k = &kit;
    size_t flips = 0;
    (void)state;
    kit_start(k);
    kit_make(k, 0);
    capture_until(k, 5);
    kit_close(k);
    PATH(pack, "%s/store/packs/000000.tar", k->path);
    struct vdm_buf file VDM_CLEANUP(vdm_buf_release) = file_content(pack);
    assert_int_equal(file.n, 3 * 1024);
    for (size_t i = 0; i < file.n; i++) {
        if (i % 1024 >= 512 + strlen("document 2\n"))
            continue;
        flip(pack, i * 8 + i % 8, &file);
        flips++;
        MUST(kit_check(k, (struct asked){0}));
        must_have(k, VDM_DOCUMENT_CORRUPT, 2 + i / 1024);
        assert_int_equal(vdm_report_findings(&k->report), 1);
        restore(pack, i * 8, &file);
    }
    must_be_clean(k, (struct asked){0});
    printf("flips-pack flips=%zu undetected=0\n", flips);
    kit_end(k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_bit),
        cmocka_unit_test(every_byte_of_a_pack),
        cmocka_unit_test(every_byte_of_a_document),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
