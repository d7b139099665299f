/* SPDX-License-Identifier: MIT */
/* What the files that write a bundle share. */
#ifndef VDM_OPS_BUNDLE_MAKE_H
#define VDM_OPS_BUNDLE_MAKE_H

#include "bundle/layout.h"
#include "format/disclosure.h"
#include "ops/bundle.h"
#include "tlog/proof.h"

/* --- bundle_spool.c: bytes that are hashed and counted while they wait in a scratch file --- */

struct vdm_spool {
    int fd;
    struct vdm_hash *hash;
    struct vdm_buf pending; /* not written yet; or read and not taken yet, */
    size_t at;              /* from here on */
    uint64_t bytes;
    uint64_t left;            /* not read back yet */
    struct vdm_digest digest; /* once ended */
};
/* In the folder `dir`, if that can be. */
bool vdm_spool_open(struct vdm_spool *s, struct vdm_crypto *c, int dir,
                    struct vdm_err *err) VDM_MUST_CHECK;
void vdm_spool_release(struct vdm_spool *s); /* a zeroed one is fine */
bool vdm_spool_put(struct vdm_spool *s, struct vdm_bytes data, struct vdm_err *err) VDM_MUST_CHECK;
bool vdm_spool_end(struct vdm_spool *s, struct vdm_err *err) VDM_MUST_CHECK;
/* Hand on everything that was put, from the start, in pieces. */
typedef bool vdm_spool_sink_fn(void *ctx, struct vdm_bytes data, struct vdm_err *err);
bool vdm_spool_copy(const struct vdm_spool *s, vdm_spool_sink_fn *sink, void *ctx,
                    struct vdm_err *err) VDM_MUST_CHECK;
/* Read it back bit by bit: rewind, then take all of it. At the end it must be what was put. */
bool vdm_spool_rewind(struct vdm_spool *s, struct vdm_err *err) VDM_MUST_CHECK;
bool vdm_spool_take(struct vdm_spool *s, uint8_t *p, size_t n, struct vdm_err *err) VDM_MUST_CHECK;
static inline bool vdm_spool_at_end(const struct vdm_spool *s)
{
    return s->left == 0 && s->at == s->pending.n;
}
bool vdm_spool_check(struct vdm_spool *s, struct vdm_err *err) VDM_MUST_CHECK;

/* --- bundle_make_proof.c: many inclusion proofs in one tree, in rising order --- */

/* The tiles on the way, each with all the nodes above its hashes, are kept until another one of
 * their level is asked for: a proof then costs look-ups, and a tile 255 hashes once. */
struct vdm_prover;
bool vdm_prover_open(struct vdm_prover **out, const struct vdm_tiles *tiles, uint64_t size,
                     struct vdm_err *err) VDM_MUST_CHECK;
void vdm_prover_close(struct vdm_prover *p);    /* NULL is fine */
void vdm_prover_cleanup(struct vdm_prover **p); /* for VDM_CLEANUP */
/* Gives what vdm_tiles_inclusion gives. */
bool vdm_prover_inclusion(struct vdm_prover *p, uint64_t index, struct vdm_tree_proof *out,
                          struct vdm_err *err) VDM_MUST_CHECK;

/* --- bundle_rows.c: entries and records in rising order --- */

/* Where neighbours follow, they are read a slice at a time: to look each up costs locks and pages. */
struct vdm_rows {
    struct vdm_crypto *crypto;
    struct vdm_ledger *ledger;
    uint64_t end; /* nothing from here on is read ahead */
    struct vdm_ledger_slice slice;
};
void vdm_rows_release(struct vdm_rows *r);
/* `n` is the next, and its neighbours will follow soon. */
bool vdm_rows_ahead(struct vdm_rows *r, uint64_t n, struct vdm_err *err) VDM_MUST_CHECK;
/* As vdm_archive_entry and vdm_ledger_record, wherever the row is. */
bool vdm_rows_entry(struct vdm_rows *r, uint64_t n, struct vdm_buf *bytes, struct vdm_note *note,
                    struct vdm_entry *out, struct vdm_err *err) VDM_MUST_CHECK;
bool vdm_rows_record(struct vdm_rows *r, uint64_t n, struct vdm_buf *out, bool *found,
                     struct vdm_err *err) VDM_MUST_CHECK;
/* Do the numbers from number[i] on, of `count` rising ones, stand close together? */
bool vdm_rows_dense(const uint64_t *number, size_t count, size_t i);

/* --- bundle_select.c: what goes into it --- */

/* An amendment or withdrawal of a selected capture. */
struct vdm_follower {
    uint64_t capture, n;
    bool amendment;
    enum vdm_scope scope; /* of a withdrawal */
};

struct vdm_selected {
    uint64_t *n; /* captures, rising */
    size_t count, cap;
    uint64_t *fields; /* of each, as vdm_bundle_request.fields; NULL before vdm_bundle_choose */
    struct vdm_follower *follower; /* by capture, then by number */
    size_t followers, followers_cap;
};
void vdm_selected_release(struct vdm_selected *s);
/* Where capture n stands in it; false: nowhere. */
bool vdm_selected_find(const struct vdm_selected *s, uint64_t n, size_t *at);
/* Everything below `size` that the request selects, and what follows it. */
bool vdm_bundle_select(struct vdm_archive *a, const struct vdm_bundle_request *r, uint64_t size,
                       const struct vdm_progress *progress, struct vdm_selected *out,
                       struct vdm_err *err) VDM_MUST_CHECK;

/* --- bundle_choose.c: what is shown of each --- */

bool vdm_bundle_choose(const struct vdm_bundle_request *r, struct vdm_selected *s,
                       struct vdm_err *err) VDM_MUST_CHECK;

/* --- the two passes --- */

struct vdm_bundle_job {
    struct vdm_archive *a;
    const struct vdm_bundle_request *r;
    const struct vdm_signer *sealer;
    const struct vdm_progress *progress;

    struct vdm_buf checkpoint;
    struct vdm_checkpoint head; /* borrows from it */
    struct vdm_time as_of;
    struct vdm_report report;
    struct vdm_entry_check keys;
    struct vdm_selected selected;

    /* What the first pass makes, and the second writes. `files` and `tags` are the later lines of the
     * two manifests, `members` a frame for each later member, with its bytes but for documents. */
    struct vdm_spool selection, index, files, tags, members;
    uint64_t documents, document_bytes, withdrawn, partly, doubted;
    struct vdm_buf keys_named; /* struct vdm_pubkey, sorted, each once */

    struct vdm_hash *hash;
    struct vdm_buf entry, line; /* of what is at hand */
};

/* How many threads, the caller among them, for so many captures: to start them takes longer than what they do for a few. */
static inline unsigned vdm_bundle_threads(const struct vdm_bundle_job *j, uint64_t captures)
{
    enum { FEW = 64 };
    return j->r->threads ? j->r->threads : captures < FEW ? 1 : 0;
}

/* In `members`: a member's name and size, and its bytes; or the document that is to be its content. */
struct vdm_bundle_frame {
    uint64_t group, n, size; /* n: the capture of a document */
    bool is_document;
    struct vdm_digest document;
    char path[VDM_LAYOUT_PATH_MAX + 1];
};

/* --- bundle_make_capture.c --- */

/* What some captures have for the scratch files and the counts. */
struct vdm_bundle_part {
    struct vdm_buf index, files, tags, members;
    uint64_t documents, document_bytes, withdrawn, partly, doubted;
};
void vdm_bundle_part_clear(struct vdm_bundle_part *p);
void vdm_bundle_part_release(struct vdm_bundle_part *p);

/* What one thread needs to make it. */
struct vdm_bundle_maker {
    const struct vdm_bundle_job *j;
    struct vdm_crypto *crypto;
    struct vdm_rows rows;
    struct vdm_prover *prover;
    struct vdm_inclusion_way way; /* of the proof that was made last */
    struct vdm_bundle_part *out;
    struct vdm_bundle_job
        *in_turn;   /* what is made may be put away at once; NULL: others come before it */
    uint64_t group; /* of the captures, the one at hand, from 1 on */
    struct vdm_buf capture, entry, proof, record, shown; /* of what is at hand */
    struct vdm_buf newest_shown; /* of the newest record of the capture at hand */
};
/* Borrows all that it is given. */
bool vdm_bundle_maker_open(struct vdm_bundle_maker *m, const struct vdm_bundle_job *j,
                           struct vdm_crypto *crypto, struct vdm_ledger *ledger,
                           struct vdm_err *err) VDM_MUST_CHECK;
void vdm_bundle_maker_release(struct vdm_bundle_maker *m); /* a zeroed one is fine */
/* Entry n and its proof; *e borrows from `bytes`. */
bool vdm_bundle_make_entry(struct vdm_bundle_maker *m, uint64_t n, struct vdm_buf *bytes,
                           struct vdm_entry *e, struct vdm_err *err) VDM_MUST_CHECK;
/* The i-th of the captures that are selected, with what follows it. */
bool vdm_bundle_make_capture(struct vdm_bundle_maker *m, size_t i,
                             const struct vdm_follower *follower, size_t followers,
                             struct vdm_err *err) VDM_MUST_CHECK;

/* --- bundle_make_members.c --- */

/* Into the scratch files, and *p is clear again. */
bool vdm_bundle_put_part(struct vdm_bundle_job *j, struct vdm_bundle_part *p,
                         struct vdm_err *err) VDM_MUST_CHECK;

/* Genesis and key entries, the captures with what belongs to them, the newest entry;
 * checked, hashed, spooled. */
bool vdm_bundle_make_members(struct vdm_bundle_job *j, struct vdm_err *err) VDM_MUST_CHECK;
/* bundle_write_members.c: all of it into the tar, with the documents from the store. */
struct vdm_tar_writer;
bool vdm_bundle_write_members(struct vdm_bundle_job *j, struct vdm_tar_writer *tar,
                              struct vdm_err *err) VDM_MUST_CHECK;

/* --- bundle_text.c, bundle_verify_text.c: the texts for people --- */

/* What INDEX.txt says of one selected capture. Only what goes along in the bundle is in here. */
struct vdm_index_item {
    const struct vdm_entry *entry; /* the capture's */
    struct vdm_bytes
        shown; /* its record or disclosure, or that of the newest amendment; n == 0: none */
    uint64_t amended_by; /* UINT64_MAX: by nothing */
    uint64_t withdrawn_by;
    enum vdm_scope scope; /* of all withdrawals together */
    const char *file;     /* NULL: none here */
};
void vdm_bundle_index_head(const struct vdm_bundle_job *j, struct vdm_buf *out);
/* *hidden: lines of the record that are not shown. */
bool vdm_bundle_index_item(struct vdm_crypto *c, const struct vdm_index_item *item,
                           struct vdm_buf *out, uint64_t *hidden,
                           struct vdm_err *err) VDM_MUST_CHECK;
void vdm_bundle_verify_text(const struct vdm_bundle_job *j, struct vdm_buf *out);

/* The lines that a record or a disclosure shows, one after another. */
struct vdm_shown {
    bool whole; /* a record */
    struct vdm_bytes rest;
    uint64_t hidden;
};
bool vdm_shown_open(struct vdm_crypto *c, struct vdm_bytes text, struct vdm_shown *out,
                    struct vdm_err *err) VDM_MUST_CHECK;
bool vdm_shown_next(struct vdm_shown *s, struct vdm_record_line *out);

#endif
