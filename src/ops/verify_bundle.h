/* SPDX-License-Identifier: MIT */
/* The check of what stands by itself, offline and without an archive: a bundle or receipt, a single
 * proof, a single checkpoint (docs/FORMATS.md, "Bundle").
 *
 * A bundle is read once, from front to back, in bounded memory; nothing is unpacked, and nothing is
 * opened by a name that stands in it. What is wrong with it goes to the report. false means only that
 * the check could not be carried out; VDM_ERR_MALFORMED then: this is no such thing at all. */
#ifndef VDM_OPS_VERIFY_BUNDLE_H
#define VDM_OPS_VERIFY_BUNDLE_H

#include "base/pool.h"
#include "bundle/layout.h"
#include "ops/trust_check.h"

/* A document that the reader holds himself, hashed before. */
struct vdm_given_document {
    const char *name; /* for messages */
    struct vdm_digest digest;
    uint64_t size;
    int fd; /* open for reading; -1: its bytes are not at hand */
    bool
        matched; /* set once a selected capture is of exactly these bytes, or of a slice of them; zero it before */
};

/* What became of a selected capture's document. */
enum vdm_item_document {
    VDM_ITEM_CHECKED,         /* here, and the bytes that were recorded */
    VDM_ITEM_GIVEN,           /* not here, but the reader gave exactly these bytes */
    VDM_ITEM_NOT_HERE,        /* a receipt: neither here nor given, so nothing was checked */
    VDM_ITEM_MISSING,         /* should be here (document-missing) */
    VDM_ITEM_CORRUPT,         /* here with other bytes (document-corrupt) */
    VDM_ITEM_UNDISCLOSED,     /* nothing open and good says which document it is */
    VDM_ITEM_WITHDRAWN,       /* not here, and does not belong here */
    VDM_ITEM_RECORD_WITHDRAWN /* so nothing says which document it is */
};

/* A withdrawal of a capture, without a finding. The texts are escaped; reason.n == 0: none. */
struct vdm_item_withdrawal {
    uint64_t n; /* its entry */
    enum vdm_scope scope;
    struct vdm_time recorded;
    struct vdm_bytes decided_by, reason;
};

#define VDM_ITEM_WITHDRAWALS 4 /* that are kept of one capture */

/* A selected capture, when all is known of it. Borrowed for the time of the call. */
struct vdm_bundle_item {
    uint64_t n;
    bool good;      /* no finding about it, its amendments, withdrawals and its document */
    bool has_entry; /* else its entry is missing or malformed, and the next three mean nothing */
    struct vdm_time recorded;
    struct vdm_bytes signer; /* key name */
    uint32_t signer_id;
    bool record_withdrawn, document_withdrawn; /* WITHDRAWN, by a withdrawal that is good */
    struct vdm_item_withdrawal withdrawal[VDM_ITEM_WITHDRAWALS]; /* the first ones that are good */
    size_t withdrawn_by;                                         /* how many of them */
    uint64_t amendments, withdrawals; /* entries in the bundle, good or not */
    /* The newest record or disclosure that fits its entry; text.n == 0: none. Of `text_of`, which is
     * n or an amendment's number. It decodes: by vdm_record_decode, or, if `disclosure`, by
     * vdm_disclosure_decode, and then `hidden` of its `lines` are not shown (PARTLY DISCLOSED). */
    struct vdm_bytes text;
    uint64_t text_of;
    bool amended; /* text.n > 0 and text_of != n: the next two are of that amendment */
    struct vdm_time amendment_recorded;
    struct vdm_bytes amendment_signer; /* key name */
    bool disclosure;
    uint64_t lines, hidden;
    enum vdm_item_document document;
    bool has_document; /* the next two are known */
    struct vdm_digest document_digest;
    uint64_t document_size;
    /* Its name below the top folder, as it stands or should stand; "": unknown. */
    const char *member;
};
typedef void vdm_bundle_item_fn(void *ctx, const struct vdm_bundle_item *item);

struct vdm_bundle_options {
    struct vdm_trust trust;
    bool allow_unsealed;
    struct vdm_given_document *given; /* only `matched` is written */
    size_t givens;
    struct vdm_pool *pool; /* idle threads that look ahead; NULL: none */
    /* Once for each selected capture, in order, but for those that are cut off; where the selection cannot
     * be read, for each capture as it stands. May be NULL. */
    vdm_bundle_item_fn *on_item;
    void *ctx;
};

/* `fd` is read from where it stands; `name` is for messages only, the form (plain, gzip, zstd) is told
 * by the content. `report` was initialised. VDM_ERR_MALFORMED: it does not begin like a
 * bundle, with the name of bagit.txt; a plain file that ends before that is none either. */
bool vdm_verify_bundle(struct vdm_crypto *c, int fd, const char *name,
                       const struct vdm_bundle_options *o, const struct vdm_progress *progress,
                       struct vdm_report *report, struct vdm_err *err) VDM_MUST_CHECK;

/* After the last bundle: a given document that no capture in any of them is of is a finding of its own
 * (document-unmatched). The reader asked whether these bytes are vouched for, and they are not; but
 * that says nothing against the bundle. */
void vdm_check_given(const struct vdm_given_document *given, size_t n, struct vdm_report *report);

/* --- a single proof, a single checkpoint --- */

struct vdm_proved_entry {
    bool decoded;           /* else the two below mean nothing */
    bool signature_checked; /* the signer's key is at hand: trusted by the reader, or genesis' own.
                             * Otherwise the tree alone vouches for the entry */
    struct vdm_note note;
    struct vdm_entry entry; /* borrows from `bytes` */
    struct vdm_buf bytes;   /* the entry's note */
};
void vdm_proved_entry_release(struct vdm_proved_entry *p);

/* A `.tlog-proof` file whose `extra` line holds the entry. Only a ledger key that the reader trusts, or
 * a log of his policy, can vouch for it: the authority cannot, since genesis, which would lead from it
 * to the ledger's key, is not here. Zero-initialise *out, release it. VDM_ERR_MALFORMED: no proof, or
 * one without `extra`. */
bool vdm_verify_proof(struct vdm_crypto *c, struct vdm_bytes proof, const struct vdm_trust *trust,
                      struct vdm_report *report, struct vdm_proved_entry *out,
                      struct vdm_err *err) VDM_MUST_CHECK;
/* A checkpoint note; the same keys can vouch. VDM_ERR_MALFORMED: it is none. */
bool vdm_verify_checkpoint(struct vdm_crypto *c, struct vdm_bytes note,
                           const struct vdm_trust *trust, struct vdm_report *report,
                           struct vdm_err *err) VDM_MUST_CHECK;

#endif
