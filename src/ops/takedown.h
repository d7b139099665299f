/* SPDX-License-Identifier: MIT */
/* What withdrawals erase, and the erasing. Decided by the ledger alone: all entries and records are
 * read, since a catalog that was edited must not make a document go away that is still needed. */
#ifndef VDM_OPS_TAKEDOWN_H
#define VDM_OPS_TAKEDOWN_H

#include "ops/archive.h"

/* A capture that is, or is to be, withdrawn. */
struct vdm_taken {
    uint64_t capture;
    bool record, document; /* what goes */
    /* Filled in: */
    bool has_record; /* its record is there; else the next three mean nothing */
    struct vdm_digest digest;
    uint64_t size;
    uint64_t kept_for; /* another capture of the document, not withdrawn; UINT64_MAX: none */
};

/* A capture that was derived from a document that goes. */
struct vdm_part {
    uint64_t capture, of;
};

/* Zero-initialise; put the captures in with vdm_takedown_add, then plan; release. */
struct vdm_takedown {
    struct vdm_taken *taken; /* by capture */
    size_t takens, takens_cap;
    uint64_t *record; /* entries whose records are to be erased, rising */
    size_t records, records_cap;
    struct vdm_part *part; /* not taken, and not withdrawn so far that the digest is gone */
    size_t parts, parts_cap;
};
void vdm_takedown_release(struct vdm_takedown *t);
/* A capture that is in it already is taken down by both scopes. */
bool vdm_takedown_add(struct vdm_takedown *t, uint64_t capture, enum vdm_scope scope,
                      struct vdm_err *err) VDM_MUST_CHECK;
/* Adds what the good withdrawals among entries from <= n < size take away. */
bool vdm_takedown_collect(struct vdm_archive *a, uint64_t from, uint64_t size,
                          struct vdm_takedown *t, struct vdm_err *err) VDM_MUST_CHECK;
/* NULL: it is not in it. */
const struct vdm_taken *vdm_takedown_find(const struct vdm_takedown *t, uint64_t capture);
/* Look through the ledger's first `size` entries. May be called again after another add. */
bool vdm_takedown_plan(struct vdm_archive *a, struct vdm_takedown *t, uint64_t size,
                       struct vdm_err *err) VDM_MUST_CHECK;
/* Does this document go from the store? All its captures are withdrawn, and one of them with it. */
bool vdm_takedown_erases(const struct vdm_taken *t);
/* Does it stay (if it is there), though no capture tells of it any more? */
bool vdm_takedown_orphans(const struct vdm_taken *t);

/* Is genesis signed by the authority that it names, and is that the key of keys/authority.pub, where there
 * is one? An error tells. */
bool vdm_check_authority(struct vdm_archive *a, struct vdm_err *err) VDM_MUST_CHECK;

/* What was withdrawn, and was still there. */
struct vdm_erased {
    uint64_t documents, records;
};
/* Erase what the good withdrawals among entries from <= n < size take away, durably: documents first,
 * whose digests only the records know, then the records; the catalog is made empty, to be brought up
 * to date by the caller. Without withdrawals nothing is done. The caller holds the ledger's lock and
 * no transaction. Safe to run again.
 *
 * Erased is only what an intact ledger withdraws: its entries have the root of its newest checkpoint and,
 * at its size, of the guard; genesis is its authority's; each record is the one that its entry commits to.
 * Else it is an error, and nothing goes. */
bool vdm_erase_withdrawn(struct vdm_archive *a, uint64_t from, uint64_t size,
                         struct vdm_erased *erased, struct vdm_err *err) VDM_MUST_CHECK;
/* The same for all that was ever withdrawn, if anything of it is still there, or there again: from a
 * backup, say. *erased is added to, here and above, and may be NULL. */
bool vdm_erase_left(struct vdm_archive *a, uint64_t size, struct vdm_erased *erased,
                    struct vdm_err *err) VDM_MUST_CHECK;
/* Would that erase anything? Writes nothing. */
bool vdm_erase_is_pending(struct vdm_archive *a, uint64_t size, bool *yes,
                          struct vdm_err *err) VDM_MUST_CHECK;

#endif
