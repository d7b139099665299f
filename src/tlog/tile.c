/* SPDX-License-Identifier: MIT */
#include "tlog/tile.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

_Static_assert(VDM_NUMBER_MAX >> (VDM_TILE_HEIGHT * VDM_TILE_LEVELS) == 0, "too few levels");
_Static_assert(1 << VDM_TILE_HEIGHT == VDM_TILE_WIDTH, "width and height disagree");

/* ---- Which tile ---- */

struct vdm_tile_place vdm_tile_place(unsigned height, uint64_t index)
{
    unsigned above = height % VDM_TILE_HEIGHT;
    uint64_t first = index << above;
    return (struct vdm_tile_place){.level = (uint8_t)(height / VDM_TILE_HEIGHT),
                                   .tile = first / VDM_TILE_WIDTH,
                                   .slot = (unsigned)(first % VDM_TILE_WIDTH),
                                   .count = 1u << above};
}

/* Hashes of one level in a tree of this size, all tiles together. */
static uint64_t level_count(unsigned level, uint64_t size)
{
    return level < VDM_TILE_LEVELS ? size >> (VDM_TILE_HEIGHT * level) : 0;
}

unsigned vdm_tile_width(uint8_t level, uint64_t index, uint64_t size)
{
    uint64_t count = level_count(level, size);
    if (index == count / VDM_TILE_WIDTH)
        return (unsigned)(count % VDM_TILE_WIDTH);
    return index < count / VDM_TILE_WIDTH ? VDM_TILE_WIDTH : 0;
}

/* Written from the end: the last group is plain, those before it begin with `x`. */
static const char *index_text(uint64_t index, char *room, size_t cap)
{
    char *p = room + cap;
    *--p = 0;
    for (bool last = true; last || index > 0; last = false) {
        if (!last)
            *--p = '/';
        for (int digit = 0; digit < 3; digit++, index /= 10)
            *--p = (char)('0' + index % 10);
        if (!last)
            *--p = 'x';
    }
    return p;
}

static void put_path(const char *level, uint64_t index, unsigned width, char *out)
{
    assert(width >= 1 && width <= VDM_TILE_WIDTH);
    char room[40];
    const char *n = index_text(index, room, sizeof room);
    if (width == VDM_TILE_WIDTH)
        snprintf(out, VDM_TILE_PATH_SIZE, "tile/%s/%s", level, n);
    else
        snprintf(out, VDM_TILE_PATH_SIZE, "tile/%s/%s.p/%u", level, n, width);
}

void vdm_tile_path(uint8_t level, uint64_t index, unsigned width, char *out)
{
    char text[4];
    snprintf(text, sizeof text, "%u", level);
    put_path(text, index, width, out);
}

void vdm_tile_entries_path(uint64_t index, unsigned width, char *out)
{
    put_path("entries", index, width, out);
}

/* ---- Reading ---- */

/* The tile in the width that it has in a tree of `size` leaves, if it is there at all. */
static bool read_tile(const struct vdm_tiles *t, unsigned level, uint64_t index, uint64_t size,
                      struct vdm_digest *hashes, struct vdm_err *err)
{
    unsigned width = vdm_tile_width((uint8_t)level, index, size);
    if (width == 0 || t->read(t->ctx, (uint8_t)level, index, width, hashes, err))
        return true;
    char path[VDM_TILE_PATH_SIZE];
    vdm_tile_path((uint8_t)level, index, width, path);
    return vdm_err_prefix(err, "read %s", path);
}

/* Node (height, index) out of its tile, which holds it whole. */
static struct vdm_digest node_in_tile(const struct vdm_tiles *t, const struct vdm_digest *tile,
                                      unsigned height, uint64_t index)
{
    struct vdm_tile_place place = vdm_tile_place(height, index);
    struct vdm_frontier f = {0};
    for (unsigned i = 0; i < place.count; i++)
        vdm_frontier_append(&f, t->crypto, tile[place.slot + i]);
    return vdm_frontier_root(&f, t->crypto);
}

/* The tree of its own that the last `leaves` leaves make. They begin at a multiple of a power of
 * two that is at least their number (0 is one), so at each level those that are in no higher tile
 * yet are the last `count` hashes, all in one tile. */
static bool read_edge(const struct vdm_tiles *t, uint64_t size, uint64_t leaves,
                      struct vdm_frontier *out, struct vdm_err *err)
{
    struct vdm_digest tile[VDM_TILE_WIDTH];
    struct vdm_frontier f = {0};
    for (unsigned level = VDM_TILE_LEVELS; level-- > 0;) {
        uint64_t count = level_count(level, leaves) % VDM_TILE_WIDTH;
        uint64_t first = level_count(level, size) - count;
        if (count == 0)
            continue;
        if (!read_tile(t, level, first / VDM_TILE_WIDTH, size, tile, err))
            return false;
        for (uint64_t i = 0; i < count; i++)
            vdm_frontier_append_subtree(&f, t->crypto, VDM_TILE_HEIGHT * level,
                                        tile[first % VDM_TILE_WIDTH + i], NULL);
    }
    *out = f;
    return true;
}

static bool check_size(uint64_t size, struct vdm_err *err)
{
    if (size > VDM_NUMBER_MAX)
        return vdm_fail_as(err, VDM_ERR_USAGE, "tree size %" PRIu64 " is too large", size);
    return true;
}

bool vdm_tiles_frontier(const struct vdm_tiles *t, uint64_t size, struct vdm_frontier *out,
                        struct vdm_err *err)
{
    return check_size(size, err) && read_edge(t, size, size, out, err);
}

bool vdm_tiles_root(const struct vdm_tiles *t, uint64_t size, struct vdm_digest *out,
                    struct vdm_err *err)
{
    struct vdm_frontier f;
    if (!vdm_tiles_frontier(t, size, &f, err))
        return false;
    *out = vdm_frontier_root(&f, t->crypto);
    return true;
}

/* ---- Proofs ---- */

/* Append the sibling, if it has one, of the node of this height on the way up from leaf `index`. A
 * sibling to the left is a perfect subtree, one to the right may be the ragged end of the tree. */
static bool put_sibling(const struct vdm_tiles *t, const struct vdm_digest *tile, uint64_t index,
                        unsigned height, uint64_t size, struct vdm_tree_proof *proof,
                        struct vdm_err *err)
{
    uint64_t at = index >> height, last = (size - 1) >> height;
    if (at == last && !(at & 1))
        return true;
    assert(proof->n < VDM_PROOF_HASHES_MAX);
    struct vdm_digest *next = &proof->hashes[proof->n];
    uint64_t sibling = at ^ 1;
    if (sibling == last) {
        struct vdm_frontier end;
        if (!read_edge(t, size, size - (last << height), &end, err))
            return false;
        *next = vdm_frontier_root(&end, t->crypto);
    } else
        *next = node_in_tile(t, tile, height, sibling);
    proof->n++;
    return true;
}

/* Append the siblings from `height` up to the root. Those of eight heights lie in one tile, that of
 * the node on the way, so each level is read once. */
static bool put_siblings(const struct vdm_tiles *t, uint64_t index, unsigned height, uint64_t size,
                         struct vdm_tree_proof *proof, struct vdm_err *err)
{
    struct vdm_digest tile[VDM_TILE_WIDTH];
    for (bool read = true; (size - 1) >> height > 0; height++) {
        unsigned level = height / VDM_TILE_HEIGHT;
        uint64_t n = index >> (VDM_TILE_HEIGHT * (level + 1));
        if (read && !read_tile(t, level, n, size, tile, err))
            return false;
        if (!put_sibling(t, tile, index, height, size, proof, err))
            return false;
        read = (height + 1) % VDM_TILE_HEIGHT == 0;
    }
    return true;
}

bool vdm_tiles_inclusion(const struct vdm_tiles *t, uint64_t index, uint64_t size,
                         struct vdm_tree_proof *out, struct vdm_err *err)
{
    if (!check_size(size, err))
        return false;
    if (index >= size)
        return vdm_fail_as(err, VDM_ERR_USAGE, "a tree of size %" PRIu64 " has no leaf %" PRIu64,
                           size, index);
    struct vdm_tree_proof proof = {0};
    if (!put_siblings(t, index, 0, size, &proof, err))
        return false;
    *out = proof;
    return true;
}

/* The smallest peak of the old tree, and the way up from there: whoever holds the old root can fold
 * the hashes to the left into it, and all of them into the new one. */
bool vdm_tiles_consistency(const struct vdm_tiles *t, uint64_t old_size, uint64_t new_size,
                           struct vdm_tree_proof *out, struct vdm_err *err)
{
    if (!check_size(new_size, err))
        return false;
    if (old_size == 0 || old_size > new_size)
        return vdm_fail_as(err, VDM_ERR_USAGE,
                           "no proof leads from tree size %" PRIu64 " to %" PRIu64, old_size,
                           new_size);
    struct vdm_tree_proof proof = {0};
    unsigned height = (unsigned)__builtin_ctzll(old_size);
    uint64_t peak = (old_size >> height) - 1;
    if (peak != 0 && old_size != new_size) {
        struct vdm_digest tile[VDM_TILE_WIDTH];
        struct vdm_tile_place place = vdm_tile_place(height, peak);
        if (!read_tile(t, place.level, place.tile, new_size, tile, err))
            return false;
        proof.hashes[proof.n++] = node_in_tile(t, tile, height, peak);
    }
    if (old_size != new_size && !put_siblings(t, old_size - 1, height, new_size, &proof, err))
        return false;
    *out = proof;
    return true;
}

/* ---- The growing edge ---- */

static bool read_level(struct vdm_tile_writer *w, const struct vdm_tiles *from, unsigned level,
                       uint64_t size, struct vdm_err *err)
{
    uint64_t count = level_count(level, size);
    if (!read_tile(from, level, count / VDM_TILE_WIDTH, size, w->edge[level], err))
        return false;
    for (uint64_t i = 0; i < count % VDM_TILE_WIDTH; i++)
        vdm_frontier_append_subtree(&w->tree, w->crypto, VDM_TILE_HEIGHT * level, w->edge[level][i],
                                    NULL);
    return true;
}

bool vdm_tile_writer_init(struct vdm_tile_writer *w, const struct vdm_tiles *from, uint64_t size,
                          vdm_tile_write_fn *write, void *ctx, struct vdm_err *err)
{
    w->tree = (struct vdm_frontier){0};
    w->crypto = from->crypto;
    w->write = write;
    w->ctx = ctx;
    w->flushed = size;
    w->failed = true;
    if (!check_size(size, err))
        return false;
    for (unsigned level = VDM_TILE_LEVELS; level-- > 0;)
        if (!read_level(w, from, level, size, err))
            return false;
    assert(w->tree.size == size);
    w->failed = false;
    return true;
}

static bool write_tile(struct vdm_tile_writer *w, unsigned level, uint64_t index, unsigned width,
                       struct vdm_err *err)
{
    if (w->write(w->ctx, (uint8_t)level, index, width, w->edge[level], err))
        return true;
    w->failed = true;
    char path[VDM_TILE_PATH_SIZE];
    vdm_tile_path((uint8_t)level, index, width, path);
    return vdm_err_prefix(err, "write %s", path);
}

/* Put the next hash of a level into its edge. */
static bool put_hash(struct vdm_tile_writer *w, unsigned level, uint64_t n, struct vdm_digest hash,
                     struct vdm_err *err)
{
    unsigned slot = (unsigned)(n % VDM_TILE_WIDTH);
    w->edge[level][slot] = hash;
    return slot < VDM_TILE_WIDTH - 1 ||
           write_tile(w, level, n / VDM_TILE_WIDTH, VDM_TILE_WIDTH, err);
}

static bool check_usable(const struct vdm_tile_writer *w, struct vdm_err *err)
{
    if (w->failed)
        return vdm_fail(err, "an earlier read or write of this tree failed");
    return true;
}

bool vdm_tile_writer_append(struct vdm_tile_writer *w, struct vdm_digest leaf, struct vdm_err *err)
{
    if (!check_usable(w, err))
        return false;
    if (w->tree.size >= VDM_NUMBER_MAX)
        return vdm_fail_as(err, VDM_ERR_REFUSED, "the tree is full");
    /* The tree hashes each subtree once, on completion; those of height 8, 16 .. are the roots of
     * the tiles that this leaf fills, so tiles need no hashing of their own. */
    uint64_t n = w->tree.size;
    struct vdm_digest made[VDM_TREE_HEIGHTS_MAX];
    unsigned top = vdm_frontier_append_subtree(&w->tree, w->crypto, 0, leaf, made);
    for (unsigned height = 0; height <= top; height += VDM_TILE_HEIGHT)
        if (!put_hash(w, height / VDM_TILE_HEIGHT, n >> height, made[height], err))
            return false;
    return true;
}

bool vdm_tile_writer_flush(struct vdm_tile_writer *w, struct vdm_err *err)
{
    if (!check_usable(w, err))
        return false;
    for (unsigned level = 0; level < VDM_TILE_LEVELS; level++) {
        uint64_t count = level_count(level, w->tree.size);
        unsigned width = (unsigned)(count % VDM_TILE_WIDTH);
        if (count != level_count(level, w->flushed) && width != 0 &&
            !write_tile(w, level, count / VDM_TILE_WIDTH, width, err))
            return false;
    }
    w->flushed = w->tree.size;
    return true;
}

struct vdm_digest vdm_tile_writer_root(const struct vdm_tile_writer *w)
{
    return vdm_frontier_root(&w->tree, w->crypto);
}
