/* SPDX-License-Identifier: MIT */
#include "ops/bundle_make.h"

#include <stdlib.h>
#include <string.h>

/* A tile with everything above it: row k has the hashes of height k above the tile's own. Row 8, its
 * root, stands in the tile above. */
struct tower {
    bool used;
    uint64_t index;
    struct vdm_digest row[VDM_TILE_HEIGHT][VDM_TILE_WIDTH];
};

struct vdm_prover {
    struct vdm_tiles tiles;
    uint64_t size;
    /* Root over the leaves that stand beyond the last full subtree of this height. */
    struct vdm_digest edge[VDM_TREE_HEIGHTS_MAX];
    struct tower level[VDM_TILE_LEVELS];
};

/* The peaks of the tree below a height are the last ones: together they are its ragged end. */
static void fill_edges(struct vdm_prover *p, const struct vdm_frontier *whole)
{
    unsigned peaks = (unsigned)__builtin_popcountll(whole->size);
    for (unsigned h = 1; h < VDM_TREE_HEIGHTS_MAX; h++) {
        struct vdm_frontier end = {.size = whole->size & ((UINT64_C(1) << h) - 1)};
        unsigned n = (unsigned)__builtin_popcountll(end.size);
        if (n == 0)
            continue;
        memcpy(end.peaks, whole->peaks + (peaks - n), n * sizeof *end.peaks);
        p->edge[h] = vdm_frontier_root(&end, p->tiles.crypto);
    }
}

bool vdm_prover_open(struct vdm_prover **out, const struct vdm_tiles *tiles, uint64_t size,
                     struct vdm_err *err)
{
    struct vdm_frontier whole;
    if (!vdm_tiles_frontier(tiles, size, &whole, err))
        return false;
    struct vdm_prover *p = calloc(1, sizeof *p);
    if (!p)
        return vdm_fail_memory(err);
    p->tiles = *tiles;
    p->size = size;
    fill_edges(p, &whole);
    *out = p;
    return true;
}

void vdm_prover_close(struct vdm_prover *p)
{
    free(p);
}

void vdm_prover_cleanup(struct vdm_prover **p)
{
    vdm_prover_close(*p);
    *p = NULL;
}

static bool load(struct vdm_prover *p, unsigned level, uint64_t index, struct vdm_err *err)
{
    struct tower *t = &p->level[level];
    unsigned width = vdm_tile_width((uint8_t)level, index, p->size);
    if (t->used && t->index == index)
        return true;
    t->used = false;
    if (width > 0 && !p->tiles.read(p->tiles.ctx, (uint8_t)level, index, width, t->row[0], err))
        return false;
    for (unsigned k = 1; k < VDM_TILE_HEIGHT; k++)
        for (unsigned i = 0; i < width >> k; i++)
            t->row[k][i] =
                vdm_tlog_node(p->tiles.crypto, t->row[k - 1][2 * i], t->row[k - 1][2 * i + 1]);
    t->index = index;
    t->used = true;
    return true;
}

bool vdm_prover_inclusion(struct vdm_prover *p, uint64_t index, struct vdm_tree_proof *out,
                          struct vdm_err *err)
{
    if (index >= p->size)
        return vdm_fail_as(err, VDM_ERR_USAGE, "a tree of size %llu has no leaf %llu",
                           (unsigned long long)p->size, (unsigned long long)index);
    out->n = 0;
    for (unsigned h = 0; (p->size - 1) >> h > 0; h++) {
        uint64_t at = index >> h, last = (p->size - 1) >> h, sibling = at ^ 1;
        unsigned level = h / VDM_TILE_HEIGHT, k = h % VDM_TILE_HEIGHT;
        bool ragged = (p->size & ((UINT64_C(1) << h) - 1)) != 0;
        if (sibling > last)
            continue;
        if (sibling == last && ragged) {
            out->hashes[out->n++] = p->edge[h];
            continue;
        }
        if (!load(p, level, sibling >> (VDM_TILE_HEIGHT - k), err))
            return false;
        uint64_t slot = sibling % (UINT64_C(1) << (VDM_TILE_HEIGHT - k));
        out->hashes[out->n++] = p->level[level].row[k][slot];
    }
    return true;
}
