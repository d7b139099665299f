/* SPDX-License-Identifier: MIT */
/* The tree: every proof that is made from tiles holds, and does not once a bit of it, of a root or
 * of the leaf has changed. Proofs of any sizes and lengths are answered without a crash.
 *
 * The input: sizes, what to change, and hashes for a proof that nobody made. */
#include "fuzz/fuzz.h"

#include "base/limits.h"
#include "tlog/tile.h"

#include <string.h>

#define LEAVES_MAX 700 /* three tiles of leaves and one above */
#define TILES      4

struct store {
    struct vdm_digest hash[2][TILES][VDM_TILE_WIDTH];
    struct vdm_digest root[LEAVES_MAX + 1];
};

static struct vdm_digest leaf_hash(uint64_t i)
{
    return vdm_tlog_leaf(fuzz_crypto(), (struct vdm_bytes){(const uint8_t *)&i, sizeof i});
}

static bool write_tile(void *ctx, uint8_t level, uint64_t index, unsigned width,
                       const struct vdm_digest *hashes, struct vdm_err *err)
{
    struct store *s = ctx;
    (void)err;
    FUZZ_CHECK(level < 2 && index < TILES && width >= 1 && width <= VDM_TILE_WIDTH);
    memcpy(s->hash[level][index], hashes, width * sizeof *hashes);
    return true;
}

static bool read_tile(void *ctx, uint8_t level, uint64_t index, unsigned width,
                      struct vdm_digest *hashes, struct vdm_err *err)
{
    struct store *s = ctx;
    (void)err;
    FUZZ_CHECK(level < 2 && index < TILES && width >= 1 && width <= VDM_TILE_WIDTH);
    memcpy(hashes, s->hash[level][index], width * sizeof *hashes);
    return true;
}

static struct store *stored(void)
{
    static struct store s; /* the same for all inputs, made once */
    static bool made;
    static struct vdm_tile_writer w;
    struct vdm_tiles empty = {fuzz_crypto(), read_tile, &s};
    if (made)
        return &s;
    FUZZ_CHECK(vdm_tile_writer_init(&w, &empty, 0, write_tile, &s, NULL));
    for (uint64_t i = 0; i <= LEAVES_MAX; i++) {
        s.root[i] = vdm_tile_writer_root(&w);
        FUZZ_CHECK(i == LEAVES_MAX || vdm_tile_writer_append(&w, leaf_hash(i), NULL));
    }
    FUZZ_CHECK(vdm_tile_writer_flush(&w, NULL));
    made = true;
    return &s;
}

static void flip(struct vdm_digest *d, uint64_t bit)
{
    d->b[bit / 8 % 32] ^= (uint8_t)(1u << bit % 8);
}

static void check_inclusion(struct store *s, uint64_t index, uint64_t size, uint64_t change)
{
    struct vdm_tiles tiles = {fuzz_crypto(), read_tile, s};
    struct vdm_tree_proof p;
    struct vdm_digest leaf = leaf_hash(index), root = s->root[size];
    FUZZ_CHECK(vdm_tiles_inclusion(&tiles, index, size, &p, NULL));
    FUZZ_CHECK(vdm_inclusion_valid(fuzz_crypto(), index, size, leaf, root, p.hashes, p.n));
    FUZZ_CHECK(!vdm_inclusion_valid(fuzz_crypto(), index, size, leaf, root, p.hashes, p.n + 1));
    FUZZ_CHECK(size == 1 || !vdm_inclusion_valid(fuzz_crypto(), (index + 1) % size, size, leaf,
                                                 root, p.hashes, p.n));
    struct vdm_digest *changed[] = {&leaf, &root, p.n ? &p.hashes[change % p.n] : &leaf};
    flip(changed[change / 64 % 3], change >> 8);
    FUZZ_CHECK(!vdm_inclusion_valid(fuzz_crypto(), index, size, leaf, root, p.hashes, p.n));
}

static void check_consistency(struct store *s, uint64_t from, uint64_t to, uint64_t change)
{
    struct vdm_tiles tiles = {fuzz_crypto(), read_tile, s};
    struct vdm_tree_proof p;
    struct vdm_digest a = s->root[from], b = s->root[to];
    FUZZ_CHECK(vdm_tiles_consistency(&tiles, from, to, &p, NULL));
    FUZZ_CHECK(vdm_consistency_valid(fuzz_crypto(), from, a, to, b, p.hashes, p.n));
    FUZZ_CHECK(!vdm_consistency_valid(fuzz_crypto(), 0, a, to, b, p.hashes, p.n));
    struct vdm_digest *changed[] = {&a, &b, p.n ? &p.hashes[change % p.n] : &a};
    flip(changed[change / 64 % 3], change >> 8);
    FUZZ_CHECK(!vdm_consistency_valid(fuzz_crypto(), from, a, to, b, p.hashes, p.n));
}

static void check_any(struct vdm_bytes rest)
{
    struct vdm_tree_proof p = {0};
    uint64_t a = fuzz_number(&rest, 8), b = fuzz_number(&rest, 8);
    struct vdm_digest root = {{0}};
    p.n = rest.n / 32 < VDM_PROOF_HASHES_MAX ? rest.n / 32 : VDM_PROOF_HASHES_MAX;
    memcpy(p.hashes, rest.p, p.n * 32);
    FUZZ_CHECK(!vdm_inclusion_valid(fuzz_crypto(), a, b, leaf_hash(1), root, p.hashes, p.n));
    bool holds = vdm_consistency_valid(fuzz_crypto(), a, root, b, root, p.hashes, p.n);
    FUZZ_CHECK(holds == (a == b && a > 0 && p.n == 0));
}

static void check_place(uint64_t height, uint64_t index)
{
    height %= 54;
    index %= (VDM_NUMBER_MAX >> height) + 1;
    struct vdm_tile_place at = vdm_tile_place((unsigned)height, index);
    FUZZ_CHECK(at.level == height / 8 && at.count == 1u << height % 8);
    FUZZ_CHECK(at.slot % at.count == 0 && at.slot + at.count <= VDM_TILE_WIDTH);
    FUZZ_CHECK(at.tile * VDM_TILE_WIDTH + at.slot == index << height % 8);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct vdm_bytes rest = {data, n};
    struct store *s = stored();
    uint64_t to = 1 + fuzz_number(&rest, 2) % LEAVES_MAX;
    uint64_t from = 1 + fuzz_number(&rest, 2) % to;
    uint64_t change = fuzz_number(&rest, 4);
    check_inclusion(s, from - 1, to, change);
    check_consistency(s, from, to, change);
    struct vdm_bytes place = rest;
    check_place(fuzz_number(&place, 1), fuzz_number(&place, 7));
    check_any(rest);
    return 0;
}
