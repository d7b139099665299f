/* SPDX-License-Identifier: MIT */
/* What the parts of vdm_verify_archive share: the pass (verify_archive.c), what is computed ahead of it on
 * all processors (verify_archive_ahead.c), what belongs to an entry (verify_archive_item.c), the catalog
 * (verify_archive_catalog.c), what is in the store and no entry's (verify_archive_orphans.c). */
#ifndef VDM_OPS_VERIFY_ARCHIVE_STATE_H
#define VDM_OPS_VERIFY_ARCHIVE_STATE_H

#include "ops/takedown.h"
#include "ops/verify_archive.h"

#define VDM_VERIFY_RECENT 16384 /* digests remembered as good, so that repeats are not read again */

/* A record or document that is not there: withdrawn, if a withdrawal follows. */
struct vdm_verify_missing {
    uint64_t capture, n;   /* n: the capture's or an amendment's */
    bool record, document; /* which of them */
    struct vdm_digest digest;
    bool damaged; /* it is there with other bytes: half erased, if it was withdrawn */
};

/* A good withdrawal. */
struct vdm_verify_withdrawal {
    uint64_t capture, n;
    bool record, document; /* what it withdraws */
};

/* An amendment that stands behind the first withdrawal of all. */
struct vdm_verify_late {
    uint64_t capture, n;
};

/* A document that was found good. */
struct vdm_verify_good {
    bool used;
    struct vdm_digest digest;
    uint64_t size;
};

/* What takes time and depends on nothing but an entry, its record and its document, and on the keyring:
 * computed ahead on any thread. What is not known here the pass finds out itself. A document that could
 * not be read ends the check, as it does without threads: it is not tried again in the hope that the
 * disk gives something better. */
struct vdm_verify_fact {
    bool has_leaf, has_commitment, has_document;
    bool unread; /* see the batch's trouble */
    struct vdm_known_entry entry;
    struct vdm_digest leaf, commitment;
    struct vdm_record record; /* where has_commitment; it borrows from the batch */
    enum vdm_store_state document;
};

/* A run of rows, and a fact for each entry. Zero-initialise. */
struct vdm_verify_batch {
    struct vdm_ledger_slice slice;
    struct vdm_verify_fact *fact;
    size_t facts_cap;
    size_t trouble_at; /* which fact is the first that is unread */
    struct vdm_err trouble;
};

/* A checkpoint that the archive must extend. */
struct vdm_verify_kept {
    struct vdm_bytes bytes;
    uint64_t size;
    const char *whose;
    bool is_guard;
};

struct vdm_verify {
    struct vdm_archive *a;
    const struct vdm_verify_options *o;
    const struct vdm_progress *progress;
    struct vdm_report *report;
    struct vdm_entry_check check;
    uint64_t size; /* entries that the newest checkpoint covers */
    struct vdm_digest root;
    struct vdm_tile_writer *tree; /* built anew from the entries */
    struct vdm_ledger_counts met; /* rows that were looked at */
    bool gap;                     /* the pass ended early */
    struct vdm_verify_ahead *ahead;
    const struct vdm_verify_fact *fact; /* of the entry at hand; NULL: nothing is known ahead */
    const struct vdm_err *trouble;      /* of its batch */
    struct vdm_verify_missing *missing;
    size_t missings, missings_cap;
    struct vdm_verify_withdrawal *withdrawal;
    size_t withdrawals, withdrawals_cap;
    struct vdm_verify_late *late;
    size_t lates, lates_cap;
    struct vdm_takedown held;    /* documents withdrawn alone and still there; and damaged ones */
    struct vdm_catalog *catalog; /* NULL: not to be used (any more) */
    uint64_t catalog_reach, catalog_version;
    struct vdm_catalog *catalog_held; /* or NULL */
    struct vdm_store_met *documents;  /* of the store, that were entries' */
    struct vdm_verify_kept *kept;
    size_t kepts;
    const struct vdm_verified *since; /* NULL: not to be used */
    struct vdm_buf guard;
    struct vdm_digest *findings; /* what audits found: stored like documents */
    size_t findings_n, findings_cap;
};

static inline struct vdm_seen vdm_seen_at(enum vdm_finding_kind kind, uint64_t n)
{
    return (struct vdm_seen){.kind = kind, .entry = n};
}

/* --- what this reader has checked before (verify_archive_since.c) --- */

/* Is it of this ledger, under this authority? And not newer than what is here. */
bool vdm_verify_start_since(struct vdm_verify *v, struct vdm_err *err) VDM_MUST_CHECK;
/* Was the signature of entry n checked then, by the key that its signer has now? */
bool vdm_verify_covers(const struct vdm_verify *v, uint64_t n, const struct vdm_entry *e);
/* The pass has reached `size` entries: are they the same as then? */
void vdm_verify_compare_since(struct vdm_verify *v, uint64_t size);

/* --- ahead of the pass --- */

/* Once the number of entries is known. */
bool vdm_verify_ahead_open(struct vdm_verify_ahead **out, const struct vdm_verify *v,
                           struct vdm_err *err) VDM_MUST_CHECK;
void vdm_verify_ahead_close(struct vdm_verify_ahead *a); /* NULL is fine */
/* How many are asked for; 0: one for each processor. With little to check, to start them takes longer than what they do. */
unsigned vdm_verify_threads(const struct vdm_verify *v);
/* Look at the entries of the slice. The batch, and the keyring, stay as they are until it is finished. */
bool vdm_verify_ahead_start(struct vdm_verify_ahead *a, struct vdm_verify_batch *b,
                            struct vdm_err *err) VDM_MUST_CHECK;
void vdm_verify_ahead_finish(struct vdm_verify_ahead *a);
void vdm_verify_batch_release(struct vdm_verify_batch *b);

/* A document that was found good lately need not be read again: digest and size compare whole. */
bool vdm_verify_recently_good(struct vdm_verify_ahead *a, const struct vdm_record *r);
void vdm_verify_remember_good(struct vdm_verify_ahead *a, const struct vdm_record *r);

/* --- what belongs to an entry --- */

/* The entry is decoded and stands where it says; `record` is its row, or NULL. */
bool vdm_verify_item(struct vdm_verify *v, const struct vdm_checked_entry *c,
                     const struct vdm_ledger_row *record, struct vdm_err *err) VDM_MUST_CHECK;
/* Something was missing: who takes down captures while this check runs erases what it has yet to read.
 * Withdrawals behind the checkpoint that is checked account for that, if the authority signed them. */
bool vdm_verify_meanwhile(struct vdm_verify *v, struct vdm_err *err) VDM_MUST_CHECK;
/* After the last: what is missing and no withdrawal accounts for becomes findings; so do amendments
 * of what was withdrawn before. What is withdrawn and still there is told. */
bool vdm_verify_settle(struct vdm_verify *v, struct vdm_err *err) VDM_MUST_CHECK;

/* --- what is in the store, and no entry's (verify_archive_orphans.c) --- */

/* After the pass, which knows what audits found, and met most documents. Whether others are an entry's the catalog
 * is asked, so only where it is complete. */
bool vdm_verify_orphans(struct vdm_verify *v, struct vdm_err *err) VDM_MUST_CHECK;

/* --- what audits found (verify_archive_audit.c) --- */

bool vdm_verify_audit(struct vdm_verify *v, const struct vdm_entry *e,
                      struct vdm_err *err) VDM_MUST_CHECK;
bool vdm_verify_is_findings(const struct vdm_verify *v, struct vdm_digest id);

/* --- verify_archive_slice.c --- */

/* What the record of entry n says to be a slice of another document: is it one? Where that document is here. */
bool vdm_verify_slices(struct vdm_verify *v, uint64_t n, const struct vdm_record *r,
                       struct vdm_err *err) VDM_MUST_CHECK;

/* --- the catalog --- */

/* It is derived: nothing that is wrong with it keeps the rest from being checked. */
bool vdm_verify_start_catalog(struct vdm_verify *v, struct vdm_err *err) VDM_MUST_CHECK;
/* Entry e is capture n or is about it; `r` is its record, NULL if there is none. */
void vdm_verify_catalog(struct vdm_verify *v, const struct vdm_entry *e, uint64_t n,
                        const struct vdm_record *r);
/* It is derived: what is wrong with it is a finding and keeps nothing else from being checked. One that
 * could not be looked at is as good as none. */
void vdm_verify_catalog_broken(struct vdm_verify *v, const struct vdm_err *why);
/* Between these two the catalog is looked at as one state, which costs a lock once instead of each time;
 * who writes to it waits meanwhile, so it is for moments. */
void vdm_verify_catalog_hold(struct vdm_verify *v);
void vdm_verify_catalog_let_go(struct vdm_verify *v);
/* The captures were compared one by one; this asks whether the catalog has more. */
void vdm_verify_count_catalog(struct vdm_verify *v);

#endif
