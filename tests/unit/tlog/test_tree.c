/* SPDX-License-Identifier: MIT */
#include "unit/tlog/naive.h"

static void known_hashes(void **state)
{
    struct vdm_crypto *c = ((struct fixture *)*state)->crypto;
    struct vdm_digest a = vdm_tlog_leaf(c, VDM_LIT("")), b = vdm_tlog_leaf(c, VDM_LIT("L123456"));
    assert_hex(vdm_tlog_empty_root(c),
               "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    assert_hex(a, "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d");
    assert_hex(b, "395aa064aa4c29f7010acfe3f25db9485bbd4b91897b6ad7ad547639252b4d56");
    assert_hex(vdm_tlog_node(c, a, b),
               "bf9ae70442844df993ca0001a7c8a095c5f145857960b1ee389df6cbe84b5bf3");
}

static void node_is_no_leaf(void **state)
{
    struct fixture *f = *state;
    uint8_t data[65] = {1};
    memcpy(data + 1, f->leaves, 64);
    struct vdm_digest node = vdm_tlog_node(f->crypto, f->leaves[0], f->leaves[1]);
    assert_false(vdm_digest_equal(node, vdm_tlog_leaf(f->crypto, (struct vdm_bytes){data, 65})));
    assert_false(
        vdm_digest_equal(node, vdm_tlog_leaf(f->crypto, (struct vdm_bytes){data + 1, 64})));
    assert_false(vdm_digest_equal(node, vdm_tlog_node(f->crypto, f->leaves[1], f->leaves[0])));
}

static void roots_of_all_small_sizes(void **state)
{
    struct fixture *f = *state;
    struct vdm_frontier tree = {0};
    for (size_t n = 0; n <= 300; n++) {
        assert_int_equal(tree.size, n);
        assert_digest(vdm_frontier_root(&tree, f->crypto), naive_mth(f->crypto, f->leaves, n));
        vdm_frontier_append(&tree, f->crypto, f->leaves[n]);
    }
}

static void peaks_are_the_perfect_subtrees(void **state)
{
    struct fixture *f = *state;
    struct vdm_frontier tree = {0};
    for (size_t n = 0; n <= 130; n++) {
        size_t at = 0, k = 0;
        for (size_t leaves = 256; leaves > 0; leaves /= 2)
            if (n & leaves) {
                assert_digest(tree.peaks[k++], naive_mth(f->crypto, f->leaves + at, leaves));
                at += leaves;
            }
        vdm_frontier_append(&tree, f->crypto, f->leaves[n]);
    }
}

static void copies_go_their_own_way(void **state)
{
    struct fixture *f = *state;
    struct vdm_frontier tree = {0};
    for (size_t n = 0; n < 11; n++)
        vdm_frontier_append(&tree, f->crypto, f->leaves[n]);
    struct vdm_frontier copy = tree;
    vdm_frontier_append(&copy, f->crypto, f->leaves[11]);
    assert_digest(vdm_frontier_root(&tree, f->crypto), naive_mth(f->crypto, f->leaves, 11));
    assert_digest(vdm_frontier_root(&copy, f->crypto), naive_mth(f->crypto, f->leaves, 12));
}

/* Every way to build a tree of 64 leaves or fewer from subtrees of one height and single leaves. */
static void subtrees_at_once(void **state)
{
    struct fixture *f = *state;
    for (unsigned height = 0; height <= 5; height++)
        for (size_t n = 0; n <= 64; n++) {
            struct vdm_frontier tree = {0};
            size_t step = (size_t)1 << height, at = 0;
            for (; at + step <= n; at += step)
                vdm_frontier_append_subtree(&tree, f->crypto, height,
                                            naive_mth(f->crypto, f->leaves + at, step), NULL);
            for (; at < n; at++)
                vdm_frontier_append(&tree, f->crypto, f->leaves[at]);
            assert_int_equal(tree.size, n);
            assert_digest(vdm_frontier_root(&tree, f->crypto), naive_mth(f->crypto, f->leaves, n));
        }
}

static void completed_nodes_are_given(void **state)
{
    struct fixture *f = *state;
    struct vdm_frontier tree = {0};
    struct vdm_digest made[VDM_TREE_HEIGHTS_MAX];
    for (size_t n = 1; n <= 260; n++) {
        unsigned top = vdm_frontier_append_subtree(&tree, f->crypto, 0, f->leaves[n - 1], made);
        assert_int_equal(top, __builtin_ctzll(n));
        for (unsigned h = 0; h <= top; h++) {
            size_t leaves = (size_t)1 << h;
            assert_digest(made[h], naive_mth(f->crypto, f->leaves + n - leaves, leaves));
        }
    }
    tree = (struct vdm_frontier){0};
    memset(made, 0xee, sizeof made);
    vdm_frontier_append_subtree(&tree, f->crypto, 3, naive_mth(f->crypto, f->leaves, 8), made);
    unsigned top = vdm_frontier_append_subtree(&tree, f->crypto, 3,
                                               naive_mth(f->crypto, f->leaves + 8, 8), made);
    assert_int_equal(top, 4);
    assert_digest(made[3], naive_mth(f->crypto, f->leaves + 8, 8));
    assert_digest(made[4], naive_mth(f->crypto, f->leaves, 16));
    assert_int_equal(made[2].b[0], 0xee); /* not completed by this */
    assert_int_equal(made[5].b[0], 0xee);
}

/* All 63 peaks, and back to one. */
static void largest_tree(void **state)
{
    struct fixture *f = *state;
    struct alike a;
    alike_init(&a, f->crypto);
    struct vdm_frontier tree = {0};
    for (unsigned height = 63; height-- > 0;)
        vdm_frontier_append_subtree(&tree, f->crypto, height, a.perfect[height], NULL);
    assert_int_equal(tree.size, INT64_MAX);
    assert_digest(vdm_frontier_root(&tree, f->crypto), alike_root(&a, INT64_MAX));

    struct vdm_digest made[VDM_TREE_HEIGHTS_MAX];
    tree = (struct vdm_frontier){0};
    for (unsigned height = 62; height-- > 0;)
        vdm_frontier_append_subtree(&tree, f->crypto, height, a.perfect[height], NULL);
    assert_int_equal(vdm_frontier_append_subtree(&tree, f->crypto, 0, a.perfect[0], made), 62);
    assert_digest(made[62], a.perfect[62]);
    assert_digest(vdm_frontier_root(&tree, f->crypto), a.perfect[62]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_hashes),
        cmocka_unit_test(node_is_no_leaf),
        cmocka_unit_test(roots_of_all_small_sizes),
        cmocka_unit_test(peaks_are_the_perfect_subtrees),
        cmocka_unit_test(copies_go_their_own_way),
        cmocka_unit_test(subtrees_at_once),
        cmocka_unit_test(completed_nodes_are_given),
        cmocka_unit_test(largest_tree),
    };
    return cmocka_run_group_tests(tests, fixture_open, fixture_close);
}
