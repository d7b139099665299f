/* SPDX-License-Identifier: MIT */
/* The object store: documents by their SHA-256, each kept once. One interface, a backend a file
 * (store_folder.h, store_memory.h); tests/unit/store/store_contract.c holds every backend to:
 *
 * put   S1  An object is hashed while it is copied: its id is the digest of the bytes kept.
 *       S2  A put that fails adds nothing: no object, no leftover (a killed process may leave one).
 *       S3  If the id is there, the existing object is hashed again. Good: nothing changes.
 *       S4  Bad (changed, cut short, not a file): it is set aside, never deleted, the fresh bytes
 *           take its place and `repaired` says so. A folder in its place is left there, and the put
 *           refused; an object that cannot be read fails it.
 *       S5  No name is overwritten and no reader sees part of an object. (While a bad one makes
 *           room, there is a moment in which readers find none.)
 *       S6  Puts of one id side by side, through other handles and processes, all succeed.
 * sync  S7  On return every object put before is durable.
 *       S8  A sync that fails is final: every later put and sync on the handle fails.
 * get   S9  Gives the bytes as they stand, and their number. They are not hashed: who needs to know
 *           whether they are good hashes them, or asks vdm_store_check.
 *       S10 A link, device or folder in place of an object is an error and is not followed.
 * each  S11 Every object once, in bounded memory, in an order that suits the disk; and the name of
 *           everything that does not belong there, in no order.
 *       S12 The visitor can stop it.
 * erase S14 The object's bytes, and those of every bad one of its id that was set aside, are overwritten
 *           before their names go; durable on return. Without any of them there is nothing to do.
 *       S15 What is no file in the object's place is left there, and refused.
 * aside S16 What stands in the object's place is taken out of it, unread: for what the disk does not
 *           give any more. It is kept. Nothing there: nothing to do. A folder is refused.
 * all   S13 A handle opened for reading writes nothing: put, sync, erase and the like are VDM_ERR_USAGE.
 *
 * A handle belongs to one thread. While a put runs, its read function may get from the same handle
 * but must neither put nor check. */
#ifndef VDM_STORE_STORE_H
#define VDM_STORE_STORE_H

#include "base/file.h"
#include "crypto/crypto.h"

#define VDM_SIZE_UNKNOWN UINT64_MAX

struct vdm_store;

/* What a put found and did. */
struct vdm_stored {
    struct vdm_digest id;
    uint64_t size_bytes;
    bool was_new;  /* no such object stood there before */
    bool repaired; /* a bad one did, and was set aside (then was_new is false) */
};

/* An object being read: `r.read(&r, ...)`. Zero-initialise, close when done. It goes on giving the
 * bytes of the object it was opened on, also when that is repaired meanwhile; close it before the
 * store. */
struct vdm_store_reader {
    vdm_read_fn *read;
    uint64_t size_bytes;
    void (*close)(struct vdm_store_reader *r); /* backends: NULL while nothing is open */
    int fd;
    struct vdm_bytes rest;
    bool window; /* of a larger file: from `at` to `end` */
    uint64_t at, end;
    /* What was read along with its header: good as long as nothing else was asked of the handle. */
    struct vdm_bytes ahead;
    unsigned turn;
    struct vdm_pack_in_hand *pack;
};
/* Pass over n bytes, or to the end. Before anything else was read with an error. */
bool vdm_store_reader_skip(struct vdm_store_reader *r, uint64_t n,
                           struct vdm_err *err) VDM_MUST_CHECK;
void vdm_store_reader_close(struct vdm_store_reader *r); /* for VDM_CLEANUP; a zeroed one is fine */

/* What is wrong with a stranger. */
enum vdm_store_trouble {
    VDM_STORE_STRANGE,     /* it does not belong there */
    VDM_STORE_INDEX_WRONG, /* it does not lead to all objects: vdm_store_reindex makes it anew */
};

/* What each() meets. */
struct vdm_store_item {
    const char *stranger; /* NULL for an object; else a path below the store folder, unescaped, of
                           * something that does not belong there (`id` and size mean nothing) */
    enum vdm_store_trouble trouble;
    struct vdm_digest id;
    uint64_t size_bytes;
};
/* Set *stop to end the visit without an error; false ends it with one, which each() passes on. */
typedef bool vdm_store_visit_fn(void *ctx, const struct vdm_store_item *item, bool *stop,
                                struct vdm_err *err);

/* Store what `read` gives, to its end. `size_hint`, or VDM_SIZE_UNKNOWN, lets a full disk be seen
 * before a large object is copied; it need not be right. An error of `read` is passed on as it is,
 * the store's own begin with "store: ". Fails without space, memory or permission; VDM_ERR_REFUSED
 * for S4's folder. */
bool vdm_store_put(struct vdm_store *s, vdm_read_fn *read, void *ctx, uint64_t size_hint,
                   struct vdm_stored *out, struct vdm_err *err) VDM_MUST_CHECK;
/* Documents that are in memory, in their order, each as vdm_store_put would, but at the price of one lock. On failure
 * *done of them were put, and the error is that of the next. */
struct vdm_store_document {
    struct vdm_bytes bytes;
    struct vdm_stored stored; /* of those that were put */
};
bool vdm_store_put_all(struct vdm_store *s, struct vdm_store_document *d, size_t n, size_t *done,
                       struct vdm_err *err) VDM_MUST_CHECK;
bool vdm_store_sync(struct vdm_store *s, struct vdm_err *err) VDM_MUST_CHECK;
/* Without such an object: VDM_ERR_NOT_FOUND; with something else in its place: VDM_ERR_REFUSED. */
bool vdm_store_get(struct vdm_store *s, struct vdm_digest id, struct vdm_store_reader *r,
                   struct vdm_err *err) VDM_MUST_CHECK;
bool vdm_store_each(struct vdm_store *s, vdm_store_visit_fn *visit, void *ctx,
                    struct vdm_err *err) VDM_MUST_CHECK;
/* For who gets most objects, and then wants to know which others there are: of those that were got through a handle
 * that passes over `m`, which any number of handles on one store may, vdm_store_each may leave out any, though not
 * what is damaged or in a wrong place. `m` is borrowed until they are closed; NULL: none is left out any more. */
struct vdm_store_met;
bool vdm_store_met_open(struct vdm_store_met **out, struct vdm_err *err) VDM_MUST_CHECK;
void vdm_store_met_close(struct vdm_store_met *m); /* NULL is fine */
void vdm_store_pass_over(struct vdm_store *s, struct vdm_store_met *m);
void vdm_store_close(struct vdm_store *s);    /* NULL is fine; syncs nothing */
void vdm_store_cleanup(struct vdm_store **s); /* for VDM_CLEANUP */

/* For documents that were withdrawn. The caller keeps others from putting the same object meanwhile. With its size (or
 * VDM_SIZE_UNKNOWN) it is found also where what led to it is damaged. */
bool vdm_store_erase(struct vdm_store *s, struct vdm_digest id, uint64_t size_bytes,
                     struct vdm_err *err) VDM_MUST_CHECK;
bool vdm_store_set_aside(struct vdm_store *s, struct vdm_digest id,
                         struct vdm_err *err) VDM_MUST_CHECK;
/* Make anew what was derived from the objects to find them, where there is such a thing. */
bool vdm_store_reindex(struct vdm_store *s, struct vdm_err *err) VDM_MUST_CHECK;
/* Is there an object of this id? Its bytes are not looked at. */
bool vdm_store_holds(struct vdm_store *s, struct vdm_digest id, bool *yes,
                     struct vdm_err *err) VDM_MUST_CHECK;

/* Is the object good? A finding, not an error: false only if it could not be looked at. */
enum vdm_store_state {
    VDM_STORE_GOOD,
    VDM_STORE_DAMAGED, /* other bytes, or another size than expected */
    VDM_STORE_MISSING,
    VDM_STORE_NOT_A_FILE,
};
/* `size_bytes`: as expected, or VDM_SIZE_UNKNOWN. A file of another size is not read, one that grows
 * meanwhile not to its end. */
bool vdm_store_check(struct vdm_store *s, struct vdm_digest id, uint64_t size_bytes,
                     enum vdm_store_state *state, struct vdm_err *err) VDM_MUST_CHECK;

/* For backends. The calls above check S8 and S13 and come here only when they hold. */
struct vdm_store_ops {
    bool (*put)(struct vdm_store *s, vdm_read_fn *read, void *ctx, uint64_t size_hint,
                struct vdm_stored *out, struct vdm_err *err);
    bool (*put_all)(struct vdm_store *s, struct vdm_store_document *d, size_t n, size_t *done,
                    struct vdm_err *err); /* NULL: one by one */
    bool (*sync)(struct vdm_store *s, struct vdm_err *err);
    bool (*get)(struct vdm_store *s, struct vdm_digest id, struct vdm_store_reader *r,
                struct vdm_err *err);
    /* Cheaper than get; where it says no, get is asked. Or NULL. */
    bool (*plainly_holds)(struct vdm_store *s, struct vdm_digest id, bool *yes,
                          struct vdm_err *err);
    bool (*each)(struct vdm_store *s, vdm_store_visit_fn *visit, void *ctx, struct vdm_err *err);
    bool (*erase)(struct vdm_store *s, struct vdm_digest id, uint64_t size_bytes,
                  struct vdm_err *err);
    bool (*set_aside)(struct vdm_store *s, struct vdm_digest id, struct vdm_err *err);
    bool (*reindex)(struct vdm_store *s, struct vdm_err *err); /* or NULL */
    void (*close)(struct vdm_store *s);                        /* releases the base too, frees s */
};

/* The head of every backend's handle. */
struct vdm_store {
    const struct vdm_store_ops *ops;
    bool writable;
    bool failed; /* a sync did, S8 */
    struct vdm_hash *hash;
    uint8_t *copy;             /* VDM_COPY_BYTES */
    struct vdm_store_met *met; /* or NULL */
};
bool vdm_store_init(struct vdm_store *s, const struct vdm_store_ops *ops, bool writable,
                    struct vdm_crypto *crypto, struct vdm_err *err) VDM_MUST_CHECK;
void vdm_store_release(struct vdm_store *s);

/* vdm_store_check without the "store: " before its errors. */
bool vdm_store_look(struct vdm_store *s, struct vdm_digest id, uint64_t size_bytes,
                    enum vdm_store_state *state, struct vdm_err *err) VDM_MUST_CHECK;

typedef bool vdm_store_sink_fn(void *ctx, struct vdm_bytes data, struct vdm_err *err);
/* Read to the end, hash, and hand on in pieces of VDM_COPY_BYTES (only the last is shorter). Sets
 * id and size of *out. */
bool vdm_store_copy(struct vdm_store *s, vdm_read_fn *read, void *ctx, vdm_store_sink_fn *sink,
                    void *sink_ctx, struct vdm_stored *out, struct vdm_err *err) VDM_MUST_CHECK;

#endif
