/* SPDX-License-Identifier: MIT */
/* catalog.db: where things are. Derived from the ledger, rebuilt at any time; damage to it never
 * touches the ledger. It says up to which entry it reaches, and is brought up to date by whoever
 * writes. Texts in it stand escaped, as in records. */
#ifndef VDM_LEDGER_CATALOG_H
#define VDM_LEDGER_CATALOG_H

#include "format/entry.h"
#include "format/record.h"
#include "ledger/ledger.h"

struct vdm_catalog;

/* Reading fails with VDM_ERR_NOT_FOUND where there is none; writing makes a new one. A file that is
 * no catalog of this version: VDM_ERR_MALFORMED; but one of the version before is read. */
bool vdm_catalog_open(struct vdm_catalog **out, const char *store, enum vdm_ledger_mode mode,
                      struct vdm_err *err) VDM_MUST_CHECK;
void vdm_catalog_close(struct vdm_catalog *c); /* NULL is fine */
void vdm_catalog_cleanup(struct vdm_catalog **c);
/* Is the file that was opened still the one of that name? */
bool vdm_catalog_is_there(struct vdm_catalog *c);
/* Take all out of it, its bytes overwritten. Others who have it open see what it was or what it is. What
 * is withdrawn leaves the catalog in this way: what it holds is then made anew. */
bool vdm_catalog_clear(struct vdm_catalog *c, struct vdm_err *err) VDM_MUST_CHECK;
/* Throw the file away, its bytes overwritten, so that opening for writing starts afresh: for a file that
 * cannot be used. Whoever has it open is left with none. */
bool vdm_catalog_remove(const char *store, struct vdm_err *err) VDM_MUST_CHECK;

/* Entries 0..entries-1 are in it; `last` is the SHA-256 of the newest one's note (of nothing, for an
 * empty catalog): it tells whether this is the catalog of the ledger at hand. */
struct vdm_catalog_reach {
    uint64_t entries;
    struct vdm_digest last;
};
bool vdm_catalog_reached(struct vdm_catalog *c, struct vdm_catalog_reach *out,
                         struct vdm_err *err) VDM_MUST_CHECK;

/* Another number than before: somebody else has written to it meanwhile. */
bool vdm_catalog_version(struct vdm_catalog *c, uint64_t *out, struct vdm_err *err) VDM_MUST_CHECK;

/* --- writing --- */

bool vdm_catalog_begin(struct vdm_catalog *c, struct vdm_err *err) VDM_MUST_CHECK;
/* Take in the next entry; `record` is NULL where the ledger holds none (any more). */
bool vdm_catalog_learn(struct vdm_catalog *c, const struct vdm_entry *entry,
                       const struct vdm_record *record, struct vdm_err *err) VDM_MUST_CHECK;
bool vdm_catalog_commit(struct vdm_catalog *c, struct vdm_catalog_reach reach,
                        struct vdm_err *err) VDM_MUST_CHECK;
void vdm_catalog_rollback(struct vdm_catalog *c); /* NULL is fine */

/* --- asking --- */

/* What is asked until vdm_catalog_rollback is asked of one state, at the price of one lock. Who writes
 * waits meanwhile. */
bool vdm_catalog_hold(struct vdm_catalog *c, struct vdm_err *err) VDM_MUST_CHECK;

/* The newest capture of this document with this source and captured time; p == NULL: not stated,
 * which counts as a value. */
bool vdm_catalog_find_same(struct vdm_catalog *c, struct vdm_digest document,
                           struct vdm_bytes source, struct vdm_bytes captured, uint64_t *n,
                           bool *found, struct vdm_err *err) VDM_MUST_CHECK;
/* The same, but the first from entry `from` on and below `to`. */
bool vdm_catalog_next_same(struct vdm_catalog *c, struct vdm_digest document,
                           struct vdm_bytes source, struct vdm_bytes captured, uint64_t from,
                           uint64_t to, uint64_t *n, bool *found,
                           struct vdm_err *err) VDM_MUST_CHECK;
/* The newest capture of a source. */
bool vdm_catalog_last_of_source(struct vdm_catalog *c, struct vdm_bytes source, uint64_t *n,
                                bool *found, struct vdm_err *err) VDM_MUST_CHECK;

/* Is any capture of this document? */
bool vdm_catalog_has_document(struct vdm_catalog *c, struct vdm_digest document, bool *found,
                              struct vdm_err *err) VDM_MUST_CHECK;

/* Words that stand side by side in one value of a record. */
struct vdm_catalog_term {
    struct vdm_bytes words; /* as words/words.h makes them */
    bool begins;            /* the last one may go on */
    bool absent;            /* they do not stand there */
};
#define VDM_CATALOG_TERMS_MAX 32
/* Are values of this field searched? */
bool vdm_catalog_searches(enum vdm_field f);

/* Conditions that all hold; p == NULL, document NULL: any. Times compare with `recorded`. */
struct vdm_catalog_filter {
    struct vdm_bytes source, collection, issuer;
    struct vdm_bytes from, to; /* `YYYY-MM-DDTHH:MM:SSZ`, from <= recorded <= to */
    const struct vdm_digest *document;
    const struct vdm_catalog_term *term; /* all of them hold for the newest record */
    size_t terms;
    bool newest_first;
};
/* Up to `cap` numbers of captures, going on behind `after` (UINT64_MAX: from the start). */
bool vdm_catalog_list(struct vdm_catalog *c, const struct vdm_catalog_filter *filter,
                      uint64_t after, uint64_t *n, size_t cap, size_t *count,
                      struct vdm_err *err) VDM_MUST_CHECK;

/* The newest amendment and withdrawal of a capture; UINT64_MAX: none. *found false: no such capture. */
struct vdm_catalog_fate {
    uint64_t amended, withdrawn;
};
bool vdm_catalog_fate(struct vdm_catalog *c, uint64_t n, struct vdm_catalog_fate *out, bool *found,
                      struct vdm_err *err) VDM_MUST_CHECK;

/* What the catalog says of capture n, beside what the ledger says: that it was recorded then, and exactly what this
 * record says (NULL: nothing). */
struct vdm_catalog_compared {
    bool found; /* there is such a capture; else nothing is the same */
    bool same_time, same_record;
    struct vdm_catalog_fate fate;
};
bool vdm_catalog_compare(struct vdm_catalog *c, uint64_t n, struct vdm_time recorded,
                         const struct vdm_record *record, struct vdm_catalog_compared *out,
                         struct vdm_err *err) VDM_MUST_CHECK;
/* Collections, the one with most captures first. */
typedef bool vdm_catalog_collection_fn(void *ctx, struct vdm_bytes name, uint64_t captures);
bool vdm_catalog_collections(struct vdm_catalog *c, vdm_catalog_collection_fn *tell, void *ctx,
                             struct vdm_err *err) VDM_MUST_CHECK;
/* Captures, documents (distinct) and their bytes in all. */
struct vdm_catalog_totals {
    uint64_t captures, documents, bytes;
};
bool vdm_catalog_totals(struct vdm_catalog *c, struct vdm_catalog_totals *out,
                        struct vdm_err *err) VDM_MUST_CHECK;
/* How many captures it holds. *found: each is found by its document and by its source, and nothing else
 * is. To be asked of one state (vdm_catalog_hold). */
bool vdm_catalog_count(struct vdm_catalog *c, uint64_t *captures, bool *found,
                       struct vdm_err *err) VDM_MUST_CHECK;

#endif
