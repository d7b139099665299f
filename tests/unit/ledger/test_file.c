/* SPDX-License-Identifier: MIT */
/* The ledger as a file: its digest, and a copy of it, over calls that fail, beside others who write. */
#include "support/scarce.h"

static const bool goes_without = false;

#include "unit/ledger/file_calls.h"

static unsigned next_request(unsigned n)
{
    return n + 1;
}

static bool told(const struct vdm_err *err)
{
    return strstr(err->text, PLANTED) || strstr(err->text, "out of memory") ||
           strstr(err->text, strerror(ENOMEM));
}

/* --- the digest --- */

static struct vdm_crypto *crypto;

static struct vdm_digest digest_of(const char *path)
{
    struct vdm_buf b VDM_CLEANUP(vdm_buf_release) = file_content(path);
    return vdm_sha256(crypto, vdm_buf_bytes(&b));
}

static bool take_digest(struct kit *k, struct vdm_err *err)
{
    struct vdm_ledger_file f = {0};
    bool steady = false;
    if (!vdm_ledger_file(k->dir, crypto, &f, &steady, err))
        return false;
    scarce_left = 0;
    assert_true(steady && vdm_digest_equal(f.digest, digest_of(k->path)));
    return true;
}

/* More than is read at once. */
static void grow(struct kit *k)
{
    static uint8_t bytes[65000];
    MUST(vdm_ledger_begin(k->l, &k->err));
    for (uint64_t n = 5; n < 25; n++)
        MUST(vdm_ledger_put_entry(k->l, n, (struct vdm_bytes){bytes, sizeof bytes}, &k->err));
    MUST(vdm_ledger_commit(k->l, 25, VDM_LIT("checkpoint"), &k->err));
}

static void digests(void **state)
{
    struct kit *k = *state;
    struct vdm_ledger_file before, after;
    bool steady;
    grow(k);
    MUST(vdm_ledger_file(k->dir, crypto, &before, &steady, &k->err));
    sweep(k, take_digest, nothing_before, nothing);
    raw_run(k->path, "PRAGMA user_version=7");
    MUST(vdm_ledger_file(k->dir, crypto, &after, &steady, &k->err));
    assert_int_equal(after.writes, before.writes + 1);
    assert_false(vdm_digest_equal(after.digest, before.digest));
    struct vdm_buf head VDM_CLEANUP(vdm_buf_release) = file_content(k->path);
    head.n = 20;
    file_write(k->path, vdm_buf_bytes(&head));
    MUST_NOT(vdm_ledger_file(k->dir, crypto, &after, &steady, &k->err), "read ledger.db");
}

static void write_in_place(struct kit *k)
{
    raw_run(k->path, "PRAGMA user_version=8");
}

static void append_byte(struct kit *k)
{
    int fd = __real_open64(k->path, O_WRONLY | O_APPEND);
    assert_int_equal(write(fd, "x", 1), 1);
    close(fd);
}

static void digest_beside_writers(void **state)
{
    static void (*const others[])(struct kit *) = {write_in_place, append_byte};
    struct kit *k = *state;
    struct vdm_ledger_file f;
    bool steady = true;
    for (size_t i = 0; i < 2; i++) {
        between = others[i];
        between_kit = k;
        MUST(vdm_ledger_file(k->dir, crypto, &f, &steady, &k->err));
        assert_false(steady);
    }
}

/* --- the copy --- */

static bool accepts(void *ctx, const char *aside, struct vdm_err *err)
{
    struct kit *k = ctx;
    PATH(path, "%s/ledger.db", aside);
    (void)err;
    assert_int_equal(access(path, F_OK), 0);
    assert_non_null(strstr(aside, k->dir));
    return true;
}

static bool accepts_not(void *ctx, const char *aside, struct vdm_err *err)
{
    (void)ctx;
    (void)aside;
    return vdm_fail(err, "not this one");
}

static bool copy(struct kit *k, struct vdm_err *err)
{
    PATH(other, "%s/other", k->dir);
    looks_aside = 0;
    return vdm_ledger_copy(k->l, other, accepts, k, err);
}

static void make_other(struct kit *k)
{
    PATH(other, "%s/other", k->dir);
    plan.done = false;
    assert_int_equal(mkdir(other, 0700), 0);
}

/* A copy that is whole, or none; nothing is left aside. */
static void whole_or_none(struct kit *k, bool ok)
{
    PATH(other, "%s/other", k->dir);
    PATH(path, "%s/other/ledger.db", k->dir);
    struct vdm_buf before VDM_CLEANUP(vdm_buf_release) = dump_of(k->path);
    said = NULL;
    if (ok) {
        assert_same_dump(path, &before);
        assert_int_equal(unlink(path), 0);
    }
    assert_int_equal(rmdir(other), 0);
}

static void copied(struct kit *k)
{
    k->err = (struct vdm_err){0};
    make_other(k);
    MUST(copy(k, &k->err));
    whole_or_none(k, true);
}

static void copies(void **state)
{
    struct kit *k = *state;
    sweep(k, copy, make_other, whole_or_none);
    grow(k);
    memset(&plan, 0, sizeof plan);
    plan.one_page = true;
    copied(k);
    assert_true(plan.steps > 100);
    assert_int_equal(plan.sleeps + plan.after_done + plan.all_at_once, 0);
}

/* The first failure is what is told. */
static void first_failure(void **state)
{
    struct kit *k = *state;
    struct vdm_err err = {0};
    for (unsigned n = 1; !strstr(err.text, "step"); n++) {
        assert_true(n < 100);
        make_other(k);
        scarce_left = n;
        assert_false(copy(k, &err));
        scarce_left = 0;
        whole_or_none(k, false);
    }
    assert_string_equal(err.text, "copy ledger.db: " PLANTED ": step");
}

/* Others hold it for a while: waited for. Others write again and again: after the fifth time all is taken at once. */
static void beside_others(void **state)
{
    static const int codes[] = {SQLITE_BUSY, SQLITE_LOCKED};
    struct kit *k = *state;
    for (size_t i = 0; i < 2; i++) {
        memset(&plan, 0, sizeof plan);
        plan.code = codes[i];
        plan.times = 3;
        plan.remaining = 100;
        copied(k);
        assert_int_equal(plan.sleeps, 3);
    }
    for (int remaining = 0; remaining < 2; remaining++) {
        memset(&plan, 0, sizeof plan);
        plan.remaining = remaining;
        plan.times = 50;
        copied(k);
        assert_int_equal(plan.all_at_once, 7);
    }
    memset(&plan, 0, sizeof plan);
    plan.times = 50;
    plan.remaining = 1000;
    plan.shrinks = 1;
    copied(k);
    assert_int_equal(plan.all_at_once, 0);
}

static void never_free(void **state)
{
    struct kit *k = *state;
    static const int codes[] = {SQLITE_BUSY, SQLITE_LOCKED};
    for (size_t i = 0; i < 2; i++) {
        memset(&plan, 0, sizeof plan);
        plan.code = codes[i];
        plan.times = 1 << 30;
        plan.remaining = 1 << 30;
        plan.shrinks = 1;
        make_other(k);
        MUST_NOT(copy(k, &k->err), "copy ledger.db: locked by another program");
        assert_int_equal(plan.steps, 100000);
        whole_or_none(k, false);
    }
    memset(&plan, 0, sizeof plan);
}

static void old_one_stays(void **state)
{
    struct kit *k = *state;
    PATH(other, "%s/other", k->dir);
    PATH(path, "%s/other/ledger.db", k->dir);
    PATH(aside, "%s/other/incoming", k->dir);
    make_other(k);
    file_write(path, VDM_LIT("old"));
    MUST_NOT(vdm_ledger_copy(k->l, other, accepts_not, k, &k->err), "not this one");
    struct vdm_buf old VDM_CLEANUP(vdm_buf_release) = file_content(path);
    assert_true(vdm_bytes_equal_str(vdm_buf_bytes(&old), "old"));
    assert_int_equal(access(aside, F_OK), -1);
    MUST(copy(k, &k->err)); /* in its place */
    whole_or_none(k, true);
    MUST_NOT(copy(k, &k->err), "no such folder");
}

/* What an interrupted copy left goes. What is somebody else's stays, and what a link leads to. */
static void what_stands_aside(void **state)
{
    static const char *const ours[] = {"ledger.db", "ledger.db-journal", "ledger.db-wal",
                                       "ledger.db-shm"};
    struct kit *k = *state;
    PATH(aside, "%s/other/incoming", k->dir);
    make_other(k);
    assert_int_equal(mkdir(aside, 0700), 0);
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++) {
        PATH(left, "%s/%s", aside, ours[i]);
        file_write(left, VDM_LIT("left"));
    }
    MUST(copy(k, &k->err));
    assert_int_equal(access(aside, F_OK), -1);
    file_write(aside, VDM_LIT("a file"));
    MUST(copy(k, &k->err));
    assert_int_equal(symlink("..", aside), 0);
    MUST(copy(k, &k->err));
    assert_int_equal(access(k->path, F_OK), 0);
    assert_int_equal(access(aside, F_OK), -1);
    assert_int_equal(mkdir(aside, 0700), 0);
    PATH(theirs, "%s/theirs", aside);
    file_write(theirs, VDM_LIT("theirs"));
    MUST_NOT(copy(k, &k->err), "/other/incoming holds what no copy left there");
    assert_int_equal(unlink(theirs), 0);
    assert_int_equal(rmdir(aside), 0);
    whole_or_none(k, true);
}

static void folder_aside_fails(void **state)
{
    struct kit *k = *state;
    make_other(k);
    look_that_fails = 2;
    MUST_NOT(copy(k, &k->err), "open folder incoming: Too many open files");
    look_that_fails = 0;
    whole_or_none(k, false);
}

static void descriptor_zero(void **state)
{
    struct kit *k = *state;
    for (enum zero which = ZERO_ASIDE; which <= ZERO_COPY; which++) {
        int input = dup(0);
        get_zero = which;
        make_other(k);
        bool ok = copy(k, &k->err);
        get_zero = NO_ZERO;
        if (input >= 0) {
            assert_int_equal(dup2(input, 0), 0);
            close(input);
        }
        MUST(ok);
        whole_or_none(k, true);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        KIT_TEST(digests),         KIT_TEST(digest_beside_writers), KIT_TEST(copies),
        KIT_TEST(first_failure),   KIT_TEST(beside_others),         KIT_TEST(never_free),
        KIT_TEST(old_one_stays),   KIT_TEST(what_stands_aside),     KIT_TEST(folder_aside_fails),
        KIT_TEST(descriptor_zero),
    };
    if (!vdm_crypto_open(&crypto, NULL))
        return 1;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    vdm_crypto_close(crypto);
    return failed;
}
