/* SPDX-License-Identifier: MIT */
/* Writers that die in the middle: what they leave is rolled back by the next one that writes, and
 * seen, not touched, by one that reads. */
#include "unit/ledger/ledger_kit.h"

/* In the middle of a transaction that is larger than the page cache, so that pages are in the file
 * already and the journal is hot. */
static void write_half(struct kit *k)
{
    static const uint8_t bytes[65535];
    MUST(vdm_ledger_begin(k->l, &k->err));
    for (uint64_t n = 5; n < 150; n++)
        MUST(vdm_ledger_put_entry(k->l, n, (struct vdm_bytes){bytes, sizeof bytes}, &k->err));
}

static void is_whole(struct kit *k, const struct vdm_buf *before)
{
    uint64_t size;
    MUST(vdm_ledger_size(k->l, &size, &k->err));
    assert_int_equal(size, 5);
    assert_same_dump(k->path, before);
}

static bool read_size(const char *dir, struct vdm_err *err)
{
    struct vdm_ledger *l VDM_CLEANUP(vdm_ledger_cleanup) = NULL;
    uint64_t size;
    return vdm_ledger_open(&l, dir, VDM_LEDGER_READ, err) && vdm_ledger_size(l, &size, err);
}

/* As a copy of a disk that lost its power: both files, as they stood. */
static void hot_journal(void **state)
{
    struct kit *k = *state;
    struct vdm_ledger *l = NULL;
    struct vdm_buf before VDM_CLEANUP(vdm_buf_release) = dump_of(k->path);
    PATH(copy, "%s/copy", k->dir);
    PATH(copied, "%s/copy/ledger.db", k->dir);
    PATH(journal, "%s/ledger.db-journal", k->dir);
    PATH(copied_journal, "%s/copy/ledger.db-journal", k->dir);
    assert_int_equal(mkdir(copy, 0700), 0);
    write_half(k);
    file_copy(k->path, copied);
    file_copy(journal, copied_journal);
    struct vdm_buf half VDM_CLEANUP(vdm_buf_release) = file_content(copied);
    struct vdm_buf hot VDM_CLEANUP(vdm_buf_release) = file_content(copied_journal);
    assert_true(half.n > (4 << 20) && hot.n > 512 && hot.p[0] != 0);
    vdm_ledger_rollback(k->l);
    MUST_NOT(vdm_ledger_open(&l, copy, VDM_LEDGER_READ, &k->err), "interrupted");
    assert_int_equal(k->err.kind, VDM_ERR_RECOVER);
    /* It was only looked at. */
    struct vdm_buf now VDM_CLEANUP(vdm_buf_release) = file_content(copied);
    assert_true(vdm_bytes_equal(vdm_buf_bytes(&half), vdm_buf_bytes(&now)));
    struct vdm_buf still VDM_CLEANUP(vdm_buf_release) = file_content(copied_journal);
    assert_true(vdm_bytes_equal(vdm_buf_bytes(&hot), vdm_buf_bytes(&still)));
    MUST(vdm_ledger_open(&l, copy, VDM_LEDGER_WRITE, &k->err));
    vdm_ledger_close(l);
    MUST(read_size(copy, &k->err));
    assert_same_dump(copied, &before);
}

static void killed_writer(void **state)
{
    struct kit *k = *state;
    struct vdm_buf before VDM_CLEANUP(vdm_buf_release) = dump_of(k->path);
    int status;
    vdm_ledger_close(k->l);
    k->l = NULL;
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) { /* opens for itself: locks belong to who opened */
        MUST(vdm_ledger_open(&k->l, k->dir, VDM_LEDGER_WRITE, &k->err));
        MUST(vdm_ledger_lock(k->l, 0, NULL, &k->err));
        write_half(k);
        raise(SIGKILL);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    MUST_NOT(read_size(k->dir, &k->err), "interrupted");
    assert_int_equal(k->err.kind, VDM_ERR_RECOVER);
    MUST(vdm_ledger_open(&k->l, k->dir, VDM_LEDGER_WRITE, &k->err));
    MUST(vdm_ledger_lock(k->l, 0, NULL, &k->err)); /* the lock went with the process */
    is_whole(k, &before);
    put_batch(k, 5, 6);
    MUST(read_size(k->dir, &k->err));
}

/* A reader is not disturbed by a writer that lives, and sees nothing of what is not committed. */
static void reader_beside_writer(void **state)
{
    struct kit *k = *state;
    uint64_t size;
    struct vdm_ledger *reader = NULL;
    MUST(vdm_ledger_begin(k->l, &k->err));
    MUST(vdm_ledger_put_entry(k->l, 5, VDM_LIT("x"), &k->err));
    MUST(vdm_ledger_open(&reader, k->dir, VDM_LEDGER_READ, &k->err));
    MUST(vdm_ledger_size(reader, &size, &k->err));
    assert_int_equal(size, 5);
    vdm_ledger_rollback(k->l);
    put_batch(k, 5, 6);
    MUST(vdm_ledger_size(reader, &size, &k->err));
    assert_int_equal(size, 6);
    vdm_ledger_close(reader);
}

/* Cut off while it was made, a database may come out whole and empty. What cannot be prepared then is an
 * error, in each call that reads. */
static void without_tables(void **state)
{
    struct kit *k = *state;
    struct vdm_buf out VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_ledger_slice slice = {0};
    uint64_t size;
    bool found;
    struct vdm_digest hash;
    kit_reopen(k, VDM_LEDGER_READ);
    raw_run(k->path, "DROP TABLE entry; DROP TABLE record; DROP TABLE checkpoint; DROP TABLE tile");
    MUST_NOT(vdm_ledger_size(k->l, &size, &k->err), "no such table");
    MUST_NOT(vdm_ledger_entry(k->l, 0, &out, &found, &k->err), "no such table");
    MUST_NOT(vdm_ledger_checkpoint(k->l, 5, &out, &found, &k->err), "no such table");
    MUST_NOT(vdm_ledger_read_slice(k->l, 0, 5, &slice, &k->err), "no such table");
    MUST_NOT(vdm_ledger_read_tile(k->l, 0, 0, 1, &hash, &k->err), "no such table");
    vdm_ledger_slice_release(&slice);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        KIT_TEST(hot_journal),
        KIT_TEST(killed_writer),
        KIT_TEST(reader_beside_writer),
        KIT_TEST(without_tables),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
