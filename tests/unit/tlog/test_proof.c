/* SPDX-License-Identifier: MIT */
#include "unit/tlog/naive.h"

#define SMALL 70

/* A question and its proof, with room to add a hash. */
struct inclusion {
    uint64_t index, size;
    struct vdm_digest leaf, root;
    struct vdm_digest proof[65];
    size_t n;
};
struct consistency {
    uint64_t old_size, new_size;
    struct vdm_digest old_root, new_root;
    struct vdm_digest proof[65];
    size_t n;
};

static bool included_beside(struct vdm_crypto *c, const struct inclusion *p,
                            struct vdm_inclusion_way *before)
{
    return vdm_inclusion_valid_beside(c, p->index, p->size, p->leaf, p->root, p->proof, p->n,
                                      before);
}

/* What was shown before, whatever it was, must change no answer. */
static bool included(struct fixture *f, const struct inclusion *p)
{
    static struct vdm_inclusion_way shown;
    struct vdm_inclusion_way way = shown;
    bool yes = vdm_inclusion_valid(f->crypto, p->index, p->size, p->leaf, p->root, p->proof, p->n);
    assert_int_equal(included_beside(f->crypto, p, &way), yes);
    if (yes)
        shown = way;
    return yes;
}

static bool consistent(struct fixture *f, const struct consistency *p)
{
    return vdm_consistency_valid(f->crypto, p->old_size, p->old_root, p->new_size, p->new_root,
                                 p->proof, p->n);
}

static struct inclusion inclusion_of(struct fixture *f, size_t index, size_t size)
{
    struct inclusion p = {.index = index, .size = size, .leaf = f->leaves[index]};
    p.root = naive_mth(f->crypto, f->leaves, size);
    p.n = naive_path(f->crypto, index, f->leaves, size, p.proof);
    return p;
}

static struct consistency consistency_of(struct fixture *f, size_t old_size, size_t new_size)
{
    struct consistency p = {.old_size = old_size, .new_size = new_size};
    p.old_root = naive_mth(f->crypto, f->leaves, old_size);
    p.new_root = naive_mth(f->crypto, f->leaves, new_size);
    p.n = naive_subproof(f->crypto, old_size, f->leaves, new_size, true, p.proof);
    return p;
}

static void flip(struct vdm_digest *d, size_t bit)
{
    d->b[bit / 8 % 32] ^= (uint8_t)(1u << bit % 8);
}

static void altered_inclusion(struct fixture *f, const struct inclusion *good)
{
    struct inclusion p;
    for (size_t k = 0; k < good->n; k++) {
        p = *good;
        flip(&p.proof[k], good->index * 31 + k * 7);
        assert_false(included(f, &p));
        p = *good;
        memmove(p.proof + k, p.proof + k + 1, (64 - k) * sizeof *p.proof);
        p.n--;
        assert_false(included(f, &p));
    }
    for (size_t k = 0; k <= good->n; k++) {
        p = *good;
        memmove(p.proof + k + 1, p.proof + k, (64 - k) * sizeof *p.proof);
        p.proof[k] = k % 2 ? p.root : p.leaf;
        p.n++;
        assert_false(included(f, &p));
    }
    p = *good;
    flip(&p.leaf, good->index);
    assert_false(included(f, &p));
    p = *good;
    flip(&p.root, good->index);
    assert_false(included(f, &p));
    p.index = UINT64_MAX;
    assert_false(included(f, &p));
}

static void only_one_index_fits(void **state)
{
    struct fixture *f = *state;
    for (size_t n = 1; n <= 33; n++)
        for (size_t i = 0; i < n; i++) {
            struct inclusion p = inclusion_of(f, i, n);
            for (p.index = 0; p.index <= n + 1; p.index++)
                assert_true(included(f, &p) == (p.index == i));
        }
}

/* Hashes beyond those that the sizes call for, with roots made to match: only counting finds them.
 */
static void a_hash_too_many(void **state)
{
    struct fixture *f = *state;
    struct vdm_digest extra = f->leaves[100];
    for (size_t n = 1; n <= 20; n++)
        for (size_t i = 0; i < n; i++) {
            struct inclusion p = inclusion_of(f, i, n);
            p.proof[p.n++] = extra;
            p.root = naive_node(f->crypto, extra, p.root);
            assert_false(included(f, &p));
            struct consistency q = consistency_of(f, i + 1, n);
            q.proof[q.n++] = extra;
            q.old_root = naive_node(f->crypto, extra, q.old_root);
            q.new_root = naive_node(f->crypto, extra, q.new_root);
            assert_false(consistent(f, &q));
        }
}

/* And too few: the root of a part of the tree is none of the whole. */
static void a_hash_too_few(void **state)
{
    struct fixture *f = *state;
    for (size_t n = 2; n <= 20; n++)
        for (size_t i = 0; i < n; i++) {
            struct inclusion p = inclusion_of(f, i, n);
            size_t k = naive_split(n);
            p.root = i < k ? naive_mth(f->crypto, f->leaves, k)
                           : naive_mth(f->crypto, f->leaves + k, n - k);
            p.n--;
            assert_false(included(f, &p));
            struct consistency q = consistency_of(f, i + 1, n);
            q.n = 0;
            assert_true(consistent(f, &q) == (i + 1 == n));
            assert_true(vdm_consistency_valid(f->crypto, i + 1, q.old_root, n, q.new_root, NULL,
                                              0) == (i + 1 == n));
        }
}

static void all_inclusions(void **state)
{
    struct fixture *f = *state;
    for (size_t n = 1; n <= SMALL; n++)
        for (size_t i = 0; i < n; i++) {
            struct inclusion p = inclusion_of(f, i, n);
            assert_true(included(f, &p));
            altered_inclusion(f, &p);
        }
}

static void beside_each_other(void **state)
{
    struct fixture *f = *state;
    for (size_t n = 1; n <= 37; n++)
        for (size_t k = 0; k < n * n; k++) {
            struct vdm_inclusion_way way = {.size = 0};
            struct inclusion p = inclusion_of(f, k / n, n);
            assert_true(included_beside(f->crypto, &p, &way));
            assert_true(included_beside(NULL, &p, &way)); /* nothing is hashed again */
            p = inclusion_of(f, k % n, n);
            assert_true(included(f, &p));
            assert_true(included_beside(f->crypto, &p, &way));
            altered_inclusion(f, &p);
            /* What was refused leaves nothing behind that a second try could lean on. */
            flip(&p.leaf, k);
            assert_false(included_beside(f->crypto, &p, &way));
            assert_false(included_beside(f->crypto, &p, &way));
        }
}

/* Linked in place of vdm_tlog_node. */
struct vdm_digest __real_vdm_tlog_node(struct vdm_crypto *c, struct vdm_digest l,
                                       struct vdm_digest r);
struct vdm_digest __wrap_vdm_tlog_node(struct vdm_crypto *c, struct vdm_digest l,
                                       struct vdm_digest r);
static size_t nodes_hashed;
struct vdm_digest __wrap_vdm_tlog_node(struct vdm_crypto *c, struct vdm_digest l,
                                       struct vdm_digest r)
{
    nodes_hashed++;
    return __real_vdm_tlog_node(c, l, r);
}

/* One leaf after the other, each node of the tree is hashed from its left side and from its right, and never more. */
static void each_node_twice(void **state)
{
    struct fixture *f = *state;
    for (size_t n = 1; n <= SMALL; n++) {
        struct vdm_inclusion_way way = {.size = 0};
        size_t before = nodes_hashed;
        for (size_t i = 0; i < n; i++) {
            struct inclusion p = inclusion_of(f, i, n);
            assert_true(included_beside(f->crypto, &p, &way));
        }
        assert_int_equal(nodes_hashed - before, 2 * (n - 1));
    }
}

/* A tree of the same size, in which all but one leaf are the same. */
static void beside_another_tree(void **state)
{
    struct fixture *f = *state;
    struct vdm_digest other[SMALL];
    memcpy(other, f->leaves, sizeof other);
    for (size_t n = 2; n <= 20; n++)
        for (size_t k = 0; k < n * n; k++) {
            struct vdm_inclusion_way way = {.size = 0};
            struct inclusion p = inclusion_of(f, k / n, n);
            assert_true(included_beside(f->crypto, &p, &way));
            flip(&other[k % n], k);
            p.root = naive_mth(f->crypto, other, n);
            assert_false(included_beside(f->crypto, &p, &way));
            flip(&other[k % n], k);
        }
}

static void nothing_is_in_the_empty_tree(void **state)
{
    struct fixture *f = *state;
    struct vdm_digest empty = vdm_tlog_empty_root(f->crypto);
    assert_false(vdm_inclusion_valid(f->crypto, 0, 0, empty, empty, NULL, 0));
    assert_false(vdm_inclusion_valid(f->crypto, UINT64_MAX, 0, empty, empty, NULL, 0));
}

/* A node stands as a leaf in a shorter tree over the same root; its shorter path must not do,
 * whatever index is claimed. */
static void node_presented_as_leaf(void **state)
{
    struct fixture *f = *state;
    for (size_t n = 2; n <= 40; n++)
        for (unsigned h = 1; (n >> h) > 0; h++)
            for (size_t i = 0; i < n >> h; i++) {
                struct inclusion p = inclusion_of(f, i << h, n);
                p.leaf = naive_mth(f->crypto, f->leaves + (i << h), (size_t)1 << h);
                p.n -= h;
                memmove(p.proof, p.proof + h, p.n * sizeof *p.proof);
                for (p.index = 0; p.index < n; p.index++)
                    assert_false(included(f, &p));
            }
}

static void altered_consistency(struct fixture *f, const struct consistency *good)
{
    struct consistency p;
    for (size_t k = 0; k < good->n; k++) {
        p = *good;
        flip(&p.proof[k], good->old_size * 31 + k * 7);
        assert_false(consistent(f, &p));
        p = *good;
        memmove(p.proof + k, p.proof + k + 1, (64 - k) * sizeof *p.proof);
        p.n--;
        assert_false(consistent(f, &p));
    }
    for (size_t k = 0; k <= good->n; k++) {
        p = *good;
        memmove(p.proof + k + 1, p.proof + k, (64 - k) * sizeof *p.proof);
        p.proof[k] = k % 2 ? p.new_root : p.old_root;
        p.n++;
        assert_false(consistent(f, &p));
    }
    p = *good;
    flip(&p.old_root, good->old_size);
    assert_false(consistent(f, &p));
    p = *good;
    flip(&p.new_root, good->old_size);
    assert_false(consistent(f, &p));
    p = *good;
    p.old_size = good->new_size + 1;
    assert_false(consistent(f, &p));
    p.old_size = UINT64_MAX;
    assert_false(consistent(f, &p));
}

static void all_consistencies(void **state)
{
    struct fixture *f = *state;
    for (size_t n = 1; n <= SMALL; n++)
        for (size_t m = 1; m <= n; m++) {
            struct consistency p = consistency_of(f, m, n);
            assert_true(consistent(f, &p));
            altered_consistency(f, &p);
        }
}

static void from_nothing_proves_nothing(void **state)
{
    struct fixture *f = *state;
    for (size_t n = 0; n <= 9; n++) {
        struct consistency p = {.old_size = 0, .new_size = n};
        p.old_root = vdm_tlog_empty_root(f->crypto);
        p.new_root = naive_mth(f->crypto, f->leaves, n);
        for (p.n = 0; p.n <= 5; p.n++)
            assert_false(consistent(f, &p));
    }
}

static void old_root_alone_is_no_proof(void **state)
{
    struct fixture *f = *state;
    for (size_t n = 2; n <= SMALL; n++)
        for (size_t m = 1; m < n; m++) {
            struct consistency p = consistency_of(f, m, n);
            p.new_root = p.old_root;
            assert_false(consistent(f, &p));
            p.n = 0;
            assert_false(consistent(f, &p));
        }
}

/* A history that was rewritten cannot be joined to the old root by its own, otherwise good, proof.
 */
static void rewritten_history(void **state)
{
    struct fixture *f = *state;
    struct vdm_digest other[SMALL];
    memcpy(other, f->leaves, sizeof other);
    flip(&other[3], 0);
    for (size_t n = 5; n <= SMALL; n++)
        for (size_t m = 4; m <= n; m++) {
            struct consistency p = consistency_of(f, m, n);
            p.new_root = naive_mth(f->crypto, other, n);
            p.n = naive_subproof(f->crypto, m, other, n, true, p.proof);
            assert_false(consistent(f, &p));
        }
}

static void the_largest_numbers(void **state)
{
    struct fixture *f = *state;
    static const uint64_t sizes[] = {UINT64_MAX, UINT64_MAX - 1, (UINT64_C(1) << 63) + 1,
                                     UINT64_C(1) << 63, INT64_MAX};
    struct alike a;
    alike_init(&a, f->crypto);
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        uint64_t n = sizes[s];
        const uint64_t indexes[] = {0, 1, n / 3, n / 2, n - 2, n - 1};
        for (size_t k = 0; k < 6; k++) {
            struct inclusion p = {indexes[k], n, a.perfect[0], alike_root(&a, n), .n = 0};
            p.n = alike_path(&a, p.index, n, p.proof);
            assert_in_range(p.n, 1, 64);
            assert_true(included(f, &p));
            flip(&p.proof[p.n - 1], 0);
            assert_false(included(f, &p));
            flip(&p.proof[p.n - 1], 0);
            p.n--;
            assert_false(included(f, &p));
        }
    }
    struct consistency p = {UINT64_C(1) << 63, UINT64_MAX, a.perfect[63],
                            alike_root(&a, UINT64_MAX), .n = 1};
    p.proof[0] = alike_root(&a, INT64_MAX);
    assert_true(consistent(f, &p));
    p.old_size = p.new_size;
    assert_false(consistent(f, &p));
    p.n = 0;
    p.old_root = p.new_root;
    assert_true(consistent(f, &p));
    p.old_size = UINT64_MAX - 1;
    assert_false(consistent(f, &p));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_inclusions),
        cmocka_unit_test(beside_each_other),
        cmocka_unit_test(beside_another_tree),
        cmocka_unit_test(each_node_twice),
        cmocka_unit_test(only_one_index_fits),
        cmocka_unit_test(a_hash_too_many),
        cmocka_unit_test(a_hash_too_few),
        cmocka_unit_test(nothing_is_in_the_empty_tree),
        cmocka_unit_test(node_presented_as_leaf),
        cmocka_unit_test(all_consistencies),
        cmocka_unit_test(from_nothing_proves_nothing),
        cmocka_unit_test(old_root_alone_is_no_proof),
        cmocka_unit_test(rewritten_history),
        cmocka_unit_test(the_largest_numbers),
    };
    return cmocka_run_group_tests(tests, fixture_open, fixture_close);
}
