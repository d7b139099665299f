/* SPDX-License-Identifier: MIT */
/* The suite that every backend runs, sentence by sentence of store/store.h. */
#ifndef VDM_TESTS_STORE_CONTRACT_H
#define VDM_TESTS_STORE_CONTRACT_H

#include "store/store.h"

enum damage {
    DAMAGE_FLIP, /* one bit, the size stays */
    DAMAGE_CUT,  /* the last byte goes */
    DAMAGE_EMPTY,
    DAMAGE_GROW, /* one byte more */
};

struct store_backend;

struct store_fixture {
    const struct store_backend *backend;
    struct vdm_crypto *crypto;
    struct vdm_store *store;
    char path[64]; /* of the folder, where there is one */
};

struct store_backend {
    const char *name;
    void (*open)(struct store_fixture *x); /* a new empty store in x->store */
    void (*close)(struct store_fixture *x);
    void (*damage)(struct store_fixture *x, struct vdm_digest id, enum damage how);
    void (*break_sync)(struct store_fixture *x); /* the next sync fails, not those after it */
    size_t (*set_aside)(struct store_fixture *x);
    bool unordered; /* each() is in another order than that of digests */
    size_t (*leftovers)(struct store_fixture *x); /* beside objects and what was set aside */
};

/* Runs the suite; the number of tests that failed. */
int store_contract_run(const struct store_backend *backend);

/* For tests: setup and teardown with the backend as initial state, and a store that is easy to fill. */
int store_setup(void **state);
int store_teardown(void **state);

/* A source of bytes made from a seed: the same seed and size, the same bytes. */
struct source {
    uint64_t seed;
    size_t size, at;
    size_t step;     /* gives at most so many bytes at once, 0: as many as wanted */
    size_t fails_at; /* gives an error once so many were given; SIZE_MAX: never */
    unsigned calls;
};
struct source source(uint64_t seed, size_t size);
bool source_read(void *ctx, uint8_t *p, size_t cap, size_t *got, struct vdm_err *err);
struct vdm_digest source_digest(struct vdm_crypto *crypto, uint64_t seed, size_t size);
struct vdm_stored must_put(struct vdm_store *s, uint64_t seed, size_t size);
/* The object must be there with the source's bytes. */
void must_hold(struct vdm_store *s, struct vdm_digest id, uint64_t seed, size_t size);
enum vdm_store_state state_of(struct vdm_store *s, struct vdm_digest id);

/* What each() gave. */
struct seen {
    struct vdm_store_item items[512];
    char strangers[16][300];
    size_t objects, stranger_count;
    size_t stop_after; /* 0: never */
    bool fails;
};
bool seen_visit(void *ctx, const struct vdm_store_item *item, bool *stop, struct vdm_err *err);
size_t object_count(struct vdm_store *s);

#endif
