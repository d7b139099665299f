/* SPDX-License-Identifier: MIT */
/* packs/index: in which pack, and where, a document lies (docs/FORMATS.md, "The index of the packs").
 * Derived: it can be made anew from the packs. A hash table on disk, read and written in place, so that neither
 * its cost nor our memory grows with the number of documents. What is new in a large one goes into a small table first:
 * else each document would change a page of its own.
 *
 * It is changed only under the lock of packs/, which its users take; readers take none. What it says is a
 * hint: the header of the member decides. */
#ifndef VDM_STORE_PACK_INDEX_H
#define VDM_STORE_PACK_INDEX_H

#include "base/file.h"
#include "crypto/crypto.h"
#include "store/pack_slots.h"

#define VDM_PACKS_MAX 16384 /* packs of one store: 16 TiB of small documents */

struct vdm_pack_place {
    uint32_t pack;
    uint64_t offset; /* of the member's header; a multiple of 512 below 2 GiB */
    bool aside;      /* a bad one, that another has replaced */
};

struct vdm_pack_index {
    int dir; /* packs/, borrowed */
    int fd;  /* -1: there is none, or `problem` says why it is no index */
    bool writable;
    struct vdm_slots all, recent; /* recent.bits is 0: there is none, as in a small index */
    const char *problem;
    struct vdm_new_file made; /* while it is made aside; else dir and fd are -1 */
};

/* Opens what is there. What is missing or no index is no error here: fd is -1. */
bool vdm_pack_index_open(struct vdm_pack_index *x, int dir, bool writable,
                         struct vdm_err *err) VDM_MUST_CHECK;
/* Another that was put in its place meanwhile. */
bool vdm_pack_index_refresh(struct vdm_pack_index *x, struct vdm_err *err) VDM_MUST_CHECK;
void vdm_pack_index_close(struct vdm_pack_index *x);

/* A new one, aside; then insert and mark; publish puts it in the place of the old one, durably. */
bool vdm_pack_index_make(struct vdm_pack_index *x, int dir, struct vdm_err *err) VDM_MUST_CHECK;
bool vdm_pack_index_publish(struct vdm_pack_index *x, struct vdm_err *err) VDM_MUST_CHECK;

/* Up to this length of the pack the index was complete and durable. */
bool vdm_pack_index_marked(const struct vdm_pack_index *x, uint32_t pack, uint64_t *length,
                           struct vdm_err *err) VDM_MUST_CHECK;
bool vdm_pack_index_mark(struct vdm_pack_index *x, uint32_t pack, uint64_t length,
                         struct vdm_err *err) VDM_MUST_CHECK;

/* All places whose slots have the digest's first 8 bytes, the recent ones first: what is moved meanwhile is found. */
struct vdm_pack_probe {
    struct vdm_slots_probe slots;
    bool recent; /* in which of the two tables it is */
};
void vdm_pack_probe_begin(const struct vdm_pack_index *x, struct vdm_digest id,
                          struct vdm_pack_probe *p);
bool vdm_pack_probe_next(const struct vdm_pack_index *x, struct vdm_pack_probe *p,
                         struct vdm_pack_place *place, bool *found,
                         struct vdm_err *err) VDM_MUST_CHECK;

struct vdm_pack_slot {
    struct vdm_digest id;
    struct vdm_pack_place place;
    uint64_t end; /* of the member that stands there */
};
/* Of members that follow one another. */
bool vdm_pack_index_insert(struct vdm_pack_index *x, const struct vdm_pack_slot *slot, size_t n,
                           struct vdm_err *err) VDM_MUST_CHECK;
/* Is the pack just as long as the last insert left it? Then nothing in it is half done, and all of it has slots. */
bool vdm_pack_index_ends(const struct vdm_pack_index *x, uint32_t pack, uint64_t length, bool *ends,
                         struct vdm_err *err) VDM_MUST_CHECK;
/* Of the place that the probe gave last. */
bool vdm_pack_index_set_aside(struct vdm_pack_index *x, const struct vdm_pack_probe *p,
                              struct vdm_pack_place place, struct vdm_err *err) VDM_MUST_CHECK;
/* It is not set aside any more. */
bool vdm_pack_index_insist(struct vdm_pack_index *x, const struct vdm_pack_probe *p,
                           struct vdm_pack_place place, struct vdm_err *err) VDM_MUST_CHECK;
bool vdm_pack_index_forget(struct vdm_pack_index *x, const struct vdm_pack_probe *p,
                           struct vdm_err *err) VDM_MUST_CHECK;

#endif
