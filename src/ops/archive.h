/* SPDX-License-Identifier: MIT */
/* An archive that is open: its folder, keys/ and store/ below it, and the newest signed state. */
#ifndef VDM_OPS_ARCHIVE_H
#define VDM_OPS_ARCHIVE_H

#include "format/checkpoint.h"
#include "ledger/catalog.h"
#include "ledger/ledger.h"
#include "ops/entry_check.h"
#include "store/store.h"

struct vdm_fate_memory;

enum vdm_archive_mode { VDM_ARCHIVE_READ, VDM_ARCHIVE_WRITE };

struct vdm_archive {
    struct vdm_crypto *crypto; /* borrowed */
    char *path;
    char *store_path;
    int keys; /* keys/, open */
    struct vdm_store *store;
    struct vdm_ledger *ledger;
    struct vdm_catalog *catalog; /* NULL: there is none that can be used; see catalog_problem */
    bool catalog_writes;         /* it is open for writing */
    char catalog_problem[200];
    char origin[VDM_NAME_MAX + 1]; /* by genesis; empty if entry 0 cannot be read */
    struct vdm_fate_memory *fates; /* ops/fate.h */
    struct vdm_ledger_wait wait;   /* who is told that another writer is waited for */
};

/* VDM_ERR_NOT_FOUND: no archive at this path. VDM_ERR_RECOVER: opened for reading where a write was
 * interrupted. */
bool vdm_archive_open(struct vdm_archive **out, struct vdm_crypto *c, const char *path,
                      enum vdm_archive_mode mode, struct vdm_err *err) VDM_MUST_CHECK;
void vdm_archive_close(struct vdm_archive *a); /* NULL is fine */
void vdm_archive_cleanup(struct vdm_archive **a);

/* The newest checkpoint: its note appended to `note`, its fields in *head (borrowing from `note`).
 * A ledger without one is VDM_ERR_MALFORMED. */
bool vdm_archive_head(struct vdm_archive *a, struct vdm_buf *note, struct vdm_checkpoint *head,
                      struct vdm_err *err) VDM_MUST_CHECK;
/* The keys of the ledger as of its newest entry, in `check->keyring`; initialise `check` first. Follows
 * `keyring` back from the newest entry: as many reads as there are key entries. */
bool vdm_archive_keyring(struct vdm_archive *a, uint64_t size, struct vdm_entry_check *check,
                         struct vdm_err *err) VDM_MUST_CHECK;

/* The same for those who only ask who may sign: what is wrong with key entries is verify's to tell. The
 * caller releases *out; `size` gets the number of entries. */
bool vdm_archive_ring(struct vdm_archive *a, struct vdm_keyring *out, uint64_t *size,
                      struct vdm_err *err) VDM_MUST_CHECK;

/* Entry n, decoded; *out borrows from `bytes`. VDM_ERR_NOT_FOUND if there is none. */
bool vdm_archive_entry(struct vdm_archive *a, uint64_t n, struct vdm_buf *bytes,
                       struct vdm_note *note, struct vdm_entry *out,
                       struct vdm_err *err) VDM_MUST_CHECK;

/* The Merkle tree as it is stored. */
struct vdm_tiles vdm_archive_tiles(struct vdm_archive *a);

/* The error for a ledger without entries: the work of an interrupted `init`, or, where the guard in
 * the folder `keys` says so, of somebody who took the entries away. Always false. */
bool vdm_archive_fail_empty(int keys, struct vdm_err *err);

/* How the guard (keys/last-checkpoint) and the ledger stand to each other. */
enum vdm_guard_state {
    VDM_GUARD_CURRENT,
    VDM_GUARD_BEHIND, /* the ledger is a consistent extension: an acknowledgement was interrupted */
    VDM_GUARD_AHEAD,  /* the ledger was rolled back */
    VDM_GUARD_FORKED, /* the ledger has another history */
    VDM_GUARD_MISSING,
};
/* `guarded` gets the guard's size; `size`: of the ledger. */
bool vdm_archive_guard(struct vdm_archive *a, uint64_t size, enum vdm_guard_state *state,
                       uint64_t *guarded, struct vdm_err *err) VDM_MUST_CHECK;
/* The same without the ledger's lock, of the ledger as it is now, which has *size entries: who commits
 * between two looks is not taken for a rollback. */
bool vdm_archive_guard_now(struct vdm_archive *a, uint64_t *size, enum vdm_guard_state *state,
                           uint64_t *guarded, struct vdm_err *err) VDM_MUST_CHECK;
/* Is this checkpoint one that the ledger of `size` entries extends? BEHIND or CURRENT say yes. */
bool vdm_archive_extends(struct vdm_archive *a, uint64_t size, const struct vdm_checkpoint *old,
                         enum vdm_guard_state *state, struct vdm_err *err) VDM_MUST_CHECK;

/* Does the catalog's reach lie on this ledger of `size` entries? */
bool vdm_archive_catalog_fits(struct vdm_archive *a, const struct vdm_catalog_reach *reach,
                              uint64_t size, bool *yes, struct vdm_err *err) VDM_MUST_CHECK;
/* Take all out of the catalog, or make it afresh if it cannot be used. The caller holds the ledger's
 * lock. */
bool vdm_archive_empty_catalog(struct vdm_archive *a, struct vdm_err *err) VDM_MUST_CHECK;
/* Open the catalog for writing, and teach it what the ledger knows beyond it, in its own transactions.
 * The caller holds the ledger's lock. A catalog that cannot be used or is of another ledger is made
 * afresh. */
bool vdm_archive_catch_up(struct vdm_archive *a, uint64_t size, const struct vdm_progress *progress,
                          struct vdm_err *err) VDM_MUST_CHECK;

/* The error for a catalog that says of entry n what its record does not say. False. */
bool vdm_catalog_lies(uint64_t n, struct vdm_err *err);

#endif
