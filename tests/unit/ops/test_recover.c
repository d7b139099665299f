/* SPDX-License-Identifier: MIT */
/* A new archive, a writer that stops half-way, and what puts things right afterwards (I3, I4, I6). */
#include "unit/ops/archive_kit.h"

#include "support/documents.h"

#include "ops/init.h"
#include "ops/recover.h"
#include "ops/unlock.h"

static int setup(void **state)
{
    struct kit *k = calloc(1, sizeof *k);
    assert_non_null(k);
    *state = k;
    kit_start(k);
    kit_make(k, 0);
    capture_until(k, 6);
    return 0;
}

static int teardown(void **state)
{
    struct kit *k = *state;
    kit_end(k);
    free(k);
    return 0;
}

static uint64_t size_of(struct kit *k)
{
    uint64_t size;
    MUST(vdm_ledger_size(k->a->ledger, &size, &k->err));
    return size;
}

static void is_clean(struct kit *k)
{
    kit_close(k);
    must_be_clean(k, (struct asked){0});
    assert_int_equal(k->report.kinds[VDM_CATALOG_BEHIND], 0);
    kit_open(k);
}

/* --- the writer --- */

static void abort_leaves_nothing(void **state)
{
    struct kit *k = *state;
    MUST(vdm_writer_begin(k->w, &k->err));
    append_capture(k, AMAL, "x", 0);
    vdm_writer_abort(k->w);
    assert_int_equal(size_of(k), 6);
    MUST(vdm_writer_begin(k->w, &k->err));
    assert_int_equal(vdm_writer_next(k->w), 6);
    MUST(vdm_writer_commit(k->w, &k->err)); /* nothing to sign: no second checkpoint of one size */
    assert_int_equal(size_of(k), 6);
    is_clean(k);
}

/* I4, I6: the checkpoint that is shown is the one that was committed and is guarded. */
static void checkpoint_shown(void **state)
{
    struct kit *k = *state;
    struct vdm_buf stored VDM_CLEANUP(vdm_buf_release) = {0};
    bool found;
    capture_until(k, 8);
    MUST(vdm_ledger_checkpoint(k->a->ledger, 8, &stored, &found, &k->err));
    assert_true(found);
    assert_true(vdm_bytes_equal(vdm_buf_bytes(&stored), vdm_writer_checkpoint(k->w)));
    PATH(guard, "%s/keys/last-checkpoint", k->path);
    struct vdm_buf guarded VDM_CLEANUP(vdm_buf_release) = file_content(guard);
    assert_true(vdm_bytes_equal(vdm_buf_bytes(&stored), vdm_buf_bytes(&guarded)));
    /* One that could not be committed is shown to nobody. */
    MUST(vdm_writer_begin(k->w, &k->err));
    append_capture(k, AMAL, "x", 0);
    MUST(vdm_ledger_put_entry(k->a->ledger, 9, VDM_LIT("in the way"), &k->err));
    MUST_NOT(vdm_writer_commit(k->w, &k->err), "one checkpoint a size");
    assert_true(vdm_bytes_equal(vdm_buf_bytes(&stored), vdm_writer_checkpoint(k->w)));
    is_clean(k);
}

static void taking_turns(void **state)
{
    struct kit *k = *state;
    struct vdm_archive *b = NULL;
    struct vdm_writer *w = NULL, *mine = k->w;
    struct vdm_archive *a = k->a;
    MUST(vdm_archive_open(&b, k->c, k->path, VDM_ARCHIVE_WRITE, &k->err));
    MUST(vdm_writer_open(&w, b, k->key[LEDGER], &k->err));
    for (uint64_t n = 7; n < 12; n++) {
        k->w = n % 2 ? w : mine;
        k->a = n % 2 ? b : a;
        capture_until(k, n);
    }
    k->w = mine;
    k->a = a;
    vdm_writer_close(w);
    vdm_archive_close(b);
    is_clean(k);
    assert_int_equal(k->report.entries, 11);
}

/* A tree that is not the one that was signed is not signed again. */
static void damaged_tree(void **state)
{
    struct kit *k = *state;
    edit_ledger(k, "UPDATE tile SET hashes = CAST(zeroblob(32) || substr(hashes, 33) AS BLOB)");
    kit_open(k);
    MUST_NOT(vdm_writer_begin(k->w, &k->err), "forked");
    shell("sed -i 's/^6$/7/' %s/keys/last-checkpoint", k->path);
    MUST_NOT(vdm_writer_begin(k->w, &k->err), "rolled-back");
}

/* --- killed --- */

static void killed(void **state)
{
    struct kit *k = *state;
    struct vdm_recovered done;
    int status;
    kit_close(k);
    pid_t child = kit_fork(k);
    if (child == 0) {
        char *large = malloc(60000);
        memset(large, 'x', 60000);
        kit_open(k);
        MUST(vdm_writer_begin(k->w, &k->err));
        for (int i = 0; i < 100; i++) { /* beyond the page cache: the file is half written */
            struct vdm_entry e = {.kind = VDM_ENTRY_UNKNOWN, .type = VDM_LIT("large/v1")};
            memcpy(large, "line ", 5);
            large[59999] = '\n';
            e.unknown = (struct vdm_bytes){(uint8_t *)large, 60000};
            append(k, &e, AMAL, (struct vdm_bytes){0});
        }
        append_capture(k, AMAL, "never acknowledged", 0);
        raise(SIGKILL);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    assert_false(kit_check(k, (struct asked){0}));
    assert_int_equal(k->err.kind, VDM_ERR_RECOVER);
    kit_open(k);
    MUST(vdm_recover(k->a, NULL, &done, &k->err));
    assert_int_equal(size_of(k), 6);
    MUST(vdm_recover(k->a, NULL, &done, &k->err)); /* twice is as good as once */
    assert_int_equal(done.entries + done.leftovers + done.guard_made, 0);
    capture_until(k, 8);
    is_clean(k);
}

static void guard_behind(void **state)
{
    struct kit *k = *state;
    struct vdm_recovered done;
    PATH(killed_write, "%s/keys/.last-checkpoint.0123456789abcdef.tmp", k->path);
    PATH(guard, "%s/keys/last-checkpoint", k->path);
    struct vdm_buf older VDM_CLEANUP(vdm_buf_release) = file_content(guard);
    capture_until(k, 9);
    file_write(guard, vdm_buf_bytes(&older));
    file_write(killed_write, vdm_buf_bytes(&older));
    MUST(vdm_recover(k->a, NULL, &done, &k->err));
    assert_int_equal(access(killed_write, F_OK), -1);
    assert_int_equal(done.entries, 3);
    assert_false(done.guard_made);
    is_clean(k);
}

/* Made anew, and told; also where documents were withdrawn, but not where one is just gone. */
static void guard_missing(void **state)
{
    struct kit *k = *state;
    struct vdm_recovered done;
    char hex[65];
    vdm_digest_hex(vdm_sha256(k->c, VDM_LIT("document 3\n")), hex);
    PATH(guard, "%s/keys/last-checkpoint", k->path);
    assert_int_equal(unlink(guard), 0);
    MUST(vdm_recover(k->a, NULL, &done, &k->err));
    assert_true(done.guard_made);
    is_clean(k);
    MUST(vdm_writer_begin(k->w, &k->err));
    append_capture(k, AMAL, "document 3\n", 3); /* an amendment, of the same document */
    MUST(vdm_writer_commit(k->w, &k->err));
    PATH(store, "%s/store", k->path);
    documents_as_files(k->c, store);
    shell("mv %s/store/objects/%.2s/%s %s/gone", k->path, hex, hex + 2, k->path);
    assert_int_equal(unlink(guard), 0);
    MUST_NOT(vdm_recover(k->a, NULL, &done, &k->err), "missing or damaged");
    assert_int_equal(access(guard, F_OK), -1);
    shell("mv %s/gone %s/store/objects/%.2s/%s", k->path, k->path, hex, hex + 2);
    MUST(vdm_recover(k->a, NULL, &done, &k->err));
    MUST(vdm_writer_begin(k->w, &k->err));
    append_withdrawal(k, AUTHORITY, 3, VDM_SCOPE_DOCUMENT);
    MUST(vdm_writer_commit(k->w, &k->err));
    shell("rm -f %s/store/objects/%.2s/%s", k->path, hex, hex + 2);
    assert_int_equal(unlink(guard), 0);
    MUST(vdm_recover(k->a, NULL, &done, &k->err));
    is_clean(k);
}

static void reindexed(void **state)
{
    struct kit *k = *state;
    edit_catalog(k, "UPDATE capture SET title = 'x'");
    kit_open(k);
    MUST(vdm_reindex(k->a, NULL, &k->err));
    is_clean(k);
}

/* Its first page is well, the others are not: the next write makes it anew. */
static void catalog_damaged(void **state)
{
    struct kit *k = *state;
    PATH(path, "%s/store/catalog.db", k->path);
    kit_close(k);
    struct vdm_buf pages VDM_CLEANUP(vdm_buf_release) = file_content(path);
    assert_true(pages.n > 4096);
    memset(pages.p + 4096, 0xA5, pages.n - 4096);
    file_write(path, vdm_buf_bytes(&pages));
    kit_open(k);
    capture_until(k, 8);
    is_clean(k);
}

/* --- a new archive --- */

static void init(void **state)
{
    struct kit *k = *state;
    struct vdm_init_done done;
    PATH(path, "%s/new", k->dir);
    const struct vdm_init_request r = {
        .path = path, .origin = "archive.example.org/new", .signer = "lena@example.org"};
    MUST(vdm_init(k->c, &r, &done, &k->err));
    assert_true(done.checkpoint.n > 0);
    vdm_buf_release(&done.checkpoint);
    struct vdm_archive *a = NULL;
    struct vdm_signers s = {0};
    struct vdm_unlock daily = {.keys = VDM_USE_SIGNER | VDM_USE_LEDGER};
    struct vdm_passphrases none = {.tries = 1};
    MUST(vdm_archive_open(&a, k->c, path, VDM_ARCHIVE_WRITE, &k->err));
    MUST(vdm_unlock(a, &daily, &none, &s, &k->err));
    assert_string_equal(vdm_signer_vkey(s.signer)->name, "lena@example.org");
    vdm_signers_release(&s);
    daily.signer = "amal@example.org";
    MUST_NOT(vdm_unlock(a, &daily, &none, &s, &k->err), "holds no signer");
    vdm_archive_close(a);
    /* Neither an archive nor keys are ever overwritten. */
    shell("cd %s && find . -type f -exec sha256sum {} + | sort > ../before", path);
    MUST_NOT(vdm_init(k->c, &r, &done, &k->err), "holds an archive already");
    assert_int_equal(k->err.kind, VDM_ERR_REFUSED);
    shell("mv %s/store %s/gone", path, k->dir);
    MUST_NOT(vdm_init(k->c, &r, &done, &k->err), "holds keys already");
    shell("mv %s/gone %s/store", k->dir, path);
    shell("cd %s && find . -type f -exec sha256sum {} + | sort | cmp - ../before", path);
}

static void init_that_fails(void **state)
{
    struct kit *k = *state;
    struct vdm_init_done done;
    PATH(path, "%s/new", k->dir);
    struct vdm_init_request r = {
        .path = path, .origin = "archive.example.org/new", .signer = "lena@example.org"};
    shell("mkdir -p %s/store && echo x > %s/store/catalog.db-journal && mkdir %s/store/catalog.db",
          path, path, path);
    assert_false(vdm_init(k->c, &r, &done, &k->err));
    shell("test ! -e %s/keys/authority.key && test ! -e %s/store/ledger.db", path, path);
    static const char *const bad[] = {"", "vidimus/x", "a b", "cosignature/x"};
    for (size_t i = 0; i < 4; i++) {
        r.origin = bad[i];
        MUST_NOT(vdm_init(k->c, &r, &done, &k->err), "--origin");
    }
    r.origin = "a";
    r.signer = "a";
    MUST_NOT(vdm_init(k->c, &r, &done, &k->err), "--signer");
}

/* Killed before the first commit: each command says what to do. Unless the guard knows of entries. */
static void init_interrupted(void **state)
{
    struct kit *k = *state;
    struct vdm_recovered done;
    struct vdm_init_done made;
    PATH(keys, "%s/keys", k->path);
    PATH(store, "%s/store", k->path);
    const struct vdm_init_request r = {
        .path = k->path, .origin = "archive.example.org/new", .signer = "lena@example.org"};
    kit_close(k);
    shell("mv %s/last-checkpoint %s/kept && rm -rf %s/*.db* %s/objects/*", keys, k->dir, store,
          store);
    MUST(vdm_ledger_create(store, 0, &k->err));
    MUST_NOT(vdm_init(k->c, &r, &made, &k->err), "remove keys/ and store/");
    MUST(vdm_archive_open(&k->a, k->c, k->path, VDM_ARCHIVE_WRITE, &k->err));
    MUST_NOT(vdm_recover(k->a, NULL, &done, &k->err), "remove keys/ and store/");
    shell("mv %s/kept %s/last-checkpoint", k->dir, keys);
    MUST_NOT(vdm_recover(k->a, NULL, &done, &k->err), "rolled-back");
    MUST_NOT(vdm_init(k->c, &r, &made, &k->err), "rolled-back");
    vdm_archive_close(k->a);
    k->a = NULL;
    shell("rm -rf %s %s", keys, store);
    MUST(vdm_init(k->c, &r, &made, &k->err));
    vdm_buf_release(&made.checkpoint);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(abort_leaves_nothing),
        TEST(checkpoint_shown),
        TEST(taking_turns),
        TEST(damaged_tree),
        TEST(killed),
        TEST(guard_behind),
        TEST(guard_missing),
        TEST(reindexed),
        TEST(catalog_damaged),
        TEST(init),
        TEST(init_that_fails),
        TEST(init_interrupted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
