/* SPDX-License-Identifier: MIT */
#include "unit/tlog/naive.h"

#define SMALL 70

static const uint64_t edges[] = {1,     2,     255,   256,   257,   511,     512,
                                 65535, 65536, 65537, 65791, 65792, TREE_MAX};
#define EDGES (sizeof edges / sizeof *edges)

struct tiles_fixture {
    struct fixture base;
    struct memory memory;
    struct vdm_tiles tiles;
    struct vdm_digest roots[EDGES];
};

static int open_tiles(void **state)
{
    struct tiles_fixture *t = calloc(1, sizeof *t);
    void *base = NULL;
    if (!t || fixture_open(&base) != 0)
        return -1;
    t->base = *(struct fixture *)base;
    free(base);
    memory_open(&t->memory);
    memory_fill(&t->memory, t->base.crypto, t->base.leaves, TREE_MAX);
    t->tiles = (struct vdm_tiles){t->base.crypto, memory_read, &t->memory};
    for (size_t e = 0; e < EDGES; e++)
        t->roots[e] = naive_mth(t->base.crypto, t->base.leaves, edges[e]);
    *state = t;
    return 0;
}

static int close_tiles(void **state)
{
    struct tiles_fixture *t = *state;
    memory_close(&t->memory);
    vdm_crypto_close(t->base.crypto);
    free(t->base.leaves);
    free(t);
    return 0;
}

/* Levels that hold any hash at this size: what O(log n) means in reads. */
static unsigned levels_of(uint64_t size)
{
    unsigned levels = 0;
    for (; size > 0; size >>= 8)
        levels++;
    return levels;
}

static void places(void **state)
{
    (void)state;
    for (unsigned height = 0; height <= 20; height++)
        for (uint64_t index = 0; index < 2000; index++) {
            struct vdm_tile_place p = vdm_tile_place(height, index);
            uint64_t unit = UINT64_C(1) << (8 * p.level); /* leaves below one hash of the tile */
            assert_int_equal(p.level, height / 8);
            assert_true(p.slot + p.count <= 256);
            assert_int_equal((p.tile * 256 + p.slot) * unit, index << height);
            assert_int_equal(p.count * unit, UINT64_C(1) << height);
        }
}

static void widths(void **state)
{
    (void)state;
    for (size_t e = 0; e < EDGES; e++)
        for (uint8_t level = 0; level < 9; level++) {
            uint64_t count = level < 8 ? edges[e] >> (8 * level) : 0;
            for (uint64_t index = 0; index < 280; index++) {
                uint64_t there = count > index * 256 ? count - index * 256 : 0;
                assert_int_equal(vdm_tile_width(level, index, edges[e]), there < 256 ? there : 256);
            }
        }
    assert_int_equal(vdm_tile_width(0, UINT64_MAX, VDM_NUMBER_MAX), 0);
    assert_int_equal(vdm_tile_width(6, 0, VDM_NUMBER_MAX), 31);
    assert_int_equal(vdm_tile_width(255, 0, VDM_NUMBER_MAX), 0);
    assert_int_equal(vdm_tile_width(0, 0, 0), 0);
}

static void paths(void **state)
{
    (void)state;
    static const struct {
        uint8_t level;
        uint64_t index;
        unsigned width;
        const char *path, *entries;
    } cases[] = {
        {0, 0, 256, "tile/0/000", "tile/entries/000"},
        {0, 5, 1, "tile/0/005.p/1", "tile/entries/005.p/1"},
        {1, 999, 255, "tile/1/999.p/255", "tile/entries/999.p/255"},
        {2, 1000, 256, "tile/2/x001/000", "tile/entries/x001/000"},
        {6, 1234067, 256, "tile/6/x001/x234/067", "tile/entries/x001/x234/067"},
        {63, 1234067, 17, "tile/63/x001/x234/067.p/17", "tile/entries/x001/x234/067.p/17"},
        {0, 1000000, 9, "tile/0/x001/x000/000.p/9", "tile/entries/x001/x000/000.p/9"},
        {255, UINT64_MAX, 255, "tile/255/x018/x446/x744/x073/x709/x551/615.p/255",
         "tile/entries/x018/x446/x744/x073/x709/x551/615.p/255"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char out[VDM_TILE_PATH_SIZE];
        vdm_tile_path(cases[i].level, cases[i].index, cases[i].width, out);
        assert_string_equal(out, cases[i].path);
        vdm_tile_entries_path(cases[i].index, cases[i].width, out);
        assert_string_equal(out, cases[i].entries);
    }
}

static struct vdm_digest root_at(struct tiles_fixture *t, uint64_t n)
{
    struct vdm_digest root;
    t->memory.size = n;
    t->memory.reads = 0;
    assert_true(vdm_tiles_root(&t->tiles, n, &root, NULL));
    assert_in_range(t->memory.reads, n > 0, levels_of(n));
    return root;
}

/* Whether each peak is in its place shows in what is appended next. */
static struct vdm_digest root_after(struct tiles_fixture *t, uint64_t n)
{
    struct vdm_frontier tree;
    t->memory.size = n;
    assert_true(vdm_tiles_frontier(&t->tiles, n, &tree, NULL));
    assert_int_equal(tree.size, n);
    vdm_frontier_append(&tree, t->base.crypto, t->base.leaves[n]);
    return vdm_frontier_root(&tree, t->base.crypto);
}

static void roots(void **state)
{
    struct tiles_fixture *t = *state;
    struct vdm_digest next = naive_mth(t->base.crypto, t->base.leaves, 0);
    for (uint64_t n = 0; n <= 520; n++) {
        assert_digest(root_at(t, n), next);
        next = naive_mth(t->base.crypto, t->base.leaves, n + 1);
        assert_digest(root_after(t, n), next);
    }
    for (size_t e = 0; e < EDGES; e++) {
        assert_digest(root_at(t, edges[e]), t->roots[e]);
        if (e + 1 < EDGES && edges[e] + 1 == edges[e + 1])
            assert_digest(root_after(t, edges[e]), t->roots[e + 1]);
    }
}

/* Hash for hash what the definition gives. */
static void small_proofs(void **state)
{
    struct tiles_fixture *t = *state;
    struct vdm_digest want[64];
    struct vdm_tree_proof got;
    for (size_t n = 1; n <= SMALL; n++) {
        t->memory.size = n;
        for (size_t i = 0; i < n; i++) {
            size_t k = naive_path(t->base.crypto, i, t->base.leaves, n, want);
            assert_true(vdm_tiles_inclusion(&t->tiles, i, n, &got, NULL));
            assert_int_equal(got.n, k);
            assert_memory_equal(got.hashes, want, k * sizeof *want);
        }
        for (size_t m = 1; m <= n; m++) {
            size_t k = naive_subproof(t->base.crypto, m, t->base.leaves, n, true, want);
            assert_true(vdm_tiles_consistency(&t->tiles, m, n, &got, NULL));
            assert_int_equal(got.n, k);
            assert_memory_equal(got.hashes, want, k * sizeof *want);
        }
    }
}

static void check_inclusion(struct tiles_fixture *t, uint64_t index, uint64_t size,
                            struct vdm_digest root)
{
    struct vdm_tree_proof p;
    struct vdm_crypto *c = t->base.crypto;
    t->memory.size = size;
    t->memory.reads = 0;
    assert_true(vdm_tiles_inclusion(&t->tiles, index, size, &p, NULL));
    assert_in_range(t->memory.reads, 0, 2 * levels_of(size) + 1);
    struct vdm_digest leaf = t->base.leaves[index];
    assert_true(vdm_inclusion_valid(c, index, size, leaf, root, p.hashes, p.n));
    for (size_t k = 0; k < p.n; k++) {
        p.hashes[k].b[k] ^= 1;
        assert_false(vdm_inclusion_valid(c, index, size, leaf, root, p.hashes, p.n));
        p.hashes[k].b[k] ^= 1;
    }
}

static void check_consistency(struct tiles_fixture *t, uint64_t m, struct vdm_digest root_m,
                              uint64_t n, struct vdm_digest root_n)
{
    struct vdm_tree_proof p;
    struct vdm_crypto *c = t->base.crypto;
    t->memory.size = n;
    t->memory.reads = 0;
    assert_true(vdm_tiles_consistency(&t->tiles, m, n, &p, NULL));
    assert_in_range(t->memory.reads, 0, 2 * levels_of(n) + 1);
    assert_true(vdm_consistency_valid(c, m, root_m, n, root_n, p.hashes, p.n));
    for (size_t k = 0; k < p.n; k++) {
        p.hashes[k].b[k] ^= 1;
        assert_false(vdm_consistency_valid(c, m, root_m, n, root_n, p.hashes, p.n));
        p.hashes[k].b[k] ^= 1;
    }
}

static void proofs_at_tile_edges(void **state)
{
    struct tiles_fixture *t = *state;
    const struct vdm_digest *root = t->roots;
    for (size_t e = 0; e < EDGES; e++) {
        for (size_t o = 0; o < EDGES; o++) {
            for (uint64_t near = 0; near < 3; near++)
                if (edges[o] - 1 + near < edges[e])
                    check_inclusion(t, edges[o] - 1 + near, edges[e], root[e]);
            if (o <= e)
                check_consistency(t, edges[o], root[o], edges[e], root[e]);
        }
        for (uint64_t i = 0; i < edges[e]; i += 3989)
            check_inclusion(t, i, edges[e], root[e]);
    }
}

static void check_alike(const struct vdm_tiles *t, struct alike *a, uint64_t i, uint64_t n)
{
    struct vdm_tree_proof p;
    struct vdm_digest root = alike_root(a, n), old = alike_root(a, i + 1);
    a->size = n;
    a->reads = 0;
    assert_true(vdm_tiles_inclusion(t, i, n, &p, NULL));
    assert_in_range(a->reads, 0, 2 * levels_of(n) + 1);
    assert_true(vdm_inclusion_valid(a->crypto, i, n, a->perfect[0], root, p.hashes, p.n));
    a->reads = 0;
    assert_true(vdm_tiles_consistency(t, i + 1, n, &p, NULL));
    assert_in_range(a->reads, 0, 2 * levels_of(n) + 1);
    assert_true(vdm_consistency_valid(a->crypto, i + 1, old, n, root, p.hashes, p.n));
}

/* Up to the largest tree there can be, still in fifteen reads. */
static void proofs_of_huge_trees(void **state)
{
    struct tiles_fixture *t = *state;
    struct alike a;
    alike_init(&a, t->base.crypto);
    struct vdm_tiles tiles = {t->base.crypto, alike_read, &a};
    for (unsigned bit = 17; bit <= 53; bit += 3) {
        uint64_t power = UINT64_C(1) << bit;
        const uint64_t sizes[] = {power - 1, power, power + 1, power + power / 3};
        for (size_t s = 0; s < 4 && sizes[s] <= VDM_NUMBER_MAX; s++) {
            uint64_t n = sizes[s];
            const uint64_t indexes[] = {0, 255, n / 3, n / 2 - 1, n / 2, n - 2, n - 1};
            for (size_t k = 0; k < 7; k++)
                check_alike(&tiles, &a, indexes[k], n);
            struct vdm_digest root;
            assert_true(vdm_tiles_root(&tiles, n, &root, NULL));
            assert_digest(root, alike_root(&a, n));
        }
    }
}

/* No tile is read that holds nothing of the ragged end: of its five leaves only level 0 does. */
static void no_read_too_many(void **state)
{
    struct tiles_fixture *t = *state;
    struct vdm_tree_proof p;
    t->memory.size = 65536 + 5;
    t->memory.reads = 0;
    assert_true(vdm_tiles_inclusion(&t->tiles, 0, t->memory.size, &p, NULL));
    assert_int_equal(t->memory.reads, 3 + 1);
}

static void senseless_questions(void **state)
{
    struct tiles_fixture *t = *state;
    struct vdm_tree_proof p = {.n = 77};
    struct vdm_digest root = {{77}};
    struct vdm_frontier tree = {.size = 77};
    static const uint64_t inclusions[][2] = {
        {0, 0}, {5, 5}, {6, 5}, {UINT64_MAX, 5}, {0, VDM_NUMBER_MAX + 1}, {0, UINT64_MAX}};
    static const uint64_t consistencies[][2] = {
        {0, 0}, {0, 5}, {6, 5}, {UINT64_MAX, 5}, {1, VDM_NUMBER_MAX + 1}, {UINT64_MAX, UINT64_MAX}};
    t->memory.reads = 0;
    for (size_t i = 0; i < 6; i++) {
        struct vdm_err err = {0};
        assert_false(vdm_tiles_inclusion(&t->tiles, inclusions[i][0], inclusions[i][1], &p, &err));
        assert_int_equal(err.kind, VDM_ERR_USAGE);
        err.kind = VDM_ERR_NONE;
        assert_false(
            vdm_tiles_consistency(&t->tiles, consistencies[i][0], consistencies[i][1], &p, &err));
        assert_int_equal(err.kind, VDM_ERR_USAGE);
    }
    struct vdm_err err = {0};
    assert_false(vdm_tiles_root(&t->tiles, VDM_NUMBER_MAX + 1, &root, &err));
    assert_int_equal(err.kind, VDM_ERR_USAGE);
    err.kind = VDM_ERR_NONE;
    assert_false(vdm_tiles_frontier(&t->tiles, UINT64_MAX, &tree, &err));
    assert_int_equal(err.kind, VDM_ERR_USAGE);
    assert_int_equal(t->memory.reads, 0);
    assert_int_equal(p.n, 77);
    assert_int_equal(root.b[0], 77);
    assert_int_equal(tree.size, 77);
}

/* Each read in turn fails: an error that names the tile, and outputs as they were. */
static void reads_that_fail(void **state)
{
    struct tiles_fixture *t = *state;
    t->memory.size = TREE_MAX;
    for (int what = 0; what < 3; what++) {
        bool ok = false;
        for (unsigned at = 1; !ok; at++) {
            struct vdm_tree_proof p = {.n = 77};
            struct vdm_digest root = {{77}};
            struct vdm_err err = {0};
            t->memory.reads = 0;
            t->memory.fail_at = at;
            ok = what == 0   ? vdm_tiles_root(&t->tiles, TREE_MAX, &root, &err)
                 : what == 1 ? vdm_tiles_inclusion(&t->tiles, 65530, TREE_MAX, &p, &err)
                             : vdm_tiles_consistency(&t->tiles, 65500, TREE_MAX, &p, &err);
            assert_true(ok == (t->memory.reads < at));
            assert_true(ok || strncmp(err.text, "read tile/", 10) == 0);
            assert_true(ok || strstr(err.text, ": planted"));
            assert_true(ok || (p.n == 77 && root.b[0] == 77));
            assert_true(!ok || at > 2);
        }
    }
    t->memory.fail_at = 0;
}

/* Tiles are not believed: one that lies makes proofs that do not hold. */
static void lying_tiles(void **state)
{
    struct tiles_fixture *t = *state;
    struct vdm_digest root = t->roots[EDGES - 1], got;
    struct vdm_tree_proof p;
    t->memory.size = TREE_MAX;
    static const size_t hashes[3] = {69999, 256, 0}; /* on the right edge */
    for (int level = 0; level < 3; level++) {
        uint8_t *byte = &t->memory.levels[level][hashes[level]].b[31];
        *byte ^= 0x80;
        assert_true(vdm_tiles_root(&t->tiles, TREE_MAX, &got, NULL));
        assert_false(vdm_digest_equal(got, root));
        uint64_t i = level == 2 ? 69000 : 300;
        assert_true(vdm_tiles_inclusion(&t->tiles, i, TREE_MAX, &p, NULL));
        assert_false(vdm_inclusion_valid(t->base.crypto, i, TREE_MAX, t->base.leaves[i], root,
                                         p.hashes, p.n));
        *byte ^= 0x80;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(places),
        cmocka_unit_test(widths),
        cmocka_unit_test(paths),
        cmocka_unit_test(roots),
        cmocka_unit_test(small_proofs),
        cmocka_unit_test(proofs_at_tile_edges),
        cmocka_unit_test(proofs_of_huge_trees),
        cmocka_unit_test(no_read_too_many),
        cmocka_unit_test(senseless_questions),
        cmocka_unit_test(reads_that_fail),
        cmocka_unit_test(lying_tiles),
    };
    return cmocka_run_group_tests(tests, open_tiles, close_tiles);
}
