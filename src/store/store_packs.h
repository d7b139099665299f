/* SPDX-License-Identifier: MIT */
/* The folder store with packs (docs/FORMATS.md, "Packs"): documents below 1 MiB lie in `packs/NNNNNN.tar`,
 * found by `packs/index`; larger ones, and those that lay there before, as files in objects/.
 *
 * Who changes a pack or the index holds the lock of packs/ meanwhile, so that a member and its slot come
 * together, and one id is put once. Readers take no lock: slots are written after members, and places never
 * change. Inside of src/store only. */
#ifndef VDM_STORE_STORE_PACKS_H
#define VDM_STORE_STORE_PACKS_H

#include "store/pack_file.h"
#include "store/pack_index.h"
#include "store/store_folder.h"

#define VDM_PACK_BYTES ((uint64_t)1 << 30) /* of one pack, about */
/* What lies behind that is of no pack of ours, and is not read: slots reach no further. */
#define VDM_PACK_MOST     ((uint64_t)1 << 31)
#define VDM_PACKS_IN_HAND 4
/* Read along with a header; and where one member is asked for behind the other. */
#define VDM_PACK_ALONG ((size_t)16 << 10)
#define VDM_PACK_AHEAD ((size_t)64 << 10)

/* A pack that is open for reading, as long as anybody uses it. */
struct vdm_pack_in_hand {
    int fd;
    uint32_t number;
    uint64_t length; /* as it was seen last */
    unsigned users;
    struct vdm_packs *of;
};

/* What was read ahead of one pack. A handle that only reads looks there for members that stand behind the one that it
 * had last, for a moment: nothing is had twice, and nothing that the disk held long ago. */
struct vdm_pack_ahead {
    uint8_t *p; /* VDM_PACK_AHEAD, or NULL */
    size_t n;
    uint32_t pack;
    uint64_t at, next; /* where it begins, and where what was not had yet does */
    uint64_t read_ms;
    unsigned turn; /* one more with each reading */
};

struct vdm_packs {
    struct vdm_store base;
    struct vdm_store *files; /* objects/ */
    int dir;                 /* packs/ */
    struct vdm_pack_index index;
    uint32_t packs; /* one more than the highest number that was seen */
    struct vdm_pack_in_hand *in_hand[VDM_PACKS_IN_HAND]; /* for reading; or NULL */
    bool reads_ahead;                                    /* what is behind a header, too, */
    struct vdm_pack_ahead ahead;
    unsigned tail_looks; /* at members behind the marks */
    /* For writing. */
    uint8_t *document;      /* VDM_PACK_DOCUMENT_MAX + 1 */
    uint64_t limit;         /* bytes of a pack */
    uint8_t older[256 / 8]; /* folders of objects/ that were there when it was opened */
    int active;             /* the pack that was appended to last, or -1 */
    uint32_t active_number;
    uint64_t active_end; /* up to here all members have their slots */
    bool sound;          /* the index led to every member when a document was first erased */
    bool touched;        /* a put was answered since the last sync, */
    bool files_touched;  /* and by objects/ */
};

/* --- packs_find.c --- */

/* The lock over all processes; for VDM_CLEANUP: `int locked VDM_CLEANUP(vdm_packs_unlock) = -1`. */
bool vdm_packs_lock(struct vdm_packs *p, int *locked, struct vdm_err *err) VDM_MUST_CHECK;
void vdm_packs_unlock(int *locked);

struct vdm_pack_name {
    char text[16];
};
struct vdm_pack_name vdm_pack_name(uint32_t number);

/* How much of a file of this size is read as a pack. */
uint64_t vdm_pack_length(off_t size);

/* Count on: others may have made packs. */
void vdm_packs_count(struct vdm_packs *p);
/* Those that are there, one bit each; strangers go to the visitor, which may be NULL. */
bool vdm_packs_list(struct vdm_packs *p, uint8_t there[VDM_PACKS_MAX / 8],
                    vdm_store_visit_fn *visit, void *ctx, bool *stop,
                    struct vdm_err *err) VDM_MUST_CHECK;
/* NULL is fine. */
void vdm_pack_let_go(struct vdm_pack_in_hand *h);
/* For reading, borrowed, with its length now. */
bool vdm_packs_open(struct vdm_packs *p, uint32_t number, int *fd, uint64_t *length,
                    struct vdm_err *err) VDM_MUST_CHECK;

struct vdm_packed {
    struct vdm_pack_probe probe;
    struct vdm_pack_place place;
    struct vdm_pack_member m;
    bool broken; /* a slot leads to a header that is none */
    int fd;      /* borrowed */
    struct vdm_pack_in_hand *pack;
    struct vdm_bytes ahead; /* from its header on: what was read along with it; borrowed, or none */
};
bool vdm_packs_find(struct vdm_packs *p, struct vdm_digest id, struct vdm_packed *out, bool *found,
                    struct vdm_err *err) VDM_MUST_CHECK;
/* The same in the index as it was refreshed last: what it finds is there, what it does not find may be in one
 * that has taken its place. Under the lock none can. */
bool vdm_packs_look_up(struct vdm_packs *p, struct vdm_digest id, struct vdm_packed *out,
                       bool *found, struct vdm_err *err) VDM_MUST_CHECK;
/* Does a slot of the id, one set aside too, lead to this place? */
bool vdm_packs_leads(struct vdm_packs *p, struct vdm_digest id, uint32_t pack, uint64_t offset,
                     bool *leads, bool *aside, struct vdm_err *err) VDM_MUST_CHECK;
struct vdm_pack_scan vdm_packs_scan(struct vdm_packs *p, int fd, uint64_t from, uint64_t length);

/* --- packs_write.c: under the lock --- */

/* -1 and errno: it cannot be opened. */
int vdm_packs_open_to_write(struct vdm_packs *p, uint32_t number);

/* In their order, up to the first that fails: *done of them are there. */
bool vdm_packs_append(struct vdm_packs *p, const struct vdm_pack_new *member, size_t n,
                      size_t *done, struct vdm_err *err) VDM_MUST_CHECK;
/* Without the lock. */
bool vdm_packs_sync(struct vdm_packs *p, struct vdm_err *err) VDM_MUST_CHECK;

/* --- packs_put.c: S1 to S6 of store.h --- */

/* Small documents in objects/ are from before there were packs. Looks which folders may have some, once. */
bool vdm_packs_look_for_older(struct vdm_packs *p, int store, struct vdm_err *err) VDM_MUST_CHECK;

bool vdm_packs_put(struct vdm_store *s, vdm_read_fn *read, void *ctx, uint64_t size_hint,
                   struct vdm_stored *out, struct vdm_err *err) VDM_MUST_CHECK;
bool vdm_packs_put_all(struct vdm_store *s, struct vdm_store_document *d, size_t n, size_t *done,
                       struct vdm_err *err) VDM_MUST_CHECK;

/* --- packs_erase.c: under the lock --- */

bool vdm_packs_erase(struct vdm_packs *p, struct vdm_digest id, uint64_t size_bytes,
                     struct vdm_err *err) VDM_MUST_CHECK;
/* What stands in the id's place counts no more, unread. */
bool vdm_packs_set_aside(struct vdm_packs *p, struct vdm_digest id,
                         struct vdm_err *err) VDM_MUST_CHECK;

/* --- packs_learn.c: under the lock --- */

/* Teach the index what it lacks, cut off what a killed writer left; an index that is none is made anew. */
bool vdm_packs_catch_up(struct vdm_packs *p, struct vdm_err *err) VDM_MUST_CHECK;
bool vdm_packs_reindex(struct vdm_packs *p, struct vdm_err *err) VDM_MUST_CHECK;
/* The members of one pack from `from` on; *end is where the next one may be appended. A torn one at the
 * end is cut off with `cut`, for which the pack must be open for writing. */
bool vdm_packs_learn(struct vdm_packs *p, int fd, uint32_t number, uint64_t from, bool cut,
                     uint64_t *end, struct vdm_err *err) VDM_MUST_CHECK;

/* --- store_packs.c --- */

/* For tests: another length at which a new pack is begun. Nothing where there are no packs. */
void vdm_store_packs_limit(struct vdm_store *s, uint64_t bytes);

#endif
