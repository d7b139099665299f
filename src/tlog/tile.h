/* SPDX-License-Identifier: MIT */
/* The tree cut into tiles of height 8: C2SP tlog-tiles. Tile `index` of level L holds up to 256
 * hashes, the nodes (8 * L, 256 * index) and following; nodes between two levels are not stored. A
 * hash of level L + 1 is the root of a full tile of level L: a partial tile is never hashed upward.
 * So a hash that stands in a tile never changes, and the tile of a smaller tree is the beginning of
 * that of a larger.
 *
 * Storage enters through two callbacks. Trees here have at most VDM_NUMBER_MAX leaves. */
#ifndef VDM_TLOG_TILE_H
#define VDM_TLOG_TILE_H

#include "tlog/proof.h"
#include "tlog/tree.h"

#define VDM_TILE_HEIGHT 8
#define VDM_TILE_WIDTH  256 /* hashes in a full tile */
#define VDM_TILE_LEVELS 7   /* levels 0..6 are all that VDM_NUMBER_MAX leaves need */

/* Where node (height, index) stands: it is the root over `count` hashes of a tile from `slot` on;
 * one hash if the height is a multiple of 8. index * 2^height must be at most VDM_NUMBER_MAX. */
struct vdm_tile_place {
    uint8_t level;
    uint64_t tile;
    unsigned slot;
    unsigned count;
};
struct vdm_tile_place vdm_tile_place(unsigned height, uint64_t index);

/* How many hashes this tile has in a tree of `size` leaves: 256 if full, 0 if it is not there. */
unsigned vdm_tile_width(uint8_t level, uint64_t index, uint64_t size);

/* `tile/<L>/<N>` or, of width 1 to 255, `tile/<L>/<N>.p/<W>`; and the same with `entries` for <L>.
 * <N> in groups of three digits: x001/x234/067. `out` takes VDM_TILE_PATH_SIZE bytes. */
#define VDM_TILE_PATH_SIZE 64
void vdm_tile_path(uint8_t level, uint64_t index, unsigned width, char *out);
void vdm_tile_entries_path(uint64_t index, unsigned width, char *out);

/* Give the first `width` hashes (1 to 256) of a tile, which may have grown beyond that since. */
typedef bool vdm_tile_read_fn(void *ctx, uint8_t level, uint64_t index, unsigned width,
                              struct vdm_digest *hashes, struct vdm_err *err);

/* A stored tree. `crypto` and `ctx` are borrowed. */
struct vdm_tiles {
    struct vdm_crypto *crypto;
    vdm_tile_read_fn *read;
    void *ctx;
};

/* What follows is made from the hashes as they are read: only a proof or root that is then compared
 * with a signed root says that they are right. `size` is at most that of the stored tree, and each
 * tile is read in the width that it has at that size. Nothing is allocated; a root takes at most
 * one read a level, a proof two and one more. Sizes that make no sense are VDM_ERR_USAGE. */

bool vdm_tiles_frontier(const struct vdm_tiles *t, uint64_t size, struct vdm_frontier *out,
                        struct vdm_err *err) VDM_MUST_CHECK;
bool vdm_tiles_root(const struct vdm_tiles *t, uint64_t size, struct vdm_digest *out,
                    struct vdm_err *err) VDM_MUST_CHECK;
/* index < size. */
bool vdm_tiles_inclusion(const struct vdm_tiles *t, uint64_t index, uint64_t size,
                         struct vdm_tree_proof *out, struct vdm_err *err) VDM_MUST_CHECK;
/* 0 < old_size <= new_size. */
bool vdm_tiles_consistency(const struct vdm_tiles *t, uint64_t old_size, uint64_t new_size,
                           struct vdm_tree_proof *out, struct vdm_err *err) VDM_MUST_CHECK;

/* Keep a tile of `width` hashes, in place of a narrower one that it begins with. */
typedef bool vdm_tile_write_fn(void *ctx, uint8_t level, uint64_t index, unsigned width,
                               const struct vdm_digest *hashes, struct vdm_err *err);

/* The growing right edge of a stored tree. A tile is written once when it fills, and while it is
 * partial once a flush if it has grown; so n appends and a flush cost fewer than n hashes, and one
 * write for each tile that is new or has grown.
 *
 * When a write fails, or what was written is rolled back, the writer is no longer good for anything
 * (after a failed write it refuses): start over with a new one. 58 KiB: not for the stack of a
 * small thread. Nothing to release. */
struct vdm_tile_writer {
    struct vdm_frontier tree; /* read only: tree.size, and vdm_frontier_root(&w.tree, crypto) */
    struct vdm_crypto *crypto;
    vdm_tile_write_fn *write;
    void *ctx;
    uint64_t flushed; /* the size up to which everything is written */
    bool failed;
    struct vdm_digest edge[VDM_TILE_LEVELS][VDM_TILE_WIDTH];
};

/* Go on from `size` leaves. Reads the partial tiles of the right edge, one a level at most. The
 * root is then as good as what was read: compare it with the signed one before appending. */
bool vdm_tile_writer_init(struct vdm_tile_writer *w, const struct vdm_tiles *from, uint64_t size,
                          vdm_tile_write_fn *write, void *ctx, struct vdm_err *err) VDM_MUST_CHECK;
/* Append the leaf with this hash; writes the tiles that it fills. */
bool vdm_tile_writer_append(struct vdm_tile_writer *w, struct vdm_digest leaf,
                            struct vdm_err *err) VDM_MUST_CHECK;
/* Write the partial tiles that have grown since the last flush. */
bool vdm_tile_writer_flush(struct vdm_tile_writer *w, struct vdm_err *err) VDM_MUST_CHECK;
struct vdm_digest vdm_tile_writer_root(const struct vdm_tile_writer *w);

#endif
