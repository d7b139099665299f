/* SPDX-License-Identifier: MIT */
/* What a check saw. A finding is not an error: the check ran, and this is what it found. The words are
 * those of the manual and of --json. */
#ifndef VDM_OPS_REPORT_H
#define VDM_OPS_REPORT_H

#include "base/limits.h"
#include "base/time.h"
#include "format/keyring.h"

enum vdm_finding_kind {
    VDM_DOCUMENT_MISSING,
    VDM_DOCUMENT_CORRUPT,
    VDM_DOCUMENT_UNMATCHED,
    VDM_SLICE_MISMATCH,
    VDM_RECORD_MISSING,
    VDM_RECORD_MISMATCH,
    VDM_ENTRY_MALFORMED,
    VDM_ENTRY_OF_UNKNOWN_KIND,
    VDM_CHAIN_BROKEN,
    VDM_SIGNATURE_INVALID,
    VDM_SIGNER_UNAUTHORIZED,
    VDM_LEAF_MISMATCH,
    VDM_CHECKPOINT_INVALID,
    VDM_TREE_MISMATCH,
    VDM_TRUNCATED,
    VDM_ROLLED_BACK,
    VDM_FORKED,
    VDM_CATALOG_MISMATCH,
    VDM_LEDGER_SCHEMA,
    VDM_BAG_INVALID,
    VDM_PROOF_INVALID,
    VDM_UNSEALED,
    VDM_UNEXPECTED_MEMBER,
    VDM_KEY_UNTRUSTED,
    VDM_QUORUM_UNMET,
    VDM_DOCUMENT_UNREADABLE,
    VDM_READ_UNSTEADY,
    VDM_LEDGER_DAMAGED,
    VDM_SLACK_ROT,
    VDM_AUDIT_OVERDUE,
    VDM_FINDING_KINDS,
    /* Notices do not change the verdict. */
    VDM_CLOCK_BACKWARDS = VDM_FINDING_KINDS,
    VDM_FRESHNESS_UNKNOWN,
    VDM_COMPLETENESS_NOT_PROVED,
    VDM_RE_ATTESTED,
    VDM_CATALOG_BEHIND,
    VDM_ORPHAN_DOCUMENT,
    VDM_EVIDENCE_NOT_CHECKED,
    VDM_ERASURE_PENDING,
    VDM_DOCUMENT_BUSY,
    VDM_AUDIT_NOT_RECORDED,
    VDM_SLICE_NOT_CHECKED,
    VDM_KINDS
};
const char *vdm_kind_word(enum vdm_finding_kind kind);

#define VDM_NO_ENTRY UINT64_MAX

/* All strings owned by the report; NULL: does not apply. Unescaped. */
struct vdm_finding {
    enum vdm_finding_kind kind;
    uint64_t entry; /* or VDM_NO_ENTRY */
    char *document; /* its name in a bundle, or its digest */
    char *expected;
    char *found;
    char *message;
    bool repaired; /* of an audit: a good copy has taken its place */
};

enum vdm_verdict {
    VDM_VERIFIED,
    VDM_ALTERED,
    VDM_INCOMPLETE,
    VDM_INTACT_UNTRUSTED,
    VDM_COULD_NOT_CHECK,
    VDM_NO_MATCH, /* what was checked is good, but a document that the reader gave is not in it */
    VDM_VERDICTS
};
const char *vdm_verdict_words(enum vdm_verdict v);

struct vdm_findings {
    struct vdm_finding *list; /* the first VDM_FINDINGS_MAX */
    size_t count, cap;
    uint64_t total;
};

struct vdm_report {
    bool is_bundle;
    char origin[VDM_NAME_MAX + 1]; /* empty: not known */
    uint64_t size;                 /* of the checkpoint that was checked against */
    struct vdm_digest root;
    /* Of a fork proof: what the other checkpoint says, which contradicts that. 0: nothing could be read. */
    uint64_t other_size;
    struct vdm_digest other_root;
    bool has_time; /* `recorded` of the newest entry */
    struct vdm_time time;
    uint64_t entries, documents, bytes;   /* checked */
    uint64_t captures, withdrawn, partly; /* items of a bundle, or captures of an archive */
    uint64_t slices; /* records whose document was found to be a slice of another, as they say */
    uint64_t absent; /* items, not withdrawn, whose document was neither in the bundle nor given */
    struct vdm_continued continues; /* what genesis says that this ledger goes on from: a claim */
    uint64_t extended; /* checkpoints kept elsewhere that the archive was found to extend */
    bool trusted;
    char trusted_key[VDM_NAME_MAX + 1]; /* name of the key that vouches, or of the authority */
    struct vdm_pubkey key;
    char fingerprint[20];
    uint64_t kinds[VDM_KINDS]; /* how many of each */
    struct vdm_findings findings, notices;
    bool no_memory; /* something could not be noted down; then there is no verdict */
};

void vdm_report_init(struct vdm_report *r);
void vdm_report_release(struct vdm_report *r);

/* Note a finding or notice. `expected`, `found` and `document` may be NULL; the message is formatted. */
struct vdm_seen {
    enum vdm_finding_kind kind;
    uint64_t entry;
    const char *document, *expected, *found;
    bool repaired;
};
void vdm_report_add(struct vdm_report *r, struct vdm_seen seen, const char *message, ...)
    VDM_PRINTF(3, 4);

uint64_t vdm_report_findings(const struct vdm_report *r); /* notices not counted */
enum vdm_verdict vdm_report_verdict(const struct vdm_report *r);
/* The exit status that goes with it: 0, 1, 3 or 4. */
int vdm_verdict_status(enum vdm_verdict v);

/* --- what long work tells, and whether it should stop --- */

struct vdm_progress {
    /* Both may be NULL. total == 0: not known. */
    void (*tell)(void *ctx, const char *doing, uint64_t done, uint64_t total, uint64_t bytes);
    bool (*stop)(void *ctx); /* asked between units of work */
    void *ctx;
};
void vdm_progress_tell(const struct vdm_progress *p, const char *doing, uint64_t done,
                       uint64_t total, uint64_t bytes);
bool vdm_progress_stop(const struct vdm_progress *p);

#endif
