/* SPDX-License-Identifier: MIT */
/* Rows at the edges: odd ones, full tiles, slices that are exactly full. */
#include "unit/ledger/ledger_kit.h"

/* Tables without our types: what is no row of ours is told as odd, and its bytes are left out. */
static void odd_rows(void **state)
{
    struct kit *k = *state;
    struct vdm_ledger_slice s = {0};
    raw_run(k->path, "DROP TABLE entry; CREATE TABLE entry(n, note);"
                     "INSERT INTO entry VALUES(0, x'AA'), (1, 'text'), (2, x''), (2.5, x'BB'),"
                     "(3, zeroblob(65536)), (4, NULL), (5, 7), (6, zeroblob(65535)), (7, x'CC')");
    kit_reopen(k, VDM_LEDGER_READ);
    MUST(vdm_ledger_read_slice(k->l, 0, 8, &s, &k->err));
    assert_int_equal(s.entries, 9);
    for (size_t i = 0; i < s.entries; i++) {
        bool good = i == 0 || i >= 7;
        assert_int_equal(s.entry[i].odd, !good);
        assert_int_equal(s.entry[i].bytes.n, i == 7 ? 65535 : good ? 1 : 0);
    }
    assert_int_equal(s.entry[0].bytes.p[0], 0xAA);
    assert_int_equal(s.entry[8].bytes.p[0], 0xCC);
    assert_int_equal(s.memory.n, 65537 + 5 * strlen("record") + 2 * strlen("checkpoint"));
    vdm_ledger_slice_release(&s);
}

static void put_sized(struct kit *k, const size_t *note, size_t count)
{
    static uint8_t bytes[65535];
    MUST(vdm_ledger_begin(k->l, &k->err));
    for (size_t i = 0; i < count; i++)
        MUST(vdm_ledger_put_entry(k->l, i, (struct vdm_bytes){bytes, note[i]}, &k->err));
    MUST(vdm_ledger_commit(k->l, count, VDM_LIT("c"), &k->err));
}

/* 1 MiB to the byte, and one less: the row that fills it is the last. */
static void full_slices(void **state)
{
    struct kit *k = *state;
    struct vdm_ledger_slice s = {0};
    size_t note[19];
    for (size_t i = 0; i < 19; i++)
        note[i] = i < 16 ? 65535 : 8;
    put_sized(k, note, 19);
    MUST(vdm_ledger_read_slice(k->l, 0, 19, &s, &k->err));
    assert_int_equal(s.to, 18);
    assert_int_equal(s.entries, 18);
    assert_int_equal(s.memory.n, 1 << 20);
    vdm_ledger_slice_release(&s);
}

/* Rows that are not there: the slice goes as far as it was asked to. */
static void missing_rows(void **state)
{
    struct kit *k = *state;
    struct vdm_ledger_slice s = {0};
    MUST(vdm_ledger_read_slice(k->l, 2, 10, &s, &k->err));
    assert_int_equal(s.to, 10);
    assert_int_equal(s.entries, 3);
    vdm_ledger_slice_release(&s);
}

/* A size below nothing is none. */
static void odd_sizes(void **state)
{
    struct kit *k = *state;
    uint64_t size = 7;
    raw_run(k->path, "DROP TRIGGER checkpoint_append; DROP TRIGGER checkpoint_keep_delete;"
                     "DELETE FROM checkpoint; PRAGMA ignore_check_constraints=ON;"
                     "INSERT INTO checkpoint VALUES(-4, x'00')");
    kit_reopen(k, VDM_LEDGER_READ);
    MUST(vdm_ledger_size(k->l, &size, &k->err));
    assert_int_equal(size, 0);
}

static void full_tile(void **state)
{
    struct kit *k = *state;
    struct vdm_digest hashes[VDM_TILE_WIDTH];
    MUST(vdm_ledger_begin(k->l, &k->err));
    MUST(put_tile(k->l, 0, 0, VDM_TILE_WIDTH, &k->err));
    MUST(put_tile(k->l, 0, 1, 1, &k->err));
    MUST(vdm_ledger_read_tile(k->l, 0, 0, VDM_TILE_WIDTH, hashes, &k->err));
    assert_true(vdm_digest_equal(hashes[VDM_TILE_WIDTH - 1], some_hash(VDM_TILE_WIDTH - 1)));
    MUST(vdm_ledger_read_tile(k->l, 0, 1, 1, hashes, &k->err));
    assert_true(vdm_digest_equal(hashes[0], some_hash(VDM_TILE_WIDTH)));
    vdm_ledger_rollback(k->l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        KIT_TEST(odd_rows),
        cmocka_unit_test_setup_teardown(full_slices, empty_setup, kit_teardown),
        KIT_TEST(missing_rows),
        KIT_TEST(odd_sizes),
        KIT_TEST(full_tile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
