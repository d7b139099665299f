/* SPDX-License-Identifier: MIT */
/* Questions that are answered from an archive without checking all of it: what is known of a capture, which captures
 * there are, a document's bytes, proofs, what the archive holds. A record is compared with its entry. */
#ifndef VDM_OPS_QUERY_H
#define VDM_OPS_QUERY_H

#include "format/value.h"
#include "ops/fate.h"

/* The record of a capture or an amendment; its text is appended, and out borrows from it where it is SIGNED. What is
 * shown must not be what somebody wrote into the database: it is compared with what the entry vouches for. Whether
 * the entry itself is good, only the check of the whole ledger says. */
enum vdm_record_state { VDM_RECORD_NONE, VDM_RECORD_SIGNED, VDM_RECORD_OTHER };
bool vdm_query_record(struct vdm_archive *a, const struct vdm_entry *e, struct vdm_buf *text,
                      struct vdm_record *out, enum vdm_record_state *state,
                      struct vdm_err *err) VDM_MUST_CHECK;

/* One entry and what belongs to it. Zero-initialise, use again, release. */
struct vdm_view {
    uint64_t n;
    struct vdm_buf note_bytes;
    struct vdm_note note;
    struct vdm_entry entry;
    bool has_record; /* of the newest amendment, where there is one; never what is withdrawn */
    bool record_withdrawn;
    bool record_mismatch; /* there is one, and it is not what was signed: as if there were none */
    struct vdm_buf record_text;
    struct vdm_record record;
    struct vdm_fate fate; /* of a capture */
    bool has_withdrawal;  /* the newest; it borrows from withdrawal_bytes */
    struct vdm_buf withdrawal_bytes;
    struct vdm_entry withdrawal;
};
void vdm_view_release(struct vdm_view *v);
bool vdm_view_open(struct vdm_archive *a, uint64_t n, struct vdm_view *v,
                   struct vdm_err *err) VDM_MUST_CHECK;

/* The catalog, or an error that says how to get one. *behind: how many entries it does not know yet. */
bool vdm_query_catalog(struct vdm_archive *a, uint64_t *behind, struct vdm_err *err) VDM_MUST_CHECK;

/* Captures that the filter lets through, each opened in turn; at most `limit` (0: all). */
typedef bool vdm_view_fn(void *ctx, const struct vdm_view *v, struct vdm_err *err);
bool vdm_query_captures(struct vdm_archive *a, const struct vdm_catalog_filter *filter,
                        uint64_t limit, vdm_view_fn *tell, void *ctx,
                        struct vdm_err *err) VDM_MUST_CHECK;

/* SHA-256 and length of a file on disk. */
bool vdm_query_file(struct vdm_crypto *c, const char *path, struct vdm_digest *digest,
                    uint64_t *size, struct vdm_err *err) VDM_MUST_CHECK;

/* The bytes of a capture's document, in pieces. They are hashed on the way: damage is an error, after
 * the bytes that came before it was seen. */
typedef bool vdm_bytes_fn(void *ctx, struct vdm_bytes piece, struct vdm_err *err);
bool vdm_query_document(struct vdm_archive *a, uint64_t n, vdm_bytes_fn *take, void *ctx,
                        struct vdm_err *err) VDM_MUST_CHECK;

/* The signed checkpoint of this size (0: the newest), appended. There is one for each commit only. */
bool vdm_query_checkpoint(struct vdm_archive *a, uint64_t size, struct vdm_buf *note,
                          struct vdm_err *err) VDM_MUST_CHECK;
/* A tlog-proof of entry n in the newest checkpoint, with the entry as `extra`, appended. */
bool vdm_query_proof(struct vdm_archive *a, uint64_t n, struct vdm_buf *out,
                     struct vdm_err *err) VDM_MUST_CHECK;

struct vdm_status {
    char origin[VDM_NAME_MAX + 1];
    uint64_t size;
    struct vdm_digest root;
    bool has_last; /* `recorded` of the newest entry */
    struct vdm_time last;
    bool has_audit; /* the newest audit entry, and its `recorded`; whether it counts is not asked */
    uint64_t audit;
    struct vdm_time audited;
    bool has_catalog;
    struct vdm_catalog_totals totals;
    uint64_t behind;
    uint64_t free_bytes, ledger_bytes, catalog_bytes;
    enum vdm_guard_state guard;
    bool erasure_pending; /* something that was withdrawn is still there */
    bool needs_verify;    /* a write failed: the next command that writes verifies all first */
};
/* The keys come in `check->keyring`; initialise `check` first. */
bool vdm_query_status(struct vdm_archive *a, struct vdm_status *out, struct vdm_entry_check *check,
                      struct vdm_err *err) VDM_MUST_CHECK;

#endif
