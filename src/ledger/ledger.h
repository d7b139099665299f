/* SPDX-License-Identifier: MIT */
/* ledger.db: the entries in order, the records they commit to, the Merkle tree over them, its signed
 * checkpoints. Authoritative. It keeps bytes and their order; what they mean, and whether they are
 * right, is for ops/ to say.
 *
 * INVARIANTS
 *   I1  What is committed never changes and never goes away; a record goes only if it is withdrawn.
 *                                                                     schema.c; tests/unit/ledger/test_ledger.c
 *   I2  Entries are dense from 0.                                 schema.c; test_ledger.c
 *   I4  Entries and the checkpoint that covers them commit in one transaction; one size, one checkpoint.
 *                                                                 vdm_ledger_commit; test_ledger.c
 * STATES
 *   OPEN --begin--> WRITING --commit--> OPEN;  WRITING --rollback or close--> OPEN, nothing kept */
#ifndef VDM_LEDGER_LEDGER_H
#define VDM_LEDGER_LEDGER_H

#include "tlog/tile.h"

struct vdm_ledger;

enum vdm_ledger_mode { VDM_LEDGER_READ, VDM_LEDGER_WRITE };

/* A new, empty ledger.db in the store folder; not durable before its first commit.
 * page_size: 512 to 65536, 0 for the usual one. */
bool vdm_ledger_create(const char *store, int page_size, struct vdm_err *err) VDM_MUST_CHECK;
/* Opening for writing rolls back what a crash interrupted; opening for reading then fails with
 * VDM_ERR_RECOVER. VDM_ERR_NOT_FOUND: no ledger there. VDM_ERR_MALFORMED: the header
 * is not that of a ledger. The schema is not compared here. */
bool vdm_ledger_open(struct vdm_ledger **out, const char *store, enum vdm_ledger_mode mode,
                     struct vdm_err *err) VDM_MUST_CHECK;
void vdm_ledger_close(struct vdm_ledger *l); /* NULL is fine */
void vdm_ledger_cleanup(struct vdm_ledger **l);

/* *why says in what file header or schema differ from what this version makes; empty if they do not.
 * Of a ledger that a later version made nothing can be said: VDM_ERR_FAILED tells that. */
bool vdm_ledger_check_schema(const char *store, struct vdm_buf *why,
                             struct vdm_err *err) VDM_MUST_CHECK;

/* --- reading: each call is a short transaction of its own --- */

/* How many entries the newest checkpoint covers; 0 without a checkpoint. */
bool vdm_ledger_size(struct vdm_ledger *l, uint64_t *size, struct vdm_err *err) VDM_MUST_CHECK;
/* Append to `out`; *found says whether there is one. */
bool vdm_ledger_entry(struct vdm_ledger *l, uint64_t n, struct vdm_buf *out, bool *found,
                      struct vdm_err *err) VDM_MUST_CHECK;
bool vdm_ledger_record(struct vdm_ledger *l, uint64_t n, struct vdm_buf *out, bool *found,
                       struct vdm_err *err) VDM_MUST_CHECK;
bool vdm_ledger_checkpoint(struct vdm_ledger *l, uint64_t size, struct vdm_buf *out, bool *found,
                           struct vdm_err *err) VDM_MUST_CHECK;
/* The first entry from <= n < to whose note begins with these bytes, `vidimus/audit/` for example. */
bool vdm_ledger_next(struct vdm_ledger *l, struct vdm_bytes beginning, uint64_t from, uint64_t to,
                     uint64_t *n, bool *found, struct vdm_err *err) VDM_MUST_CHECK;
/* The same of two beginnings, whichever comes first. */
bool vdm_ledger_next_of_two(struct vdm_ledger *l, struct vdm_bytes beginning,
                            struct vdm_bytes other, uint64_t from, uint64_t to, uint64_t *n,
                            bool *found, struct vdm_err *err) VDM_MUST_CHECK;
/* The last one below `before`. */
bool vdm_ledger_last(struct vdm_ledger *l, struct vdm_bytes beginning, uint64_t before, uint64_t *n,
                     bool *found, struct vdm_err *err) VDM_MUST_CHECK;
/* How many of them there are. */
bool vdm_ledger_count(struct vdm_ledger *l, struct vdm_bytes beginning, uint64_t from, uint64_t to,
                      uint64_t *count, struct vdm_err *err) VDM_MUST_CHECK;
/* A vdm_tile_read_fn; ctx is the ledger. Keeps the few tiles read last. */
bool vdm_ledger_read_tile(void *ctx, uint8_t level, uint64_t index, unsigned width,
                          struct vdm_digest *hashes, struct vdm_err *err);

/* A run of rows, copied out so that nothing is locked while they are looked at. Zero-initialise. */
struct vdm_ledger_row {
    uint64_t n; /* entry number; of a checkpoint: its size */
    struct vdm_bytes bytes;
    bool odd; /* not a blob of a plausible number: the database was edited or damaged */
};
struct vdm_ledger_slice {
    uint64_t from, to; /* entries from <= n < to were looked for */
    size_t entries, records, checkpoints;
    struct vdm_ledger_row *entry, *record;
    struct vdm_ledger_row *checkpoint; /* of sizes from < size <= to */
    struct vdm_buf memory;             /* what the rows point into */
    size_t cap[3];
};
/* Entries from `from` on, and their records and checkpoints: at most 1000, at most about 1 MiB, none
 * from `end` on. slice->to is where to go on; behind the last entry it is `end` at once, however far that is. */
bool vdm_ledger_read_slice(struct vdm_ledger *l, uint64_t from, uint64_t end,
                           struct vdm_ledger_slice *slice, struct vdm_err *err) VDM_MUST_CHECK;
void vdm_ledger_slice_release(struct vdm_ledger_slice *slice);

/* How many rows there are in all, table by table, whatever their numbers: a damaged table can hold rows
 * that no search by number comes upon. The caller knows how many there should be. */
struct vdm_ledger_counts {
    uint64_t entries, records, checkpoints;
    uint64_t tiles, hashes; /* hashes: of those tiles that are of the right types */
    uint64_t others;        /* in tables that should hold nothing */
};
bool vdm_ledger_counts(struct vdm_ledger *l, struct vdm_ledger_counts *out,
                       struct vdm_err *err) VDM_MUST_CHECK;

/* --- the file itself --- */

/* SHA-256 of ledger.db as it lies on the disk, with SQLite's count of the writes to it: two digests of
 * one count must be the same, or the disk has changed what nobody wrote. *steady false: somebody wrote
 * to it meanwhile. Takes no lock. */
struct vdm_ledger_file {
    uint32_t writes;
    struct vdm_digest digest;
};
bool vdm_ledger_file(const char *store, struct vdm_crypto *c, struct vdm_ledger_file *out,
                     bool *steady, struct vdm_err *err) VDM_MUST_CHECK;
/* A copy of the whole, as of one moment, as ledger.db in another store folder: in place of one that is
 * there, and durable, if `accept` is happy with the folder `aside` below it, where it is made. Who
 * writes meanwhile is not held up for long. */
typedef bool vdm_ledger_accept_fn(void *ctx, const char *aside, struct vdm_err *err);
bool vdm_ledger_copy(struct vdm_ledger *l, const char *store, vdm_ledger_accept_fn *accept,
                     void *ctx, struct vdm_err *err) VDM_MUST_CHECK;

/* --- writing --- */

/* Who waits for long is told once for whom: a phrase like "vidimus (process 4711)". */
#define VDM_LEDGER_WAIT_MS 1500
struct vdm_ledger_wait {
    void (*tell)(void *ctx, const char *holder); /* NULL: nobody */
    bool (*stop)(void *ctx); /* wait no longer: VDM_ERR_INTERRUPTED; NULL: never */
    void *ctx;
};
/* One writer at a time, over all programs: from lock to unlock. Waits up to `seconds`; `wait` may be
 * NULL. */
bool vdm_ledger_lock(struct vdm_ledger *l, unsigned seconds, const struct vdm_ledger_wait *wait,
                     struct vdm_err *err) VDM_MUST_CHECK;
void vdm_ledger_unlock(struct vdm_ledger *l);

bool vdm_ledger_begin(struct vdm_ledger *l, struct vdm_err *err) VDM_MUST_CHECK;
bool vdm_ledger_put_entry(struct vdm_ledger *l, uint64_t n, struct vdm_bytes note,
                          struct vdm_err *err) VDM_MUST_CHECK;
/* After its entry. */
bool vdm_ledger_put_record(struct vdm_ledger *l, uint64_t n, struct vdm_bytes text,
                           struct vdm_err *err) VDM_MUST_CHECK;
/* A vdm_tile_write_fn; ctx is the ledger. */
bool vdm_ledger_write_tile(void *ctx, uint8_t level, uint64_t index, unsigned width,
                           const struct vdm_digest *hashes, struct vdm_err *err);
/* One over all entries put so far that is not to be the last of the transaction: only where a ledger is
 * built anew from rows that were committed before. */
bool vdm_ledger_put_checkpoint(struct vdm_ledger *l, uint64_t size, struct vdm_bytes note,
                               struct vdm_err *err) VDM_MUST_CHECK;
/* Adds the checkpoint over all entries put so far and makes everything since begin durable. */
bool vdm_ledger_commit(struct vdm_ledger *l, uint64_t size, struct vdm_bytes checkpoint,
                       struct vdm_err *err) VDM_MUST_CHECK;
/* Erase the records of these entries, durably, and leave no trace of them in the file: it is written
 * anew as a whole, which takes time and as much space again. Only what a withdrawal that is committed
 * names can go. Not inside a transaction; those that are not there are passed over. */
bool vdm_ledger_erase_records(struct vdm_ledger *l, const uint64_t *n, size_t count,
                              struct vdm_err *err) VDM_MUST_CHECK;
void vdm_ledger_rollback(struct vdm_ledger *l); /* does nothing outside a transaction */

#endif
