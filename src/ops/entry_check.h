/* SPDX-License-Identifier: MIT */
/* The check of one entry after another, the same for a whole archive and for a bundle: form, position,
 * chain, keyring, signer, signature. What needs the tree, records or documents is the caller's.
 *
 * First every genesis and key entry is fed, in order; then entries are checked in rising order. */
#ifndef VDM_OPS_ENTRY_CHECK_H
#define VDM_OPS_ENTRY_CHECK_H

#include "format/keyring.h"
#include "ops/report.h"

/* A capture whose signer's key was revoked may be vouched for again later on. */
struct vdm_doubted {
    uint64_t capture;
    uint64_t entry; /* the capture itself, or an amendment of it */
    uint64_t revoked_by, since;
};

/* An amendment that vouches for its capture, or a withdrawal that takes its record away. */
struct vdm_vouching {
    uint64_t capture, by;
    bool withdraws;
};

struct vdm_key_entry {
    uint64_t n;
    const char *without_effect; /* the rule that it breaks, or NULL */
};

struct vdm_entry_check {
    struct vdm_crypto *crypto;
    struct vdm_report *report;
    struct vdm_keyring keyring;
    bool has_genesis;
    struct vdm_key_entry *key_entry; /* genesis and key entries, rising */
    size_t key_entries;
    /* of the entry checked last */
    bool has_last;
    uint64_t last_n;
    struct vdm_digest last_text;
    struct vdm_time last_recorded;
    struct vdm_doubted *doubted;
    size_t doubts, doubts_cap;
    struct vdm_vouching *vouching;
    size_t vouchings, vouchings_cap;
};

void vdm_entry_check_init(struct vdm_entry_check *k, struct vdm_crypto *c, struct vdm_report *r);
void vdm_entry_check_release(struct vdm_entry_check *k);

/* Take a genesis or key entry into the keyring, if its signature is good. What is wrong with it is
 * noted when it is checked, not here. */
bool vdm_entry_check_feed(struct vdm_entry_check *k, struct vdm_bytes note, uint64_t n,
                          struct vdm_err *err) VDM_MUST_CHECK;

/* Is entry n one of those that were fed? */
bool vdm_entry_check_is_key_entry(const struct vdm_entry_check *k, uint64_t n);

struct vdm_checked_entry {
    bool decoded; /* the rest means something */
    bool signer_good;
    struct vdm_entry entry;
};
/* Entry n of the ledger; findings go to the report. *out borrows from `bytes`. */
bool vdm_entry_check_next(struct vdm_entry_check *k, uint64_t n, struct vdm_bytes bytes,
                          struct vdm_checked_entry *out, struct vdm_err *err) VDM_MUST_CHECK;
/* The check of its signature alone, which takes most of the time: by the key that the keyring, fed to its
 * end, has for its signer. Depends on nothing else and may run ahead, on any thread with its own `c`. */
enum vdm_signature_state {
    VDM_SIGNATURE_UNKNOWN, /* not looked at, or there is no such key */
    VDM_SIGNATURE_GOOD,
    VDM_SIGNATURE_BAD,
};
enum vdm_signature_state vdm_entry_check_signature(const struct vdm_entry_check *k,
                                                   struct vdm_crypto *c,
                                                   const struct vdm_note *note,
                                                   const struct vdm_entry *e);
/* What depends on nothing but the bytes of an entry and the keyring. */
struct vdm_known_entry {
    bool decoded; /* it has its form: the rest means something, and borrows from the bytes */
    struct vdm_entry entry;
    struct vdm_digest text; /* hash of what is signed */
    enum vdm_signature_state signature;
};
/* vdm_entry_check_next where that is known. NULL, or not decoded: it is found out here. */
bool vdm_entry_check_next_known(struct vdm_entry_check *k, uint64_t n, struct vdm_bytes bytes,
                                const struct vdm_known_entry *known, struct vdm_checked_entry *out,
                                struct vdm_err *err) VDM_MUST_CHECK;
/* An amendment or a withdrawal by who may sign it, with no finding about it or its place in the tree: it
 * settles what was doubted of its capture before; a withdrawal of the document alone does not. To be said
 * by the caller, who alone knows all of that. */
bool vdm_entry_check_vouch(struct vdm_entry_check *k, const struct vdm_entry *e,
                           struct vdm_err *err) VDM_MUST_CHECK;
/* After the last: doubts that have been settled become notices, the others findings. */
void vdm_entry_check_end(struct vdm_entry_check *k);

/* Check the ledger's own signature lines of a checkpoint note of this size; notes checkpoint-invalid.
 * `signer`, if not NULL, gets the key that signed. */
bool vdm_check_checkpoint_signature(struct vdm_entry_check *k, const struct vdm_note *note,
                                    uint64_t size, const struct vdm_key_range **signer);

#endif
