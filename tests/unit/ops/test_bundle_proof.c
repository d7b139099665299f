/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ops/bundle_make.h"

#include <stdlib.h>
#include <string.h>

#define LEAVES 70000 /* three levels of tiles */

/* A tree in memory. */
struct forest {
    struct vdm_crypto *c;
    struct vdm_digest *level[3];
    uint64_t count[3];
    unsigned reads;
    bool broken;
};

static bool read_tile(void *ctx, uint8_t level, uint64_t index, unsigned width,
                      struct vdm_digest *hashes, struct vdm_err *err)
{
    struct forest *f = ctx;
    f->reads++;
    if (f->broken)
        return vdm_fail(err, "cannot read");
    assert_in_range(level, 0, 2);
    assert_true(index * VDM_TILE_WIDTH + width <= f->count[level]);
    memcpy(hashes, f->level[level] + index * VDM_TILE_WIDTH, width * sizeof *hashes);
    return true;
}

static int grow(void **state)
{
    struct forest *f = calloc(1, sizeof *f);
    assert_non_null(f);
    *state = f;
    assert_true(vdm_crypto_open(&f->c, NULL));
    for (unsigned level = 0; level < 3; level++) {
        f->count[level] = LEAVES >> (8 * level);
        f->level[level] = calloc(f->count[level] + 1, sizeof **f->level);
        assert_non_null(f->level[level]);
        for (uint64_t i = 0; i < f->count[level]; i++) {
            struct vdm_frontier tree = {0};
            if (level == 0)
                f->level[0][i] =
                    vdm_sha256(f->c, (struct vdm_bytes){(const uint8_t *)&i, sizeof i});
            for (unsigned k = 0; level > 0 && k < VDM_TILE_WIDTH; k++)
                vdm_frontier_append(&tree, f->c, f->level[level - 1][i * VDM_TILE_WIDTH + k]);
            if (level > 0)
                f->level[level][i] = vdm_frontier_root(&tree, f->c);
        }
    }
    return 0;
}

static int fell(void **state)
{
    struct forest *f = *state;
    for (unsigned level = 0; level < 3; level++)
        free(f->level[level]);
    vdm_crypto_close(f->c);
    free(f);
    return 0;
}

static void check(struct vdm_prover *p, const struct vdm_tiles *tiles, uint64_t index,
                  uint64_t size)
{
    struct vdm_tree_proof got, want;
    assert_true(vdm_prover_inclusion(p, index, &got, NULL));
    assert_true(vdm_tiles_inclusion(tiles, index, size, &want, NULL));
    assert_int_equal(got.n, want.n);
    if (memcmp(got.hashes, want.hashes, got.n * sizeof *got.hashes) != 0)
        fail_msg("another proof for %llu of %llu", (unsigned long long)index,
                 (unsigned long long)size);
}

static void test_same_as_the_plain_way(void **state)
{
    static const uint64_t sizes[] = {1,   2,   3,   4,   5,   7,     8,     255,   256,   257,
                                     258, 511, 512, 513, 769, 65535, 65536, 65537, 65793, LEAVES};
    struct forest *f = *state;
    struct vdm_tiles tiles = {f->c, read_tile, f};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct vdm_prover *p VDM_CLEANUP(vdm_prover_cleanup) = NULL;
        uint64_t size = sizes[i], step = size / 97 + 1;
        assert_true(vdm_prover_open(&p, &tiles, size, NULL));
        for (uint64_t n = 0; n < size; n += step)
            check(p, &tiles, n, size);
        check(p, &tiles, size - 1, size);
        check(p, &tiles, size / 2, size);
        check(p, &tiles, 0, size); /* going back is allowed */
    }
}

static void test_reads_each_tile_once(void **state)
{
    struct forest *f = *state;
    struct vdm_tiles tiles = {f->c, read_tile, f};
    struct vdm_prover *p VDM_CLEANUP(vdm_prover_cleanup) = NULL;
    struct vdm_tree_proof proof;
    assert_true(vdm_prover_open(&p, &tiles, LEAVES, NULL));
    f->reads = 0;
    for (uint64_t n = 0; n < LEAVES; n++)
        assert_true(vdm_prover_inclusion(p, n, &proof, NULL));
    assert_in_range(f->reads, 1, LEAVES / 256 + LEAVES / 65536 + 3);
}

static void test_failures(void **state)
{
    struct forest *f = *state;
    struct vdm_tiles tiles = {f->c, read_tile, f};
    struct vdm_prover *p VDM_CLEANUP(vdm_prover_cleanup) = NULL;
    struct vdm_tree_proof proof;
    struct vdm_err err = {0};
    assert_true(vdm_prover_open(&p, &tiles, 1000, NULL));
    assert_false(vdm_prover_inclusion(p, 1000, &proof, &err));
    assert_int_equal(err.kind, VDM_ERR_USAGE);
    f->broken = true;
    assert_false(vdm_prover_inclusion(p, 5, &proof, &err));
    assert_string_equal(err.text, "cannot read");
    f->broken = false; /* what could not be read is not remembered */
    check(p, &tiles, 5, 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_as_the_plain_way),
        cmocka_unit_test(test_reads_each_tile_once),
        cmocka_unit_test(test_failures),
    };
    return cmocka_run_group_tests(tests, grow, fell);
}
